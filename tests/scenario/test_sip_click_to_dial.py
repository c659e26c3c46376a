"""VOC's click-to-dial with real phones: one that registers is called and put through, both are heard, and it is told as a call that
the phone has made; and the calls that such a phone makes itself."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from harness import Api, Receiver, start_server, until
from live_harness import SALES, Application, events, in_status, over
from sip_calls import BOB, Exchange, Line, number_with, passes, sip_config, sip_port_of, start_exchange
from sip_phones import PhoneProcess, needs_phones, read_wav, seconds_of, tone, write_wav
from test_live_dialects import DIALECTS, GEOGRAPHY, _told, filled, fits

EXPECTED = json.loads((Path(__file__).parents[1] / "data" / "live" / "click-to-dial.json").read_text("utf-8"))
pytestmark = needs_phones
DESK = str(BOB["extension"])
AT_HOME = "127.0.0.3"


@pytest.fixture
def desk(exchange: Exchange) -> Iterator[PhoneProcess]:
    """The extension's phone, registered."""
    with PhoneProcess(AT_HOME) as phone:
        phone.register(exchange.sip_port, BOB["user"], BOB["password"])
        phone.wait("registered", status=200)
        yield phone


def dialled(api: Api, **query: str) -> str:
    """The id of a call that the API takes."""
    status, _, body = api.raw("POST", f"/voc/api/v1/dial?{urlencode({'extension': DESK, 'destination': SALES, **query})}")
    assert status == 200, body
    return str(json.loads(body)["data"]["id"])


def picked_up(desk: PhoneProcess) -> Line:
    """The extension's own call, answered."""
    return Line(desk, desk.incoming()).answers(180).answers().is_up()


def hooks(receiver: Receiver, call: str, expected: list[str]) -> None:
    """What VOC's endpoint was sent is this, and no more."""
    got = [one.path for one in receiver.take(len(expected))]
    assert [filled(line, {"CALL": call}).fullmatch(one) is not None for line, one in zip(expected, got, strict=True)] == [
        True
    ] * len(expected), got
    assert receiver.nothing(0.1)


def hook(event: str, call: str, **more: str) -> str:
    parts = "".join(f"&{name}={value}" for name, value in more.items())
    head = f"/voc?event=outboundCall{event}&date={{DATE}}&extension={DESK}&destination={SALES.lstrip('+')}&callid={call}"
    return f"{head}{parts}&crm_id=lead-55"


def test_both_hear_each_other_and_all_five_dialects_tell_it(
    exchange: Exchange, receivers: Callable[[], Receiver], desk: PhoneProcess, tmp_path: Path
) -> None:
    api = exchange.account()
    ends = {dialect: receivers() for dialect in DIALECTS}
    for dialect, receiver in ends.items():
        api.endpoint(f"{receiver.url}/{dialect}", dialect)
    came = exchange.expects()
    call = dialled(api, **EXPECTED["dial"])
    ours = picked_up(desk)
    seen = desk.has("incoming", call=ours.call)
    assert seen is not None
    assert SALES in seen["remote"], "the phone shows whom it is going to speak with"
    theirs = came()
    seen = theirs.phone.has("incoming", call=theirs.call)
    assert seen is not None
    assert f"+{EXPECTED['dial']['caller_id']}" in seen["remote"]
    theirs.answers(180)
    in_status(api, call, "ringing")
    theirs.answers().is_up()
    at_desk, at_theirs = ours.records(tmp_path / "at-desk.wav"), theirs.records(tmp_path / "at-theirs.wav")
    passes(0.3)  # both phones are processes of their own
    ours.hums(tmp_path, 510, 1.0)
    passes(1.5)
    theirs.hums(tmp_path, 930, 1.0)
    passes(1.5)
    theirs.hangs_up()
    ours.is_over()
    shown = over(api, call)
    for file, hears, speaks in ((at_desk, 930, 510), (at_theirs, 510, 930)):
        (heard,) = read_wav(file)
        assert (seconds_of(heard, hears) > 0.6, seconds_of(heard, speaks)) == (True, 0)
    sound = write_wav(tmp_path / "told.wav", tone(440, 1.0)).read_bytes()
    status, _, body = api.raw("PUT", f"/v1/calls/{call}/recording", sound, {"Content-Type": "audio/wav"})
    assert status == 200, body
    all_of_it_is_told(ends, {"CALL": call, "LEG": shown["legs"][0]["id"]})
    assert shown["call"]["answered_at"] == shown["legs"][0]["answered_at"]


def all_of_it_is_told(ends: dict[str, Receiver], legs: dict[str, str]) -> None:
    got = {dialect: receiver.take(len(EXPECTED[dialect])) for dialect, receiver in ends.items()}
    assert all(receiver.nothing(0.1) for receiver in ends.values())
    lines: dict[str, list[str]] = {
        "voc": [one.path for one in got["voc"]],
        "voxtelesys": [GEOGRAPHY.sub("", one.body.decode()) for one in got["voxtelesys"]],
        "standard": [_told(one.json) for one in got["standard"]],
    }
    for dialect, told in lines.items():
        for line, one in zip(EXPECTED[dialect], told, strict=True):
            assert filled(line, legs).fullmatch(one), (dialect, line, one)
    for one, expected in zip(got["bird"], EXPECTED["bird"], strict=True):
        payload: dict[str, Any] = {**EXPECTED["bird_calls"][expected["is"]], **expected["payload"]}
        assert fits(one.json, {"service": "channels", "event": expected["event"], "payload": payload}, legs), one.json


@pytest.mark.parametrize(("status", "told"), [(486, "busy"), (603, "no-answer"), (480, "no-answer")])
def test_the_extension_does_not_pick_up(
    exchange: Exchange, sip_api: Api, receiver: Receiver, desk: PhoneProcess, status: int, told: str
) -> None:
    sip_api.endpoint(f"{receiver.url}/voc", "voc")
    before = len(exchange.carrier.events)
    call = dialled(sip_api, crm_id="lead-55")
    Line(desk, desk.incoming()).answers(180).answers(status)
    shown = over(sip_api, call)
    assert (shown["call"]["status"], shown["call"]["sip_status"], shown["call"]["ended_by"]) == (told, status, "caller")
    assert shown["legs"] == []
    hooks(receiver, call, [hook("Start", call), hook("End", call, duration="{INT}", answeredDuration="0")])
    assert len(exchange.carrier.events) == before, "the destination was not called"


def test_the_extensions_phone_is_not_there(exchange: Exchange, sip_api: Api, receiver: Receiver) -> None:
    sip_api.endpoint(f"{receiver.url}/voc", "voc")
    call = dialled(sip_api, crm_id="lead-55")
    assert over(sip_api, call)["call"]["status"] == "no-answer"
    hooks(receiver, call, [hook("Start", call), hook("End", call, duration="{INT}", answeredDuration="0")])


@pytest.mark.parametrize(("status", "told"), [(486, "busy"), (404, "failed")])
def test_the_destination_does_not_answer(
    exchange: Exchange, sip_api: Api, receiver: Receiver, desk: PhoneProcess, status: int, told: str
) -> None:
    sip_api.endpoint(f"{receiver.url}/voc", "voc")
    came = exchange.expects()
    call = dialled(sip_api, crm_id="lead-55")
    ours = picked_up(desk)
    came().answers(180).answers(status)
    ours.is_over()
    shown = over(sip_api, call)
    assert (shown["call"]["status"], shown["call"]["sip_status"], shown["call"]["ended_by"]) == (told, status, "callee")
    assert events(shown, call) == ["accepted", "starting", "ringing", told]
    hooks(receiver, call, [hook("Start", call), hook("End", call, duration="{INT}", answeredDuration="0")])


def test_the_extension_hears_ringing_and_hangs_up(exchange: Exchange, sip_api: Api, desk: PhoneProcess, tmp_path: Path) -> None:
    came = exchange.expects()
    call = dialled(sip_api)
    ours = picked_up(desk)
    heard = ours.records(tmp_path / "heard.wav")
    theirs = came().answers(180)
    in_status(sip_api, call, "ringing")
    passes(1.5)
    ours.hangs_up()
    assert theirs.is_over() == 487
    shown = over(sip_api, call)["call"]
    assert (shown["status"], shown["ended_by"], shown["answered_duration_s"]) == ("cancelled", "caller", 0)
    (samples,) = read_wav(heard)
    assert any(abs(sample) > 500 for sample in samples), "the ringing tone"


def test_either_end_is_hung_up_from_outside(exchange: Exchange, sip_api: Api, desk: PhoneProcess) -> None:
    came = exchange.expects()
    call = dialled(sip_api)
    ours, theirs = picked_up(desk), came().answers().is_up()
    in_status(sip_api, call, "ongoing")
    assert sip_api.call("POST", f"/v1/calls/{call}/hang-up")[0] == 202
    assert (ours.is_over(), theirs.is_over()) == (200, 200)
    assert over(sip_api, call)["call"]["ended_by"] == "switch"


# A phone that registers calls by itself
def test_a_phones_call_to_a_document_is_outbound_and_the_document_is_asked_as_ever(
    exchange: Exchange, sip_api: Api, application: Application, receiver: Receiver, desk: PhoneProcess
) -> None:
    sip_api.endpoint(f"{receiver.url}/voc", "voc")
    application.documents = {"/voice": f"<Dial answerOnBridge='true'>{SALES}</Dial>"}
    number = number_with(sip_api, application.url("/voice"))
    came = exchange.expects()
    line = Line(desk, desk.call(number, exchange.sip_port, f"sip:{BOB['user']}@127.0.0.1:{exchange.sip_port}"))
    theirs = came().answers(180).answers().is_up()
    line.is_up()
    theirs.hangs_up()
    line.is_over()
    shown = over(sip_api, exchange.call_id(sip_api))
    root, (leg,) = shown["call"], shown["legs"]
    assert (root["from"], root["to"], root["direction"], leg["direction"]) == (DESK, number, "outbound", "outbound")
    (asked,) = application.asked("/voice")
    assert (asked["From"], asked["Direction"], asked["CallStatus"]) == (DESK, "inbound", "ringing")
    names = [one.path.split("event=")[1].split("&")[0] for one in receiver.take(3)]
    assert names == ["outboundCallStart", "outboundCallAnswered", "outboundCallEnd"]


def test_a_phones_call_to_another_extension_is_outbound_too(exchange: Exchange, desk: PhoneProcess) -> None:
    api = exchange.account()
    extension = f"72{int(api.account[:6], 16) % 10_000:04}"
    api.post("/v1/numbers", {"number": extension})
    line = Line(desk, desk.call(extension, exchange.sip_port, f"sip:{BOB['user']}@127.0.0.1:{exchange.sip_port}"))
    assert line.is_over() == 603, "nobody is asked about its calls"
    root = over(api, exchange.call_id(api))["call"]
    assert (root["from"], root["to"], root["direction"], root["status"]) == (DESK, extension, "outbound", "no-answer")


def test_a_phone_is_its_accounts_and_outside_to_all_others(tmp_path: Path, application: Application) -> None:
    server = start_server(tmp_path / "data")
    mine, other = server.account(), server.account()
    server.stop()
    config = sip_config(tmp_path, 9, phones=[{**BOB, "account": mine.account}])
    server = start_exchange(tmp_path / "data", config)
    mine, other = (Api(server.port, api.key, api.account) for api in (mine, other))
    application.documents = {"/voice": "<Hangup/>"}
    numbers = [number_with(api, application.url("/voice")) for api in (mine, other)]
    port = sip_port_of(server)
    assert other.raw("POST", f"/voc/api/v1/dial?{urlencode({'extension': DESK, 'destination': SALES})}")[0] == 422
    with PhoneProcess(AT_HOME) as phone:
        uri = phone.register(port, BOB["user"], BOB["password"])
        phone.wait("registered", status=200)
        for number in (*numbers, SALES):
            Line(phone, phone.call(number, port, uri)).is_over()
    calls = until(lambda: found if len(found := mine.get("/v1/calls")["items"]) == 2 else [])
    assert [(call["to"], call["direction"]) for call in reversed(calls)] == [(numbers[0], "outbound"), (SALES, "outbound")]
    (call,) = until(lambda: other.get("/v1/calls")["items"])
    assert (call["from"], call["to"], call["direction"]) == (DESK, numbers[1], "inbound")
    assert server.stop() == 0, server.log.read_text()


def test_a_call_by_the_trunk_is_inbound(exchange: Exchange, sip_api: Api, application: Application) -> None:
    application.documents = {"/voice": "<Hangup/>"}
    exchange.calls(number_with(sip_api, application.url("/voice")), "7001").is_over()
    assert over(sip_api, exchange.call_id(sip_api))["call"]["direction"] == "inbound"
