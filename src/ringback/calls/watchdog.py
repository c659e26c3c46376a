"""The end of a call whose end was lost: inferred, so that every call gets one.

**What `at` is honest.** Nobody saw the end. It lies somewhere between the last sign of life and now, and any moment between would
be a guess; two ends of that span can be defended. Now would make a call that was lost at its first ring a day long, in every
duration and on every bill made of it. The last sign of life claims only what was seen: the call lived at least so long, its
durations are lower bounds, and `inferred` says that they are. It also keeps an id that is used again in the meantime a new call.
So `at` is the last sign of life. A true end that comes later replaces it in the record, whichever is earlier, and goes out as
`call.corrected`.
"""

from ringback.calls.model import Call, CallRef, Update
from ringback.ids import time_of


def expired(call: Call, now_ms: int, limit_s: int) -> Update | None:
    """The end of a call that was not heard of, and has given no sign of life, for `limit_s` seconds: `completed` if it was
    answered, else `failed`. None if it has its end, or may still come to it. Switches are asked first: this is for sources that
    cannot be."""
    if call.is_final:
        return None
    last_ms = min(_last_sign_ms(call), now_ms)  # A source's clock may run ahead; an end is not in the future.
    # A replay or an emptied spool tells today of calls of last week: what was just heard of is not lost.
    if now_ms - max(last_ms, time_of(call.last_event)) < limit_s * 1000:
        return None
    kind = "call.failed" if call.answered_at_ms is None else "call.completed"
    return Update(type=kind, at_ms=last_ms, call=CallRef(id=call.id, parent=call.parent), inferred=True)


def _last_sign_ms(call: Call) -> int:
    """The latest time told of the call, and of those who were tried for it: a root lives as long as its legs."""
    signs = [call.first_at_ms, call.updated_at_ms]
    for offer in call.offers:
        signs += [at for at in (offer.at_ms, offer.ringing_at_ms, offer.answered_at_ms, offer.ended_at_ms) if at is not None]
    return max(signs)
