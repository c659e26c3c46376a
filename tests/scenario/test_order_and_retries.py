"""In which order webhooks go out, what becomes of those that fail, and that one receiver's trouble is nobody else's."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from harness import Api, Gate, Got, Receiver, Server, running_receiver, until
from standardwebhooks import Webhook

NewCall = Callable[..., Callable[..., dict[str, Any]]]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def once_unwell() -> Callable[[Got], int]:
    """503 for the first request of each path, then 200."""
    seen: set[str] = set()

    def answer(got: Got) -> int:
        first = got.path not in seen
        seen.add(got.path)
        return 503 if first else 200

    return answer


@dataclass
class Patience:
    """What takes seconds by its nature, begun when this module begins and looked at by its last tests."""

    bird: Receiver
    standard: Receiver
    silent: Receiver
    api: Api
    endpoints: dict[str, str]


@pytest.fixture(scope="module", autouse=True)
def patience(server: Server) -> Iterator[Patience]:
    api = server.account("patience")
    never = Gate()
    with ExitStack() as stack:
        bird, standard, silent = (stack.enter_context(running_receiver()) for _ in range(3))
        stack.callback(never.open)
        bird.answer = standard.answer = once_unwell()
        silent.answer = never
        made = {
            "bird": api.endpoint(bird.url + "/bird", "bird", secret="mysecretkey")["id"],
            "standard": api.endpoint(standard.url + "/standard", "standard", secret=SECRET)["id"],
            "silent": api.endpoint(silent.url + "/", "voc")["id"],
        }
        call = {"id": "patient", "direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
        api.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
        yield Patience(bird, standard, silent, api, made)


def types(receiver: Receiver) -> list[tuple[str, str]]:
    return [(got.json["data"]["call"]["id"], got.json["type"]) for got in receiver.all]


def arrived(receiver: Receiver, count: int) -> list[Got]:
    until(lambda: len(receiver.all) >= count)
    return receiver.all[:count]


# Order


def test_within_a_call_the_next_event_waits_for_the_first_attempt_of_the_one_before(
    api: Api, receiver: Receiver, new_call: NewCall
) -> None:
    receiver.answer = gate = Gate(lambda got: got.json["type"] == "call.starting" and got.json["data"]["root"]["id"] == "a")
    api.endpoint(receiver.url, order="call")
    a, leg, b = new_call("a"), new_call("a-leg", parent="a", to="280085"), new_call("b")
    api.send(a("starting"), leg("ringing", 1), b("starting", 1), b("ringing", 2))
    arrived(receiver, 3)
    # A leg belongs to its conversation; another conversation does not wait.
    assert [one for one in types(receiver) if one[0] == "b"] == [("b", "call.starting"), ("b", "call.ringing")]
    assert [one for one in types(receiver) if one[0] != "b"] == [("a", "call.starting")]
    gate.open()
    arrived(receiver, 4)
    assert types(receiver)[3] == ("a-leg", "call.ringing")


def test_within_a_call_a_failed_first_attempt_lets_the_next_event_go(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: 500 if got.json["type"] == "call.starting" else 200
    api.endpoint(receiver.url, order="call")
    say = new_call()
    api.send(say("starting"), say("ringing", 1), say("completed", 2))
    assert [got.json["type"] for got in arrived(receiver, 3)] == ["call.starting", "call.ringing", "call.completed"]
    assert [row["state"] for row in api.settled(3)] == ["retrying", "succeeded", "succeeded"]


def test_strict_order_waits_for_success_or_the_end_of_all_tries(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: 500 if "event=inboundCallStart" in got.path and "callid=stubborn" in got.path else 200
    api.endpoint(receiver.url + "/voc", "voc")
    stubborn, other = new_call("stubborn"), new_call("other")
    api.send(stubborn("starting"), stubborn("completed", 9), other("starting"), other("completed", 9))
    got = arrived(receiver, 6)
    events = [re.search(r"event=(\w+).*callid=(\w+)", one.path) for one in got]
    order = [found.groups()[::-1] for found in events if found]
    assert [event for call, event in order if call == "other"] == ["inboundCallStart", "inboundCallEnd"]
    assert [event for call, event in order if call == "stubborn"] == ["inboundCallStart"] * 3 + ["inboundCallEnd"]
    tries = [one.at for one in got if "callid=stubborn" in one.path]
    # One try again at once, one a second later; then it is a failure in the log, and the next one's turn.
    assert tries[1] - tries[0] < 0.5
    assert 0.9 < tries[2] - tries[1] < 2
    assert tries[3] > tries[2]
    assert len({one.path for one in got if "inboundCallStart" in one.path and "stubborn" in one.path}) == 1
    states = [(row["call_id"], row["event"], row["state"], row["attempts"]) for row in api.settled(4)]
    assert states == [
        ("stubborn", "inboundCallStart", "exhausted", 3),
        ("stubborn", "inboundCallEnd", "succeeded", 1),
        ("other", "inboundCallStart", "succeeded", 1),
        ("other", "inboundCallEnd", "succeeded", 1),
    ]


def test_without_an_order_nothing_waits(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = gate = Gate()
    api.endpoint(receiver.url, order="none")
    say = new_call()
    api.send(say("starting"), say("ringing", 1), say("completed", 2))
    assert sorted(got.json["type"] for got in arrived(receiver, 3)) == ["call.completed", "call.ringing", "call.starting"]
    assert {row["state"] for row in api.deliveries()} == {"sending"}
    assert {row["id"] for row in api.deliveries(state="sending")} == {row["id"] for row in api.deliveries()}
    assert {row["state"] for row in api.deliveries(state="pending")} == {"pending"}
    gate.open()
    assert [row["state"] for row in api.settled(3)] == ["succeeded"] * 3


# Success and failure, as each platform counts it


@pytest.mark.parametrize(
    ("dialect", "status", "counts"),
    [
        ("voc", 200, True),
        ("voc", 201, False),
        ("voc", 204, False),
        ("voc", 302, False),
        ("bird", 204, True),
        ("bird", 304, False),
        ("fonedynamics", 299, True),
        ("standard", 201, True),
        ("standard", 400, False),
    ],
)
def test_what_counts_as_delivered(api: Api, receiver: Receiver, new_call: NewCall, dialect: str, status: int, counts: bool) -> None:
    receiver.answer = lambda got: status
    api.endpoint(receiver.url + "/", dialect)
    api.send(new_call()("starting"))
    (row,) = api.settled(1)
    assert row["state"] in (["succeeded"] if counts else ["retrying", "exhausted"])
    assert row["log"][0]["response"]["status"] == status


def test_a_redirect_is_a_failure_and_is_not_followed(api: Api, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    here, there = receivers(), receivers()
    here.answer = lambda got: (307, {"Location": there.url + "/elsewhere"}, b"over there")
    api.endpoint(here.url)
    api.send(new_call()("starting"))
    (row,) = api.settled(1)
    assert (row["state"], row["status"]) == ("retrying", 307)
    assert ["Location", there.url + "/elsewhere"] in row["log"][0]["response"]["headers"]
    assert there.nothing(0.1)


@pytest.mark.parametrize(
    ("dialect", "least_s", "most_s"),
    [("bird", 10, 10), ("fonedynamics", 60, 60), ("voxtelesys", 4, 6), ("standard", 4, 6)],
)
def test_when_each_platform_tries_again(api: Api, new_call: NewCall, dialect: str, least_s: float, most_s: float) -> None:
    api.endpoint("http://127.0.0.1:9/", dialect)
    api.send(new_call(direction="outbound" if dialect == "voxtelesys" else "inbound")("starting"))
    if dialect == "voxtelesys":
        api.send(new_call(direction="outbound")("busy"))
    (row,) = api.settled(1)
    assert (row["state"], row["attempts"], row["error"], row["status"]) == ("retrying", 1, "connect", None)
    attempt = row["log"][0]
    assert "127.0.0.1 port 9" in attempt["detail"]
    waits_s = (datetime.fromisoformat(row["next_at"]) - datetime.fromisoformat(attempt["at"])).total_seconds()
    assert least_s - 0.1 <= waits_s - attempt["timings_ms"]["total"] / 1000 <= most_s + 1


@pytest.mark.parametrize(
    ("dialect", "status", "asked", "least_s", "most_s"),
    [
        ("standard", 429, "9", 8, 12),
        ("standard", 503, "1", 4, 6),
        ("standard", 429, "99999", 8, 12),
        ("standard", 500, "9", 4, 6),
        ("bird", 429, "99", 10, 10),
        ("fonedynamics", 503, "90", 90, 90),
    ],
)
def test_retry_after_is_honoured_within_bounds_where_the_platform_has_no_word_against_it(
    api: Api, receiver: Receiver, new_call: NewCall, dialect: str, status: int, asked: str, least_s: float, most_s: float
) -> None:
    receiver.answer = lambda got: (status, {"Retry-After": asked}, b"slow down")
    api.endpoint(receiver.url + "/", dialect)
    api.send(new_call()("starting"))
    (row,) = api.settled(1)
    waits_s = (datetime.fromisoformat(row["next_at"]) - datetime.fromisoformat(row["log"][0]["at"])).total_seconds()
    assert least_s - 0.1 <= waits_s <= most_s + 1


# One receiver's trouble


def test_an_endpoint_that_hangs_delays_nobody_else(api: Api, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    hangs, healthy = receivers(), receivers()
    hangs.answer = gate = Gate()
    api.endpoint(hangs.url, order="none")
    api.endpoint(healthy.url)
    api.send(*(new_call()("starting") for _ in range(100)))
    began = time.monotonic()
    healthy.take(100, 10)
    assert time.monotonic() - began < 3
    # The cap of one endpoint's requests in flight.
    assert len(hangs.all) <= 64
    gate.open()
    arrived(hangs, 100)


def test_a_row_of_failures_makes_an_endpoint_failing_and_one_success_healthy(
    server: Server, api: Api, receiver: Receiver, new_call: NewCall
) -> None:
    receiver.answer = lambda got: 500
    made = api.endpoint(receiver.url, order="none")
    assert (made["health"]["condition"], made["health"]["failures"]) == ("healthy", 0)
    api.send(*(new_call()("starting") for _ in range(5)))
    api.settled(5)
    health = api.get(f"/v1/endpoints/{made['id']}")["health"]
    assert (health["condition"], health["failures"]) == ("failing", 5)
    assert health["since"]
    receiver.answer = lambda got: 200
    api.send(new_call()("starting"))
    until(lambda: api.get(f"/v1/endpoints/{made['id']}")["health"]["condition"] == "healthy")

    def told() -> list[str]:
        notes = server.operator.get("/v1/notes?limit=1000")["items"]
        return [note["kind"] for note in notes if made["id"] in note["text"]]

    until(lambda: len(told()) == 2)
    assert told() == ["endpoint.recovered", "endpoint.failing"]


def test_410_disables_a_standard_endpoint_and_cancels_what_waits(
    server: Server, api: Api, receiver: Receiver, new_call: NewCall
) -> None:
    statuses = iter([500])
    receiver.answer = lambda got: next(statuses, 410)
    made = api.endpoint(receiver.url)
    first, second = new_call("first"), new_call("second")
    api.send(first("starting"))
    assert api.settled(1)[0]["state"] == "retrying"
    api.send(second("starting"))
    until(lambda: not api.get(f"/v1/endpoints/{made['id']}")["enabled"])
    states = {row["call_id"]: row["state"] for row in until(lambda: _over(api, 2))}
    assert states == {"first": "cancelled", "second": "exhausted"}
    assert api.get(f"/v1/endpoints/{made['id']}")["health"]["condition"] == "disabled"
    # The event is kept, and nothing is sent for it.
    assert api.send(second("ringing", 1))["results"][0]["deliveries"] == 0
    assert len(api.get("/v1/calls/second")["events"]) == 2

    def told() -> list[str]:
        notes = server.operator.get("/v1/notes?kind=endpoint.disabled")["items"]
        return [note["text"] for note in notes if made["id"] in note["text"]]

    assert "410" in until(told)[0]


def test_410_is_a_failure_like_any_other_where_the_platform_gives_it_no_meaning(
    api: Api, receiver: Receiver, new_call: NewCall
) -> None:
    receiver.answer = lambda got: 410
    made = api.endpoint(receiver.url + "/", "bird")
    api.send(new_call()("starting"))
    assert api.settled(1)[0]["state"] == "retrying"
    assert api.get(f"/v1/endpoints/{made['id']}")["enabled"] is True


def _over(api: Api, count: int) -> list[dict[str, Any]]:
    rows = api.deliveries()
    over = [row for row in rows if row["state"] in ("succeeded", "exhausted", "cancelled")]
    return over if len(over) == count else []


def test_deleting_an_endpoint_cancels_what_waits_and_keeps_its_log(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = gate = Gate(lambda got: got.json["data"]["call"]["id"] == "in-flight")
    made = api.endpoint(receiver.url)
    retried, waiting = new_call("retried"), new_call("in-flight")
    receiver.answer = lambda got: 500
    api.send(retried("starting"))
    api.settled(1)
    receiver.answer = gate
    api.send(waiting("starting"), waiting("ringing", 1), waiting("completed", 2))
    until(lambda: len(receiver.all) == 2)
    assert api.call("DELETE", f"/v1/endpoints/{made['id']}") == (204, None)
    assert api.call("GET", f"/v1/endpoints/{made['id']}")[0] == 404
    assert api.call("DELETE", f"/v1/endpoints/{made['id']}")[0] == 404
    gate.open()
    rows = until(lambda: _over(api, 4))
    states = sorted((row["call_id"], row["event"], row["state"]) for row in rows)
    assert states == [
        ("in-flight", "call.completed", "cancelled"),
        ("in-flight", "call.ringing", "cancelled"),
        ("in-flight", "call.starting", "succeeded"),
        ("retried", "call.starting", "cancelled"),
    ]
    assert len(receiver.all) == 2
    (old,) = api.deliveries(call="retried", endpoint=made["id"])
    assert len(api.get(f"/v1/deliveries/{old['id']}")["log"]) == 1
    assert api.send(waiting("recording", 3, {"status": "completed"}))["results"][0]["deliveries"] == 0


def test_an_address_that_is_ours_is_a_failed_attempt_of_class_blocked(server: Server, api: Api, new_call: NewCall) -> None:
    api.endpoint(f"http://localhost:{server.port}/v1/accounts")
    api.send(new_call()("starting"))
    (row,) = api.settled(1)
    assert (row["state"], row["error"]) == ("retrying", "blocked")
    attempt = row["log"][0]
    assert attempt["error"] == "blocked"
    assert attempt["detail"]
    assert attempt["response"]["status"] is None


# What takes time


def test_standard_signs_every_attempt_anew_and_keeps_the_id(patience: Patience) -> None:
    first = patience.standard.all[0]
    again = until(lambda: patience.standard.all[1:], 8)[0]
    assert 3.9 < again.at - first.at < 7
    assert again.body == first.body
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert 3 <= int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) <= 7
    assert again.headers["webhook-signature"] != first.headers["webhook-signature"]
    for got in (first, again):
        Webhook(SECRET).verify(got.body, got.headers)
    row = _finished(patience, "standard")
    assert (row["state"], row["attempts"]) == ("succeeded", 2)
    assert [(attempt["number"], attempt["response"]["status"]) for attempt in row["log"]] == [(1, 503), (2, 200)]


def test_a_receiver_that_does_not_answer_is_given_up_after_the_platforms_time(patience: Patience) -> None:
    api, endpoint = patience.api, patience.endpoints["silent"]
    row = until(lambda: [row for row in api.deliveries(endpoint=endpoint) if row["attempts"]], 8)[0]
    attempt = api.get(f"/v1/deliveries/{row['id']}")["log"][0]
    assert attempt["error"] == "timeout"
    assert 4900 <= attempt["timings_ms"]["total"] < 6500
    assert attempt["timings_ms"]["first_byte"] is None


def test_bird_keeps_time_signature_and_id_on_a_retry(patience: Patience) -> None:
    first = patience.bird.all[0]
    again = until(lambda: patience.bird.all[1:], 15)[0]
    assert 9.5 < again.at - first.at < 12
    assert (again.path, again.body, again.headers) == (first.path, first.body, first.headers)
    assert again.headers["messagebird-signature"]
    row = _finished(patience, "bird")
    assert (row["state"], row["attempts"]) == ("succeeded", 2)


def _finished(patience: Patience, which: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        (row,) = patience.api.deliveries(endpoint=patience.endpoints[which])
        return patience.api.get(f"/v1/deliveries/{row['id']}") if row["finished_at"] else None  # type: ignore[no-any-return]

    row: dict[str, Any] = until(found)
    return row
