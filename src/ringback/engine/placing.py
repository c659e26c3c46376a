"""What an account asks for when it has a call placed, as values: what the APIs that place calls make of a request."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from ringback.calls.directory import Number
from ringback.calls.live import Detection, Record, Track
from ringback.calls.numbers import classify
from ringback.ids import from_text, to_text
from ringback.switch.simulated.script import Script
from ringback.voxml import document
from ringback.voxml.document import Document, RecordingEvent
from ringback.voxml.model import NewDocument, NotifyRecording
from ringback.voxml.state import Start
from ringback.webhooks.credentials import joined_url
from ringback.webhooks.model import Endpoint, Method

if TYPE_CHECKING:
    from ringback.switch.embedded.sip.settings import Phone

WHOLE_CALL: Final = -1
"""The `op` of the recording of a whole call: the interpreter's begin with 1."""
LONGEST_RECORDING_S: Final = 86_400.0
PICK_UP_S: Final = 30.0
"""How long the extension of a click-to-dial rings. Ours, like the next."""
ANSWER_S: Final = 60
"""How long its destination does."""


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


class Caller(Struct, frozen=True):
    """Who is called first and put through once it has picked up: the extension of a click-to-dial. `shown`: the number that it
    sees."""

    extension: str
    shown: str
    timeout_s: float = PICK_UP_S


class Placing(Struct, frozen=True, kw_only=True):
    """A call that an account wants placed, checked but for its limits. `first`: what is done once it is answered. `context`: what
    is known of the call (`trunk_id`, `crm_id`, `tag`, …); `variables`: those that its documents begin with; `data`: what else was
    asked for, for the record. `script`: what the callee does, on a simulated switch. `caller`: whom the switch calls instead of
    `to`; the call is told as if that one had dialled, and `first` puts it through."""

    to: str
    from_: str
    first: Start | NewDocument
    caller: Caller | None = None
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


def extension_named(name: str, account: str, phones: "Iterable[Phone]", numbers: Iterable[Number]) -> str | None:
    """The extension of an account that a name means, as it is dialled: of a phone that registers (by its extension or its user) and
    is the account's or everybody's, or a number that the account has registered; None: there is none."""
    for phone in phones:
        if name in (phone.extension, phone.user) and phone.account in (None, account):
            return phone.extension or phone.user
    return name if any(number.number == name for number in numbers) else None


def usual_caller_id(extension: str, to: str, numbers: Iterable[Number]) -> str:
    """What a destination sees when nobody says otherwise: outside the account's number (of several the first in order), since an
    extension is none that could be called back; inside, and for want of a number, the extension."""
    if classify(to, None).kind == "extension":
        return extension
    return min((number.number for number in numbers if classify(number.number, None).kind == "e164"), default=extension)


def click_to_dial(extension: str, to: str, caller_id: str, crm_id: str | None) -> Placing:
    """An extension of the account is called; once it has picked up, so is `to`, who sees `caller_id`; and the two are connected.
    The extension sees whom it is going to speak with; a number outside sees `caller_id` too, as no carrier lets strangers' pass."""
    inside = classify(extension, None).kind == "extension"
    dial = document.Dial(caller_id=caller_id, timeout=ANSWER_S, numbers=(document.Number(number=to),))
    context = {"extension": extension, "crm_id": crm_id}
    return Placing(
        to=to,
        from_=extension,
        first=NewDocument("", Document((dial,))),
        caller=Caller(extension, to if inside else caller_id),
        context={name: value for name, value in context.items() if value},
    )
