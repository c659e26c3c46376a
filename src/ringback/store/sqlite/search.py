"""What people look at: calls, events, deliveries; newest first, keyset by id.

How a search goes where several fields narrow it is told in `looking`; here is which ways each field opens. Where no way is short,
what is open or failed comes first (mostly few rows), then an endpoint, a number, an event name, the account.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, Final

from ringback import ids
from ringback.calls.model import Event
from ringback.store.port import DeliveryFilter, DeliveryRow, Looked
from ringback.store.sqlite import rows, sql
from ringback.store.sqlite.database import Database
from ringback.store.sqlite.keys import Keys
from ringback.store.sqlite.looking import Span, Way, look
from ringback.store.sqlite.names import Names
from ringback.store.sqlite.rows import Row
from ringback.webhooks.records import StoredCall

LONGEST_LIFE_MS: Final = 10 * 86_400_000
"""No schedule of retries is longer."""
_SQL: Final = sql.load("search.sql")

_RANGES: Final[dict[str | None, tuple[int, int]]] = {
    None: (2, 8),
    "pending": (2, rows.HELD),
    "retrying": (4, 4),
    "waiting": (2, 4),
    "succeeded": (5, 5),
    "exhausted": (6, 6),
    "cancelled": (7, 7),
    "skipped": (8, 8),
}
"""State codes of a filter's state. `sending` is in no row: it lives in memory."""

_LISTS: Final = {
    "endpoint": ("deliveries_by_endpoint", "mark_by_endpoint"),
    "number": ("deliveries_by_number", "mark_by_number"),
    "name": ("deliveries_by_name", "mark_by_name"),
}
"""The statements of each field's list, the likeliest to be dense first."""
_FAILED: Final = ("deliveries_failed", "mark_failed")
_FAILED_OF_ENDPOINT: Final = ("deliveries_failed_of_endpoint", "mark_failed_of_endpoint")


class Search:
    """Reads for the API and the portal."""

    def __init__(self, database: Database, names: Names, keys: Keys) -> None:
        self._db = database
        self._names = names
        self._keys = keys

    def calls(self, account: str, before: int | None, limit: int, number: str | None = None, **narrowed: Any) -> list[StoredCall]:
        """See `look_at_calls`; however long it takes."""
        return self.look_at_calls(account, before, limit, number, **narrowed).rows

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
        within_s: float = inf,
    ) -> Looked[StoredCall]:
        """Roots and legs of an account, newest first; `number`: those from or to it, as the source wrote it; `status`: those
        that are in it now; `since_ms`, `until_ms`: those first heard of then; `crm_id`: those that a CRM knows by it."""
        with self._db.reading() as connection:
            small = self._names.account(connection, account)
            if small is None:
                return Looked([])
            low, high = (0, rows.LAST_END) if status is None else (rows.END_CODES.get(status, 0),) * 2
            fields = {
                "account": small,
                "number": None if number is None else self._keys.number(account, number),
                "crm": None if crm_id is None else self._keys.crm(account, crm_id),
                "low": low,
                "high": high,
            }

            def take(row: Row) -> StoredCall | None:
                # A call that runs has no code of its own: its row says only that it has no end.
                stored = rows.stored_call(*row)
                return stored if status in (None, stored.call.status) else None

            return look(connection, _call_ways(connection, fields), _span(since_ms, until_ms, before), limit, take, within_s)

    def call(self, account: str, call_id: str) -> StoredCall | None:
        """The newest life of a call."""
        with self._db.reading() as connection:
            return next(iter(self._lives(connection, account, call_id)), None)

    def legs(self, root: int) -> list[StoredCall]:
        """All legs of a conversation: its root first, then the others in the order in which they were first seen."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["root"], (root,)).fetchall() + connection.execute(_SQL["legs"], (root,)).fetchall()
        return [rows.stored_call(*row) for row in found]

    def events(self, root: int) -> list[Event]:
        """A conversation's events in order."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["events"], (root,)).fetchall()
        return sorted((rows.event(*row) for row in found), key=lambda event: (event.seq, event.id))

    def event(self, account: str, event: int) -> Event | None:
        """One event of an account."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["event"], (event,)).fetchone()
        told = None if found is None else rows.event(*found)
        return told if told is not None and told.call.account == account else None

    def root_of_event(self, event: int) -> int | None:
        """The number of the conversation that an event belongs to; None: there is no such event."""
        with self._db.reading() as connection:
            row = connection.execute(_SQL["roots_of_events"], (f"[{event}]",)).fetchone()
        return None if row is None else row[0]

    def first_lost(self, account: str, endpoint: int, since_ms: int) -> int | None:
        """The earliest event of which a delivery to an endpoint was given up or cancelled since a moment; None: there is none."""
        with self._db.reading() as connection:
            small = self._names.account(connection, account)
            oldest = ids.first_id_at(since_ms - LONGEST_LIFE_MS)
            found: int | None = connection.execute(_SQL["first_lost"], (small, endpoint, since_ms, oldest)).fetchone()[0]
        return found

    def unreceived(
        self, account: str, endpoint: int, since_ms: int, until_ms: int, after: int, limit: int
    ) -> tuple[list[Event], int | None]:
        """Events of an account's calls in a span of time, of which an endpoint has no delivery, or only such as were given up or
        cancelled; in the order in which they came. Looks at the `limit` events behind the id `after`, whosever they are; the second
        value is the id of the last that was looked at, None: none was left."""
        start = max(after, ids.first_id_at(since_ms) - 1)
        with self._db.reading() as connection:
            small = self._names.account(connection, account)
            end = connection.execute(_SQL["span_end"], (start, ids.first_id_at(until_ms), limit)).fetchone()[0]
            if small is None or end is None:
                return [], None
            found = connection.execute(_SQL["unreceived"], (start, end, small, endpoint)).fetchall()
        return [rows.event(*row) for row in found], end

    def deliveries(self, wanted: DeliveryFilter) -> list[DeliveryRow]:
        """See `look_at_deliveries`; however long it takes."""
        return self.look_at_deliveries(wanted).rows

    def look_at_deliveries(self, wanted: DeliveryFilter, within_s: float = inf) -> Looked[DeliveryRow]:
        """Deliveries that fit, newest first. `call`: a root's conversation, or one leg's own; every life of that id."""
        with self._db.reading() as connection:
            small = self._names.account(connection, wanted.account)
            name = None if wanted.event is None else self._names.number(connection, wanted.event)
            if small is None or wanted.state not in _RANGES or (name is None and wanted.event is not None):
                return Looked([])
            low, high = _RANGES[wanted.state]
            fields = {
                "account": small,
                "endpoint": wanted.endpoint,
                "name": name,
                "number": None if wanted.number is None else self._keys.number(wanted.account, wanted.number),
                "low": low,
                "high": high,
                "filled": filled_up_to(connection, "delivery"),
            }
            ways = self._ways(connection, wanted, fields)
            span = _span(wanted.since_ms, wanted.until_ms, wanted.before)
            found = look(connection, ways, span, wanted.limit, lambda row: row, within_s)
            return Looked(self._lines(connection, found.rows), found.down_to)

    def deliveries_of_events(self, events: Sequence[int]) -> list[DeliveryRow]:
        """Deliveries of these events, resends too, oldest first."""
        asked = set(events)
        with self._db.reading() as connection:
            roots = connection.execute(_SQL["roots_of_events"], (f"[{','.join(map(str, asked))}]",)).fetchall()
            found = [row for root in roots for row in connection.execute(_SQL["deliveries_of_root"], root) if row[3] in asked]
            return self._lines(connection, sorted(found))

    def delivery(self, account: str, delivery: int) -> tuple[DeliveryRow, Event] | None:
        """One delivery of an account with its event."""
        with self._db.reading() as connection:
            small = self._names.account(connection, account)
            row = connection.execute(_SQL["delivery"], (delivery, small)).fetchone()
            if row is None:
                return None
            return self._lines(connection, [row])[0], rows.event_of(row)

    def count_open(self, account: str, most: int) -> int:
        """How many of an account's deliveries are not done, counted no further than `most`."""
        total = 0
        with self._db.reading() as connection:
            for (endpoint,) in connection.execute(_SQL["busy_endpoints"], (self._names.account(connection, account),)).fetchall():
                if total < most:
                    total += connection.execute(_SQL["count_open_of"], (endpoint, most - total)).fetchone()[0]
        return total

    def span(self, delivery: int) -> tuple[int, int | None] | None:
        """(created, finished or None if it is not done) of a delivery in Unix milliseconds; None: there is none."""
        with self._db.reading() as connection:
            row = connection.execute(_SQL["when"], (delivery,)).fetchone()
        if row is None:
            return None
        state, finished_at = row
        return ids.time_of(delivery), None if state <= rows.OPEN else finished_at

    def _ways(self, connection: sqlite3.Connection, wanted: DeliveryFilter, fields: dict[str, Any]) -> list[list[Way]]:
        """Every way to the rows that fit, the likeliest to be dense first."""
        if wanted.call is not None:
            return [self._of_call(connection, wanted.account, wanted.call, fields)]
        found: list[list[Way]] = []
        if fields["high"] <= rows.OPEN:
            found.append(_open(connection, fields))
        elif fields["low"] > rows.STATE_CODES["succeeded"]:
            found.append([_way(*(_FAILED if fields["endpoint"] is None else _FAILED_OF_ENDPOINT), fields)])
        unlisted = _way("deliveries_newest", "mark_newest", fields)
        for field, statements in _LISTS.items():
            if fields[field] is not None:
                found.append([unlisted, _way(*statements, fields, fields["filled"])])
        return found or [[unlisted, _way("deliveries_by_account", "mark_by_account", fields, fields["filled"])]]

    def _of_call(self, connection: sqlite3.Connection, account: str, call_id: str, fields: Mapping[str, Any]) -> list[Way]:
        ways = []
        for life in self._lives(connection, account, call_id):
            leg = {"root": life.root_n, "call": None if life.n == life.root_n else life.n}
            ways.append(_way("deliveries_by_root", "mark_by_root", {**fields, **leg}))
        return ways

    def _lives(self, connection: sqlite3.Connection, account: str, call_id: str) -> list[StoredCall]:
        found = connection.execute(_SQL["lives"], (self._keys.call(account, call_id),)).fetchall()
        lives = [rows.stored_call(*row) for row in found]
        return [life for life in lives if (life.call.account, life.call.id) == (account, call_id)]

    def _lines(self, connection: sqlite3.Connection, found: Sequence[Row]) -> list[DeliveryRow]:
        names = self._names.texts(connection, (row[6] for row in found))
        return [rows.delivery_row(row, names[row[6]]) for row in found]


def _way(rows_: str, mark: str, fields: Mapping[str, Any], top: int = rows.END) -> Way:
    return Way(_SQL[rows_], _SQL[mark], fields, top)


def _open(connection: sqlite3.Connection, fields: Mapping[str, Any]) -> list[Way]:
    """What is open: of the endpoint, or of each that has something."""
    busy = [(fields["endpoint"],)]
    if fields["endpoint"] is None:
        busy = connection.execute(_SQL["busy_endpoints"], (fields["account"],)).fetchall()
    return [_way("deliveries_open", "mark_open", {**fields, "endpoint": endpoint}) for (endpoint,) in busy]


def _call_ways(connection: sqlite3.Connection, fields: Mapping[str, Any]) -> list[list[Way]]:
    """Every way to the calls that fit, the likeliest to be dense first; of those that run, all."""
    if fields["crm"] is not None:
        return [[_way("calls_by_crm", "mark_calls_by_crm", fields)]]
    found: list[list[Way]] = []
    if fields["low"] == fields["high"]:
        of = ("calls_ended", "mark_calls_ended") if fields["low"] else ("calls_open", "mark_calls_open")
        found.append([_way(*of, fields)])
    if fields["number"] is not None or not found:
        filled = filled_up_to(connection, "call")
        list_ = ("calls_by_account", "mark_calls_by_account")
        if fields["number"] is not None:
            list_ = ("calls_by_number", "mark_calls_by_number")
        unlisted = _way("calls_newest", "mark_calls_newest", {**fields, "filled": filled})
        found.append([unlisted, _way(*list_, fields, filled)])
    return found


def _span(since_ms: int | None, until_ms: int | None, before: int | None) -> Span:
    """A span of time and a cursor as a range of ids."""
    end = rows.END if before is None else before
    since = 0 if since_ms is None else ids.first_id_at(since_ms)
    return Span(since, end if until_ms is None else min(end, ids.first_id_at(until_ms)))


def filled_up_to(connection: sqlite3.Connection, list_: str) -> int:
    """The last id that a search list holds; newer rows stand in their table alone."""
    number: int = connection.execute(_SQL["filled"], (list_,)).fetchone()[0]
    return number
