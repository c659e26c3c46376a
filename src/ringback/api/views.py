"""What the API shows: one struct per thing, and how it is made from what the store has. Secrets never get here."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ringback.calls.directory import Number, Property, Voice
from ringback.calls.model import Call, Event, Offer, to_rfc3339
from ringback.ids import time_of, to_text
from ringback.store.port import Account, DeliveryRow
from ringback.webhooks.credentials import shown_url, split_credentials
from ringback.webhooks.model import Delivery
from ringback.webhooks.records import Attempt, StoredCall


class AccountView(Struct, frozen=True):
    """A tenant. `events_per_s`, `pending_max`: what may come in at the most (null: no limit). `retention_days` null: as the
    installation's. `call_prefixes` null: any E.164 number may be called; `calls_at_once`, `calls_per_min` null: no limit. `key` is
    there once, in the answer that made it."""

    id: str
    name: str
    country: str | None
    bird_catch_all: str
    call_limit_s: int
    events_per_s: float | None
    pending_max: int | None
    retention_days: int | None
    mask_numbers: bool
    call_prefixes: list[str] | None
    call_extensions: bool
    calls_at_once: int | None
    calls_per_min: int | None
    flows: dict[str, str]
    transcribe: bool
    created_at: str
    key: str | UnsetType = UNSET


class PropertyView(Struct, frozen=True):
    """A site or campaign that numbers belong to."""

    id: str
    name: str
    type: str


class VoiceView(Struct, frozen=True):
    """Who says what to do with a call to a number; passwords in URLs are masked."""

    url: str
    method: str
    fallback_url: str | None
    fallback_method: str
    local_fallback: dict[str, str] | None


class NumberView(Struct, frozen=True):
    """A number of an account, with the ids that dialects send for it. `voice` null: nobody is asked about its calls."""

    number: str
    name: str
    pool: str
    property: str
    channel_id: str
    trunk_id: str
    webhooks_enabled: bool
    voice: VoiceView | None


class DeliveryView(Struct, frozen=True):
    """One event for one endpoint. `next_at` while it is not done; `status` and `error` are the last attempt's. A notice is about
    no call."""

    id: str
    event_id: str
    call_id: str | None
    endpoint_id: str
    event: str
    kind: str
    state: str
    attempts: int
    next_at: str | None
    created_at: str
    finished_at: str | None
    status: int | None
    error: str | None


class RequestView(Struct, frozen=True):
    """A request as it was sent, secrets masked. `body` is text, or base64 where it is none (`body_base64`)."""

    method: str
    url: str
    headers: list[list[str]]
    body: str | None = None
    body_base64: str | UnsetType = UNSET


class ResponseView(Struct, frozen=True):
    """What came back, decoded, cut at 64 KiB (`body_cut`)."""

    status: int | None
    headers: list[list[str]]
    body: str | None
    body_cut: bool
    body_base64: str | UnsetType = UNSET


class TimingsView(Struct, frozen=True):
    """Milliseconds from the start of the attempt; null: not reached, or not needed on a kept connection (`reused`)."""

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None
    total: float


class AttemptView(Struct, frozen=True):
    """One HTTP exchange."""

    number: int
    at: str
    address: str | None
    reused: bool
    error: str | None
    detail: str
    request: RequestView
    response: ResponseView
    timings_ms: TimingsView


class EventView(Struct, frozen=True):
    """What the ledger made of an update, with what became of it."""

    id: str
    seq: int
    type: str
    at: str
    call_id: str
    data: dict[str, Any]
    offer: dict[str, Any] | None
    late: bool
    deliveries: list[DeliveryView]


def when(at_ms: int | None) -> str | None:
    """A time as people read it."""
    return None if at_ms is None else to_rfc3339(at_ms)


def account_view(account: Account, key: str | None = None) -> AccountView:
    """See AccountView."""
    return AccountView(
        id=account.id,
        name=account.name,
        country=account.country,
        bird_catch_all=account.bird_catch_all,
        call_limit_s=account.call_limit_s,
        events_per_s=account.events_per_s,
        pending_max=account.pending_max,
        retention_days=account.retention_days,
        mask_numbers=account.mask_numbers,
        call_prefixes=None if account.call_prefixes is None else list(account.call_prefixes),
        call_extensions=account.call_extensions,
        calls_at_once=account.calls_at_once,
        calls_per_min=account.calls_per_min,
        flows=account.flows,
        transcribe=account.transcribe,
        created_at=to_rfc3339(account.created_at_ms),
        key=key or UNSET,
    )


def property_view(item: Property) -> PropertyView:
    """See PropertyView."""
    return PropertyView(item.id, item.name, item.type)


def number_view(number: Number) -> NumberView:
    """See NumberView."""
    return NumberView(
        number=number.number,
        name=number.name,
        pool=number.pool,
        property=number.property.id,
        channel_id=number.channel_id,
        trunk_id=number.trunk_id,
        webhooks_enabled=number.webhooks_enabled,
        voice=None if number.voice is None else voice_view(number.voice),
    )


def voice_view(voice: Voice) -> VoiceView:
    """See VoiceView."""
    local = {"say": voice.say, "forward": voice.forward}
    return VoiceView(
        url=shown_url(*split_credentials(voice.url)),
        method=voice.method,
        fallback_url=None if voice.fallback_url is None else shown_url(*split_credentials(voice.fallback_url)),
        fallback_method=voice.fallback_method,
        local_fallback={name: value for name, value in local.items() if value is not None} or None,
    )


def never(_: Delivery) -> bool:
    """No delivery is on the wire: for rows that are shown as they are stored."""
    return False


def delivery_view(row: DeliveryRow, is_sending: Callable[[Delivery], bool]) -> DeliveryView:
    """See DeliveryView. `is_sending`: is it on the wire now? Its row does not know."""
    delivery = row.delivery
    open_ = delivery.state in ("pending", "retrying")
    return DeliveryView(
        id=to_text("dlv", delivery.id),
        event_id=to_text("evt", delivery.event),
        call_id=row.call_id or None,
        endpoint_id=to_text("ep", delivery.endpoint),
        event=delivery.name,
        kind=delivery.kind,
        state="sending" if is_sending(delivery) else delivery.state,
        attempts=delivery.attempts,
        next_at=when(delivery.next_at_ms or delivery.created_at_ms) if open_ else None,
        created_at=to_rfc3339(delivery.created_at_ms or time_of(delivery.id)),
        finished_at=when(row.finished_at_ms),
        status=row.status,
        error=row.error or None,
    )


def _text(body: bytes) -> tuple[str | None, str | UnsetType]:
    try:
        return body.decode(), UNSET
    except UnicodeDecodeError:
        return None, msgspec.to_builtins(body)


def attempt_view(attempt: Attempt) -> AttemptView:
    """See AttemptView."""
    outcome = attempt.outcome
    sent, sent_base64 = _text(attempt.body)
    got, got_base64 = _text(outcome.body)
    return AttemptView(
        number=attempt.number,
        at=to_rfc3339(outcome.started_at_ms),
        address=outcome.address,
        reused=outcome.reused,
        error=outcome.error or None,
        detail=outcome.detail,
        request=RequestView(attempt.method, attempt.url, [list(pair) for pair in attempt.headers], sent, sent_base64),
        response=ResponseView(outcome.status, [list(pair) for pair in outcome.headers], got, outcome.body_cut, got_base64),
        timings_ms=TimingsView(outcome.dns_ms, outcome.connect_ms, outcome.tls_ms, outcome.first_byte_ms, outcome.total_ms),
    )


_TIMES = ("first_at", "starting_at", "ringing_at", "answered_at", "ended_at", "updated_at")
_PLAIN = (
    "id",
    "root",
    "parent",
    "direction",
    "status",
    "duration_s",
    "answered_duration_s",
    "cause",
    "sip_status",
    "ended_by",
    "inferred",
)


def call_view(stored: StoredCall) -> dict[str, Any]:
    """A leg: its fixed fields, its times, its context; what is not known is left out."""
    call: Call = stored.call
    shown: dict[str, Any] = {name: getattr(call, name) for name in _PLAIN}
    shown |= {"from": call.from_, "to": call.to, "generation": call.generation, "created_at": to_rfc3339(time_of(stored.n))}
    shown |= {name: when(getattr(call, f"{name}_ms") or None) for name in _TIMES}
    shown["reached"] = {status: to_rfc3339(at) for status, at in call.reached.items()}
    shown["context"] = msgspec.to_builtins(call.context)
    if call.is_root:
        shown["offers"] = [offer_view(offer) for offer in call.offers]
    if call.rewrites:
        shown["rewrites"] = call.rewrites
    return {key: value for key, value in shown.items() if value is not None}


def offer_view(offer: Offer) -> dict[str, Any]:
    """One try to reach somebody."""
    shown = {
        "to": offer.to,
        "n": offer.n,
        "leg": offer.leg,
        "status": offer.status,
        "ringing_at": when(offer.ringing_at_ms),
        "answered_at": when(offer.answered_at_ms),
        "ended_at": when(offer.ended_at_ms),
    }
    return {key: value for key, value in shown.items() if value is not None}


def event_view(event: Event, deliveries: list[DeliveryRow], is_sending: Callable[[Delivery], bool]) -> EventView:
    """See EventView."""
    return EventView(
        id=to_text("evt", event.id),
        seq=event.seq,
        type=event.type,
        at=to_rfc3339(event.at_ms),
        call_id=event.call.id,
        data=event.data,
        offer=None if event.offer is None else offer_view(event.offer),
        late=event.late,
        deliveries=[delivery_view(row, is_sending) for row in deliveries],
    )


def read_time(text: str) -> int:
    """RFC 3339 → Unix milliseconds. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("needs an offset, such as Z")
    return int(at.astimezone(UTC).timestamp() * 1000)
