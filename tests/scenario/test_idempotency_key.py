"""The same request with the same Idempotency-Key makes one thing, and gets one answer."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Receiver, Server, start_server

NewCall = Callable[..., Callable[..., dict[str, Any]]]
KEY = "order-4711"


def post(api: Api, path: str, body: Any, key: str = KEY) -> tuple[int, dict[str, str], Any]:
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    status, headers, answer = api.raw("POST", path, raw, {"Idempotency-Key": key})
    return status, headers, json.loads(answer) if answer else None


def test_everything_that_makes_something_makes_it_once(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    api.endpoint(receiver.url)
    api.send(new_call("once")("starting"))
    (delivery,) = api.settled(1)
    receiver.next()
    requests: list[tuple[str, Any]] = [
        ("/v1/endpoints", {"url": receiver.url + "/more", "dialect": "standard", "enabled": False}),
        ("/v1/numbers", {"number": "+61288880000"}),
        ("/v1/properties", {"name": "Sydney"}),
        ("/v1/keys", {"name": "ci", "role": "viewer"}),
        (f"/v1/deliveries/{delivery['id']}/resend", None),
        ("/v1/calls/once/replay", {"url": receiver.url + "/copy", "dialect": "standard"}),
        ("/v1/resends", {"filter": {"state": "succeeded"}}),
    ]
    for number, (path, body) in enumerate(requests):
        first_status, first_headers, first = post(api, path, body, f"key-{number}")
        status, headers, again = post(api, path, body, f"key-{number}")
        assert (first_status, first) == (status, again), path
        assert status in (201, 202), (path, again)
        assert "idempotent-replayed" not in first_headers
        assert headers["idempotent-replayed"] == "true"
        assert headers["content-type"] == first_headers["content-type"]
    assert len(api.get("/v1/endpoints")["items"]) == 2
    assert len(api.get("/v1/properties")["items"]) == 2
    assert len(api.get("/v1/keys")["items"]) == 2
    assert len(api.get("/v1/resends")["items"]) == 1
    arrived = sorted(receiver.next().path for _ in range(3))
    assert arrived == ["/", "/", "/copy"]
    assert receiver.nothing()


def test_an_account_is_made_once(server: Server) -> None:
    first, second = (post(server.operator, "/v1/accounts", {"name": "once"}, "account-once") for _ in range(2))
    assert first[2] == second[2]
    named = [account for account in server.operator.get("/v1/accounts?limit=1000")["items"] if account["name"] == "once"]
    assert len(named) == 1
    assert Api(server.port, first[2]["key"]).get("/v1/calls")["items"] == []


@pytest.mark.parametrize(
    "other",
    [("/v1/properties", {"name": "Other"}), ("/v1/properties?x=1", {"name": "Sydney"}), ("/v1/numbers", {"number": "1"})],
)
def test_another_request_with_the_key_is_refused(api: Api, other: tuple[str, Any]) -> None:
    assert post(api, "/v1/properties", {"name": "Sydney"})[0] == 201
    status, _, answer = post(api, *other)
    assert (status, answer["field"]) == (422, "Idempotency-Key")
    assert len(api.get("/v1/properties")["items"]) == 2
    # A key is one account's.
    assert post(api, "/v1/properties", {"name": "Sydney"})[1]["idempotent-replayed"] == "true"


def test_a_key_is_an_account_s_own(server: Server, api: Api) -> None:
    stranger = server.account()
    one, other = (post(who, "/v1/properties", {"name": "Sydney"}) for who in (api, stranger))
    assert (one[0], other[0]) == (201, 201)
    assert one[2]["id"] != other[2]["id"]
    second = Api(api.port, api.post("/v1/keys", {"name": "second", "role": "developer"})["key"])
    assert post(second, "/v1/properties", {"name": "Sydney"})[2] == one[2]


def test_a_refused_request_frees_its_key(api: Api) -> None:
    assert post(api, "/v1/properties", {"name": ""})[0] == 422
    assert post(api, "/v1/properties", b"{")[0] == 400
    assert post(api, "/v1/properties", {"name": "Sydney"})[0] == 201


def test_a_resend_of_nothing_is_a_404_that_frees_its_key(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    path = "/v1/deliveries/dlv_00000000000000/resend"
    assert [post(api, path, None)[0] for _ in range(2)] == [404, 404]


def test_of_two_at_once_one_makes_it(api: Api, receivers: Callable[[], Receiver]) -> None:
    answers: list[tuple[int, Any]] = []

    def ask() -> None:
        status, _, answer = post(api, "/v1/properties", {"name": "Sydney"})
        answers.append((status, answer))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} <= {201, 409}
    assert len({answer["id"] for status, answer in answers if status == 201}) == 1
    assert len(api.get("/v1/properties")["items"]) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "tab\tkey"])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    status, _, answer = post(api, "/v1/properties", {"name": "Sydney"}, key)
    assert (status, answer["field"]) == (422, "Idempotency-Key")
    assert len(api.get("/v1/properties")["items"]) == 1


def test_who_may_not_ask_is_refused_as_ever(api: Api, new_call: NewCall) -> None:
    viewer = Api(api.port, api.post("/v1/keys", {"name": "v", "role": "viewer"})["key"])
    assert post(viewer, "/v1/properties", {"name": "Sydney"})[0] == 403
    assert post(Api(api.port, "none"), "/v1/properties", {"name": "Sydney"})[0] == 401
    assert post(api, "/v1/properties", {"name": "x" * (5 << 20)})[0] == 413


def test_events_keep_to_their_own_ids(api: Api, new_call: NewCall) -> None:
    say = new_call()
    for status in ("starting", "ringing"):
        code, headers, answer = post(api, "/v1/events", say(status))
        assert (code, answer["accepted"]) == (202, 1)
        assert "idempotent-replayed" not in headers


def test_the_same_answer_comes_after_a_kill_too(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    api = server.account()
    first = post(api, "/v1/keys", {"name": "ci", "role": "developer"})
    server.stop(9)
    again = start_server(tmp_path / "data")
    api.port = again.port
    assert post(api, "/v1/keys", {"name": "ci", "role": "developer"})[2] == first[2]
    assert again.stop() == 0
    # The text of the key that was made stands nowhere in clear.
    there = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert first[2]["key"].encode() not in there
