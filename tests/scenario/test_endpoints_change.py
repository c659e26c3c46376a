"""Endpoints are changed: what is sent is changed and nothing else, by the rules that hold when one is made."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from harness import Api, Got, Receiver, Server, start_server, until

from ringback.receive.verify import verify_bird, verify_standard

NewCall = Callable[..., Callable[..., dict[str, Any]]]
NOBODY = "http://127.0.0.1:9/hook"
TOKEN, VALUE, PASSWORD = "t0k3n-4711", "v4lu3-4711", "p4ss-4711"


def change(api: Api, endpoint: Any, expected: int = 200, **fields: Any) -> Any:
    status, answer = api.call("PATCH", f"/v1/endpoints/{endpoint['id']}", fields)
    assert status == expected, (status, answer)
    return answer


def rotate(api: Api, endpoint: Any, expected: int = 200, **fields: Any) -> Any:
    return api.post(f"/v1/endpoints/{endpoint['id']}/rotate-secret", fields, expected)


def shown(api: Api, endpoint: Any) -> Any:
    return api.get(f"/v1/endpoints/{endpoint['id']}")


CHANGES: dict[str, Any] = {
    "url": NOBODY + "?b=%20",
    "events": ["call.ringing"],
    "filters": [{"key": "direction", "value": "inbound"}],
    "order": "none",
    "description": "the CRM",
    "enabled": False,
    "hold_s": 5,
    "omit_null": True,
    "rate_per_s": 2.5,
    "max_in_flight": 7,
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_sent_is_changed_and_nothing_else(api: Api, name: str) -> None:
    made = api.endpoint(NOBODY, events=["call.completed"])
    del made["secret"]
    answer = change(api, made, **{name: CHANGES[name]})
    assert answer.pop(name) == CHANGES[name]
    assert shown(api, made) == {**answer, name: CHANGES[name]}
    moved = {name, "updated_at"} | ({"health"} if name == "enabled" else set())
    assert {field: value for field, value in answer.items() if field not in moved} == {
        field: value for field, value in made.items() if field not in moved
    }
    assert answer["updated_at"] >= made["updated_at"]


def test_null_clears(api: Api) -> None:
    made = api.endpoint(NOBODY, events=["call.ringing"], rate_per_s=3, bearer=TOKEN, headers={"X-A": VALUE})
    cleared = change(api, made, events=None, rate_per_s=None, bearer=None, headers={}, filters=[])
    assert [cleared[name] for name in ("events", "rate_per_s", "auth", "headers")] == [None, None, None, {}]


def test_nothing_sent_changes_nothing(api: Api) -> None:
    made = api.endpoint(NOBODY)
    del made["secret"]
    assert change(api, made) == shown(api, made) == made
    assert change(api, made, dialect="standard", order="call") == made, "said again it is not changed"


BAD: dict[str, tuple[dict[str, Any], str | None]] = {
    "another dialect": ({"dialect": "voc"}, "dialect"),
    "an unknown event": ({"events": ["call.ringing", "x"]}, "events[1]"),
    "an unknown filter": ({"filters": [{"key": "x", "value": "y"}]}, "filters[0].key"),
    "a filter's unknown value": ({"filters": [{"key": "direction", "value": "up"}]}, "filters[0].value"),
    "a method that it does not use": ({"method": "GET"}, "method"),
    "a forbidden address": ({"url": "http://10.0.0.1/"}, "url"),
    "a masked password of nobody": ({"url": "http://u:***@127.0.0.1:9/"}, "url"),
    "no url": ({"url": None}, "url"),
    "a secret": ({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "secret"),
    "no rate": ({"rate_per_s": 0}, "rate_per_s"),
    "a negative rate": ({"rate_per_s": -1}, "rate_per_s"),
    "nothing in flight": ({"max_in_flight": 0}, "max_in_flight"),
    "too much in flight": ({"max_in_flight": 1001}, "max_in_flight"),
    "a part of a request in flight": ({"max_in_flight": 1.5}, "max_in_flight"),
    "no certificate": ({"ca_pem": "hello"}, "ca_pem"),
    "a CA for plain http": ({"ca_pem": trustme.CA().cert_pem.bytes().decode()}, "ca_pem"),
    "a CA's key": ({"ca_pem": trustme.CA().private_key_pem.bytes().decode()}, "ca_pem"),
    "a header of the sender's": ({"headers": {"Host": "x"}}, "headers"),
    "a header of the body's": ({"headers": {"Content-Type": "x"}}, "headers"),
    "a header of the next hop's": ({"headers": {"Keep-Alive": "x"}}, "headers"),
    "a header of the dialect's": ({"headers": {"Webhook-Signature": "x"}}, "headers.Webhook-Signature"),
    "one header twice": ({"headers": {"X-A": "1", "x-a": "2"}}, "headers.X-A"),
    "a header that is two": ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers.X-A"),
    "a header with a NUL": ({"headers": {"X-A": "\0"}}, "headers.X-A"),
    "a name that is no token": ({"headers": {"X A": "1"}}, "headers"),
    "a name with a line end": ({"headers": {"X-A\r\nX-B": "1"}}, "headers"),
    "a name in Unicode": ({"headers": {"Ä": "1"}}, "headers"),
    "an empty name": ({"headers": {"": "1"}}, None),
    "a header's value that is none": ({"headers": {"X-A": 5}}, None),
    "a masked header": ({"headers": {"X-A": "***"}}, "headers.X-A"),
    "a token among the headers": ({"headers": {"Authorization": "Bearer x"}}, "headers.Authorization"),
    "a token with a line end": ({"bearer": "x\r\nX-B: 2"}, "bearer"),
    "a token of two words": ({"bearer": "x y"}, "bearer"),
    "a masked token": ({"bearer": "***"}, "bearer"),
    "an empty token": ({"bearer": ""}, "bearer"),
    "a field too many": ({"colour": "blue"}, "colour"),
    "an id": ({"id": "ep_00000000000001"}, "id"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_changes_nothing_and_is_named(api: Api, name: str) -> None:
    fields, field = BAD[name]
    made = api.endpoint(NOBODY)
    before = shown(api, made)
    problem = change(api, made, 422, **fields)
    assert problem["title"] == "Invalid input"
    if field is not None:
        assert problem["field"] == field, problem
    assert shown(api, made) == before
    if "dialect" not in fields and "id" not in fields and name != "a secret":
        status, refused = api.call("POST", "/v1/endpoints", {"url": NOBODY, "dialect": "standard", **fields})
        assert (status, refused.get("field")) == (422, problem.get("field")), "the same when one is made"


def test_only_ones_own(server: Server) -> None:
    mine, yours = server.account(), server.account()
    made = mine.endpoint(NOBODY)
    for method, path, body in (
        ("PATCH", "", {"description": "x"}),
        ("POST", "/rotate-secret", {}),
        ("POST", "/test", {"event": "call.ringing"}),
    ):
        assert yours.call(method, f"/v1/endpoints/{made['id']}{path}", body)[0] == 404
        assert mine.call(method, f"/v1/endpoints/ep_00000000000001{path}", body)[0] == 404
    assert shown(mine, made)["description"] == ""


def test_a_change_holds_for_the_next_request(api: Api, receivers: Callable[[], Receiver], new_call: NewCall) -> None:
    first, second = receivers(), receivers()
    made = api.endpoint(first.url + "/a", events=["call.starting"])
    api.send(new_call()("starting"))
    first.next()
    change(api, made, url=second.url + "/b", events=["call.ringing"])
    say = new_call()
    api.send(say("starting"), say("ringing", 1))
    got = second.next()
    assert (got.path, got.json["type"]) == ("/b", "call.ringing")
    assert second.nothing()
    assert first.nothing(0.1)


def test_credentials_that_are_sent_as_they_are_shown_stay(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    made = api.endpoint(f"http://us%40er:{PASSWORD}@127.0.0.1:{receiver.port}/a", events=["call.starting"])
    assert made["auth"] == "basic"
    pair = base64.b64encode(f"us@er:{PASSWORD}".encode()).decode()
    moved = change(api, made, url=made["url"].replace("/a", "/b"))
    assert moved["url"] == f"http://us%40er:***@127.0.0.1:{receiver.port}/b"
    api.send(new_call()("starting"))
    got = receiver.next()
    assert (got.path, got.headers["authorization"]) == ("/b", f"Basic {pair}")
    bare = change(api, made, url=f"{receiver.url}/c")
    assert (bare["url"], bare["auth"]) == (f"{receiver.url}/c", None)
    api.send(new_call()("starting"))
    assert "authorization" not in receiver.next().headers


def test_headers_and_a_token_go_out_and_are_nowhere_seen(api: Api, server: Server, receiver: Receiver, new_call: NewCall) -> None:
    made = api.endpoint(receiver.url, events=["call.starting"], headers={"X-Tenant": VALUE, "X-Region": "Zürich"}, bearer=TOKEN)
    assert (made["headers"], made["auth"]) == ({"X-Tenant": "***", "X-Region": "***"}, "bearer")
    api.send(new_call()("starting"))
    got = receiver.next()
    assert (got.headers["x-tenant"], got.headers["authorization"]) == (VALUE, f"Bearer {TOKEN}")
    log = json.dumps(api.settled(1)[0])
    assert '["Authorization", "Bearer ***"]' in log
    assert '["X-Tenant", "***"]' in log
    changed = change(api, made, headers={"X-Other": VALUE})
    assert (changed["headers"], changed["auth"]) == ({"X-Other": "***"}, "bearer"), "the token is not among them"
    api.send(new_call()("starting"))
    got = receiver.next()
    assert got.headers["x-other"] == VALUE
    assert got.headers["authorization"] == f"Bearer {TOKEN}"
    assert "x-tenant" not in got.headers
    api.settled(2)
    everywhere = log + json.dumps(api.get("/v1/endpoints")) + json.dumps(shown(api, made)) + server.log.read_text()
    on_disk = b"".join(file.read_bytes() for file in server.data.iterdir() if file.is_file())
    for secret in (TOKEN, VALUE):
        assert secret not in everywhere
        assert secret.encode() not in on_disk


def test_a_token_and_credentials_in_the_url_exclude_each_other(api: Api) -> None:
    made = api.endpoint(f"http://u:{PASSWORD}@127.0.0.1:9/")
    assert change(api, made, 422, bearer=TOKEN)["field"] == "bearer"
    assert change(api, made, 422, headers={"Authorization": "ApiKey x"})["field"] == "headers.Authorization"
    assert change(api, made, bearer=TOKEN, url=NOBODY)["auth"] == "bearer"
    assert change(api, made, 422, url=made["url"].replace("***", PASSWORD))["field"] == "bearer"
    assert change(api, made, bearer=None, headers={"Authorization": "ApiKey x"})["headers"] == {"Authorization": "***"}


def signatures(got: Got) -> int:
    return len(got.headers["webhook-signature"].split(" "))


def test_standards_old_secret_signs_beside_the_new_one_for_a_while(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    made = api.endpoint(receiver.url, events=["call.starting"])
    answer = rotate(api, made, keep_old_for_s=1)
    assert answer["secret"].startswith("whsec_")
    assert answer["secret"] != made["secret"]
    assert [secret["until"] is None for secret in answer["secrets"]] == [True, False]
    assert "secret" not in shown(api, made)
    api.send(new_call()("starting"))
    got = receiver.next()
    assert signatures(got) == 2
    for secret in (made["secret"], answer["secret"]):
        verify_standard(got.headers, got.body, secret, time.time())
    until(lambda: len(shown(api, made)["secrets"]) == 1, 5)
    api.send(new_call()("starting"))
    got = receiver.next()
    assert signatures(got) == 1
    verify_standard(got.headers, got.body, answer["secret"], time.time())


def test_a_secret_may_be_given_and_the_old_one_ended_at_once(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    made = api.endpoint(receiver.url, events=["call.starting"])
    own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert rotate(api, made, keep_old_for_s=0, secret=own)["secret"] == own
    api.send(new_call()("starting"))
    got = receiver.next()
    assert signatures(got) == 1
    verify_standard(got.headers, got.body, own, time.time())
    assert rotate(api, made, 422, secret=own)["field"] == "secret"
    assert rotate(api, made, 422, secret="whsec_zz")["field"] == "secret"
    assert rotate(api, made, 422, keep_old_for_s=-1)["field"] == "keep_old_for_s"
    assert rotate(api, made, 422, keep_old_for_s=10**9)["field"] == "keep_old_for_s"


def test_a_body_is_not_needed_and_there_is_an_end(api: Api) -> None:
    made = api.endpoint(NOBODY)
    for _ in range(4):
        assert api.raw("POST", f"/v1/endpoints/{made['id']}/rotate-secret")[0] == 200
    status, _, text = api.raw("POST", f"/v1/endpoints/{made['id']}/rotate-secret")
    assert (status, json.loads(text)["title"]) == (409, "Conflict")
    assert len(shown(api, made)["secrets"]) == 5
    assert len(rotate(api, made, keep_old_for_s=0)["secrets"]) == 1


def test_birds_one_key_is_replaced(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    made = api.endpoint(receiver.url, "bird", events=["voice.inbound"], secret="mysecretkey")
    assert rotate(api, made, 422, keep_old_for_s=60)["field"] == "keep_old_for_s"
    key = rotate(api, made)["secret"]
    api.send(new_call()("starting"))
    got = receiver.next()
    verify_bird(got.headers, receiver.url, got.body, key)
    assert rotate(api, made, secret="another")["secret"] == "another"
    unsigned = api.endpoint(NOBODY, "bird", events=["voice.inbound"])
    assert (unsigned["signed"], rotate(api, unsigned, secret="first")["signed"]) == (False, True)


@pytest.mark.parametrize("dialect", ["voc", "fonedynamics", "voxtelesys"])
def test_who_does_not_sign_has_no_secret_to_rotate(api: Api, dialect: str) -> None:
    problem = rotate(api, api.endpoint(NOBODY, dialect), 422)
    assert "does not sign" in problem["detail"]


def test_a_rate_and_a_cap_hold_at_once(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    made = api.endpoint(receiver.url, events=["call.starting"])
    change(api, made, rate_per_s=10)
    api.send(*(new_call()("starting") for _ in range(6)))
    times = [got.at for got in receiver.take(6)]
    assert times[-1] - times[0] > 0.4, "six at ten a second"
    change(api, made, rate_per_s=None, max_in_flight=1)
    at_once, most = 0, 0
    lock = threading.Lock()

    def answer(got: Got) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return 200

    receiver.answer = answer
    api.send(*(new_call()("starting") for _ in range(6)))
    receiver.take(6)
    assert most == 1


def test_changes_that_meet_lose_none(api: Api) -> None:
    made = api.endpoint(NOBODY)
    fields: list[dict[str, Any]] = [{name: CHANGES[name]} for name in CHANGES if name != "omit_null"]
    threads = [threading.Thread(target=change, args=(api, made), kwargs=wish) for wish in fields]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = shown(api, made)
    assert {name: after[name] for wish in fields for name in wish} == {k: v for wish in fields for k, v in wish.items()}


def test_what_was_changed_is_there_after_a_restart(tmp_path: Path, new_call: NewCall) -> None:
    server = start_server(tmp_path / "data")
    account = server.account()
    made = account.endpoint(NOBODY, headers={"X-A": VALUE})
    rotate(account, made)
    change(account, made, bearer=TOKEN, description="x", rate_per_s=1.5, events=["call.ringing"])
    before = shown(account, made)
    server.stop(9)
    again = start_server(tmp_path / "data")
    try:
        assert shown(Api(again.port, account.key), made) == before
    finally:
        again.stop()


def test_an_endpoint_that_the_operator_has_forbidden_since_can_be_disabled_and_not_enabled(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    account = server.account()
    made = account.endpoint(NOBODY)
    server.stop()
    strict = start_server(tmp_path / "data", strict=True)
    try:
        own = Api(strict.port, account.key)
        assert change(own, made, enabled=False, description="gone")["enabled"] is False
        assert change(own, made, 422, enabled=True)["field"] == "url"
        assert change(own, made, url="https://hooks.example.com/", enabled=True)["enabled"] is True
    finally:
        strict.stop()


@pytest.fixture
def private() -> Iterator[tuple[str, str]]:
    """An https receiver of a private CA: its URL, and the CA."""
    ca = trustme.CA()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A handshake that is refused is what the test is about."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with Quiet(("127.0.0.1", 0), Handler) as receiver:
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
        thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{receiver.server_port}/", ca.cert_pem.bytes().decode()
        receiver.shutdown()
        thread.join()


def test_a_private_ca_is_trusted_for_its_endpoint(api: Api, private: tuple[str, str], new_call: NewCall) -> None:
    url, ca_pem = private
    made = api.endpoint(url, "voc", events=["inboundCallStart"])
    api.send(new_call()("starting"))
    assert until(lambda: api.deliveries(state="exhausted"), 10)[0]["error"] == "certificate"
    assert change(api, made, ca_pem=ca_pem)["ca_pem"] == ca_pem
    api.send(new_call()("starting"))
    until(lambda: api.deliveries(state="succeeded"), 10)
    change(api, made, ca_pem=trustme.CA().cert_pem.bytes().decode())
    api.send(new_call()("starting"))
    until(lambda: len(api.deliveries(state="exhausted")) == 2, 10)
    assert change(api, made, 422, url=NOBODY)["field"] == "ca_pem"
    assert change(api, made, ca_pem=None, url=NOBODY)["ca_pem"] is None
