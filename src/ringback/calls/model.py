"""A call, what is said about it, and what the ledger makes of that.

An **update** is what a source says (partial, perhaps late, perhaps twice). The ledger folds it into the **call** (one leg; a leg
without a parent is a **root**, the conversation) and makes **events**: immutable, numbered within their conversation, each with a
snapshot of the leg and of its root at that moment. All times are Unix milliseconds, UTC, cut never rounded.

Values that pass by the thousand are `gc=False`, here and elsewhere: they refer to other values only, never in a circle, so the
collector of circles need not walk through them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct

Status = Literal["accepted", "starting", "ringing", "ongoing", "completed", "no-answer", "busy", "failed", "cancelled"]
Direction = Literal["inbound", "outbound"]
STATUSES: tuple[Status, ...] = (
    "accepted",
    "starting",
    "ringing",
    "ongoing",
    "completed",
    "no-answer",
    "busy",
    "failed",
    "cancelled",
)
FINAL: frozenset[str] = frozenset(STATUSES[4:])

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Unix milliseconds of an aware datetime, cut."""
    return (at - EPOCH) // _MILLISECOND


def to_rfc3339(at_ms: int) -> str:
    """`2026-11-20T12:00:00.250Z`."""
    seconds, ms = divmod(at_ms, 1000)
    whole = datetime.fromtimestamp(seconds, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


class Geo(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Where a number is. `country` is ISO 3166 alpha-2; the rest is free text."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    postal_code: str | None = None


class Attribution(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Which campaign brought the caller (Fone Dynamics `Attribution.*`)."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    content: str | None = None


class WebSession(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """The web session that a dynamic number was shown in (Fone Dynamics `Session.*`)."""

    traffic_type: str | None = None
    keywords: str | None = None
    conversion_uri: str | None = None
    landing_uri: str | None = None
    custom_dimensions: list[str] = []


class Survey(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """What the agent keyed in after the call (Fone Dynamics `Call.Survey.*`)."""

    type: str | None = None
    value: int | None = None
    custom1: str | None = None
    custom2: str | None = None
    custom3: str | None = None
    unique_code: str | None = None


class Prompts(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Whole entries that the caller keyed, in order; `keys` includes the postcodes."""

    keys: list[str] = []
    postcodes: list[str] = []


class Integration(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Ids of connected analytics (Fone Dynamics `Google.*`)."""

    ga_client_id: str | None = None
    gclid: str | None = None


class Recording(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A recording of the call."""

    url: str | None = None
    duration_s: int | None = None
    channels: int | None = None
    status: str | None = None


class Transcription(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A transcript of the call. `summary`: what it was about."""

    text: str | None = None
    url: str | None = None
    summary: str | None = None


class Context(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """All that may be known of a call beside its life; every field optional, in any update, the last word wins.

    `extension`, `recording`, `transcription` and `prompts` are also fed by statuses, offers and the updates of that type. `tag` and
    `bulk_tag` are what whoever had the call placed calls it, and the batch that it belongs to.
    """

    caller_name: str | None = None
    crm_id: str | None = None
    extension: str | None = None
    transfer_to: str | None = None
    trunk_id: str | None = None
    answered_by: Literal["extension", "ivr", "queue", "voicemail", "announcement"] | None = None
    amd: str | None = None
    vars: dict[str, str] = {}
    disposition: str | None = None
    awaits: list[Literal["recording", "survey"]] = []
    attribution: Attribution | None = None
    session: WebSession | None = None
    survey: Survey | None = None
    prompts: Prompts | None = None
    integration: Integration | None = None
    from_geo: Geo | None = None
    to_geo: Geo | None = None
    recording: Recording | None = None
    transcription: Transcription | None = None
    tag: str | None = None
    bulk_tag: str | None = None


class CallRef(Context, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """The `call` of an update: which leg it speaks of, and its context. `from` and `to` are any string: E.164, an extension, a SIP
    URI, `anonymous`."""

    id: str
    parent: str | None = None
    direction: Direction | None = None
    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None


class Update(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What a source says about a call, already checked and with its time in milliseconds.

    `id` is the dedupe key, unique per account; None means that the source gives none. `data` by type: DESIGN's table
    (`call.ivr-option` {"option"}, `call.prompt` {"keys","kind"}, `call.recording` {"status","url","duration_s","channels"},
    `call.transcription` {"text","url"}, final statuses {"cause","sip_status","ended_by"}). `inferred` marks an end that no source
    reported (the watchdog's, or a reconciliation's). `source` names a switch (`freeswitch`); empty: an API's producer.
    """

    type: str
    at_ms: int
    call: CallRef
    data: dict[str, Any] = {}
    id: str | None = None
    inferred: bool = False
    source: str = ""


class Offer(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One try to reach somebody for a conversation: an extension or a number that rings, and perhaps answers. A fact of its own,
    kept on the root; keyed (extension, n), or by the child leg that made it.

    `status` is `starting`, `ringing`, `ongoing` or a final one. `to` is what was tried: an extension, or E.164. `rung_again` and
    `answered_again` are later words that said the same of an offer told on the root: they made nothing, and are kept so that a word
    that comes late still finds its place.
    """

    to: str
    n: int = 1
    leg: str | None = None
    status: str = "ringing"
    at_ms: int = 0
    ringing_at_ms: int | None = None
    answered_at_ms: int | None = None
    ended_at_ms: int | None = None
    rung_again: list[int] = []
    answered_again: list[int] = []


class Call(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One leg as the ledger knows it. Frozen: folding makes a new one, so a snapshot costs nothing.

    `account` is the account's UUID. `id` is the source's; `generation` counts the lives of an id that was used again. `root` is the
    id of the conversation's root leg (its own id for a root). `status` is the furthest that was reached, None before any status
    came (a child's update overtook its parent's). `reached` holds the first `at` of each status that was heard, late ones and the
    words of conflicting ends included, by status name. `ended_status` equals `status` once final. `duration_s` and
    `answered_duration_s` are whole seconds, 0 before the end. `offers` is kept on roots. `next_seq` (roots) numbers the
    conversation's events from 1. `rewrites` keeps later, different values of the fixed fields, by field name; `given` holds the
    `at` by which each fixed field was told. `entries` is what the caller keyed, (at, kind, keys) in order of time, for
    `context.prompts`. `previous_end_ms` is the end of the life before this one, for an id that was used again. `last_event`
    is the id of the last event of the leg (of the conversation, for a root): its time is when we heard of it last, which may be
    long after `updated_at_ms`, the last `at`. `version` is the store's; the ledger leaves it alone.
    """

    account: str
    id: str
    root: str
    generation: int = 1
    root_generation: int = 1
    parent: str | None = None
    direction: Direction = "inbound"
    from_: str = msgspec.field(name="from", default="")
    to: str = ""
    status: Status | None = None
    first_at_ms: int = 0
    starting_at_ms: int | None = None
    ringing_at_ms: int | None = None
    answered_at_ms: int | None = None
    ended_at_ms: int | None = None
    updated_at_ms: int = 0
    duration_s: int = 0
    answered_duration_s: int = 0
    reached: dict[str, int] = {}
    inferred: bool = False
    cause: int | None = None
    sip_status: int | None = None
    ended_by: str | None = None
    context: Context = Context()
    rewrites: dict[str, list[str]] = {}
    given: dict[str, int] = {}
    entries: list[tuple[int, str, str]] = []
    previous_end_ms: int | None = None
    last_event: int = 0
    offers: list[Offer] = []
    next_seq: int = 1
    version: int = 0
    source: str = ""

    @property
    def is_root(self) -> bool:
        """True for the conversation's own leg."""
        return self.parent is None

    @property
    def is_final(self) -> bool:
        """True once the call has its end."""
        return self.status in FINAL


class Event(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What the ledger made of an update: immutable, numbered within its conversation.

    `type` is the update's type (for an end, that of the status taken: an answered leg's is `call.completed`), or `call.corrected`
    when a true final replaced an inferred one. `status_changed` is True when the leg's status line took this status (a dialect
    that tells of legs sends only those); `offer` is set when an extension or number rings or answers for the conversation (also
    when the status line had passed that status: an offer is never late). `call` is the leg's snapshot; `root` its root's (the
    same object for a root). `data` is the update's data. `late`: a status that the leg had reached or passed; it is in the record
    and never sent.
    """

    id: int
    type: str
    at_ms: int
    seq: int
    call: Call
    root: Call
    status_changed: bool = False
    offer: Offer | None = None
    data: dict[str, Any] = {}
    late: bool = False
