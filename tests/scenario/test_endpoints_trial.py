"""The test button: a sample of every event of every dialect, by the way that all events go; and the list of what there is."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from harness import Api, Receiver, Server, start_server, until

from ringback.dialects import load_dialects
from ringback.dialects.trial import trial
from ringback.receive.verify import verify_standard

NewCall = Callable[..., Callable[..., dict[str, Any]]]
EVERY = [(name, event) for name, dialect in load_dialects().items() for event in dialect.events]


def try_out(api: Api, endpoint: Any, event: str) -> Any:
    return api.post(f"/v1/endpoints/{endpoint['id']}/test", {"event": event}, 202)


def ended(api: Api, answer: Any) -> Any:
    return until(
        lambda: (found := api.get(f"/v1/deliveries/{answer['delivery_id']}"))["state"] not in ("pending", "sending") and found
    )


@pytest.mark.parametrize(("dialect", "event"), EVERY)
def test_every_event_of_every_dialect(api: Api, receiver: Receiver, dialect: str, event: str) -> None:
    """What arrives is the sample, but for the ids, the moment and what follows from them."""
    speaks = load_dialects()[dialect]
    secret = {"secret": "mysecretkey"} if dialect == "bird" else {}
    for method in speaks.methods:
        made = api.endpoint(receiver.url + "/hook", dialect, method=method, **secret)
        found = ended(api, try_out(api, made, event))
        got = receiver.next()
        assert (found["kind"], found["state"], found["attempts"], found["event"]) == ("test", "succeeded", 1, event)
        assert found["log"][0]["request"]["body"] == got.body.decode()
        wanted = trial(speaks, event, receiver.url + "/hook", method=method, secret=made.get("secret") or secret.get("secret"))
        assert got.method == method
        assert {name.lower() for name, _ in wanted.headers} <= set(got.headers)
        assert shape(got.path, got.body) == shape(urlsplit(wanted.url)._replace(scheme="", netloc="").geturl(), wanted.body)


def shape(path: str, body: bytes) -> Any:
    """The names of all fields."""
    query = [name for name, _ in parse_qsl(urlsplit(path).query, keep_blank_values=True)]
    if body[:1] != b"{":
        return query, [name for name, _ in parse_qsl(body.decode(), keep_blank_values=True)]
    return query, paths(json.loads(body))


def paths(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return sorted(found for name, inner in value.items() for found in paths(inner, f"{path}.{name}"))
    return [path]


def test_vocs_static_values_come_with_the_current_date(api: Api, receiver: Receiver) -> None:
    """The vendor's table for inboundCallEnd, to the byte but for the date."""
    made = api.endpoint(receiver.url + "/voc?token=7", "voc")
    before = datetime.now(UTC).replace(microsecond=0)
    try_out(api, made, "inboundCallEnd")
    got = receiver.next()
    query = dict(parse_qsl(urlsplit(got.path).query))
    sent = datetime.strptime(query.pop("date"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert before <= sent <= datetime.now(UTC)
    assert query == {
        "token": "7",
        "event": "inboundCallEnd",
        "inboundNumber": "611800111222",
        "callerid": "61288880000",
        "callid": "testcall",
        "extension": "280085",
        "duration": "88",
        "answeredDuration": "77",
        "crm_id": "usefulid",
    }


def test_a_test_is_signed_like_all(api: Api, receiver: Receiver) -> None:
    made = api.endpoint(receiver.url, events=["call.ringing"])
    try_out(api, made, "call.completed")
    got = receiver.next()
    verify_standard(got.headers, got.body, made["secret"], got.at)
    assert got.json["type"] == "call.completed", "chosen for the endpoint or not"


def test_a_test_is_tried_once_and_says_nothing_about_health(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda got: 500
    made = api.endpoint(receiver.url)
    for _ in range(7):
        found = ended(api, try_out(api, made, "call.ringing"))
        assert (found["state"], found["attempts"], found["status"]) == ("exhausted", 1, 500)
    receiver.answer = lambda got: 410
    ended(api, try_out(api, made, "call.ringing"))
    after = api.get(f"/v1/endpoints/{made['id']}")
    assert after["enabled"] is True
    assert after["health"] == {"condition": "healthy", "failures": 0, "since": None, "changed_at": None, "reason": None}


def test_the_guard_stands_before_a_test_too(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    account = server.account()
    made = account.endpoint("http://127.0.0.1:9/")
    server.stop()
    strict = start_server(tmp_path / "data", strict=True)
    try:
        own = Api(strict.port, account.key)
        found = ended(own, try_out(own, made, "call.ringing"))
        assert (found["state"], found["error"], found["log"][0]["address"]) == ("exhausted", "blocked", None)
    finally:
        strict.stop()


def test_a_disabled_endpoint_can_be_tested_before_it_is_enabled(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    made = api.endpoint(receiver.url, enabled=False)
    api.send(new_call()("starting"))
    assert ended(api, try_out(api, made, "call.ringing"))["state"] == "succeeded"
    assert receiver.next().json["type"] == "call.ringing"
    assert receiver.nothing(0.1)


def test_a_test_is_in_the_log_and_in_no_list_of_calls(api: Api, receiver: Receiver) -> None:
    made = api.endpoint(receiver.url, "voc")
    answer = try_out(api, made, "inboundCallStart")
    found = ended(api, answer)
    assert [item["id"] for item in api.deliveries(endpoint=made["id"])] == [answer["delivery_id"]]
    assert found["call_id"] == "testcall"
    assert api.get("/v1/calls")["items"] == []
    assert api.call("GET", "/v1/calls/testcall")[0] == 404
    assert api.deliveries(call="testcall") == []


def test_a_test_does_not_wait_behind_a_call(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: 500 if "testcall" not in got.path else 200
    made = api.endpoint(receiver.url, "voc", order="strict")
    say = new_call()
    api.send(say("starting"), say("completed", 9))
    receiver.next()
    assert ended(api, try_out(api, made, "ivrOption"))["state"] == "succeeded"


@pytest.mark.parametrize("body", [{}, {"event": "inboundCallEnd"}, {"event": 5}, {"event": "call.ringing", "x": 1}])
def test_what_there_is_no_sample_of_is_refused(api: Api, body: Any) -> None:
    made = api.endpoint("http://127.0.0.1:9/")
    status, problem = api.call("POST", f"/v1/endpoints/{made['id']}/test", body)
    assert (status, problem["field"]) == (422, "x" if "x" in body else "event")
    assert api.deliveries() == []


def test_tests_survive_nothing_less_than_events_do(tmp_path: Path, receiver: Receiver) -> None:
    """What was answered 202 is on disk: a kill in the middle sends it again."""
    hung = start_server(tmp_path / "data")
    account = hung.account()
    held: list[Any] = []
    receiver.answer = lambda got: (held.append(got), until(lambda: hung.process.poll() is not None, 20), 200)[2]  # type: ignore[func-returns-value]
    answer = try_out(account, account.endpoint(receiver.url), "call.ringing")
    until(lambda: held)
    hung.stop(9)
    again = start_server(tmp_path / "data")
    try:
        own = Api(again.port, account.key)
        assert ended(own, answer)["state"] == "succeeded"
        assert receiver.take(2)[1].json["type"] == "call.ringing"
    finally:
        again.stop()


def test_the_dialects_are_listed_with_all_that_may_be_chosen(server: Server, api: Api) -> None:
    for asker in (api, server.operator):
        items = asker.get("/v1/dialects")["items"]
        assert [item["name"] for item in items] == sorted(load_dialects())
    for item in items:
        dialect = load_dialects()[item["name"]]
        assert [event["name"] for event in item["events"]] == list(dialect.events)
        assert item["filter_keys"] == sorted(dialect.filter_keys)
        assert item["methods"] == list(dialect.methods)
        assert item["retry"]["delays_s"] == list(dialect.retry.delays_s)
        assert (item["default_order"], item["timeout_s"]) == (dialect.default_order, dialect.timeout_s)
        for event in item["events"]:
            assert [sample["method"] for sample in event["samples"]] == item["methods"]
            assert all(sample["url"].startswith("https://example.com/hook") for sample in event["samples"])
        assert item["live_secrets"] == {"standard": 5, "bird": 1}.get(item["name"], 0)


def test_what_is_listed_is_what_an_endpoint_may_say(api: Api) -> None:
    for item in api.get("/v1/dialects")["items"]:
        names = [event["name"] for event in item["events"]]
        for method in item["methods"]:
            made = api.endpoint("http://127.0.0.1:9/", item["name"], events=names, method=method, order=item["default_order"])
            assert made["events"] == sorted(names)
