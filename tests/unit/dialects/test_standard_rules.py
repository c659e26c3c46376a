"""What the standard dialect sends, to whom, and when it tries again."""

import base64
from typing import Any

import msgspec
import pytest
from msgspec import structs

from ringback.calls.directory import Place, default_number
from ringback.calls.model import STATUSES, Call, Context, Event, Offer
from ringback.dialects.contract import Dialect
from ringback.dialects.standard import DIALECT, FACTS
from ringback.errors import InvalidInput
from ringback.webhooks.model import Delivery, Endpoint, Filter, RetryPolicy, Secret

ACCOUNT = "0a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
PLACE = Place(organization_id=ACCOUNT, account=ACCOUNT, number=default_number(ACCOUNT, "+611800111222"))
CALL = Call(account=ACCOUNT, id="c-1", root="c-1", from_="+61288880000", to="+611800111222", status="ongoing", first_at_ms=1)
EVENT = Event(id=1, type="call.ongoing", at_ms=1, seq=1, call=CALL, root=CALL, status_changed=True)
ENDPOINT = Endpoint(id=1, account=ACCOUNT, url="https://example.com/hooks", dialect="standard")
NAMES = (
    *("call.accepted", "call.starting", "call.ringing", "call.ongoing"),
    *("call.completed", "call.no-answer", "call.busy", "call.failed", "call.cancelled"),
    *("call.ivr-option", "call.prompt", "call.recording", "call.transcription", "call.facts", "call.corrected"),
    *("endpoint.failing", "endpoint.recovered", "endpoint.disabled"),
)


def check(endpoint: Endpoint, *, allow_http: bool = False) -> None:
    DIALECT.check_endpoint(endpoint, allow_http=allow_http, allow_network=False)


def test_it_is_a_dialect() -> None:
    dialect: Dialect = DIALECT
    assert dialect.name == "standard"
    assert dialect.events == NAMES
    assert (dialect.methods, dialect.default_order, dialect.timeout_s) == (("POST",), "call", 15)
    assert dialect.filter_keys == {"direction", "number", "extension", "status"}


@pytest.mark.parametrize("name", NAMES)
def test_its_names_are_the_types(name: str) -> None:
    assert DIALECT.event_name(structs.replace(EVENT, type=name), PLACE) == name


@pytest.mark.parametrize("status", STATUSES)
def test_a_late_status_is_not_sent(status: str) -> None:
    late = structs.replace(EVENT, type=f"call.{status}", status_changed=False, late=True)
    assert DIALECT.event_name(late, PLACE) is None
    assert DIALECT.event_name(structs.replace(late, late=False), PLACE) is None


def test_an_offer_is_sent_though_the_status_line_had_passed_it() -> None:
    offered = structs.replace(EVENT, type="call.ringing", status_changed=False, offer=Offer(to="280085"))
    assert DIALECT.event_name(offered, PLACE) == "call.ringing"


@pytest.mark.parametrize("name", NAMES[9:])
def test_a_fact_is_always_sent(name: str) -> None:
    assert DIALECT.event_name(structs.replace(EVENT, type=name, status_changed=False), PLACE) == name


def test_a_type_that_it_does_not_know_is_not_sent() -> None:
    assert DIALECT.event_name(structs.replace(EVENT, type="call.teleported"), PLACE) is None


def test_filters_compare_with_the_conversation_and_the_event() -> None:
    leg = structs.replace(CALL, id="c-2", parent="c-1", direction="outbound", to="280085", status="ringing")
    told = structs.replace(EVENT, type="call.ringing", call=leg, offer=Offer(to="280085", leg="c-2"))
    values = {key: DIALECT.filter_value(key, told, PLACE) for key in ("direction", "number", "extension", "status", "shoe")}
    assert values == {"direction": "inbound", "number": "+611800111222", "extension": "280085", "status": "ringing", "shoe": None}


def test_only_an_event_that_reports_a_status_has_one() -> None:
    ended = structs.replace(CALL, status="completed")
    recorded = structs.replace(EVENT, type="call.recording", call=ended, root=ended)
    assert DIALECT.filter_value("status", recorded, PLACE) is None
    assert DIALECT.filter_value("status", structs.replace(recorded, type="call.corrected"), PLACE) == "completed"


def test_the_extension_that_calls_is_one_too() -> None:
    call = structs.replace(CALL, direction="outbound", context=Context(extension="280090"))
    assert DIALECT.filter_value("extension", structs.replace(EVENT, call=call, root=call), PLACE) == "280090"


def test_the_schedule_is_the_specifications_example() -> None:
    assert DIALECT.retry == RetryPolicy(
        delays_s=(5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400), jitter=0.2, retry_after=True, gone_disables=True
    )


@pytest.mark.parametrize(("status", "counts"), [(199, False), (200, True), (204, True), (299, True), (301, False), (410, False)])
def test_any_2xx_is_success(status: int, counts: bool) -> None:
    assert DIALECT.succeeded(status) is counts


def test_nothing_waits() -> None:
    assert DIALECT.hold_until_ms(EVENT, ENDPOINT) is None
    assert DIALECT.complete(EVENT)


def test_a_secret_is_made_from_the_bytes_given() -> None:
    secret = DIALECT.new_secret(bytes(range(32)))
    assert secret == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    check(structs.replace(ENDPOINT, secrets=(Secret(value=secret),)))


GOOD: list[dict[str, Any]] = [
    {},
    {"url": "https://example.com"},
    {"url": "https://example.com:8443/a?b=c"},
    {"url": "https://127.0.0.1/"},
    {"events": frozenset(NAMES)},
    {"filters": (Filter("direction", "inbound"), Filter("status", "completed"), Filter("status", "completed"))},
    {"filters": (Filter("number", "+611800111222"), Filter("extension", "alice"))},
    {"secrets": (Secret(value="whsec_" + base64.b64encode(bytes(24)).decode()),)},
]
BAD: list[tuple[str, dict[str, Any]]] = [
    ("url", {"url": "http://example.com/"}),
    ("url", {"url": "file:///etc/passwd"}),
    ("url", {"url": "example.com"}),
    ("url", {"url": "https://"}),
    ("url", {"url": "https://[::1/"}),
    ("method", {"method": "GET"}),
    ("events", {"events": frozenset({"call.ringing", "voice.inbound"})}),
    ("filters[0].key", {"filters": (Filter("channelId", "x"),)}),
    ("filters[1].value", {"filters": (Filter("status", "busy"), Filter("status", "started"))}),
    ("filters[0].value", {"filters": (Filter("direction", "sideways"),)}),
    ("filters[0].value", {"filters": (Filter("number", ""),)}),
    ("secret", {"secrets": (Secret(value="mysecretkey"),)}),
    ("secret", {"secrets": (Secret(value="whsec_" + base64.b64encode(bytes(24)).decode()), Secret(value="whsec_TWE="))}),
]


@pytest.mark.parametrize("changes", GOOD)
def test_a_good_endpoint_is_taken(changes: dict[str, Any]) -> None:
    check(structs.replace(ENDPOINT, **changes))


@pytest.mark.parametrize(("field", "changes"), BAD)
def test_a_bad_endpoint_is_refused_by_its_field(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(structs.replace(ENDPOINT, **changes))
    assert refused.value.field == field


def test_allow_http_lifts_https_and_no_more() -> None:
    check(structs.replace(ENDPOINT, url="http://127.0.0.1:9000/"), allow_http=True)
    with pytest.raises(InvalidInput):
        check(structs.replace(ENDPOINT, url="ftp://example.com/"), allow_http=True)


def test_there_is_a_sample_per_name_and_each_is_sent_under_it() -> None:
    samples = DIALECT.samples()
    assert tuple(samples) == NAMES
    for name, event in samples.items():
        assert DIALECT.event_name(event, PLACE) == name
        request = DIALECT.render(event, ENDPOINT, Delivery(id=1, endpoint=1, event=1, root=1, name=name), PLACE, event.at_ms)
        assert msgspec.json.decode(request.body)["type"] == name


def test_each_fact_is_stated_once() -> None:
    assert len({fact.topic for fact in FACTS}) == len(FACTS)
    assert {fact.mark for fact in FACTS} <= {"documented", "inferred", "ours"}
