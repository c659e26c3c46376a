"""The way of an event: taken, stored, matched, sent, and all of it to be read afterwards exactly as it was."""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from harness import Api, Receiver, Server, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]


def test_an_event_arrives_and_its_log_is_what_the_receiver_saw(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: (202, {"X-Request-Id": "r-1", "Content-Type": "text/plain"}, "danke schön".encode())
    endpoint = api.endpoint(receiver.url + "/hook?a=1&b=%20x")
    event = api.send(new_call("seen")("starting"))["results"][0]
    got = receiver.next()
    (row,) = api.settled(1)
    assert {key: row[key] for key in ("event_id", "call_id", "endpoint_id", "event", "kind", "state", "attempts", "status")} == {
        "event_id": event["event_id"],
        "call_id": "seen",
        "endpoint_id": endpoint["id"],
        "event": "call.starting",
        "kind": "event",
        "state": "succeeded",
        "attempts": 1,
        "status": 202,
    }
    assert (row["next_at"], row["error"]) == (None, None)
    assert datetime.fromisoformat(row["created_at"]) <= datetime.fromisoformat(row["finished_at"])
    (attempt,) = row["log"]
    request, response, timings = attempt["request"], attempt["response"], attempt["timings_ms"]
    assert (request["method"], request["url"]) == ("POST", receiver.url + got.path)
    assert got.path == "/hook?a=1&b=%20x"
    assert request["body"].encode() == got.body
    assert [name for name, _ in request["headers"]] == got.header_names
    assert {name.lower(): value for name, value in request["headers"]} == got.headers
    assert (response["status"], response["body"], response["body_cut"]) == (202, "danke schön", False)
    assert ["X-Request-Id", "r-1"] in response["headers"]
    assert (attempt["number"], attempt["error"], attempt["address"]) == (1, None, "127.0.0.1")
    assert timings["dns"] is None
    assert timings["tls"] is None
    assert 0 <= timings["connect"] <= timings["first_byte"] <= timings["total"] < 5_000
    assert attempt["reused"] is False
    # The next one goes over the connection that is there.
    api.send(new_call("next")("starting"))
    receiver.next()
    assert api.settled(1, call="next")[0]["log"][0]["reused"] is True


def test_a_body_that_is_no_text_and_one_that_is_too_long_are_kept_as_they_are(
    api: Api, receiver: Receiver, new_call: NewCall
) -> None:
    bodies = iter([b"\xff\x00\xfe", b"x" * 100_000])
    receiver.answer = lambda got: (200, {}, next(bodies))
    api.endpoint(receiver.url, order="strict")
    say = new_call()
    api.send(say("starting"), say("ringing", 1))
    binary, long = (row["log"][0]["response"] for row in api.settled(2))
    assert (binary["body"], binary["body_base64"]) == (None, "/wD+")
    assert (len(long["body"]), long["body_cut"]) == (65_536, True)


def test_every_endpoint_that_wants_it_gets_it_and_no_other(api: Api, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    wishes: dict[str, dict[str, Any]] = {
        "all": {},
        "named": {"events": ["call.completed", "call.ringing"]},
        "outbound": {"filters": [{"key": "direction", "value": "outbound"}]},
        "two numbers": {"filters": [{"key": "number", "value": n} for n in ("+611800111222", "+611800111223")]},
        "an extension": {"filters": [{"key": "extension", "value": "280085"}]},
        "ends of one number": {
            "filters": [
                {"key": "number", "value": "+611800111224"},
                {"key": "status", "value": "completed"},
                {"key": "status", "value": "no-answer"},
            ]
        },
        "switched off": {"enabled": False},
    }
    got = {name: receivers() for name in wishes}
    for name, more in wishes.items():
        api.endpoint(got[name].url, **more)
    first, second = new_call("first"), new_call("second", to="+611800111224")
    third = new_call("third", direction="outbound", **{"from": "+611800111224"}, to="+61288880000")
    api.send(
        first("starting"),
        first("ringing", 1, extension="280085"),
        first("completed", 2),
        second("starting"),
        second("no-answer", 9),
        third("starting"),
        third("busy", 1),
    )
    expected = {
        "all": 7,
        "named": ["first call.ringing", "first call.completed"],
        "outbound": ["third call.starting", "third call.busy"],
        "two numbers": ["first call.starting", "first call.ringing", "first call.completed"],
        "an extension": ["first call.ringing"],
        "ends of one number": ["second call.no-answer"],
        "switched off": [],
    }
    until(lambda: len(got["all"].all) == 7)
    api.settled(16)
    for name, wanted in expected.items():
        seen = [f"{one.json['data']['call']['id']} {one.json['type']}" for one in got[name].all]
        assert len(seen) == wanted if isinstance(wanted, int) else sorted(seen) == sorted(wanted), name


def test_a_status_that_comes_too_late_is_in_the_record_and_is_not_sent(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    api.endpoint(receiver.url)
    say = new_call("late")
    answer = api.send(say("starting"), say("ongoing", 2), say("ringing", 1), say("completed", 9), say("ongoing", 3), say("busy", 4))
    assert [result["deliveries"] for result in answer["results"]] == [1, 1, 0, 1, 0, 0]
    assert [result.get("late", False) for result in answer["results"]] == [False, False, True, False, True, True]
    assert [got.json["type"] for got in receiver.take(3)] == ["call.starting", "call.ongoing", "call.completed"]
    assert receiver.nothing(0.1)
    shown = api.get("/v1/calls/late")
    assert [event["late"] for event in shown["events"]] == [False, False, True, False, True, True]
    assert shown["call"]["ringing_at"] == "2026-11-20T12:00:01.000Z"
    assert shown["call"]["status"] == "completed"


def test_many_producers_at_once_and_every_event_arrives_once_in_its_calls_order(
    server: Server, api: Api, receiver: Receiver
) -> None:
    api.endpoint(receiver.url)
    kinds = ["starting", "ringing", "ongoing", "completed"]
    failures: list[str] = []

    def produce(number: int) -> None:
        for call in range(5):
            for second, kind in enumerate(kinds):
                call_ref = {"id": f"p{number}-{call}", "direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
                update = {"type": f"call.{kind}", "at": f"2026-11-20T12:00:0{second}Z", "call": call_ref}
                status, _, body = api.raw("POST", "/v1/events", json.dumps(update).encode())
                if status != 202:
                    failures.append(body.decode())

    producers = [threading.Thread(target=produce, args=(number,)) for number in range(10)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    assert not failures
    seen: dict[str, list[str]] = defaultdict(list)
    for got in receiver.take(200):
        seen[got.json["data"]["call"]["id"]].append(got.json["type"].removeprefix("call."))
    assert receiver.nothing(0.1)
    assert len(seen) == 50
    assert all(order == kinds for order in seen.values())


def test_accounts_do_not_see_each_others_events(server: Server, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    mine, yours = server.account(), server.account()
    my_receiver, your_receiver = receivers(), receivers()
    mine.endpoint(my_receiver.url)
    yours.endpoint(your_receiver.url)
    mine.send(new_call("mine")("starting"))
    assert my_receiver.next().json["data"]["call"]["id"] == "mine"
    assert your_receiver.nothing(0.1)
    assert yours.deliveries() == []


def test_an_end_that_nobody_told_is_corrected_by_a_later_one(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    api.endpoint(receiver.url)
    say = new_call("twice-ended")
    api.send(say("starting"), say("busy", 5))
    answer = api.send(say("failed", 3))["results"][0]
    assert answer["deliveries"] == 0
    assert [got.json["type"] for got in receiver.take(2)] == ["call.starting", "call.busy"]
    # The earlier end stands in the record; what was sent stays sent.
    assert api.get("/v1/calls/twice-ended")["call"]["status"] == "failed"
    assert receiver.nothing(0.1)


def test_the_meters_move(server: Server, api: Api, new_call: NewCall) -> None:
    def meters() -> dict[str, float]:
        text = server.operator.raw("GET", "/metrics")[2].decode()
        return {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if not line.startswith("#")}

    before = meters()
    api.send(new_call()("starting"), new_call()("starting"))
    after = meters()
    assert after["ringback_updates_accepted_total"] == before["ringback_updates_accepted_total"] + 2
    assert after["ringback_commits_total"] > before["ringback_commits_total"]
    assert all(re.fullmatch(r"ringback_[a-z_]+", name) for name in after)


@pytest.mark.parametrize("call_id", ["a/b c%", "//x", "x/", "a?b#c", "ü€", "a//b", "/", "..", "a/../b", "+61 2", "%41", "x" * 128])
def test_a_call_is_found_by_whatever_id_its_source_gave_it(api: Api, new_call: NewCall, call_id: str) -> None:
    api.endpoint("http://127.0.0.1:9/")
    api.send(new_call(call_id)("starting"))
    shown = api.get(f"/v1/calls/{quote(call_id, safe='')}")
    assert shown["call"]["id"] == call_id
    assert [delivery["call_id"] for delivery in api.deliveries(call=call_id)] == [call_id]
