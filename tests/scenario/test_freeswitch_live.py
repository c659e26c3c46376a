"""A server that listens to a FreeSWITCH: real calls become webhooks, and what was missed is noticed, told and made good."""

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from freeswitch_server import PASSWORD, Event, FakeSwitch, recording
from harness import ADMIN_KEY, Api, Receiver, Server, running_receiver, start_server, until

CONFIG = {
    "inside": {"contexts": ["from-sip"]},
    "outside": {"endpoints": ["alice"]},
    "numbers": {"bob": "+61255500101", "3000": "+61255500300"},
    "menu_apps": {"play_and_get_digits": "*"},
}


class Switch:
    """The fake switch on a loop of its own, for a test that is not."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.fake = FakeSwitch()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._wait(self.fake.start())

    def _wait(self, what: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(what, self.loop).result(10)

    def do(self, what: Callable[..., Any], *arguments: Any, **more: Any) -> None:
        """Calls something of the fake's, on its loop."""

        async def call() -> None:
            what(*arguments, **more)

        self._wait(call())

    def stop(self) -> None:
        self._wait(self.fake.stop())

    def start(self) -> None:
        self._wait(self.fake.start())

    def close(self) -> None:
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class Place:
    """A switch, a server at its Event Socket, an account that owns the numbers, and a receiver."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.switch = Switch()
        self.receiver = receiver
        self._folder = folder
        (folder / "freeswitch.json").write_text(json.dumps(CONFIG))
        self.server = self.start()
        self.api = self.server.account()
        for number in CONFIG["numbers"].values():  # type: ignore[attr-defined]
            self.api.post("/v1/numbers", {"number": number})
        self.api.endpoint(receiver.url)

    def start(self, password: str = PASSWORD) -> Server:
        address, settings = f"127.0.0.1:{self.switch.fake.port}", str(self._folder / "freeswitch.json")
        self.server = start_server(
            self._folder / "data",
            *("--freeswitch", address, "--freeswitch-config", settings),
            environment={"RINGBACK_FREESWITCH_PASSWORD": password},
        )
        return self.server

    def ready(self) -> None:
        until(self.switch.fake.subscribed.is_set)

    def source(self) -> dict[str, Any]:
        (shown,) = self.server.operator.get("/v1/sources")["items"]
        return dict(shown)

    def told(self) -> list[tuple[str, str]]:
        return [(got.json["data"]["call"]["id"], got.json["type"]) for got in self.receiver.all]

    def notes(self, kind: str) -> list[str]:
        return [note["text"] for note in self.server.operator.get(f"/v1/notes?kind={kind}")["items"]]


@contextmanager
def a_place(folder: Path) -> Iterator[Place]:
    with running_receiver() as receiver:
        made = Place(folder, receiver)
        made.ready()
        yield made
        assert made.server.stop() == 0
        made.switch.close()
    assert "Traceback" not in made.server.log.read_text()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place of its own, for a test that breaks something."""
    with a_place(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where nothing breaks; every test has calls of its own in it."""
    with a_place(tmp_path_factory.mktemp("quiet")) as made:
        yield made


def legs(events: list[Event]) -> list[str]:
    return [event["Unique-ID"] for event in events if event["Event-Name"] == "CHANNEL_CREATE"]


def test_a_real_call_becomes_webhooks(quiet: Place, receivers: Callable[[], Receiver]) -> None:
    voc = receivers()
    quiet.api.endpoint(voc.url, "voc")
    events = recording("inbound_answered")
    caller, callee = legs(events)
    quiet.switch.do(quiet.switch.fake.play, events)
    fields = [dict(parse_qsl(got.path.partition("?")[2], keep_blank_values=True)) for got in voc.take(4)]
    assert [one["event"] for one in fields] == ["inboundCallStart", "inboundCallRinging", "inboundCallAnswered", "inboundCallEnd"]
    assert {one["callid"] for one in fields} == {caller}
    assert {(one["inboundNumber"], one["callerid"]) for one in fields} == {("61255500101", "alice")}
    assert [one.get("extension") for one in fields] == [None, "bob", "bob", "bob"]
    assert fields[0]["date"] == "2026-11-20 13:08:18"
    of_caller = [kind for call, kind in quiet.told() if call == caller]
    assert of_caller[0] == "call.starting"
    until(lambda: (caller, "call.completed") in quiet.told() and (callee, "call.completed") in quiet.told())
    shown = quiet.api.get(f"/v1/calls/{caller}")
    assert (shown["call"]["status"], shown["call"]["from"], shown["call"]["to"]) == ("completed", "alice", "+61255500101")
    assert [leg["id"] for leg in shown["legs"]] == [callee]
    source = quiet.source()
    assert (source["name"], source["state"], source["error"], source["gaps"]) == ("freeswitch", "connected", "", 0)
    assert source["events"] >= len(events)


def test_keys_are_told_in_a_menu(quiet: Place) -> None:
    events = recording("ivr_dtmf")
    quiet.switch.do(quiet.switch.fake.play, events)
    until(lambda: (legs(events)[0], "call.completed") in quiet.told())
    keys = [got.json["data"]["option"] for got in quiet.receiver.all if got.json["type"] == "call.ivr-option"]
    assert keys
    assert set(keys) <= set("0123456789*#")


def test_an_end_that_was_missed_is_inferred_told_and_made_good_by_the_record(place: Place) -> None:
    events = recording("inbound_answered")
    caller, callee = legs(events)
    talking = next(i for i, event in enumerate(events) if event["Event-Name"] == "CHANNEL_BRIDGE")
    place.switch.do(place.switch.fake.play, events[: talking + 1])
    until(lambda: (callee, "call.ongoing") in place.told())
    place.switch.stop()
    until(lambda: place.source()["state"] != "connected")
    place.switch.do(place.switch.fake.happen, *events[talking + 1 :])
    place.switch.start()
    until(lambda: {(caller, "call.completed"), (callee, "call.completed")} <= set(place.told()), 15)
    assert place.api.get(f"/v1/calls/{caller}")["call"]["inferred"] is True
    assert any("2 calls ended unseen" in text for text in until(lambda: place.notes("gap")))
    # mod_json_cdr tells the true end afterwards, by Basic authentication, as it can.
    ended = next(e for e in events if e["Event-Name"] == "CHANNEL_HANGUP_COMPLETE" and e["Unique-ID"] == caller)
    basic = base64.b64encode(f"cdr:{ADMIN_KEY}".encode()).decode()
    status, _, body = Api(place.server.port, None).raw(
        "POST",
        "/v1/sources/freeswitch/cdr",
        record_of(ended),
        {"Authorization": f"Basic {basic}", "Content-Type": "application/json"},
    )
    assert status == 202, body
    until(lambda: (caller, "call.corrected") in place.told())
    call = place.api.get(f"/v1/calls/{caller}")["call"]
    assert (call["inferred"], call["status"], call["cause"]) == (False, "completed", 16)


def record_of(event: Event) -> bytes:
    """What mod_json_cdr writes of a channel, made of its last event."""
    answered, ended = (event[f"Caller-Channel-{what}-Time"] for what in ("Answered", "Hangup"))
    variables = {name.removeprefix("variable_"): value for name, value in event.items() if name.startswith("variable_")}
    variables |= {
        "direction": event["Call-Direction"],
        "start_uepoch": event["Caller-Channel-Created-Time"],
        "answer_uepoch": answered,
        "end_uepoch": ended,
        "hangup_cause": event["Hangup-Cause"],
    }
    profile = {
        "username": event.get("Caller-Username", ""),
        "caller_id_number": event["Caller-Caller-ID-Number"],
        "destination_number": event["Caller-Destination-Number"],
        "uuid": event["Unique-ID"],
        "context": event["Caller-Context"],
        "chan_name": event["Channel-Name"],
    }
    document = {
        "core-uuid": event["Core-UUID"],
        "variables": {name: quote(value) for name, value in variables.items() if isinstance(value, str)},
        "callflow": [{"profile_index": "1", "caller_profile": profile, "times": {}}],
    }
    return json.dumps(document).encode()


def test_a_call_that_was_under_way_at_a_kill_is_ended_after_the_restart(place: Place) -> None:
    events = recording("inbound_answered")
    caller, callee = legs(events)
    talking = next(i for i, event in enumerate(events) if event["Event-Name"] == "CHANNEL_BRIDGE")
    place.switch.do(place.switch.fake.play, events[: talking + 1])
    until(lambda: (callee, "call.ongoing") in place.told())
    place.server.process.kill()
    place.server.process.wait()
    place.switch.do(place.switch.fake.happen, *events[talking + 1 :])
    place.start()
    place.api = Api(place.server.port, place.api.key)
    until(lambda: {(caller, "call.completed"), (callee, "call.completed")} <= set(place.told()), 15)
    call = place.api.get(f"/v1/calls/{caller}")["call"]
    assert (call["status"], call["inferred"]) == ("completed", True)


def test_calls_that_fit_no_account_are_counted_and_listed(quiet: Place) -> None:
    quiet.api.call("DELETE", "/v1/numbers/+61255500101")
    events = recording("busy")
    quiet.switch.do(quiet.switch.fake.play, events)
    until(lambda: any(legs(events)[0] in text for text in quiet.notes("stray")))
    assert "ringback_updates_without_account_total 0" not in quiet.server.operator.raw("GET", "/metrics")[2].decode()
    assert not {leg for leg, _ in quiet.told()}.intersection(legs(events))
    quiet.api.post("/v1/numbers", {"number": "+61255500101"})


def test_no_webhook_goes_to_the_switch(quiet: Place) -> None:
    url = f"http://127.0.0.1:{quiet.switch.fake.port}/"
    status, problem = quiet.api.call("POST", "/v1/endpoints", {"url": url, "dialect": "standard"})
    assert (status, problem["field"]) == (422, "url")
    assert "not open to webhooks" in problem["detail"]


def test_a_switch_that_is_away_or_refuses_us_holds_nothing_up(tmp_path: Path, receiver: Receiver) -> None:
    made = Place(tmp_path, receiver)
    made.ready()
    assert made.server.stop() == 0
    server = made.start("a-wrong-password-4711")
    until(lambda: made.source()["error"])
    assert made.source()["state"] != "connected"
    made.switch.stop()
    api = Api(server.port, made.api.key)
    call = {"id": "by-http", "direction": "inbound", "from": "+61288880000", "to": "+61255500101"}
    api.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
    assert receiver.next().json["data"]["call"]["id"] == "by-http"
    assert server.stop() == 0
    made.switch.close()
    log = server.log.read_text()
    assert "a-wrong-password-4711" not in log
    assert PASSWORD not in log
    assert "Traceback" not in log


def test_a_record_that_is_none_is_refused(server: Server) -> None:
    for body in (b"", b"{", b"[]", b'{"variables": {}}', b"\xff"):
        status, headers, _ = server.operator.raw("POST", "/v1/sources/freeswitch/cdr", body)
        assert status in (400, 422)
        assert headers["content-type"] == "application/problem+json"
    assert server.operator.get("/v1/sources")["items"] == []
