"""`POST /v1/voxml/check`: what is wrong with a document, over the API."""

import json
from typing import Any

import pytest
from harness import Api, Server

GOOD = "<Response><Say>Hello, é.</Say></Response>"
WRONG = '<Response>\n  <Say loops="2">Hello ${name}.</Say>\n</Response>'
XML = "application/xml"


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return server.account()


def asked(api: Api, body: str | bytes, content_type: str = XML) -> tuple[int, Any]:
    raw = body.encode() if isinstance(body, str) else body
    status, headers, answer = api.raw("POST", "/v1/voxml/check", raw, {"Content-Type": content_type})
    assert headers["content-type"].startswith("application/json" if status == 200 else "application/problem+json")
    return status, json.loads(answer)


@pytest.mark.parametrize("content_type", [XML, "text/xml", "text/xml; charset=utf-8", "Application/XML"])
def test_a_document_is_checked_as_it_is(api: Api, content_type: str) -> None:
    assert asked(api, GOOD, content_type) == (200, {"ok": True, "problems": []})


def test_a_document_is_checked_in_json(api: Api) -> None:
    assert asked(api, json.dumps({"document": GOOD}), "application/json") == (200, {"ok": True, "problems": []})


def test_every_problem_is_told(api: Api) -> None:
    status, told = asked(api, WRONG)
    assert (status, told["ok"]) == (200, False)
    assert [(one["line"], one["column"], one["severity"], one["code"]) for one in told["problems"]] == [
        (2, 8, "error", "unknown-attribute"),
        (2, 18, "warning", "variable-in-text"),
    ]
    assert told["problems"][0]["hint"] == 'did you mean "loop"?'
    assert asked(api, json.dumps({"document": WRONG}), "application/json") == (status, told)


def test_warnings_alone_are_ok(api: Api) -> None:
    status, told = asked(api, "<Response><Hangup/><Hangup/></Response>")
    assert (status, told["ok"], [one["code"] for one in told["problems"]]) == (200, True, ["unreachable"])


@pytest.mark.parametrize(
    ("document", "code"), [("", "xml"), (b"\xff\xfe<\0", "encoding"), (b"<Response>" + b" " * 70_000, "too-large"), ("{}", "xml")]
)
def test_what_is_no_document_is_told_and_not_refused(api: Api, document: str | bytes, code: str) -> None:
    status, told = asked(api, document)
    assert (status, told["ok"], [one["code"] for one in told["problems"]]) == (200, False, [code])


@pytest.mark.parametrize(
    ("body", "content_type", "status", "field"),
    [
        ("{", "application/json", 400, None),
        ("{}", "application/json", 422, "document"),
        ('{"document": 1}', "application/json", 422, "document"),
        ('{"document": "", "more": 1}', "application/json", 422, "document"),
        ("[]", "application/json", 422, "document"),
        (GOOD, "text/plain", 415, None),
        (GOOD, "", 415, None),
        ("<Response>" + " " * 600_000, XML, 413, None),
    ],
)
def test_what_is_no_request_is_refused(api: Api, body: str, content_type: str, status: int, field: str | None) -> None:
    found, problem = asked(api, body, content_type)
    assert (found, problem.get("field")) == (status, field)


def test_a_key_is_needed(server: Server) -> None:
    assert asked(Api(server.port, None), GOOD)[0] == 401
    assert asked(server.operator, GOOD)[0] == 200
