"""Bulk resends: the jobs themselves, and what they are to send again (webhooks.resends has the rule).

A job looks at deliveries in the order of their ids, by the narrowest way that its filter opens, a block at a time; of a block one
statement tells which are to be resent.
"""

import heapq
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct

from ringback import ids
from ringback.errors import NotFound
from ringback.store.sqlite import rows, sql
from ringback.store.sqlite.rows import Row
from ringback.store.sqlite.search import Search, filled_up_to
from ringback.webhooks.model import State
from ringback.webhooks.records import Job
from ringback.webhooks.resends import STATES, BulkResend, JobState, Wanted

RARE: Final = 2_000
"""Deliveries of a number that are looked at one by one, rather than all that failed or that an endpoint has."""

_SQL: Final = sql.load("resends.sql")
_STATES: Final[tuple[JobState, ...]] = ("running", "done", "cancelled")
_FIRST: Final = 1
"""Codes of a job's states start here; append-only, they are on disk."""


class _Body(Struct, array_like=True):
    """What of a job never changes."""

    account: str
    wanted: Wanted
    rate_per_s: float | None
    total: int
    bound: int
    by: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Body).decode


class Resends(Search):
    """Reads and writes of bulk resends. How far a job has come is written by `commit`, with what it made."""

    def put_resend(self, job: BulkResend) -> None:
        """A new job. Raises NotFound if there is no such account."""
        body = _encode(_Body(job.account, job.wanted, job.rate_per_s, job.total, job.bound, job.by))
        with self._db.writing() as connection:
            account = self._names.account(connection, job.account)
            if account is None:
                raise NotFound("there is no such account")
            numbers = (job.cursor, job.made, job.unmade, job.finished_at_ms)
            connection.execute(_SQL["add_resend"], (job.id, account, _STATES.index(job.state) + _FIRST, *numbers, body))

    def end_resend(self, job: int, state: JobState, at_ms: int) -> bool:
        """A running job is over. False: it was before, or there is none."""
        with self._db.writing() as connection:
            return connection.execute(_SQL["end_resend"], (job, _STATES.index(state) + _FIRST, at_ms)).rowcount > 0

    def resends(self, account: str, before: int | None, limit: int) -> list[BulkResend]:
        """An account's jobs, newest first."""
        with self._db.reading() as connection:
            small = self._names.account(connection, account)
            return _jobs(connection.execute(_SQL["resends"], (small, rows.END if before is None else before, limit)))

    def resend(self, account: str, job: int) -> BulkResend | None:
        """One job of an account."""
        with self._db.reading() as connection:
            small = self._names.account(connection, account)
            return next(iter(_jobs(connection.execute(_SQL["resend"], (job, small)))), None)

    def running_resends(self) -> list[BulkResend]:
        """Every account's jobs that are not over, oldest first."""
        with self._db.reading() as connection:
            return _jobs(connection.execute(_SQL["running_resends"]))

    def resend_states(self, job: int) -> dict[State, int]:
        """What became of the resends that a job made, as far as retention has kept them: how many are in which state."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["resend_states"], (job,)).fetchall()
        return {rows.STATES[code]: count for code, count in found}

    def resend_waiting(self, job: int) -> dict[int, int]:
        """How many of a job's resends had no attempt yet, by endpoint."""
        with self._db.reading() as connection:
            return dict(connection.execute(_SQL["resend_waiting"], (job,)).fetchall())

    def cancel_resends(self, job: int, at_ms: int, but: Collection[int] = ()) -> int:
        """All that is not done of what a job made becomes `cancelled`, but for these; how many."""
        with self._db.writing() as connection:
            return connection.execute(_SQL["cancel_resends"], (job, at_ms, _list(but))).rowcount

    def open_resends(self, job: int) -> list[tuple[int, int]]:
        """(delivery, its endpoint) of what a job made and is not done."""
        with self._db.reading() as connection:
            return connection.execute(_SQL["open_resends"], (job,)).fetchall()

    def to_resend(
        self, account: str, wanted: Wanted, after: int, bound: int, limit: int
    ) -> tuple[list[tuple[int, int]], int | None]:
        """(delivery, its endpoint) of those that are to be sent again, oldest first. Looks at the next `limit` deliveries of the
        narrowest way, after < id <= bound; the second value is the last that was looked at, None: none was left."""
        states = [rows.STATE_CODES[state] for state in STATES[wanted.state]]
        with self._db.reading() as connection:
            small = self._names.account(connection, account)
            name = None if wanted.event is None else self._names.number(connection, wanted.event)
            if small is None or (name is None and wanted.event is not None):
                return [], None
            before = bound + 1 if wanted.until_ms is None else min(bound + 1, ids.first_id_at(wanted.until_ms))
            fields: dict[str, Any] = {
                "account": small,
                "endpoint": wanted.endpoint,
                "name": name,
                "number": None if wanted.number is None else self._keys.number(account, wanted.number),
                "low": min(states),
                "high": max(states),
                "settled": rows.OPEN if wanted.state == "succeeded" else rows.STATE_CODES["succeeded"],
                "after": after if wanted.since_ms is None else max(after, ids.first_id_at(wanted.since_ms) - 1),
                "before": before,
                "limit": limit,
            }
            looked_at = [row[0] for row in islice(self._look(connection, account, wanted, fields), limit)]
            if not looked_at:
                return [], None
            found = connection.execute(_SQL["again"], {**fields, "ids": _list(looked_at)}).fetchall()
        return found, looked_at[-1]

    def jobs(self, deliveries: Sequence[int]) -> list[Job]:
        """Deliveries with their events, in this order; those that are not there any more are left out."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["jobs"], (_list(deliveries),)).fetchall()
            names = self._names.texts(connection, (row[6] for row in found))
        return [Job(rows.delivery(row, names[row[6]]), rows.event_of(row)) for row in found]

    def _look(self, connection: sqlite3.Connection, account: str, wanted: Wanted, fields: dict[str, Any]) -> Iterator[Row]:
        """The deliveries to look at, oldest first; each way is read only as far as it is needed."""
        if wanted.call is not None:
            lives = self._lives(connection, account, wanted.call)
            legs = [{"root": life.root_n, "call": None if life.n == life.root_n else life.n} for life in lives]
            return _oldest_first(connection.execute(_SQL["look_by_root"], {**fields, **leg}) for leg in legs)
        rare = fields["number"] is not None and _is_rare(connection, fields["number"])
        if fields["low"] > rows.STATE_CODES["succeeded"] and not rare:
            states = range(fields["low"], fields["high"] + 1)
            statement = _SQL["look_failed" if fields["endpoint"] is None else "look_failed_of_endpoint"]
            return _oldest_first(connection.execute(statement, {**fields, "state": state}) for state in states)
        return self._look_at_lists(connection, fields, rare)

    def _look_at_lists(self, connection: sqlite3.Connection, fields: dict[str, Any], rare: bool) -> Iterator[Row]:
        filled = filled_up_to(connection, "delivery")
        if fields["number"] is not None and (rare or fields["endpoint"] is None):
            statement = "look_by_number"
        elif fields["endpoint"] is not None:
            statement = "look_by_endpoint"
        elif fields["name"] is not None:
            statement = "look_by_name"
        else:
            statement = "look_by_account"
        yield from connection.execute(_SQL[statement], {**fields, "before": min(fields["before"], filled + 1)})
        yield from connection.execute(_SQL["look_newest"], {**fields, "filled": filled})


def _is_rare(connection: sqlite3.Connection, number: int) -> bool:
    """Has a number so few deliveries that it narrows more than anything else?"""
    count: int = connection.execute(_SQL["deliveries_of_number"], (number, RARE)).fetchone()[0]
    return count < RARE


def _jobs(found: Iterable[Row]) -> list[BulkResend]:
    made: list[BulkResend] = []
    for number, state, cursor, count, unmade, finished_at_ms, body in found:
        fixed = _decode(body)
        made.append(
            BulkResend(
                id=number,
                account=fixed.account,
                wanted=fixed.wanted,
                rate_per_s=fixed.rate_per_s,
                state=_STATES[state - _FIRST],
                total=fixed.total,
                cursor=cursor,
                bound=fixed.bound,
                made=count,
                unmade=unmade,
                finished_at_ms=finished_at_ms,
                by=fixed.by,
            )
        )
    return made


def _oldest_first(ways: Iterable[Iterator[Row]]) -> Iterator[Row]:
    return heapq.merge(*ways, key=lambda row: row[0])


def _list(numbers: Collection[int]) -> str:
    return f"[{','.join(map(str, numbers))}]"
