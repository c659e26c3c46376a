"""What a caller gets when the application has no answer: what the number's fallback URL says, then a document of our own, so that
nobody meets silence."""

from typing import Final

from msgspec import Struct

from ringback.calls.directory import Voice
from ringback.voxml.document import Answer, Dial, Document, Hangup, Number, Say
from ringback.voxml.model import Purpose
from ringback.webhooks.model import Method

APOLOGY: Final = "We are sorry. Your call cannot be handled right now. Please try again later. Goodbye."


class Fallback(Struct, frozen=True, kw_only=True):
    """`url` is asked first, if there is one; `document` is what is run in the end."""

    url: str | None = None
    method: Method = "POST"
    document: Document = Document()


def fallback_of(voice: Voice | None, purpose: Purpose = "start") -> Fallback:
    """What a number's settings say; without settings, an apology.

    A whisper is heard by who was called, not by the caller: without its document the two are put through all the same.
    """
    if purpose == "whisper":
        return Fallback()
    if voice is None:
        return Fallback(document=apology(APOLOGY))
    document = apology(voice.say or APOLOGY) if voice.forward is None else forward(voice.forward)
    return Fallback(url=voice.fallback_url, method=voice.fallback_method, document=document)


def instead(fallback: Fallback) -> str:
    """The same in words, for whoever tries a call."""
    if fallback.url is not None:
        return "the fallback URL is asked instead"
    match fallback.document.body:
        case ():
            return "the call goes on without it"
        case (Dial(numbers=(number, *_)), *_):
            return f"the caller is put through to {number.number} instead"
    return "the caller hears an apology instead"


def apology(text: str) -> Document:
    """Answers, says it, hangs up."""
    return Document((Answer(), Say(text=text), Hangup()))


def forward(number: str) -> Document:
    """Puts the caller through to a number, who hears it ring until somebody answers."""
    return Document((Dial(answer_on_bridge=True, numbers=(Number(number=number),)), Hangup()))
