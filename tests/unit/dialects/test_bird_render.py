"""Bird's requests: bytes written by hand from the vendor's tables, and what must hold for any call."""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringback.calls.directory import Number, Place, Property
from ringback.calls.model import Call, Context, Event, Geo, Status
from ringback.dialects.bird import DIALECT
from ringback.receive.verify import verify_bird
from ringback.webhooks.model import Delivery, Endpoint, Secret

ACCOUNT = "0a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
CHANNEL = "b827924e-9789-4c2f-a4d5-b352175354f6"
URL = "https://example.com/hooks/bird?tenant=7"
NEW_YEAR = 1_735_689_600_000
"""2025-01-01T00:00:00Z"""
NUMBER = Number(
    number="+31201234567", name="31201234567", property=Property(id=ACCOUNT, name="default"), channel_id=CHANNEL, trunk_id="90001"
)
PLACE = Place(organization_id=ACCOUNT, account=ACCOUNT, number=NUMBER)
ENDPOINT = Endpoint(id=5, account=ACCOUNT, url=URL, dialect="bird", secrets=(Secret(value="mysecretkey"),))
DELIVERY = Delivery(id=7, endpoint=5, event=1, root=1, name="voice.inbound")

INBOUND = Call(
    account=ACCOUNT,
    id="5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11",
    root="5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11",
    direction="inbound",
    from_="+31612345678",
    to="+31201234567",
    first_at_ms=NEW_YEAR,
    starting_at_ms=NEW_YEAR,
    context=Context(from_geo=Geo(country="NL"), to_geo=Geo(country="NL", city="Amsterdam")),
)
HEAD = (
    b'{"service":"channels","event":"voice.inbound","payload":{'
    b'"id":"5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11","channelId":"b827924e-9789-4c2f-a4d5-b352175354f6",'
    b'"from":"+31612345678","to":"+31201234567",'
    b'"originator":{"number":{"type":"pstn","number":"+31612345678","anonymous":false,"countryIsoCode":"NL"}},'
    b'"receiver":{"number":{"type":"pstn","number":"+31201234567","anonymous":false,"countryIsoCode":"NL"}},'
    b'"direction":"incoming",'
)


def event_of(call: Call, status: Status, after_ms: int, **changes: Any) -> Event:
    at_ms = NEW_YEAR + after_ms
    leg = structs.replace(call, status=status, updated_at_ms=at_ms, **changes)
    return Event(id=1, type=f"call.{status}", at_ms=at_ms, seq=1, call=leg, root=leg, status_changed=True)


def body_of(event: Event) -> bytes:
    return DIALECT.render(event, ENDPOINT, DELIVERY, PLACE, NEW_YEAR).body


def payload_of(event: Event) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(body_of(event))["payload"]
    return payload


def test_the_vendors_end_of_a_call() -> None:
    ended = event_of(
        INBOUND,
        "completed",
        48_510,
        ringing_at_ms=NEW_YEAR + 1_120,
        answered_at_ms=NEW_YEAR + 6_500,
        ended_at_ms=NEW_YEAR + 48_500,
        duration_s=48,
        answered_duration_s=42,
        cause=16,
        sip_status=200,
    )
    assert body_of(ended) == HEAD + (
        b'"status":"completed","type":"pstn","duration":42,"hangupCauseCode":16,"hangupSipCode":"200",'
        b'"createdAt":"2025-01-01T00:00:00.000Z","ringingAt":"2025-01-01T00:00:01.120Z","answeredAt":"2025-01-01T00:00:06.500Z",'
        b'"endedAt":"2025-01-01T00:00:48.500Z","updatedAt":"2025-01-01T00:00:48.510Z"}}'
    )


def test_what_is_present_grows_with_the_call() -> None:
    ringing, answered = NEW_YEAR + 1_120, NEW_YEAR + 6_500
    assert body_of(event_of(INBOUND, "starting", 0)) == HEAD + (
        b'"status":"starting","type":"pstn","createdAt":"2025-01-01T00:00:00.000Z","updatedAt":"2025-01-01T00:00:00.000Z"}}'
    )
    assert body_of(event_of(INBOUND, "ringing", 1_120, ringing_at_ms=ringing)) == HEAD + (
        b'"status":"ringing","type":"pstn","createdAt":"2025-01-01T00:00:00.000Z",'
        b'"ringingAt":"2025-01-01T00:00:01.120Z","updatedAt":"2025-01-01T00:00:01.120Z"}}'
    )
    assert body_of(event_of(INBOUND, "ongoing", 6_500, ringing_at_ms=ringing, answered_at_ms=answered)) == HEAD + (
        b'"status":"ongoing","type":"pstn","duration":0,"createdAt":"2025-01-01T00:00:00.000Z",'
        b'"ringingAt":"2025-01-01T00:00:01.120Z","answeredAt":"2025-01-01T00:00:06.500Z","updatedAt":"2025-01-01T00:00:06.500Z"}}'
    )


def test_a_failure_has_its_reason_and_no_answer_means_zero_seconds() -> None:
    failed = event_of(
        INBOUND, "failed", 900, ended_at_ms=NEW_YEAR + 900, cause=3, sip_status=404, ended_by="platform", duration_s=0
    )
    assert body_of(failed) == HEAD + (
        b'"status":"failed","reason":"No route to destination","type":"pstn","duration":0,"hangupCauseCode":3,'
        b'"hangupSource":"platform","hangupSipCode":"404",'
        b'"createdAt":"2025-01-01T00:00:00.000Z","endedAt":"2025-01-01T00:00:00.900Z","updatedAt":"2025-01-01T00:00:00.900Z"}}'
    )


@pytest.mark.parametrize(
    ("cause", "sip_status", "reason"),
    [(41, 503, "Temporary failure"), (None, 503, "SIP 503"), (99, 500, "SIP 500"), (None, None, None)],
)
def test_the_reason_is_the_cause_else_the_sip_code_else_absent(
    cause: int | None, sip_status: int | None, reason: str | None
) -> None:
    failed = event_of(INBOUND, "failed", 900, ended_at_ms=NEW_YEAR + 900, cause=cause, sip_status=sip_status)
    assert payload_of(failed).get("reason") == reason


def test_only_failures_have_a_reason() -> None:
    busy = event_of(INBOUND, "busy", 900, ended_at_ms=NEW_YEAR + 900, cause=17, sip_status=486, ended_by="callee")
    payload = payload_of(busy)
    assert "reason" not in payload
    assert (payload["hangupSource"], payload["hangupSipCode"], payload["hangupCauseCode"]) == ("receiver", "486", 17)


@pytest.mark.parametrize(
    ("ended_by", "source"),
    [("caller", "originator"), ("callee", "receiver"), ("switch", "platform"), ("someone", None), (None, None)],
)
def test_who_hung_up(ended_by: str | None, source: str | None) -> None:
    ended = event_of(INBOUND, "completed", 900, ended_at_ms=NEW_YEAR + 900, ended_by=ended_by)
    assert payload_of(ended).get("hangupSource") == source


def test_an_inbound_caller_who_gave_up_is_no_answer() -> None:
    gone = event_of(INBOUND, "cancelled", 900, ended_at_ms=NEW_YEAR + 900)
    assert payload_of(gone)["status"] == "no-answer"
    outbound = structs.replace(INBOUND, direction="outbound")
    assert payload_of(event_of(outbound, "cancelled", 900, ended_at_ms=NEW_YEAR + 900))["status"] == "cancelled"


def test_outbound_is_outgoing() -> None:
    accepted = event_of(structs.replace(INBOUND, direction="outbound"), "accepted", 0)
    sent = json.loads(body_of(accepted))
    assert (sent["event"], sent["payload"]["direction"], sent["payload"]["status"]) == ("voice.outbound", "outgoing", "accepted")


def test_a_leg_to_a_phone_number_names_its_parent() -> None:
    leg = structs.replace(
        INBOUND,
        id="c-2",
        parent=INBOUND.id,
        direction="outbound",
        from_="+31201234567",
        to="+31687654321",
        context=Context(caller_name="Desk"),
    )
    event = structs.replace(event_of(leg, "starting", 0), root=structs.replace(INBOUND, status="ongoing"))
    assert body_of(event) == (
        b'{"service":"channels","event":"voice.outbound","payload":{'
        b'"id":"f65a1eda-b482-5cab-b8a7-4cd94572f909","channelId":"b827924e-9789-4c2f-a4d5-b352175354f6",'
        b'"from":"+31201234567","to":"+31687654321",'
        b'"originator":{"number":{"type":"pstn","number":"+31201234567","anonymous":false,"callerIdName":"Desk","countryIsoCode":"NL"}},'
        b'"receiver":{"number":{"type":"pstn","number":"+31687654321","anonymous":false,"countryIsoCode":"NL"}},'
        b'"parentId":"5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11","direction":"outgoing",'
        b'"status":"starting","type":"pstn","createdAt":"2025-01-01T00:00:00.000Z","updatedAt":"2025-01-01T00:00:00.000Z"}}'
    )


def test_parent_id_is_the_id_that_the_parents_own_events_carry() -> None:
    root = structs.replace(INBOUND, id="c-1", root="c-1", generation=3)
    leg = structs.replace(root, id="c-2", parent="c-1", root_generation=3, generation=1, to="+31687654321", direction="outbound")
    told = structs.replace(event_of(leg, "starting", 0), root=root)
    assert payload_of(told)["parentId"] == payload_of(event_of(root, "starting", 0))["id"]
    assert payload_of(told)["parentId"] != payload_of(event_of(structs.replace(root, generation=1), "starting", 0))["id"]


def test_a_withheld_caller_is_anonymous() -> None:
    payload = payload_of(event_of(structs.replace(INBOUND, from_="anonymous"), "starting", 0))
    assert "from" not in payload
    assert payload["originator"] == {"number": {"anonymous": True, "countryIsoCode": "NL"}}


@pytest.mark.parametrize("address", ["alice", "7000", "sip:alice@example.com"])
def test_what_is_no_phone_number_stays_as_it_is(address: str) -> None:
    payload = payload_of(event_of(structs.replace(INBOUND, from_=address, context=Context()), "starting", 0))
    assert payload["from"] == address
    assert payload["originator"] == {"number": {"number": address, "anonymous": False}}


def test_the_headers_of_a_signed_request() -> None:
    request = DIALECT.render(event_of(INBOUND, "starting", 0), ENDPOINT, DELIVERY, PLACE, NEW_YEAR + 999)
    message = b"1735689600\nhttps://example.com/hooks/bird?tenant=7\n" + hashlib.sha256(request.body).digest()
    signature = base64.b64encode(hmac.new(b"mysecretkey", message, hashlib.sha256).digest()).decode()
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers == (
        ("content-type", "application/json"),
        ("messagebird-signature", signature),
        ("messagebird-request-timestamp", "1735689600"),
        ("messagebird-request-id", "831a75e3-f69c-50c0-9cdc-3a0d80ca8a14"),
    )


def test_without_a_key_there_is_no_signature() -> None:
    request = DIALECT.render(event_of(INBOUND, "starting", 0), structs.replace(ENDPOINT, secrets=()), DELIVERY, PLACE, NEW_YEAR)
    assert [name for name, _ in request.headers] == ["content-type", "messagebird-request-timestamp", "messagebird-request-id"]


def test_the_newest_key_signs() -> None:
    two = structs.replace(ENDPOINT, secrets=(Secret(value="new"), Secret(value="old", until_ms=NEW_YEAR + 10**9)))
    request = DIALECT.render(event_of(INBOUND, "starting", 0), two, DELIVERY, PLACE, NEW_YEAR)
    assert verify_bird(dict(request.headers), URL, request.body, "new")


def test_every_retry_is_the_first_request_again() -> None:
    event = event_of(INBOUND, "starting", 0)
    first = DIALECT.render(event, ENDPOINT, DELIVERY, PLACE, NEW_YEAR)
    for attempt in range(1, 36):
        retried = structs.replace(DELIVERY, attempts=attempt, state="retrying", signed_at_s=NEW_YEAR // 1000)
        assert DIALECT.render(event, ENDPOINT, retried, PLACE, NEW_YEAR + attempt * 800_000) == first


def test_a_resend_has_a_request_id_of_its_own() -> None:
    event = event_of(INBOUND, "starting", 0)
    first = DIALECT.render(event, ENDPOINT, DELIVERY, PLACE, NEW_YEAR)
    resend = DIALECT.render(event, ENDPOINT, structs.replace(DELIVERY, id=8, kind="resend"), PLACE, NEW_YEAR + 60_000)
    assert resend.body == first.body
    ids = {dict(each.headers)["messagebird-request-id"] for each in (first, resend)}
    assert len(ids) == 2
    assert all(str(uuid.UUID(each)) == each for each in ids)


def test_a_national_number_is_read_in_the_accounts_country() -> None:
    national = event_of(structs.replace(INBOUND, from_="06 12345678"), "starting", 0)
    assert payload_of(national)["from"] == "06 12345678"
    request = DIALECT.render(national, ENDPOINT, DELIVERY, structs.replace(PLACE, country="NL"), NEW_YEAR)
    assert request.body == body_of(event_of(INBOUND, "starting", 0))


@pytest.mark.parametrize(
    ("number", "given", "country"),
    [
        ("+442079460000", None, "GB"),
        ("+14025550123", None, "US"),
        ("+611800111222", None, "AU"),
        ("+611800111222", Geo(city="Sydney"), "AU"),
        ("+611800111222", Geo(country="NZ"), "NZ"),
        ("+80012345678", None, None),
        ("+9991234567", None, None),
        ("sip:+442079460000@example.com", None, None),
        ("7000", None, None),
        ("anonymous", None, None),
    ],
)
def test_the_country_is_the_one_given_else_the_numbers(number: str, given: Geo | None, country: str | None) -> None:
    call = structs.replace(INBOUND, from_=number, to=number, context=Context(from_geo=given, to_geo=given))
    payload = payload_of(event_of(call, "starting", 0))
    for party in ("originator", "receiver"):
        assert payload[party]["number"].get("countryIsoCode") == country


def test_nobody_dialled_is_nobody_withheld() -> None:
    payload = payload_of(event_of(structs.replace(INBOUND, to=""), "starting", 0))
    assert "to" not in payload
    assert payload["receiver"] == {"number": {"anonymous": False, "countryIsoCode": "NL"}}


def test_other_languages_are_escaped() -> None:
    named = structs.replace(INBOUND, context=Context(caller_name='Zoë 李 😀 "x" \x7f\n'))
    body = body_of(event_of(named, "starting", 0))
    assert b'"callerIdName":"Zo\\u00eb \\u674e \\ud83d\\ude00 \\"x\\" \x7f\\n"' in body


TEXT = st.text(max_size=40)


@given(name=TEXT, from_=TEXT, to=TEXT, call_id=st.text(min_size=1, max_size=128), country=TEXT)
def test_any_text_goes_out_as_ascii_and_comes_back(name: str, from_: str, to: str, call_id: str, country: str) -> None:
    context = Context(caller_name=name, from_geo=Geo(country=country))
    call = structs.replace(INBOUND, id=call_id, root=call_id, from_=from_, to=to, context=context)
    event = event_of(call, "starting", 0)
    request = DIALECT.render(event, ENDPOINT, DELIVERY, PLACE, NEW_YEAR)
    assert request.body.isascii()
    assert request == DIALECT.render(event, ENDPOINT, DELIVERY, PLACE, NEW_YEAR)
    sent = json.loads(request.body)
    assert sent["payload"]["originator"]["number"]["callerIdName"] == name
    assert str(uuid.UUID(sent["payload"]["id"])) == sent["payload"]["id"].lower()
    verify_bird(dict(request.headers), URL, request.body, "mysecretkey")
    assert msgspec.json.decode(request.body) == sent
