"""Click-to-dial: an extension is called and, once it answers, put through to somebody; it is told as if the extension had dialled.
What the switch says of the legs, as what it means for the conversation. Pure.

The root is the call from the extension to the destination, as switches tell of an extension that dials out; its leg is the
extension's, which the switch called. The destination's leg is a child of it.

    the extension rings, picks up            nothing: a caller who lifts the receiver has not been answered
    the destination rings, answers           that, and then the same of the root
    the extension's leg ends
        and it had not picked up             that end: it was busy, let it ring, declined
        and the destination's leg had ended  the end of that one
        while the destination was called     cancelled: who called has given up; failed, if the leg was lost to us
        once the destination had answered    completed

The extension is the caller here, though it was called: so are its ends told.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from ringback.calls.live import Answered, EndedBy, Happening, HungUp, Outcome, Rang
from ringback.calls.model import FINAL, Call, Status

_BY: Final[dict[str | None, EndedBy]] = {"caller": "caller", "callee": "callee", "switch": "us"}
"""`live.reports`' words of who ended a leg, back."""
_OUTCOME: Final[dict[Status | None, Outcome]] = {
    "completed": "completed",
    "busy": "busy",
    "no-answer": "no-answer",
    "failed": "failed",
    "cancelled": "cancelled",
}
_NORMAL: Final = 16
"""Q.850: somebody hung up. Another cause of an end that was ours: the leg had no sound any more, or the switch was lost."""
_GAVE_UP_STATUS: Final = 487
"""As of a caller who sends CANCEL."""


def meant(told: Happening, root: Call, legs: Iterable[Call]) -> tuple[Happening, ...]:
    """What a happening means, in the order in which it is to be told. `legs`: all of the conversation, as they were before it."""
    match told:
        case Rang() | Answered() if told.leg == root.id:
            return ()
        case Rang() if root.ringing_at_ms is None and root.answered_at_ms is None:
            return told, Rang(root.id)
        case Answered() if root.answered_at_ms is None:
            return told, Answered(root.id)
        case HungUp() if told.leg == root.id:
            return (_end(told, root, [leg for leg in legs if leg.id != root.id]),)
    return (told,)


def _end(told: HungUp, root: Call, others: list[Call]) -> HungUp:
    by: EndedBy = "caller" if told.by == "callee" else told.by
    over = max((leg for leg in others if leg.status in FINAL), key=lambda leg: leg.ended_at_ms or 0, default=None)
    if root.answered_at_ms is not None:
        # We hang up because the other end has left: then it was that one.
        return replace(told, by=_BY.get(over.ended_by, by) if over is not None and by == "us" else by)
    if told.status != "completed":
        return replace(told, by=by)
    if over is not None:
        return HungUp(told.leg, _OUTCOME.get(over.status, "failed"), _BY.get(over.ended_by, ""), over.cause, over.sip_status)
    if by == "us" and told.cause not in (None, _NORMAL):
        return HungUp(told.leg, "failed", by, told.cause)
    return HungUp(told.leg, "cancelled", by, _NORMAL, _GAVE_UP_STATUS)
