"""The `standard` dialect: every event as JSON, signed the way of Standard Webhooks 1.0.0. What is sent is in
docs/reference/standard.md; the envelope, headers, signatures and the retry schedule are the specification's, the call is ours.

The body is put together from parts that the JSON encoder writes straight from the ledger's values: this is the hot path.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from ringback.calls.directory import Place
from ringback.calls.model import STATUSES, Call, Context, Event, Offer, Status
from ringback.dialects.contract import Fact, HttpRequest
from ringback.dialects.example_calls import EXTENSION, example, example_fact
from ringback.dialects.rules import check_events, check_filters, check_method, check_url
from ringback.dialects.shapes import rfc3339
from ringback.dialects.signing import check_standard_secret, hmac_secret, sign_standard
from ringback.dialects.silence import LATE, no_event_for
from ringback.dialects.story import extension_of
from ringback.ids import to_text
from ringback.webhooks.model import Delivery, Endpoint, Method, Order, RetryPolicy
from ringback.webhooks.notices import NOTICES

VERSION = 1
"""Of the body's `data`: raised when a field changes its meaning or goes, not when one is added."""

_STATUS_TYPES: dict[str, Status] = {f"call.{status}": status for status in STATUSES}
_FACT_TYPES = ("call.ivr-option", "call.prompt", "call.recording", "call.transcription", "call.facts", "call.corrected")
_DIRECTIONS = ("inbound", "outbound")
_HOUR_S = 3600.0

FACTS: tuple[Fact, ...] = (
    Fact("method and body", "documented", "POST, JSON with `type`, `timestamp` and `data`."),
    Fact("headers", "documented", "`webhook-id`, `webhook-timestamp`, `webhook-signature`; no other header of ours."),
    Fact("webhook-id", "documented", "`msg_` and the event's number: the same over retries and resends."),
    Fact("timestamp header", "documented", "Unix seconds of the attempt: every attempt is signed anew."),
    Fact(
        "signature v1", "documented", "Base64 HMAC-SHA256 over `id.timestamp.body`, one per live `whsec_` secret, space separated."
    ),
    Fact("signature v1a", "documented", "Base64 Ed25519 over the same, for `whsk_` secrets."),
    Fact("secret rotation", "documented", "While an old secret lives, its signature stands beside the new one's, newest first."),
    Fact("secret's form", "documented", "24 to 64 bytes as base64 after `whsec_`; made from 32 random bytes where none is given."),
    Fact("success", "documented", "Any 2xx; a redirect is a failure and is not followed."),
    Fact("retry schedule", "documented", "5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."),
    Fact("jitter", "ours", "±20 % of each wait; the specification recommends jitter without a number."),
    Fact("Retry-After", "documented", "Honoured on 429 and 503, between the planned wait and twice that (the bounds are ours)."),
    Fact("410 Gone", "documented", "Disables the endpoint, with notice."),
    Fact("time-out", "documented", "15 s in all: the lower end of the 15 to 30 s that the specification suggests."),
    Fact("event names", "ours", "The types of our updates: `call.<status>`, `call.ivr-option`, `call.prompt` and so on."),
    Fact(
        "the call in `data`",
        "ours",
        "`call` and `root` in full, `event`, and the event's own facts; what is not known is left out.",
    ),
    Fact("filters", "ours", "`direction` and `number` of the conversation, `extension`, `status`."),
    Fact(
        "notices",
        "ours",
        "`endpoint.failing`, `endpoint.recovered`, `endpoint.disabled`: of the account's other endpoints; only to who names them.",
    ),
)


class _Leg(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A leg as the public sees it, without its context, which the encoder writes from the ledger's own value."""

    id: str
    generation: int = 1
    parent: str | None = None
    direction: str
    from_: str = msgspec.field(name="from", default="")
    to: str = ""
    status: str | None = None
    first_at: str | None = None
    ringing_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None
    duration_s: int | None = None
    answered_duration_s: int | None = None
    cause: int | None = None
    sip_status: int | None = None
    ended_by: str | None = None
    inferred: bool = False


class _Offer(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    to: str
    n: int
    status: str
    leg: str | None = None
    ringing_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None


class _EventRef(Struct, frozen=True, gc=False):
    id: str
    seq: int


class _Data(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    version: int
    event: _EventRef
    call: Raw
    root: Raw
    offer: _Offer | None = None
    option: Any = None
    prompt: Any = None
    recording: Any = None
    transcription: Any = None


class _Body(Struct, frozen=True, gc=False):
    type: str
    timestamp: str
    data: _Data | dict[str, Any]


_encode = msgspec.json.Encoder().encode
_CONTENT_TYPE = ("content-type", "application/json")
_FACT_FIELDS = {"call.prompt": "prompt", "call.recording": "recording", "call.transcription": "transcription"}


class StandardDialect:
    """See the module and `contract.Dialect`."""

    name = "standard"
    events: tuple[str, ...] = (*_STATUS_TYPES, *_FACT_TYPES, *NOTICES)
    filter_keys = frozenset({"direction", "number", "extension", "status"})
    methods: tuple[Method, ...] = ("POST",)
    default_order: Order = "call"
    retry = RetryPolicy(
        delays_s=(5, 300, 1800, 2 * _HOUR_S, 5 * _HOUR_S, 10 * _HOUR_S, 14 * _HOUR_S, 20 * _HOUR_S, 24 * _HOUR_S),
        jitter=0.2,
        retry_after=True,
        gone_disables=True,
    )
    timeout_s = 15.0

    def event_name(self, event: Event, place: Place) -> str | None:
        """The event's type; None for a status that was late and tells of no offer."""
        if event.late:
            return None
        if event.type in _STATUS_TYPES:
            return event.type if event.status_changed or event.offer is not None else None
        return event.type if event.type in _FACT_TYPES or event.type in NOTICES else None

    def why_not(self, event: Event, place: Place) -> str:
        """Late, or of a type that is not one of ours."""
        if self.event_name(event, place) is not None:
            return ""
        return LATE if event.type in self.events else no_event_for("Ringback", event.type)

    def filter_value(self, key: str, event: Event, place: Place) -> str | None:
        """`direction` and `number` are the conversation's (the number is the account's); `extension` is the one that the event is
        about; `status` is the one that the event reports: an event of another kind has none."""
        if key == "status":
            return event.call.status if event.type == "call.corrected" else _STATUS_TYPES.get(event.type)
        if key == "direction":
            return event.root.direction
        if key == "number":
            return place.number.number
        return extension_of(event) if key == "extension" else None

    def check_endpoint(self, endpoint: Endpoint, *, allow_http: bool, allow_network: bool) -> None:
        """https only unless allowed, POST only, our filters, and secrets in the specification's form. Raises InvalidInput."""
        check_url(endpoint, allow_http=allow_http)
        check_method(endpoint, self.methods)
        check_events(endpoint, self.events)
        check_filters(endpoint, {"direction": _DIRECTIONS, "number": None, "extension": None, "status": STATUSES})
        for secret in endpoint.secrets:
            check_standard_secret(secret.value)

    def new_secret(self, random_bytes: bytes) -> str | None:
        """`whsec_` and the base64 of the bytes."""
        return hmac_secret(random_bytes)

    def hold_until_ms(self, event: Event, endpoint: Endpoint) -> int | None:
        """Nothing waits: facts that come later are events of their own."""
        return None

    def complete(self, root_now: Event) -> bool:
        """Always: nothing waits."""
        return True

    def render(self, event: Event, endpoint: Endpoint, delivery: Delivery, place: Place, now_ms: int) -> HttpRequest:
        """The same body each time; timestamp and signatures of this attempt, by every secret that lives at `now_ms`."""
        data = _notice(event) if event.type in NOTICES else _data(event)
        body = _encode(_Body(event.type, rfc3339(event.at_ms), data))
        message_id = to_text("msg", event.id)
        timestamp = str(now_ms // 1000)
        headers: tuple[tuple[str, str], ...] = (_CONTENT_TYPE, ("webhook-id", message_id), ("webhook-timestamp", timestamp))
        live = [secret.value for secret in endpoint.secrets if secret.until_ms is None or secret.until_ms >= now_ms]
        if live:
            headers += (("webhook-signature", sign_standard(live, message_id, timestamp, body)),)
        return HttpRequest("POST", endpoint.url, headers, body)

    def succeeded(self, status: int) -> bool:
        """Any 2xx."""
        return 200 <= status < 300

    def samples(self) -> Mapping[str, Event]:
        """One per event name, of a call that came in (`call.accepted`, `call.cancelled`: that went out)."""
        told: dict[str, Event] = {
            kind: example("outbound" if status in ("accepted", "cancelled") else "inbound", status)
            for kind, status in _STATUS_TYPES.items()
        }
        for kind, (data, context) in _SAMPLE_FACTS.items():
            told[kind] = example_fact(kind, data, msgspec.convert({"extension": EXTENSION} | context, Context))
        for notice, reason in _SAMPLE_NOTICES.items():
            told[notice] = example_fact(notice, {**_SAMPLE_NOTICE, "reason": reason}, Context())
        return told


_RECORDING = {"url": "https://recordings.example.com/5f0e3a52.wav", "duration_s": 42, "channels": 2}
_TRANSCRIPTION = {"text": "Hello, this is Ada.", "url": "https://recordings.example.com/5f0e3a52.txt"}
_SAMPLE_NOTICE: dict[str, object] = {
    "endpoint": {"id": "ep_00akd0fsh40400", "url": "https://example.com/hooks", "dialect": "standard", "description": "CRM"},
    "reason": "",
    "failing_since": "2026-11-20T12:00:00.000Z",
}
_SAMPLE_NOTICES = {
    "endpoint.failing": "5 attempts in a row failed",
    "endpoint.recovered": "an attempt succeeded",
    "endpoint.disabled": "nothing but failures for days",
}
_SAMPLE_FACTS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "call.ivr-option": ({"option": "1"}, {}),
    "call.prompt": ({"keys": "2000", "kind": "postcode"}, {"prompts": {"keys": ["2000"], "postcodes": ["2000"]}}),
    "call.recording": ({"status": "completed", **_RECORDING}, {"recording": _RECORDING}),
    "call.transcription": (dict(_TRANSCRIPTION), {"transcription": _TRANSCRIPTION}),
    "call.facts": ({}, {"survey": {"type": "csat", "value": 5}}),
    "call.corrected": ({}, {}),
}


def _notice(event: Event) -> dict[str, Any]:
    """What is told of an endpoint (ringback.webhooks.notices)."""
    told = {name: value for name, value in event.data.items() if value is not None}
    return {"version": VERSION, "event": {"id": to_text("evt", event.id)}, **told}


def _data(event: Event) -> _Data:
    call = _leg(event.call)
    root = call if event.root is event.call else _leg(event.root)
    ref = _EventRef(to_text("evt", event.id), event.seq)
    if event.offer is not None:
        return _Data(version=VERSION, event=ref, call=call, root=root, offer=_offer(event.offer))
    if event.type == "call.ivr-option":
        return _Data(version=VERSION, event=ref, call=call, root=root, option=event.data.get("option"))
    fact = _FACT_FIELDS.get(event.type)
    facts: dict[str, Any] = {} if fact is None else {fact: event.data}
    return _Data(version=VERSION, event=ref, call=call, root=root, **facts)


def _leg(call: Call) -> Raw:
    """The leg's JSON object: its life, then its context in the same object."""
    final = call.is_final
    life = _encode(
        _Leg(
            id=call.id,
            generation=call.generation,
            parent=call.parent,
            direction=call.direction,
            from_=call.from_,
            to=call.to,
            status=call.status,
            first_at=rfc3339(call.first_at_ms),
            ringing_at=None if call.ringing_at_ms is None else rfc3339(call.ringing_at_ms),
            answered_at=None if call.answered_at_ms is None else rfc3339(call.answered_at_ms),
            ended_at=None if call.ended_at_ms is None else rfc3339(call.ended_at_ms),
            duration_s=call.duration_s if final else None,
            answered_duration_s=call.answered_duration_s if final else None,
            cause=call.cause,
            sip_status=call.sip_status,
            ended_by=call.ended_by,
            inferred=call.inferred,
        )
    )
    context = _encode(call.context)
    return Raw(life if context == b"{}" else life[:-1] + b"," + context[1:])


def _offer(offer: Offer) -> _Offer:
    return _Offer(
        to=offer.to,
        n=offer.n,
        status=offer.status,
        leg=offer.leg,
        ringing_at=None if offer.ringing_at_ms is None else rfc3339(offer.ringing_at_ms),
        answered_at=None if offer.answered_at_ms is None else rfc3339(offer.answered_at_ms),
        ended_at=None if offer.ended_at_ms is None else rfc3339(offer.ended_at_ms),
    )


DIALECT = StandardDialect()
