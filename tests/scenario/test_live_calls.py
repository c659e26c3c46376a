"""Live calls over the API: they come in, are placed, given other documents, and ended; what becomes of each stands in the log."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from harness import Api, Receiver, Server, until
from live_harness import (
    CALLER,
    NUMBER,
    SALES,
    Application,
    call_of,
    comes_in,
    events,
    has_number,
    in_status,
    over,
    parameters,
    placed,
)

STAYS = "<Answer/><Pause length='60'/>"
MENU = "<Answer/><Gather numDigits='1' action='/menu'><Say>For sales press 1.</Say></Gather>"


def test_a_call_that_comes_in_is_asked_about_runs_the_documents_and_ends(live_api: Api, application: Application) -> None:
    application.documents = {"/voice": MENU, "/menu": f"<Dial action='/after'>{SALES}</Dial>", "/after": "<Hangup/>"}
    number = has_number(live_api, application.url("/voice"))
    call = comes_in(live_api, number, "answer, digits! 1; callee: ring 0.1s, answer, wait 0.2s, hangup", caller_name="ACME")
    assert in_status(live_api, call, "ongoing")["call"]["live"] is True
    shown = over(live_api, call)
    assert events(shown, call) == ["starting", "ringing", "ongoing", "ivr-option", "completed"]
    (leg,) = shown["legs"]
    assert events(shown, leg["id"]) == ["starting", "ringing", "ongoing", "completed"]
    assert (leg["parent"], leg["direction"], leg["to"], leg["from"]) == (call, "outbound", SALES, CALLER)
    assert (shown["call"]["answered_at"] is not None, shown["call"]["context"]["answered_by"]) == (True, "ivr")
    (first,) = application.asked("/voice")
    assert (first["CallSid"], first["CallStatus"], first["Direction"]) == (call, "ringing", "inbound")
    assert (first["From"], first["To"], first["CallerName"]) == (CALLER, number, "ACME")
    assert [asked["Digits"] for asked in application.asked("/menu")] == ["1"]
    (last,) = application.asked("/after")
    assert (last["DialCallStatus"], last["CallStatus"]) == ("completed", "in-progress")


def test_a_placed_call_runs_the_document_that_it_was_given(live_api: Api, receiver: Receiver) -> None:
    live_api.endpoint(receiver.url + "/hooks", "bird", events=["voice.outbound"])
    document = "<Response><Say>Hello.</Say></Response>"
    body = {"to": CALLER, "from": NUMBER, "document": document, "crm_id": "lead-55", "script": "ring 0.1s, answer"}
    made = live_api.post("/v1/calls", body)
    call = made["id"]
    assert made == {"id": call, "status": "starting", "direction": "outbound", "from": NUMBER, "to": CALLER, "live": True}
    shown = over(live_api, call)
    assert events(shown) == ["accepted", "starting", "ringing", "ongoing", "completed"]
    assert shown["call"]["context"]["crm_id"] == "lead-55"
    assert [one.json["payload"]["status"] for one in receiver.take(5)] == events(shown)


def test_a_placed_call_asks_its_url_once_it_is_answered(live_api: Api, application: Application) -> None:
    application.documents = {"/out": "<Hangup/>"}
    call = placed(
        live_api,
        url=application.url("/out?t=1"),
        method="GET",
        tag="job-42",
        vars={"who": "Kim", "menu.digits": "7"},
        machine_detection={"timeout_s": 3},
        script="ring 0.1s, answer",
    )
    over(live_api, call)
    (asked,) = application.asked("/out")
    assert (asked["t"], asked["CallSid"], asked["CallStatus"], asked["Direction"]) == ("1", call, "in-progress", "outbound-api")
    assert (asked["Tag"], asked["AnsweredBy"]) == ("job-42", "human_residence")
    assert json.loads(asked["Vars"]) == {"who": "Kim", "menu": {"digits": "7"}}
    assert {got.method for got in application.receiver.all} == {"GET"}


def test_a_placed_call_that_nobody_answers_asks_nobody(live_api: Api, application: Application) -> None:
    for script, ends in (("busy", "busy"), ("reject", "no-answer"), ("fail", "failed")):
        call = placed(live_api, url=application.url("/out"), script=script)
        assert over(live_api, call)["call"]["status"] == ends
    call = placed(live_api, url=application.url("/out"), timeout=1, script="no answer")
    assert over(live_api, call)["call"]["status"] == "no-answer"
    assert application.receiver.all == []


def test_a_flow_is_the_document_behind_its_id(live_api: Api, application: Application) -> None:
    application.documents = {"/flow": "<Hangup/>"}
    flow = "4185fb1e-d696-40d4-9485-c71154af2d53"
    status, shown = live_api.call("PATCH", f"/v1/accounts/{live_api.account}", {"flows": {flow: application.url("/flow")}})
    assert (status, shown["flows"]) == (200, {flow: application.url("/flow")})
    over(live_api, placed(live_api, flow=flow))
    assert len(application.asked("/flow")) == 1


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("nothing to do", {}, "url", "exactly one of url, document, flow"),
    ("two things to do", {"url": "URL", "document": "<Response/>"}, "document", "exactly one of"),
    ("a broken document", {"document": "<Response>\n  <Dail/></Response>"}, "document", "line 2, column 3"),
    ("a document that is no XML", {"document": "Response"}, "document", "line 1, column 1"),
    ("no such flow", {"flow": "x"}, "flow", "no such flow"),
    ("a URL that nobody may ask", {"url": "https://10.0.0.1/"}, "url", "not a public address"),
    ("no URL", {"url": "ftp://127.0.0.1/"}, "url", "http"),
    ("a method", {"url": "URL", "method": "PUT"}, "method", ""),
    ("a time-out", {"url": "URL", "timeout": 0}, "timeout", ""),
    ("a long time-out", {"url": "URL", "timeout": 601}, "timeout", ""),
    ("a long tag", {"url": "URL", "tag": "x" * 257}, "tag", ""),
    ("no number", {"url": "URL", "to": "a b"}, "to", ""),
    ("a callback's URL", {"url": "URL", "status_callback": {"url": "https://10.0.0.1/"}}, "status_callback.url", "public"),
    ("a callback's events", {"url": "URL", "status_callback": {"url": "URL", "events": ["ringing"]}}, "status_callback.events", ""),
    ("a recording's channels", {"url": "URL", "record": {"channels": 3}}, "record.channels", ""),
    (
        "a recording's callback",
        {"url": "URL", "record": {"status_callback": {"url": "https://10.0.0.1/"}}},
        "record.status_callback.url",
        "public",
    ),
    ("machine detection", {"url": "URL", "machine_detection": {"timeout_s": 60}}, "machine_detection.timeout_s", ""),
    ("a variable's name", {"url": "URL", "vars": {"1": "x"}}, "vars", ""),
    ("a variable's value", {"url": "URL", "vars": {"x": "y" * 51}}, "vars", ""),
    ("a script", {"url": "URL", "script": "sing"}, "script", "character 1"),
    ("an unknown field", {"url": "URL", "color": "red"}, "color", ""),
]


@pytest.mark.parametrize(("change", "field", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_does_not_fit_is_refused_before_anybody_is_called(
    live_api: Api, receiver: Receiver, change: dict[str, Any], field: str, said: str
) -> None:
    text = json.dumps({"to": CALLER, "from": NUMBER, **change}).replace('"URL"', json.dumps(receiver.url))
    status, problem = live_api.call("POST", "/v1/calls", json.loads(text))
    assert (status, problem["field"].split("[")[0]) == (422, field), problem
    assert said in problem["detail"]
    assert live_api.get("/v1/calls")["items"] == []


def test_the_same_request_with_the_same_key_calls_once(live_api: Api) -> None:
    body = json.dumps({"to": CALLER, "from": NUMBER, "document": "<Response><Hangup/></Response>"}).encode()
    answers = [live_api.raw("POST", "/v1/calls", body, {"Idempotency-Key": "call-1"}) for _ in range(2)]
    assert [status for status, _, _ in answers] == [201, 201]
    assert answers[0][2] == answers[1][2]
    assert answers[1][1]["idempotent-replayed"] == "true"
    over(live_api, json.loads(answers[0][2])["id"])
    assert len(live_api.get("/v1/calls")["items"]) == 1


def test_a_live_call_is_hung_up(live_api: Api, application: Application) -> None:
    application.documents = {"/voice": STAYS}
    call = comes_in(live_api, has_number(live_api, application.url("/voice")), "answer, wait 60s")
    in_status(live_api, call, "ongoing")
    status, told = live_api.call("POST", f"/v1/calls/{call}/hang-up")
    assert (status, told["id"], told["status"]) == (202, call, "ongoing")
    ended = over(live_api, call)["call"]
    assert (ended["status"], ended["ended_by"]) == ("completed", "switch")
    status, problem = live_api.call("POST", f"/v1/calls/{call}/hang-up")
    assert (status, problem["detail"]) == (409, "the call is over")


def test_a_leg_is_hung_up_and_the_call_goes_on(live_api: Api, application: Application) -> None:
    application.documents = {"/voice": f"<Dial>{SALES}</Dial><Pause length='60'/>"}
    call = comes_in(live_api, has_number(live_api, application.url("/voice")), "wait 60s; callee: answer, wait 60s")
    leg = until(lambda: call_of(live_api, call).get("legs"))[0]["id"]
    in_status(live_api, leg, "ongoing")
    assert live_api.call("POST", f"/v1/calls/{leg}/hang-up")[0] == 202
    in_status(live_api, leg, "completed")
    assert call_of(live_api, call)["call"]["live"] is True
    assert live_api.call("POST", f"/v1/calls/{call}/hang-up")[0] == 202
    over(live_api, call)


def test_a_placed_call_is_given_up_before_it_is_answered(live_api: Api) -> None:
    call = placed(live_api, document="<Response/>", script="ring 60s, answer")
    in_status(live_api, call, "ringing")
    assert live_api.call("POST", f"/v1/calls/{call}/hang-up")[0] == 202
    assert over(live_api, call)["call"]["status"] == "cancelled"


def test_a_live_call_goes_on_with_another_document(live_api: Api, application: Application) -> None:
    application.documents = {"/voice": STAYS, "/next/new": "<Set output='x'>1</Set><Redirect>more</Redirect>", "/next/more": STAYS}
    call = comes_in(live_api, has_number(live_api, application.url("/voice")), "answer, wait 60s")
    in_status(live_api, call, "ongoing")
    status, told = live_api.call("POST", f"/v1/calls/{call}/document", {"url": application.url("/next/new"), "method": "GET"})
    assert (status, told["id"], told["live"]) == (202, call, True)
    (asked,) = until(lambda: application.asked("/next/more"))
    assert (asked["CallSid"], json.loads(asked["Vars"])) == (call, {"x": "1"})
    document = {"document": f"<Response><Dial>{SALES}</Dial></Response>"}
    assert live_api.call("POST", f"/v1/calls/{call}/document", document)[0] == 202
    (leg,) = until(lambda: call_of(live_api, call)["legs"])
    status, problem = live_api.call("POST", f"/v1/calls/{leg['id']}/document", document)
    assert (status, problem["detail"]) == (409, f"the leg belongs to the call {call}: that takes documents")
    assert live_api.call("POST", f"/v1/calls/{call}/document", {"document": "<Response><Hangup/></Response>"})[0] == 202
    over(live_api, call)
    status, problem = live_api.call("POST", f"/v1/calls/{call}/document", document)
    assert (status, problem["detail"]) == (409, "the call is over")


def test_a_call_that_is_not_answered_takes_no_document(live_api: Api) -> None:
    call = placed(live_api, document="<Response/>", script="ring 60s, answer")
    in_status(live_api, call, "ringing")
    status, problem = live_api.call("POST", f"/v1/calls/{call}/document", {"document": "<Response/>"})
    assert (status, problem["detail"]) == (409, "the call is not answered yet: its document is asked for when it is")
    live_api.call("POST", f"/v1/calls/{call}/hang-up")
    over(live_api, call)


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "url"), ({"url": "https://10.0.0.1/"}, "url"), ({"document": "<Dail/>"}, "document"), ({"flow": "x"}, "flow")],
)
def test_a_document_that_is_none_changes_nothing(live_api: Api, body: dict[str, Any], field: str) -> None:
    status, problem = live_api.call("POST", "/v1/calls/nobody/document", body)
    assert (status, problem["field"]) == (422, field)


@pytest.mark.parametrize("part", ["hang-up", "document"])
def test_only_its_own_account_steers_a_call(switchboard: Server, live_api: Api, part: str) -> None:
    stranger = switchboard.account("stranger")
    call = placed(live_api, document="<Response><Pause length='60'/></Response>", script="answer, wait 60s")
    in_status(live_api, call, "ongoing")
    body = {"document": "<Response><Hangup/></Response>"}
    for whose in (call, "nobody"):
        status, problem = stranger.call("POST", f"/v1/calls/{whose}/{part}", body)
        assert (status, problem["detail"]) == (404, "no such call")
    live_api.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": {"id": "told", "direction": "inbound"}})
    status, problem = live_api.call("POST", f"/v1/calls/told/{part}", body)
    assert (status, problem["detail"]) == (409, "the call is not one that is steered from here")
    assert call_of(live_api, call)["call"]["live"] is True
    assert live_api.call("POST", f"/v1/calls/{call}/hang-up")[0] == 202
    over(live_api, call)


def test_a_number_without_a_voice_url_refuses_and_says_why(live_api: Api) -> None:
    for number in (has_number(live_api, None), "+61299990000"):
        shown = over(live_api, comes_in(live_api, number, "ring 10s"))
        assert (shown["call"]["status"], shown["call"]["sip_status"]) == ("no-answer", 603)
        assert shown["events"][-1]["data"]["why"] == "the number has no voice URL: nobody is asked about its calls"


def test_another_accounts_number_is_not_called(switchboard: Server, live_api: Api) -> None:
    stranger = switchboard.account("stranger")
    number = has_number(live_api, None)
    status, problem = stranger.call("POST", "/v1/simulated-calls", {"from": CALLER, "to": number})
    assert (status, problem["detail"]) == (404, "no such number of this account")


@pytest.mark.parametrize(
    ("script", "said"), [("busy", "a caller cannot"), ("answer,", "character 8"), ("answer 'x", "character 8")]
)
def test_a_script_that_no_caller_can_follow(live_api: Api, script: str, said: str) -> None:
    status, problem = live_api.call("POST", "/v1/simulated-calls", {"from": CALLER, "to": NUMBER, "script": script})
    assert (status, problem["field"], said in problem["detail"]) == (422, "script", True), problem


def test_without_a_switch_nobody_is_called(api: Api) -> None:
    said = "no switch is configured: start with --switch embedded or --switch simulated"
    for path, body in (
        ("/v1/calls", {"to": CALLER, "from": NUMBER, "document": "<Response/>"}),
        ("/v1/calls", {"to": CALLER, "from": NUMBER, "document": "<Response/>", "script": "answer"}),
        ("/v1/simulated-calls", {"to": NUMBER, "from": CALLER}),
    ):
        status, problem = api.call("POST", path, body)
        assert (status, problem["detail"]) == (409, said)


def test_the_ends_and_the_recording_of_a_placed_call_are_told_to_their_callbacks(
    live_api: Api, receivers: Callable[[], Receiver]
) -> None:
    told, heard = receivers(), receivers()
    call = placed(
        live_api,
        document="<Response><Pause length='1'/></Response>",
        script="answer, wait 60s",
        status_callback={"url": told.url.replace("//", "//ann:secret@") + "/status?t=1", "events": ["completed", "busy"]},
        record={
            "channels": 2,
            "status_callback": {"url": heard.url + "/rec", "method": "GET", "events": ["in-progress", "completed"]},
        },
    )
    begun, done = heard.take(2)
    assert [parameters(got)["RecordingStatus"] for got in (begun, done)] == ["in-progress", "completed"]
    assert parameters(done)["RecordingChannels"] == "2"
    assert int(parameters(done)["RecordingDuration"]) >= 1
    ended = told.next()
    assert (ended.path, parameters(ended)["CallStatus"], parameters(ended)["CallSid"]) == ("/status?t=1", "completed", call)
    assert ended.headers["authorization"].startswith("Basic ")
    status, headers, sound = live_api.raw("GET", f"/v1/calls/{call}/recording")
    assert (status, headers["content-type"], sound[:4]) == (200, "audio/wav", b"RIFF")
    busy = placed(live_api, document="<Response/>", script="busy", status_callback={"url": told.url, "events": ["completed"]})
    over(live_api, busy)
    assert told.nothing()
    assert heard.nothing(0)
    log = live_api.get(f"/v1/deliveries?call={call}")["items"]
    assert {(one["event"], one["state"]) for one in log} == {
        ("completed", "succeeded"),
        ("recording.in-progress", "succeeded"),
        ("recording.completed", "succeeded"),
    }
    assert "secret" not in json.dumps([live_api.get(f"/v1/deliveries/{one['id']}") for one in log])


def test_two_messages_of_one_call_are_two_recordings(live_api: Api, application: Application) -> None:
    record = "<Record timeout='1' playBeep='false' action='{}'/>"
    application.documents = {"/voice": record.format("/first"), "/first": record.format("/second"), "/second": "<Hangup/>"}
    number = has_number(live_api, application.url("/voice"))
    call = comes_in(live_api, number, "answer, speech 'one', speech 'a longer one, which lasts'")
    over(live_api, call, within_s=30)
    (first,), (second,) = application.asked("/first"), application.asked("/second")
    urls = [asked["RecordingUrl"].removeprefix(f"http://127.0.0.1:{live_api.port}") for asked in (first, second)]
    sounds = [Api(live_api.port, None).raw("GET", url) for url in urls]
    assert [status for status, _, _ in sounds] == [200, 200]
    assert sounds[0][2] != sounds[1][2]


def test_what_the_application_was_asked_stands_in_the_log(live_api: Api, application: Application) -> None:
    application.documents = {"/voice": "<Reject reason='busy'/>"}
    call = comes_in(live_api, has_number(live_api, application.url("/voice")), "ring 10s")
    assert over(live_api, call)["call"]["status"] == "busy"
    (asked,) = until(lambda: [one for one in live_api.deliveries(call=call) if one["kind"] == "instruction"])
    (attempt,) = live_api.get(f"/v1/deliveries/{asked['id']}")["log"]
    assert (asked["event"], asked["state"], attempt["response"]["status"]) == ("incoming-call", "succeeded", 200)
    assert "Reject" in attempt["response"]["body"]


def test_a_caller_of_an_application_that_is_down_hears_an_apology(live_api: Api, application: Application) -> None:
    application.receiver.answer = lambda got: 500
    call = comes_in(live_api, has_number(live_api, application.url("/voice")), "answer, wait 60s")
    shown = over(live_api, call)
    assert (shown["call"]["status"], shown["call"]["ended_by"]) == ("completed", "switch")
