"""What the interpreter takes and gives, beside what a switch tells and is told (`calls.live`): documents that come, timers,
payments; requests to the application, reports for the call's record.

`op` names one order of the interpreter, unique within the call; its end is told with it. The end of something that the interpreter
no longer waits for is harmless.
"""

from typing import Any, Literal

from msgspec import Struct

from ringback.calls.live import Happening, Order
from ringback.voxml.document import Document, RecordingEvent
from ringback.webhooks.model import Method

Purpose = Literal["start", "dial", "gather", "record", "pay", "redirect", "whisper", "flow"]
"""Why the application is asked: for a call that comes in or was answered, after a verb, for who answered a Dial, for a flow."""
Pairs = tuple[tuple[str, str], ...]


# What happens
class Instructed(Struct, frozen=True, tag=True):
    """The document that an `Ask` was answered with, in the end: the fallback's, or the local one, if nothing better came. `url` is
    where it came from; what is relative in it is relative to that (empty: it was given, and only absolute URLs can be followed)."""

    op: int
    url: str
    document: Document


class TimeUp(Struct, frozen=True, tag=True):
    """A timer's time has come."""

    op: int


class Charged(Struct, frozen=True, tag=True):
    """What the payment connector answered. `error` empty: it worked. `code`: the connector's own word for what went wrong. `fault`:
    whose an error is: the connector declined, could not be asked or did not answer in its language (`network`), is not there for
    this account (`settings`), or it is ours."""

    op: int
    token: str = ""
    confirmation: str = ""
    profile: str = ""
    error: str = ""
    code: str = ""
    fault: Literal["connector", "network", "settings", "internal"] = "connector"


class NewDocument(Struct, frozen=True, tag=True):
    """Somebody gives a live call another document: what is going on is stopped, and this is run."""

    url: str
    document: Document


Event = Happening | Instructed | TimeUp | Charged | NewDocument


# What is to be done
class Ask(Struct, frozen=True, tag=True):
    """Ask the application what to do with `leg`; `Instructed` follows, always. `url` is absolute. `results`: what a verb came to,
    in the webhook's parameter names and order."""

    op: int
    leg: str
    url: str
    method: Method
    purpose: Purpose
    results: Pairs = ()


class Notify(Struct, frozen=True, tag=True):
    """Tell somebody, who cannot answer: Pay's progress. `parameters` in the webhook's names and order, nothing secret in them."""

    leg: str
    url: str
    method: Method
    parameters: Pairs


class NotifyRecording(Struct, frozen=True, tag=True):
    """From now on the states of recording `op` (those of `events`) are told to this URL too."""

    leg: str
    op: int
    url: str
    method: Method
    events: tuple[RecordingEvent, ...]


class Timer(Struct, frozen=True, tag=True):
    """`TimeUp` with this `op` after so many seconds. It is never stopped: the interpreter forgets it."""

    op: int
    seconds: float


class Report(Struct, frozen=True):
    """For the call's record and whoever follows it: an update's type without the call (`call.ivr-option`, `call.facts`), its data,
    and context (`vars`, `history`, `answered_by`)."""

    leg: str
    type: str
    data: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Charge(Struct, frozen=True, tag=True):
    """Have a payment connector charge or tokenise; `Charged` follows, always. `payment` holds what was keyed, in an object that
    shows nothing of it (`voxml.payment`)."""

    op: int
    connector: str
    payment: Any


class Finish(Struct, frozen=True, tag=True):
    """The leg's document is over, and so is the leg; nothing more is to come of it but ends."""

    leg: str


Command = Order | Ask | Notify | NotifyRecording | Timer | Report | Charge | Finish
