"""Bodies of the JSON dialects as typed values, for an application that has verified them.

Lenient on purpose: a field that is new is ignored, a word that is new is a word, so that a sender's next version breaks nobody.
"""

from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from ringback.errors import InvalidInput

T = TypeVar("T")


class Leg(Struct, frozen=True, kw_only=True):
    """A leg of a `standard` webhook; docs/reference/standard.md says what each field means. None or empty: not known."""

    id: str
    generation: int = 1
    parent: str | None = None
    direction: str
    from_: str = msgspec.field(name="from", default="")
    to: str = ""
    status: str | None = None
    first_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration_s: int | None = None
    answered_duration_s: int | None = None
    cause: int | None = None
    sip_status: int | None = None
    ended_by: str | None = None
    inferred: bool = False
    caller_name: str | None = None
    crm_id: str | None = None
    extension: str | None = None
    transfer_to: str | None = None
    trunk_id: str | None = None
    answered_by: str | None = None
    amd: str | None = None
    vars: dict[str, str] = {}
    disposition: str | None = None
    awaits: list[str] = []
    attribution: dict[str, Any] | None = None
    session: dict[str, Any] | None = None
    survey: dict[str, Any] | None = None
    prompts: dict[str, Any] | None = None
    integration: dict[str, Any] | None = None
    from_geo: dict[str, Any] | None = None
    to_geo: dict[str, Any] | None = None
    recording: dict[str, Any] | None = None
    transcription: dict[str, Any] | None = None
    tag: str | None = None
    bulk_tag: str | None = None


class StandardOffer(Struct, frozen=True, kw_only=True):
    """A try to reach somebody for the conversation."""

    to: str
    n: int = 1
    status: str
    leg: str | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None


class EventRef(Struct, frozen=True):
    """The event's id, and its number within the conversation: a smaller one happened before."""

    id: str
    seq: int


class StandardData(Struct, frozen=True, kw_only=True):
    """`data` of a `standard` webhook: the leg, its root, and the facts of this event."""

    version: int
    event: EventRef
    call: Leg
    root: Leg
    offer: StandardOffer | None = None
    option: str | None = None
    prompt: dict[str, Any] | None = None
    recording: dict[str, Any] | None = None
    transcription: dict[str, Any] | None = None


class StandardWebhook(Struct, frozen=True):
    """The body of a `standard` webhook. `timestamp` is when it happened."""

    type: str
    timestamp: datetime
    data: StandardData


class NoticeRef(Struct, frozen=True):
    """The event's id."""

    id: str


class NoticeEndpoint(Struct, frozen=True):
    """The endpoint that a notice is about. Credentials in `url` are masked."""

    id: str
    url: str
    dialect: str
    description: str = ""


class NoticeData(Struct, frozen=True, kw_only=True):
    """`data` of a notice. `failing_since`: when the first failure of the row ended; None: not known."""

    version: int
    event: NoticeRef
    endpoint: NoticeEndpoint
    reason: str
    failing_since: datetime | None = None


class StandardNotice(Struct, frozen=True):
    """The body of a `standard` webhook that is about an endpoint of the account, not about a call."""

    type: Literal["endpoint.failing", "endpoint.recovered", "endpoint.disabled"]
    timestamp: datetime
    data: NoticeData


class BirdNumber(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is at one end of a Bird call."""

    type: str | None = None
    number: str | None = None
    anonymous: bool = False
    caller_id_name: str | None = None
    identity: str | None = None
    country_iso_code: str | None = None
    pstn_number_type: str | None = None


class BirdParty(Struct, frozen=True, kw_only=True):
    """One end of a Bird call."""

    contact: dict[str, Any] | None = None
    number: BirdNumber | None = None


class BirdCall(Struct, frozen=True, kw_only=True, rename="camel"):
    """`payload` of a Bird voice webhook: the Voice API's call resource. None: not sent."""

    id: str
    channel_id: str | None = None
    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    originator: BirdParty | None = None
    receiver: BirdParty | None = None
    parent_id: str | None = None
    direction: str | None = None
    status: str
    reason: str | None = None
    type: str | None = None
    duration: int | None = None
    hangup_cause_code: int | None = None
    hangup_source: str | None = None
    hangup_sip_code: str | None = None
    created_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    scheduled_for: datetime | None = None
    tags: list[str] = []


class BirdWebhook(Struct, frozen=True):
    """The body of a Bird voice webhook: `event` is `voice.inbound` or `voice.outbound`."""

    service: str
    event: str
    payload: BirdCall


class _Head(Struct):
    type: str


_head = msgspec.json.Decoder(_Head)
_standard = msgspec.json.Decoder(StandardWebhook)
_notice = msgspec.json.Decoder(StandardNotice)
_bird = msgspec.json.Decoder(BirdWebhook)


def parse_standard(body: bytes) -> StandardWebhook:
    """The body of a `standard` webhook about a call. Raises InvalidInput, with the field's path."""
    return _decoded(_standard, body)


def parse_notice(body: bytes) -> StandardNotice:
    """The body of a `standard` webhook about an endpoint. Raises InvalidInput, with the field's path."""
    return _decoded(_notice, body)


def parse_standard_or_notice(body: bytes) -> StandardWebhook | StandardNotice:
    """For a receiver that takes both. Raises InvalidInput, with the field's path."""
    return parse_notice(body) if _decoded(_head, body).type.startswith("endpoint.") else parse_standard(body)


def parse_bird(body: bytes) -> BirdWebhook:
    """The body of a Bird voice webhook. Raises InvalidInput, with the field's path."""
    return _decoded(_bird, body)


def _decoded(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # "Expected `str`, got `int` - at `$.payload.id`"
        what, _, path = str(error).partition(" - at `$")
        raise InvalidInput(what, path.rstrip("`").removeprefix(".")) from None
    except RecursionError:
        raise InvalidInput("is nested too deeply") from None
