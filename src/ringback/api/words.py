"""What was said on a call is not for keys that may only look: recordings, their links (which open without a key), transcripts."""

from typing import Any, Final

from msgspec.structs import replace

from ringback.api.views import EventView
from ringback.engine.book import Identity
from ringback.errors import Forbidden

_RECORDING: Final = "recording"
_TRANSCRIPTION: Final = "transcription"


def listener(identity: Identity) -> Identity:
    """Lets only those pass who may hear and read what was said. Raises Forbidden."""
    if identity.role == "viewer":
        raise Forbidden("this key may look, and not hear what was said")
    return identity


def call_without_words(shown: dict[str, Any]) -> dict[str, Any]:
    """A call as a viewer sees it: there is a recording, or a transcript, and no more of either."""
    context = dict(shown["context"])
    if _RECORDING in context:
        context[_RECORDING] = _without(context[_RECORDING], "url")
    if _TRANSCRIPTION in context:
        context[_TRANSCRIPTION] = {}
    return {**shown, "context": context}


def event_without_words(shown: EventView) -> EventView:
    """An event as a viewer sees it."""
    if shown.type == f"call.{_RECORDING}":
        return replace(shown, data=_without(shown.data, "url"))
    return replace(shown, data={}) if shown.type == f"call.{_TRANSCRIPTION}" else shown


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
