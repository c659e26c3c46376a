"""Endpoints over the API: what may be made, what is refused and why, what is shown."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import Api, Server, start_server

NewCall = Callable[..., Callable[..., dict[str, Any]]]
NOBODY = "http://127.0.0.1:9/hook"
PUBLIC = "https://hooks.example.com/in"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as it stands without --allow-network and --allow-http."""
    running = start_server(tmp_path_factory.mktemp("strict") / "data", strict=True)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def strict_api(strict: Server) -> Api:
    return strict.account()


def refused(api: Api, body: Any, field: str | None, status: int = 422) -> dict[str, Any]:
    """Asserts that it is refused, names the field, and makes nothing."""
    before = api.get("/v1/endpoints")["items"]
    got, headers, text = api.raw("POST", "/v1/endpoints", body if isinstance(body, bytes) else json.dumps(body).encode())
    problem: dict[str, Any] = json.loads(text)
    assert (got, headers["content-type"]) == (status, "application/problem+json"), problem
    assert problem["status"] == status
    assert problem["title"]
    assert problem["type"].startswith("urn:ringback:problem:")
    assert problem["detail"]
    assert problem.get("field") == field, problem
    assert api.get("/v1/endpoints")["items"] == before
    return problem


def test_url_and_dialect_are_all_it_takes(api: Api) -> None:
    made = api.post("/v1/endpoints", {"url": NOBODY, "dialect": "standard"})
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    stamps = made.pop("created_at"), made.pop("updated_at")
    assert stamps[0] == stamps[1]
    identity = made.pop("id")
    assert identity.startswith("ep_")
    expected = {
        "url": NOBODY,
        "dialect": "standard",
        "events": None,
        "filters": [],
        "method": "POST",
        "order": "call",
        "description": "",
        "enabled": True,
        "hold_s": 30,
        "omit_null": False,
        "signed": True,
        "secrets": [{"until": None}],
        "auth": None,
        "headers": {},
        "ca_pem": None,
        "rate_per_s": None,
        "max_in_flight": 64,
        "health": {"condition": "healthy", "failures": 0, "since": None, "changed_at": None, "reason": None},
    }
    assert made == expected
    shown = api.get(f"/v1/endpoints/{identity}")
    assert shown == {**made, "id": identity, "created_at": stamps[0], "updated_at": stamps[1]}
    assert api.get("/v1/endpoints")["items"] == [shown]


@pytest.mark.parametrize(
    ("dialect", "method", "order", "signed"),
    [
        ("bird", "POST", "call", False),
        ("fonedynamics", "POST", "strict", False),
        ("standard", "POST", "call", True),
        ("voc", "POST", "strict", False),
        ("voxtelesys", "POST", "call", False),
    ],
)
def test_what_each_dialect_takes_by_default(api: Api, dialect: str, method: str, order: str, signed: bool) -> None:
    made = api.endpoint(NOBODY, dialect)
    assert (made["method"], made["order"], made["signed"], "secret" in made) == (method, order, signed, signed)


def test_everything_may_be_said(api: Api) -> None:
    wish = {
        "url": NOBODY + "?tenant=7",
        "dialect": "fonedynamics",
        "events": ["Call.Complete", "Call.Initiate"],
        "filters": [{"key": "number", "value": "+611800111222"}, {"key": "direction", "value": "inbound"}],
        "method": "GET",
        "order": "none",
        "description": "the CRM",
        "enabled": False,
        "hold_s": 0,
        "headers": {"X-Tenant": "acme"},
        "bearer": "t0k3n",
        "rate_per_s": 2.5,
        "max_in_flight": 3,
    }
    made = api.post("/v1/endpoints", wish)
    assert made.pop("auth") == "bearer"
    masked = {"events": ["Call.Complete", "Call.Initiate"], "headers": {"X-Tenant": "***"}}
    assert {name: made[name] for name in wish if name != "bearer"} == {k: v for k, v in (wish | masked).items() if k != "bearer"}
    assert api.post("/v1/endpoints", {"url": NOBODY, "dialect": "voc", "omit_null": True})["omit_null"] is True


def good(**change: Any) -> dict[str, Any]:
    return {"url": NOBODY, "dialect": "standard", **change}


BAD: dict[str, tuple[Any, str | None]] = {
    "no dialect": ({"url": NOBODY}, "dialect"),
    "no url": ({"dialect": "voc"}, "url"),
    "an empty url": (good(url=""), "url"),
    "a url that is a number": (good(url=5), "url"),
    "a url without end": (good(url="http://127.0.0.1/" + "x" * 5000), "url"),
    "an unknown dialect": (good(dialect="twilio"), "dialect"),
    "an unknown event": (good(events=["call.completed", "inboundCallEnd"]), "events[1]"),
    "another dialect's event": (good(dialect="voc", events=["call.completed"]), "events[0]"),
    "no event at all": (good(events=[]), "events"),
    "events that are no list": (good(events="call.completed"), "events"),
    "an unknown filter": (good(filters=[{"key": "colour", "value": "blue"}]), "filters[0].key"),
    "another dialect's filter": (good(filters=[{"key": "channelId", "value": "x"}]), "filters[0].key"),
    "a filter's unknown value": (good(filters=[{"key": "direction", "value": "sideways"}]), "filters[0].value"),
    "a filter without a value": (good(filters=[{"key": "direction"}]), "filters[0].value"),
    "a filter with a field too many": (good(filters=[{"key": "status", "value": "busy", "x": 1}]), "filters[0].x"),
    "a method that the dialect does not use": (good(dialect="voc", method="GET"), "method"),
    "an unknown method": (good(method="PUT"), "method"),
    "an unknown order": (good(order="random"), "order"),
    "a negative hold": (good(dialect="fonedynamics", hold_s=-1), "hold_s"),
    "a hold of days": (good(dialect="fonedynamics", hold_s=86_400), "hold_s"),
    "an unknown field": (good(colour="blue"), "colour"),
    "a secret that is none": (good(secret="whsec_zz"), "secret"),
    "an empty secret": (good(secret=""), "secret"),
    "a secret where nothing is signed": (good(dialect="voc", secret="token"), "secret"),
    "a description without end": (good(description="x" * 501), "description"),
    "a description with a NUL": (good(description="a\0b"), "description"),
    "enabled as text": (good(enabled="yes"), "enabled"),
    "a list": ([], None),
    "a word": ("hello", None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused_with_its_field(api: Api, name: str) -> None:
    body, field = BAD[name]
    refused(api, body, field)


@pytest.mark.parametrize(
    "body", [b'{"url":', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000], ids=["cut", "no UTF-8", "deep array", "deep object"]
)
def test_what_is_no_json_is_refused(api: Api, body: bytes) -> None:
    refused(api, body, None, 400)


def test_a_body_over_the_cap_is_refused(api: Api) -> None:
    refused(api, b'{"url": "' + b"x" * 5_000_000 + b'"}', None, 413)


NEVER = [
    "file:///etc/passwd",
    "ftp://hooks.example.com/",
    "gopher://hooks.example.com/",
    "//hooks.example.com/",
    "hooks.example.com",
    "javascript:alert(1)",
    "http://",
    "https:///path",
    "https://hooks.example.com:99999/",
    "https://hooks.example.com:http/",
    "https://hooks example.com/",
    "https://hooks.example.com/a\r\nX-Injected: 1",
    "https://-.example..com/",
    "https://10.0.0.1\\@hooks.example.com/",
    "https://%31%30.0.0.1/",
    "https://[::1",
    "https://[fe80::1%25eth0]/",
    "https://us%3Aer:pw@hooks.example.com/",
    "https://u:%ff@hooks.example.com/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.168.1.1:8080/",
    "http://0.0.0.0/",
    "http://[fd00::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://167772161/",
    "http://0xa.1/",
    "http://012.0.0.1/",
]


@pytest.mark.parametrize("url", NEVER)
def test_an_address_that_is_nobodys_to_reach_is_refused(api: Api, strict_api: Api, url: str) -> None:
    """10.0.0.0/8 and its like are not among the networks that this server allows."""
    for server in (api, strict_api):
        refused(server, good(url=url), "url")


LOOPBACK = [
    "http://127.0.0.1:9/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://017700000001/",
    "http://127.1/",
    "http://0177.1/",
]


@pytest.mark.parametrize("url", LOOPBACK)
def test_odd_spellings_of_an_address_are_that_address(api: Api, strict_api: Api, url: str) -> None:
    assert api.endpoint(url)["url"] == url
    refused(strict_api, good(url=url), "url")
    refused(strict_api, good(url=url.replace("http://", "https://")), "url")


def test_an_ipv6_loopback_is_not_in_the_network_that_was_allowed(api: Api, strict_api: Api) -> None:
    for server in (api, strict_api):
        refused(server, good(url="http://[::1]/"), "url")


def test_plain_http_needs_the_operators_word(strict_api: Api) -> None:
    for dialect in ("bird", "fonedynamics", "standard", "voc", "voxtelesys"):
        refused(strict_api, good(url="http://hooks.example.com/in", dialect=dialect), "url")
        strict_api.endpoint(PUBLIC, dialect)


@pytest.mark.parametrize("url", ["https://hooks.example.com:8443/x", "https://8.8.8.8/x", "https://localhost/x"])
def test_birds_own_rule_for_urls_stands_where_nothing_lifts_it(strict_api: Api, url: str) -> None:
    refused(strict_api, good(url=url, dialect="bird"), "url")


def test_our_own_listener_is_refused_even_in_an_allowed_network(server: Server, api: Api) -> None:
    problem = refused(api, good(url=f"http://127.0.0.1:{server.port}/v1/accounts"), "url")
    assert "not open to webhooks" in problem["detail"]
    refused(api, good(url=f"http://0x7f000001:{server.port}/"), "url")


def test_credentials_never_come_back_with_a_refusal(api: Api) -> None:
    problem = refused(api, good(url="http://user:hunter2-4711@10.0.0.1/"), "url")
    assert "hunter2" not in json.dumps(problem)
    problem = refused(api, good(secret="whsec_hunter2-4711"), "secret")
    assert "hunter2" not in json.dumps(problem)


def test_an_id_that_is_none_names_nothing(api: Api) -> None:
    for text in ("x", "ep_", "ep_00000000000000", "dlv_00000000000000", "ep_zzzzzzzzzzzzzz", "%00"):
        for method in ("GET", "DELETE"):
            status, problem = api.call(method, f"/v1/endpoints/{text}")
            assert (status, problem["title"]) == (404, "Not found")


def test_another_accounts_endpoint_is_not_there(server: Server) -> None:
    mine, yours = server.account(), server.account()
    made = mine.endpoint(NOBODY)
    for method in ("GET", "DELETE"):
        assert yours.call(method, f"/v1/endpoints/{made['id']}")[0] == 404
    assert yours.get("/v1/endpoints")["items"] == []
    assert yours.call("GET", f"/v1/endpoints/{made['id']}?account={mine.account}")[0] == 404
    assert mine.get(f"/v1/endpoints/{made['id']}")["id"] == made["id"]


def test_the_operator_names_the_account(server: Server) -> None:
    account = server.account()
    operator = server.operator
    made = operator.post(f"/v1/endpoints?account={account.account}", good())
    assert account.get(f"/v1/endpoints/{made['id']}")["id"] == made["id"]
    assert operator.get(f"/v1/endpoints/{made['id']}?account={account.account}")["id"] == made["id"]
    status, problem = operator.call("GET", "/v1/endpoints")
    assert (status, problem["field"]) == (422, "account")
    assert operator.call("GET", "/v1/endpoints?account=nobody")[0] == 404
    assert operator.call("DELETE", f"/v1/endpoints/{made['id']}?account={account.account}")[0] == 204


def test_a_list_goes_on_where_its_cursor_says(api: Api) -> None:
    made = [api.endpoint(NOBODY, description=str(n))["id"] for n in range(7)]
    seen: list[str] = []
    path = "/v1/endpoints?limit=3"
    pages = 0
    while True:
        page = api.get(path)
        pages += 1
        seen += [item["id"] for item in page["items"]]
        if pages == 1:
            # What is made or deleted meanwhile neither repeats nor hides the rest.
            api.endpoint(NOBODY)
            api.call("DELETE", f"/v1/endpoints/{seen[-1]}")
        if page["next_cursor"] is None:
            break
        path = f"/v1/endpoints?limit=3&cursor={page['next_cursor']}"
    assert pages == 3
    assert seen == made[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=zz", "cursor=n_!!", "cursor=c_00000000000000"])
def test_a_list_refuses_what_it_cannot_do(api: Api, query: str) -> None:
    status, problem = api.call("GET", f"/v1/endpoints?{query}")
    assert (status, problem["field"]) == (422, query.partition("=")[0])


@pytest.mark.parametrize(("method", "path", "allowed"), [("PUT", "/v1/endpoints", {"GET", "POST"}), ("POST", "/healthz", {"GET"})])
def test_a_method_that_is_not_there_says_which_are(api: Api, method: str, path: str, allowed: set[str]) -> None:
    status, headers, body = api.raw(method, path)
    assert (status, json.loads(body)["title"]) == (405, "Method not allowed")
    assert {name.strip() for name in headers["allow"].split(",")} >= allowed


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v2/endpoints", "/schema", "/%00"])
def test_a_page_that_is_not_there_is_a_problem_document_too(api: Api, path: str) -> None:
    status, headers, body = api.raw("GET", path)
    assert (status, headers["content-type"], json.loads(body)["title"]) == (404, "application/problem+json", "Not found")


@pytest.mark.parametrize("key", [None, "", "wrong", "rb_" + "x" * 32])
def test_no_route_but_the_open_ones_answers_without_a_key(server: Server, key: str | None) -> None:
    stranger = Api(server.port, key)
    document = server.operator.get("/openapi.json")
    for path, item in document["paths"].items():
        if not path.startswith(("/v1/", "/healthz", "/readyz", "/metrics")):
            continue  # the vendors' own APIs refuse in their own way, and have tests of their own
        for method, operation in item.items():
            status, problem = stranger.call(method.upper(), path.replace("{", "").replace("}", ""))
            if operation.get("security") == []:
                assert status == 200, path
            else:
                assert status == 401, (method, path)
                assert method == "head" or problem["title"] == "No valid key", (method, path)


# The description of the API


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    status, _, body = Api(server.port, None).raw("GET", "/openapi.json")
    assert status == 200
    return dict(json.loads(body))


def test_the_description_lists_every_route(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    routes = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert routes >= {
        *(f"{method} /v1/accounts" for method in ("GET", "POST")),
        "GET /v1/accounts/{account_id}",
        "POST /v1/events",
        *(f"{method} /v1/endpoints" for method in ("GET", "POST")),
        *(f"{method} /v1/endpoints/{{endpoint_id}}" for method in ("GET", "PATCH", "DELETE")),
        "POST /v1/endpoints/{endpoint_id}/rotate-secret",
        "POST /v1/endpoints/{endpoint_id}/test",
        "GET /v1/dialects",
        *(f"{method} /v1/numbers" for method in ("GET", "POST")),
        *(f"{method} /v1/numbers/{{number}}" for method in ("GET", "PATCH", "DELETE")),
        *(f"{method} /v1/properties" for method in ("GET", "POST")),
        *(f"{method} /v1/properties/{{property_id}}" for method in ("GET", "PATCH", "DELETE")),
        "GET /v1/calls",
        "GET /v1/calls/{call_id}",
        "GET /v1/deliveries",
        "GET /v1/deliveries/{delivery_id}",
        "GET /v1/sources",
        "POST /v1/sources/freeswitch/cdr",
        "GET /v1/notes",
        "GET /metrics",
        "GET /healthz",
        "GET /readyz",
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            in_path = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
            assert in_path == {part.strip("{}") for part in path.split("/") if part.startswith("{")}, path
    operations = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(operations) == len(set(operations))


def test_all_that_the_description_refers_to_is_in_it(document: dict[str, Any]) -> None:
    pending: list[Any] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        if isinstance(value, dict):
            pending += value.values()
            if isinstance(value.get("$ref"), str):
                where: Any = document
                for part in value["$ref"].removeprefix("#/").split("/"):
                    where = where[part]


WEBHOOKS = {
    "bird": ["voice.inbound", "voice.outbound"],
    "fonedynamics": ["Call.Initiate", "Call.Complete"],
    "standard": ["call.starting", "call.completed", "call.recording", "call.corrected"],
    "voc": [
        *("inboundCallStart", "inboundCallRinging", "inboundCallAnswered", "inboundCallEnd", "ivrOption"),
        *("outboundCallStart", "outboundCallAnswered", "outboundCallEnd"),
        *("callRecordingAvailable", "callTranscriptionAvailable"),
    ],
    "voxtelesys": ["completed", "failed", "busy", "no-answer", "recording.completed"],
}


def test_the_webhooks_are_described_as_they_go_out(document: dict[str, Any]) -> None:
    webhooks = document["webhooks"]
    for dialect, events in WEBHOOKS.items():
        for event in events:
            item = webhooks[f"{dialect}.{event}"]
            assert set(item) == {"post", "get"} if dialect in ("fonedynamics", "voxtelesys") else {"post"}
    # The vendor's own test values, in the order of its tables.
    query = {p["name"]: p["example"] for p in webhooks["voc.inboundCallEnd"]["post"]["parameters"] if p["in"] == "query"}
    assert list(query.items()) == [
        ("event", "inboundCallEnd"),
        ("date", "2024-01-01 19:00:00"),
        ("inboundNumber", "611800111222"),
        ("callerid", "61288880000"),
        ("callid", "testcall"),
        ("extension", "280085"),
        ("duration", "88"),
        ("answeredDuration", "77"),
        ("crm_id", "usefulid"),
    ]
    assert "requestBody" not in webhooks["voc.inboundCallEnd"]["post"]
    assert set(webhooks["voc.inboundCallEnd"]["post"]["responses"]) == {"200", "default"}
    bird = webhooks["bird.voice.inbound"]["post"]
    assert {p["name"] for p in bird["parameters"]} == {
        "messagebird-signature",
        "messagebird-request-timestamp",
        "messagebird-request-id",
    }
    assert bird["requestBody"]["content"]["application/json"]["example"]["service"] == "channels"
    form = webhooks["fonedynamics.Call.Complete"]["post"]["requestBody"]["content"]
    assert form["application/x-www-form-urlencoded; charset=utf-8"]["example"]["Call.Disposition"] == "ANSWERED"
    by_get = {p["name"] for p in webhooks["fonedynamics.Call.Complete"]["get"]["parameters"]}
    assert "Call.Disposition" in by_get
    assert {p["name"] for p in webhooks["standard.call.completed"]["post"]["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
