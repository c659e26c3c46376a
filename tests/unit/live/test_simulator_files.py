"""Simulated calls to documents that are files: the whole of a call without a server, a network or a wait."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ringback.calls.directory import Voice
from ringback.errors import InvalidInput
from ringback.live.expectations import read_expectation
from ringback.live.judging import judge
from ringback.live.simulation import Setup, run
from ringback.live.telling import text_of
from ringback.live.transcript import (
    Leg,
    Paid,
    Played,
    Pressed,
    Problem,
    Recorded,
    Replied,
    Requested,
    Transcript,
    Variable,
    Webhook,
)
from ringback.voxml import interpreter

MENU = """<Response>
  <Answer/>
  <Do expression="${menu.digits}!~'^[12]$'" maxLoops="3">
    <Gather input="dtmf speech" numDigits="1" timeout="6" output="menu"><Say>For sales press 1.</Say></Gather>
  </Do>
  <If expression="${menu.digits}=='1'"><Redirect>/v/sales</Redirect></If>
  <Say>Goodbye.</Say>
</Response>"""
SALES = '<Response><Dial output="x" timeout="20">+13005550100</Dial><Say>Back again.</Say></Response>'


def write(folder: Path, **documents: str) -> None:
    for name, text in documents.items():
        path = folder / f"{name.replace('__', '/')}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def call(folder: Path, script: str = "", document: str = "menu", **more: Any) -> Transcript:
    setup = {"document": str(folder / f"{document}.xml"), "script": script, "seed": 1, "now_ms": 1_790_000_000_000, **more}
    return run(Setup(**setup))


def holds(transcript: Transcript, *expectations: str) -> None:
    failed = [str(one) for one in judge(map(read_expectation, expectations), transcript) if not one.ok]
    assert failed == [], text_of(transcript)


def says(transcript: Transcript) -> list[str]:
    return [played.value for played in transcript.of(Played) if played.what == "speech"]


def messages(transcript: Transcript) -> list[str]:
    return [problem.message for problem in transcript.of(Problem)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, menu=MENU, v__sales=SALES)
    return tmp_path


def test_a_menu_is_walked_through(folder: Path) -> None:
    transcript = call(folder, "digits 1, wait 4s, hangup; callee +13005550100: ring 2s, answer, wait 3s, hangup")
    holds(
        transcript,
        "asks menu.xml with CallStatus=ringing",
        "answers",
        "says 'for sales'",
        "presses 1",
        "sets menu.digits=1",
        "asks /v/sales with Vars.menu.digits=1, CallStatus=in-progress",
        "dials +13005550100",
        "answers +13005550100",
        "connects",
        "status completed",
        "var x.status=completed",
        "ends within 10s",
        "never warns ''",
    )
    assert transcript.errors == []
    assert [reply.verbs for reply in transcript.of(Replied)] == [("Answer", "Do", "If", "Say"), ("Dial", "Say")]
    assert transcript.ended.documents == transcript.ended.requests == 2


def test_the_same_seed_and_moment_give_the_same_call(folder: Path) -> None:
    first, again = (call(folder, "digits 1", dialects=("standard", "bird")) for _ in range(2))
    assert msgspec.json.encode(list(first)) == msgspec.json.encode(list(again))
    other = call(folder, "digits 1", dialects=("standard", "bird"), seed=2)
    assert first.entries[0] != other.entries[0]


def test_without_a_seed_each_call_is_another(folder: Path) -> None:
    first, again = (call(folder, "hangup", seed=None).of(Requested)[0].parameters for _ in range(2))
    assert dict(first)["CallSid"] != dict(again)["CallSid"]


def test_time_jumps(tmp_path: Path) -> None:
    write(tmp_path, menu="<Response><Answer/>" + '<Pause length="60"/>' * 60 + "</Response>")
    started = time.monotonic()
    transcript = call(tmp_path)
    assert transcript.ended.duration_s == 3_600
    assert time.monotonic() - started < 5


def test_what_a_key_cuts_short_is_not_heard(tmp_path: Path) -> None:
    prompts = "<Say>One, which is long enough to be interrupted.</Say><Say>Two.</Say><Play>three.wav</Play>"
    write(tmp_path, menu=f'<Response><Gather numDigits="1" output="g">{prompts}</Gather><Say>Four.</Say></Response>')
    assert says(call(tmp_path, "wait 1s, digits! 1")) == ["One, which is long enough to be interrupted.", "Four."]
    heard_out = call(tmp_path, "digits 1")
    assert says(heard_out)[1:] == ["Two.", "Four."]
    times = [(played.value, played.at_ms) for played in heard_out.of(Played)]
    assert [value for value, _ in times] == ["One, which is long enough to be interrupted.", "Two.", "three.wav", "Four."]
    assert times == sorted(times, key=lambda pair: pair[1])
    assert times[1][1] > 2_000


def test_keys_pressed_one_after_another_are_one_entry(tmp_path: Path) -> None:
    write(tmp_path, menu='<Response><Gather finishOnKey="#" output="g"><Say>Your number?</Say></Gather></Response>')
    transcript = call(tmp_path, "digits 12w34#")
    assert [pressed.keys for pressed in transcript.of(Pressed)] == ["1234#"]
    assert transcript.ended.variables["g.digits"] == "1234"


def test_speech_is_understood(folder: Path) -> None:
    write(folder, menu='<Response><Gather input="speech" output="g"><Say>Yes?</Say></Gather></Response>')
    holds(call(folder, "speech 'sales, please' confidence 0.7"), "hears 'sales'", "var g.speech='sales, please'")


def test_variables_from_the_beginning(tmp_path: Path) -> None:
    write(tmp_path, menu="<Response><If expression=\"${tier}=='gold'\"><Say>Welcome.</Say></If><Unset output='tier'/></Response>")
    transcript = call(tmp_path, variables={"tier": "gold"})
    holds(transcript, "asks with Vars.tier=gold", "says Welcome", "var tier=")
    assert [(entry.name, entry.value) for entry in transcript.of(Variable)] == [("tier", "gold"), ("tier", None)]


def test_a_call_that_is_placed(tmp_path: Path) -> None:
    write(tmp_path, menu="<Response><Say>Your order is ready.</Say></Response>")
    transcript = call(tmp_path, "ring 3s, answer, wait 10s", direction="outbound", dialects=("voxtelesys", "voc"))
    holds(
        transcript,
        "answers",
        "asks menu.xml with Direction=outbound-api, CallStatus=in-progress",
        "says order",
        "webhook completed",
        "status completed",
    )
    assert [webhook.name for webhook in transcript.of(Webhook) if webhook.dialect == "voc"] == [
        "outboundCallStart",
        "outboundCallAnswered",
        "outboundCallEnd",
    ]


def test_a_call_that_is_placed_and_not_answered(tmp_path: Path) -> None:
    write(tmp_path, menu="<Response><Say>Never heard.</Say></Response>")
    transcript = call(tmp_path, "busy", direction="outbound", dialects=("voxtelesys",))
    holds(transcript, "webhook busy", "status busy", "never asks", "never says Never")


def test_a_call_that_is_refused(tmp_path: Path) -> None:
    write(tmp_path, menu='<Response><Reject reason="busy"/></Response>')
    transcript = call(tmp_path)
    holds(transcript, "status busy", "never answers")
    assert [leg.state for leg in transcript.of(Leg)] == ["rejected", "ended"]


def test_a_document_that_is_not_there(folder: Path) -> None:
    write(folder, menu="<Response><Redirect>nowhere</Redirect></Response>")
    transcript = call(folder)
    assert [error.message for error in transcript.errors] == ["there is no file nowhere or nowhere.xml beside the first document"]
    assert says(transcript)[0].startswith("We are sorry.")


def test_a_bad_document_is_shown_with_its_place(folder: Path) -> None:
    write(folder, menu="<Response>\n  <Sya>Hello</Sya>\n</Response>")
    transcript = call(folder)
    problem = transcript.errors[0]
    assert (problem.page, problem.line, problem.column, problem.source) == ("menu.xml", 2, 3, "  <Sya>Hello</Sya>")
    assert 'did you mean "Say"?' in problem.hint
    assert transcript.ended.errors == 1
    assert transcript.ended.documents == 0


def test_what_a_call_passes_over_is_a_warning_and_told_once(folder: Path) -> None:
    write(folder, menu='<Response><Answer/><Say vioce="x">Hi.</Say><Redirect>menu.xml</Redirect></Response>')
    transcript = call(folder, "wait 5s, hangup")
    assert transcript.errors == []
    assert len(transcript.of(Replied)) > 2
    assert [problem.severity for problem in transcript.of(Problem)] == ["warning"]


def test_a_document_that_leads_to_itself_ends(folder: Path) -> None:
    write(folder, menu="<Response><Redirect>menu.xml</Redirect></Response>")
    transcript = call(folder)
    assert transcript.ended.requests == 100
    assert [error.message for error in transcript.errors] == ["the call has asked for 100 documents, and is ended"]


def test_a_document_without_end_is_an_error_too(folder: Path) -> None:
    write(folder, menu='<Response><Do expression="1==1" maxLoops="1000000"><Set output="a" expression="1"/></Do></Response>')
    assert [error.message for error in call(folder).errors] == ["the document runs without end; the call is ended"]


def test_a_fault_of_ours_is_an_error_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise KeyError("broken")

    monkeypatch.setattr(interpreter, "step", broken)
    write(folder, menu="<Response><Say>Hello.</Say></Response>")
    transcript = call(folder)
    assert [error.message for error in transcript.errors] == ["a fault of ours: it has been logged"]
    assert transcript.ended.status == "no-answer"


def test_a_fallback_may_be_a_file(folder: Path) -> None:
    write(folder, menu="<Response><Redirect>nowhere</Redirect></Response>", after="<Response><Say>All the same.</Say></Response>")
    transcript = call(folder, voice=Voice(url="", fallback_url=str(folder / "after.xml")))
    assert [request.page for request in transcript.of(Requested)] == ["menu.xml", "nowhere", "after.xml"]
    told = dict(transcript.of(Requested)[-1].parameters)
    assert (told["ErrorCode"], told["ErrorUrl"].rpartition("/")[2]) == ("11200", "nowhere")
    holds(transcript, "warns nowhere", "says 'All the same.'")
    with pytest.raises(InvalidInput, match=r"the fallback 'after.xml' is a file"):
        run(Setup(document="http://127.0.0.1:1/", voice=Voice(url="", fallback_url="after.xml")))


def test_a_flow_is_a_document(folder: Path) -> None:
    write(folder, menu="<Response><Connect><Flow>f-1</Flow></Connect></Response>", flow="<Response><Say>The flow.</Say></Response>")
    holds(call(folder, flows={"f-1": str(folder / "flow.xml")}), "asks flow.xml", "says 'The flow.'")
    with pytest.raises(InvalidInput, match="is a file, and the first document is an application's"):
        run(Setup(document="http://127.0.0.1:1/", flows={"f-1": "flow.xml"}))


PAY = """<Response>
  <Pay chargeAmount="20.45" output="paid" action="/done" method="{method}" statusCallback="/progress" maxAttempts="2"/>
</Response>"""
CARD, EXPIRY, CODE, POSTAL = "4539578763621486", "1239", "737", "68102"


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("payment", ["approve", "decline"])
def test_digits_of_a_payment_are_nowhere(tmp_path: Path, method: str, payment: Any) -> None:
    write(tmp_path, menu=PAY.format(method=method), done="<Response><Say>Done.</Say></Response>")
    script = f"digits 1111111111111111#, digits {CARD}, digits {EXPIRY}, digits {CODE}, digits {POSTAL}#"
    transcript = call(tmp_path, script, payment=payment, dialects=("standard", "voc", "voxtelesys", "bird", "fonedynamics"))
    holds(transcript, "pays approved" if payment == "approve" else "pays declined", "asks /done", "says Done")
    assert "".join(pressed.keys for pressed in transcript.of(Pressed)) == "•" * (2 * 16 + 1 + 4 + 3 + 6)
    told = [dict(request.parameters) for request in transcript.of(Requested)][-1]
    assert told["PaymentCardNumber"] == "xxxxxxxxxxxx••••"
    assert told["ExpirationDate"] == "••••"
    for shown in (text_of(transcript, whole=True), msgspec.json.encode(list(transcript)).decode()):
        for keyed in (CARD, CARD[-4:], "1111", EXPIRY, CODE, POSTAL):
            # As a number of its own: times and ids hold any digits.
            assert not any(keyed == word for word in shown.replace('"', " ").replace("=", " ").replace("&", " ").split()), keyed
        assert CARD not in shown


def test_a_token_is_made_where_nothing_is_charged(tmp_path: Path) -> None:
    write(tmp_path, menu='<Response><Pay postalCode="false" securityCode="false"/></Response>')
    paid = call(tmp_path, f"digits {CARD}, digits {EXPIRY}").of(Paid)
    assert [(one.amount, one.token, one.confirmation) for one in paid] == [("0.00", "tok_simulated", "")]


def test_a_recording_is_told_of_and_what_waits_for_it_waits(tmp_path: Path) -> None:
    write(tmp_path, menu='<Response><Record maxLength="20" recordingStatusCallback="/rec" timeout="3"/></Response>')
    transcript = call(tmp_path, "speech 'my number is four'", dialects=("fonedynamics", "voxtelesys"))
    recorded = transcript.of(Recorded)
    assert [(one.state, one.why) for one in recorded] == [("in-progress", None), ("completed", "silence")]
    url = f"https://recordings.example/{recorded[1].leg}-"
    assert recorded[1].url.startswith(url)
    holds(transcript, "tells /rec with RecordingStatus=completed", "webhook Call.Complete with Call.Recording.Uri=https://rec*")
    assert "a file cannot be told anything: this URL is to be an application's" in messages(transcript)


def test_a_webhook_that_waits_for_a_recording_comes_behind_it_and_the_summary_last(tmp_path: Path) -> None:
    write(tmp_path, menu='<Response><Dial record="record-from-answer">+13005550100</Dial></Response>')
    transcript = call(tmp_path, "wait 5s, hangup", dialects=("fonedynamics",))
    names = [webhook.name for webhook in transcript.of(Webhook)]
    assert names == ["Call.Initiate", "Call.Complete"]
    assert transcript.entries[-1] is transcript.ended


def test_what_the_script_waited_for_in_vain_is_said(tmp_path: Path) -> None:
    write(tmp_path, menu='<Response><Answer/><Pause length="60"/><Pause length="60"/></Response>')
    transcript = call(tmp_path, "digits 1")
    assert [message.partition(":")[0] for message in messages(transcript)] == ["caller gives up"]
    assert "no keys were wanted" in messages(transcript)[0]
    assert transcript.ended.ended_by == "caller"


def test_what_the_script_never_came_to_is_said(tmp_path: Path) -> None:
    write(tmp_path, menu='<Response><Gather numDigits="1" output="g"/><Hangup/></Response>')
    assert messages(call(tmp_path, "digits 1, wait 9s")) == []
    expected = "caller is off the line before 2 steps of its script (script, character 11)"
    assert messages(call(tmp_path, "digits 1, digits 2, say nothing, speech 'x'")) == [expected]


def test_it_runs_while_a_loop_runs(folder: Path) -> None:
    async def main() -> str:
        return call(folder, "answer, hangup").ended.status

    assert asyncio.run(main()) == "completed"


def test_entries_are_told_as_they_come(folder: Path) -> None:
    told: list[Any] = []
    transcript = run(Setup(document=str(folder / "menu.xml"), script="digits 1, hangup"), told.append)
    assert told == transcript.entries
    times = [entry.at_ms for entry in transcript.entries]
    assert times == sorted(times)
    assert all(json.loads(msgspec.json.encode(entry))["at_ms"] == entry.at_ms for entry in told)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"script": "dance"}, "script, character 1"),
        ({"script": "busy"}, "a caller cannot"),
        ({"document": "missing.xml"}, "there is no file"),
        ({"dialects": ("latin",)}, "no dialect 'latin'"),
    ],
)
def test_what_was_given_wrongly_is_said(folder: Path, more: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        run(Setup(**{"document": str(folder / "menu.xml"), **more}))
