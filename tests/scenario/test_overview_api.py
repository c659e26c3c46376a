"""What an account looks at first: counts, what needs somebody, calls that go on; and filters that are tried on the last events."""

from collections.abc import Callable
from typing import Any

from harness import Api, Receiver, Server, until


def test_attempts_are_counted_by_what_they_came_to(api: Api, receivers: Callable[[], Receiver], new_call: Any) -> None:
    good, bad = receivers(), receivers()
    bad.answer = lambda got: 500
    well, ill = api.endpoint(good.url), api.endpoint(bad.url, "voc", order="none")
    say = new_call()
    api.send(say("starting"), say("completed", 1))
    until(lambda: len(api.deliveries(state="exhausted")) == 2)
    found = api.get(f"/v1/activity?span=hour&endpoint={well['id']}&endpoint={ill['id']}")["items"]
    assert [(one["endpoint_id"], sum(one["delivered"]), sum(one["failed"]), sum(one["gave_up"])) for one in found] == [
        (well["id"], 2, 0, 0),
        (ill["id"], 0, 4, 2),
    ]
    assert {len(one["delivered"]) for one in found} == {60}
    overview = api.get("/v1/overview")
    for span, length in (("hour", 60), ("day", 24), ("week", 168)):
        series = overview[span]
        assert (len(series["delivered"]), sum(series["delivered"]), sum(series["failed"]), sum(series["gave_up"])) == (
            length,
            2,
            4,
            2,
        )
    assert overview["endpoints"] == {"healthy": 1, "failing": 1, "disabled": 0, "off": 0}
    lost, failing = overview["attention"]
    assert (lost["kind"], lost["endpoint_id"], lost["count"]) == ("gave_up", ill["id"], 2)
    assert (failing["kind"], failing["count"]) == ("failing", 6)
    bad.answer = lambda got: 200
    job = api.post("/v1/resends", lost["resend"], 202)
    assert job["count"] == 2
    until(lambda: api.get("/v1/overview")["attention"] == [])


def test_tests_and_other_accounts_are_not_counted(server: Server, api: Api, receiver: Receiver) -> None:
    endpoint = api.endpoint(receiver.url)["id"]
    api.post(f"/v1/endpoints/{endpoint}/test", {"event": "call.ringing"}, 202)
    api.settled(1)
    assert sum(api.get("/v1/activity")["items"][0]["delivered"]) == 0
    assert server.account().call("GET", f"/v1/activity?endpoint={endpoint}")[0] == 404


def test_counts_outlive_a_stop(tmp_path: Any, receiver: Receiver, new_call: Any) -> None:
    from harness import start_server

    server = start_server(tmp_path / "data")
    api = server.account()
    api.endpoint(receiver.url)
    api.send(new_call()("starting"))
    api.settled(1)
    server.stop()
    server = start_server(tmp_path / "data", port=server.port)
    assert sum(api.get("/v1/activity")["items"][0]["delivered"]) == 1
    server.stop()


def test_filters_are_tried_on_the_last_events(server: Server, api: Api, receiver: Receiver, new_call: Any) -> None:
    inbound, outbound = new_call(), new_call(direction="outbound")
    api.send(inbound("starting"), inbound("completed", 1), outbound("starting"))

    def tried(expected: int = 200, **asked: Any) -> Any:
        return api.post("/v1/endpoints/preview", {"dialect": "standard", **asked}, expected)

    assert tried() | {"since": None} == {"matched": 3, "of": 3, "since": None}
    assert tried(filters=[{"key": "direction", "value": "outbound"}])["matched"] == 1
    assert tried(events=["call.completed"])["matched"] == 1
    assert tried(422, dialect="no-such")["field"] == "dialect"
    assert tried(404, endpoint="ep_00000000000001")["status"] == 404
    assert api.get("/v1/audit")["items"] == []
    # Bird's catch-all clause yields to what is filtered: the account's other endpoints count.
    api.endpoint(receiver.url, "bird", events=["voice.inbound"], filters=[{"key": "status", "value": "starting"}])
    assert tried(dialect="bird", events=["voice.inbound"])["matched"] == 1
