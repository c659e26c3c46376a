"""What an account asks for when it has a call placed, as values: what both APIs that place calls make of a request."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from ringback.calls.live import Detection, Record, Track
from ringback.ids import from_text, to_text
from ringback.switch.simulated.script import Script
from ringback.voxml.document import RecordingEvent
from ringback.voxml.model import NewDocument, NotifyRecording
from ringback.voxml.state import Start
from ringback.webhooks.credentials import joined_url
from ringback.webhooks.model import Endpoint, Method

WHOLE_CALL: Final = -1
"""The `op` of the recording of a whole call: the interpreter's begin with 1."""
LONGEST_RECORDING_S: Final = 86_400.0


class StatusCallback(Struct, frozen=True):
    """Who is told of a call's end, and of which ends, in Voxtelesys' words. `url` carries its credentials."""

    url: str
    method: Method = "POST"
    events: tuple[str, ...] = ("completed",)

    def __repr__(self) -> str:
        return "StatusCallback(***)"


_CALLBACK: Final = "status_callback"
_EVENTS: Final = "status_callback_events"


def callback_data(endpoint: int, wanted: StatusCallback) -> dict[str, str]:
    """What is kept of a callback in the call's first event: no URL, which may hold secrets, but the endpoint that has it."""
    return {_CALLBACK: to_text("ep", endpoint), _EVENTS: " ".join(wanted.events)}


def kept_callback(data: Mapping[str, Any], endpoint: Callable[[int], Endpoint | None]) -> StatusCallback | None:
    """The callback that a call's first event tells of; None: none, or its endpoint is not there any more."""
    found = endpoint(from_text("ep", str(data.get(_CALLBACK, ""))) or 0)
    if found is None or not found.of_calls:
        return None
    return StatusCallback(joined_url(found.url, found.basic), found.method, tuple(str(data.get(_EVENTS, "")).split()))


class Recorded(Struct, frozen=True):
    """The whole of a placed call is recorded, from its answer on. `url`: who is told of the recording's states, those of
    `events`."""

    channels: Literal[1, 2] = 1
    track: Track = "both"
    url: str | None = None
    method: Method = "POST"
    events: tuple[RecordingEvent, ...] = ("completed",)


class Placing(Struct, frozen=True, kw_only=True):
    """A call that an account wants placed, checked but for its limits. `first`: what is done once it is answered. `context`: what
    is known of the call (`trunk_id`, `crm_id`, `tag`, …); `variables`: those that its documents begin with; `data`: what else was
    asked for, for the record. `script`: what the callee does, on a simulated switch."""

    to: str
    from_: str
    first: Start | NewDocument
    timeout_s: float = 60.0
    detection: Detection | None = None
    record: Recorded | None = None
    status_callback: StatusCallback | None = None
    context: dict[str, Any] = {}
    variables: dict[str, str] = {}
    data: dict[str, Any] = {}
    script: Script | None = None


def whole_call(leg: str, wanted: Recorded | None) -> tuple[Record | None, tuple[NotifyRecording, ...]]:
    """The order to record a whole call, and who follows it."""
    if wanted is None:
        return None, ()
    record = Record(leg, WHOLE_CALL, LONGEST_RECORDING_S, channels=wanted.channels, track=wanted.track)
    if wanted.url is None:
        return record, ()
    return record, (NotifyRecording(leg, WHOLE_CALL, wanted.url, wanted.method, wanted.events),)
