"""Whatever is sent to a route, it is answered: never with a 5xx, always in the form that its API refuses in, with a status that the
description lists, and without a word of a secret. Over every route of the description."""

import copy
import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jsonschema_rs
import pytest
from harness import ADMIN_KEY, Api, Server, start_server

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "reference" / "openapi.json").read_text("utf-8"))
OPERATIONS = {
    f"{method.upper()} {path}": operation for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
}
NOWHERE = "http://127.0.0.1:9/"
SIGNING_KEY, BEARER, PASSWORD = "signing-key-nobody-may-see", "bearer-nobody-may-see", "password-nobody-may-see"
ANYWHERE = {404, 405}
"""Where there is no such path, or no such method."""
OPERATORS = ("/v1/accounts", "/v1/sources", "/v1/notes", "/metrics")

FITS: dict[tuple[str, int], jsonschema_rs.Draft202012Validator] = {}
"""What answers must be like, by route and status."""

DEEP = b"[" * 100_000
BODIES = [
    *(b"", b"null", b"true", b"0", b'"text"', b"[]", b"{}", b"[{}]", b"[[[]]]", b"{", b"[1,", b'{"a"}', b"\x00", b"   "),
    *(DEEP, DEEP + b"]" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b'{"type":' + DEEP),
    *(b"\xff\xfe\x00", b'{"name":"\xff"}', b'\xef\xbb\xbf{"name":"x"}', '{"name":"é"}'.encode("utf-16")),
    *(b'{"name":NaN}', b'{"name":1e400}', b'{"name":-Infinity}', b'{"name":' + b"9" * 5_000 + b"}", b'{"name":"\\ud800"}'),
    *(b'{"name":"a","name":1}', b'{"\\u0000":1}', b'{"' + b"k" * 100_000 + b'":1}', b"x" * 200_000),
]
CONTENT_TYPES = [
    *("", "text/plain", "application/xml", "application/json; charset=utf-16", "application/x-www-form-urlencoded", "nonsense"),
    *("multipart/form-data", "multipart/form-data; boundary=x", "application/msgpack", "application/x-msgpack", "audio/wav"),
    *("application/x-ndjson", "application/json;;;=", "a" * 5_000, "application/json, text/plain"),
]
VALUES: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        -(10**30),
        1e308,
        2**63,
        "",
        " ",
        "x",
        "x" * 10_000,
        "\0",
        "a\0b",
        "\ud800",
        "\U0001f600",
        "\r\nA: b",
    ),
    *([], {}, [[]], [None], {"a": {"b": None}}, ["x"] * 300, {"": ""}, {str(n): n for n in range(300)}),
    *(
        "ep_00000000000000",
        "dlv_zzzzzzzzzzzzzz",
        "00000000-0000-0000-0000-000000000000",
        "2026-13-45T99:99:99Z",
        "9999-12-31T23:59:59+23:59",
    ),
    *("http://", "http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:9/\0", "ftp://127.0.0.1/", NOWHERE + "a" * 3_000),
    *("http://u:p@127.0.0.1:9/", "http://\ud800/", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"),
]
TEXTS = [
    *(
        "",
        "%00",
        "%FF",
        "%ED%A0%80",
        "a%00b",
        "%F0%9F%98%80",
        "%0D%0Ax:y",
        "%",
        "%zz",
        "..",
        "%2e%2e%2f",
        "%2F",
        ".",
        "*",
        "'--",
        "{}",
    ),
    *("-1", "0", "9" * 400, "1e400", "nan", "null", "true", "x" * 5_000, "%20", "1%2C2", "[]", "c_00000000000000", "n_AA", "n_%FF"),
    *(
        "ep_00000000000000",
        "ep_7zzzzzzzzzzzzz",
        "ep_zzzzzzzzzzzzzz",
        "dlv_00000000000000",
        "evt_00000000000000",
        "rs_00000000000000",
    ),
    *(
        "key_00000000000000",
        "00000000-0000-0000-0000-000000000000",
        "2026-11-20",
        "0001-01-01T00:00:00%2B23:59",
        "9999-12-31T23:59:59Z",
    ),
    *("WyJ4Il0=", "W10=", "bnVsbA==", "2026-02-30 25:00:00".replace(" ", "%20")),
]
QUERIES = [
    "&&&=&",
    "=",
    "%",
    "%FF=%FF",
    "a&a&a",
    "?" * 50,
    "&".join(f"a{n}=1" for n in range(2_000)),
    "x=" + "y" * 20_000,
    "%00=1",
    "[]=1",
]
HEADERS = [
    *(
        {"Authorization": value}
        for value in ("", "Bearer", "Bearer ", "Basic", "Basic !!!", "Basic Og==", "Basic /w==", "AccessKey ", "\xff")
    ),
    *({"Authorization": f"{scheme} {'k' * 20_000}"} for scheme in ("Bearer", "Basic", "AccessKey")),
    *({"Authorization": "Bearer a.b.c"}, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}, {"Authorization": "Bearer ..\xff"}),
    *(
        {"Range": value}
        for value in ("bytes=", "bytes=9-1", "bytes=-0", "bytes=99999999999999999999-", "bytes=0-0,2-3", "x", "\xff")
    ),
    *({"If-None-Match": value} for value in ("*", '"', "W/", "\xff" * 100)),
    *({"Idempotency-Key": value} for value in ("", " ", "\xff", "k" * 5_000)),
    *({"Accept": "nonsense"}, {"Accept": "text/html;q=x"}, {"Accept-Encoding": "\xff"}, {"Cookie": "=;=\xff"}, {"Host": ""}),
    *({"X-Forwarded-For": "\xff"}, {"Content-Encoding": "gzip"}, {"Expect": "nothing"}, {"Content-Type": "\xff"}),
]


class Asker:
    """Asks as one account, over one connection, and judges each answer."""

    def __init__(self, server: Server, api: Api, ids: dict[str, str]) -> None:
        self.ids = ids
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.key_text = str(api.key)
        made = api.post("/v1/keys", {"name": "viewer", "role": "viewer"})
        self.viewer: str = made["key"]
        self.ids["key_id"] = made["id"]
        self.wrong: list[tuple[Any, ...]] = []

    def place(self, route: str, **changed: str) -> str:
        """The path of a route, with what there is in it; a signed link is whole."""
        path = route.partition(" ")[2]
        if path in self.ids and not changed:
            return self.ids[path]
        return re.sub(r"\{(\w+)\}", lambda found: changed.get(found[1], self.ids.get(found[1], "none")), path)

    def key(self, route: str) -> str:
        path = route.partition(" ")[2]
        scheme = "AccessKey" if path.startswith("/bird/") else "Bearer"
        return f"{scheme} {ADMIN_KEY if path.startswith(OPERATORS) else self.key_text}"

    def ask(
        self, route: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None, elsewhere: bool = False
    ) -> int:
        """`elsewhere`: the target may lead past the route."""
        sent = {"Authorization": self.key(route), "Content-Type": "application/json", **(headers or {})}
        method = route.partition(" ")[0]
        try:
            self._connection.request(method, target, body, sent)
            response = self._connection.getresponse()
            answer = response.read()
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            self.wrong.append((method, target[:200], (body or b"")[:200], headers, repr(error)))
            return 0
        said = judged(route, response.status, response.headers.get("Content-Type", ""), answer, elsewhere=elsewhere)
        secrets = (ADMIN_KEY, self.key_text, self.viewer, SIGNING_KEY, BEARER, PASSWORD)
        said += [f"echoes {secret}" for secret in secrets if secret.encode() in answer]
        if said:
            self.wrong.append((method, target[:200], (body or b"")[:200], headers, response.status, answer[:300], said))
        return response.status

    def close(self) -> None:
        self._connection.close()


def judged(route: str, status: int, media_type: str, answer: bytes, *, elsewhere: bool) -> list[str]:
    """What is wrong with an answer."""
    if status >= 500:
        return ["a fault of ours"]
    if status < 400:
        return [] if elsewhere else misfits(route, status, media_type, answer)
    said = []
    if str(status) not in OPERATIONS[route]["responses"] and not (elsewhere and status in ANYWHERE):
        said.append("a status that the description does not list")
    if route.startswith("HEAD"):
        return said
    try:
        told = json.loads(answer)
    except ValueError:
        return [*said, "no JSON"]
    path, members = route.partition(" ")[2], set(told)
    if path.endswith("/authentication") and members == {"message", "success"}:
        good = (media_type, told["success"]) == ("application/json", False)
    elif path.startswith("/voc/"):
        known = elsewhere or not path.endswith("/authentication")
        good = (media_type, members, told.get("status"), known) == ("application/json", {"status", "message", "data"}, status, True)
    elif path.startswith("/voxtelesys/"):
        good = (media_type, members, told.get("status")) == ("application/json", {"status", "error_id", "message"}, "error")
    elif path.startswith("/bird/"):
        good = (media_type, members) == ("application/json", {"code", "message", "details"}) and bool(told["message"])
    else:
        good = media_type == "application/problem+json" and told.get("status") == status and {"type", "title"} <= members
    return said if good else [*said, "not the form in which this API refuses"]


def misfits(route: str, status: int, media_type: str, answer: bytes) -> list[str]:
    """Where an answer is not what the description says of it."""
    listed = OPERATIONS[route]["responses"].get(str(status))
    if listed is None:
        return ["a status that the description does not list"]
    content = listed.get("content", {}).get(media_type.partition(";")[0])
    if content is None:
        return [f"a body of a kind that the description does not list, {media_type}"] if answer else []
    if "json" not in media_type or not answer:
        return []
    if (route, status) not in FITS:
        FITS[route, status] = jsonschema_rs.Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]})
    return [f"{error.instance_path}: {error.message}"[:200] for error in FITS[route, status].iter_errors(json.loads(answer))]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("fuzzed") / "data", "--switch", "simulated", "--drain-s", "1")
    yield running
    assert running.stop() == 0, running.log.read_text()[-4_000:]
    log = running.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5_000]
    assert not [secret for secret in (ADMIN_KEY, SIGNING_KEY, BEARER, PASSWORD) if secret in log]


@pytest.fixture
def asker(own: Server, request: pytest.FixtureRequest) -> Iterator[Asker]:
    """An account with one of everything."""
    api = own.account()
    endpoint = api.endpoint(NOWHERE.replace("//", f"//user:{PASSWORD}@"))["id"]
    voc = api.endpoint(NOWHERE, "voc", bearer=BEARER)["id"]
    subscription = {"service": "channels", "event": "voice.inbound", "url": NOWHERE, "signingKey": SIGNING_KEY}
    bird = api.post(f"/bird/workspaces/{api.account}/webhook-subscriptions", subscription)
    number = "+61" + "".join(str(int(digit, 16) % 10) for digit in api.account.replace("-", "")[:9])
    api.post("/v1/numbers", {"number": number})
    site = api.post("/v1/properties", {"name": "One"})["id"]
    call = {"id": "call-1", "direction": "inbound", "from": "+61288880000", "to": number, "recording": {"url": NOWHERE}}
    event = api.send({"type": "call.starting", "at": "2026-11-20T12:00:00.000Z", "call": call})["results"][0]["event_id"]
    sent = api.post(f"/v1/endpoints/{voc}/test", {"event": "inboundCallStart"}, 202)["delivery_id"]
    trial = api.post(f"/bird/workspaces/{api.account}/webhook-subscriptions/{bird['id']}/test", {}, 202)["requestId"]
    erasure = api.post("/v1/erasures", {"number": "+61200000000"}, 202)["id"]
    ids = {
        **_recorded(api, request.node.name),
        "erasure_id": erasure,
        **dict.fromkeys(("account_id", "workspace"), api.account),
        **dict.fromkeys(("delivery_id", "log_id"), sent),
        **{"organization": bird["organizationId"], "subscription": bird["id"], "request_id": trial},
        **{"endpoint_id": endpoint, "event_id": event, "call_id": "call-1", "number": quote(number), "property_id": site},
    }
    asking = Asker(own, api, ids)
    yield asking
    asking.close()
    assert not asking.wrong


def _recorded(api: Api, test: str) -> dict[str, str]:
    """For the tests that have to do with them, a recording and a transcript, with the links to them."""
    if "recording" not in test and "transcription" not in test:
        return {}
    sound = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x08\0\0\0" + b"\x80" * 8
    status, _, answer = api.raw("PUT", "/v1/calls/call-1/recording", sound, {"Content-Type": "audio/wav"})
    assert status == 200, answer
    heard = urlsplit(json.loads(answer)["url"])
    status, text = api.call("PUT", "/v1/calls/call-1/transcription", {"text": "Hello."})
    assert status == 200, text
    read = urlsplit(text["url"])
    links = {"/recordings/{name}": f"{heard.path}?{heard.query}", "/transcriptions/{name}": f"{read.path}?{read.query}"}
    return {**links, "name": heard.path.rpartition("/")[2]}


def example(route: str) -> Any:
    """The body that the description shows, sent to nowhere."""
    content = OPERATIONS[route].get("requestBody", {}).get("content", {}).get("application/json", {})
    text = json.dumps(content.get("example"))
    return json.loads(re.sub(r'https://[^"]*', NOWHERE, text))


def mutated(value: Any) -> Iterator[Any]:
    """The body with one field at a time, however deep, of another kind; without it; and with one more."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {key: other for key, other in value.items() if key != name}
            for strange in (*VALUES, *mutated(inner)):
                changed = copy.copy(value)
                changed[name] = strange
                yield changed
        yield {**value, "no such field": 1}
    elif isinstance(value, list) and value:
        yield from ([strange, *value[1:]] for strange in (*VALUES, *mutated(value[0])))


WITH_BODY = [route for route, operation in OPERATIONS.items() if "requestBody" in operation]
WRITING = [route for route in OPERATIONS if not route.startswith(("GET", "HEAD"))]


@pytest.mark.parametrize("route", WRITING)
def test_any_body_of_any_kind_is_answered(asker: Asker, route: str) -> None:
    target = asker.place(route)
    for body in BODIES:
        asker.ask(route, target, body)
    for content_type in CONTENT_TYPES:
        for body in (b"", json.dumps(example(route)).encode(), b"\x81\xa1a\xff", b"--x\r\n\r\n--x--", b"cdr=%7B%00"):
            asker.ask(route, target, body, {"Content-Type": content_type})


@pytest.mark.parametrize("route", WITH_BODY)
def test_any_value_of_any_field_is_answered(asker: Asker, route: str) -> None:
    target = asker.place(route)
    for body in mutated(example(route)):
        asker.ask(route, target, json.dumps(body).encode())


@pytest.mark.parametrize("route", [route for route in OPERATIONS if "{" in route])
def test_any_id_is_answered(asker: Asker, route: str) -> None:
    body = json.dumps(example(route)).encode() if route in WITH_BODY else None
    for name in re.findall(r"\{(\w+)\}", route):
        others = {value for other, value in asker.ids.items() if other != name and not other.startswith("/")}
        for strange in (*TEXTS, *sorted(others), "x" * 50_000):
            asker.ask(route, asker.place(route, **{name: strange}), body, elsewhere=True)


@pytest.mark.parametrize("route", OPERATIONS)
def test_any_query_and_header_is_answered(asker: Asker, route: str) -> None:
    target = asker.place(route)
    body = json.dumps(example(route)).encode() if route in WITH_BODY else None
    names = {one["name"] for one in OPERATIONS[route].get("parameters", ()) if one["in"] == "query"} | {"account"}
    for name in sorted(names):
        for text in TEXTS:
            asker.ask(route, f"{target}?{name}={text}", body)
        asker.ask(route, f"{target}?{name}=1&{name}=2&{name}[]=3", body)
    for query in (*QUERIES, *(f"{name}={asker.key_text}" for name in ("key", "password", "signature", "cursor", "limit"))):
        asker.ask(route, f"{target}?{query}", body)
    for headers in (*HEADERS, *({"Authorization": f"Bearer {key}"} for key in (asker.viewer, asker.key_text, ADMIN_KEY))):
        asker.ask(route, target, body, headers)
    for more in ("/", "//", "/%00", "/..", "/" + "x" * 50_000):
        asker.ask(route, target + more, body, elsewhere=True)


def test_what_there_is_no_route_for_is_refused_in_the_form_of_its_api(asker: Asker) -> None:
    for path, like in (
        ("/v1", "GET /v1/calls"),
        ("/bird", "GET /bird/workspaces/{workspace}/webhook-subscriptions"),
        ("/voc", "GET /voc/api/v1/calls/inbound"),
        ("/voxtelesys", "GET /voxtelesys/api/v0/calls"),
    ):
        for more in ("/", "/nothing", "/%00", "/%FF", "/" + "a/" * 5_000, "/" + "%20" * 5_000, "//x", "/;x", "/?x"):
            assert asker.ask(like, path + more, elsewhere=True) in (0, *ANYWHERE, 401)


@pytest.mark.parametrize("number", ["%00", "a%20b", "%0A", "x" * 129, "%E2%82%AC"])
def test_what_can_be_no_number_is_none(asker: Asker, number: str) -> None:
    assert asker.ask("GET /v1/numbers/{number}", f"/v1/numbers/{number}") == 404


HOST = b"Host: here\r\n"
NO_HTTP = [
    *(
        b"GET /v1/calls HTTP/1.1\r\nno header\r\n\r\n",
        b"BREW /v1/calls HTTP/1.1\r\n\r\n",
        b"FOO\r\n\r\n",
        b"\x16\x03\x01\0\xa5\x01\0\0\xa1\x03\x03",
    ),
    *(
        b"GET /v1/\0 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /bird/\xff HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT x:1 HTTP/1.1\r\n" + HOST + b"\r\n",
    ),
    *(b"GET /v1/" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",),
    *(b"POST /v1/events HTTP/1.1\r\n" + HOST + b"Content-Length: " + length + b"\r\n\r\n" for length in (b"x", b"-1", b"9" * 30)),
    b"POST /v1/events HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/endpoints HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
]


@pytest.mark.parametrize(
    ("request_bytes", "status"), [*((sent, 400) for sent in NO_HTTP), (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404)]
)
def test_what_is_no_http_is_refused_by_a_problem_document_too(own: Server, request_bytes: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", own.port), timeout=10) as connection:
        connection.sendall(request_bytes)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        told = json.loads(answer.read())
    assert (answer.status, told["status"], answer.getheader("content-type")) == (status, status, "application/problem+json")


def test_what_was_made_is_still_there_and_as_it_was(own: Server, asker: Asker) -> None:
    """After all of the above the server answers as before."""
    assert Api(own.port, None).get("/readyz") == {"status": "ok"}
