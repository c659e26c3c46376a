"""Short ways to write the sample events of the test button: a call, and an event of it, with only what a sample says."""

from typing import Any

from ringback.calls.model import FINAL, Call, Context, Direction, Event, Offer, Status

SAMPLE_ACCOUNT = "00000000-0000-4000-8000-000000000000"


def sample_call(
    call_id: str,
    direction: Direction,
    numbers: tuple[str, str],
    status: Status,
    times_ms: tuple[int, int | None, int | None],
    *,
    context: Context = Context(),  # noqa: B008 - frozen
    offers: tuple[Offer, ...] = (),
    sip_status: int | None = None,
) -> Call:
    """A root: `numbers` are from and to; `times_ms` are its start, its answer and its end."""
    start, answer, end = times_ms
    return Call(
        account=SAMPLE_ACCOUNT,
        id=call_id,
        root=call_id,
        direction=direction,
        from_=numbers[0],
        to=numbers[1],
        status=status,
        first_at_ms=start,
        starting_at_ms=start,
        ringing_at_ms=start,
        answered_at_ms=answer,
        ended_at_ms=end,
        duration_s=0 if end is None else (end - start) // 1000,
        answered_duration_s=0 if end is None or answer is None else (end - answer) // 1000,
        context=context,
        offers=list(offers),
        sip_status=sip_status,
    )


def sample_event(kind: str, at_ms: int, call: Call, *, offer: Offer | None = None, data: dict[str, Any] | None = None) -> Event:
    """An event of a root: `kind` is its type; it took its status unless it is about an offer or a fact."""
    took = kind.removeprefix("call.") in {"starting", "ongoing", *FINAL} and offer is None
    return Event(id=1, type=kind, at_ms=at_ms, seq=1, call=call, root=call, status_changed=took, offer=offer, data=data or {})
