"""What the engine needs of a store. Two back ends, one conformance suite (tests/conformance).

All methods are synchronous and may block: the hot ones (`load`, `commit`) are called by one writer thread, the rest from reader
threads. A batch whose folds change no call (a test, a notice) may be committed from any thread, since no version guards it.
Everything raises StoreUnavailable when the store cannot answer (disk full, file gone): nothing of the call took effect.

The port speaks in batches. `commit` refuses, call by call, what was folded from an outdated version: the caller loads again, folds
again and retries, so two writers of one call never lose an update. A row that the store cannot take (poisonous) fails alone: it is
named in the answer, the rest of the batch is committed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from ringback.calls.directory import Number, Property
from ringback.calls.model import Event
from ringback.webhooks.health import Health
from ringback.webhooks.model import Delivery, Endpoint, ErrorClass, State
from ringback.webhooks.records import Attempt, Batch, CallKey, Committed, Job, Loaded, Packed, StoredCall
from ringback.webhooks.resends import BulkResend, JobState, Wanted

Row = TypeVar("Row")


class Account(Struct, frozen=True, kw_only=True):
    """A tenant. `id` is a UUID. `country` (ISO alpha-2) lets national numbers be read; `call_limit_s` is the watchdog's.
    `bird_catch_all`: whether Bird's catch-all clause is kept to the letter (webhooks.matching, rule 3). `events_per_s`: updates
    that are taken in a second at the most; `pending_max`: deliveries that may be open before updates are refused (None: no limit).
    `retention_days`: how long what is over is kept (None: the installation's). `mask_numbers`: keys that may only look are shown no
    number whole. Of live calls (engine.call_limits): `call_prefixes`, whom the account may call (None: any E.164 number);
    `call_extensions`, extensions and SIP addresses too; `calls_at_once`, legs that may be going on; `calls_per_min`, legs that may
    be begun in a minute (None: no limit). `flows`: the URL that each flow id stands for.
    `transcribe`: recordings of live calls are written down."""

    id: str
    name: str
    created_at_ms: int
    country: str | None = None
    call_limit_s: int = 86_400
    bird_catch_all: Literal["literal", "off"] = "literal"
    events_per_s: float | None = None
    pending_max: int | None = None
    retention_days: int | None = None
    mask_numbers: bool = False
    call_prefixes: tuple[str, ...] | None = None
    call_extensions: bool = False
    calls_at_once: int | None = None
    calls_per_min: int | None = None
    flows: dict[str, str] = {}
    transcribe: bool = False


class Key(Struct, frozen=True, kw_only=True):
    """An API key as the store knows it: the SHA-256 of its text. `account` None: the operator's. `used_at_ms`: when it was used
    last, to within some seconds; written by `touch_keys` alone."""

    id: int
    hash: bytes
    account: str | None
    role: Literal["operator", "developer", "viewer"]
    name: str = ""
    created_at_ms: int = 0
    used_at_ms: int | None = None


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """Every field narrows; None does not. `number`: the conversation or the leg is from or to it, as its source wrote it. `before`:
    ids below it (the cursor; newest first)."""

    account: str
    state: str | None = None
    endpoint: int | None = None
    call: str | None = None
    event: str | None = None
    number: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    before: int | None = None
    limit: int = 50


class DeliveryRow(Struct, frozen=True):
    """A delivery as lists show it."""

    delivery: Delivery
    call_id: str
    finished_at_ms: int | None
    status: int | None
    error: ErrorClass


class Looked(Struct, Generic[Row], frozen=True):
    """What a search has found. `down_to`: its time was over when it had looked at all ids from here upwards; a search below goes on
    there. None: it found as many as were wanted, or looked at all."""

    rows: list[Row]
    down_to: int | None = None


class Over(Struct, frozen=True):
    """A conversation that is over: its root's number (of an event that stands alone: its own), and those of all its legs."""

    root: int
    legs: tuple[int, ...] = ()


class Answered(Struct, frozen=True):
    """A request that carried an Idempotency-Key before: a hash of what it asked, and its answer (None: not answered, or lost)."""

    asked: bytes
    answer: bytes | None


class Store(Protocol):
    """The port."""

    def close(self) -> None:
        """Lets go of everything; what was committed stays."""
        ...

    def organization_id(self) -> str:
        """The installation's UUID, made when the store was."""
        ...

    def derived_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for a purpose beside secrets at rest (signed links), made from the installation's secret keys: the
        first signs, all verify."""
        ...

    def last_id(self) -> int:
        """The largest id in the store: where an IdMaker goes on."""
        ...

    # The hot path (one writer thread)
    def load(self, calls: Sequence[CallKey], update_ids: Sequence[CallKey]) -> Loaded:
        """Calls by key (with their roots, under the roots' own keys), and update ids (account, id) that were taken within 72 h."""
        ...

    def commit(self, batch: Batch) -> Committed:
        """One transaction, on disk when it returns."""
        ...

    def log_attempts(self, attempts: Sequence[Packed]) -> None:
        """Appends to the day's attempt log. Not synced: a crash may cost the last moments."""
        ...

    # The dispatcher
    def open_deliveries(self, endpoint: int, after: int, limit: int) -> list[Job]:
        """Deliveries of an endpoint that are not done (pending or retrying), id > after, in id order."""
        ...

    def endpoints_with_open(self) -> list[int]:
        """Endpoints that have a delivery not done. Fast with a million of them."""
        ...

    def due(self, until_ms: int, limit: int, endpoint: int | None = None, up_to: int | None = None) -> list[Job]:
        """Retrying and held deliveries whose `next_at_ms` <= until_ms, earliest first; of one endpoint, if one is named, and then
        with an id <= up_to, if that is given (asked for every busy endpoint each few seconds, so that one with a million overdue
        rows hides nobody else's, nor a backlog the retries before it: needs an index)."""
        ...

    def held(self, root: int) -> list[Job]:
        """Held deliveries of a conversation."""
        ...

    def job(self, delivery: int) -> Job | None:
        """One delivery with its event."""
        ...

    def calls_by_number(self, numbers: Sequence[int]) -> dict[int, StoredCall]:
        """Calls by their store numbers, as they are now."""
        ...

    def open_calls(self, before_ms: int, after: int, limit: int) -> list[StoredCall]:
        """Calls without an end that were first seen before `before_ms`, n > after, in order of n: the watchdog's."""
        ...

    def cancel_deliveries(self, endpoint: int, now_ms: int) -> int:
        """All that is not done for an endpoint becomes `cancelled`; how many."""
        ...

    # What an account sets up. put_* inserts or replaces; names are unique where the text says so (Conflict).
    def put_account(self, account: Account) -> None: ...
    def accounts(self) -> list[Account]: ...
    def put_key(self, key: Key) -> None: ...
    def keys(self) -> list[Key]: ...
    def delete_key(self, key: int) -> bool: ...
    def touch_keys(self, used: Mapping[int, int]) -> None:
        """When keys were used last, in Unix milliseconds, by id; of a deleted one nothing is kept."""
        ...

    def put_endpoint(self, endpoint: Endpoint, health: Health | None = None) -> None:
        """Secrets, credentials and header values are encrypted before they are written. `health`: written with it."""
        ...

    def endpoints(self) -> list[Endpoint]: ...
    def delete_endpoint(self, endpoint: int) -> bool:
        """Gone from the list; its deliveries and their log stay."""
        ...

    def forget_endpoints(self, before_ms: int) -> int:
        """Nothing is left of endpoints that were deleted before a moment; how many."""
        ...

    def put_healths(self, healths: Mapping[int, Health]) -> None:
        """How endpoints fare now, by id; of a deleted one nothing is kept."""
        ...

    def healths(self) -> dict[int, Health]:
        """How the endpoints fare that are not as healthy as can be, by id."""
        ...

    def put_property(self, account: str, item: Property) -> None: ...
    def properties(self, account: str) -> list[Property]: ...
    def delete_property(self, account: str, item: str) -> bool: ...
    def put_number(self, account: str, number: Number) -> None: ...
    def numbers(self) -> list[tuple[str, Number]]:
        """Every account's numbers: (account, number)."""
        ...

    def delete_number(self, account: str, number: str) -> bool: ...

    # What people look at (newest first, keyset by id)
    def calls(
        self,
        account: str,
        before: int | None,
        limit: int,
        number: str | None = None,
        *,
        status: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        crm_id: str | None = None,
    ) -> list[StoredCall]:
        """Roots and legs of an account; `number`: those from or to it; `status`: those that are in it now; `since_ms`, `until_ms`:
        those first heard of then; `crm_id`: those that a CRM knows by it."""
        ...

    def look_at_calls(
        self,
        account: str,
        before: int | None,
        limit: int,
        number: str | None = None,
        *,
        status: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        crm_id: str | None = None,
        within_s: float,
    ) -> Looked[StoredCall]:
        """The same, for so many seconds and a few milliseconds at the most."""
        ...

    def call(self, account: str, call_id: str) -> StoredCall | None: ...
    def legs(self, root: int) -> list[StoredCall]: ...
    def events(self, root: int) -> list[Event]:
        """A conversation's events in order."""
        ...

    def event(self, account: str, event: int) -> Event | None:
        """One event of an account."""
        ...

    def root_of_event(self, event: int) -> int | None:
        """The number of the conversation that an event belongs to, for a further delivery of it; None: there is no such event."""
        ...

    def first_lost(self, account: str, endpoint: int, since_ms: int) -> int | None:
        """The earliest event of which a delivery to an endpoint was given up or cancelled since a moment; None: there is none.
        Tests and notices do not count."""
        ...

    def unreceived(
        self, account: str, endpoint: int, since_ms: int, until_ms: int, after: int, limit: int
    ) -> tuple[list[Event], int | None]:
        """Events of an account's calls in a span of time, of which an endpoint has no delivery, or only such as were given up or
        cancelled; in the order in which they came. Looks at the `limit` events behind the id `after`, whosever they are; the second
        value is the id of the last that was looked at, None: none was left. An event that stands alone is no call's."""
        ...

    # Bulk resends
    def put_resend(self, job: BulkResend) -> None:
        """A new job. How far it has come is written by `commit`, with what it made."""
        ...

    def end_resend(self, job: int, state: JobState, at_ms: int) -> bool:
        """A running job is over. False: it was before, or there is none."""
        ...

    def resends(self, account: str, before: int | None, limit: int) -> list[BulkResend]:
        """An account's jobs, newest first."""
        ...

    def resend(self, account: str, job: int) -> BulkResend | None: ...
    def running_resends(self) -> list[BulkResend]:
        """Every account's jobs that are not over, oldest first."""
        ...

    def resend_states(self, job: int) -> dict[State, int]:
        """What became of the resends that a job made, as far as retention has kept them: how many are in which state."""
        ...

    def resend_waiting(self, job: int) -> dict[int, int]:
        """How many of a job's resends had no attempt yet, by endpoint."""
        ...

    def open_resends(self, job: int) -> list[tuple[int, int]]:
        """(delivery, its endpoint) of what a job made and is not done."""
        ...

    def cancel_resends(self, job: int, at_ms: int, but: Collection[int] = ()) -> int:
        """All that is not done of what a job made becomes `cancelled`, but for these; how many."""
        ...

    def to_resend(
        self, account: str, wanted: Wanted, after: int, bound: int, limit: int
    ) -> tuple[list[tuple[int, int]], int | None]:
        """(delivery, its endpoint) of those that are to be sent again (webhooks.resends), oldest first. Looks at the next `limit`
        deliveries, after < id <= bound; the second value is the last that was looked at, None: none was left. Not for `missed`."""
        ...

    def jobs(self, deliveries: Sequence[int]) -> list[Job]:
        """Deliveries with their events, in this order; those that are not there any more are left out."""
        ...

    def deliveries(self, wanted: DeliveryFilter) -> list[DeliveryRow]: ...
    def look_at_deliveries(self, wanted: DeliveryFilter, within_s: float) -> Looked[DeliveryRow]:
        """The same, for so many seconds and a few milliseconds at the most."""
        ...

    def deliveries_of_events(self, events: Sequence[int]) -> list[DeliveryRow]: ...
    def delivery(self, account: str, delivery: int) -> tuple[DeliveryRow, Event] | None: ...
    def attempts(self, delivery: int) -> list[Attempt]: ...

    def count_open(self, account: str, most: int) -> int:
        """How many of an account's deliveries are not done, counted no further than `most`."""
        ...

    # Forgetting what is old, in small pieces, so that commits pass between them
    def over(self, account: str, before_ms: int, after: int, limit: int) -> tuple[list[Over], int | None]:
        """Conversations that were over before a moment: no leg without an end, no delivery open, nothing of them newer. Roots with
        a number behind `after`, oldest first; the second value is where to go on, None: none was left."""
        ...

    def over_alone(self, account: str, before_ms: int, after: int, limit: int) -> tuple[list[Over], int | None]:
        """The same for events that stand alone (tests, notices), by their deliveries' ids."""
        ...

    def forget(self, account: str, roots: Sequence[int], before_ms: int) -> int:
        """Those of these conversations that are over still are gone: calls, events, deliveries and all that finds them. How
        many."""
        ...

    def forget_resends(self, before_ms: int) -> int:
        """Bulk resends that ended before a moment are gone; how many."""
        ...

    # Requests that carry an Idempotency-Key. `owner`: an account's id, empty for the operator; `key`: a hash of the request's key
    def claim(self, owner: str, key: bytes, asked: bytes, at_ms: int, since_ms: int) -> Answered | None:
        """None: the key is the caller's now, to be answered or dropped. Else what was asked with it since `since_ms`."""
        ...

    def keep_answer(self, owner: str, key: bytes, answer: bytes) -> None:
        """What the key's request was answered. Encrypted before it is written."""
        ...

    def drop_claim(self, owner: str, key: bytes) -> None:
        """The key's request made nothing."""
        ...

    def forget_answers(self, before_ms: int) -> int:
        """Keys that were used before a moment are free again; how many."""
        ...

    def purge_attempts(self, before_ms: int) -> int:
        """Forgets the attempts of all days (UTC) that were over before a moment; how many days."""
        ...

    # The operator's notes
    def note(self, kind: str, text: str, at_ms: int) -> None:
        """One line for the operator: a source's gap, calls that fit no account."""
        ...

    def notes(self, kind: str | None, limit: int) -> list[tuple[int, str, str]]:
        """(at_ms, kind, text), newest first."""
        ...

    def health(self) -> None:
        """Writes a word, durably. Raises StoreUnavailable if that fails: then no event could be taken either."""
        ...

    def counts(self) -> dict[str, int]:
        """What is open, counted now: `pending` and `retrying` deliveries, `open_calls`."""
        ...
