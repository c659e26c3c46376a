"""What a caller hears while paying: the document's `<Prompt>`s where it has one that fits, our own English else. Pure.

How a Prompt is chosen (TwiML's `<Prompt>`, made exact; ours where it says nothing):
- Its `for` is what is asked, and each of `attempt`, `cardType` and `errorType` that it has must fit. One with `errorType` fits only
  after such an error. Of several the most particular one is played: by error, then by card type, then by attempt; among equals the
  first.
- One with `requireMatchingInputs` (and no `errorType`) is played when the same is asked a second time; that it is there is what
  makes it so.
- After an error, a Prompt that says nothing of attempts or errors gets our sentence about the error in front of it, unless Pay's
  language is not English: a question in Spanish with an English sentence in front helps nobody.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, islice, repeat
from typing import Any

from msgspec import Struct

from ringback.calls.live import Item, Sound, Speech, Tones
from ringback.voxml.document import CardType, Pay, PayError, Play, Prompt, PromptFor, Say
from ringback.voxml.prompting import MAX_ITEMS
from ringback.voxml.urls import absolute

QUESTIONS: Mapping[PromptFor, str] = {
    "payment-card-number": "Please enter your card number, followed by the pound key.",
    "expiration-date": "Please enter your card's expiration date: two digits for the month and two digits for the year.",
    "security-code": "Please enter the three digit security code on the back of your card.",
    "postal-code": "Please enter your billing postal code, followed by the pound key.",
    "bank-routing-number": "Please enter your bank's nine digit routing number.",
    "bank-account-number": "Please enter your bank account number, followed by the pound key.",
}
FOUR_DIGIT_CODE = "Please enter the four digit security code on the front of your card."
"""American Express has it there."""
AGAIN: Mapping[PromptFor, str] = {
    "payment-card-number": "Thank you. Please enter your card number once more.",
    "expiration-date": "Thank you. Please enter the expiration date once more.",
    "security-code": "Thank you. Please enter the security code once more.",
    "postal-code": "Thank you. Please enter your postal code once more.",
    "bank-routing-number": "Thank you. Please enter the routing number once more.",
    "bank-account-number": "Thank you. Please enter your bank account number once more.",
}
"""The second of two entries that must be the same."""
_NOTHING = "Sorry, nothing was entered."
_DIFFERENT = "Sorry, the two entries are not the same. Let us begin again."
ERRORS: Mapping[PromptFor, Mapping[PayError, str]] = {
    "payment-card-number": {
        "input-timeout": _NOTHING,
        "invalid-card-number": "Sorry, that is not a valid card number.",
        "invalid-card-type": "Sorry, cards of that kind are not accepted.",
        "input-matching-failed": _DIFFERENT,
    },
    "expiration-date": {
        "input-timeout": _NOTHING,
        "invalid-date": "Sorry, that date is not valid, or it is in the past.",
        "input-matching-failed": _DIFFERENT,
    },
    "security-code": {
        "input-timeout": _NOTHING,
        "invalid-security-code": "Sorry, that is not a valid security code.",
        "input-matching-failed": _DIFFERENT,
    },
    "postal-code": {
        "input-timeout": _NOTHING,
        "invalid-postal-code": "Sorry, that postal code is too short.",
        "input-matching-failed": _DIFFERENT,
    },
    "bank-routing-number": {
        "input-timeout": _NOTHING,
        "invalid-bank-routing-number": "Sorry, that is not a valid routing number.",
        "input-matching-failed": _DIFFERENT,
    },
    "bank-account-number": {
        "input-timeout": _NOTHING,
        "invalid-bank-account-number": "Sorry, that is not a valid account number.",
        "input-matching-failed": _DIFFERENT,
    },
}
"""Every error that an item can end in, with what is said of it before the question comes again."""
VOICES: Mapping[str, str] = {
    "en-AU": "Polly.Nicole",
    "en-GB": "Polly.Amy",
    "en-IN": "Polly.Raveena",
    "en-US": "Polly.Joanna",
}
"""Who speaks our own English; for every other language en-US does."""


class Asking(Struct, frozen=True):
    """What is asked now. `error`: why it is asked again. `again`: for the second of two entries that must be the same."""

    item: PromptFor
    attempt: int = 1
    card_type: CardType | None = None
    error: PayError | None = None
    again: bool = False


def asks_twice(pay: Pay, item: PromptFor) -> bool:
    """Must this be keyed twice?"""
    return any(prompt.require_matching_inputs for prompt in pay.prompts if prompt.for_ == item)


def chosen(pay: Pay, asking: Asking) -> Prompt | None:
    """The document's Prompt for this question, None: it has none that fits."""
    fitting = [prompt for prompt in pay.prompts if _fits(prompt, asking)]
    return max(fitting, key=_particular, default=None)


def items(pay: Pay, asking: Asking, base_url: str) -> tuple[Item, ...]:
    """What is played for this question, MAX_ITEMS at most. Relative URLs are resolved against the document's."""
    prompt = chosen(pay, asking)
    if prompt is None:
        error = () if asking.error is None else (_spoken(pay, _error(asking)),)
        return (*error, _spoken(pay, _question(asking)))
    own = tuple(islice(chain.from_iterable(_of_document(prompt, base_url)), MAX_ITEMS))
    if asking.error is None or prompt.error_types or prompt.attempts or not pay.language.startswith("en-"):
        return own
    return (_spoken(pay, _error(asking)), *own)


def history(prompt: Prompt, asking: Asking) -> dict[str, Any] | None:
    """The entry in the call's record for a Prompt that was played, None: it wants none."""
    if prompt.history == "disable":
        return None
    payload: dict[str, Any] = {"for": prompt.for_}
    if prompt.history == "full":
        payload |= {
            "errorType": asking.error or "",
            "attempt": asking.attempt,
            "cardType": asking.card_type or "",
            "requireMatchingInputs": prompt.require_matching_inputs,
        }
    return {"verb": "Prompt", "payload": payload}


def _fits(prompt: Prompt, asking: Asking) -> bool:
    return (
        prompt.for_ == asking.item
        and (prompt.require_matching_inputs and not prompt.error_types) == asking.again
        and (not prompt.attempts or asking.attempt in prompt.attempts)
        and (not prompt.card_types or asking.card_type in prompt.card_types)
        and (not prompt.error_types or asking.error in prompt.error_types)
    )


def _particular(prompt: Prompt) -> tuple[bool, bool, bool]:
    return bool(prompt.error_types), bool(prompt.card_types), bool(prompt.attempts)


def _question(asking: Asking) -> str:
    if asking.again:
        return AGAIN[asking.item]
    if asking.item == "security-code" and asking.card_type == "amex":
        return FOUR_DIGIT_CODE
    return QUESTIONS[asking.item]


def _error(asking: Asking) -> str:
    assert asking.error is not None
    return ERRORS[asking.item][asking.error]


def _spoken(pay: Pay, text: str) -> Speech:
    language = pay.language if pay.language in VOICES else "en-US"
    return Speech(text, VOICES[language], language)


def _of_document(prompt: Prompt, base_url: str) -> Iterator[Iterator[Item]]:
    """Each thing that a Prompt plays, as often as it says; one that is empty is left out."""
    for said in prompt.prompts:
        item = _item(said, base_url)
        if item is not None:
            yield repeat(item, said.loop)


def _item(said: Say | Play, base_url: str) -> Item | None:
    if isinstance(said, Say):
        return Speech(said.text, said.voice, said.language, said.ssml) if said.text.strip() else None
    if said.digits:
        return Tones(said.digits)
    return Sound(absolute(base_url, said.url)) if said.url else None
