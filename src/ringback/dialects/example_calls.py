"""Two calls whose events are the samples of the dialects that have no test values of their own: one that came in and was answered,
one that went out. The numbers are of a range that Ofcom keeps free for drama."""

from typing import Any

from msgspec import structs

from ringback.calls.model import FINAL, Call, Context, Direction, Event, Status

ACCOUNT = "0a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
CALL_ID = "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
OUR_NUMBER = "+441632960100"
THEIR_NUMBER = "+441632960001"
EXTENSION = "280085"
BEGAN_MS = 1_795_176_000_000
"""2026-11-20T12:00:00.000Z"""
_EVENT_ID = 1
_END_MS = 48_500
_AFTER_MS: dict[Status, int] = {"accepted": 0, "starting": 250, "ringing": 1_120, "ongoing": 6_500}
_STEPS: dict[Status, int] = {
    "accepted": 1,
    "starting": 2,
    "ringing": 3,
    "ongoing": 4,
    "completed": 4,
    "no-answer": 3,
    "busy": 2,
    "failed": 2,
    "cancelled": 3,
}
"""How many steps of the line a call has passed that stands at a status."""
_CAUSES: dict[Status, tuple[int, int]] = {
    "completed": (16, 200),
    "no-answer": (19, 480),
    "busy": (17, 486),
    "failed": (3, 404),
    "cancelled": (16, 487),
}


def example(direction: Direction, status: Status) -> Event:
    """The event of the call of that direction that takes `status`."""
    call = _call(direction, status)
    at_ms = call.reached[status]
    return Event(id=_EVENT_ID, type=f"call.{status}", at_ms=at_ms, seq=len(call.reached), call=call, root=call, status_changed=True)


def example_fact(event_type: str, data: dict[str, Any], context: Context) -> Event:
    """An event that tells a fact of the answered inbound call, five seconds after its end."""
    ended = example("inbound", "completed")
    call = structs.replace(ended.call, context=context)
    return Event(id=_EVENT_ID, type=event_type, at_ms=ended.at_ms + 5_000, seq=ended.seq + 1, call=call, root=call, data=data)


def _call(direction: Direction, status: Status) -> Call:
    inbound = direction == "inbound"
    final = status in FINAL
    reached: dict[str, int] = {step: BEGAN_MS + after for step, after in list(_AFTER_MS.items())[: _STEPS[status]]}
    if inbound:
        reached.pop("accepted")
    if final:
        reached[status] = BEGAN_MS + _END_MS
    first, last, answered = min(reached.values()), reached[status], reached.get("ongoing")
    cause, sip_status = _CAUSES.get(status, (None, None))
    return Call(
        account=ACCOUNT,
        id=CALL_ID,
        root=CALL_ID,
        direction=direction,
        from_=THEIR_NUMBER if inbound else OUR_NUMBER,
        to=OUR_NUMBER if inbound else THEIR_NUMBER,
        status=status,
        first_at_ms=first,
        starting_at_ms=reached.get("starting"),
        ringing_at_ms=reached.get("ringing"),
        answered_at_ms=answered,
        ended_at_ms=last if final else None,
        updated_at_ms=last,
        duration_s=(last - first) // 1000 if final else 0,
        answered_duration_s=(last - answered) // 1000 if final and answered else 0,
        reached=reached,
        cause=cause,
        sip_status=sip_status,
        ended_by="caller" if final else None,
        context=Context(caller_name="Ada Example", crm_id="lead-55", extension=EXTENSION if answered else None),
    )
