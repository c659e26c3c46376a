"""The end of a call that lost its own."""

from ledger_shell import T0_MS, Shell, told

from ringback.calls.watchdog import expired

DAY_S = 86_400
DAY_MS = DAY_S * 1000


def test_a_call_that_was_answered_ends_completed_at_its_last_sign_of_life() -> None:
    shell = Shell()
    shell.tell(told("starting", 0), told("ongoing", 5), told("facts", 65, crm_id="x"))
    call = shell.calls["r"]
    assert expired(call, T0_MS + 65_000 + DAY_MS - 1, DAY_S) is None
    update = expired(call, T0_MS + 65_000 + DAY_MS, DAY_S)
    assert update is not None
    assert (update.type, update.at_ms, update.inferred, update.id) == ("call.completed", T0_MS + 65_000, True, None)
    folded = shell.tell(update)
    assert (folded.leg.status, folded.leg.inferred) == ("completed", True)
    assert (folded.leg.duration_s, folded.leg.answered_duration_s) == (65, 60)
    assert expired(folded.leg, T0_MS + 9 * DAY_MS, DAY_S) is None


def test_a_call_that_was_not_answered_ends_failed() -> None:
    shell = Shell()
    shell.tell(told("ringing", 0))
    update = expired(shell.calls["r"], T0_MS + DAY_MS, DAY_S)
    assert update is not None
    assert update.type == "call.failed"
    shell.tell(update)
    assert shell.sent() == ["ringing", "failed"]


def test_a_root_lives_as_long_as_those_who_were_tried_for_it() -> None:
    shell = Shell()
    shell.tell(told("ongoing", 0, answered_by="queue"), told("ringing", 3600, "q", parent="r", to="101"))
    root = shell.calls["r"]
    assert expired(root, T0_MS + DAY_MS + 3_599_000, DAY_S) is None
    update = expired(root, T0_MS + DAY_MS + 3_600_000, DAY_S)
    assert update is not None
    assert update.at_ms == T0_MS + 3_600_000


def test_a_placeholder_whose_own_words_never_came_gets_an_end_too_and_stays_one_that_can_be_filled() -> None:
    shell = Shell()
    shell.tell(told("ringing", 5, "c", parent="r", to="101"))
    update = expired(shell.calls["r"], T0_MS + 5000 + DAY_MS, DAY_S)
    assert update is not None
    shell.tell(update)
    assert (shell.calls["r"].status, shell.calls["r"].inferred) == ("failed", True)
    shell.tell(told("starting", 2, from_="alice"), told("busy", 9))
    root = shell.calls["r"]
    assert (root.status, root.first_at_ms, root.from_, root.duration_s) == ("busy", T0_MS + 2000, "alice", 7)
    assert shell.events[-1].type == "call.corrected"


def test_a_child_leg_ends_in_its_own_conversation() -> None:
    shell = Shell()
    shell.tell(told("starting", 0), told("ongoing", 1, "c", parent="r", to="101"))
    update = expired(shell.calls["c"], T0_MS + 2 * DAY_MS, DAY_S)
    assert update is not None
    assert update.call.parent == "r"
    folded = shell.tell(update)
    assert (folded.leg.status, folded.root.id, folded.root.is_final) == ("completed", "r", False)


def test_a_clock_that_runs_ahead_makes_no_end_in_the_future() -> None:
    shell = Shell()
    shell.tell(told("starting", 1000))
    assert expired(shell.calls["r"], T0_MS, DAY_S) is None
    update = expired(shell.calls["r"], T0_MS, 0)
    assert update is not None
    assert update.at_ms == T0_MS


def test_a_call_of_last_week_that_is_told_of_today_is_not_lost() -> None:
    now_ms = T0_MS + 7 * DAY_MS
    shell = Shell(now_ms)
    shell.tell(told("starting", 0))
    assert expired(shell.calls["r"], now_ms + 1000, DAY_S) is None
    update = expired(shell.calls["r"], now_ms + DAY_MS, DAY_S)
    assert update is not None
    assert update.at_ms == T0_MS
