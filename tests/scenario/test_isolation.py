"""No account sees or touches another's: every route of the description is asked with foreign keys and ids, also by a viewer.

Generated from /openapi.json: a route that comes is walked as it is, with the example that the description gives as its body. What
it cannot guess makes it fail: a name in a path that stands for nothing here, a route without a key that is not known as one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from harness import Api, Receiver, Server, running_receiver, until
from portal_harness import Visitor

UNKEYED = {
    "GET /healthz",
    "GET /readyz",
    "GET /recordings/{name}",
    "HEAD /recordings/{name}",
    "GET /transcriptions/{name}",
    "POST /voc/api/v1/authentication",
}
"""What asks for no key: it tells nothing of anybody, or wants a signature, or is the login itself."""
OPERATORS = {
    "GET /metrics",
    "GET /v1/node",
    "GET /v1/accounts",
    "POST /v1/accounts",
    "GET /v1/notes",
    "GET /v1/sources",
    "POST /v1/sources/freeswitch/cdr",
}
CONTENTS = ("recording", "transcription")
"""What was said: a viewer may not hear it."""
NEEDS_NO_ACCOUNT = {"POST /v1/verify"}
"""With secrets that the request brings along it asks for nobody's; an endpoint in its body is another matter."""
MADE_FROM_NOTHING = {"GET /v1/numbers/{number}"}
"""A number that is not registered is shown with its defaults: whose it is elsewhere is not told."""
NOT_OURS = (404,)
MARKS = ("victims-answer", "victims-call", "victims-hook", "victims-site", "victims-key", "61299990001", "victims-password")
"""What stands in everything of the victim's."""


@dataclass
class Victim:
    """An account that has something of everything."""

    api: Api
    ids: dict[str, str]
    queries: dict[str, str]
    marks: list[str] = field(default_factory=list)

    def state(self) -> dict[str, Any]:
        """All that it has, but for when its keys were used."""
        lists = ("endpoints", "numbers", "properties", "keys", "calls", "deliveries", "resends", "erasures", "portal-links")
        found = {name: self.api.get(f"/v1/{name}?limit=1000")["items"] for name in lists}
        for key in found["keys"]:
            del key["last_used_at"]
        found["account"] = self.api.get(f"/v1/accounts/{self.api.account}")
        return found


@dataclass
class Route:
    """One operation of the description."""

    method: str
    path: str
    operation: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.operation.get("parameters", ()) if one["in"] == place}

    def filled(self, ids: dict[str, str]) -> str:
        return re.sub(r"{(\w+)}", lambda found: quote(ids[found[1]], safe=""), self.path)

    def body(self) -> tuple[bytes | None, str]:
        """The description's own example, and its media type."""
        content = self.operation.get("requestBody", {}).get("content", {})
        for media_type, one in content.items():
            example = one.get("example")
            if media_type == "application/json":
                return json.dumps(example).encode(), media_type
        for media_type in content:
            return b"RIFF\x2c\0\0\0WAVEfmt ", media_type
        return None, "application/json"


def described(server: Server) -> list[Route]:
    document = json.loads(Api(server.port, None).raw("GET", "/openapi.json")[2])
    return [
        Route(method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "head", "post", "put", "patch", "delete")
    ]


@pytest.fixture(scope="module")
def routes(server: Server) -> list[Route]:
    return described(server)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as kept:
        kept.answer = lambda got: (200, {}, b"victims-answer")
        yield kept


@pytest.fixture(scope="module")
def victim(server: Server, receiver: Receiver) -> Victim:
    api = server.account("victims-account")
    key = api.post("/v1/keys", {"name": "victims-key", "role": "developer"})["id"]
    site = api.post("/v1/properties", {"name": "victims-site"})["id"]
    number = api.post("/v1/numbers", {"number": "+61299990001", "property": site})["number"]
    endpoint = api.endpoint(receiver.url + "/victims-hook?password=victims-password")["id"]
    voc = api.endpoint(receiver.url + "/victims-hook", "voc")["id"]
    bird = api.endpoint(receiver.url + "/victims-hook", "bird", secret="key", events=["voice.inbound"])["id"]
    call = {"id": "victims-call", "direction": "inbound", "from": "+61288880000", "to": number}
    api.send(
        *(
            {"type": f"call.{kind}", "at": f"2026-11-20T12:00:0{at}Z", "call": call}
            for at, kind in enumerate(("starting", "completed"))
        )
    )
    for one in (endpoint, voc, bird):
        until(lambda one=one: len(api.deliveries(endpoint=one, state="succeeded")) == 2)  # type: ignore[misc]
    api.call("PUT", "/v1/calls/victims-call/transcription", {"text": "victims-password"})
    resend = api.post("/v1/resends", {"filter": {"state": "exhausted"}}, 202)["id"]
    until(lambda: api.get(f"/v1/resends/{resend}")["state"] == "done")
    erasure = api.post("/v1/erasures", {"number": "+61299990009"}, 202)["id"]
    workspace = api.account
    Visitor(server).use(api.post(f"/v1/accounts/{api.account}/portal-links", {"name": "victims-key"})["url"])
    session = api.get("/v1/portal-sessions")["items"][0]["id"]
    link = api.post(f"/v1/accounts/{api.account}/portal-links", {"name": "victims-key"})["id"]
    until(lambda: not [one for one in api.deliveries(limit=1000) if one["state"] != "succeeded"])
    base = f"/bird/workspaces/{workspace}/webhook-subscriptions"
    access = {"Authorization": f"AccessKey {api.key}"}
    subscription = json.loads(api.raw("GET", base, None, access)[2])["results"][0]["id"]
    log = json.loads(api.raw("GET", f"{base}/{subscription}/logs", None, access)[2])["results"][0]
    voc_log = json.loads(api.raw("GET", "/voc/api/v1/webhooks/logs?status=success", None, voc_login(api))[2])
    organization = first_value(json.loads(api.raw("GET", base, None, access)[2]), "organizationId")
    ids = {
        "account_id": api.account,
        "call_id": "victims-call",
        "delivery_id": api.deliveries(endpoint=endpoint)[0]["id"],
        "endpoint_id": endpoint,
        "erasure_id": erasure,
        "key_id": key,
        "link_id": link,
        "log_id": str(first_id(voc_log)),
        "number": number,
        "organization": organization,
        "property_id": site,
        "request_id": first_value(log, "requestId"),
        "resend_id": resend,
        "session_id": session,
        "subscription": subscription,
        "workspace": workspace,
    }
    queries = {
        "endpoint": endpoint,
        "call": "victims-call",
        "requestId": ids["request_id"],
    }
    return Victim(api, ids, queries, [*MARKS, api.account, *(value for name, value in ids.items() if len(value) > 12)])


def first_value(value: Any, name: str) -> str:
    """The first value of that name, wherever it stands."""
    found = re.search(rf'"{name}": ?"([^"]+)"', json.dumps(value))
    assert found, (name, value)
    return found[1]


def first_id(value: Any) -> Any:
    found = re.search(r'"id": ?"?([^",}]+)', json.dumps(value))
    assert found, value
    return found[1]


def voc_login(api: Api) -> dict[str, str]:
    status, _, body = Api(api.port, None).raw(
        "POST", f"/voc/api/v1/authentication?{urlencode({'username': api.account, 'password': api.key})}"
    )
    assert status == 200, body
    return {"Authorization": f"Bearer {json.loads(body)['token']}"}


def access(route: Route, api: Api, tokens: dict[str, dict[str, str]]) -> dict[str, str]:
    """The credentials that a route asks for, with a key."""
    if route.path.startswith("/bird/"):
        return {"Authorization": f"AccessKey {api.key}"}
    if route.path.startswith("/voc/"):
        return tokens.setdefault(api.key or "", voc_login(api))
    return {"Authorization": f"Bearer {api.key}"}


def asked(route: Route, api: Api, victim: Victim, tokens: dict[str, dict[str, str]], more: str = "") -> tuple[int, bytes]:
    """The answer to a route that is asked with the victim's ids."""
    body, media_type = route.body()
    wanted = {name: victim.queries[name] for name in route.parameters("query") if victim.queries.get(name)}
    if route.path != "/v1/explain" and not route.path.endswith("/details"):
        wanted = {}
    query = urlencode({**wanted, **({"account": more} if more else {})})
    path = route.filled(victim.ids) + (f"?{query}" if query else "")
    status, _, answer = api.raw(route.method, path, body, {**access(route, api, tokens), "Content-Type": media_type})
    return status, answer


def test_every_route_can_be_walked(routes: list[Route], victim: Victim) -> None:
    unknown = {name for route in routes for name in route.names} - victim.ids.keys() - {"name"}
    assert not unknown, f"give the victim something for {sorted(unknown)}, so that a stranger can ask for it"
    unkeyed = {route.name for route in routes if route.operation.get("security") == []}
    assert unkeyed == UNKEYED, "a route without a key must be known as one"
    bodiless = {
        route.name
        for route in routes
        if route.method in ("POST", "PATCH", "PUT") and route.operation.get("requestBody") and not route.body()[0]
    }
    assert not bodiless, "the description needs an example"


def test_a_stranger_finds_nothing_and_changes_nothing(server: Server, routes: list[Route], victim: Victim) -> None:
    stranger = server.account("stranger")
    tokens: dict[str, dict[str, str]] = {}
    before = victim.state()
    wrong: list[str] = []
    for route in routes:
        if route.name in UNKEYED:
            continue
        status, answer = asked(route, stranger, victim, tokens)
        text = answer.decode("utf-8", "replace")
        told = [mark for mark in victim.marks if mark in text]
        if route.name in OPERATORS:
            fine = status == 403
        elif route.name in MADE_FROM_NOTHING:
            fine, told = status == 200, [mark for mark in told if mark not in (victim.ids["number"], "61299990001")]
        elif route.names or route.path == "/v1/explain":
            fine = status in NOT_OURS
        else:
            fine = status < 300 or (route.method not in ("GET", "HEAD") and status in (403, 404, 409, 422))
        if not fine or told:
            wrong.append(f"{route.name}: {status} {told} {text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert victim.state() == before


def test_a_stranger_cannot_name_the_account(server: Server, routes: list[Route], victim: Victim) -> None:
    stranger = server.account("stranger")
    tokens: dict[str, dict[str, str]] = {}
    before = victim.state()
    wrong = []
    for route in routes:
        if "account" in route.parameters("query") and route.name not in UNKEYED | NEEDS_NO_ACCOUNT:
            status, answer = asked(route, stranger, victim, tokens, more=victim.api.account)
            if status != 404 or any(mark in answer.decode("utf-8", "replace") for mark in victim.marks):
                wrong.append(f"{route.name}: {status} {answer[:200]!r}")
    assert not wrong, "\n".join(wrong)
    assert victim.state() == before


def test_nobody_without_a_key_finds_anything(server: Server, routes: list[Route], victim: Victim) -> None:
    wrong = []
    for route in routes:
        if route.name in UNKEYED:
            continue
        body, media_type = route.body()
        for headers in ({}, {"Authorization": "Bearer none"}, {"Authorization": "AccessKey none"}):
            told = {"Content-Type": media_type, **headers}
            status, _, answer = Api(server.port, None).raw(route.method, route.filled(victim.ids), body, told)
            if status != 401 or any(mark in answer.decode("utf-8", "replace") for mark in victim.marks):
                wrong.append(f"{route.name}: {status} {answer[:200]!r}")
    assert not wrong, "\n".join(wrong)


def test_its_owner_sees_what_was_answered(victim: Victim, routes: list[Route]) -> None:
    """Else the test below would find nothing to hide."""
    tokens: dict[str, dict[str, str]] = {}
    logs = [
        route for route in routes if route.method == "GET" and (route.path.endswith("/details") or "{delivery_id}" in route.path)
    ]
    assert len(logs) == 3
    assert all(b"victims-answer" in asked(route, victim.api, victim, tokens)[1] for route in logs)


def test_a_viewer_looks_at_everything_and_changes_nothing(server: Server, routes: list[Route], victim: Victim) -> None:
    made = victim.api.post("/v1/keys", {"name": "victims-viewer", "role": "viewer"})
    viewer = Api(server.port, made["key"], victim.api.account)
    tokens: dict[str, dict[str, str]] = {}
    before = victim.state()
    wrong = []
    for route in routes:
        if route.name in UNKEYED:
            continue
        status, answer = asked(route, viewer, victim, tokens)
        looks = route.method in ("GET", "HEAD")
        hears = any(word in route.path for word in CONTENTS)
        fine = status == 403 if route.name in OPERATORS or hears or not looks else status < 300
        text = answer.decode("utf-8", "replace")
        # What the receiver answered stands in logs alone, and there in bodies alone.
        if not fine or "victims-answer" in text or ("victims-password" in text and "endpoints" not in route.path):
            wrong.append(f"{route.name}: {status} {text[:300]}")
    assert not wrong, "\n".join(wrong)
    assert victim.state() == before


REFERENCES: list[tuple[str, str, str, Any]] = [
    ("POST", "/v1/resends", "endpoint_id", {"filter": {"endpoint": "ID"}}),
    ("POST", "/v1/calls/own-call/replay", "endpoint_id", {"endpoint": "ID"}),
    ("POST", "/v1/numbers", "property_id", {"number": "own-number", "property": "ID"}),
    ("POST", "/v1/keys", "account_id", {"name": "x", "role": "viewer", "account": "ID"}),
    (
        "POST",
        "/v1/events",
        "account_id",
        {"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": {"id": "x"}, "account": "ID"},
    ),
    ("POST", "/v1/numbers", "number", {"number": "ID"}),
    ("POST", "/v1/verify", "endpoint_id", {"endpoint": "ID", "headers": {}, "body": "{}"}),
    ("POST", "/v1/erasures", "call_id", {"call": "ID"}),
    ("POST", "/v1/simulated-calls", "number", {"from": "+61288880000", "to": "ID"}),
]


@pytest.mark.parametrize(("method", "path", "name", "body"), REFERENCES, ids=[f"{path} {name}" for _, path, name, _ in REFERENCES])
def test_foreign_ids_in_a_body_name_nothing(server: Server, victim: Victim, method: str, path: str, name: str, body: Any) -> None:
    stranger = server.account("stranger")
    stranger.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": {"id": "own-call", "direction": "inbound"}})
    before = victim.state()
    said = json.loads(json.dumps(body).replace('"ID"', json.dumps(victim.ids[name])))
    status, answer = stranger.call(method, path, said)
    assert status in (404, 409, 422), answer
    assert not [mark for mark in victim.marks if mark in json.dumps(answer) and mark not in json.dumps(said)]
    assert victim.state() == before


def test_filters_by_foreign_ids_find_nothing(server: Server, victim: Victim) -> None:
    stranger = server.account("stranger")
    ids = victim.ids
    for path in (
        f"/v1/deliveries?endpoint={ids['endpoint_id']}",
        "/v1/deliveries?call=victims-call",
        f"/v1/deliveries?number={quote(ids['number'])}",
        f"/v1/calls?number={quote(ids['number'])}",
        f"/v1/deliveries?cursor=c_{ids['delivery_id'][4:]}",
        f"/v1/calls?cursor=c_{ids['delivery_id'][4:]}",
    ):
        assert stranger.get(path)["items"] == [], path
    assert stranger.raw("GET", f"/v1/deliveries.csv?endpoint={ids['endpoint_id']}")[2].count(b"\n") == 1
