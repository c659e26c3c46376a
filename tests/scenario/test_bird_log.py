"""What Bird's API tells of what was sent, and of what was not; sent again, tested, and silenced."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from bird_client import KEY, NOBODY, TIME, UUID, Bird, bird
from harness import Api, Got, Receiver, Server, start_server, until

from ringback.calls.model import Call, Event
from ringback.dialects.bird import request_id_of
from ringback.ids import IdMaker, now_ms
from ringback.store.open import open_store
from ringback.store.port import Account, Key
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Batch, Fold, StoredCall

__all__ = ["bird"]

NewCall = Callable[..., Callable[..., dict[str, Any]]]


def settled(bird: Bird, subscription: str, count: int, query: str = "") -> list[dict[str, Any]]:
    """The log once it has so many entries, each with an attempt or with none to come."""

    def done() -> Any:
        found = bird.get(f"/{subscription}/logs{query}")["results"]
        waiting = [one for one in found if one["executionStatus"] == "retrying" and not one["attemptCount"]]
        return found if len(found) == count and not waiting else None

    return list(until(done))


def signature(key: str, timestamp: str, url: str, body: bytes) -> str:
    message = timestamp.encode() + b"\n" + url.encode() + b"\n" + sha256(body).digest()
    return base64.b64encode(hmac.new(key.encode(), message, sha256).digest()).decode()


def believed(got: Got, url: str, key: str = KEY) -> bool:
    return got.headers["messagebird-signature"] == signature(key, got.headers["messagebird-request-timestamp"], url, got.body)


# The log


def test_what_arrived_is_in_the_log_under_the_id_that_it_came_with(bird: Bird, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: (200, {"Content-Type": "text/plain"}, b"thank you " * 1000)
    url = receiver.url + "/hooks/bird?tenant=7"
    made = bird.subscribe(url, signingKey=KEY)
    bird.api.send(new_call()("starting"))
    got = receiver.next()
    (entry,) = settled(bird, made["id"], 1)
    assert TIME.fullmatch(entry["createdAt"])
    assert entry == {
        "requestId": got.headers["messagebird-request-id"],
        "attemptCount": 1,
        "httpStatusCode": 200,
        "executionStatus": "succeeded",
        "createdAt": entry["createdAt"],
    }
    (attempt,) = bird.get(f"/{made['id']}/logs/details?requestId={entry['requestId']}")["results"]
    assert TIME.fullmatch(attempt["createdAt"])
    assert isinstance(attempt["durationMs"], int)
    headers = attempt["requestHeaders"]
    assert headers["messagebird-request-id"] == entry["requestId"]
    assert headers["messagebird-request-timestamp"] == got.headers["messagebird-request-timestamp"]
    assert KEY not in json.dumps(attempt)
    assert attempt == {
        "requestId": entry["requestId"],
        "attempt": 1,
        "url": url,
        "requestHeaders": headers,
        "requestBody": got.body.decode(),
        "httpStatusCode": 200,
        "responseBody": ("thank you " * 1000)[:4096],
        "executionStatus": "succeeded",
        "createdAt": attempt["createdAt"],
        "durationMs": attempt["durationMs"],
    }
    assert bird.get(f"/{made['id']}/logs/details?requestId={entry['requestId'].upper()}")["results"] == [attempt]


def test_what_nobody_answered_says_why(bird: Bird, new_call: NewCall) -> None:
    made = bird.subscribe("http://127.0.0.1:9/")
    bird.api.send(new_call()("starting"))
    (entry,) = settled(bird, made["id"], 1)
    assert (entry["executionStatus"], entry["attemptCount"], "httpStatusCode" in entry) == ("retrying", 1, False)
    (attempt,) = bird.get(f"/{made['id']}/logs/details?requestId={entry['requestId']}")["results"]
    assert (attempt["attempt"], attempt["executionStatus"]) == (1, "retrying")
    assert attempt["error"].startswith("connect: ")
    assert {"httpStatusCode", "responseBody"}.isdisjoint(attempt)


def test_the_log_goes_by_pages_and_by_what_became_of_it(bird: Bird, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: 500 if got.json["payload"]["status"] in ("ringing", "ongoing") else 200
    made = bird.subscribe(receiver.url)
    for _ in range(3):
        say = new_call()
        bird.api.send(say("starting"), say("ringing", 1), say("ongoing", 2), say("completed", 3))
    got = {one.headers["messagebird-request-id"]: one.json["payload"]["status"] for one in receiver.take(12)}
    log = f"/{made['id']}/logs"
    everything = settled(bird, made["id"], 12, "?limit=100")
    assert [one["createdAt"] for one in everything] == sorted((one["createdAt"] for one in everything), reverse=True)
    assert {one["requestId"]: one["executionStatus"] for one in everything} == {
        number: "retrying" if status in ("ringing", "ongoing") else "succeeded" for number, status in got.items()
    }
    first = bird.get(log)
    assert first["results"] == everything[:10]
    assert json.loads(base64.b64decode(first["nextPageToken"])) == [everything[9]["createdAt"], everything[9]["requestId"]]
    assert bird.get(f"{log}?pageToken={quote(first['nextPageToken'])}") == {"results": everything[10:]}
    for status, count in (("succeeded", 6), ("retrying", 6), ("failed", 0), ("suppressed", 0)):
        wanted = [one for one in everything if one["executionStatus"] == status]
        assert len(wanted) == count
        walked, token = [], ""
        while True:
            page = bird.get(f"{log}?limit=4&executionStatus={status}{token}")
            walked += page["results"]
            if "nextPageToken" not in page:
                break
            token = f"&pageToken={quote(page['nextPageToken'])}"
        assert walked == wanted
    assert bird.refusal("GET", f"{log}?executionStatus=delivered")[2].keys() == {"executionStatus"}


def test_a_request_that_is_not_the_subscriptions_is_not_there(
    bird: Bird, server: Server, receiver: Receiver, new_call: NewCall
) -> None:
    made, other = bird.subscribe(receiver.url + "/a"), bird.subscribe(receiver.url + "/b", event="voice.outbound")
    stranger = Bird(server.account("stranger"), bird.organization)
    theirs = stranger.subscribe(receiver.url + "/c")
    bird.api.send(new_call()("starting"))
    number = receiver.next().headers["messagebird-request-id"]
    assert len(bird.get(f"/{made['id']}/logs/details?requestId={number}")["results"]) <= 1
    for path in (
        f"/{other['id']}/logs/details?requestId={number}",
        f"/{made['id']}/logs/details?requestId={NOBODY}",
        f"/{NOBODY}/logs/details?requestId={number}",
    ):
        assert bird.refusal("GET", path)[0] == 404
    assert bird.refusal("POST", f"/{other['id']}/logs/{number}/resend")[0] == 404
    assert bird.refusal("POST", f"/{made['id']}/logs/{NOBODY}/resend")[0] == 404
    assert bird.refusal("POST", f"/{made['id']}/logs/x/resend")[0] == 404
    assert stranger.refusal("GET", f"/{theirs['id']}/logs/details?requestId={number}")[0] == 404
    assert stranger.refusal("POST", f"/{theirs['id']}/logs/{number}/resend")[0] == 404
    assert stranger.refusal("GET", f"/{made['id']}/logs")[0] == 404
    for query in ("", "?requestId=", "?requestId=x"):
        assert bird.refusal("GET", f"/{made['id']}/logs/details{query}")[2].keys() == {"requestId"}


# Ours: sent again, and tested


def test_a_resend_is_the_same_body_with_a_timestamp_signature_and_id_of_its_own(
    bird: Bird, receiver: Receiver, new_call: NewCall
) -> None:
    made = bird.subscribe(receiver.url, signingKey=KEY)
    bird.api.send(new_call()("starting"))
    first = receiver.next()
    number = first.headers["messagebird-request-id"]
    settled(bird, made["id"], 1)
    bird.ask("PATCH", f"/{made['id']}", {"signingKey": "another"})
    until(lambda: int(time.time()) > int(first.headers["messagebird-request-timestamp"]))
    status, _, answer = bird.ask("POST", f"/{made['id']}/logs/{number}/resend")
    again = receiver.next()
    assert (status, answer) == (202, {"requestId": again.headers["messagebird-request-id"]})
    assert answer["requestId"] != number
    assert again.body == first.body
    assert again.headers["messagebird-request-timestamp"] > first.headers["messagebird-request-timestamp"]
    assert believed(first, receiver.url, KEY)
    assert believed(again, receiver.url, "another")
    entries = settled(bird, made["id"], 2)
    assert [one["requestId"] for one in entries] == [answer["requestId"], number]
    # A resend can be sent again too.
    assert bird.ask("POST", f"/{made['id']}/logs/{answer['requestId']}/resend")[0] == 202
    assert receiver.next().body == first.body


def test_nothing_is_sent_again_to_an_inactive_subscription(bird: Bird, receiver: Receiver, new_call: NewCall) -> None:
    made = bird.subscribe(receiver.url)
    bird.api.send(new_call()("starting"))
    number = receiver.next().headers["messagebird-request-id"]
    bird.ask("PATCH", f"/{made['id']}", {"status": "inactive"})
    status, message, _ = bird.refusal("POST", f"/{made['id']}/logs/{number}/resend")
    assert (status, message) == (409, "the endpoint is disabled: enable it first")
    assert receiver.nothing(0.1)


@pytest.mark.parametrize("event", ["voice.inbound", "voice.outbound"])
def test_a_test_is_a_sample_of_the_subscriptions_event(bird: Bird, receiver: Receiver, event: str) -> None:
    made = bird.subscribe(receiver.url + "/x", event=event, signingKey=KEY)
    status, _, answer = bird.ask("POST", f"/{made['id']}/test")
    got = receiver.next()
    assert (status, answer) == (202, {"requestId": got.headers["messagebird-request-id"]})
    assert (got.json["service"], got.json["event"]) == ("channels", event)
    assert believed(got, receiver.url + "/x")
    (entry,) = settled(bird, made["id"], 1)
    assert (entry["requestId"], entry["executionStatus"]) == (answer["requestId"], "succeeded")
    bird.ask("PATCH", f"/{made['id']}", {"status": "inactive"})
    assert bird.ask("POST", f"/{made['id']}/test")[0] == 202
    assert receiver.next().body
    assert bird.refusal("POST", f"/{NOBODY}/test")[0] == 404


# What is not sent


def test_an_inactive_subscription_gets_nothing_and_what_waits_for_it_is_cancelled(
    bird: Bird, receiver: Receiver, new_call: NewCall
) -> None:
    receiver.answer = lambda got: 503
    made = bird.subscribe(receiver.url)
    say = new_call()
    bird.api.send(say("starting"))
    receiver.next()
    assert settled(bird, made["id"], 1)[0]["executionStatus"] == "retrying"
    bird.ask("PATCH", f"/{made['id']}", {"status": "inactive"})
    (entry,) = bird.log(made["id"], 1)
    assert (entry["executionStatus"], entry["attemptCount"]) == ("failed", 1)
    bird.api.send(say("ringing", 1))
    bird.ask("PATCH", f"/{made['id']}", {"status": "active"})
    bird.api.send(say("ongoing", 2))
    assert receiver.next().json["payload"]["status"] == "ongoing"
    assert bird.get(f"/{made['id']}/logs?executionStatus=failed")["results"] == [entry]
    assert len(bird.get(f"/{made['id']}/logs")["results"]) == 2


def test_the_catch_all_clause_says_whom_it_silences_and_the_log_shows_what(
    bird: Bird, receivers: Callable[[], Receiver], new_call: NewCall
) -> None:
    quiet, taker = receivers(), receivers()
    silent = bird.subscribe(quiet.url)
    outbound = bird.subscribe(quiet.url, event="voice.outbound")
    native = bird.api.endpoint(quiet.url, "bird")["id"]
    body = {"service": "channels", "event": "voice.inbound", "url": taker.url, "eventFilters": [{"key": "status", "value": "busy"}]}
    status, headers, made = bird.ask("POST", "", body)
    assert (status, headers["ringback-silences"]) == (201, f"{silent['id']}, {native}")
    assert "ringback-silenced-by" not in headers
    _, headers, late = bird.ask("POST", "", {**body, "url": quiet.url, "eventFilters": []})
    assert (headers["ringback-silenced-by"], "ringback-silences" in headers) == (made["id"], False)
    bird.ask("DELETE", f"/{late['id']}")
    bird.api.call("DELETE", f"/v1/endpoints/{native}")

    say = new_call()
    bird.api.send(say("starting"), say("busy", 5))
    assert quiet.next().json["payload"]["status"] == "starting"
    assert taker.next().json["payload"]["status"] == "busy"
    suppressed, sent = bird.log(silent["id"], 2)
    assert sent["executionStatus"] == "succeeded"
    assert suppressed == {
        "requestId": suppressed["requestId"],
        "attemptCount": 0,
        "executionStatus": "suppressed",
        "createdAt": suppressed["createdAt"],
    }
    assert UUID.fullmatch(suppressed["requestId"])
    assert bird.get(f"/{silent['id']}/logs?executionStatus=suppressed")["results"] == [suppressed]
    (detail,) = bird.get(f"/{silent['id']}/logs/details?requestId={suppressed['requestId']}")["results"]
    assert detail.pop("error").startswith("suppressed by an explicit filter")
    assert detail == {
        "requestId": suppressed["requestId"],
        "attempt": 0,
        "url": quiet.url,
        "executionStatus": "suppressed",
        "createdAt": suppressed["createdAt"],
    }
    assert [row["state"] for row in bird.api.deliveries(event="voice.inbound")] == ["succeeded", "skipped", "succeeded"]
    assert quiet.nothing(0.1)
    assert bird.get(f"/{outbound['id']}/logs")["results"] == []

    # It can be sent all the same.
    assert bird.ask("POST", f"/{silent['id']}/logs/{suppressed['requestId']}/resend")[0] == 202
    assert quiet.next().json["payload"]["status"] == "busy"

    # Inactive, the other takes nothing away; a change says so too.
    _, headers, _ = bird.ask("PATCH", f"/{made['id']}", {"status": "inactive"})
    assert "ringback-silences" not in headers
    bird.api.send(new_call()("busy"))
    assert quiet.next().json["payload"]["status"] == "busy"
    _, headers, _ = bird.ask("PATCH", f"/{made['id']}", {"status": "active"})
    assert headers["ringback-silences"] == silent["id"]


def test_an_account_may_switch_the_clause_off(
    server: Server, bird: Bird, receivers: Callable[[], Receiver], new_call: NewCall
) -> None:
    quiet, taker = receivers(), receivers()
    silent = bird.subscribe(quiet.url)
    path = f"/v1/accounts/{bird.api.account}"
    assert bird.api.get(path)["bird_catch_all"] == "literal"
    status, shown = bird.api.call("PATCH", path, {"bird_catch_all": "off"})
    assert (status, shown["bird_catch_all"], bird.api.get(path)["bird_catch_all"]) == (200, "off", "off")
    body = {"service": "channels", "event": "voice.inbound", "url": taker.url, "eventFilters": [{"key": "status", "value": "busy"}]}
    _, headers, _ = bird.ask("POST", "", body)
    assert "ringback-silences" not in headers
    bird.api.send(new_call()("busy"))
    assert quiet.next().json == taker.next().json
    assert bird.log(silent["id"], 1)[0]["executionStatus"] == "succeeded"
    bird.api.call("PATCH", path, {"bird_catch_all": "literal"})
    bird.api.send(new_call()("busy"))
    taker.next()
    assert bird.log(silent["id"], 2)[0]["executionStatus"] == "suppressed"
    # It is the account's own: nobody else's, and nothing but the two words.
    assert server.account("other").call("PATCH", path, {"bird_catch_all": "off"})[0] == 404
    assert server.operator.call("PATCH", path, {"bird_catch_all": "off"})[0] == 200
    for wrong in ({"bird_catch_all": "on"}, {"bird_catch_all": None}, {"id": NOBODY}):
        assert bird.api.call("PATCH", path, wrong)[0] == 422
    assert Api(server.port, None).call("PATCH", path, {})[0] == 401


DAY_MS = 86_400_000
MAKES, LOOKS = "rb_of-the-aged-account", "rb_that-may-only-look"


@pytest.fixture
def aged(tmp_path: Path) -> Iterator[tuple[Bird, list[int]]]:
    """A workspace whose one subscription was sent something 8 days ago, and again 6 days ago: the days of the log."""
    store = open_store(tmp_path / "data", [])
    account = Account(id=str(uuid4()), name="aged", created_at_ms=1)
    store.put_account(account)
    for n, (key, role) in enumerate(((MAKES, "developer"), (LOOKS, "viewer"))):
        store.put_key(Key(id=n, hash=sha256(key.encode()).digest(), account=account.id, role=role))
    endpoint = Endpoint(id=2, account=account.id, url="https://a.com", dialect="bird", events=frozenset({"voice.inbound"}))
    store.put_endpoint(endpoint)
    ids, deliveries = IdMaker(), []
    for days in (8, 6):
        at_ms = now_ms() - days * DAY_MS
        n = ids.next(at_ms)
        call = Call(account=account.id, id=f"c-{days}", root=f"c-{days}", status="starting", first_at_ms=at_ms, next_seq=2)
        event = Event(id=ids.next(at_ms), type="call.starting", at_ms=at_ms, seq=1, call=call, root=call, status_changed=True)
        sent = Delivery(id=ids.next(at_ms), endpoint=2, event=event.id, root=n, name="voice.inbound", state="succeeded", attempts=1)
        store.commit(
            Batch(
                [
                    Fold(
                        account=account.id,
                        calls=(StoredCall(n, n, call),),
                        events=(event,),
                        event_calls=((n, n),),
                        deliveries=(sent,),
                        call_id=call.id,
                    )
                ]
            )
        )
        deliveries.append(sent.id)
    store.close()
    server = start_server(tmp_path / "data")
    yield Bird(Api(server.port, MAKES, account.id), ""), deliveries
    assert server.stop() == 0


def test_the_log_is_of_seven_days(aged: tuple[Bird, list[int]]) -> None:
    bird, (old, young) = aged
    (subscription,) = bird.get()["results"]
    number = subscription["id"]
    (entry,) = bird.get(f"/{number}/logs")["results"]
    assert entry["requestId"] == request_id_of(bird.api.account, young)
    gone = request_id_of(bird.api.account, old)
    assert bird.get(f"/{number}/logs/details?requestId={entry['requestId']}") == {"results": []}
    status, message, _ = bird.refusal("GET", f"/{number}/logs/details?requestId={gone}")
    assert (status, message) == (404, "no such request in the last 7 days")
    assert bird.refusal("POST", f"/{number}/logs/{gone}/resend")[0] == 404
    # Our own API has it still.
    assert len(bird.api.deliveries()) == 2


def test_a_key_that_may_only_look(aged: tuple[Bird, list[int]]) -> None:
    bird, (_, young) = aged
    looking = replace(bird, api=replace(bird.api, key=LOOKS))
    (subscription,) = looking.get()["results"]
    path = f"/{subscription['id']}"
    assert looking.get(path) == subscription
    assert len(looking.get(path + "/logs")["results"]) == 1
    body = {"service": "channels", "event": "voice.inbound", "url": "https://b.com"}
    for method, below, said in (
        ("POST", "", body),
        ("PATCH", path, {"status": "inactive"}),
        ("DELETE", path, None),
        ("POST", f"{path}/test", None),
        ("POST", f"{path}/logs/{request_id_of(bird.api.account, young)}/resend", None),
    ):
        assert looking.refusal(method, below, said) == (403, "this key may only look", {})
    assert bird.get() == {"results": [subscription]}
