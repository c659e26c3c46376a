"""Sending again: one delivery, what was missed, a whole call to another place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Receiver, Server, start_server, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]
ZERO = "00000000000000"


class Outage:
    """An account whose receiver was down: its VOC deliveries were given up, and now it is up again."""

    def __init__(self, api: Api, receiver: Receiver, new_call: NewCall, calls: int = 6) -> None:
        self.api = api
        self.receiver = receiver
        self.endpoint = api.endpoint(receiver.url + "/hook", "voc", order="none")["id"]
        receiver.answer = lambda got: 500
        self.calls = [f"outage-{number}" for number in range(calls)]
        api.send(*(new_call(call)("starting", number) for number, call in enumerate(self.calls)))
        self.deliveries = until(lambda: self._given_up(calls))
        receiver.answer = lambda got: 200
        while not receiver.got.empty():
            receiver.got.get()

    def _given_up(self, count: int) -> list[dict[str, Any]]:
        rows = self.api.deliveries(state="exhausted")
        return rows if len(rows) == count else []

    def resend(self, expected: int = 202, **body: Any) -> Any:
        return self.api.post("/v1/resends", {"filter": {}, **body}, expected)

    def finished(self, made: Any) -> Any:
        return until(lambda: (job := self.api.get(f"/v1/resends/{made['id']}"))["state"] != "running" and job)


@pytest.fixture
def outage(api: Api, receiver: Receiver, new_call: NewCall) -> Outage:
    return Outage(api, receiver, new_call)


def test_a_delivery_is_sent_again_as_a_new_one(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    api.endpoint(receiver.url)
    api.send(new_call("again")("starting"))
    (first,) = api.settled(1)
    status, answer = api.call("POST", f"/v1/deliveries/{first['id']}/resend")
    assert status == 202
    original, again = receiver.take(2)
    assert again.body == original.body
    assert again.headers["webhook-id"] == original.headers["webhook-id"]
    _, second = api.settled(2)
    assert answer == {"delivery_id": second["id"]}
    assert (second["kind"], second["event_id"], second["state"]) == ("resend", first["event_id"], "succeeded")


def test_a_resend_gets_a_request_id_of_its_own_at_bird(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    api.endpoint(receiver.url, "bird", secret="key")
    api.send(new_call()("starting"))
    (first,) = api.settled(1)
    api.post(f"/v1/deliveries/{first['id']}/resend", None, 202)
    one, two = receiver.take(2)
    assert one.body == two.body
    assert one.headers["messagebird-request-id"] != two.headers["messagebird-request-id"]


@pytest.mark.parametrize("path", [f"/v1/deliveries/dlv_{ZERO}/resend", "/v1/deliveries/x/resend", "/v1/calls/none/replay"])
def test_what_is_not_there_cannot_be_sent_again(api: Api, receiver: Receiver, path: str) -> None:
    body = {"endpoint": api.endpoint(receiver.url)["id"]} if "replay" in path else None
    assert api.call("POST", path, body)[0] == 404


def test_a_disabled_endpoint_gets_no_resends(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    endpoint = api.endpoint(receiver.url)["id"]
    api.send(new_call("held")("starting"))
    (first,) = api.settled(1)
    assert api.call("PATCH", f"/v1/endpoints/{endpoint}", {"enabled": False})[0] == 200
    assert api.call("POST", f"/v1/deliveries/{first['id']}/resend")[0] == 409
    assert api.call("POST", "/v1/calls/held/replay", {"endpoint": endpoint})[0] == 409
    assert api.call("POST", "/v1/resends", {"filter": {"endpoint": endpoint}})[0] == 409


def test_a_dry_run_counts_and_makes_nothing(outage: Outage) -> None:
    assert outage.resend(200, dry_run=True) == {"count": 6}
    assert outage.resend(200, dry_run=True, filter={"call": "outage-2"}) == {"count": 1}
    assert outage.api.get("/v1/resends")["items"] == []
    assert outage.receiver.nothing()


def test_a_dry_run_counts_for_so_long_and_goes_on(outage: Outage) -> None:
    counted = [outage.resend(200, dry_run=True, within_s=1e-9)]
    while "next_cursor" in counted[-1]:
        counted.append(outage.resend(200, dry_run=True, within_s=1e-9, cursor=counted[-1]["next_cursor"]))
    assert len(counted) == 2
    assert sum(one["count"] for one in counted) == 6


def test_what_was_counted_before_is_not_counted_again_and_who_began_it_is_told(server: Server, outage: Outage) -> None:
    key = outage.api.post("/v1/keys", {"name": "the CRM's", "role": "developer"})["key"]
    slow = Api(server.port, key, outage.api.account).post("/v1/resends", {"filter": {}, "count": 17, "rate_per_s": 0.001}, 202)
    assert slow["count"] == 17
    job = outage.api.get(f"/v1/resends/{slow['id']}")
    assert (job["total"], job["made_by"]) == (17, "the CRM's")
    other = outage.resend(filter={"call": "none"})
    outage.finished(other)
    assert [one["id"] for one in outage.api.get("/v1/resends")["items"]] == [other["id"], slow["id"]]
    assert [one["id"] for one in outage.api.get("/v1/resends?state=running")["items"]] == [slow["id"]]
    outage.api.call("DELETE", f"/v1/resends/{slow['id']}")
    assert outage.api.get("/v1/resends?state=running")["items"] == []


def test_exactly_what_was_missed_is_replayed_once(outage: Outage) -> None:
    api = outage.api
    by_hand = next(row for row in outage.deliveries if row["call_id"] == "outage-3")
    api.post(f"/v1/deliveries/{by_hand['id']}/resend", None, 202)
    until(lambda: len(api.deliveries(state="succeeded")) == 1)
    assert outage.receiver.next().path.startswith("/hook")
    made = outage.resend(filter={"state": "exhausted"})
    assert made["count"] == 5
    job = outage.finished(made)
    assert {name: job[name] for name in ("state", "total", "made", "done", "failed", "pending", "eta_s")} == {
        "state": "done", "total": 5, "made": 5, "done": 5, "failed": 0, "pending": 0, "eta_s": None,
    }  # fmt: skip
    assert job["filter"]["state"] == "exhausted"
    assert job["finished_at"] > job["created_at"]
    arrived = [row["call_id"] for row in api.deliveries(state="succeeded")]
    assert sorted(arrived) == outage.calls
    assert len(outage.receiver.take(5)) == 5
    # Everything has arrived: there is nothing left to replay.
    assert outage.resend(200, dry_run=True) == {"count": 0}
    assert outage.finished(outage.resend())["state"] == "done"
    assert outage.receiver.nothing()
    # What arrived is sent again if somebody says so.
    assert outage.resend(200, dry_run=True, filter={"state": "succeeded"}) == {"count": 6}


def test_every_filter_of_the_log_narrows_a_bulk_resend(outage: Outage) -> None:
    api = outage.api
    third = next(row for row in outage.deliveries if row["call_id"] == "outage-3")
    other = api.endpoint(outage.receiver.url, "standard")["id"]
    cases: list[tuple[dict[str, str], int]] = [
        ({"endpoint": outage.endpoint}, 6),
        ({"endpoint": other}, 0),
        ({"event": "inboundCallStart"}, 6),
        ({"event": "inboundCallEnd"}, 0),
        ({"number": "+61288880000"}, 6),
        ({"number": "+61288880001"}, 0),
        ({"state": "cancelled"}, 0),
        ({"state": "exhausted", "call": "outage-3", "event": "inboundCallStart"}, 1),
        ({"since": "9999-12-31T00:00:00Z"}, 0),
        ({"until": third["created_at"]}, sum(1 for row in outage.deliveries if row["created_at"] < third["created_at"])),
        ({"since": third["created_at"]}, sum(1 for row in outage.deliveries if row["created_at"] >= third["created_at"])),
    ]
    for asked, count in cases:
        assert outage.resend(200, dry_run=True, filter=asked) == {"count": count}, asked


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "filter"),
        ({"filter": {"state": "pending"}}, 422, "filter.state"),
        ({"filter": {"state": "missed"}}, 422, "filter.endpoint"),
        ({"filter": {"endpoint": "x"}}, 422, "filter.endpoint"),
        ({"filter": {"endpoint": f"ep_{ZERO}"}}, 404, None),
        ({"filter": {"since": "yesterday"}}, 422, "filter.since"),
        ({"filter": {"color": "red"}}, 422, "filter.color"),
        ({"filter": {}, "rate_per_s": 0}, 422, "rate_per_s"),
        ({"filter": {}, "dry_run": "yes"}, 422, "dry_run"),
        ({"filter": {}, "within_s": 1}, 422, "within_s"),
        ({"filter": {}, "dry_run": True, "cursor": "x"}, 422, "cursor"),
        ({"filter": {}, "count": -1}, 422, "count"),
    ],
)
def test_what_cannot_be_resent_is_said(api: Api, body: Any, status: int, field: str | None) -> None:
    got, answer = api.call("POST", "/v1/resends", body)
    assert (got, answer.get("field")) == (status, field), answer


def test_what_fails_again_is_counted_and_can_be_replayed_again(outage: Outage) -> None:
    outage.receiver.answer = lambda got: 500
    job = outage.finished(outage.resend())
    assert (job["state"], job["made"], job["done"], job["failed"]) == ("done", 6, 0, 6)
    until(lambda: len(outage.api.deliveries(state="exhausted", limit=20)) == 12)
    outage.receiver.answer = lambda got: 200
    # The first deliveries and their resends have failed: each event goes once more.
    made = outage.resend()
    assert made["count"] == 6
    assert outage.finished(made)["done"] == 6


def test_what_came_while_an_endpoint_was_disabled_is_replayed(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    endpoint = api.endpoint(receiver.url)["id"]
    api.send(new_call("before")("starting"))
    api.settled(1)
    api.call("PATCH", f"/v1/endpoints/{endpoint}", {"enabled": False})
    api.send(*(new_call(f"meanwhile-{number}")("starting") for number in range(4)))
    _, changed = api.call("PATCH", f"/v1/endpoints/{endpoint}", {"enabled": True})
    assert changed["missed"]["count"] == 4
    made = api.post("/v1/resends", changed["missed"]["resend"], 202)
    assert made["count"] == 4
    until(lambda: api.get(f"/v1/resends/{made['id']}")["state"] == "done")
    # Different calls keep no order among each other.
    first, *missed = [got.json["data"]["call"]["id"] for got in receiver.take(5)]
    assert (first, sorted(missed)) == ("before", [f"meanwhile-{n}" for n in range(4)])
    assert api.post("/v1/resends", {**changed["missed"]["resend"], "dry_run": True}, 200) == {"count": 0}


def test_a_slow_bulk_resend_shows_its_progress_and_stops_when_it_is_cancelled(outage: Outage) -> None:
    made = outage.resend(rate_per_s=2)
    path = f"/v1/resends/{made['id']}"
    running = until(lambda: (job := outage.api.get(path))["made"] >= 2 and job["rate_per_s"] and job)
    assert (running["state"], running["rate_limit_per_s"]) == ("running", 2.0)
    assert 0.5 < running["rate_per_s"] < 6
    assert running["eta_s"] is not None
    status, cancelled = outage.api.call("DELETE", path)
    assert (status, cancelled["state"]) == (200, "cancelled")
    until(lambda: outage.api.get(path)["pending"] == 0)
    arrived = len(outage.api.deliveries(state="succeeded"))
    assert arrived < 6
    assert outage.api.get(path)["done"] == arrived
    for _ in range(arrived):
        outage.receiver.next()
    assert outage.receiver.nothing(1.2)
    # Cancelled again it stays as it is.
    assert outage.api.call("DELETE", path)[1]["finished_at"] == cancelled["finished_at"]
    assert [job["id"] for job in outage.api.get("/v1/resends")["items"]] == [made["id"]]


def test_cancelling_takes_back_what_was_made_and_not_sent(outage: Outage) -> None:
    """A receiver that lets nobody through holds up what was made; the rest of it is not sent after the cancelling."""
    api = outage.api
    status, _ = api.call("PATCH", f"/v1/endpoints/{outage.endpoint}", {"rate_per_s": 0.5})
    assert status == 200
    made = outage.resend()
    path = f"/v1/resends/{made['id']}"
    until(lambda: api.get(path)["made"] == 6)
    api.call("DELETE", path)
    job = api.get(path)
    assert (job["state"], job["pending"]) == ("cancelled", 0)
    assert job["done"] + job["failed"] == 6
    assert len(api.deliveries(state="cancelled")) == job["failed"] >= 4
    for _ in range(job["done"]):
        outage.receiver.next()
    assert outage.receiver.nothing(2.5)


def test_an_account_has_ten_bulk_resends_at_work(server: Server, api: Api, receiver: Receiver, new_call: NewCall) -> None:
    outage = Outage(api, receiver, new_call, calls=16)
    made = [outage.resend(rate_per_s=0.1) for _ in range(10)]
    status, answer = outage.api.call("POST", "/v1/resends", {"filter": {}})
    assert (status, "10" in answer["detail"]) == (409, True)
    assert server.account().post("/v1/resends", {"filter": {}}, 202)["count"] == 0
    for job in made:
        assert outage.api.call("DELETE", f"/v1/resends/{job['id']}")[1]["state"] == "cancelled"
    assert outage.finished(outage.resend())["state"] == "done"


def test_what_cannot_be_made_any_more_is_counted(outage: Outage) -> None:
    """The endpoint is disabled while the job runs."""
    made = outage.resend(rate_per_s=4)
    until(lambda: outage.api.get(f"/v1/resends/{made['id']}")["made"] >= 2)
    assert outage.api.call("PATCH", f"/v1/endpoints/{outage.endpoint}", {"enabled": False})[0] == 200
    job = outage.finished(made)
    assert (job["state"], job["pending"], job["done"] + job["failed"]) == ("done", 0, 6)
    assert job["made"] < 6


def test_a_bulk_resend_goes_on_after_a_kill(tmp_path: Path, receiver: Receiver, new_call: NewCall) -> None:
    server = start_server(tmp_path / "data")
    api = server.account()
    outage = Outage(api, receiver, new_call, calls=12)
    made = outage.resend(rate_per_s=5)
    until(lambda: api.get(f"/v1/resends/{made['id']}")["done"] >= 3)
    server.stop(9)
    again = start_server(tmp_path / "data")
    api.port = again.port
    job = outage.finished(made)
    assert (job["state"], job["total"], job["made"], job["done"]) == ("done", 12, 12, 12)
    calls = [row["call_id"] for row in api.deliveries(state="succeeded")]
    assert sorted(calls) == sorted(outage.calls)
    again.stop()


def test_a_call_is_replayed_to_another_url_in_order(api: Api, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    own, other = receivers(), receivers()
    api.endpoint(own.url)
    say = new_call("replayed/1")
    kinds = ("starting", "ringing", "ongoing", "completed")
    api.send(*(say(kind, at) for at, kind in enumerate(kinds)))
    api.settled(4)
    own.take(4)
    answer = api.post("/v1/calls/replayed%2F1/replay", {"url": other.url + "/copy", "dialect": "standard"}, 202)
    assert (answer["count"], len(answer["delivery_ids"])) == (4, 4)
    assert answer["secret"].startswith("whsec_")
    copies = other.take(4)
    assert [copy.json["type"] for copy in copies] == [f"call.{kind}" for kind in kinds]
    assert {copy.path for copy in copies} == {"/copy"}
    assert own.nothing()
    replays = [api.get(f"/v1/deliveries/{one}") for one in answer["delivery_ids"]]
    assert {(row["kind"], row["endpoint_id"]) for row in replays} == {("replay", answer["endpoint_id"])}
    # Made for the replay alone: it stands in no list and gets no events.
    assert answer["endpoint_id"] not in [endpoint["id"] for endpoint in api.get("/v1/endpoints")["items"]]
    api.send(new_call()("starting"))
    own.next()
    assert other.nothing()


def test_a_call_is_replayed_to_an_endpoint_in_its_own_words(api: Api, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    own, other = receivers(), receivers()
    api.endpoint(own.url)
    say = new_call("words")
    api.send(*(say(kind, at) for at, kind in enumerate(("starting", "ringing", "completed"))))
    api.settled(3)
    voc = api.endpoint(other.url, "voc", events=["inboundCallStart", "inboundCallEnd"])["id"]
    answer = api.post("/v1/calls/words/replay", {"endpoint": voc}, 202)
    assert (answer["endpoint_id"], answer["count"]) == (voc, 2)
    assert "secret" not in answer
    assert sorted("inboundCallEnd" in got.path for got in other.take(2)) == [False, True]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "endpoint"),
        ({"endpoint": "x", "url": "https://example.com/"}, 422, "endpoint"),
        ({"endpoint": "x"}, 404, None),
        ({"url": "https://example.com/"}, 422, "dialect"),
        ({"url": "https://example.com/", "dialect": "none"}, 422, "dialect"),
        ({"url": "https://10.0.0.1/", "dialect": "standard"}, 422, "url"),
        ({"url": "https://example.com/", "dialect": "voc", "events": ["none"]}, 422, "events[0]"),
        ({"url": "https://example.com/", "dialect": "voc", "events": ["ivrOption"]}, 422, None),
    ],
)
def test_a_replay_that_cannot_be_made_is_refused(api: Api, new_call: NewCall, body: Any, status: int, field: str | None) -> None:
    api.send(new_call("refused")("starting"))
    got, answer = api.call("POST", "/v1/calls/refused/replay", body)
    assert (got, answer.get("field")) == (status, field), json.dumps(answer)


def test_resends_are_marked_and_searchable_in_the_log(server: Server, outage: Outage) -> None:
    outage.finished(outage.resend())
    rows = outage.api.deliveries(number="+61288880000", limit=100)
    assert [row["kind"] for row in rows] == ["resend"] * 6 + ["event"] * 6
    assert server.account().deliveries(number="+61288880000") == []
