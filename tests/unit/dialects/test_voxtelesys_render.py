"""Voxtelesys' status and recording webhooks byte by byte. Expected bytes are written from the vendor's tables, and from Twilio's
names where it is silent, never by the code under test."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from factory_forms import ACCOUNT, T0, call, ended, endpoint, event, place, rendered
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringback.calls.model import Call, Context, Event, Geo, Recording
from ringback.dialects.voxtelesys import DIALECT, FACTS, PARAMETERS, nest
from ringback.errors import InvalidInput
from ringback.webhooks.model import Delivery, Filter, Secret

OURS, THEIRS = "+17015550123", "+14025550100"
SID = "f5157dfe-0629-e358-6b08-8fbea78ab4bd"
PARENT_SID = "0b7a5a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
ACCOUNT_ID = "190761"
FORM_TYPE = (("Content-Type", "application/x-www-form-urlencoded"),)
NOWHERE = Geo(country="", region="", city="")
"""Given, so that nothing is looked up."""
UNKNOWN = Context(from_geo=NOWHERE, to_geo=NOWHERE)
OMAHA = Geo(country="US", region="NE", city="OMAHA", postal_code="68102")
FARGO = Geo(country="US", region="ND", city="FARGO", postal_code="58102")
URL = "https://r.example.com/a b.wav"


def where() -> Any:
    return place(OURS, account=ACCOUNT_ID)


def outbound(status: str, **values: Any) -> Call:
    wanted: dict[str, Any] = {
        "account": ACCOUNT_ID,
        "id": SID,
        "direction": "outbound",
        "from_": OURS,
        "to": THEIRS,
        "lasted_s": 48,
        "context": UNKNOWN,
    }
    if status == "completed":
        wanted["answered_after_s"] = 6
    return ended(status, **{**wanted, **values})


def told(status: str, **values: Any) -> Event:
    return event(f"call.{status}", outbound(status, **values), after_s=48.9)


def inbound(**values: Any) -> Call:
    wanted = {"account": ACCOUNT_ID, "id": SID, "from_": THEIRS, "to": OURS, "status": "ongoing", "context": UNKNOWN}
    return call(**{**wanted, **values})


def recording(leg: Call, root: Call | None = None, **data: Any) -> Event:
    return event("call.recording", leg, root=root, after_s=60, data={"status": "completed", **data})


def child(**values: Any) -> Call:
    """A leg that <Dial> made for an inbound call."""
    return outbound("completed", **{"parent": PARENT_SID, "root": PARENT_SID, "from_": THEIRS, "to": "+13005550100", **values})


def fields(what: Event, **values: Any) -> dict[str, str]:
    return dict(parse_qsl(rendered(DIALECT, what, where(), **values).body.decode(), keep_blank_values=True))


BASIC = (
    f"CallSid={SID}&AccountID=190761&TrunkID=90001&From=%2B17015550123&To=%2B14025550100&CallStatus=completed"
    "&ApiVersion=v0&Direction=outbound-api&CallerName="
)
PROGRESS = "&Timestamp=Fri%2C+20+Nov+2026+12%3A00%3A48+%2B0000&SequenceNumber=0&CallbackSource=call-progress-events"
EVERYTHING = Context(
    caller_name="ACME & Söhne",
    amd="human_business",
    trunk_id="90007",
    vars={"captchaAnswer": "7", "_captcha.digits": "7", "_captcha.speech": "", "naïve": "é"},
    from_geo=FARGO,
    to_geo=OMAHA,
    recording=Recording(url=URL, duration_s=42, status="completed"),
)
STATUS_WITH_ALL = (
    f"CallSid={SID}&AccountID=190761&TrunkID=90007&From=%2B17015550123&To=%2B14025550100&CallStatus=completed"
    "&ApiVersion=v0&Direction=outbound-api&CallerName=ACME+%26+S%C3%B6hne"
    "&Vars=%7B%22captchaAnswer%22%3A%227%22%2C%22_captcha%22%3A%7B%22digits%22%3A%227%22%2C%22speech%22%3A%22%22%7D"
    "%2C%22na%C3%AFve%22%3A%22%C3%A9%22%7D&AnsweredBy=human_business"
    "&FromCity=FARGO&FromState=ND&FromZip=58102&FromCountry=US&ToCity=OMAHA&ToState=NE&ToZip=68102&ToCountry=US"
    f"&CallDuration=42&SipResponseCode=200{PROGRESS}"
    "&RecordingSid=11111111-2222-5333-8444-555555555555&RecordingUrl=https%3A%2F%2Fr.example.com%2Fa+b.wav&RecordingDuration=42"
)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (told("completed"), f"{BASIC}&CallDuration=42{PROGRESS}"),
        (told("completed", context=EVERYTHING, sip_status=200), STATUS_WITH_ALL),
    ],
    ids=["least", "all"],
)
def test_bytes_of_a_status_webhook(what: Event, wanted: str) -> None:
    posted = rendered(DIALECT, what, where(), url="https://pbx.example.com/v?t=8c1f#x")
    body = posted.body.decode("ascii")
    sid = dict(parse_qsl(body)).get("RecordingSid")
    if sid:  # Its form is ours, its place in the body is not left to chance.
        body = body.replace(sid, "11111111-2222-5333-8444-555555555555")
    assert body == wanted
    assert (posted.method, posted.url) == ("POST", "https://pbx.example.com/v?t=8c1f")
    assert posted.headers == FORM_TYPE
    got = rendered(DIALECT, what, where(), url="https://pbx.example.com/v?t=8c1f#x", method="GET")
    assert (got.method, got.headers, got.body) == ("GET", (), b"")
    assert got.url == f"https://pbx.example.com/v?t=8c1f&{posted.body.decode('ascii')}"


def test_bytes_of_a_recording_webhook() -> None:
    what = recording(inbound(context=structs.replace(UNKNOWN, caller_name="ACME")), url=URL, duration_s=42, channels=2)
    body = rendered(DIALECT, what, where()).body.decode("ascii")
    sid = dict(parse_qsl(body))["RecordingSid"]
    assert body == (
        f"CallSid={SID}&AccountID=190761&TrunkID=90001&From=%2B14025550100&To=%2B17015550123&CallStatus=in-progress"
        "&ApiVersion=v0&Direction=inbound&CallerName=ACME"
        f"&RecordingSid={sid}&RecordingUrl=https%3A%2F%2Fr.example.com%2Fa+b.wav&RecordingStatus=completed"
        "&RecordingDuration=42&RecordingChannels=2"
    )


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("completed", "completed"),
        ("failed", "failed"),
        ("busy", "busy"),
        ("no-answer", "no-answer"),
        ("cancelled", "no-answer"),
    ],
)
def test_final_states(status: str, name: str) -> None:
    what = told(status)
    assert DIALECT.event_name(what, where()) == name
    assert fields(what)["CallStatus"] == name
    assert fields(what)["CallDuration"] == ("42" if status == "completed" else "0")


@pytest.mark.parametrize("status", ["in-progress", "completed", "failed"])
def test_recording_states(status: str) -> None:
    for leg in (inbound(), outbound("completed")):
        what = recording(leg, status=status)
        assert DIALECT.event_name(what, where()) == f"recording.{status}"
        assert fields(what)["RecordingStatus"] == status


ROOT = inbound(id=PARENT_SID)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (event("call.starting", call(direction="outbound", status="starting")), "only final states are offered"),
        (event("call.ringing", call(direction="outbound", status="ringing")), "only final states are offered"),
        (event("call.ongoing", call(direction="outbound", status="ongoing")), "only final states are offered"),
        (event("call.accepted", call(direction="outbound", status="accepted")), "only final states are offered"),
        (event("call.completed", ended("completed")), "an inbound call has no status webhook"),
        (event("call.completed", child(to="280085"), root=ROOT), "a leg to an extension"),
        (event("call.completed", outbound("completed"), status_changed=False), "it has had its end"),
        (event("call.recording", ROOT, data={"status": "completed"}, late=True), "told before"),
        (event("call.recording", ROOT, data={"status": "paused"}), "not a state of the vendor's"),
        (event("call.recording", ROOT), "no state"),
        (event("call.ivr-option", ROOT, data={"option": "1"}), "a verb's action"),
        (event("call.transcription", ROOT), "no word for it"),
        (event("call.corrected", outbound("completed")), "standard only"),
    ],
)
def test_what_voxtelesys_does_not_send(what: Event, why: str) -> None:
    assert DIALECT.event_name(what, where()) is None, why


def test_a_dialled_leg_names_its_parent() -> None:
    values = fields(event("call.completed", child(), root=ROOT))
    assert values["Direction"] == "outbound-dial"
    assert (values["CallSid"], values["ParentCallSid"]) == (SID, PARENT_SID)
    assert (values["From"], values["To"]) == (THEIRS, "+13005550100")
    assert "ParentCallSid" not in fields(told("completed"))


def test_a_dialled_leg_has_the_conversations_variables() -> None:
    root = inbound(id=PARENT_SID, context=structs.replace(UNKNOWN, vars={"menu.digits": "1"}, caller_name="ACME"))
    values = fields(event("call.completed", child(), root=root))
    assert values["Vars"] == '{"menu":{"digits":"1"}}'
    assert values["CallerName"] == "ACME"


def test_a_recording_of_an_extensions_leg_is_the_conversations() -> None:
    values = fields(recording(child(to="280085"), root=ROOT, url=URL))
    assert values["CallSid"] == PARENT_SID
    assert "ParentCallSid" not in values
    assert fields(recording(child(), root=ROOT, url=URL))["CallSid"] == SID


def test_ids_of_another_form() -> None:
    leg = outbound("completed", account=ACCOUNT, id="c-9f31")
    values = dict(parse_qsl(rendered(DIALECT, event("call.completed", leg), place(OURS)).body.decode()))
    assert values["AccountID"].isdigit()
    assert len(values["AccountID"]) == 6
    assert [len(part) for part in values["CallSid"].split("-")] == [8, 4, 4, 4, 12]
    below = child(account=ACCOUNT, id="leg-b", parent="c-9f31", root="c-9f31")
    found = dict(parse_qsl(rendered(DIALECT, event("call.completed", below, root=leg), place(OURS)).body.decode()))
    assert found["ParentCallSid"] == values["CallSid"]
    again = outbound("completed", account=ACCOUNT, id="c-9f31", generation=2, root_generation=2)
    later = dict(parse_qsl(rendered(DIALECT, event("call.completed", again), place(OURS)).body.decode()))
    assert later["CallSid"] != values["CallSid"]


def test_two_recordings_of_a_leg_have_two_sids_and_one_has_one() -> None:
    first, again, second = (recording(inbound(), url=url) for url in (URL, URL, f"{URL}2"))
    assert fields(first)["RecordingSid"] == fields(again)["RecordingSid"] != fields(second)["RecordingSid"]
    assert "RecordingUrl" not in fields(recording(inbound(), status="in-progress"))


@pytest.mark.parametrize("withheld", ["anonymous", "", "Restricted"])
def test_a_withheld_caller(withheld: str) -> None:
    values = fields(recording(inbound(from_=withheld, context=Context(from_geo=OMAHA, to_geo=FARGO))))
    assert values["From"] == "anonymous"
    assert not {"FromCity", "FromState", "FromZip", "FromCountry"} & values.keys()
    assert values["ToCity"] == "FARGO"


def test_geography_is_told_by_the_number_but_no_postal_code() -> None:
    values = fields(told("completed", context=Context()))
    assert (values["FromCountry"], values["ToCountry"]) == ("US", "US")
    assert "FromZip" not in values


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"name": "Ada"}, {"name": "Ada"}),
        ({"menu.digits": "1", "menu.speech": ""}, {"menu": {"digits": "1", "speech": ""}}),
        ({"menu": "1", "menu.digits": "2"}, {"menu": "1", "menu.digits": "2"}),
        ({"menu.digits": "2", "menu": "1"}, {"menu.digits": "2", "menu": "1"}),
        ({"do.n": "0", "x.y.z": "1"}, {"do": {"n": "0"}, "x": {"y.z": "1"}}),
    ],
)
def test_dotted_variables_are_nested(given: dict[str, str], wanted: dict[str, Any]) -> None:
    assert nest(given) == wanted
    values = fields(told("completed", context=structs.replace(UNKNOWN, vars=given)))
    assert json.loads(values["Vars"]) == wanted


def test_samples_render_under_their_names() -> None:
    samples = DIALECT.samples()
    assert tuple(samples) == DIALECT.events
    for name, sample in samples.items():
        assert DIALECT.event_name(sample, where()) == name
        values = fields(sample)
        assert (values["RecordingStatus"] if name.startswith("recording.") else values["CallStatus"]) == name.removeprefix(
            "recording."
        )


def test_rules_of_delivery() -> None:
    assert DIALECT.events == (
        "completed",
        "failed",
        "busy",
        "no-answer",
        "recording.in-progress",
        "recording.completed",
        "recording.failed",
    )
    assert [status for status in range(100, 600) if DIALECT.succeeded(status)] == list(range(200, 300))
    assert DIALECT.retry.delays_s == (5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560)
    assert DIALECT.default_order == "call"
    assert DIALECT.methods == ("POST", "GET")
    assert DIALECT.new_secret(bytes(32)) is None
    assert DIALECT.hold_until_ms(told("completed"), endpoint("voxtelesys")) is None
    assert DIALECT.complete(told("completed"))


def test_a_retry_sends_the_same_bytes() -> None:
    first = Delivery(id=1, endpoint=1, event=7, root=1, name="completed")
    again = structs.replace(first, attempts=2)
    what, spot, render = told("completed", context=EVERYTHING), where(), DIALECT.render
    assert render(what, endpoint("voxtelesys"), first, spot, T0) == render(what, endpoint("voxtelesys"), again, spot, T0 + 9_000)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "http://pbx.example.com/"}, "url"),
        ({"events": frozenset({"ringing"})}, "events"),
        ({"filters": (Filter("status", "cancelled"),)}, "filters[0].value"),
        ({"secrets": (Secret(value="s"),)}, "secret"),
    ],
)
def test_endpoints_that_are_refused(values: dict[str, Any], field: str) -> None:
    def check(allow_http: bool = False, **values: Any) -> None:
        DIALECT.check_endpoint(endpoint("voxtelesys", **values), allow_http=allow_http, allow_network=False)

    check(filters=(Filter("status", "no-answer"),), events=frozenset({"completed", "recording.failed"}))
    check(allow_http=True, url="http://pbx.example.com/", method="GET")
    with pytest.raises(InvalidInput) as caught:
        check(**values)
    assert caught.value.field == field


def test_filter_values() -> None:
    what = told("cancelled", context=Context(extension="280085"))
    values = {key: DIALECT.filter_value(key, what, where()) for key in DIALECT.filter_keys}
    assert values == {"direction": "outbound", "number": OURS, "extension": "280085", "status": "no-answer"}


@given(
    name=st.text(max_size=20),
    variables=st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=4),
    call_id=st.text(min_size=1, max_size=20),
    method=st.sampled_from(["GET", "POST"]),
)
def test_order_and_values_whatever_the_text(name: str, variables: dict[str, str], call_id: str, method: str) -> None:
    known = structs.replace(UNKNOWN, caller_name=name, vars=variables, trunk_id="9")
    request = rendered(DIALECT, told("busy", context=known, id=call_id), where(), method=method)
    text = request.body.decode("ascii") if method == "POST" else request.url.partition("?")[2]
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    order = {parameter.name: n for n, parameter in enumerate(PARAMETERS)}
    assert [order[key] for key, _ in pairs] == sorted({order[key] for key, _ in pairs})
    values = dict(pairs)
    assert values["CallerName"] == name
    assert json.loads(values.get("Vars", "{}")) == nest(variables)
    assert request.headers == (FORM_TYPE if method == "POST" else ())


def test_facts_have_one_topic_each() -> None:
    topics = [fact.topic for fact in FACTS]
    assert len(set(topics)) == len(topics)
