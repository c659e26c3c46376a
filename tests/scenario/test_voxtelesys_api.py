"""Voxtelesys' own REST: every field that its SDK or its n8n node sends, and how it says no."""

import json
import re
from typing import Any

import pytest
from harness import ADMIN_KEY, Api, Receiver, Server, until
from live_harness import CALLER, FINAL, NUMBER, Application, has_number, over, parameters

CALLS = "/voxtelesys/api/v0/calls"
GUID = "c1f8a3e2-4b6d-4e9a-9c2f-7d5b1e0a8f34"
LEAST = {"to": CALLER, "from": NUMBER, "voice_trunk_group_id": 90001}
HELLO = "<Response><Say voice='Joanna' language='en-US'>Hello!</Say></Response>"


def queued(api: Api, **call: Any) -> dict[str, Any]:
    """A call is placed; the call, once it is over."""
    before = {one["id"] for one in roots(api)}
    assert api.call("POST", CALLS, {**LEAST, **call}) == (201, {"status": "queued"})
    (made,) = [one for one in roots(api) if one["id"] not in before]
    return over(api, made["id"])


def roots(api: Api) -> list[dict[str, Any]]:
    return [one for one in api.get("/v1/calls?limit=1000")["items"] if "parent" not in one]


def refused(api: Api, body: Any, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and message of a refusal, which has the vendor's form."""
    status, told, answer = api.raw("POST", CALLS, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
    refusal = json.loads(answer)
    assert status >= 400, refusal
    assert (told["content-type"], set(refusal), refusal["status"]) == (
        "application/json",
        {"status", "error_id", "message"},
        "error",
    )
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", refusal["error_id"])
    return status, refusal["message"]


def test_a_call_with_as_little_as_is_needed(live_api: Api) -> None:
    call = queued(live_api, voxxml=HELLO)["call"]
    assert (call["direction"], call["from"], call["to"], call["status"]) == ("outbound", NUMBER, CALLER, "completed")
    assert call["context"]["trunk_id"] == "90001"


def test_a_call_with_everything(live_api: Api, application: Application, receiver: Receiver) -> None:
    application.documents = {"/v/out": "<Pause length='1'/><Hangup/>"}
    call = queued(
        live_api,
        # The vendor's older documents wrote numbers without their plus
        to=CALLER.removeprefix("+"),
        url=application.url("/v/out?t=8c1f"),
        method="GET",
        timeout=20,
        tag="job-42",
        bulk_tag="campaign-7",
        status_callback={"url": receiver.url + "/status?t=8c1f", "method": "GET", "events": ["completed", "busy"]},
        record=True,
        recording_track="inbound",
        recording_channel="dual",
        recording_status_callback=receiver.url + "/rec",
        recording_status_callback_method="POST",
        recording_status_callback_event="in-progress completed",
        machine_detection="detect_message_end",
        machine_detection_timeout=3,
        machine_detection_human_residence_speech_threshold=1000,
        machine_detection_human_business_speech_threshold=1000,
        machine_detection_speech_end_threshold=500,
        machine_detection_silence_timeout=2000,
        route_profile_guid=GUID,
    )["call"]
    (asked,) = application.asked("/v/out")
    assert (asked["t"], asked["To"], asked["TrunkID"], asked["Direction"]) == ("8c1f", CALLER, "90001", "outbound-api")
    assert (asked["AnsweredBy"], asked["Tag"], asked["BulkTag"]) == ("human_residence", "job-42", "campaign-7")
    got = {f"{one.method} {one.path.partition('?')[0]} {said['CallStatus']} {said.get('RecordingStatus')}": said
           for one in receiver.take(3) for said in [parameters(one)]}  # fmt: skip
    assert set(got) == {"GET /status completed None", "POST /rec in-progress in-progress", "POST /rec completed completed"}
    assert all((said["Tag"], said["BulkTag"], said["CallSid"]) == ("job-42", "campaign-7", call["id"]) for said in got.values())
    assert got["POST /rec completed completed"]["RecordingChannels"] == "2"
    assert got["GET /status completed None"]["t"] == "8c1f"
    asked_for = live_api.get(f"/v1/calls/{call['id']}")["events"][0]
    told = asked_for["data"]
    assert (asked_for["type"], told["route_profile_guid"]) == ("call.accepted", GUID)
    # Which endpoint has the callback's URL, for a server that has to end the call after this one; not the URL
    assert (told["status_callback"][:3], told["status_callback_events"]) == ("ep_", "completed busy")


def test_a_flow_by_its_guid_in_any_spelling(live_api: Api, application: Application) -> None:
    application.documents = {"/flow": "<Hangup/>"}
    live_api.call("PATCH", f"/v1/accounts/{live_api.account}", {"flows": {GUID: application.url("/flow")}})
    for spelling in (GUID, GUID.upper(), f"{{{GUID}}}"):
        queued(live_api, flow_guid=spelling)
    assert len(application.asked("/flow")) == 3


def test_a_callback_without_events_tells_of_completed_alone(live_api: Api, receiver: Receiver) -> None:
    for more in ({}, {"events": []}):
        queued(live_api, voxxml=HELLO, status_callback={"url": receiver.url, **more})
        assert parameters(receiver.next())["CallStatus"] == "completed"
    # Nobody answers within no time
    assert queued(live_api, voxxml=HELLO, timeout=0, status_callback={"url": receiver.url})["call"]["status"] == "no-answer"
    assert receiver.nothing()


def test_recording_fields_without_record_record_nothing(live_api: Api, receiver: Receiver) -> None:
    call = queued(live_api, voxxml=HELLO, recording_channel="dual", recording_status_callback=receiver.url)
    assert "recording" not in call["call"]["context"]
    assert receiver.nothing()


WRONG: list[tuple[str, dict[str, Any], str]] = [
    *((f"no {name}", {name: None}, name) for name in LEAST),
    ("letters for to", {"to": "alice"}, "to"),
    ("an emergency number", {"to": "911"}, "to"),
    ("16 digits", {"to": "+1234567890123456"}, "to"),
    ("a leading zero", {"from": "0298765432"}, "from"),
    ("no trunk", {"voice_trunk_group_id": 0}, "voice_trunk_group_id"),
    ("a trunk's name", {"voice_trunk_group_id": "main"}, "voice_trunk_group_id"),
    ("half a trunk", {"voice_trunk_group_id": 1.5}, "voice_trunk_group_id"),
    ("no instructions", {"voxxml": None}, "voxxml"),
    ("two instructions", {"url": "https://example.com/"}, "url"),
    ("two others", {"flow_guid": GUID}, "flow_guid"),
    ("broken VoXML", {"voxxml": "<Response><Say>"}, "voxxml"),
    ("VoXML with another verb", {"voxxml": "<Response><Conference/></Response>"}, "voxxml"),
    ("empty VoXML", {"voxxml": ""}, "voxxml"),
    ("a relative URL", {"voxxml": None, "url": "/v/out"}, "url"),
    ("a URL inside", {"voxxml": None, "url": "https://10.0.0.1/"}, "url"),
    ("a method", {"method": "PUT"}, "method"),
    ("a flow that is no GUID", {"voxxml": None, "flow_guid": "7"}, "flow_guid"),
    ("a flow that is not there", {"voxxml": None, "flow_guid": GUID}, "flow_guid"),
    ("a time-out below 0", {"timeout": -1}, "timeout"),
    ("a time-out over 600", {"timeout": 601}, "timeout"),
    ("a long tag", {"tag": "x" * 257}, "tag"),
    ("a long bulk tag", {"bulk_tag": "x" * 257}, "bulk_tag"),
    ("a callback that is a URL", {"status_callback": "https://example.com/"}, "status_callback"),
    ("a callback without a URL", {"status_callback": {}}, "status_callback.url"),
    ("a callback inside", {"status_callback": {"url": "https://10.0.0.1/"}}, "status_callback.url"),
    ("a callback's method", {"status_callback": {"url": "https://example.com/", "method": "PUT"}}, "status_callback.method"),
    ("a callback's event", {"status_callback": {"url": "https://example.com/", "events": ["ringing"]}}, "status_callback.events"),
    ("a callback's field", {"status_callback": {"url": "https://example.com/", "when": "now"}}, "status_callback.when"),
    ("record as text", {"record": "dual"}, "record"),
    ("a track", {"recording_track": "left"}, "recording_track"),
    ("a channel", {"recording_channel": "stereo"}, "recording_channel"),
    ("a recording callback inside", {"recording_status_callback": "https://10.0.0.1/"}, "recording_status_callback"),
    ("its method", {"recording_status_callback_method": "PUT"}, "recording_status_callback_method"),
    ("its event", {"recording_status_callback_event": "absent"}, "recording_status_callback_event"),
    ("one of its events", {"recording_status_callback_event": "completed absent"}, "recording_status_callback_event"),
    ("no event", {"recording_status_callback_event": ""}, "recording_status_callback_event"),
    ("detection", {"machine_detection": "on"}, "machine_detection"),
    *(
        (f"{name} {value}", {name: value}, name)
        for name, values in {
            "machine_detection_timeout": (2, 60, 3.5),
            "machine_detection_human_residence_speech_threshold": (999, 6001),
            "machine_detection_human_business_speech_threshold": (999, 6001),
            "machine_detection_speech_end_threshold": (499, 5001),
            "machine_detection_silence_timeout": (1999, 10001),
        }.items()
        for value in values
    ),
    ("a route profile", {"route_profile_guid": "x"}, "route_profile_guid"),
    ("a carrier", {"byoc": "x"}, "byoc"),
    ("both ways", {"route_profile_guid": GUID, "byoc": GUID}, "byoc"),
    ("an unknown field", {"sequential": True}, "sequential"),
]


@pytest.mark.parametrize(("change", "field"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_does_not_fit_is_refused_and_named(live_api: Api, change: dict[str, Any], field: str) -> None:
    body = {name: value for name, value in {**LEAST, "voxxml": HELLO, **change}.items() if value is not None}
    status, message = refused(live_api, body)
    assert (status, re.split(r"[:\[]", message)[0]) == (422, field), message
    assert roots(live_api) == []


@pytest.mark.parametrize(
    "change", [{"timeout": 0}, {"timeout": 600, "voice_trunk_group_id": 1}, {"byoc": GUID}, {"tag": "x" * 256, "bulk_tag": ""}]
)
def test_the_ends_of_ranges_are_taken(live_api: Api, change: dict[str, Any]) -> None:
    queued(live_api, voxxml=HELLO, **change)


def test_where_a_document_is_wrong(live_api: Api) -> None:
    _, message = refused(live_api, {**LEAST, "voxxml": "<Response>\n  <Dail>+13005550100</Dail></Response>"})
    assert message.startswith("voxxml: line 2, column 3: ")


def test_how_it_says_no(switchboard: Server, live_api: Api) -> None:
    good = {**LEAST, "voxxml": HELLO}
    viewer = live_api.post("/v1/keys", {"name": "looks", "role": "viewer"})["key"]
    assert refused(Api(live_api.port, None), good)[0] == 401
    assert refused(Api(live_api.port, "nobody's"), good)[0] == 401
    assert refused(Api(live_api.port, viewer), good)[0] == 403
    assert refused(Api(live_api.port, ADMIN_KEY), good)[0] == 403
    assert refused(live_api, b"{")[0] == 400
    assert refused(live_api, b"[]")[0] == 422
    assert refused(live_api, b" " * (4 * 1024 * 1024 + 1))[0] == 413
    assert refused(live_api, b"to=1", {"Content-Type": "application/x-www-form-urlencoded"})[0] == 415
    for method, path, status in (
        ("GET", "/voxtelesys/api/v0/nothing", 404),
        ("GET", "/voxtelesys", 404),
        ("POST", "/voxtelesys/api/v1/calls", 404),
        ("DELETE", CALLS, 405),
        ("GET", f"{CALLS}/{GUID}", 404),
    ):
        found, _, answer = live_api.raw(method, path)
        assert (found, set(json.loads(answer))) == (status, {"status", "error_id", "message"}), path
    assert roots(live_api) == []


def test_what_was_refused_is_found_in_the_log_by_its_id(switchboard: Server, live_api: Api) -> None:
    secret = "tag-that-nobody-logs"
    _, _, answer = live_api.raw("POST", CALLS, json.dumps({**LEAST, "tag": secret}).encode())
    line = until(lambda: [one for one in switchboard.log.read_text().splitlines() if json.loads(answer)["error_id"] in one])[0]
    assert "status=422" in line
    assert secret not in switchboard.log.read_text()


def test_without_a_switch_the_vendors_form_says_so_too(api: Api) -> None:
    assert refused(api, {**LEAST, "voxxml": HELLO}) == (
        409,
        "no switch is configured: start with --switch embedded or --switch simulated",
    )


def test_the_list_of_calls_live_and_over(live_api: Api, application: Application) -> None:
    application.documents = {"/voice": "<Reject/>"}
    for _ in range(2):
        queued(live_api, voxxml=HELLO)
    number = has_number(live_api, application.url("/voice"))
    over(live_api, live_api.post("/v1/simulated-calls", {"from": CALLER, "to": number, "script": "ring 5s"})["id"])
    live_api.post(CALLS, {**LEAST, "voxxml": "<Response><Pause length='60'/></Response>"})
    answer = live_api.get(CALLS)
    assert {name: answer[name] for name in ("page", "page_size", "page_count", "count")} == {
        **{"page": 1, "page_size": 50},
        **{"page_count": 1, "count": 4},
    }
    newest, rejected, *_ = answer["results"]
    assert set(newest) == {"id", "to", "from", "status", "created_time", "modified_time"}
    assert newest["status"] not in FINAL
    assert (rejected["from"], rejected["to"], rejected["status"]) == (CALLER, number, "no-answer")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", newest["created_time"])
    pages = [live_api.get(f"{CALLS}?page={page}&page_size=3") for page in (1, 2)]
    assert [one["id"] for page in pages for one in page["results"]] == [one["id"] for one in answer["results"]]
    assert [page["page_count"] for page in pages] == [2, 2]
    live = roots(live_api)[0]["id"]
    live_api.call("POST", f"/v1/calls/{live}/hang-up")
    over(live_api, live)
