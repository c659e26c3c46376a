"""What the operator lets an account call, how many at once, how many a minute: over the API, by a document, and coming in."""

import json
from typing import Any

import pytest
from harness import Api, Server, until
from live_harness import CALLER, NUMBER, SALES, Application, call_of, comes_in, events, has_number, in_status, over, placed

STAYS = {"document": "<Response><Pause length='60'/></Response>", "script": "answer, wait 60s"}
SHORT = {"document": "<Response><Hangup/></Response>", "script": "answer"}


def limited(server: Server, api: Api, **limits: Any) -> None:
    status, shown = server.operator.call("PATCH", f"/v1/accounts/{api.account}", limits)
    assert (status, {name: shown[name] for name in limits}) == (200, limits)


def refused(api: Api, path: str = "/v1/calls", **call: Any) -> tuple[int, str, str]:
    """Status, Retry-After and the words of a refusal."""
    body = {"to": CALLER, "from": NUMBER, **SHORT, **call}
    status, headers, answer = api.raw("POST", path, json.dumps(body).encode())
    told = json.loads(answer)
    return status, headers.get("retry-after", ""), told.get("detail") or told.get("message")


def hang_up(api: Api, call: str) -> None:
    assert api.call("POST", f"/v1/calls/{call}/hang-up")[0] == 202
    over(api, call)


def test_only_the_operator_sets_them(live_api: Api) -> None:
    for name, value in (("call_prefixes", ["+"]), ("call_extensions", True), ("calls_at_once", 1), ("calls_per_min", 1)):
        assert live_api.call("PATCH", f"/v1/accounts/{live_api.account}", {name: value})[0] == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"call_prefixes": "+61"},
        {"call_prefixes": ["61+"]},
        {"call_prefixes": [""]},
        {"calls_at_once": -1},
        {"calls_per_min": 1.5},
        {"flows": {"x": "https://10.0.0.1/"}},
        {"flows": {"x": "https://ann:secret@example.com/"}},
        {"flows": {"": "https://example.com/"}},
    ],
)
def test_limits_that_are_none_are_refused(switchboard: Server, live_api: Api, wrong: dict[str, Any]) -> None:
    status, problem = switchboard.operator.call("PATCH", f"/v1/accounts/{live_api.account}", wrong)
    assert (status, next(iter(wrong)) in problem["field"]) == (422, True), problem


def test_whom_an_account_may_call(switchboard: Server, live_api: Api) -> None:
    assert refused(live_api, to="000")[::2] == (
        403,
        "call_prefixes: 000 is an emergency or service number, and not among those that the account may call",
    )
    for to in ("280085", "sip:alice@example.com"):
        assert refused(live_api, to=to)[::2] == (403, "call_extensions: the account may not call extensions and SIP addresses")
    limited(switchboard, live_api, call_prefixes=["+61", "000"], call_extensions=True)
    assert refused(live_api, to="+14025550100")[::2] == (403, "call_prefixes: the account may not call +14025550100")
    vendors = {"voxxml": "<Response/>", "voice_trunk_group_id": 1, "document": None, "script": None}
    body = {"to": "+14025550100", "from": NUMBER, **vendors}
    status, told = live_api.call("POST", "/voxtelesys/api/v0/calls", {k: v for k, v in body.items() if v is not None})
    assert (status, told["message"]) == (403, "call_prefixes: the account may not call +14025550100")
    # An emergency number goes out as it was written
    for to in ("000", "280085", "sip:alice@example.com", "+61299990000"):
        assert over(live_api, placed(live_api, to=to, **SHORT))["call"]["to"] == to
    assert len(live_api.get("/v1/calls")["items"]) == 4


def test_how_many_calls_at_once(switchboard: Server, live_api: Api, application: Application) -> None:
    limited(switchboard, live_api, calls_at_once=2)
    application.documents = {"/voice": "<Answer/><Pause length='60'/>"}
    number = has_number(live_api, application.url("/voice"))
    first, second = comes_in(live_api, number, "answer, wait 60s"), placed(live_api, **STAYS)
    for call in (first, second):
        in_status(live_api, call, "ongoing")
    assert refused(live_api) == (429, "5", "calls_at_once: the account may have 2 calls going on")
    third = over(live_api, comes_in(live_api, number, "ring 10s"))
    assert (third["call"]["status"], third["call"]["sip_status"]) == ("busy", 486)
    assert third["events"][-1]["data"]["why"] == "calls_at_once: the account may have 2 calls going on"
    assert len(application.asked("/voice")) == 1
    hang_up(live_api, first)
    over(live_api, placed(live_api, **SHORT))
    hang_up(live_api, second)
    limited(switchboard, live_api, calls_at_once=0)
    assert refused(live_api)[0] == 429


def test_how_many_calls_a_minute(switchboard: Server, live_api: Api) -> None:
    limited(switchboard, live_api, calls_per_min=2)
    calls = [placed(live_api, **SHORT) for _ in range(2)]
    status, wait_s, said = refused(live_api)
    assert (status, said) == (429, "calls_per_min: the account may begin 2 calls a minute")
    assert 1 <= int(wait_s) <= 30
    for call in calls:
        over(live_api, call)
    limited(switchboard, live_api, calls_per_min=None)
    over(live_api, placed(live_api, **SHORT))


def test_what_does_not_fit_counts_as_no_call(switchboard: Server, live_api: Api) -> None:
    limited(switchboard, live_api, calls_per_min=1)
    for _ in range(3):
        assert refused(live_api, document="<Response>")[0] == 422
        assert refused(live_api, to="000")[0] == 403
    over(live_api, placed(live_api, **SHORT))
    assert refused(live_api)[0] == 429


def test_a_document_dials_no_further_than_its_account_may(switchboard: Server, live_api: Api, application: Application) -> None:
    application.documents = {
        "/voice": "<Answer/><Dial action='/after'>+14025550100</Dial>",
        "/after": f"<Dial action='/last'><Number>911</Number><Number>{SALES}</Number></Dial>",
        "/last": "<Hangup/>",
    }
    limited(switchboard, live_api, call_prefixes=["+61"])
    number = has_number(live_api, application.url("/voice"))
    call = comes_in(live_api, number, "answer, wait 60s; callee: ring 0.1s, answer, wait 0.1s, hangup")
    shown = over(live_api, call)
    first, service, sales = shown["legs"]
    assert (first["to"], first["status"], first["ended_by"]) == ("+14025550100", "failed", "switch")
    assert (service["to"], service["status"]) == ("911", "failed")
    assert (sales["to"], sales["status"]) == (SALES, "completed")
    whys = [event["data"]["why"] for event in shown["events"] if "why" in event["data"]]
    assert whys == [
        "call_prefixes: the account may not call +14025550100",
        "call_prefixes: 911 is an emergency or service number, and not among those that the account may call",
    ]
    assert events(shown, first["id"]) == ["starting", "failed"]
    assert [asked["DialCallStatus"] for asked in application.asked("/after")] == ["failed"]
    assert [asked["DialCallStatus"] for asked in application.asked("/last")] == ["completed"]


def test_a_documents_dial_counts_as_a_call(switchboard: Server, live_api: Api, application: Application) -> None:
    application.documents = {"/voice": f"<Answer/><Dial>{SALES}</Dial><Dial>{SALES}</Dial><Pause length='60'/>"}
    limited(switchboard, live_api, calls_at_once=1)
    number = has_number(live_api, application.url("/voice"))
    call = comes_in(live_api, number, "answer, wait 60s")
    legs = until(lambda: [leg for leg in call_of(live_api, call).get("legs", ()) if leg["status"] == "failed"])
    assert legs
    hang_up(live_api, call)
    limited(switchboard, live_api, calls_at_once=None, calls_per_min=1)
    call = comes_in(live_api, number, "answer, wait 60s; callee: ring 0.1s, busy")
    statuses = until(
        lambda: sorted(leg["status"] for leg in call_of(live_api, call).get("legs", ()) if leg["status"] != "starting")
    )
    until(lambda: sorted(leg["status"] for leg in call_of(live_api, call)["legs"]) == ["busy", "failed"])
    assert statuses
    assert refused(live_api)[0] == 429
    hang_up(live_api, call)
