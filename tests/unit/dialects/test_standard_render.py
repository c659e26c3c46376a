"""The standard dialect's requests: bytes written by hand, other people's libraries as receivers."""

import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import standardwebhooks
import svix
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Attribution, Call, Context, Event, Offer, Recording
from ringback.dialects.standard import DIALECT
from ringback.webhooks.model import Delivery, Endpoint, Secret

ACCOUNT = "0a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
KEY = bytes(range(32))
WHSEC = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OLD_WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WHSK = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
WHPK_RAW = base64.b64decode("1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")
NOON = 1_795_176_000_000
"""2026-11-20T12:00:00Z"""
PLACE = Place(organization_id=ACCOUNT, account=ACCOUNT, number=default_number(ACCOUNT, "+611800111222"))
DOC = Path(__file__).parents[3] / "docs" / "reference" / "standard.md"


def endpoint(*secrets: Secret, url: str = "https://example.com/hooks") -> Endpoint:
    return Endpoint(id=5, account=ACCOUNT, url=url, dialect="standard", secrets=secrets or (Secret(value=WHSEC),))


def delivery(**changes: Any) -> Delivery:
    return structs.replace(Delivery(id=7, endpoint=5, event=1, root=1, name="call.ringing"), **changes)


def body_of(event: Event) -> bytes:
    return DIALECT.render(event, endpoint(), delivery(), PLACE, NOON).body


ROOT = Call(
    account=ACCOUNT,
    id="c-1",
    root="c-1",
    direction="inbound",
    from_="+61288880000",
    to="+611800111222",
    status="ringing",
    first_at_ms=NOON,
    starting_at_ms=NOON,
    ringing_at_ms=NOON + 250,
    updated_at_ms=NOON + 250,
    reached={"starting": NOON, "ringing": NOON + 250},
)
RINGING = Event(id=1, type="call.ringing", at_ms=NOON + 250, seq=2, call=ROOT, root=ROOT, status_changed=True)
RINGING_LEG = (
    b'{"id":"c-1","direction":"inbound","from":"+61288880000","to":"+611800111222","status":"ringing",'
    b'"first_at":"2026-11-20T12:00:00.000Z","ringing_at":"2026-11-20T12:00:00.250Z"}'
)
RINGING_BODY = (
    b'{"type":"call.ringing","timestamp":"2026-11-20T12:00:00.250Z","data":{"version":1,'
    b'"event":{"id":"evt_00000000000001","seq":2},"call":' + RINGING_LEG + b',"root":' + RINGING_LEG + b"}}"
)


def test_a_root_that_rings() -> None:
    request = DIALECT.render(RINGING, endpoint(), delivery(), PLACE, NOON + 1_999)
    assert request.body == RINGING_BODY
    assert (request.method, request.url) == ("POST", "https://example.com/hooks")
    content = b"msg_00000000000001.1795176001." + RINGING_BODY
    signature = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert request.headers == (
        ("content-type", "application/json"),
        ("webhook-id", "msg_00000000000001"),
        ("webhook-timestamp", "1795176001"),
        ("webhook-signature", f"v1,{signature}"),
    )


def test_an_unanswered_end_tells_zero_seconds_and_how_it_ended() -> None:
    ended = structs.replace(
        ROOT, status="busy", ended_at_ms=NOON + 9_999, duration_s=9, cause=17, sip_status=486, ended_by="callee", inferred=True
    )
    event = Event(id=1, type="call.busy", at_ms=NOON + 9_999, seq=3, call=ended, root=ended, status_changed=True)
    leg = (
        b'{"id":"c-1","direction":"inbound","from":"+61288880000","to":"+611800111222","status":"busy",'
        b'"first_at":"2026-11-20T12:00:00.000Z","ringing_at":"2026-11-20T12:00:00.250Z","ended_at":"2026-11-20T12:00:09.999Z",'
        b'"duration_s":9,"answered_duration_s":0,"cause":17,"sip_status":486,"ended_by":"callee","inferred":true}'
    )
    assert body_of(event) == (
        b'{"type":"call.busy","timestamp":"2026-11-20T12:00:09.999Z","data":{"version":1,'
        b'"event":{"id":"evt_00000000000001","seq":3},"call":' + leg + b',"root":' + leg + b"}}"
    )


def test_context_stands_beside_the_life_of_its_leg() -> None:
    context = Context(
        caller_name='Zoë "李"',
        crm_id="lead-55",
        extension="280085",
        vars={"tier": "gold"},
        awaits=["recording"],
        attribution=Attribution(source="google"),
        recording=Recording(url="https://r.example/1.wav", duration_s=42),
    )
    call = structs.replace(ROOT, context=context, generation=2)
    text = body_of(structs.replace(RINGING, call=call, root=call)).decode()
    leg = (
        '{"id":"c-1","generation":2,"direction":"inbound","from":"+61288880000","to":"+611800111222","status":"ringing",'
        '"first_at":"2026-11-20T12:00:00.000Z","ringing_at":"2026-11-20T12:00:00.250Z",'
        '"caller_name":"Zoë \\"李\\"","crm_id":"lead-55","extension":"280085","vars":{"tier":"gold"},"awaits":["recording"],'
        '"attribution":{"source":"google"},"recording":{"url":"https://r.example/1.wav","duration_s":42}}'
    )
    assert text.count(leg) == 2


def test_no_field_of_the_context_has_the_name_of_one_of_the_leg() -> None:
    """They share one JSON object: a name that is there twice would lose a value."""
    call = structs.replace(
        ROOT,
        generation=2,
        parent="c-0",
        answered_at_ms=NOON,
        ended_at_ms=NOON,
        status="completed",
        cause=16,
        sip_status=200,
        ended_by="caller",
        inferred=True,
    )
    leg = json.loads(body_of(structs.replace(RINGING, type="call.completed", call=call, root=call)))["data"]["call"]
    assert len(leg) == 17
    assert not set(leg) & {field.encode_name for field in msgspec.structs.fields(Context)}


FACTS = [
    ("call.ivr-option", {"option": "#"}, b'"option":"#"'),
    ("call.prompt", {"keys": "2000", "kind": "postcode"}, b'"prompt":{"keys":"2000","kind":"postcode"}'),
    (
        "call.recording",
        {"status": "completed", "url": "https://r.example/1.wav", "duration_s": 42, "channels": 2},
        b'"recording":{"status":"completed","url":"https://r.example/1.wav","duration_s":42,"channels":2}',
    ),
    ("call.transcription", {"text": "Hello."}, b'"transcription":{"text":"Hello."}'),
]


@pytest.mark.parametrize(("kind", "data", "written"), FACTS)
def test_an_event_carries_its_facts(kind: str, data: dict[str, Any], written: bytes) -> None:
    event = Event(id=1, type=kind, at_ms=NOON + 250, seq=2, call=ROOT, root=ROOT, data=data)
    head = f'{{"type":"{kind}",'.encode()
    assert body_of(event) == head + RINGING_BODY.partition(b",")[2].removesuffix(b"}}") + b"," + written + b"}}"


@pytest.mark.parametrize("kind", ["call.facts", "call.corrected"])
def test_facts_and_corrections_are_in_the_leg(kind: str) -> None:
    event = Event(id=1, type=kind, at_ms=NOON + 250, seq=2, call=ROOT, root=ROOT)
    assert body_of(event) == f'{{"type":"{kind}",'.encode() + RINGING_BODY.partition(b",")[2]


def documented_event() -> Event:
    context = Context(
        caller_name="Zoë Example", crm_id="lead-55", answered_by="ivr", attribution=Attribution(source="google", medium="cpc")
    )
    root = Call(
        account=ACCOUNT,
        id="c-9f31",
        root="c-9f31",
        direction="inbound",
        from_="+61288880000",
        to="+611800111222",
        status="ongoing",
        first_at_ms=NOON,
        starting_at_ms=NOON,
        answered_at_ms=NOON + 250,
        updated_at_ms=NOON + 250,
        context=context,
    )
    leg = Call(
        account=ACCOUNT,
        id="c-9f31-b",
        root="c-9f31",
        parent="c-9f31",
        direction="outbound",
        from_="+61288880000",
        to="280085",
        status="ringing",
        first_at_ms=NOON + 600,
        starting_at_ms=NOON + 600,
        ringing_at_ms=NOON + 900,
        updated_at_ms=NOON + 900,
    )
    offer = Offer(to="280085", leg="c-9f31-b", status="ringing", at_ms=NOON + 600, ringing_at_ms=NOON + 900)
    return Event(
        id=382138008071049216,
        type="call.ringing",
        at_ms=NOON + 900,
        seq=4,
        call=leg,
        root=structs.replace(root, offers=[offer]),
        status_changed=True,
        offer=offer,
    )


def test_the_documented_example_is_what_is_sent() -> None:
    text = DOC.read_text()
    request = DIALECT.render(documented_event(), endpoint(Secret(value=OLD_WHSEC)), delivery(), PLACE, NOON + 1_000)
    example = re.findall(r"```json\n(.*?)```", text, re.DOTALL)[-1]
    assert json.loads(example) == json.loads(request.body)
    assert request.body.decode() == json.dumps(json.loads(example), ensure_ascii=False, separators=(",", ":"))
    head = re.findall(r"```http\n(.*?)```", text, re.DOTALL)[-1]
    assert head == "POST /hooks HTTP/1.1\n" + "".join(f"{name}: {value}\n" for name, value in request.headers)


def test_every_name_is_documented() -> None:
    text = DOC.read_text()
    for name in (*DIALECT.events, *(field.encode_name for field in msgspec.structs.fields(Context))):
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("receiver", [standardwebhooks.Webhook, svix.Webhook], ids=["standardwebhooks", "svix"])
def test_other_peoples_libraries_believe_it(receiver: Any) -> None:
    now_ms = time.time_ns() // 1_000_000
    request = DIALECT.render(documented_event(), endpoint(), delivery(), PLACE, now_ms)
    receiver(WHSEC).verify(request.body, dict(request.headers))
    with pytest.raises(Exception, match="No matching signature"):
        receiver(WHSEC).verify(request.body.replace(b"Example", b"example"), dict(request.headers))
    with pytest.raises(Exception, match="No matching signature"):
        receiver(OLD_WHSEC).verify(request.body, dict(request.headers))


def test_cryptography_believes_the_ed25519_signature() -> None:
    request = DIALECT.render(RINGING, endpoint(Secret(value=WHSK)), delivery(), PLACE, NOON)
    version, _, signature = dict(request.headers)["webhook-signature"].partition(",")
    assert version == "v1a"
    content = b"msg_00000000000001.1795176000." + request.body
    Ed25519PublicKey.from_public_bytes(WHPK_RAW).verify(base64.b64decode(signature), content)


def test_every_live_secret_signs_newest_first_and_a_dead_one_does_not() -> None:
    secrets = (Secret(value=WHSEC), Secret(value=WHSK, until_ms=NOON + 1), Secret(value=OLD_WHSEC, until_ms=NOON))

    def signature(at_ms: int) -> str:
        return dict(DIALECT.render(RINGING, endpoint(*secrets), delivery(), PLACE, at_ms).headers)["webhook-signature"]

    def alone(secret: str, at_ms: int) -> str:
        return dict(DIALECT.render(RINGING, endpoint(Secret(value=secret)), delivery(), PLACE, at_ms).headers)["webhook-signature"]

    assert signature(NOON) == " ".join(alone(secret, NOON) for secret in (WHSEC, WHSK, OLD_WHSEC))
    assert signature(NOON + 1) == " ".join(alone(secret, NOON + 1) for secret in (WHSEC, WHSK))
    assert signature(NOON + 2) == alone(WHSEC, NOON + 2)


def test_a_retry_is_signed_anew_over_the_same_bytes_with_the_same_id() -> None:
    first = DIALECT.render(RINGING, endpoint(), delivery(), PLACE, NOON)
    retry = DIALECT.render(
        RINGING, endpoint(), delivery(attempts=1, state="retrying", signed_at_s=NOON // 1000), PLACE, NOON + 5_000
    )
    resend = DIALECT.render(RINGING, endpoint(), delivery(id=8, kind="resend"), PLACE, NOON + 9_000)
    assert first.body == retry.body == resend.body
    assert {dict(each.headers)["webhook-id"] for each in (first, retry, resend)} == {"msg_00000000000001"}
    assert [dict(each.headers)["webhook-timestamp"] for each in (first, retry, resend)] == [
        "1795176000",
        "1795176005",
        "1795176009",
    ]
    assert len({dict(each.headers)["webhook-signature"] for each in (first, retry, resend)}) == 3


def test_without_a_secret_there_is_no_signature() -> None:
    unsigned = structs.replace(endpoint(), secrets=())
    assert [name for name, _ in DIALECT.render(RINGING, unsigned, delivery(), PLACE, NOON).headers] == [
        "content-type",
        "webhook-id",
        "webhook-timestamp",
    ]


TEXT = st.text(max_size=40)


@given(name=TEXT, from_=TEXT, variables=st.dictionaries(TEXT, TEXT, max_size=3), at_ms=st.integers(NOON, NOON + 10**9))
def test_rendering_is_deterministic_and_any_text_survives_it(name: str, from_: str, variables: dict[str, str], at_ms: int) -> None:
    call = structs.replace(ROOT, from_=from_, context=Context(caller_name=name, vars=variables))
    event = structs.replace(RINGING, call=call, root=call, at_ms=at_ms)
    request = DIALECT.render(event, endpoint(), delivery(), PLACE, NOON)
    assert request == DIALECT.render(event, endpoint(), delivery(), PLACE, NOON)
    leg = json.loads(request.body)["data"]["call"]
    assert (leg.get("from", ""), leg["caller_name"], leg.get("vars", {})) == (from_, name, variables)


def test_a_root_that_was_loaded_apart_from_its_leg_is_written_alike() -> None:
    copy = msgspec.json.decode(msgspec.json.encode(ROOT), type=Call)
    assert copy is not ROOT
    assert body_of(structs.replace(RINGING, root=copy)) == RINGING_BODY
