"""How an end is called."""

import pytest

from ringback.calls.disposition import final_status


@pytest.mark.parametrize(
    ("sip_status", "q850_cause", "name", "status"),
    [
        # by FreeSWITCH's name, as its captures of real calls have them
        (None, 17, "USER_BUSY", "busy"),
        (486, 17, "USER_BUSY", "busy"),
        (None, 19, "NO_ANSWER", "no-answer"),
        (487, 19, "NO_ANSWER", "no-answer"),
        (None, 602, "ALLOTTED_TIMEOUT", "no-answer"),
        (480, 18, "NO_USER_RESPONSE", "no-answer"),
        (603, 21, "CALL_REJECTED", "no-answer"),
        (487, 0, "ORIGINATOR_CANCEL", "cancelled"),
        (487, 26, "LOSE_RACE", "cancelled"),
        (None, None, "PICKED_OFF", "cancelled"),
        (404, 3, "NO_ROUTE_DESTINATION", "failed"),
        (503, 41, "NORMAL_TEMPORARY_FAILURE", "failed"),
        (None, 20, "USER_NOT_REGISTERED", "failed"),
        (None, 16, "NORMAL_CLEARING", "failed"),
        (408, 102, "RECOVERY_ON_TIMER_EXPIRE", "no-answer"),
        (None, 102, "RECOVERY_ON_TIMER_EXPIRE", "failed"),
        (None, None, "SOMETHING_NEW", "failed"),
        # by SIP status
        (486, None, None, "busy"),
        (600, None, None, "busy"),
        (408, None, None, "no-answer"),
        (480, None, None, "no-answer"),
        (603, None, None, "no-answer"),
        (404, None, None, "failed"),
        (500, None, None, "failed"),
        (503, None, None, "failed"),
        # by Q.850 cause
        (None, 17, None, "busy"),
        (None, 18, None, "no-answer"),
        (None, 19, None, "no-answer"),
        (None, 21, None, "no-answer"),
        (None, 16, None, "failed"),
        (None, 127, None, "failed"),
        (None, 0, None, "failed"),
        # 487 decides nothing: what else is known does
        (487, None, None, "failed"),
        (487, 17, None, "busy"),
        (487, 19, None, "no-answer"),
        # nothing is known
        (None, None, None, "failed"),
        (None, None, "", "failed"),
    ],
)
def test_an_unanswered_leg(sip_status: int | None, q850_cause: int | None, name: str | None, status: str) -> None:
    fields = {"sip_status": sip_status, "q850_cause": q850_cause, "hangup_cause_name": name}
    assert final_status(answered=False, caller_gave_up=False, **fields) == status
    assert final_status(answered=False, caller_gave_up=True, **fields) == "cancelled"
    assert final_status(answered=True, caller_gave_up=False, **fields) == "completed"
    assert final_status(answered=True, caller_gave_up=True, **fields) == "completed"
