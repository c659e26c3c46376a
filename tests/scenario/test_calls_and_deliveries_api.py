"""Calls and deliveries over the API: lists that page, filters that narrow, and nobody sees what is another's."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from harness import Api, Receiver, Server, running_receiver, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]


@dataclass
class World:
    """One account with something to look at: two endpoints, six calls of three events each, in two bursts."""

    api: Api
    good: str
    bad: str
    between: str
    """A moment between the bursts."""
    rows: list[dict[str, Any]]


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    api = server.account("world")
    with running_receiver() as fine, running_receiver() as broken:
        broken.answer = lambda got: 500
        good = api.endpoint(fine.url)["id"]
        bad = api.endpoint(broken.url + "/voc", "voc", order="none")["id"]
        between = ""
        for burst in (1, 2):
            for number in range(3):
                call = {"id": f"w{burst}-{number}", "direction": "inbound", "from": "+61288880000", "to": f"+6118001112{number}0"}
                kinds = ("starting", "ringing", "completed")
                base = {"call": call}
                api.send(*({**base, "type": f"call.{kind}", "at": f"2026-11-20T12:0{n}:00Z"} for n, kind in enumerate(kinds)))
            if burst == 1:
                until(lambda: len(api.deliveries(endpoint=good, state="succeeded")) == 9)
                between = until(_next_millisecond())
        until(lambda: len(api.deliveries(endpoint=good, state="succeeded")) == 18)
        until(lambda: len(api.deliveries(endpoint=bad, state="exhausted")) == 12)
        yield World(api, good, bad, between, api.deliveries(limit=1000))


def _next_millisecond() -> Callable[[], str]:
    began = time.time()

    def passed() -> str:
        now = time.time()
        return datetime.fromtimestamp(now, UTC).isoformat() if now > began + 0.005 else ""

    return passed


def test_deliveries_are_newest_first_and_each_is_whole(world: World) -> None:
    rows = world.rows
    assert len(rows) == 30
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert all(
        set(row)
        == {
            "id",
            "event_id",
            "call_id",
            "endpoint_id",
            "event",
            "kind",
            "state",
            "attempts",
            "next_at",
            "created_at",
            "finished_at",
            "status",
            "error",
        }
        for row in rows
    )


FILTERS: list[tuple[dict[str, Any], Callable[[World, dict[str, Any]], bool]]] = [
    ({"state": "succeeded"}, lambda world, row: row["state"] == "succeeded"),
    ({"state": "exhausted"}, lambda world, row: row["state"] == "exhausted"),
    ({"state": "retrying"}, lambda world, row: False),
    ({"state": "skipped"}, lambda world, row: False),
    ({"state": "sending"}, lambda world, row: False),
    ({"endpoint": "good"}, lambda world, row: row["endpoint_id"] == world.good),
    ({"endpoint": "bad"}, lambda world, row: row["endpoint_id"] == world.bad),
    ({"call": "w1-2"}, lambda world, row: row["call_id"] == "w1-2"),
    ({"call": "nobody"}, lambda world, row: False),
    ({"event": "call.ringing"}, lambda world, row: row["event"] == "call.ringing"),
    ({"event": "inboundCallEnd"}, lambda world, row: row["event"] == "inboundCallEnd"),
    ({"event": "nothing"}, lambda world, row: False),
    ({"since": "between"}, lambda world, row: row["call_id"].startswith("w2")),
    ({"until": "between"}, lambda world, row: row["call_id"].startswith("w1")),
    ({"since": "1970-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}, lambda world, row: True),
    ({"since": "9999-12-31T23:59:59Z"}, lambda world, row: False),
    (
        {"state": "exhausted", "endpoint": "bad", "call": "w2-0", "event": "inboundCallStart", "since": "between"},
        lambda world, row: (row["event"], row["call_id"]) == ("inboundCallStart", "w2-0"),
    ),
    ({"endpoint": "good", "until": "between", "event": "call.completed"}, lambda world, row: _is(row, "w1", "call.completed")),
    ({"state": "succeeded", "call": "w1-1"}, lambda world, row: row["state"] == "succeeded" and row["call_id"] == "w1-1"),
]


def _is(row: dict[str, Any], burst: str, event: str) -> bool:
    return row["call_id"].startswith(burst) and row["event"] == event


@pytest.mark.parametrize("n", range(len(FILTERS)), ids=[",".join(asked) for asked, _ in FILTERS])
def test_every_filter_narrows_and_pages(world: World, n: int) -> None:
    asked, fits = FILTERS[n]
    meant = {"good": world.good, "bad": world.bad, "between": world.between}
    asked = {name: meant.get(value, value) for name, value in asked.items()}
    expected = [row for row in world.rows if fits(world, row)]
    assert world.api.deliveries(**asked) == expected
    query = "&".join(f"{name}={quote(str(value))}" for name, value in asked.items())
    assert walked(world.api, f"/v1/deliveries?{query}&limit=4") == expected


def walked(api: Api, path: str) -> list[dict[str, Any]]:
    """All pages, one after another; each but the last is full."""
    rows: list[dict[str, Any]] = []
    cursor = None
    limit = int(path.partition("limit=")[2].partition("&")[0])
    while True:
        page = api.get(path if cursor is None else f"{path}&cursor={cursor}")
        assert set(page) == {"items", "next_cursor"}
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            assert len(page["items"]) <= limit
            return rows
        assert len(page["items"]) == limit


def test_a_list_that_ends_with_a_full_page_says_so(world: World) -> None:
    page = world.api.get("/v1/deliveries?limit=30")
    assert (len(page["items"]), page["next_cursor"]) == (30, None)


def test_what_comes_meanwhile_neither_repeats_nor_hides(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    api.endpoint(receiver.url)
    api.send(*(new_call()("starting") for _ in range(10)))
    first = api.get("/v1/deliveries?limit=4")
    api.send(*(new_call()("starting") for _ in range(10)))
    cursor, rest = first["next_cursor"], list(first["items"])
    while cursor:
        page = api.get(f"/v1/deliveries?limit=4&cursor={cursor}")
        rest += page["items"]
        cursor = page["next_cursor"]
    assert len(rest) == len({row["id"] for row in rest}) == 10


def test_calls_are_listed_and_found_by_number(world: World) -> None:
    calls = world.api.get("/v1/calls")["items"]
    assert [call["id"] for call in calls] == ["w2-2", "w2-1", "w2-0", "w1-2", "w1-1", "w1-0"]
    assert [call["id"] for call in walked(world.api, "/v1/calls?limit=4")] == [call["id"] for call in calls]
    found = walked(world.api, "/v1/calls?number=%2B611800111210&limit=1")
    assert [call["id"] for call in found] == ["w2-1", "w1-1"]
    assert len(world.api.get("/v1/calls?number=%2B61288880000")["items"]) == 6
    assert world.api.get("/v1/calls?number=%2B000")["items"] == []


def test_a_call_shows_its_legs_its_events_and_what_became_of_them(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    endpoint = api.endpoint(receiver.url)
    root = new_call("root", crm_id="lead-55")
    leg = new_call("leg", parent="root", direction="outbound", to="280085")
    api.send(
        root("starting"),
        root("ongoing", 1, answered_by="ivr"),
        root("ivr-option", 2, {"option": "1"}),
        leg("starting", 3),
        leg("ringing", 4),
        leg("ongoing", 6),
        leg("completed", 30, {"cause": 16, "sip_status": 200, "ended_by": "callee"}),
        root("completed", 31.5, {"cause": 16}),
    )
    api.settled(8)
    shown = api.get("/v1/calls/root")
    call = shown["call"]
    assert {name: call[name] for name in ("id", "root", "direction", "from", "to", "status", "duration_s")} == {
        "id": "root",
        "root": "root",
        "direction": "inbound",
        "from": "+61288880000",
        "to": "+611800111222",
        "status": "completed",
        "duration_s": 31,
    }
    assert (call["answered_duration_s"], call["context"]["crm_id"], call["context"]["prompts"]) == (30, "lead-55", {"keys": ["1"]})
    assert (call["starting_at"], call["ended_at"]) == ("2026-11-20T12:00:00.000Z", "2026-11-20T12:00:31.500Z")
    assert call["offers"][0]["to"] == "280085"
    assert call["offers"][0]["status"] == "completed"
    (other,) = shown["legs"]
    assert (other["id"], other["parent"], other["root"], other["ended_by"]) == ("leg", "root", "root", "callee")
    assert [event["seq"] for event in shown["events"]] == list(range(1, 9))
    assert [event["call_id"] for event in shown["events"]] == ["root"] * 3 + ["leg"] * 4 + ["root"]
    for event in shown["events"]:
        (delivery,) = event["deliveries"]
        assert (delivery["event_id"], delivery["endpoint_id"], delivery["state"]) == (event["id"], endpoint["id"], "succeeded")
    # The same conversation from its leg's side.
    of_leg = api.get("/v1/calls/leg")
    assert of_leg["call"]["id"] == "leg"
    assert [one["id"] for one in of_leg["legs"]] == ["root"]
    assert of_leg["events"] == shown["events"]
    # A root's deliveries are the conversation's; a leg's are its own.
    assert len(api.deliveries(call="root")) == 8
    assert {row["call_id"] for row in api.deliveries(call="leg")} == {"leg"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("cursor=zz", "cursor"),
        ("cursor=n_YQ", "cursor"),
        ("state=lost", "state"),
        ("endpoint=x", "endpoint"),
        ("endpoint=dlv_00000000000000", "endpoint"),
        ("since=yesterday", "since"),
        ("since=2026-11-20T12:00:00", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("until=2026-13-01T00:00:00Z", "until"),
    ],
)
def test_a_question_that_makes_no_sense_names_what_is_wrong(api: Api, query: str, field: str) -> None:
    status, problem = api.call("GET", f"/v1/deliveries?{query}")
    assert (status, problem["field"], problem["title"]) == (422, field, "Invalid input")
    assert problem["detail"]


def test_what_is_another_accounts_is_not_there(server: Server, world: World) -> None:
    stranger = server.account()
    delivery = world.rows[0]["id"]
    for path in (
        f"/v1/deliveries/{delivery}",
        "/v1/calls/w1-0",
        f"/v1/endpoints/{world.good}",
        f"/v1/accounts/{world.api.account}",
    ):
        assert stranger.call("GET", path)[0] == 404, path
        assert stranger.call("GET", f"{path}?account={world.api.account}")[0] == 404, path
    assert stranger.deliveries() == []
    assert stranger.deliveries(endpoint=world.good) == []
    assert stranger.deliveries(call="w1-0") == []
    assert stranger.get("/v1/calls")["items"] == []
    assert stranger.get("/v1/calls?number=%2B61288880000")["items"] == []
    assert stranger.call("GET", f"/v1/deliveries?account={world.api.account}")[0] == 404


def test_the_operator_sees_any_account_that_it_names(server: Server, world: World) -> None:
    operator, account = server.operator, world.api.account
    assert operator.get(f"/v1/deliveries?account={account}&limit=1000")["items"] == world.rows
    assert operator.get(f"/v1/deliveries/{world.rows[0]['id']}?account={account}")["log"]
    assert operator.get(f"/v1/calls/w1-0?account={account}")["call"]["id"] == "w1-0"
    for path in ("/v1/deliveries", "/v1/calls", f"/v1/deliveries/{world.rows[0]['id']}", "/v1/calls/w1-0"):
        status, problem = operator.call("GET", path)
        assert (status, problem["field"]) == (422, "account")
        assert operator.call("GET", f"{path}?account=00000000-0000-4000-8000-000000000000")[0] == 404


@pytest.mark.parametrize("text", ["x", "dlv_00000000000000", "ep_00000000000000", "dlv_!", "%00"])
def test_a_delivery_that_is_none(api: Api, text: str) -> None:
    status, problem = api.call("GET", f"/v1/deliveries/{text}")
    assert (status, problem["detail"]) == (404, "no such delivery")


def test_accounts_are_made_by_the_operator_alone_and_listed_in_pages(server: Server) -> None:
    made = server.operator.post("/v1/accounts", {"name": "Zoë's Café", "country": "AU"})
    shown_fields = {"id", "name", "country", "bird_catch_all", "created_at"}
    shown_fields |= {"call_limit_s", "events_per_s", "pending_max", "retention_days", "mask_numbers"}
    shown_fields |= {"call_prefixes", "call_extensions", "calls_at_once", "calls_per_min", "flows", "transcribe"}
    assert set(made) == shown_fields | {"key"}
    account = Api(server.port, made["key"], made["id"])
    shown = account.get(f"/v1/accounts/{made['id']}")
    assert shown == {name: made[name] for name in shown_fields}
    for method, path, body in (("POST", "/v1/accounts", {"name": "x"}), ("GET", "/v1/accounts", None), ("GET", "/v1/notes", None)):
        status, problem = account.call(method, path, body)
        assert (status, problem["title"]) == (403, "Not allowed")
    names = [item["id"] for item in walked(server.operator, "/v1/accounts?limit=3")]
    assert made["id"] in names
    assert len(names) == len(set(names))
    assert "key" not in json.dumps(server.operator.get("/v1/accounts"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "country": "Australia"}, "country"),
        ({"name": "x", "id": "mine"}, "id"),
    ],
)
def test_an_account_that_cannot_be_made(server: Server, body: dict[str, Any], field: str) -> None:
    status, problem = server.operator.call("POST", "/v1/accounts", body)
    assert (status, problem["field"]) == (422, field)


def test_since_and_until_take_any_offset(world: World) -> None:
    moment = datetime.fromisoformat(world.between)
    there = (moment + timedelta(hours=11)).replace(tzinfo=None).isoformat() + "+11:00"
    assert world.api.deliveries(since=there, limit=1000) == world.api.deliveries(since=world.between, limit=1000)
