"""Bodies as typed values."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Context
from ringback.dialects import bird, standard
from ringback.errors import InvalidInput
from ringback.receive.parse import (
    BirdWebhook,
    Leg,
    StandardWebhook,
    parse_bird,
    parse_notice,
    parse_standard,
    parse_standard_or_notice,
)
from ringback.webhooks.model import Delivery, Endpoint

ACCOUNT = "0a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
PLACE = Place(organization_id=ACCOUNT, account=ACCOUNT, number=default_number(ACCOUNT, "+441632960100"))

STANDARD_BODY = b"""{"type":"call.ringing","timestamp":"2026-11-20T12:00:00.900Z","data":{"version":1,
"event":{"id":"evt_00akd0fsh40400","seq":4},
"call":{"id":"c-2","parent":"c-1","direction":"outbound","to":"280085","status":"ringing","new_field":[1]},
"root":{"id":"c-1","direction":"inbound","from":"+61288880000","answered_by":"robot","answered_at":"2026-11-20T12:00:00.250Z"},
"offer":{"to":"280085","n":2,"status":"ringing","leg":"c-2","ringing_at":"2026-11-20T12:00:00.900Z"},"newer":{}}}"""

BIRD_BODY = b"""{"service":"channels","event":"voice.inbound","payload":{"id":"5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11",
"channelId":"b827924e-9789-4c2f-a4d5-b352175354f6","from":"+31612345678","to":"+31201234567",
"originator":{"number":{"type":"pstn","number":"+31612345678","anonymous":false,"callerIdName":"Zo\\u00eb","countryIsoCode":"NL"}},
"receiver":{"number":{"number":"+31201234567","anonymous":false}},"direction":"incoming","status":"completed","type":"pstn",
"duration":42,"hangupCauseCode":16,"hangupSipCode":"200","createdAt":"2025-01-01T00:00:00.000Z",
"endedAt":"2025-01-01T00:00:48.500630149Z","tags":["vip"],"qualityInsights":{"mos":4.2}}}"""


def test_a_standard_body() -> None:
    told = parse_standard(STANDARD_BODY)
    assert (told.type, told.timestamp) == ("call.ringing", datetime(2026, 11, 20, 12, 0, 0, 900_000, UTC))
    assert (told.data.version, told.data.event.seq, told.data.call.parent, told.data.root.from_) == (1, 4, "c-1", "+61288880000")
    assert told.data.root.answered_by == "robot"
    assert told.data.root.answered_at == datetime(2026, 11, 20, 12, 0, 0, 250_000, UTC)
    assert told.data.offer is not None
    assert (told.data.offer.to, told.data.offer.n) == ("280085", 2)


def test_a_bird_body() -> None:
    told = parse_bird(BIRD_BODY)
    call = told.payload
    assert (told.service, told.event, call.status, call.direction) == ("channels", "voice.inbound", "completed", "incoming")
    assert (call.duration, call.hangup_cause_code, call.hangup_sip_code, call.tags) == (42, 16, "200", ["vip"])
    assert call.ended_at == datetime(2025, 1, 1, 0, 0, 48, 500_630, UTC)
    assert call.originator is not None
    assert call.originator.number is not None
    assert (call.originator.number.caller_id_name, call.originator.number.country_iso_code) == ("Zoë", "NL")


@pytest.mark.parametrize(("dialect", "parse"), [(standard.DIALECT, parse_standard_or_notice), (bird.DIALECT, parse_bird)])
def test_everything_that_is_sent_is_known_to_the_parser(dialect: Any, parse: Any) -> None:
    """Written again from what was parsed, a body has every field that it came with."""
    endpoint = Endpoint(id=1, account=ACCOUNT, url="https://example.com/", dialect=dialect.name)
    for name, event in dialect.samples().items():
        body = dialect.render(event, endpoint, Delivery(id=1, endpoint=1, event=1, root=1, name=name), PLACE, event.at_ms).body
        _contains(msgspec.to_builtins(parse(body)), json.loads(body))


def test_a_notice_is_no_call() -> None:
    body = (
        b'{"type":"endpoint.disabled","timestamp":"2026-11-20T12:00:00.000Z","data":{"version":1,"event":{"id":"evt_1"},'
        b'"endpoint":{"id":"ep_1","url":"https://a.example/","dialect":"voc"},"reason":"it answered 410 Gone"}}'
    )
    notice = parse_notice(body)
    assert parse_standard_or_notice(body) == notice
    assert (notice.data.endpoint.dialect, notice.data.reason, notice.data.failing_since) == ("voc", "it answered 410 Gone", None)
    with pytest.raises(InvalidInput):
        parse_standard(body)
    with pytest.raises(InvalidInput):
        parse_notice(body.replace(b"endpoint.disabled", b"call.ringing"))


def _contains(parsed: Any, sent: Any) -> None:
    if isinstance(sent, dict):
        for name, value in sent.items():
            _contains(parsed[name], value)
    elif isinstance(sent, str) and sent.endswith("Z") and sent[:2] == "20":
        assert datetime.fromisoformat(parsed) == datetime.fromisoformat(sent)
    else:
        assert parsed == sent


def test_a_leg_knows_every_field_of_the_context() -> None:
    assert {field.encode_name for field in msgspec.structs.fields(Context)} <= {
        field.encode_name for field in msgspec.structs.fields(Leg)
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"payload": {"id": 5, "status": "x"}}, "payload.id"),
        ({"payload": {"id": "a"}}, "payload"),
        ({"payload": {"id": "a", "status": "x", "endedAt": "yesterday"}}, "payload.endedAt"),
        ({"event": None}, "event"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], field: str) -> None:
    body = {"service": "channels", "event": "voice.inbound", "payload": {"id": "a", "status": "x"}} | change
    with pytest.raises(InvalidInput) as refused:
        parse_bird(json.dumps(body).encode())
    assert refused.value.field == field


@given(st.binary(max_size=60) | st.sampled_from([b"[" * 100_000, b'{"type":' * 100_000, b'{"x":"\xff"}', b'{"type":"\xff"}']))
def test_nonsense_is_refused(body: bytes) -> None:
    for parse in (parse_standard, parse_bird):
        with pytest.raises(InvalidInput):
            parse(body)


def test_deep_nesting_in_a_field_that_nobody_reads_does_no_harm() -> None:
    deep = b'{"unread":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for parse in (parse_standard, parse_bird):
        with pytest.raises(InvalidInput):
            parse(deep)


def test_the_types_are_public() -> None:
    assert isinstance(parse_standard(STANDARD_BODY), StandardWebhook)
    assert isinstance(parse_bird(BIRD_BODY), BirdWebhook)
