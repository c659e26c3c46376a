"""The demo's judge: what it believes, and that it misses nothing. Arrivals are made from the expectation itself."""

from datetime import datetime
from typing import Any

import pytest

from ringback.demo.board import complaint, finished, picture, plain_line
from ringback.demo.expectation import Expectation, Wanted, read_expectation, read_script
from ringback.demo.judge import SIGNED, Arrival, Judge
from ringback.demo.rules import fits, value_at

EXPECTATION = read_expectation()
CALLS = read_script().calls


def fitting(rule: Any, scope: str) -> Any:
    """A value that keeps a rule."""
    if not isinstance(rule, dict):
        return rule
    ((kind, wanted),) = rule.items()
    if kind == "seconds":
        return int(wanted)
    if kind == "id_of":
        return f"id-of-{scope}-{wanted}"
    if kind == "between":
        return wanted[0]
    return datetime.fromisoformat(wanted).replace(microsecond=0).isoformat() if kind == "second" else wanted


def arrival(capture: str, dialect: str, row: Wanted, **changes: Any) -> Arrival:
    fields: dict[str, Any] = {}
    for path, rule in {**row.fields, **changes}.items():
        inner, parts = fields, [path] if "/" not in path else path.split("/")
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
        inner[parts[-1]] = fitting(rule, f"{capture}-{dialect}")
    trust = "signature" if dialect in SIGNED else "form"
    return Arrival(at="2026-11-20T15:00:00.123+00:00", dialect=dialect, event=row.event, trust=trust, reason="", fields=fields)


def all_rows(expectation: Expectation = EXPECTATION) -> list[tuple[str, str, Wanted]]:
    return [(call.capture, dialect, row) for call in expectation.calls for dialect, rows in call.webhooks.items() for row in rows]


def rows_of(capture: str, dialect: str) -> list[Wanted]:
    return [row for wanted, name, row in all_rows() if (wanted, name) == (capture, dialect)]


def new_judge() -> Judge:
    return Judge(EXPECTATION, CALLS)


def test_all_that_must_come_is_believed_and_then_nothing_is_missing() -> None:
    judge = new_judge()
    for capture, dialect, row in all_rows():
        verdict = judge.take(arrival(capture, dialect, row))
        assert not verdict.wrong, verdict
        assert verdict.call is not None
        assert verdict.call.capture == capture
    assert judge.missing() == []
    assert len(judge.verdicts) == EXPECTATION.count


def test_every_dialect_and_every_call_has_its_webhooks() -> None:
    assert {dialect for _, dialect, _ in all_rows()} == {"standard", "bird", "fonedynamics", "voc", "voxtelesys"}
    assert [call.capture for call in EXPECTATION.calls] == [call.capture for call in CALLS]
    for call in EXPECTATION.calls:
        assert call.webhooks["standard"]


@pytest.mark.parametrize("index", range(0, EXPECTATION.count, 7))
def test_one_that_did_not_come_is_named(index: int) -> None:
    judge = new_judge()
    rows = all_rows()
    for i, (capture, dialect, row) in enumerate(rows):
        if i != index:
            judge.take(arrival(capture, dialect, row))
    capture, dialect, row = rows[index]
    lost = [
        verdict for verdict in judge.missing() if verdict.dialect == dialect and verdict.call and verdict.call.capture == capture
    ]
    assert len(lost) == 1
    assert row.event in lost[0].what
    assert "did not arrive" in complaint(lost[0])


def test_one_that_comes_twice_is_one_too_many() -> None:
    judge = new_judge()
    (start, *_) = rows_of("busy", "voc")
    assert not judge.take(arrival("busy", "voc", start)).wrong
    assert judge.take(arrival("busy", "voc", start)).wrong == ("it was not to come, or came before",)


@pytest.mark.parametrize(
    ("capture", "dialect", "event", "path", "value"),
    [
        ("busy", "voc", "inboundCallStart", "inboundNumber", "61255500300"),
        ("answered", "voc", "inboundCallEnd", "extension", "202"),
        ("answered", "voc", "inboundCallEnd", "answeredDuration", 4),
        ("no-answer", "fonedynamics", "Call.Complete", "Call.Disposition", "ANSWERED"),
        ("busy", "fonedynamics", "Call.Complete", "Call.Endpoint", "+61491570159"),
        ("transfer", "fonedynamics", "Call.Complete", "Call.Endpoint", None),
        ("cancelled", "bird", "voice.inbound", "payload/parentId", "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"),
        ("outgoing", "voxtelesys", "completed", "Direction", "inbound"),
        ("ivr", "standard", "call.prompt", "data/prompt/keys", "1235"),
        ("answered", "standard", "call.starting", "data/call/direction", None),
    ],
)
def test_a_value_that_the_phones_did_not_see_is_named(capture: str, dialect: str, event: str, path: str, value: Any) -> None:
    judge = new_judge()
    row = next(row for row in rows_of(capture, dialect) if row.event == event)
    verdict = judge.take(arrival(capture, dialect, row, **{path: value}))
    assert any(path in reason and repr(value) in reason for reason in verdict.wrong)
    assert path in complaint(verdict)


def test_a_time_that_is_off_by_a_second_is_wrong() -> None:
    judge = new_judge()
    row = rows_of("answered", "standard")[0]
    late = row.at.replace(second=row.at.second + 1).isoformat()
    assert any("timestamp" in reason for reason in judge.take(arrival("answered", "standard", row, timestamp=late)).wrong)


def test_the_end_before_the_start_is_out_of_order() -> None:
    judge = new_judge()
    *_, end = rows_of("answered", "fonedynamics")
    assert judge.take(arrival("answered", "fonedynamics", end)).wrong == ("it came before Call.Initiate",)


def test_keys_come_in_the_order_in_which_they_were_pressed() -> None:
    judge = new_judge()
    one, two, *_ = [row for row in rows_of("ivr", "voc") if row.event == "ivrOption"]
    judge.take(arrival("ivr", "voc", rows_of("ivr", "voc")[0]))
    assert judge.take(arrival("ivr", "voc", two)).wrong == ("it came before ivrOption",)
    assert not judge.take(arrival("ivr", "voc", one)).wrong


def test_two_calls_may_not_share_an_id_and_one_may_not_change_it() -> None:
    judge = new_judge()
    start, end = rows_of("answered", "fonedynamics")
    assert not judge.take(arrival("answered", "fonedynamics", start)).wrong
    assert any(
        "Call.Sid" in reason for reason in judge.take(arrival("answered", "fonedynamics", end, **{"Call.Sid": "else"})).wrong
    )
    shared = {"Call.Sid": "id-of-answered-fonedynamics-alice"}
    other = judge.take(arrival("busy", "fonedynamics", rows_of("busy", "fonedynamics")[0], **shared))
    assert any("Call.Sid" in reason for reason in other.wrong)


@pytest.mark.parametrize(
    ("dialect", "trust"), [("bird", "unchecked"), ("bird", "form"), ("standard", "refused"), ("voc", "refused")]
)
def test_what_the_receiver_does_not_believe_is_not_believed_here(dialect: str, trust: str) -> None:
    judge = new_judge()
    told = arrival("answered", dialect, rows_of("answered", dialect)[0])
    doubted = Arrival(told.at, told.dialect, told.event, trust, "the signature does not hold", told.fields)
    assert judge.take(doubted).wrong == ("the signature does not hold",)


def test_a_request_that_is_no_webhook_belongs_to_no_call() -> None:
    judge = new_judge()
    stray = Arrival("2026-11-20T15:00:00.123+00:00", "", "", "refused", "not a webhook of a platform that is known", {})
    verdict = judge.take(stray)
    assert verdict.call is None
    assert "it belongs to none of the calls" in verdict.wrong
    assert complaint(verdict).startswith("no call: ")


def test_a_rule_tells_times_and_lengths_that_fit() -> None:
    near = {"near": "2026-11-20T13:08:18.212Z"}
    assert fits(near, "2026-11-20T13:08:18.206000Z", 250)
    assert not fits(near, "2026-11-20T13:08:18.500000Z", 250)
    assert not fits(near, None, 250)
    assert not fits(near, "soon", 250)
    second = {"second": "2026-11-20T13:08:18.912Z"}
    assert fits(second, "2026-11-20T13:08:18Z", 250)
    assert fits(second, "2026-11-20T13:08:19Z", 250)
    assert not fits(second, "2026-11-20T13:08:17Z", 250)
    assert [n for n in range(9) if fits({"seconds": 4.1}, n, 250)] == [3, 4]
    assert [n for n in range(9) if fits({"seconds": 4.5}, n, 250)] == [4]
    assert not fits({"seconds": 4.5}, "4", 250)
    assert value_at({"a.b": "", "a": {"b": [1]}}, "a/b") == [1]
    assert value_at({"a.b": ""}, "a.b") is None
    assert value_at({"a": 1}, "a/b") is None


def test_what_is_wrong_shows_in_the_lines_and_in_the_finished_table() -> None:
    judge = new_judge()
    rows = rows_of("busy", "voc")
    good = judge.take(arrival("busy", "voc", rows[0]))
    bad = judge.take(arrival("busy", "voc", rows[-1], duration=77))
    assert "✓ tables, phones" in plain_line(good)
    assert "✗ " in plain_line(bad)
    svg = picture(finished(judge.verdicts))
    assert svg == picture(finished(judge.verdicts))
    assert "✗" in svg
    assert "font-face" not in svg
