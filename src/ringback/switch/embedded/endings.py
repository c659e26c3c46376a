"""How SIP legs end, in the words of `calls.live`. Pure.

What we end ourselves is told as the simulated switch tells it (its table); what the far end or the network ends is told by its SIP
status and its Q.850 cause, in the order of `calls.disposition`. Where a far end names no cause, RFC 3398 §7.2.4.1 has one for its
status; but for 401 to 403 and 407, where its 21 would make a declined call of one that was not let through: those have 57 (not
authorized).
"""

from collections.abc import Mapping
from typing import Final, cast

from ringback.calls.disposition import final_status
from ringback.calls.live import EndedBy, Outcome
from ringback.switch.embedded.signalling import Ended
from ringback.switch.simulated.endings import ENDINGS, Ending

CAUSES: Final[Mapping[int, int]] = {
    400: 41, 401: 57, 402: 57, 403: 57, 404: 1, 405: 63, 406: 79, 407: 57, 408: 102, 410: 22, 413: 127, 414: 127, 415: 79,
    416: 127, 420: 127, 421: 127, 423: 127, 480: 18, 481: 41, 482: 25, 483: 25, 484: 28, 485: 1, 486: 17, 487: 127, 488: 65,
    500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127, 600: 17, 603: 21, 604: 1, 606: 58,
}  # fmt: skip
_INTERWORKING: Final = 127
DEAD: Final = Ending("completed", "us", 102, 200)
"""Nothing was heard of an answered leg for too long (Q.850: recovery on timer expiry)."""
NO_MEDIA: Final = Ending("failed", "us", 41, 503)
"""There is no port for its sound."""
NOT_ACCEPTABLE: Final = Ending("failed", "us", 65, 488)
"""It was answered with a session that we cannot speak."""
NO_ROUTE: Final = Ending("failed", "us", 3, 404)
"""There is no way to whom a dial is for."""


def ending_of(ended: Ended, *, incoming: bool, up: bool) -> Ending:
    """How a leg ended that we did not end. `up`: it was answered."""
    if up:
        usual = ENDINGS["caller left" if incoming else "callee left"]
        return Ending(usual.status, usual.by, ended.cause or usual.cause, ended.status or usual.sip_status)
    if incoming:
        usual = ENDINGS["caller gave up"]
        return Ending(usual.status, usual.by, ended.cause or usual.cause, ended.status or usual.sip_status)
    sip_status = ended.status or 500
    cause = ended.cause or CAUSES.get(sip_status, _INTERWORKING)
    status = final_status(
        answered=False, caller_gave_up=False, sip_status=sip_status, q850_cause=ended.cause, hangup_cause_name=None
    )
    by: EndedBy = "callee" if ended.by == "far" else "us"
    return Ending(cast(Outcome, status), by, cause, sip_status)
