"""The `bird` dialect: voice webhooks of the Bird CRM API (docs.bird.com), as its `voice.inbound` and `voice.outbound` subscriptions
get them. The vendor publishes no delivered voice event; envelope, header names and signature are documented or confirmed by
integrators' code, the payload is the Voice API's call resource at that moment.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Literal

import msgspec
from msgspec import Struct

from ringback.calls.directory import Place
from ringback.calls.model import FINAL, Call, Event, Geo, Status
from ringback.calls.numbers import Address, classify
from ringback.dialects.contract import Fact, HttpRequest
from ringback.dialects.example_calls import example
from ringback.dialects.rules import check_events, check_method
from ringback.dialects.shapes import as_uuid, carried_number, carrying_uuid, is_uuid, life, rfc3339
from ringback.dialects.signing import sign_bird
from ringback.dialects.silence import LATE, NO_PHONE_NUMBER, no_event_for
from ringback.errors import InvalidInput
from ringback.webhooks.model import Delivery, Endpoint, Filter, Method, Order, RetryPolicy

INBOUND = "voice.inbound"
OUTBOUND = "voice.outbound"
_COMMON: tuple[Status, ...] = ("starting", "ringing", "ongoing", "completed", "no-answer", "busy", "failed")
STATUSES_OF: Mapping[str, tuple[Status, ...]] = {INBOUND: _COMMON, OUTBOUND: ("accepted", *_COMMON, "cancelled")}
"""The statuses that fire, by event: also the values that a `status` filter may have (the vendor's lists; `started` in its
prose and `delivered` in its table are in neither)."""

_STATUS_OF_TYPE: dict[str, Status] = {f"call.{status}": status for status in STATUSES_OF[OUTBOUND]}
_GAPS_S = (
    *(10, 12, 14, 17, 21, 25, 30, 36, 43, 51, 61, 74, 88, 106, 127, 152, 183, 219),
    *(262, 315, 377, 452, 542, 650, 780, 935, 1121, 1344, 1612, 1932, 2317, 2778, 3331, 3994, 4789),
)
_HANGUP_SOURCES = {"caller": "originator", "callee": "receiver", "switch": "platform", "platform": "platform"}
_REASONS = {
    1: "Unallocated number",
    2: "No route to transit network",
    3: "No route to destination",
    22: "Number changed",
    27: "Destination out of order",
    28: "Invalid number format",
    29: "Facility rejected",
    34: "No circuit available",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    50: "Requested facility not subscribed",
    57: "Bearer capability not authorized",
    58: "Bearer capability not available",
    88: "Incompatible destination",
    102: "Recovery on timer expiry",
    111: "Protocol error",
    127: "Interworking",
}
"""ITU-T Q.850 cause values that end a call as `failed`, in its words."""

FACTS: tuple[Fact, ...] = (
    Fact("method and body", "inferred", "POST with `content-type: application/json`: what integrators' receivers parse."),
    Fact("envelope", "inferred", "`service` (`channels`), `event`, `payload`: seen by two independent receivers of voice events."),
    Fact(
        "payload", "inferred", "The Voice API's call resource as it stood at the event; what is not known is left out, never null."
    ),
    Fact("ASCII only", "inferred", "Other characters as `\\uXXXX`, since the vendor's Node sample verifies the body as Latin-1."),
    Fact("statuses", "documented", "Seven for `voice.inbound`; `accepted` and `cancelled` too for `voice.outbound`."),
    Fact("inbound caller gave up", "ours", "Goes out as `no-answer`: inbound has no `cancelled`."),
    Fact("legs", "inferred", "Roots, and legs to phone numbers with `parentId`; legs to extensions are not told."),
    Fact("ids", "ours", "A call id that is a UUID is kept, any other becomes a UUID that is stable."),
    Fact("direction", "inferred", "`incoming` is in the vendor's sample; `outgoing` follows."),
    Fact("type", "documented", "`pstn`, the first of the vendor's values; others are not published."),
    Fact("duration", "inferred", "Whole seconds after answer, from `ongoing` on; 0 if nobody answered."),
    Fact("hangupSource", "ours", "`originator`, `receiver` or `platform`: the vendor's values are not published."),
    Fact("hangupSipCode", "documented", "A string; `hangupCauseCode` is an integer (Q.850)."),
    Fact("reason", "ours", "On `failed`: the Q.850 cause in words, else the SIP code."),
    Fact("callerIdName", "ours", "The caller's name, if the source told it."),
    Fact("countryIsoCode", "ours", "What the source told, else what the number tells."),
    Fact("channelId", "documented", "A UUID: the number's own, or one made from the account."),
    Fact(
        "signature",
        "documented",
        "Base64 HMAC-SHA256 over timestamp, LF, URL, LF, raw SHA-256 of the body; the key as given.",
    ),
    Fact("URL in the signature", "inferred", "The endpoint's, byte for byte."),
    Fact("no signing key", "inferred", "No `messagebird-signature`; timestamp and request id are sent all the same."),
    Fact("signature on retries", "inferred", "Made once: retries carry the first timestamp and signature."),
    Fact("messagebird-request-id", "documented", "A UUID for the log; the same for all attempts, another for a resend."),
    Fact("success", "documented", "Any 2xx; a redirect is a failure and is not followed (inferred)."),
    Fact("retries", "documented", "Over 8 hours, at growing gaps, 36 attempts."),
    Fact("gaps", "ours", "35 gaps from 10 s, each a fifth longer, 28,800 s in all; no jitter."),
    Fact("Retry-After and 410", "ours", "Ignored: the vendor gives them no meaning."),
    Fact("time-out", "ours", "10 s for connecting and answering."),
    Fact("order", "ours", "Within a call: the vendor promises none."),
    Fact(
        "URL pattern",
        "documented",
        "https, a dotted name, no port; `--allow-http`, `--allow-network` lift it as far as they go.",
    ),
    Fact("filters", "documented", "`status` (any of those given) and at most one `channelId`, combined with AND."),
    Fact("a status filter given twice", "ours", "Counts once."),
    Fact(
        "catch-all clause",
        "documented",
        "Without filters, no event that a filtered one takes. Ours: the log shows it, an account may switch it off.",
    ),
    Fact(
        "five alike", "documented", "In Bird's own API: no sixth of the same event and set of filters; inactive ones count (ours)."
    ),
)


class _Number(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    type: str | None = None
    number: str | None = None
    anonymous: bool
    caller_id_name: str | None = msgspec.field(name="callerIdName", default=None)
    country: str | None = msgspec.field(name="countryIsoCode", default=None)


class _Party(Struct, frozen=True, gc=False):
    number: _Number


class _Call(Struct, frozen=True, omit_defaults=True, kw_only=True, rename="camel", gc=False):
    id: str
    channel_id: str
    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    originator: _Party
    receiver: _Party
    parent_id: str | None = None
    direction: Literal["incoming", "outgoing"]
    status: Status
    reason: str | None = None
    type: Literal["pstn"]
    duration: int | None = None
    hangup_cause_code: int | None = None
    hangup_source: str | None = None
    hangup_sip_code: str | None = None
    created_at: str
    ringing_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None
    updated_at: str


class _Envelope(Struct, frozen=True, gc=False):
    service: Literal["channels"]
    event: str
    payload: _Call


_encode = msgspec.json.Encoder().encode
_NOT_ASCII = re.compile("[^\x00-\x7f]+")
_CONTENT_TYPE = ("content-type", "application/json")


class BirdDialect:
    """See the module and `contract.Dialect`."""

    name = "bird"
    events: tuple[str, ...] = (INBOUND, OUTBOUND)
    filter_keys = frozenset({"status", "channelId"})
    methods: tuple[Method, ...] = ("POST",)
    default_order: Order = "call"
    retry = RetryPolicy(delays_s=_GAPS_S)
    timeout_s = 10.0

    def event_name(self, event: Event, place: Place) -> str | None:
        """`voice.inbound` or `voice.outbound`, for each status that a root, or a leg to a phone number, has taken."""
        status = _STATUS_OF_TYPE.get(event.type)
        if status is None or not event.status_changed:
            return None
        call = event.call
        if call.parent is not None and classify(call.to, place.country).kind != "e164":
            return None
        if call.direction == "outbound":
            return OUTBOUND
        return None if status == "accepted" else INBOUND

    def why_not(self, event: Event, place: Place) -> str:
        """No status, late, an offer alone, a leg that goes to no phone number, `accepted` of an inbound call."""
        if self.event_name(event, place) is not None:
            return ""
        if event.type not in _STATUS_OF_TYPE:
            return no_event_for("Bird", event.type)
        if not event.status_changed:
            return LATE if event.offer is None else "It is about who was tried, and the leg's own status did not change."
        return no_event_for("Bird", "an inbound call that is accepted") if event.type == "call.accepted" else NO_PHONE_NUMBER

    def filter_value(self, key: str, event: Event, place: Place) -> str | None:
        """`status` as it is sent; `channelId` of the account's number in the call."""
        if key == "status":
            return _status(event)
        return place.number.channel_id if key == "channelId" else None

    def check_endpoint(self, endpoint: Endpoint, *, allow_http: bool, allow_network: bool) -> None:
        """The vendor's URL pattern, its filters, POST. `allow_http` lifts https; `allow_network` lifts the dotted name with letters
        at its end, and lets a port be named. Raises InvalidInput."""
        if not _url_pattern(allow_http, allow_network).fullmatch(endpoint.url):
            raise InvalidInput(_url_rule(allow_http, allow_network), "url")
        check_method(endpoint, self.methods)
        check_events(endpoint, self.events)
        _check_filters(endpoint)
        if any(not secret.value for secret in endpoint.secrets):
            raise InvalidInput("is empty: leave it out to send unsigned", "secret")

    def new_secret(self, random_bytes: bytes) -> str | None:
        """None: an endpoint without a signing key stays unsigned."""
        return None

    def hold_until_ms(self, event: Event, endpoint: Endpoint) -> int | None:
        """Nothing waits: no fact that comes later is part of the payload."""
        return None

    def complete(self, root_now: Event) -> bool:
        """Always: nothing waits."""
        return True

    def render(self, event: Event, endpoint: Endpoint, delivery: Delivery, place: Place, now_ms: int) -> HttpRequest:
        """The same bytes and headers on every attempt of a delivery, once `delivery.signed_at_s` is set: one signature, by the
        newest key."""
        outbound = event.call.direction == "outbound"
        body = _ascii(_encode(_Envelope("channels", OUTBOUND if outbound else INBOUND, _payload(event, place))))
        signed_at = str(now_ms // 1000 if delivery.signed_at_s is None else delivery.signed_at_s)
        request_id = request_id_of(endpoint.account, delivery.id)
        headers = [_CONTENT_TYPE, ("messagebird-request-timestamp", signed_at), ("messagebird-request-id", request_id)]
        if endpoint.secrets:
            headers.insert(1, ("messagebird-signature", sign_bird(endpoint.secrets[0].value, signed_at, endpoint.url, body)))
        return HttpRequest("POST", endpoint.url, tuple(headers), body)

    def succeeded(self, status: int) -> bool:
        """Any 2xx."""
        return 200 <= status < 300

    def samples(self) -> Mapping[str, Event]:
        """The end of an answered call, of either direction: the vendor has no test values."""
        return {INBOUND: example("inbound", "completed"), OUTBOUND: example("outbound", "completed")}


def request_id_of(account: str, delivery: int) -> str:
    """A delivery's `messagebird-request-id`."""
    return carrying_uuid(account, "delivery", delivery)


def delivery_of(account: str, request_id: str) -> int | None:
    """The delivery behind a `messagebird-request-id`; None: no delivery of the account ever had it."""
    return carried_number(account, "delivery", request_id)


def distinct_filters(filters: Iterable[Filter]) -> tuple[Filter, ...]:
    """The filters without repeats, in their order: a `status` given twice counts once."""
    return tuple(dict.fromkeys(filters))


def _status(event: Event) -> Status | None:
    status = _STATUS_OF_TYPE.get(event.type)
    return "no-answer" if status == "cancelled" and event.call.direction == "inbound" else status


def _payload(event: Event, place: Place) -> _Call:
    call = event.call
    status = _STATUS_OF_TYPE[event.type]
    final = status in FINAL
    caller, called = _caller(call, place.country), _called(call, place.country)
    return _Call(
        id=as_uuid(call.account, life(call.id, call.generation)),
        channel_id=place.number.channel_id,
        from_=caller.number,
        to=called.number,
        originator=_Party(caller),
        receiver=_Party(called),
        parent_id=None if call.parent is None else _parent_id(event, call.parent),
        direction="outgoing" if call.direction == "outbound" else "incoming",
        status=_status(event) or status,
        reason=_reason(call) if status == "failed" else None,
        type="pstn",
        duration=call.answered_duration_s if final else 0 if status == "ongoing" else None,
        hangup_cause_code=call.cause if final else None,
        hangup_source=_HANGUP_SOURCES.get(call.ended_by or "") if final else None,
        hangup_sip_code=str(call.sip_status) if final and call.sip_status is not None else None,
        created_at=rfc3339(call.first_at_ms),
        ringing_at=None if call.ringing_at_ms is None else rfc3339(call.ringing_at_ms),
        answered_at=None if call.answered_at_ms is None else rfc3339(call.answered_at_ms),
        ended_at=None if call.ended_at_ms is None else rfc3339(call.ended_at_ms),
        updated_at=rfc3339(call.updated_at_ms or event.at_ms),
    )


def _parent_id(event: Event, parent: str) -> str:
    """The id under which the parent's own events went out."""
    generation = event.root.generation if parent == event.root.id else 1
    return as_uuid(event.call.account, life(parent, generation))


def _caller(call: Call, country: str | None) -> _Number:
    address = classify(call.from_, country)
    withheld = address.kind == "anonymous"
    return _Number(
        type="pstn" if address.kind == "e164" else None,
        number=None if withheld else _number(address),
        anonymous=withheld,
        caller_id_name=call.context.caller_name,
        country=_country(call.context.from_geo, address),
    )


def _called(call: Call, country: str | None) -> _Number:
    address = classify(call.to, country)
    return _Number(
        type="pstn" if address.kind == "e164" else None,
        number=_number(address),
        anonymous=False,
        country=_country(call.context.to_geo, address),
    )


def _number(address: Address) -> str | None:
    """E.164, else what the source said: a SIP URI, an extension."""
    return address.e164 if address.kind == "e164" else address.text or None


def _country(given: Geo | None, address: Address) -> str | None:
    """What the source said, else what the number tells."""
    if given is not None and given.country is not None:
        return given.country
    return _country_of(address.e164) if address.kind == "e164" and address.e164 else None


@lru_cache(maxsize=20_000)
def _country_of(e164: str) -> str | None:
    """The country of a number, without the places in it: those are tables of 100 MB, this is one of 1 MB and 15 µs."""
    import phonenumbers

    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
    return country if country and country.isalpha() else None  # 001: a number of no country


def _reason(call: Call) -> str | None:
    named = _REASONS.get(call.cause or 0)
    return named or (None if call.sip_status is None else f"SIP {call.sip_status}")


def _ascii(body: bytes) -> bytes:
    """JSON text with every character beyond ASCII as `\\uXXXX`, beyond the BMP as two of them (RFC 8259 section 7)."""
    if body.isascii():
        return body
    return _NOT_ASCII.sub(lambda found: encode_basestring_ascii(found.group())[1:-1], body.decode()).encode()


def _url_pattern(allow_http: bool, allow_network: bool) -> re.Pattern[str]:
    scheme = "https?" if allow_http else "https"
    host = r"(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*)(?::[0-9]{1,5})?" if allow_network else _DOTTED_NAME
    return re.compile(rf"{scheme}://{host}(?:/[^\s]*)?")


_DOTTED_NAME = r"(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}"


def _url_rule(allow_http: bool, allow_network: bool) -> str:
    scheme = "http:// or https://" if allow_http else "https://"
    host = "a host" if allow_network else "a dotted host name without a port"
    return f"must be {scheme}, {host}, and then nothing or a path"


def _check_filters(endpoint: Endpoint) -> None:
    chosen = endpoint.events or STATUSES_OF.keys()
    statuses = [status for status in STATUSES_OF[OUTBOUND] if any(status in STATUSES_OF[event] for event in chosen)]
    channels = 0
    for i, wish in enumerate(endpoint.filters):
        if wish.key == "status":
            if wish.value not in statuses:
                raise InvalidInput(f"no such status for {', '.join(sorted(chosen))}: {', '.join(statuses)}", f"filters[{i}].value")
        elif wish.key == "channelId":
            channels += 1
            if channels > 1:
                raise InvalidInput("only one channelId filter is possible", f"filters[{i}].key")
            if not is_uuid(wish.value):
                raise InvalidInput("must be a UUID", f"filters[{i}].value")
        else:
            raise InvalidInput("must be status or channelId", f"filters[{i}].key")


DIALECT = BirdDialect()
