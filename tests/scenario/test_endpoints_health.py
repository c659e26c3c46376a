"""How endpoints fare: what their receivers' answers do, what a restart remembers, who is told, and what was missed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Api, Receiver, Server, start_server, until

from ringback.receive.parse import parse_notice
from ringback.receive.verify import verify_standard

NewCall = Callable[..., Callable[..., dict[str, Any]]]
NOTICES = ["endpoint.disabled", "endpoint.failing", "endpoint.recovered"]


def health(api: Api, endpoint: Any) -> Any:
    return api.get(f"/v1/endpoints/{endpoint['id']}")["health"]


def condition(api: Api, endpoint: Any, wanted: str) -> Any:
    """The health, once it is in that condition."""
    return until(lambda: (found := health(api, endpoint))["condition"] == wanted and found)


def change(api: Api, endpoint: Any, **fields: Any) -> Any:
    status, answer = api.call("PATCH", f"/v1/endpoints/{endpoint['id']}", fields)
    assert status == 200, answer
    return answer


def ring(api: Api, new_call: NewCall, count: int) -> None:
    api.send(*(new_call()("starting") for _ in range(count)))


def notice(receiver: Receiver, kind: str) -> Any:
    got = receiver.next()
    assert got.json["type"] == kind, got.body
    return got


def test_failures_are_counted_and_a_success_ends_them(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: 500
    made = api.endpoint(receiver.url, "voc", order="none")
    ring(api, new_call, 1)
    until(lambda: health(api, made)["failures"] == 3)
    assert health(api, made)["condition"] == "healthy"
    ring(api, new_call, 1)
    failing = condition(api, made, "failing")
    assert (failing["failures"] >= 5, failing["reason"]) == (True, "5 attempts in a row failed")
    assert failing["since"] < failing["changed_at"]
    until(lambda: health(api, made)["failures"] == 6)
    receiver.answer = lambda got: 200
    ring(api, new_call, 1)
    assert condition(api, made, "healthy")["failures"] == 0


def test_a_restart_forgets_neither_the_row_nor_its_begin(tmp_path: Path, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: 500
    server = start_server(tmp_path / "data")
    account = server.account()
    made = account.endpoint(receiver.url, "voc", order="none")
    off = account.endpoint(receiver.url, "voc", enabled=False)
    ring(account, new_call, 2)
    until(lambda: health(account, made)["failures"] == 6)
    before, switched_off = health(account, made), health(account, off)
    assert switched_off["condition"] == "disabled"
    assert server.stop() == 0
    for how in (9, 15):
        server = start_server(tmp_path / "data")
        own = Api(server.port, account.key)
        assert health(own, made) == before
        assert health(own, off) == switched_off
        server.stop(how)
    # A kill forgets a second of it at the most: what is older has been written.
    server = start_server(tmp_path / "data")
    own = Api(server.port, account.key)
    ring(own, new_call, 1)
    until(lambda: health(own, made)["failures"] == 9)
    time.sleep(1.5)  # only waiting shows that it is written without another word
    server.stop(9)
    server = start_server(tmp_path / "data")
    try:
        own = Api(server.port, account.key)
        assert health(own, made) == {**before, "failures": 9}
        receiver.answer = lambda got: 200
        ring(own, new_call, 1)
        assert condition(own, made, "healthy")["since"] is None
    finally:
        server.stop()


def test_a_new_url_starts_afresh_and_another_change_does_not(
    api: Api, receivers: Callable[[], Receiver], new_call: NewCall
) -> None:
    bad, good = receivers(), receivers()
    bad.answer = lambda got: 500
    made = api.endpoint(bad.url, "voc", order="none")
    ring(api, new_call, 2)
    condition(api, made, "failing")
    until(lambda: health(api, made)["failures"] == 6)
    assert change(api, made, description="x")["health"]["failures"] == 6
    assert change(api, made, url=good.url)["health"]["condition"] == "healthy"


def test_gone_disables_and_cancels_and_enabled_again_it_says_what_was_missed(
    api: Api, receiver: Receiver, new_call: NewCall
) -> None:
    receiver.answer = lambda got: 200
    made = api.endpoint(receiver.url, events=["call.starting"], max_in_flight=1)
    ring(api, new_call, 1)
    receiver.next()
    receiver.answer = lambda got: 410
    ring(api, new_call, 3)
    gone = condition(api, made, "disabled")
    assert (gone["reason"], gone["failures"]) == ("it answered 410 Gone", 1)
    after = until(lambda: (found := api.get(f"/v1/endpoints/{made['id']}"))["enabled"] is False and found)
    assert after["updated_at"] > made["updated_at"]
    until(lambda: sorted(item["state"] for item in api.deliveries()) == ["cancelled", "cancelled", "exhausted", "succeeded"])
    receiver.take(1)
    ring(api, new_call, 2)
    say = new_call()
    api.send(say("starting"), say("completed", 5))
    assert receiver.nothing(0.1)
    receiver.answer = lambda got: 200
    answer = change(api, made, enabled=True)
    assert answer["health"]["condition"] == "healthy"
    missed = answer["missed"]
    assert (missed["count"], missed["complete"]) == (6, True), "one given up, two cancelled, three that came meanwhile"
    assert missed["since"] <= gone["since"]
    assert missed["resend"] == {
        "filter": {"endpoint": made["id"], "state": "missed", "since": missed["since"], "until": missed["until"]}
    }
    assert "missed" not in change(api, made, enabled=True, description="x")
    ring(api, new_call, 1)
    assert receiver.next().json["type"] == "call.starting"


def test_what_was_missed_is_resent_exactly(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    made = api.endpoint(receiver.url, events=["call.starting"], order="none")
    stories = [new_call() for _ in range(6)]
    names = [say("starting")["call"]["id"] for say in stories]
    api.send(stories[0]("starting"))
    receiver.next()
    receiver.answer = lambda got: 410
    api.send(stories[1]("starting"))
    condition(api, made, "disabled")
    receiver.next()
    for say in stories[2:5]:
        api.send(say("starting"), say("completed", 5))
    receiver.answer = lambda got: 200
    missed = change(api, made, enabled=True)["missed"]
    api.send(stories[5]("starting"))
    assert receiver.next().json["data"]["call"]["id"] == names[5]
    assert missed["count"] == 4
    job = api.post("/v1/resends", missed["resend"], 202)
    assert job["count"] == 4
    assert sorted(got.json["data"]["call"]["id"] for got in receiver.take(4)) == sorted(names[1:5])
    assert receiver.nothing(0.2)
    until(lambda: api.get(f"/v1/resends/{job['id']}")["state"] == "done")
    change(api, made, enabled=False)
    assert change(api, made, enabled=True)["missed"]["count"] == 0


def test_what_others_do_not_say_does_not_disable(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: 410
    made = api.endpoint(receiver.url, "voc", order="none")
    ring(api, new_call, 2)
    condition(api, made, "failing")
    assert api.get(f"/v1/endpoints/{made['id']}")["enabled"] is True


def test_switched_off_by_a_person_nothing_goes_out_and_what_waits_is_cancelled(
    api: Api, receiver: Receiver, new_call: NewCall
) -> None:
    receiver.answer = lambda got: 500
    made = api.endpoint(receiver.url, events=["call.starting"])
    ring(api, new_call, 2)
    until(lambda: len(api.deliveries(state="retrying")) == 2)
    answer = change(api, made, enabled=False)
    assert "missed" not in answer
    assert (answer["health"]["condition"], answer["health"]["reason"]) == ("disabled", "it was switched off by a person")
    until(lambda: len(api.deliveries(state="cancelled")) == 2)
    ring(api, new_call, 3)
    assert change(api, made, enabled=True)["missed"]["count"] == 5


def test_an_endpoint_that_was_never_enabled_has_missed_what_came_since(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    ring(api, new_call, 2)
    made = api.endpoint(receiver.url, "voc", enabled=False, events=["inboundCallStart"])
    say = new_call()
    api.send(say("starting"), say("completed", 5))
    api.post(f"/v1/endpoints/{made['id']}/test", {"event": "inboundCallStart"}, 202)
    receiver.next()
    assert change(api, made, enabled=True)["missed"]["count"] == 1, "by what it takes; a test is no call's"


def test_an_account_is_told_of_each_change_by_signed_webhooks(
    api: Api, receivers: Callable[[], Receiver], new_call: NewCall
) -> None:
    watched, told, other = receivers(), receivers(), receivers()
    watched.answer = lambda got: 500
    made = api.endpoint(watched.url.replace("http://", "http://user:s3cret-4711@"), "voc", order="none", description="CRM")
    desk = api.endpoint(told.url, events=NOTICES, filters=[{"key": "direction", "value": "outbound"}])
    api.endpoint(other.url, filters=[{"key": "direction", "value": "outbound"}])
    ring(api, new_call, 2)
    got = notice(told, "endpoint.failing")
    verify_standard(got.headers, got.body, desk["secret"], got.at)
    body = parse_notice(got.body)
    assert (body.data.endpoint.id, body.data.endpoint.dialect, body.data.endpoint.description) == (made["id"], "voc", "CRM")
    assert body.data.endpoint.url == watched.url.replace("http://", "http://user:***@")
    assert body.data.reason == "5 attempts in a row failed"
    assert b"s3cret" not in got.body
    until(lambda: health(api, made)["failures"] == 6)
    watched.answer = lambda got: 200
    ring(api, new_call, 1)
    notice(told, "endpoint.recovered")
    assert told.nothing(0.2)
    assert other.nothing(0.1), "an endpoint that takes everything about calls did not ask for notices"
    items = api.deliveries(endpoint=desk["id"])
    assert [(item["kind"], item["event"], item["state"], item["call_id"]) for item in items] == [
        ("notice", "endpoint.recovered", "succeeded", None),
        ("notice", "endpoint.failing", "succeeded", None),
    ]


def test_a_notice_is_tried_again_and_is_never_about_its_taker(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    answers = iter([503])
    receiver.answer = lambda got: next(answers, 200) if b"endpoint." in got.body else 410
    desk = api.endpoint(receiver.url + "/desk", events=NOTICES)
    one = api.endpoint(receiver.url + "/one", events=["call.starting", *NOTICES])
    ring(api, new_call, 1)
    assert receiver.next().path == "/one"
    tries = receiver.take(2)
    assert [(got.path, got.json["type"]) for got in tries] == [("/desk", "endpoint.disabled")] * 2
    assert tries[0].headers["webhook-id"] == tries[1].headers["webhook-id"]
    assert tries[0].json["data"]["endpoint"]["id"] == one["id"]
    assert api.get(f"/v1/endpoints/{desk['id']}")["enabled"] is True
    assert receiver.nothing(0.2)


def test_two_that_watch_each_other_come_to_rest(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    """Both answer 410: the first's end is told to the second, whose end has nobody left to be told to."""
    receiver.answer = lambda got: 410
    both = [api.endpoint(f"{receiver.url}/{name}", events=["call.starting", *NOTICES], order="none") for name in ("a", "b")]
    ring(api, new_call, 1)
    for made in both:
        condition(api, made, "disabled")
    until(lambda: all(item["state"] in ("exhausted", "cancelled") for item in api.deliveries()))
    receiver.nothing(0.3)
    assert len(receiver.all) <= 4


def test_another_account_is_not_told(server: Server, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    mine, yours = server.account(), server.account()
    watched, told = receivers(), receivers()
    watched.answer = lambda got: 410
    yours.endpoint(told.url, events=NOTICES)
    made = mine.endpoint(watched.url)
    ring(mine, new_call, 1)
    condition(mine, made, "disabled")
    assert told.nothing(0.3)


def test_a_notice_that_was_made_survives_a_kill(tmp_path: Path, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    watched, told = receivers(), receivers()
    watched.answer = lambda got: 410
    told.answer = lambda got: 503
    server = start_server(tmp_path / "data")
    account = server.account()
    account.endpoint(told.url, events=NOTICES)
    made = account.endpoint(watched.url, events=["call.starting"])
    ring(account, new_call, 1)
    told.next()
    until(lambda: account.deliveries(state="retrying"))
    until(lambda: account.get(f"/v1/endpoints/{made['id']}")["enabled"] is False)
    server.stop(9)
    told.answer = lambda got: 200
    again = start_server(tmp_path / "data")
    try:
        own = Api(again.port, account.key)
        notice(told, "endpoint.disabled")
        assert health(own, made)["condition"] == "disabled"
        assert own.get(f"/v1/endpoints/{made['id']}")["enabled"] is False
    finally:
        again.stop()
