"""VOC's API as VOC's clients use it: everything in the query string, VOC's forms, and nothing of it in a log."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from harness import Api, Receiver, Server, start_server, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]
ROOT = "/voc/api/v1"
TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that logs all it ever logs."""
    running = start_server(tmp_path_factory.mktemp("voc") / "data", "--log-level", "debug", "--public-url", "https://calls.example")
    yield running
    assert running.stop() == 0, running.log.read_text()
    log = running.log.read_text()
    assert "Traceback" not in log
    assert "password" not in log.replace("freeswitch_password", "")
    assert "rb_" not in log


@pytest.fixture
def mine(place: Server) -> Api:
    return place.account()


@dataclass
class Voc:
    """VOC's client: it logs in, and sends its token."""

    api: Api
    token: str

    def ask(self, method: str, path: str, **query: Any) -> tuple[int, Any]:
        asked = f"?{urlencode(query)}" if query else ""
        headers = {"Authorization": f"Bearer {self.token}"}
        status, got, body = Api(self.api.port, None).raw(method, f"{ROOT}{path}{asked}", None, headers)
        assert got["content-type"] == "application/json", (path, got)
        return status, json.loads(body)

    def data(self, method: str, path: str, **query: Any) -> Any:
        status, answer = self.ask(method, path, **query)
        assert status == 200, (path, answer)
        assert set(answer) == {"status", "message", "data"}
        assert (answer["status"], answer["message"]) == (200, "OK")
        return answer["data"]

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.data("GET", path, **query)["data"]
        return found


def log_in(api: Api, username: str | None, password: str | None) -> tuple[int, Any]:
    query = urlencode({k: v for k, v in (("username", username), ("password", password)) if v is not None})
    status, _, body = Api(api.port, None).raw("POST", f"{ROOT}/authentication?{query}")
    return status, json.loads(body)


@pytest.fixture
def voc(mine: Api) -> Voc:
    status, answer = log_in(mine, mine.account, mine.key)
    assert (status, answer["success"]) == (200, True)
    return Voc(mine, answer["token"])


# Login


def test_login_gives_a_token_for_an_hour(mine: Api) -> None:
    before = datetime.now(UTC)
    status, answer = log_in(mine, mine.account, mine.key)
    assert (status, set(answer)) == (200, {"success", "token", "expire_at"})
    assert timedelta(minutes=59) < datetime.fromisoformat(answer["expire_at"]) - before < timedelta(minutes=61)
    assert Voc(mine, answer["token"]).rows("/calls/inbound") == []


@pytest.mark.parametrize("wrong", ["another's account", "no account", "no key", "the operator's key", "nonsense", "no utf-8"])
def test_login_wants_an_account_and_its_own_key(place: Server, mine: Api, wrong: str) -> None:
    username, password = {
        "another's account": (place.account().account, mine.key),
        "no account": ("00000000-0000-4000-8000-000000000000", mine.key),
        "no key": (mine.account, "rb_none"),
        "the operator's key": (mine.account, place.operator.key),
        "nonsense": ("ä\0", "%\n" * 1000),
        "no utf-8": (mine.account, "\udcff"),
    }[wrong]
    query = urlencode({"username": username, "password": password}, errors="surrogateescape")
    status, _, body = Api(mine.port, None).raw("POST", f"{ROOT}/authentication?{query}")
    assert (status, json.loads(body)) == (401, {"success": False, "message": "no such account, or not a key of it"})


@pytest.mark.parametrize(("username", "password"), [(None, "x"), ("x", None), ("", "x"), (None, None)])
def test_login_says_what_is_missing(mine: Api, username: str | None, password: str | None) -> None:
    status, answer = log_in(mine, username, password)
    assert (status, answer["success"]) == (422, False)
    assert "is needed" in answer["message"]


def test_who_has_no_token_gets_nothing(place: Server, mine: Api, voc: Voc) -> None:
    for token in ("", "x", voc.token + "A", voc.token[:-2], voc.token.replace(".", "", 1), str(place.operator.key)):
        for method, path in (
            ("GET", "/webhooks/logs"),
            ("POST", "/webhooks/test"),
            ("GET", "/calls/inbound"),
            ("GET", "/calls/get/x"),
        ):
            status, answer = Voc(mine, token).ask(method, path)
            assert (status, answer["status"], answer["data"]) == (401, 401, None)
            assert "token" in answer["message"]
    assert Voc(mine, str(mine.key)).rows("/calls/inbound") == []


def test_a_token_outlasts_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("restart") / "data"
    server = start_server(data)
    api = server.account()
    token = log_in(api, api.account, api.key)[1]["token"]
    server.stop()
    again = start_server(data)
    try:
        api.port = again.port
        assert Voc(api, token).rows("/calls/inbound") == []
    finally:
        again.stop()


def test_a_token_ends_with_its_key(mine: Api) -> None:
    made = mine.post("/v1/keys", {"name": "crm", "role": "developer"})
    voc = Voc(mine, log_in(mine, mine.account, made["key"])[1]["token"])
    assert voc.rows("/calls/inbound") == []
    assert mine.call("DELETE", f"/v1/keys/{made['id']}")[0] == 204
    assert voc.ask("GET", "/calls/inbound")[0] == 401
    assert log_in(mine, mine.account, made["key"])[0] == 401


def test_a_key_that_may_only_look_hears_and_sends_nothing(mine: Api, new_call: NewCall) -> None:
    made = mine.post("/v1/keys", {"name": "auditor", "role": "viewer"})
    voc = Voc(mine, log_in(mine, mine.account, made["key"])[1]["token"])
    say = new_call()
    call = say("x")["call"]["id"]
    heard = {"status": "completed", "url": "https://elsewhere.example/1.wav"}
    mine.send(say("starting"), say("recording", 1, heard), say("transcription", 2, {"text": "a", "summary": "b"}))
    shown = voc.data("GET", f"/calls/get/{call}")
    assert (shown["download_url"], shown["call_summary"], shown["has_transcription"]) == (None, None, True)
    assert voc.rows("/calls/inbound") == [shown]
    assert voc.ask("GET", f"/calls/get/{call}/transcription")[0] == 403
    for path in ("/webhooks/test?event=ivrOption", "/webhooks/logs/dlv_00000000000001/resend"):
        status, answer = voc.ask("POST", path)
        assert (status, answer["message"]) == (403, "this key may only look")


# Webhooks


@dataclass
class Logged:
    """An account whose VOC webhooks to one endpoint succeed and to the other fail."""

    voc: Voc
    receiver: Receiver
    call: str


@pytest.fixture
def logged(voc: Voc, receiver: Receiver, new_call: NewCall) -> Logged:
    receiver.answer = lambda got: 200 if got.path.startswith("/good") else 503
    voc.api.endpoint(receiver.url + "/good?tenant=7", "voc", events=["inboundCallStart", "inboundCallEnd"])
    voc.api.endpoint(receiver.url + "/bad", "voc", events=["inboundCallStart"])
    voc.api.endpoint(receiver.url + "/good", "standard")
    say = new_call(crm_id="lead-55")
    voc.api.send(say("starting", 0), say("ongoing", 2), say("completed", 9))
    until(lambda: len(voc.rows("/webhooks/logs", status="success")) == 2 and voc.rows("/webhooks/logs", status="failed"))
    return Logged(voc, receiver, say("x")["call"]["id"])


def test_the_log_has_failed_and_successful_webhooks(logged: Logged) -> None:
    (failed,) = logged.voc.rows("/webhooks/logs", status="failed")
    identity = failed.pop("id")
    assert failed == {
        "event": "inboundCallStart",
        "callid": logged.call,
        "url": logged.receiver.url + "/bad",
        "date": "2026-11-20 12:00:00",
        "attempts": 3,
        "response_code": 503,
        "status": "failed",
        "kind": "event",
    }
    good = logged.voc.rows("/webhooks/logs", status="success")
    assert [(row["event"], row["date"], row["attempts"], row["response_code"]) for row in good] == [
        ("inboundCallEnd", "2026-11-20 12:00:09", 1, 200),
        ("inboundCallStart", "2026-11-20 12:00:00", 1, 200),
    ]
    every = logged.voc.data("GET", "/webhooks/logs")
    assert (every["total"], every["total_pages"]) == (3, 1)
    assert {row["id"] for row in every["data"]} == {identity, *(row["id"] for row in good)}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"event": "inboundCallStart"}, 2),
        ({"event": "inboundCallEnd"}, 1),
        ({"event": "inboundCallStart", "status": "success"}, 1),
        ({"event": "call.starting"}, 0),
        ({"event": "", "status": "", "callid": "", "dateFrom": "", "dateTo": ""}, 3),
        ({"callid": "CALL"}, 3),
        ({"callid": "other"}, 0),
        ({"dateFrom": TODAY}, 3),
        ({"dateFrom": TODAY, "dateTo": "2099-12-31"}, 3),
        ({"dateFrom": "2099-01-01"}, 0),
        ({"dateTo": "2020-01-01"}, 0),
        ({"dateTo": "2020-01-01 23:59:59"}, 0),
        ({"page": 2, "perPage": 2}, 1),
        ({"page": 1, "perPage": 2}, 2),
        ({"page": 9}, 0),
        ({"page": 1_000_000, "perPage": 50}, 0),
        ({"perPage": 5000}, 3),
    ],
)
def test_the_log_is_narrowed(logged: Logged, query: dict[str, Any], count: int) -> None:
    asked = {name: logged.call if value == "CALL" else value for name, value in query.items()}
    found = logged.voc.data("GET", "/webhooks/logs", **asked)
    assert len(found["data"]) == count
    if "page" in query:
        assert found["total"] == 3
        assert found["total_pages"] == (2 if query.get("perPage") == 2 else 1)


def test_a_failed_webhook_is_resent(logged: Logged) -> None:
    (failed,) = logged.voc.rows("/webhooks/logs", status="failed")
    first = next(got for got in logged.receiver.all if got.path.startswith("/bad"))
    logged.receiver.answer = lambda got: 200
    sent = logged.voc.data("POST", f"/webhooks/logs/{failed['id']}/resend")
    assert sent["url"] == logged.receiver.url + "/bad"
    rows = until(lambda: [row for row in logged.voc.rows("/webhooks/logs", status="success") if row["id"] == sent["id"]])
    assert (rows[0]["kind"], rows[0]["date"], rows[0]["attempts"]) == ("resend", failed["date"], 1)
    assert logged.receiver.all[-1].path == first.path
    assert [row["id"] for row in logged.voc.rows("/webhooks/logs", status="failed")] == [failed["id"]]


def test_only_vocs_own_webhooks_are_resent(place: Server, logged: Logged) -> None:
    standard = logged.voc.api.deliveries(event="call.starting")[0]["id"]
    other = place.account()
    stranger = Voc(other, log_in(other, other.account, other.key)[1]["token"])
    (failed,) = logged.voc.rows("/webhooks/logs", status="failed")
    for voc, row in ((logged.voc, standard), (logged.voc, "dlv_00000000000001"), (logged.voc, "x"), (stranger, failed["id"])):
        status, answer = voc.ask("POST", f"/webhooks/logs/{row}/resend")
        assert (status, answer) == (404, {"status": 404, "message": "no such webhook", "data": None})
    assert stranger.rows("/webhooks/logs") == []


def test_a_disabled_endpoint_gets_no_resend(logged: Logged) -> None:
    (failed,) = logged.voc.rows("/webhooks/logs", status="failed")
    bad = next(one for one in logged.voc.api.get("/v1/endpoints")["items"] if one["url"].endswith("/bad"))
    assert logged.voc.api.call("PATCH", f"/v1/endpoints/{bad['id']}", {"enabled": False})[0] == 200
    status, answer = logged.voc.ask("POST", f"/webhooks/logs/{failed['id']}/resend")
    assert (status, answer["status"]) == (409, 409)


STATIC = {
    "inboundNumber": "611800111222",
    "callerid": "61288880000",
    "destination": "61288880000",
    "callid": "testcall",
    "extension": "280085",
    "duration": "88",
    "answeredDuration": "77",
    "ivrOption": "1",
    "crm_id": "usefulid",
}


def test_a_test_sends_the_static_values_with_the_date_of_now(voc: Voc, receiver: Receiver) -> None:
    voc.api.endpoint(receiver.url + "/a", "voc", events=["inboundCallStart"])
    voc.api.endpoint(receiver.url + "/off", "voc", enabled=False)
    voc.api.endpoint(receiver.url + "/standard", "standard")
    for event in (
        "inboundCallStart",
        "inboundCallRinging",
        "inboundCallAnswered",
        "inboundCallEnd",
        "outboundCallStart",
        "outboundCallAnswered",
        "outboundCallEnd",
        "ivrOption",
        "callRecordingAvailable",
        "callTranscriptionAvailable",
    ):
        (sent,) = voc.data("POST", "/webhooks/test", event=event)
        got = receiver.next()
        assert (got.method, got.body, got.headers["content-length"]) == ("POST", b"", "0")
        values = dict(parse_qsl(urlsplit(got.path).query))
        assert values.pop("event") == event
        date = datetime.fromisoformat(values.pop("date") + "+00:00")
        assert abs(datetime.now(UTC) - date) < timedelta(seconds=30)
        assert values == {name: STATIC[name] for name in values}
        row = until(lambda event=event: voc.rows("/webhooks/logs", status="success", event=event))[0]
        assert (row["id"], row["kind"], row["callid"]) == (sent["id"], "test", "testcall")
    assert receiver.nothing()


def test_a_test_wants_an_event_of_vocs_and_a_url(voc: Voc, receiver: Receiver) -> None:
    status, answer = voc.ask("POST", "/webhooks/test", event="inboundCallStart")
    assert (status, answer["data"]) == (404, None)
    voc.api.endpoint(receiver.url, "voc")
    for query in ({}, {"event": ""}, {"event": "call.starting"}):
        status, answer = voc.ask("POST", "/webhooks/test", **query)
        assert (status, answer["message"].partition(":")[0]) == (422, "event")


# Calls


def test_a_call_is_shown_as_vocs_clients_read_it(voc: Voc, new_call: NewCall) -> None:
    say = new_call(crm_id="lead-55", caller_name="Ada", to_geo={"country": "AU", "city": "Sydney"})
    voc.api.send(
        say("starting", 0), say("ringing", 1, extension="280085"), say("ongoing", 3, extension="280085"), say("completed", 63.9)
    )
    call = say("x")["call"]["id"]
    assert voc.data("GET", f"/calls/get/{call}") == {
        "id": call,
        "date": "2026-11-20 12:00:00",
        "direction": "inbound",
        "extension": "280085",
        "desination_number": "611800111222",
        "destination_number": "611800111222",
        "destination_geo_tag": "Sydney, AU",
        "callerid": "61288880000",
        "callerid_name": "Ada",
        "billed_seconds": 60,
        "call_cost": None,
        "download_url": None,
        "call_summary": None,
        "has_transcription": False,
    }
    out = new_call(direction="outbound", **{"from": "280085", "to": "+61299990000"})
    voc.api.send(out("starting", 0), out("no-answer", 30))
    shown = voc.data("GET", f"/calls/get/{out('x')['call']['id']}")
    assert (shown["extension"], shown["callerid"], shown["destination_number"]) == ("280085", "280085", "61299990000")
    assert (shown["billed_seconds"], shown["direction"]) == (0, "outbound")
    withheld = new_call(**{"from": "anonymous"})
    voc.api.send(withheld("starting"))
    assert voc.data("GET", f"/calls/get/{withheld('x')['call']['id']}")["callerid"] == "Anonymous"


def test_what_a_webhook_announced_is_fetched_by_its_callid(voc: Voc, receiver: Receiver, new_call: NewCall) -> None:
    api = voc.api
    api.endpoint(receiver.url, "voc", events=["callRecordingAvailable", "callTranscriptionAvailable"])
    root, leg = new_call(), new_call(direction="outbound", to="280085")
    parent = root("x")["call"]["id"]
    api.send(root("starting"), leg("starting", 1, parent=parent), leg("completed", 5, parent=parent), root("completed", 5))
    sound = b"OggS" + bytes(3000)
    path = f"/v1/calls/{leg('x')['call']['id']}/recording"
    assert api.raw("PUT", path, sound, {"Content-Type": "audio/ogg"})[0] == 200
    announced = dict(parse_qsl(urlsplit(receiver.next().path).query))
    assert announced["event"] == "callRecordingAvailable"
    url = voc.data("GET", f"/calls/get/{announced['callid']}")["download_url"]
    assert Api(api.port, None).raw("GET", url.removeprefix("https://calls.example"))[2] == sound
    assert voc.ask("GET", f"/calls/get/{parent}/transcription")[0] == 404
    assert api.call("PUT", f"/v1/calls/{parent}/transcription", {"text": "Hello Ada.", "summary": "A greeting."})[0] == 200
    announced = dict(parse_qsl(urlsplit(receiver.next().path).query))
    assert voc.data("GET", f"/calls/get/{announced['callid']}/transcription") == {
        "id": parent,
        "date": "2026-11-20 12:00:00",
        "transcription": "Hello Ada.",
        "summary": "A greeting.",
    }
    shown = voc.data("GET", f"/calls/get/{parent}")
    assert (shown["has_transcription"], shown["call_summary"]) == (True, "A greeting.")


def test_a_recording_that_an_update_told_keeps_its_url(voc: Voc, place: Server, new_call: NewCall) -> None:
    say = new_call()
    mine, other = say("x")["call"]["id"], place.account()
    url = "https://elsewhere.example/1.wav?expires=1"
    voc.api.send(say("starting"), say("recording", 1, {"status": "in-progress"}))
    assert voc.data("GET", f"/calls/get/{mine}")["download_url"] is None
    voc.api.send(say("recording", 2, {"status": "completed", "url": url}))
    assert voc.data("GET", f"/calls/get/{mine}")["download_url"] == url
    # A link to somebody else's recording is not renewed by who merely tells it.
    theirs = new_call()
    other.send(theirs("starting"))
    path = f"/v1/calls/{theirs('x')['call']['id']}/recording"
    link = json.loads(other.raw("PUT", path, b"OggS" + bytes(99), {"Content-Type": "audio/ogg"})[2])["url"]
    dead = link.replace("expires=1", "expires=0")
    voc.api.send(say("recording", 3, {"status": "completed", "url": dead}))
    assert voc.data("GET", f"/calls/get/{mine}")["download_url"] == dead


@dataclass
class Listed:
    """Three inbound calls to two numbers and two outbound ones by two extensions, each with a leg of its own."""

    voc: Voc
    inbound: list[str]
    outbound: list[str]


@pytest.fixture
def listed(voc: Voc, new_call: NewCall) -> Listed:
    inbound = [new_call(to=to) for to in ("+611800111222", "+611800111222", "611800333444")]
    outbound = [new_call(direction="outbound", **{"from": who, "to": "+61299990000"}) for who in ("280085", "280090")]
    for say in (*inbound, *outbound):
        voc.api.send(say("starting"))
        leg = new_call(parent=say("x")["call"]["id"], direction="outbound", to="280085")
        voc.api.send(leg("starting"))
    return Listed(voc, *([say("x")["call"]["id"] for say in calls] for calls in (inbound, outbound)))


def test_calls_are_listed_newest_first_by_direction(listed: Listed) -> None:
    voc = listed.voc
    assert [row["id"] for row in voc.rows("/calls/inbound")] == listed.inbound[::-1]
    assert [row["id"] for row in voc.rows("/calls/outbound")] == listed.outbound[::-1]
    page = voc.data("GET", "/calls/inbound", page=2, perPage=2)
    assert ([row["id"] for row in page["data"]], page["total"], page["total_pages"]) == ([listed.inbound[0]], 3, 2)
    assert voc.rows("/calls/outbound")[0] == voc.data("GET", f"/calls/get/{listed.outbound[1]}")


def test_calls_are_narrowed(listed: Listed) -> None:
    voc, (first, second, third) = listed.voc, listed.inbound
    for number, calls in (
        ("611800111222", [second, first]),
        ("+611800111222", [second, first]),
        ("611800333444", [third]),
        ("1", []),
    ):
        assert [row["id"] for row in voc.rows("/calls/inbound", serviceNumber=number)] == calls
    assert [row["id"] for row in voc.rows("/calls/outbound", extension="280090")] == listed.outbound[1:]
    assert [row["id"] for row in voc.rows("/calls/inbound", fromId=first)] == [third, second]
    assert len(voc.rows("/calls/inbound", dateFrom=TODAY)) == 3
    assert len(voc.rows("/calls/inbound", dateFrom="", dateTo="", serviceNumber="", fromId="")) == 3
    assert len(voc.rows("/calls/outbound", extension="")) == 2
    assert voc.rows("/calls/inbound", dateTo="2020-01-31") == voc.rows("/calls/inbound", dateFrom="2099-01-01") == []


def test_calls_of_others_are_not_there(place: Server, listed: Listed) -> None:
    other = place.account()
    stranger = Voc(other, log_in(other, other.account, other.key)[1]["token"])
    assert stranger.rows("/calls/inbound") == []
    for path in (f"/calls/get/{listed.inbound[0]}", f"/calls/get/{listed.inbound[0]}/transcription", "/calls/get/none"):
        status, answer = stranger.ask("GET", path)
        assert (status, answer) == (404, {"status": 404, "message": "no such call", "data": None})
    assert stranger.ask("GET", "/calls/inbound", fromId=listed.inbound[0])[0] == 422


@pytest.mark.parametrize("identity", ["a/b", "x/transcription", "ü ?#", "/"])
def test_any_callid_is_looked_up(voc: Voc, new_call: NewCall, identity: str) -> None:
    voc.api.send(new_call(identity)("starting"))
    assert voc.data("GET", f"/calls/get/{quote(identity, safe='')}")["id"] == identity
    assert voc.ask("GET", f"/calls/get/{quote(identity, safe='')}/transcription")[0] == 404


# Refusals


@pytest.mark.parametrize(
    ("method", "path", "status", "names"),
    [
        ("GET", "/webhooks/logs?status=done", 422, "status"),
        ("GET", "/webhooks/logs?page=0", 422, "page"),
        ("GET", "/webhooks/logs?page=x", 422, "page"),
        ("GET", f"/webhooks/logs?page={10**30}", 422, "page"),
        ("GET", "/webhooks/logs?perPage=0", 422, "perPage"),
        ("GET", f"/webhooks/logs?perPage={10**30}", 200, ""),
        ("GET", "/webhooks/logs?dateFrom=yesterday", 422, "dateFrom"),
        ("GET", "/webhooks/logs?dateTo=2024-02-30", 422, "dateTo"),
        ("GET", "/webhooks/logs?dateTo=9999-12-31", 422, "dateTo"),
        ("GET", "/calls/inbound?dateTo=2024-01-01T00:00:00Z", 422, "dateTo"),
        ("GET", "/calls/inbound?dateFrom=0001-01-01", 200, ""),
        ("GET", "/calls/outbound?page=-1", 422, "page"),
        ("GET", "/calls/inbound?fromId=none", 422, "fromId"),
        ("POST", "/calls/inbound", 405, ""),
        ("GET", "/webhooks/test", 405, ""),
        ("GET", "/authentication", 405, ""),
        ("GET", "/sms/list/inbox/1", 404, ""),
        ("GET", "/extensions", 404, ""),
        ("GET", "/", 404, ""),
    ],
)
def test_a_refusal_is_in_vocs_form(voc: Voc, method: str, path: str, status: int, names: str) -> None:
    route, _, query = path.partition("?")
    got, answer = voc.ask(method, route, **dict(parse_qsl(query)))
    assert got == status, answer
    if status == 200:
        return
    if route == "/authentication":
        assert answer == {"success": False, "message": "no such method here"}
        return
    assert (answer["status"], answer["data"]) == (status, None)
    assert answer["message"].startswith(f"{names}: " if names else "no such")
