"""Recordings of live calls, written down by a speech service: each dialect that tells of transcripts tells of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from harness import Api, Got, Receiver, Server, running_receiver, until
from live_harness import Application, comes_in, events, has_number, over, placed, start_with_switch

WORDS = "Please call me back about the blue one."
VOICEMAIL = "<Answer/><Record timeout='1' playBeep='false' action='/done'/>"
MESSAGE = "answer, speech 'a message of some length, which is recorded'"


class Clerk:
    """A speech service that writes down the same, whatever it hears."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.text: Any = WORDS
        self.status = 200
        receiver.answer = self._answer

    def _answer(self, _: Got) -> tuple[int, dict[str, str], bytes]:
        return self.status, {"Content-Type": "application/json"}, json.dumps({"text": self.text}).encode()


@pytest.fixture
def clerk() -> Iterator[Clerk]:
    with running_receiver() as receiver:
        yield Clerk(receiver)


@pytest.fixture
def office(tmp_path: Path, clerk: Clerk) -> Iterator[Server]:
    server = start_with_switch(
        tmp_path / "data", "--listen", clerk.receiver.url + "/v1", environment={"RINGBACK_LISTEN_KEY": "sk-clerk"}
    )
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()
    assert "sk-clerk" not in server.log.read_text()


def tenant(server: Server, transcribe: bool = True) -> Api:
    api = server.account()
    status, shown = server.operator.call("PATCH", f"/v1/accounts/{api.account}", {"transcribe": transcribe})
    assert (status, shown["transcribe"]) == (200, transcribe)
    return api


def leaves_a_message(api: Api, application: Application) -> str:
    application.documents = {"/voice": VOICEMAIL, "/done": "<Hangup/>"}
    call = comes_in(api, has_number(api, application.url("/voice")), MESSAGE)
    over(api, call)
    return call


def written(api: Api, call: str) -> dict[str, Any]:
    def there() -> dict[str, Any]:
        status, found = api.call("GET", f"/v1/calls/{call}/transcription")
        return dict(found) if status == 200 else {}

    return dict(until(there, 15))


def test_a_message_is_written_down_and_voc_is_told(
    office: Server, clerk: Clerk, application: Application, receiver: Receiver
) -> None:
    api = tenant(office)
    api.endpoint(receiver.url + "/voc", "voc", events=["callTranscriptionAvailable"])
    api.endpoint(receiver.url + "/standard", "standard", events=["call.transcription"])
    call = leaves_a_message(api, application)
    assert written(api, call)["text"] == WORDS
    told = {urlsplit(got.path).path: got for got in receiver.take(2)}
    voc = {name: values[0] for name, values in parse_qs(urlsplit(told["/voc"].path).query).items()}
    assert voc["event"] == "callTranscriptionAvailable"
    data = told["/standard"].json["data"]
    assert data["transcription"]["text"] == WORDS
    status, _, body = Api(api.port, None).raw("GET", urlsplit(data["transcription"]["url"])._replace(scheme="", netloc="").geturl())
    assert (status, json.loads(body)["text"]) == (200, WORDS)
    asked = clerk.receiver.next()
    assert (asked.path, asked.headers["authorization"]) == ("/v1/audio/transcriptions", "Bearer sk-clerk")
    assert b"RIFF" in asked.body
    assert list((office.data / "transcribe").iterdir()) == []


def test_only_accounts_that_want_it_are_written_down(office: Server, clerk: Clerk, application: Application) -> None:
    api = tenant(office, transcribe=False)
    call = leaves_a_message(api, application)
    assert clerk.receiver.nothing()
    assert api.call("GET", f"/v1/calls/{call}/transcription")[0] == 404
    status, problem = api.call("PATCH", f"/v1/accounts/{api.account}", {"transcribe": True})
    assert (status, problem["detail"]) == (403, "only the operator's key may change transcribe")


def test_two_messages_of_a_call_are_two_transcripts(
    office: Server, clerk: Clerk, application: Application, receiver: Receiver
) -> None:
    api = tenant(office)
    api.endpoint(receiver.url, "standard", events=["call.transcription"])
    record = "<Record timeout='1' playBeep='false' action='{}'/>"
    application.documents = {"/voice": "<Answer/>" + record.format("/two"), "/two": record.format("/done"), "/done": "<Hangup/>"}
    number = has_number(api, application.url("/voice"))
    call = comes_in(api, number, "answer, speech 'the first message', speech 'the second message, a longer one'")
    over(api, call, within_s=30)
    urls = [got.json["data"]["transcription"]["url"] for got in receiver.take(2)]
    assert len({urlsplit(url).path for url in urls}) <= 2
    for url in urls:
        assert Api(api.port, None).raw("GET", urlsplit(url)._replace(scheme="", netloc="").geturl())[0] == 200


def test_what_waits_at_a_stop_is_written_down_after_the_next_start(tmp_path: Path, clerk: Clerk, application: Application) -> None:
    data = tmp_path / "data"
    clerk.status = 503
    server = start_with_switch(data, "--listen", clerk.receiver.url)
    api = tenant(server)
    call = leaves_a_message(api, application)
    clerk.receiver.take(2)
    (waiting,) = until(lambda: list((data / "transcribe").glob("*.json")))
    until(lambda: json.loads(waiting.read_bytes())["failures"] == 1)
    assert server.stop() == 0
    clerk.status = 200
    again = start_with_switch(data, "--listen", clerk.receiver.url)
    api.port = again.port
    assert written(api, call)["text"] == WORDS
    assert "call.transcription" in [f"call.{name}" for name in events(api.get(f"/v1/calls/{call}"), call)]
    assert until(lambda: not list((data / "transcribe").iterdir()))
    assert again.stop() == 0


def test_a_recording_that_nobody_can_write_down_is_given_up(office: Server, clerk: Clerk, application: Application) -> None:
    clerk.status = 400
    api = tenant(office)
    call = leaves_a_message(api, application)
    assert until(
        lambda: f"the recording of call {call} is not written down: the speech service answered 400" in office.log.read_text()
    )
    assert until(lambda: not list((office.data / "transcribe").iterdir()))


def test_a_placed_calls_recording_is_written_down_too(office: Server, clerk: Clerk) -> None:
    api = tenant(office)
    call = placed(
        api, document="<Response><Say>Hello.</Say><Pause length='1'/></Response>", record={"channels": 2}, script="answer, wait 9s"
    )
    over(api, call)
    assert written(api, call)["text"] == WORDS
