"""`POST /v1/voxml/run`: a call that is simulated on the server, and what it may not do there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Receiver, Server, running_receiver, start_server

MENU = "<Response><Answer/><Gather numDigits='1' action='{}'><Say>For sales press 1.</Say></Gather><Hangup/></Response>"
XML = {"Content-Type": "application/xml"}


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return server.account()


@pytest.fixture(scope="module")
def application() -> Iterator[Receiver]:
    with running_receiver() as kept:
        kept.answer = lambda got: (200, XML, b"<Response><Answer/><Say>You are in sales.</Say><Hangup/></Response>")
        yield kept


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of which the operator has allowed no network."""
    server = start_server(tmp_path_factory.mktemp("locked") / "data", strict=True)
    yield server
    assert server.stop() == 0


def run(api: Api, status: int = 200, **body: Any) -> Any:
    return api.post("/v1/voxml/run", body, status)


def lines(told: Any) -> list[str]:
    return [f"{one['who']} {one['text']}" for one in told["lines"]]


def test_a_document_is_run_and_judged(api: Api) -> None:
    told = run(
        api, document=MENU.format("sales"), script="answer, digits 1", expect=["says 'for sales'", "never dials"], to="+61299990000"
    )
    assert 'say "For sales press 1."' in lines(told)
    assert "caller pressed 1" in lines(told)
    assert [(one["ok"], one["why"]) for one in told["expectations"]] == [(True, ""), (True, "")]
    # There is nothing beside a document that is text.
    assert told["ok"] is False
    assert any("no sales" in line for line in lines(told))
    assert {one["kind"] for one in told["entries"]} >= {"began", "played", "keys", "ended"}


def test_an_application_is_asked_where_webhooks_may_go(api: Api, application: Receiver) -> None:
    told = run(api, url=f"{application.url}/voice", script="answer", expect=["asks /voice", "says 'in sales'"])
    assert (told["ok"], application.all[-1].path) == (True, "/voice")


def test_a_number_of_the_account_is_called(api: Api, application: Receiver) -> None:
    api.post("/v1/numbers", {"number": "+61299990042", "voice": {"url": f"{application.url}/mine"}})
    told = run(api, number="+61299990042", script="answer")
    assert told["ok"]
    assert "inbound from +14025550100 to +61299990042" in told["lines"][0]["text"]
    assert run(api, 409, number="+61299990043")["detail"].startswith("nobody is asked about this number")


def test_a_number_s_fallback_is_tried_too_and_an_error_may_be_expected(api: Api, application: Receiver) -> None:
    voice = {"url": "http://127.0.0.1:9/", "fallback_url": f"{application.url}/fallback"}
    api.post("/v1/numbers", {"number": "+61299990044", "voice": voice})
    told = run(api, number="+61299990044", script="answer", expect=["asks /fallback", "says 'in sales'"])
    assert (told["ok"], [one["ok"] for one in told["expectations"]]) == (False, [True, True]), "the application did not answer"
    assert run(
        api, number="+61299990044", script="answer", expect=["warns 'no connection'", "asks /fallback with ErrorCode=11205"]
    )["ok"]


def test_no_address_is_reached_that_webhooks_may_not_reach(locked: Server, application: Receiver) -> None:
    api, before = locked.account(), len(application.all)
    assert run(api, 422, url=application.url)["field"] == "url"
    for url in ("http://localhost:1/", "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/"):
        told = run(api, document=f"<Response><Answer/><Redirect>{url}</Redirect></Response>", script="answer")
        assert told["ok"] is False, url
        assert not [one for one in told["entries"] if one["kind"] == "reply" and one["status"]], url
    assert len(application.all) == before


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "menu.xml", "ftp://example.com/", "https://a b/"])
def test_a_url_is_never_a_file(api: Api, url: str) -> None:
    assert run(api, 422, url=url)["field"] == "url"


def test_no_file_of_the_server_is_read(api: Api) -> None:
    for place in ("/etc/passwd", "../../../etc/passwd", "file:///etc/passwd", "http://files.invalid/etc/passwd"):
        told = run(api, document=f"<Response><Answer/><Redirect>{place}</Redirect></Response>", script="answer")
        assert told["ok"] is False
        assert "root:" not in json.dumps(told)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"url": "https://example.com/", "document": "<Response/>"}, ""),
        ({"document": "<Response/>", "script": "dance"}, "script"),
        ({"document": "<Response/>", "expect": ["says 'a'", "sings"]}, "expect[1]"),
        ({"document": "<Response/>", "to": ""}, "to"),
        ({"document": "x" * 70_000}, "document"),
    ],
)
def test_what_does_not_fit_is_told(api: Api, body: dict[str, Any], field: str) -> None:
    assert run(api, 422, **body).get("field", "") == field


def test_what_never_ends_is_given_up(server: Server) -> None:
    api = server.account()
    loop = (
        "<Response><Answer/><Say>Again.</Say><Say>And again.</Say><Say>And again.</Say><Redirect>document.xml</Redirect></Response>"
    )
    told = run(api, document=loop, script="answer")
    assert told["ok"] is False
    assert "more than 500 things happen" in told["lines"][-2]["text"]
    assert len(told["entries"]) < 600


def test_nobody_is_charged(server: Server) -> None:
    told = run(
        server.account(),
        document="<Response><Answer/><Pay chargeAmount='20.00' paymentConnector='real'/></Response>",
        script="answer, digits 4111111111111111#, digits 1230#, digits 123#, digits 68102#",
    )
    paid = [one for one in told["entries"] if one["kind"] == "payment"]
    assert [one["confirmation"] for one in paid] == ["simulated"]
    assert "4111111111111111" not in json.dumps(told)


def test_an_account_may_not_simulate_without_end(server: Server) -> None:
    api = server.account()
    answers = [api.raw("POST", "/v1/voxml/run", b'{"document":"<Response/>"}') for _ in range(31)]
    assert [status for status, _, _ in answers] == [200] * 30 + [429]
    assert 0 < int(answers[-1][1]["retry-after"]) <= 61


def test_a_viewer_may_not(api: Api) -> None:
    made = api.post("/v1/keys", {"name": "looks", "role": "viewer"})
    status, _, _ = Api(api.port, made["key"], api.account).raw("POST", "/v1/voxml/run", b'{"document":"<Response/>"}')
    assert status == 403


def test_the_node_is_shown_to_the_operator(server: Server, api: Api, tmp_path: Path) -> None:
    told = server.operator.get("/v1/node")
    assert told["ready"] is True
    assert told["disk"]["free_bytes"] > 0
    assert told["disk"]["database_bytes"] > 0
    assert told["counts"]["accounts"] >= 1
    assert len(told["hour"]["delivered"]) == 60
