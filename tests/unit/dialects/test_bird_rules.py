"""What Bird is told, by which name, and the rules for its endpoints."""

import json
from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs

from ringback.calls.directory import Place, default_number
from ringback.calls.model import STATUSES, Call, Event, Offer
from ringback.dialects.bird import DIALECT, STATUSES_OF, distinct_filters
from ringback.dialects.contract import Dialect
from ringback.errors import InvalidInput
from ringback.webhooks.model import Delivery, Endpoint, Filter, RetryPolicy, Secret

ACCOUNT = "0a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
CHANNEL = "b827924e-9789-4c2f-a4d5-b352175354f6"
PLACE = Place(organization_id=ACCOUNT, account=ACCOUNT, number=default_number(ACCOUNT, "+31201234567"))
CALL = Call(account=ACCOUNT, id="c-1", root="c-1", from_="+31612345678", to="+31201234567", status="ringing", first_at_ms=1)
EVENT = Event(id=1, type="call.ringing", at_ms=1, seq=1, call=CALL, root=CALL, status_changed=True)
ENDPOINT = Endpoint(id=1, account=ACCOUNT, url="https://example.com/hooks", dialect="bird")
SEVEN = {"starting", "ringing", "ongoing", "completed", "no-answer", "busy", "failed"}
NO_ANSWER = Filter("status", "no-answer")


def told(status: str, **changes: Any) -> Event:
    leg = structs.replace(CALL, status=status, **changes)
    return structs.replace(EVENT, type=f"call.{status}", call=leg, root=leg if leg.parent is None else CALL)


def check(endpoint: Endpoint, *, http: bool = False, network: bool = False) -> None:
    DIALECT.check_endpoint(endpoint, allow_http=http, allow_network=network)


def test_it_is_a_dialect() -> None:
    dialect: Dialect = DIALECT
    assert (dialect.name, dialect.events) == ("bird", ("voice.inbound", "voice.outbound"))
    assert (dialect.methods, dialect.default_order, dialect.timeout_s) == (("POST",), "call", 10)
    assert dialect.filter_keys == {"status", "channelId"}


def test_inbound_has_seven_statuses_and_outbound_nine() -> None:
    assert set(STATUSES_OF["voice.inbound"]) == SEVEN
    assert set(STATUSES_OF["voice.outbound"]) == SEVEN | {"accepted", "cancelled"}


@pytest.mark.parametrize("status", STATUSES)
def test_the_event_is_the_direction(status: str) -> None:
    assert DIALECT.event_name(told(status, direction="outbound"), PLACE) == "voice.outbound"
    assert DIALECT.event_name(told(status), PLACE) == (None if status == "accepted" else "voice.inbound")


@pytest.mark.parametrize(
    ("to", "name"),
    [("+31687654321", "voice.outbound"), ("280085", None), ("alice", None), ("sip:bob@example.com", None), ("", None)],
)
def test_a_child_leg_is_told_if_it_goes_to_a_phone_number(to: str, name: str | None) -> None:
    assert DIALECT.event_name(told("ringing", id="c-2", parent="c-1", direction="outbound", to=to), PLACE) == name


def test_a_root_is_told_wherever_it_goes() -> None:
    assert DIALECT.event_name(told("ringing", direction="outbound", to="280085"), PLACE) == "voice.outbound"


@pytest.mark.parametrize(
    "event",
    [
        structs.replace(EVENT, status_changed=False, late=True),
        structs.replace(EVENT, status_changed=False, offer=Offer(to="280085")),
        *(
            structs.replace(EVENT, type=f"call.{fact}", status_changed=False)
            for fact in ("ivr-option", "prompt", "recording", "transcription", "facts", "corrected")
        ),
    ],
    ids=lambda event: f"{event.type} {'offer' if event.offer else ''}",
)
def test_only_a_status_that_the_leg_took_is_told(event: Event) -> None:
    assert DIALECT.event_name(event, PLACE) is None


def test_filters_compare_with_what_is_sent() -> None:
    assert DIALECT.filter_value("status", told("cancelled"), PLACE) == "no-answer"
    assert DIALECT.filter_value("status", told("cancelled", direction="outbound"), PLACE) == "cancelled"
    assert DIALECT.filter_value("status", told("busy"), PLACE) == "busy"
    assert DIALECT.filter_value("channelId", EVENT, PLACE) == PLACE.number.channel_id
    assert DIALECT.filter_value("shoe", EVENT, PLACE) is None


def test_the_same_filter_twice_counts_once() -> None:
    assert distinct_filters([NO_ANSWER, Filter("channelId", CHANNEL), NO_ANSWER]) == (NO_ANSWER, Filter("channelId", CHANNEL))
    check(structs.replace(ENDPOINT, filters=(NO_ANSWER, NO_ANSWER)))


def test_36_attempts_in_eight_hours_at_gaps_that_grow() -> None:
    gaps = DIALECT.retry.delays_s
    assert (len(gaps) + 1, sum(gaps), gaps[0], gaps[-1]) == (36, 8 * 3600, 10, 4789)
    assert all(left < right for left, right in pairwise(gaps))
    assert DIALECT.retry == RetryPolicy(delays_s=gaps, jitter=0, retry_after=False, gone_disables=False)


@pytest.mark.parametrize(("status", "counts"), [(200, True), (202, True), (299, True), (302, False), (304, False), (410, False)])
def test_any_2xx_is_success(status: int, counts: bool) -> None:
    assert DIALECT.succeeded(status) is counts


def test_nothing_is_made_and_nothing_waits() -> None:
    assert DIALECT.new_secret(bytes(32)) is None
    assert DIALECT.hold_until_ms(EVENT, ENDPOINT) is None
    assert DIALECT.complete(EVENT)


PUBLIC = ["https://example.com", "https://example.com/", "https://a-b.example.com/?x=1", "https://EXAMPLE.COM/a/b?c=d#e"]
PRIVATE = ["https://127.0.0.1/", "https://localhost", "https://[::1]:8443/a", "https://a.com:8443/x", "https://receiver/"]
NEVER = [
    "https://example.com?x=1",
    "https://user:pass@example.com/",
    "https://example.com/a b",
    "https://example.com/\n",
    "https://example.com\n",
    "https:///x",
    "https://",
    "ftp://example.com/",
    "https://exa_mple.com/",
    "https://éxample.com/",
    "xhttps://example.com/",
    "",
]


def takes(url: str, *, http: bool, network: bool) -> bool:
    try:
        check(structs.replace(ENDPOINT, url=url), http=http, network=network)
    except InvalidInput as refused:
        return refused.field != "url"
    return True


@pytest.mark.parametrize("url", PUBLIC)
def test_the_vendors_pattern_takes_it(url: str) -> None:
    plain = url.replace("https://", "http://")
    assert takes(url, http=False, network=False)
    assert [takes(plain, http=http, network=network) for http in (False, True) for network in (False, True)] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("url", PRIVATE)
def test_allow_network_lifts_the_name_and_the_port_only(url: str) -> None:
    assert not takes(url, http=False, network=False)
    assert not takes(url, http=True, network=False)
    assert takes(url, http=False, network=True)
    plain = url.replace("https://", "http://")
    assert not takes(plain, http=False, network=True)
    assert takes(plain, http=True, network=True)


@pytest.mark.parametrize("url", NEVER)
def test_no_switch_lifts_the_rest(url: str) -> None:
    assert not any(takes(url, http=http, network=network) for http in (False, True) for network in (False, True))


GOOD: list[dict[str, Any]] = [
    {"filters": (Filter("channelId", CHANNEL), Filter("status", "completed"), Filter("status", "starting"))},
    {"filters": (Filter("status", "accepted"),), "events": frozenset({"voice.outbound"})},
    {"filters": (Filter("status", "cancelled"),)},
    {"filters": (NO_ANSWER,), "events": frozenset({"voice.inbound"})},
    {"secrets": (Secret(value="mysecretkey"),)},
    {"secrets": (Secret(value="ü"),)},
]
BAD: list[tuple[str, dict[str, Any]]] = [
    ("method", {"method": "GET"}),
    ("events", {"events": frozenset({"voice..inbound"})}),
    ("events", {"events": frozenset({"call.ringing"})}),
    ("filters[0].value", {"filters": (Filter("status", "started"),)}),
    ("filters[0].value", {"filters": (Filter("status", "delivered"),)}),
    ("filters[0].value", {"filters": (Filter("status", "Completed"),)}),
    ("filters[0].value", {"filters": (Filter("status", ""),)}),
    ("filters[0].value", {"filters": (Filter("status", "accepted"),), "events": frozenset({"voice.inbound"})}),
    ("filters[0].value", {"filters": (Filter("status", "cancelled"),), "events": frozenset({"voice.inbound"})}),
    ("filters[1].key", {"filters": (Filter("channelId", CHANNEL), Filter("channelId", CHANNEL))}),
    ("filters[0].value", {"filters": (Filter("channelId", ""),)}),
    ("filters[0].value", {"filters": (Filter("channelId", "clicked"),)}),
    ("filters[0].key", {"filters": (Filter("messageStatus", "completed"),)}),
    ("filters[0].key", {"filters": (Filter("direction", "inbound"),)}),
    ("secret", {"secrets": (Secret(value=""),)}),
]


@pytest.mark.parametrize("changes", GOOD)
def test_a_good_endpoint_is_taken(changes: dict[str, Any]) -> None:
    check(structs.replace(ENDPOINT, **changes))


@pytest.mark.parametrize(("field", "changes"), BAD)
def test_a_bad_endpoint_is_refused_by_its_field(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(structs.replace(ENDPOINT, **changes))
    assert refused.value.field == field


def test_there_is_a_sample_per_name_and_each_is_sent_under_it() -> None:
    samples = DIALECT.samples()
    assert tuple(samples) == ("voice.inbound", "voice.outbound")
    for name, event in samples.items():
        assert DIALECT.event_name(event, PLACE) == name
        request = DIALECT.render(event, ENDPOINT, Delivery(id=1, endpoint=1, event=1, root=1, name=name), PLACE, event.at_ms)
        assert json.loads(request.body)["event"] == name
