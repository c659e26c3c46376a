"""What the three dialects send, read by parsers that were written from the vendors' tables: the values come back."""

from datetime import UTC, datetime
from typing import Any

import pytest
from factory_forms import T0, call, ended, event, offer, place, rendered
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringback.calls.model import Attribution, Context, Geo, Prompts, Recording, Survey, WebSession
from ringback.dialects import fonedynamics, voc, voxtelesys
from ringback.dialects.contract import HttpRequest
from ringback.receive.forms import parse_fonedynamics, parse_voc, parse_voxtelesys

NOWHERE = Geo(country="", region="", city="")
TEXT = st.text(max_size=20)
FILLED = st.text(min_size=1, max_size=20)
SECONDS = st.integers(0, 86_400)
CALLERS = st.sampled_from(["+61288880000", "anonymous", "+1 402 555 0100", "sip:bob@example.com"])
MOMENTS = st.integers(T0 - 10**11, T0 + 10**11)
URLS = st.sampled_from(["https://h.example.com/x", "https://h.example.com/x?k=1&event=own&Event=own", "https://h.example.com/?#f"])


def query_of(request: HttpRequest) -> str:
    return request.url.partition("?")[2]


def second(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)


@given(CALLERS, FILLED, st.none() | TEXT, SECONDS, SECONDS, MOMENTS, URLS, st.booleans())
def test_voc_inbound(
    caller: str, call_id: str, crm_id: str | None, whole: int, talk: int, at_ms: int, url: str, omit_null: bool
) -> None:
    root = ended("completed", id=call_id, from_=caller, to="+611800111222", context=Context(crm_id=crm_id))
    root = structs.replace(root, duration_s=whole, answered_duration_s=talk, offers=[offer("280085", "completed", 1, answered_s=2)])
    told = structs.replace(event("call.completed", root), at_ms=at_ms)
    parsed = parse_voc(query_of(rendered(voc.DIALECT, told, url=url, omit_null=omit_null)))
    wanted: dict[str, Any] = {
        "event": "inboundCallEnd",
        "date": second(at_ms),
        "inboundNumber": "611800111222",
        "callerid": {"anonymous": "Anonymous", "sip:bob@example.com": caller, "+1 402 555 0100": "14025550100"}.get(
            caller, "61288880000"
        ),
        "callid": call_id,
        "extension": "280085",
        "duration": whole,
        "answeredDuration": talk,
        "crm_id": crm_id or None,
    }
    assert {name: parsed[name] for name in wanted} == wanted


@pytest.mark.parametrize("name", voc.DIALECT.events)
@pytest.mark.parametrize("omit_null", [False, True])
def test_voc_samples_are_read(name: str, omit_null: bool) -> None:
    request = rendered(voc.DIALECT, voc.DIALECT.samples()[name], omit_null=omit_null)
    parsed = parse_voc(query_of(request))
    assert parsed["event"] == name
    assert tuple(parsed) == voc.PARAMETERS[name]


@given(
    known=st.builds(
        Context,
        attribution=st.none() | st.builds(Attribution, source=TEXT, medium=TEXT, campaign=TEXT, content=TEXT),
        survey=st.none() | st.builds(Survey, type=FILLED, value=st.integers(), custom2=FILLED),
        session=st.none()
        | st.builds(
            WebSession,
            traffic_type=st.sampled_from(["Campaign", "Direct", "Organic", "Referral"]),
            keywords=FILLED,
            landing_uri=TEXT,
            custom_dimensions=st.lists(TEXT, max_size=22),
        ),
        prompts=st.none() | st.builds(Prompts, keys=st.lists(st.from_regex("[0-9*#]{1,4}", fullmatch=True), max_size=3)),
        recording=st.none() | st.builds(Recording, url=FILLED),
        from_geo=st.just(NOWHERE),
    ),
    call_id=FILLED,
    whole=SECONDS,
    url=URLS,
    method=st.sampled_from(["GET", "POST"]),
)
def test_fonedynamics_complete(known: Context, call_id: str, whole: int, url: str, method: str) -> None:
    root = structs.replace(ended("no-answer", id=call_id, context=known), duration_s=whole)
    request = rendered(fonedynamics.DIALECT, event("call.no-answer", root), url=url, method=method)
    parsed = parse_fonedynamics(request.body if method == "POST" else query_of(request))
    attribution, survey, session = known.attribution or Attribution(), known.survey or Survey(), known.session or WebSession()
    assert parsed["Call.Duration"] == whole
    assert parsed["Call.Disposition"] == "NO ANSWER"
    assert parsed["Call.StartDate"] == second(T0)
    assert parsed["Attribution.Content"] == (attribution.content or "")
    assert (parsed.get("Call.Survey.Type"), parsed.get("Call.Survey.Value")) == (survey.type, survey.value)
    assert parsed.get("Call.Recording.Uri") == (known.recording.url if known.recording else None)
    assert parsed.get("Call.Prompts.Keys", []) == (known.prompts.keys if known.prompts else [])
    assert parsed.get("Session.Traffic.Type") == session.traffic_type
    assert parsed.get("Session.LandingUri") == session.landing_uri
    dimensions = {n: text for n, text in enumerate(session.custom_dimensions[:20], 1) if text}
    sent = {name for name in parsed if name.startswith("AnalyticsSession.")}
    assert {f"AnalyticsSession.CustomDimension{n}": text for n, text in dimensions.items()} == {name: parsed[name] for name in sent}


@pytest.mark.parametrize("pool", ["static", "dynamic"])
def test_fonedynamics_samples_are_read(pool: str) -> None:
    for name, sample in fonedynamics.DIALECT.samples().items():
        assert parse_fonedynamics(rendered(fonedynamics.DIALECT, sample, place(pool=pool)).body)["Event"] == name


@given(FILLED, TEXT, st.dictionaries(st.from_regex("[a-z]{1,4}", fullmatch=True), TEXT, max_size=3), SECONDS, MOMENTS)
def test_voxtelesys_status(call_id: str, name: str, variables: dict[str, str], talk: int, at_ms: int) -> None:
    known = Context(caller_name=name, vars=variables, from_geo=NOWHERE, to_geo=NOWHERE)
    leg = ended("completed", id=call_id, direction="outbound", from_="+17015550123", to="+14025550100", context=known)
    leg = structs.replace(leg, answered_duration_s=talk, sip_status=200)
    told = structs.replace(event("call.completed", leg), at_ms=at_ms)
    parsed = parse_voxtelesys(rendered(voxtelesys.DIALECT, told).body)
    assert (parsed["From"], parsed["To"], parsed["CallStatus"]) == ("+17015550123", "+14025550100", "completed")
    assert (parsed["CallDuration"], parsed["SipResponseCode"], parsed["CallerName"]) == (talk, 200, name)
    assert parsed["Timestamp"] == second(at_ms)
    assert parsed.get("Vars", {}) == variables


@given(URLS, st.none() | SECONDS, st.none() | st.integers(1, 2))
def test_voxtelesys_recording(url: str, duration_s: int | None, channels: int | None) -> None:
    data = {"status": "completed", "url": url, "duration_s": duration_s, "channels": channels}
    leg = call(status="ongoing", context=Context(from_geo=NOWHERE, to_geo=NOWHERE))
    request = rendered(voxtelesys.DIALECT, event("call.recording", leg, data=data), method="GET")
    parsed = parse_voxtelesys(query_of(request))
    assert parsed["RecordingUrl"] == url
    assert (parsed.get("RecordingDuration"), parsed.get("RecordingChannels")) == (duration_s, channels)
