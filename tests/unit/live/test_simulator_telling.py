"""A transcript's lines, and its values: what a person reads, and what is never in it."""

import json

import msgspec
import pytest

from ringback.dialects.contract import HttpRequest
from ringback.live.telling import caret, clock_text, lines_of, text_of
from ringback.live.transcript import (
    Began,
    Ended,
    Entry,
    Leg,
    Paid,
    Played,
    Pressed,
    Problem,
    Recorded,
    Replied,
    Requested,
    Spoke,
    Transcript,
    Variable,
    Webhook,
    hide_keyed,
    parameters_of,
    without_keyed,
)

RECORDING = "https://recordings.example/c-1.wav"

LINES: list[tuple[Entry, str]] = [
    (
        Began(at_ms=0, call="c", direction="inbound", from_="+1402", to="+1701", at="2026-11-20T12:00:00.000Z"),
        "00:00.0 call   inbound from +1402 to +1701 (2026-11-20T12:00:00.000Z, c)",
    ),
    (
        Requested(
            at_ms=0,
            leg="c",
            name="incoming-call",
            asks=True,
            method="POST",
            url="http://a.example/voice",
            page="http://a.example/voice",
            parameters=(("CallSid", "x"), ("CallStatus", "ringing"), ("FromCity", "Omaha")),
        ),
        "00:00.0 app    ← POST http://a.example/voice (CallStatus=ringing)",
    ),
    (
        Requested(at_ms=0, leg="c", name="pay-status", asks=False, method="GET", url="http://a.example/p", page="/p", try_=2),
        "00:00.0 app    ← GET /p pay-status, try 2",
    ),
    (Replied(at_ms=0, page="/voice", status=200, verbs=("Answer", "Say")), "00:00.0 app    → 200, 2 verbs: Answer Say"),
    (Replied(at_ms=0, page="/voice", status=200, verbs=("Say",)), "00:00.0 app    → 200, 1 verb: Say"),
    (Replied(at_ms=0, page="/voice", status=200, verbs=()), "00:00.0 app    → 200, an empty document"),
    (Replied(at_ms=0, page="/rec", status=204), "00:00.0 app    → 204"),
    (Replied(at_ms=0, page="menu.xml", verbs=("Say",)), "00:00.0 app    → 1 verb: Say"),
    (Replied(at_ms=0, page="menu.xml"), "00:00.0 app    → no document"),
    (Replied(at_ms=0, page="/voice", status=404), "00:00.0 app    → 404"),
    (Replied(at_ms=0, page="/voice", error="connect", detail="refused"), "00:00.0 app    → connect: refused"),
    (Played(at_ms=2_149, leg="c", who="caller", what="speech", value="For\n sales"), '00:02.1 say    "For sales"'),
    (Played(at_ms=0, leg="d", who="+1300", what="speech", value="A call."), '00:00.0 say    to +1300: "A call."'),
    (
        Played(at_ms=0, leg="c", who="callee", what="sound", value="https://a.example/x.wav"),
        "00:00.0 play   https://a.example/x.wav",
    ),
    (Played(at_ms=0, leg="c", who="caller", what="silence", value="2"), "00:00.0 pause  2 s"),
    (Played(at_ms=0, leg="c", who="caller", what="tones", value="1w2"), "00:00.0 play   keys 1w2"),
    (Played(at_ms=0, leg="c", who="caller", what="ringing", value="uk"), "00:00.0 play   ringing (uk)"),
    (Pressed(at_ms=61_000, leg="c", who="caller", keys="12#"), "01:01.0 caller pressed 12#"),
    (Spoke(at_ms=0, leg="c", who="caller", text="sales", confidence=0.95), '00:00.0 caller said "sales" (0.95)'),
    (Spoke(at_ms=0, leg="c", who="caller", text="", confidence=0), "00:00.0 caller was not understood, or said nothing"),
    (Leg(at_ms=0, leg="d", who="+1300", state="dialled", to="+1300", caller_id="+1402"), "00:00.0 dial   +1300 as +1402"),
    (Leg(at_ms=0, leg="d", who="+13005550100", state="rang"), "00:00.0 callee +13005550100 rings"),
    (Leg(at_ms=0, leg="d", who="callee", state="answered", amd="human_residence"), "00:00.0 callee answered, human_residence"),
    (Leg(at_ms=0, leg="c", who="caller", state="answered"), "00:00.0 call   answered"),
    (Leg(at_ms=0, leg="c", who="caller", state="rejected"), "00:00.0 caller refused"),
    (Leg(at_ms=0, leg="d", who="+1300", state="bridged"), "00:00.0 call   connected with +1300"),
    (
        Leg(at_ms=0, leg="c", who="caller", state="ended", status="completed", by="us", sip_status=200),
        "00:00.0 caller is off the line: completed, by us (SIP 200)",
    ),
    (Recorded(at_ms=0, leg="c", who="caller", state="in-progress"), "00:00.0 record begins"),
    (Recorded(at_ms=0, leg="d", who="+1300", state="failed"), "00:00.0 record failed of +1300"),
    (
        Recorded(at_ms=0, leg="c", who="caller", state="completed", why="silence", url=RECORDING, duration_s=7),
        f"00:00.0 record 7 s, ended by silence: {RECORDING}",
    ),
    (Variable(at_ms=0, name="menu.digits", value="1"), '00:00.0 var    menu.digits = "1"'),
    (Variable(at_ms=0, name="menu.digits", value=None), "00:00.0 var    menu.digits removed"),
    (
        Paid(at_ms=0, connector="Default", amount="20.45", currency="usd", confirmation="ok-1", token="t-1"),
        "00:00.0 pay    Default: 20.45 usd, ok-1, t-1",
    ),
    (
        Paid(at_ms=0, connector="Default", amount="0.00", currency="usd", error="declined", code="51"),
        "00:00.0 pay    Default: a token refused: declined (51)",
    ),
    (Webhook(at_ms=0, dialect="voc", name="ivrOption", method="POST", url="https://r.example/"), "00:00.0 hook   voc ivrOption"),
    (Problem(at_ms=0, severity="warning", message="no keys were wanted"), "00:00.0 warn   no keys were wanted"),
    (
        Problem(at_ms=0, severity="error", message="no such verb", page="menu.xml", hint='did you mean "Say"?'),
        '00:00.0 error  menu.xml: no such verb (did you mean "Say"?)',
    ),
    (
        Ended(
            at_ms=23_400,
            status="completed",
            ended_by="switch",
            duration_s=23,
            answered_s=22,
            requests=3,
            documents=1,
            webhooks={"voc": 5},
            errors=1,
        ),
        "00:23.4 end    completed after 23 s, answered for 22 s, ended by us; 3 requests, 1 document, webhooks: voc 5, 1 error",
    ),
]


@pytest.mark.parametrize(("entry", "line"), LINES, ids=[line for _, line in LINES])
def test_the_line_of_an_entry(entry: Entry, line: str) -> None:
    assert str(lines_of(entry)[0]) == line
    assert text_of([entry]) == f"{line}\n"


def test_every_kind_of_entry_has_its_line_and_its_json() -> None:
    told = {type(entry) for entry, _ in LINES}
    assert told == set(Entry.__subclasses__())
    for entry, _ in LINES:
        assert json.loads(msgspec.json.encode(entry))["kind"]


def test_a_problem_shows_its_line_with_a_caret() -> None:
    problem = Problem(
        at_ms=0, severity="error", message="no such verb", page="menu.xml", line=12, column=4, source="\t <Sya>Hello</Sya>"
    )
    assert [str(line) for line in lines_of(problem)] == [
        "00:00.0 error  menu.xml, line 12, column 4: no such verb",
        "               12 |   <Sya>Hello</Sya>",
        "                  |    ^",
    ]


@pytest.mark.parametrize("column", [1, 50, 150, 299, 300])
def test_of_a_long_line_what_is_around_the_caret_is_shown(column: int) -> None:
    source = "".join(chr(ord("a") + n % 26) for n in range(300))
    shown, below = caret(source, 3, column)
    assert len(shown) < 110
    assert shown[below.index("^")] == source[column - 1]


def test_requests_and_webhooks_whole() -> None:
    webhook = Webhook(
        at_ms=0, dialect="bird", name="voice.inbound", method="POST", url="https://r.example/", headers=(("a", "b"),), body="{}"
    )
    assert [str(line).strip() for line in lines_of(webhook, whole=True)[1:]] == ["POST https://r.example/", "a: b", "{}"]
    request = Requested(
        at_ms=0,
        leg="c",
        name="redirect",
        asks=True,
        method="POST",
        url="u",
        page="u",
        headers=(("Host", "a.example"),),
        parameters=(("CallSid", "x"), ("Vars", '{"a":"1"}'), ("Vars.a", "1")),
    )
    whole = [str(line).strip() for line in lines_of(request, whole=True)[1:]]
    assert whole == ["Host: a.example", "CallSid=x", 'Vars={"a":"1"}']
    reply = Replied(at_ms=0, page="u", status=200, verbs=("Say",), body="<Response>\n<Say>x</Say>\n</Response>")
    assert [str(line).strip() for line in lines_of(reply, whole=True)[1:]] == ["<Response>", "<Say>x</Say>", "</Response>"]


def test_what_an_application_says_steers_no_terminal() -> None:
    evil = "\x1b[2J\x07 hello \u202e"
    entries: list[Entry] = [
        Played(at_ms=0, leg="c", who="caller", what="speech", value=evil),
        Replied(at_ms=0, page="u", status=200, body=evil),
        Problem(at_ms=0, severity="error", message="x", source=evil, line=1, column=1),
        Variable(at_ms=0, name="x", value=evil),
    ]
    shown = text_of(entries, whole=True)
    assert "hello" in shown
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_a_very_long_text_is_cut_on_its_line() -> None:
    line = str(lines_of(Played(at_ms=0, leg="c", who="caller", what="speech", value="x" * 9_000))[0])
    assert line.endswith("…")
    assert len(line) < 2_100


def test_the_clock() -> None:
    assert [clock_text(ms) for ms in (0, 99, 100, 59_999, 60_000, 14_432_400)] == [
        "00:00.0",
        "00:00.0",
        "00:00.1",
        "00:59.9",
        "01:00.0",
        "240:32.4",
    ]


FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
JSON = (("content-type", "application/json; charset=utf-8"),)
PARAMETERS: list[tuple[HttpRequest, dict[str, str]]] = [
    (HttpRequest("GET", "https://a.example/?t=1&u=", ()), {"t": "1", "u": ""}),
    (HttpRequest("POST", "https://a.example/?t=1", FORM, b"a=b+c&d=%26"), {"t": "1", "a": "b c", "d": "&"}),
    (
        HttpRequest("POST", "https://a.example/", FORM, b"Vars=%7B%22menu%22%3A%7B%22digits%22%3A%221%22%7D%7D"),
        {"Vars": '{"menu":{"digits":"1"}}', "Vars.menu.digits": "1"},
    ),
    (HttpRequest("POST", "https://a.example/", FORM, b"Vars=x"), {"Vars": "x"}),
    (
        HttpRequest("POST", "https://a.example/", JSON, b'{"a":{"b":[1,"x"]},"c":true,"d":null}'),
        {"a.b.0": "1", "a.b.1": "x", "c": "true", "d": ""},
    ),
]


@pytest.mark.parametrize(("request_", "parameters"), PARAMETERS)
def test_what_a_request_says_by_name(request_: HttpRequest, parameters: dict[str, str]) -> None:
    assert dict(parameters_of(request_)) == parameters


def test_what_was_keyed_for_a_payment_is_not_shown() -> None:
    keyed = (("PaymentCardNumber", "xxxxxxxxxxxx1111"), ("ExpirationDate", "1230"), ("Attempt", "1"))
    assert without_keyed(keyed) == (("PaymentCardNumber", "xxxxxxxxxxxx••••"), ("ExpirationDate", "••••"), ("Attempt", "1"))
    url = "https://a.example/12?Attempt=1&ExpirationDate=1230&PaymentCardPostalCode=68102"
    assert hide_keyed(url) == "https://a.example/12?Attempt=1&ExpirationDate=••••&PaymentCardPostalCode=•••••"


def test_a_transcript_gives_its_entries_by_kind() -> None:
    transcript = Transcript()
    for entry, _ in LINES:
        transcript.add(entry)
    assert len(transcript) == len(LINES)
    assert [entry for entry, _ in LINES] == list(transcript)
    assert [pressed.keys for pressed in transcript.of(Pressed)] == ["12#"]
    assert transcript.ended.status == "completed"
    assert [problem.message for problem in transcript.errors] == ["no such verb"]
