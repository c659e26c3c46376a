"""VOC's ten events byte by byte. Expected URLs are written from the vendor's tables, never by the code under test."""

from typing import Any
from urllib.parse import unquote

import pytest
from factory_forms import T0, call, context, ended, endpoint, event, offer, place, rendered
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringback.calls.model import Context, Event
from ringback.dialects.voc import DIALECT, FACTS
from ringback.errors import InvalidInput
from ringback.webhooks.model import Delivery, Filter, Secret

BASE = "https://crm.example.com/hook"
CALLER, OURS = "+61288880000", "+611800111222"
CRM = context(crm_id="usefulid")


def inbound(status: str = "ongoing", **values: Any) -> Any:
    return call(**{"from_": CALLER, "to": OURS, "status": status, "context": CRM, **values})


def outbound(status: str = "ongoing", **values: Any) -> Any:
    return call(**{"direction": "outbound", "from_": "280085", "to": CALLER, "status": status, "context": CRM, **values})


RING = offer("280085", "ringing", 2)
TOOK = offer("280085", "ongoing", 2, answered_s=11)
DONE = structs.replace(TOOK, status="completed", ended_at_ms=T0 + 88_000)


def inbound_end(**values: Any) -> Any:
    return ended("completed", answered_after_s=11, lasted_s=88, from_=CALLER, to=OURS, offers=[DONE], **{"context": CRM, **values})


def outbound_end(**values: Any) -> Any:
    return ended(
        "completed",
        answered_after_s=11,
        lasted_s=88,
        direction="outbound",
        from_="280085",
        to=CALLER,
        **{"context": CRM, **values},
    )


EVENTS: dict[str, tuple[Event, str]] = {
    "inboundCallStart": (
        event("call.starting", inbound("starting"), after_s=0.999),
        "event=inboundCallStart&date=2026-11-20%2012%3A00%3A00&inboundNumber=611800111222&callerid=61288880000&callid=c-9f31"
        "&crm_id=usefulid",
    ),
    "inboundCallRinging": (
        event("call.ringing", inbound("ringing", offers=[RING]), after_s=2, offer=RING),
        "event=inboundCallRinging&date=2026-11-20%2012%3A00%3A02&inboundNumber=611800111222&callerid=61288880000&callid=c-9f31"
        "&extension=280085&crm_id=usefulid",
    ),
    "inboundCallAnswered": (
        event("call.ongoing", inbound("ongoing", offers=[TOOK]), after_s=11, offer=TOOK),
        "event=inboundCallAnswered&date=2026-11-20%2012%3A00%3A11&inboundNumber=611800111222&callerid=61288880000&callid=c-9f31"
        "&extension=280085&crm_id=usefulid",
    ),
    "inboundCallEnd": (
        event("call.completed", inbound_end(), after_s=88),
        "event=inboundCallEnd&date=2026-11-20%2012%3A01%3A28&inboundNumber=611800111222&callerid=61288880000&callid=c-9f31"
        "&extension=280085&duration=88&answeredDuration=77&crm_id=usefulid",
    ),
    "outboundCallStart": (
        event("call.starting", outbound("starting")),
        "event=outboundCallStart&date=2026-11-20%2012%3A00%3A00&extension=280085&destination=61288880000&callid=c-9f31"
        "&crm_id=usefulid",
    ),
    "outboundCallAnswered": (
        event("call.ongoing", outbound("ongoing"), after_s=11),
        "event=outboundCallAnswered&date=2026-11-20%2012%3A00%3A11&extension=280085&destination=61288880000&callid=c-9f31"
        "&crm_id=usefulid",
    ),
    "outboundCallEnd": (
        event("call.completed", outbound_end(), after_s=88),
        "event=outboundCallEnd&date=2026-11-20%2012%3A01%3A28&extension=280085&destination=61288880000&callid=c-9f31"
        "&duration=88&answeredDuration=77&crm_id=usefulid",
    ),
    "ivrOption": (
        event("call.ivr-option", inbound(), after_s=5, data={"option": "#"}),
        "event=ivrOption&date=2026-11-20%2012%3A00%3A05&inboundNumber=611800111222&callerid=61288880000&callid=c-9f31"
        "&ivrOption=%23&crm_id=usefulid",
    ),
    "callRecordingAvailable": (
        event("call.recording", inbound_end(), after_s=92, data={"status": "completed", "url": "https://r.example.com/1.wav"}),
        "event=callRecordingAvailable&date=2026-11-20%2012%3A01%3A32&callid=c-9f31&crm_id=usefulid",
    ),
    "callTranscriptionAvailable": (
        event("call.transcription", outbound_end(), after_s=125, data={"text": "hello"}),
        "event=callTranscriptionAvailable&date=2026-11-20%2012%3A02%3A05&callid=c-9f31&crm_id=usefulid",
    ),
}


def test_every_event_name_is_tested() -> None:
    assert tuple(EVENTS) == (
        "inboundCallStart",
        "inboundCallRinging",
        "inboundCallAnswered",
        "inboundCallEnd",
        "outboundCallStart",
        "outboundCallAnswered",
        "outboundCallEnd",
        "ivrOption",
        "callRecordingAvailable",
        "callTranscriptionAvailable",
    )
    assert set(DIALECT.events) == set(EVENTS) == set(DIALECT.samples())


@pytest.mark.parametrize("name", EVENTS)
def test_bytes_of_each_event(name: str) -> None:
    told, query = EVENTS[name]
    assert DIALECT.event_name(told, place(OURS)) == name
    request = rendered(DIALECT, told)
    assert request.method == "POST"
    assert request.url == f"{BASE}?{query}"
    assert request.headers == ()
    assert request.body == b""


TEST_VALUES = {
    "inboundCallStart": "inboundNumber=611800111222&callerid=61288880000&callid=testcall&crm_id=usefulid",
    "inboundCallRinging": "inboundNumber=611800111222&callerid=61288880000&callid=testcall&extension=280085&crm_id=usefulid",
    "inboundCallAnswered": "inboundNumber=611800111222&callerid=61288880000&callid=testcall&extension=280085&crm_id=usefulid",
    "inboundCallEnd": "inboundNumber=611800111222&callerid=61288880000&callid=testcall&extension=280085&duration=88"
    "&answeredDuration=77&crm_id=usefulid",
    "outboundCallStart": "extension=280085&destination=61288880000&callid=testcall&crm_id=usefulid",
    "outboundCallAnswered": "extension=280085&destination=61288880000&callid=testcall&crm_id=usefulid",
    "outboundCallEnd": "extension=280085&destination=61288880000&callid=testcall&duration=88&answeredDuration=77&crm_id=usefulid",
    "ivrOption": "inboundNumber=611800111222&callerid=61288880000&callid=testcall&ivrOption=1&crm_id=usefulid",
    "callRecordingAvailable": "callid=testcall&crm_id=usefulid",
    "callTranscriptionAvailable": "callid=testcall&crm_id=usefulid",
}


@pytest.mark.parametrize("name", TEST_VALUES)
def test_samples_are_the_vendors_test_values(name: str) -> None:
    sample = DIALECT.samples()[name]
    assert DIALECT.event_name(sample, place(OURS)) == name
    request = rendered(DIALECT, sample)
    assert request.url == f"{BASE}?event={name}&date=2024-01-01%2019%3A00%3A00&{TEST_VALUES[name]}"
    later = structs.replace(sample, at_ms=T0)
    assert rendered(DIALECT, later).url == f"{BASE}?event={name}&date=2026-11-20%2012%3A00%3A00&{TEST_VALUES[name]}"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (event("call.accepted", outbound("accepted")), "VOC has no word for it"),
        (event("call.ringing", inbound("ringing")), "the root rings, no extension does"),
        (event("call.ongoing", inbound()), "an IVR answered"),
        (event("call.ongoing", inbound(), offer=offer("+61400000001", "ongoing", 2, answered_s=3)), "a number answered"),
        (event("call.ringing", inbound("ringing"), offer=offer("sip:bob@example.com", "ringing", 2)), "a SIP address rings"),
        (event("call.ringing", outbound("ringing")), "the far end rings"),
        (event("call.starting", inbound("starting"), status_changed=False), "it was late"),
        (event("call.completed", inbound_end(), status_changed=False), "it has had its end"),
        (event("call.corrected", inbound_end()), "standard only"),
        (event("call.starting", call(id="leg", parent="c-9f31", root="c-9f31"), root=inbound()), "a child starts"),
        (event("call.completed", call(id="leg", parent="c-9f31", root="c-9f31"), root=inbound()), "a child ends"),
        (event("call.ivr-option", outbound(), data={"option": "1"}), "an outbound call has no IVR of ours"),
        (event("call.ivr-option", inbound(), data={"option": "A"}), "not a key of a phone"),
        (event("call.ivr-option", inbound(), data={"option": ["1"]}), "not a key at all"),
        (event("call.ivr-option", inbound()), "no key"),
        (event("call.prompt", inbound(), data={"keys": "2000"}), "a whole entry"),
        (event("call.recording", inbound(), data={"status": "in-progress"}), "it runs still"),
        (event("call.recording", inbound(), data={"status": "failed"}), "there is none"),
        (event("call.facts", inbound()), "no event of VOC"),
        (event("call.ivr-option", inbound(), data={"option": "1"}, late=True), "the same key, told again"),
        (event("call.starting", outbound("starting", to="*98")), "voicemail"),
        (
            event("call.completed", ended("failed", direction="outbound", from_="280085", to="")),
            "invalid number",
        ),
    ],
)
def test_what_voc_does_not_send(told: Event, why: str) -> None:
    assert DIALECT.event_name(told, place(OURS)) is None, why


def test_a_number_without_webhooks_sends_nothing_inbound() -> None:
    silent = place(OURS, webhooks_enabled=False)
    for name, (told, _query) in EVENTS.items():
        assert DIALECT.event_name(told, silent) == (None if told.root.direction == "inbound" else name)


@pytest.mark.parametrize("status", ["completed", "no-answer", "busy", "failed", "cancelled"])
def test_every_final_is_an_end(status: str) -> None:
    leg = ended(status, lasted_s=9, from_=CALLER, to=OURS)
    request = rendered(DIALECT, event(f"call.{status}", leg, after_s=9))
    assert request.url == (
        f"{BASE}?event=inboundCallEnd&date=2026-11-20%2012%3A00%3A09&inboundNumber=611800111222&callerid=61288880000"
        "&callid=c-9f31&extension=&duration=9&answeredDuration=0&crm_id="
    )


def test_absent_values_are_left_out_where_the_endpoint_says_so() -> None:
    leg = ended("no-answer", lasted_s=9, from_=CALLER, to=OURS)
    request = rendered(DIALECT, event("call.no-answer", leg, after_s=9), omit_null=True)
    assert request.url == (
        f"{BASE}?event=inboundCallEnd&date=2026-11-20%2012%3A00%3A09&inboundNumber=611800111222&callerid=61288880000"
        "&callid=c-9f31&duration=9&answeredDuration=0"
    )


@pytest.mark.parametrize("withheld", ["anonymous", "Anonymous", "ANONYMOUS", "", "restricted"])
def test_a_withheld_caller_is_anonymous(withheld: str) -> None:
    told = event("call.ivr-option", inbound(from_=withheld, context=Context()), data={"option": "*"})
    assert rendered(DIALECT, told).url == (
        f"{BASE}?event=ivrOption&date=2026-11-20%2012%3A00%3A00&inboundNumber=611800111222&callerid=Anonymous&callid=c-9f31"
        "&ivrOption=%2A&crm_id="
    )


@pytest.mark.parametrize(
    ("to", "wanted"),
    [
        ("+61 2 9000 1111", "61290001111"),
        ("sip:+61290001111@trunk.example.com", "61290001111"),
        ("sip:bob@example.com", "sip%3Abob%40example.com"),
        ("0290001111", "0290001111"),
        ("000", "000"),
    ],
)
def test_destinations_of_other_forms(to: str, wanted: str) -> None:
    assert f"&destination={wanted}&" in rendered(DIALECT, event("call.starting", outbound("starting", to=to))).url


def test_extension_to_extension_goes_bare() -> None:
    told = event("call.starting", outbound("starting", to="280090", id="c-9f32", context=context(crm_id="lead-55")))
    assert rendered(DIALECT, told).url == (
        f"{BASE}?event=outboundCallStart&date=2026-11-20%2012%3A00%3A00&extension=280085&destination=280090&callid=c-9f32"
        "&crm_id=lead-55"
    )


@pytest.mark.parametrize(
    ("from_", "named", "wanted"),
    [
        ("280085", None, "280085"),
        ("alice", None, "alice"),
        ("+61290001111", "280085", "280085"),
        ("280085", "280099", "280099"),
        ("+61290001111", None, ""),
    ],
)
def test_who_calls(from_: str, named: str | None, wanted: str) -> None:
    told = event("call.starting", outbound("starting", from_=from_, context=Context(extension=named)))
    assert f"&extension={wanted}&destination=61288880000&" in rendered(DIALECT, told).url


@pytest.mark.parametrize(
    ("why", "values", "wanted"),
    [
        (
            "a ring group: one of three takes it",
            {"offers": [offer("1", "cancelled", 1), TOOK, offer("3", "cancelled", 1)]},
            "280085",
        ),
        ("a blind transfer: who took it last", {"offers": [DONE, offer("280090", "completed", 40, answered_s=45)]}, "280090"),
        ("a transfer that nobody took", {"offers": [DONE, offer("280090", "no-answer", 40)]}, "280085"),
        ("nobody took it", {"offers": [offer("280085", "no-answer", 2)]}, ""),
        ("a mobile took it", {"offers": [offer("+61400000001", "completed", 2, answered_s=5)]}, ""),
        ("no offers, the context names who", {"context": Context(extension="280085")}, "280085"),
        ("and says so", {"context": Context(extension="280085", answered_by="extension")}, "280085"),
        ("voicemail answered", {"context": Context(extension="280085", answered_by="voicemail")}, ""),
        ("it rang there and voicemail took it", {"offers": [RING]}, ""),
        ("a queue answered and an agent took it", {"offers": [DONE], "context": Context(answered_by="queue")}, "280085"),
    ],
)
def test_who_answered_an_inbound_call(why: str, values: dict[str, Any], wanted: str) -> None:
    leg = ended("completed", answered_after_s=1, lasted_s=88, from_=CALLER, to=OURS, **values)
    assert f"&extension={wanted}&duration=88&" in rendered(DIALECT, event("call.completed", leg, after_s=88)).url, why


def test_an_unanswered_call_names_no_extension_though_the_context_does() -> None:
    leg = ended("no-answer", lasted_s=20, from_=CALLER, to=OURS, context=Context(extension="280085"))
    assert "&extension=&duration=20&" in rendered(DIALECT, event("call.no-answer", leg)).url


def test_a_childs_ringing_is_told_under_the_roots_id() -> None:
    root = inbound("ongoing", offers=[RING])
    leg = call(id="leg-b", parent="c-9f31", root="c-9f31", direction="outbound", from_=CALLER, to="280085", status="ringing")
    told = event("call.ringing", leg, root=root, after_s=2, offer=RING)
    assert rendered(DIALECT, told).url == f"{BASE}?{EVENTS['inboundCallRinging'][1]}"


def test_a_second_extension_of_a_ring_group_is_an_event_of_its_own() -> None:
    told = event("call.ringing", inbound("ringing"), status_changed=False, offer=offer("280086", "ringing", 3))
    assert "&callid=c-9f31&extension=280086&" in rendered(DIALECT, told).url


def test_what_the_root_itself_names_is_an_extension_whatever_it_looks_like() -> None:
    told = event("call.ringing", inbound("ringing"), offer=offer("Front desk 2", "ringing", 3, leg=None))
    assert "&callid=c-9f31&extension=Front%20desk%202&" in rendered(DIALECT, told).url


def test_reserved_characters_and_unicode() -> None:
    told = event("call.recording", inbound(id="a/b?c#d&e=f+g", context=context(crm_id="Zoë & 中 ~")), data={"status": "completed"})
    assert rendered(DIALECT, told).url == (
        f"{BASE}?event=callRecordingAvailable&date=2026-11-20%2012%3A00%3A00&callid=a%2Fb%3Fc%23d%26e%3Df%2Bg"
        "&crm_id=Zo%C3%AB%20%26%20%E4%B8%AD%20~"
    )


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("https://crm.example.com/voc?tenant=7", "https://crm.example.com/voc?tenant=7&event="),
        ("https://crm.example.com/voc?k=a%2fb+c", "https://crm.example.com/voc?k=a%2fb+c&event="),
        ("https://crm.example.com/voc#top", "https://crm.example.com/voc?event="),
        ("https://crm.example.com/voc?tenant=7#top", "https://crm.example.com/voc?tenant=7&event="),
    ],
)
def test_the_urls_own_query_stays(url: str, start: str) -> None:
    told = event("call.starting", inbound("starting"))
    request = rendered(DIALECT, told, url=url)
    assert request.url.startswith(start)
    assert "#" not in request.url


def test_a_retry_sends_the_same_bytes() -> None:
    told, _query = EVENTS["inboundCallEnd"]
    where = place(OURS)
    first = Delivery(id=1, endpoint=1, event=7, root=1, name="inboundCallEnd")
    again = structs.replace(first, attempts=2)
    render = DIALECT.render
    assert render(told, endpoint("voc"), first, where, T0) == render(told, endpoint("voc"), again, where, T0 + 9_000)


def test_rules_of_delivery() -> None:
    assert [status for status in range(100, 600) if DIALECT.succeeded(status)] == [200]
    assert DIALECT.retry.delays_s == (0.0, 1.0)
    assert DIALECT.retry.jitter == 0
    assert not DIALECT.retry.retry_after
    assert DIALECT.timeout_s == 5
    assert DIALECT.default_order == "strict"
    assert DIALECT.methods == ("POST",)
    assert DIALECT.new_secret(bytes(32)) is None
    told, _query = EVENTS["inboundCallEnd"]
    assert DIALECT.hold_until_ms(told, endpoint("voc")) is None
    assert DIALECT.complete(told)


def check(allow_http: bool = False, **values: Any) -> None:
    DIALECT.check_endpoint(endpoint("voc", **values), allow_http=allow_http, allow_network=False)


def test_endpoints_that_are_taken() -> None:
    check()
    check(allow_http=True, url="http://127.0.0.1:8080/x")
    check(events=frozenset({"ivrOption"}), filters=(Filter("direction", "inbound"), Filter("number", OURS)))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "http://crm.example.com/"}, "url"),
        ({"url": "ftp://crm.example.com/"}, "url"),
        ({"url": "https:///x"}, "url"),
        ({"method": "GET"}, "method"),
        ({"events": frozenset({"inboundCallStart", "call.ringing"})}, "events"),
        ({"filters": (Filter("number", OURS), Filter("channelId", "x"))}, "filters[1].key"),
        ({"filters": (Filter("status", "answered"),)}, "filters[0].value"),
        ({"secrets": (Secret(value="s"),)}, "secret"),
    ],
)
def test_endpoints_that_are_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(**values)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("inboundCallStart", {"direction": "inbound", "number": OURS, "extension": None, "status": "starting"}),
        ("inboundCallRinging", {"direction": "inbound", "number": OURS, "extension": "280085", "status": "ringing"}),
        ("inboundCallEnd", {"direction": "inbound", "number": OURS, "extension": "280085", "status": "completed"}),
        ("outboundCallStart", {"direction": "outbound", "number": OURS, "extension": "280085", "status": "starting"}),
        ("ivrOption", {"direction": "inbound", "number": OURS, "extension": None, "status": "ongoing"}),
    ],
)
def test_filter_values(name: str, wanted: dict[str, str | None]) -> None:
    told, _query = EVENTS[name]
    assert {key: DIALECT.filter_value(key, told, place(OURS)) for key in wanted} == wanted
    assert DIALECT.filter_value("channelId", told, place(OURS)) is None
    assert set(wanted) == DIALECT.filter_keys


@given(
    crm_id=st.none() | st.text(),
    call_id=st.text(min_size=1),
    name=st.sampled_from(sorted(EVENTS)),
    omit_null=st.booleans(),
)
def test_parameters_keep_the_tables_order(crm_id: str | None, call_id: str, name: str, omit_null: bool) -> None:
    told, query = EVENTS[name]
    root = structs.replace(told.root, id=call_id, context=structs.replace(told.root.context, crm_id=crm_id))
    request = rendered(DIALECT, structs.replace(told, call=root, root=root), omit_null=omit_null)
    pairs = [item.split("=") for item in request.url.partition("?")[2].split("&")]
    wanted = [item.partition("=")[0] for item in query.split("&")]
    if omit_null and not crm_id:
        wanted.remove("crm_id")
    assert [pair[0] for pair in pairs] == wanted
    values = {key: unquote(value, errors="strict") for key, value in pairs}
    assert values["callid"] == call_id
    assert values.get("crm_id", "") == (crm_id or "")
    assert request.url.isascii()
    assert not request.headers
    assert not request.body


def test_facts_have_one_topic_each() -> None:
    topics = [fact.topic for fact in FACTS]
    assert len(set(topics)) == len(topics)
