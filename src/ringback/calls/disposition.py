"""How a call that ended is called: one table for all switches.

No single field tells (`final_status` is asked in this order, the first that says something decides):

    1. it was answered                 → completed, whatever the cause says
    2. the caller's side took it back  → cancelled
    3. the switch's own cause name     (FreeSWITCH: it knows its ring time-out, which SIP does not tell from other ends)
    4. the SIP status                  (RFC 3261; 487 is the echo of a CANCEL, whoever sent it and why: it decides nothing)
    5. the Q.850 cause                 (ITU-T Q.850)
    6. nothing of these                → failed

A declined call (603, cause 21) counts as `no-answer`, as Voxtelesys' users know it; so does one whose phone did not react (408,
480).
"""

from collections.abc import Mapping
from typing import Final

from ringback.calls.model import Status

BY_CAUSE_NAME: Final[Mapping[str, Status]] = {
    "USER_BUSY": "busy",
    "BUSY_EVERYWHERE": "busy",
    "NO_USER_RESPONSE": "no-answer",
    "NO_ANSWER": "no-answer",
    "ALLOTTED_TIMEOUT": "no-answer",
    "CALL_REJECTED": "no-answer",
    "DECLINE": "no-answer",
    "ORIGINATOR_CANCEL": "cancelled",
    "LOSE_RACE": "cancelled",
    "PICKED_OFF": "cancelled",
}
"""FreeSWITCH's names. The last two: another leg of the same ring was quicker, and this one was taken back."""

BY_SIP_STATUS: Final[Mapping[int, Status]] = {
    408: "no-answer",
    480: "no-answer",
    486: "busy",
    600: "busy",
    603: "no-answer",
}

BY_Q850_CAUSE: Final[Mapping[int, Status]] = {
    17: "busy",
    18: "no-answer",
    19: "no-answer",
    21: "no-answer",
}


def final_status(
    *,
    answered: bool,
    caller_gave_up: bool,
    sip_status: int | None,
    q850_cause: int | None,
    hangup_cause_name: str | None,
) -> Status:
    """The final status of a leg. `caller_gave_up`: the calling side sent CANCEL, or hung up while it rang. `sip_status`: of the
    INVITE's final answer. `q850_cause` and `hangup_cause_name`: as the switch reports them; None where it does not."""
    if answered:
        return "completed"
    if caller_gave_up:
        return "cancelled"
    found = (
        BY_CAUSE_NAME.get(hangup_cause_name or ""),
        BY_SIP_STATUS.get(sip_status or 0),
        BY_Q850_CAUSE.get(q850_cause or 0),
    )
    return next((status for status in found if status is not None), "failed")
