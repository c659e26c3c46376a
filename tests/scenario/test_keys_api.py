"""Keys: several at a time, with roles, revoked at once; accounts as the operator changes them; what a viewer sees."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from harness import Api, Receiver, Server, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]
NOBODY = "00000000-0000-4000-8000-000000000000"


def with_key(api: Api, role: str, name: str = "one more") -> tuple[Api, dict[str, Any]]:
    made = api.post("/v1/keys", {"name": name, "role": role})
    return Api(api.port, made["key"], api.account), made


def test_a_key_is_shown_once_and_works_at_once(api: Api) -> None:
    mine, made = with_key(api, "developer", "ci")
    assert made["key"].startswith("rb_")
    assert {name: made[name] for name in ("name", "role", "account")} == {"name": "ci", "role": "developer", "account": api.account}
    assert mine.get("/v1/endpoints")["items"] == []
    listed = api.get("/v1/keys")["items"]
    assert [key["name"] for key in listed] == ["ci", "first"]
    assert not any("key" in key for key in listed)
    assert made["id"].startswith("key_")


def test_a_revoked_key_opens_nothing_from_then_on(api: Api, new_call: NewCall) -> None:
    other, made = with_key(api, "developer")
    other.send(new_call()("starting"))
    assert api.call("DELETE", f"/v1/keys/{made['id']}") == (204, None)
    assert other.call("GET", "/v1/calls")[0] == 401
    assert other.call("POST", "/v1/events", new_call()("starting"))[0] == 401
    assert api.call("DELETE", f"/v1/keys/{made['id']}")[0] == 404
    # The others live on, also without it: a key may revoke itself.
    last, itself = with_key(api, "developer")
    assert last.call("DELETE", f"/v1/keys/{itself['id']}")[0] == 204
    assert last.call("GET", "/v1/keys")[0] == 401


def test_a_key_tells_when_it_was_used_last(api: Api) -> None:
    other, made = with_key(api, "viewer")

    def used() -> Any:
        return next(key["last_used_at"] for key in api.get("/v1/keys")["items"] if key["id"] == made["id"])

    assert used() is None
    other.get("/v1/calls")
    first = until(used)
    assert abs(time.time() - _seconds(first)) < 15
    time_passed = time.monotonic() + 0.01
    until(lambda: time.monotonic() > time_passed)
    other.get("/v1/calls")
    assert until(lambda: used() > first)


def _seconds(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_a_viewer_may_only_look(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: (200, {}, b"the answer's body")
    endpoint = api.endpoint(receiver.url + "/voc?key=a-secret", "voc")["id"]
    api.send(new_call("seen")("starting"))
    (whole,) = api.settled(1)
    viewer, _ = with_key(api, "viewer")
    shown = viewer.get(f"/v1/deliveries/{whole['id']}")
    assert shown["log"][0]["request"]["url"] == receiver.url + "/voc?…"
    assert shown["log"][0]["request"]["body"] is None
    assert shown["log"][0]["response"]["body"] is None
    assert shown["log"][0]["response"]["status"] == 200
    assert "a-secret" in whole["log"][0]["request"]["url"]
    assert whole["log"][0]["response"]["body"] == "the answer's body"
    assert viewer.deliveries() == api.deliveries()
    for method, path, body in (
        ("POST", "/v1/events", new_call()("starting")),
        ("POST", "/v1/endpoints", {"url": receiver.url, "dialect": "standard"}),
        ("PATCH", f"/v1/endpoints/{endpoint}", {"enabled": False}),
        ("DELETE", f"/v1/endpoints/{endpoint}", None),
        ("POST", f"/v1/deliveries/{whole['id']}/resend", None),
        ("POST", "/v1/resends", {"filter": {}}),
        ("POST", "/v1/keys", {"name": "x", "role": "developer"}),
    ):
        assert viewer.call(method, path, body)[0] == 403, path


def test_the_operator_has_keys_of_the_installation_too(server: Server, api: Api) -> None:
    made = server.operator.post("/v1/keys", {"name": "second operator", "role": "operator"})
    assert (made["account"], made["role"]) == (None, "operator")
    second = Api(api.port, made["key"])
    assert any(account["id"] == api.account for account in second.get("/v1/accounts?limit=1000")["items"])
    looks = Api(api.port, server.operator.post("/v1/keys", {"name": "monitor", "role": "viewer"})["key"])
    assert looks.get(f"/v1/deliveries?account={api.account}")["items"] == []
    assert b"ringback_" in looks.raw("GET", "/metrics")[2]
    assert looks.call("POST", "/v1/accounts", {"name": "x"})[0] == 403
    assert looks.call("POST", "/v1/events", {})[0] == 403
    mine = server.operator.post("/v1/keys", {"name": "theirs", "role": "developer", "account": api.account})
    assert Api(api.port, mine["key"]).get("/v1/keys")["items"][0]["id"] == mine["id"]
    assert server.operator.get(f"/v1/keys?account={api.account}")["items"][0]["id"] == mine["id"]
    every = [key["id"] for key in server.operator.get("/v1/keys?limit=1000")["items"]]
    assert {made["id"], mine["id"]} <= set(every)
    assert second.call("DELETE", f"/v1/keys/{made['id']}")[0] == 204
    assert second.call("GET", "/v1/accounts")[0] == 401


@pytest.mark.parametrize(
    ("who", "body", "status", "field"),
    [
        ("account", {"name": "x"}, 422, "role"),
        ("account", {"name": "", "role": "viewer"}, 422, "name"),
        ("account", {"name": "x", "role": "root"}, 422, "role"),
        ("account", {"name": "x", "role": "operator"}, 403, None),
        ("account", {"name": "x", "role": "viewer", "account": NOBODY}, 404, None),
        ("operator", {"name": "x", "role": "developer"}, 422, "account"),
        ("operator", {"name": "x", "role": "developer", "account": NOBODY}, 404, None),
        ("operator", {"name": "x", "role": "operator", "account": "own"}, 422, "role"),
    ],
)
def test_a_key_that_cannot_be_made_is_refused(
    server: Server, api: Api, who: str, body: Any, status: int, field: str | None
) -> None:
    asking = api if who == "account" else server.operator
    got, answer = asking.call("POST", "/v1/keys", {**body, **({"account": api.account} if body.get("account") == "own" else {})})
    assert (got, answer.get("field")) == (status, field), answer


def test_nobody_sees_or_revokes_another_s_keys(server: Server, api: Api) -> None:
    stranger = server.account("stranger")
    (key,) = api.get("/v1/keys")["items"]
    assert stranger.call("DELETE", f"/v1/keys/{key['id']}")[0] == 404
    assert stranger.call("GET", f"/v1/keys?account={api.account}")[0] == 404
    assert key["id"] not in [other["id"] for other in stranger.get("/v1/keys")["items"]]
    (still,) = api.get("/v1/keys")["items"]
    assert still == key | {"last_used_at": still["last_used_at"]}


def test_an_account_is_changed(server: Server, api: Api) -> None:
    path = f"/v1/accounts/{api.account}"
    status, shown = api.call("PATCH", path, {"name": "New name", "country": "AU"})
    assert (status, shown["name"], shown["country"]) == (200, "New name", "AU")
    limits = {"call_limit_s": 3600, "events_per_s": 10.5, "pending_max": 100, "retention_days": 7}
    for name, value in limits.items():
        assert api.call("PATCH", path, {name: value})[0] == 403, name
    status, shown = server.operator.call("PATCH", path, limits)
    assert status == 200
    assert {name: shown[name] for name in limits} == limits
    status, shown = server.operator.call("PATCH", path, {"events_per_s": None, "pending_max": None, "country": None})
    assert api.get(path) == shown
    assert (shown["events_per_s"], shown["pending_max"], shown["country"], shown["name"]) == (None, None, None, "New name")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"country": "Australia"}, "country"),
        ({"call_limit_s": 1}, "call_limit_s"),
        ({"events_per_s": 0}, "events_per_s"),
        ({"pending_max": 0}, "pending_max"),
        ({"retention_days": 0}, "retention_days"),
        ({"color": "red"}, "color"),
    ],
)
def test_an_account_refuses_what_does_not_fit(server: Server, api: Api, change: dict[str, Any], field: str) -> None:
    before = api.get(f"/v1/accounts/{api.account}")
    status, answer = server.operator.call("PATCH", f"/v1/accounts/{api.account}", change)
    assert (status, answer["field"]) == (422, field)
    assert api.get(f"/v1/accounts/{api.account}") == before
