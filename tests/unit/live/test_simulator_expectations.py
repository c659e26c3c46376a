"""Expectations: how a line is read, what fits it, where it is looked for, what is said when it does not hold."""

from typing import Any

import pytest

from ringback.live.expectations import KINDS, ExpectationError, Pattern, dialects_of, read_expectation
from ringback.live.judging import Verdict, judge
from ringback.live.transcript import (
    Ended,
    Entry,
    Leg,
    Paid,
    Played,
    Pressed,
    Problem,
    Recorded,
    Requested,
    Spoke,
    Transcript,
    Variable,
    Webhook,
)


def said(text: str, at_ms: int = 0) -> Played:
    return Played(at_ms=at_ms, leg="c", who="caller", what="speech", value=text)


def asked(url: str, *parameters: tuple[str, str], at_ms: int = 0, asks: bool = True, method: str = "POST") -> Requested:
    return Requested(at_ms=at_ms, leg="c", name="redirect", asks=asks, method=method, url=url, page=url, parameters=parameters)


def line(state: Any, number: str = "") -> Leg:
    return Leg(at_ms=0, leg="c-1", who=number or "caller", to=number, state=state)


def call(*entries: Entry, **ended: Any) -> Transcript:
    transcript = Transcript()
    facts: dict[str, Any] = {"at_ms": 20_000, "status": "completed", "ended_by": "caller", "duration_s": 20, "answered_s": 20}
    for entry in (*entries, Ended(**{**facts, "requests": 1, "documents": 1, **ended})):
        transcript.add(entry)
    return transcript


def verdict(text: str, *entries: Entry, **ended: Any) -> Verdict:
    return judge([read_expectation(text)], call(*entries, **ended))[0]


WEBHOOK = Webhook(at_ms=0, dialect="voc", name="inboundCallEnd", method="POST", url="https://r.example/?duration=12")

FITS: list[tuple[str, Entry]] = [
    ("says 'for sales'", said("For  Sales\npress 1.")),
    ('says "it\'s"', said("It's raining")),
    ("says sales", said("For sales")),
    ("says /press [12]/", said("press 2")),
    ("says /PRESS/i", said("press 2")),
    ("plays welcome.wav", Played(at_ms=0, leg="c", who="caller", what="sound", value="https://a.example/s/welcome.wav?x=1")),
    ("asks", asked("https://a.example/v/sales")),
    ("asks /v/sales", asked("https://a.example/v/sales?t=1")),
    ("asks '/v/sales?t=1'", asked("https://a.example/v/sales?t=1")),
    ("asks v/sales", asked("https://a.example/v/sales")),
    ("asks sales", asked("https://a.example/v/sales")),
    ("asks https://a.example/v/sales", asked("https://a.example/v/sales")),
    ("asks /v/*", asked("https://a.example/v/sales")),
    ("asks POST /v/sales", asked("https://a.example/v/sales")),
    ("asks GET", asked("https://a.example/v/sales", method="GET")),
    ("asks /v/s with Digits=1", asked("https://a.example/v/s", ("Digits", "1"))),
    (
        "asks /v/s with Digits=1, SpeechResult='sales please' and Vars.menu.digits=*",
        asked("https://a.example/v/s", ("Digits", "1"), ("SpeechResult", "sales please"), ("Vars.menu.digits", "1")),
    ),
    ("asks with Digits=", asked("https://a.example/v/s")),
    ("tells /rec with RecordingStatus=completed", asked("https://a.example/rec", ("RecordingStatus", "completed"), asks=False)),
    ("presses 1*", Pressed(at_ms=0, leg="c", who="caller", keys="12#")),
    ("presses", Pressed(at_ms=0, leg="c", who="caller", keys="12#")),
    ("hears 'sales'", Spoke(at_ms=0, leg="c", who="caller", text="Sales, please", confidence=0.9)),
    ("sets menu.digits=1", Variable(at_ms=0, name="menu.digits", value="1")),
    ("sets menu.speech='two words'", Variable(at_ms=0, name="menu.speech", value="two words")),
    ("dials", line("dialled", "+13005550100")),
    ("dials 1-300-555-0100", line("dialled", "+13005550100")),
    ("dials '+1 (300) 555 0100'", line("dialled", "+13005550100")),
    ("answers", line("answered")),
    ("answers 13005550100", line("answered", "+13005550100")),
    ("connects", line("bridged", "+13005550100")),
    ("records", Recorded(at_ms=0, leg="c", who="caller", state="in-progress")),
    ("records completed", Recorded(at_ms=0, leg="c", who="caller", state="completed")),
    ("pays approved", Paid(at_ms=0, connector="Default", amount="1.00", currency="usd")),
    ("pays 'insufficient funds'", Paid(at_ms=0, connector="Default", amount="1.00", currency="usd", error="insufficient funds")),
    ("webhook inboundCallEnd", WEBHOOK),
    ("webhook inboundCall* with duration=12", WEBHOOK),
    ("warns 'no keys'", Problem(at_ms=0, severity="warning", message="caller gives up: no keys were wanted")),
]


@pytest.mark.parametrize(("text", "entry"), FITS, ids=[text for text, _ in FITS])
def test_what_fits(text: str, entry: Entry) -> None:
    assert verdict(text, entry).ok
    assert not verdict(f"never {text}", entry).ok
    assert not verdict(text).ok
    assert verdict(f"never {text}").ok


MISSES: list[tuple[str, Entry, str]] = [
    ("says 'for support'", said("For sales"), 'the nearest: 00:00.0 say "For sales"'),
    ("says /^sales/", said("For sales"), "the nearest"),
    ("plays welcome", said("welcome"), "there is nothing of the kind"),
    ("asks /v", asked("https://a.example/v/sales"), "the nearest"),
    ("asks GET /v/sales", asked("https://a.example/v/sales"), "the nearest"),
    ("asks /v/s with Digits=1", asked("https://a.example/v/s", ("Digits", "2")), "Digits is '2'"),
    ("asks /v/s with Digits=1", asked("https://a.example/v/s"), "there is no Digits"),
    ("asks /v/s with Digits=", asked("https://a.example/v/s", ("Digits", "2")), "Digits is '2'"),
    ("asks /v/s with Digits=[0-9]", asked("https://a.example/v/s", ("Digits", "2")), "Digits is '2'"),
    ("tells /v/s", asked("https://a.example/v/s"), "there is nothing of the kind"),
    ("dials 13005550101", line("dialled", "+13005550100"), "+13005550100"),
    ("records failed", Recorded(at_ms=0, leg="c", who="caller", state="in-progress"), "record begins"),
    ("pays approved", Paid(at_ms=0, connector="Default", amount="1.00", currency="usd", error="declined"), "refused: declined"),
    ("webhook inboundCallEnd with duration=13", WEBHOOK, "duration is '12'"),
]


@pytest.mark.parametrize(("text", "entry", "why"), MISSES, ids=[text for text, *_ in MISSES])
def test_what_does_not_fit_says_what_was_there_instead(text: str, entry: Entry, why: str) -> None:
    found = verdict(text, entry)
    assert not found.ok
    assert why in found.why
    assert str(found).startswith(text)


WHOLE: list[tuple[str, dict[str, Any], bool, str]] = [
    ("status completed", {}, True, ""),
    ("status busy", {}, False, "the call's status is completed"),
    ("never status busy", {}, True, ""),
    ("never status completed", {}, False, "completed"),
    ("var menu.digits=1", {"variables": {"menu.digits": "1"}}, True, ""),
    ("var menu.digits='1 2'", {"variables": {"menu.digits": "1 2"}}, True, ""),
    ("var menu.digits=*", {"variables": {"menu.digits": "1"}}, True, ""),
    ("var menu.digits=2", {"variables": {"menu.digits": "1"}}, False, 'menu.digits is "1"'),
    ("var menu.digit=1", {"variables": {"menu.digits": "1"}}, False, 'menu.digit is not set; menu.digits is "1"'),
    ("var other=1", {"variables": {"menu.digits": "1"}}, False, "set are menu.digits"),
    ("var other=", {}, True, ""),
    ("var other=1", {}, False, "set are none"),
    ("ends within 20s", {}, True, ""),
    ("ends within 20", {}, True, ""),
    ("ends within 1m", {}, True, ""),
    ("ends within 19500ms", {}, False, "it took 20 s"),
]


@pytest.mark.parametrize(("text", "ended", "ok", "why"), WHOLE, ids=[f"{row[0]} of {row[1]}" for row in WHOLE])
def test_the_call_as_a_whole(text: str, ended: dict[str, Any], ok: bool, why: str) -> None:
    found = verdict(text, **ended)
    assert (found.ok, found.at) == (ok, None)
    assert why in found.why


def test_each_is_looked_for_behind_the_one_before_it() -> None:
    transcript = call(said("one", 1_000), asked("https://a.example/x", at_ms=2_000), said("two", 3_000), said("one", 4_000))
    in_order = [read_expectation(text) for text in ("says one", "asks /x", "never says three", "status completed", "says one")]
    assert [found.at for found in judge(in_order, transcript)] == [0, 1, None, None, 3]
    turned = judge([read_expectation("says two"), read_expectation("asks /x"), read_expectation("says one")], transcript)
    assert [found.ok for found in turned] == [True, False, True]
    assert turned[1].at == 1
    assert "before '00:03.0 say \"two\"'" in turned[1].why


def test_of_several_the_nearest_is_named() -> None:
    found = verdict("says 'for support, press 2'", said("Goodbye."), said("For support press 3."))
    assert found.why == 'the nearest of 2: 00:00.0 say "For support press 3."'


WRONG: list[tuple[str, str]] = [
    ("", "begins with none of says"),
    ("syas 'x'", "'says'?"),
    ("says", "expected a text, such as"),
    ("says for sales", "put a text in quotes"),
    ("says 'for sales", "begins with ' and does not end"),
    ("says /(/", "no regular expression"),
    ("says 'x' with a=b", "'with' is for requests and webhooks"),
    ("asks /v with", "expected NAME=VALUE after 'with'"),
    ("asks /v with Digits", "expected NAME=VALUE, found Digits"),
    ("asks /v /w", "expected a path or a URL and no more"),
    ("var menu.digits", "expected NAME=VALUE"),
    ("var", "expected NAME=VALUE"),
    ("status", "expected a word"),
    ("ends", "expected a time"),
    ("ends in 30s", "expected a time"),
    ("ends within soon", "expected a time"),
]


@pytest.mark.parametrize(("text", "why"), WRONG)
def test_what_cannot_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(ExpectationError) as raised:
        read_expectation(text)
    assert why in str(raised.value)


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_each_kind_can_be_read(name: str) -> None:
    kind = KINDS[name]
    assert read_expectation(kind.example).kind == name
    assert kind.about.endswith(".")


def test_webhooks_name_their_dialects() -> None:
    wanted = [read_expectation(text) for text in ("says x", "webhook inboundCallEnd", "webhook call.completed")]
    assert dialects_of(wanted) == ["voc", "standard"]
    with pytest.raises(ExpectationError, match="no dialect has an event of that name"):
        dialects_of([read_expectation("webhook inboundCallOver")])


def test_a_path_is_no_regular_expression() -> None:
    assert read_expectation("asks /voice/").what == Pattern("/voice/")
