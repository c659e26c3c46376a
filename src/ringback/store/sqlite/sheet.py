"""Folds as rows, table by table. Several folds of one call in a batch become one write of its last state."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from msgspec import MsgspecError, Struct
from msgspec.structs import replace

from ringback.calls.model import Call, Event
from ringback.store.sqlite import rows
from ringback.store.sqlite.keys import Keys
from ringback.store.sqlite.rows import Row
from ringback.store.sqlite.seen import SeenRow
from ringback.webhooks.records import CallKey, Fold, StoredCall

log = logging.getLogger("ringback.store")


class CannotTake(Exception):
    """A fold that the store cannot take, with one line why."""


class Lookup(Struct, frozen=True):
    """What a sheet must ask the database: the small numbers of an account and of a name, and the call of an event stored before.

    Each raises CannotTake if there is none. `known`: a call as memory has it, or None.
    """

    keys: Keys
    known: Callable[[CallKey], StoredCall | None]
    account: Callable[[str], int]
    name: Callable[[str], int]
    call_of_event: Callable[[int], int]


class CallWrite:
    """One call's write. `base`: the version that it must have now, 0: it is new. `version`: what it will have. `told`: the event
    whose snapshot it is (see the schema), so that a state is written once; only a call that moved without an event has a `body`."""

    __slots__ = ("account", "base", "body", "stored", "told", "version")

    def __init__(self, account: int, base: int) -> None:
        self.account = account
        self.base = base
        self.version = base
        self.stored: StoredCall
        self.told: int
        self.body: bytes | None

    @property
    def key(self) -> CallKey:
        """The key that the call is loaded by."""
        return (self.stored.call.account, self.stored.call.id)

    def after(self) -> StoredCall:
        """The call as `load` gives it from now on."""
        return StoredCall(self.stored.n, self.stored.root_n, replace(self.stored.call, version=self.version))


class Sheet:
    """The rows of the folds that were added."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.calls: dict[int, CallWrite] = {}
        self.events: list[Row] = []
        self.deliveries: list[Row] = []
        self.seen: list[SeenRow] = []
        self.released: list[tuple[int]] = []

    def add(self, fold: Fold) -> bool:
        """False: a call of it was moved by an earlier fold of this batch that it does not know (stale); nothing was added.

        Raises CannotTake, or what an encoder raises for a value that has no stored form; nothing was added then either.
        """
        for stored in fold.calls:
            earlier = self.calls.get(stored.n)
            if earlier is not None and earlier.version != stored.call.version:
                return False
        account = self._lookup.account(fold.account)
        bodies = _Bodies()
        calls = [(stored, _told(fold.events, stored.call)) for stored in fold.calls]
        own = [None if told else bodies.of(stored.call) for stored, told in calls]
        events, call_of = self._events(fold, bodies)
        deliveries = self._deliveries(fold, account, call_of)
        for (stored, told), body in zip(calls, own, strict=True):
            write = self.calls.get(stored.n)
            if write is None:
                write = self.calls[stored.n] = CallWrite(account, stored.call.version)
            write.version += 1
            write.stored = stored
            write.told = told
            write.body = body
        self.events += events
        self.deliveries += deliveries
        self.released += [(number,) for number in fold.release]
        if fold.update_id is not None:
            self.seen.append(self._seen(fold, fold.update_id))
        return True

    def call_rows(self) -> "CallRows":
        """The calls' writes as rows."""
        made = CallRows([], [], [], [], [])
        for n, write in self.calls.items():
            call = write.stored.call
            crm_id = call.context.crm_id
            if write.base == 0:
                if crm_id:
                    made.crm_ids.append((n, self._lookup.keys.crm(call.account, crm_id)))
                open_since = None if call.is_final else call.first_at_ms
                key, root = self._lookup.keys.call(call.account, call.id), write.stored.root_n
                state = (call.generation, write.version, open_since, *self._numbers(call), write.told, write.body)
                made.born.append((n, root, write.account, key, *state, rows.end_code(call)))
                continue
            row = (n, write.version, write.told, write.body, write.base)
            if call.is_final:
                made.ended.append((*row, rows.end_code(call)))
            else:
                made.moved.append(row)
            known = self._lookup.known(write.key)
            if known is None or known.n != n or known.call.from_ != call.from_ or known.call.to != call.to:
                made.numbers.append((n, *self._numbers(call)))
            if crm_id and (known is None or known.n != n or known.call.context.crm_id != crm_id):
                made.crm_ids.append((n, self._lookup.keys.crm(call.account, crm_id)))
        return made

    def _numbers(self, call: Call) -> tuple[int, int]:
        keys = self._lookup.keys
        return keys.number(call.account, call.from_), keys.number(call.account, call.to)

    def _events(self, fold: Fold, bodies: "_Bodies") -> tuple[list[Row], dict[int, int]]:
        events: list[Row] = []
        call_of: dict[int, int] = {}
        for event, (n, root) in zip(fold.events, fold.event_calls, strict=True):
            call_of[event.id] = n
            of_root = None if event.root is event.call or event.root == event.call else bodies.of(event.root)
            events.append((event.id, root, n, rows.event_body(event, bodies.of(event.call), of_root)))
        return events, call_of

    def _deliveries(self, fold: Fold, account: int, call_of: dict[int, int]) -> list[Row]:
        made: list[Row] = []
        for delivery in fold.deliveries:
            call = call_of.get(delivery.event)
            if call is None:
                call = self._lookup.call_of_event(delivery.event)
            made.append(rows.new_delivery(delivery, account, call, self._lookup.name(delivery.name)))
        return made

    def _seen(self, fold: Fold, update_id: str) -> SeenRow:
        event = fold.events[0] if fold.events else None
        told = event is not None and event.call.id == fold.call_id
        return (self._lookup.keys.update(fold.account, update_id), event.id if event else 0, None if told else fold.call_id)


class CallRows(NamedTuple):
    """Rows of new calls, of running ones, of those that have their end, of those whose numbers may be others now, and of those that
    a CRM knows by an id which is new."""

    born: list[Row]
    moved: list[Row]
    ended: list[Row]
    numbers: list[Row]
    crm_ids: list[Row]


def _told(events: Sequence[Event], call: Call) -> int:
    """The event of the fold that has this very state as a snapshot: its id for the event's call, minus its id for the root."""
    for event in reversed(events):
        if event.call is call:
            return event.id
        if event.root is call and event.root != event.call:
            return -event.id
    return 0


class _Bodies:
    """Encoded calls of one fold: the snapshots of its events are mostly the same objects, which are encoded once."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[int, bytes] = {}

    def of(self, call: Call) -> bytes:
        made = self._made.get(id(call))
        if made is None:
            made = self._made[id(call)] = rows.call_body(call)
        return made


POISON: Final = (CannotTake, UnicodeError, OverflowError, TypeError, ValueError, LookupError, RecursionError, MsgspecError)
"""What a row that has no stored form raises on the way into the database (sqlite3's own errors aside)."""


def why(error: BaseException) -> str:
    """One line for the answer: what is wrong with a fold, without its contents."""
    if isinstance(error, CannotTake):
        return str(error)
    if isinstance(error, UnicodeError):
        return "a text is not valid Unicode"
    if isinstance(error, OverflowError):
        return "a number is too large"
    if isinstance(error, sqlite3.DataError):
        return "it is too large"
    log.warning("a fold that the store cannot take", exc_info=error)
    return f"the store cannot take it ({type(error).__name__})"
