"""Forgetting what is old: whole conversations, in small transactions of the writer, so that commits pass between them.

What is over is found by readers, and looked at again in the transaction that deletes it: a late word may have come meanwhile. The
space is used again for what comes; the file does not shrink. Attempts' bytes are in files of their own, which go by the day.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from ringback import ids
from ringback.store.port import Over
from ringback.store.sqlite import sql
from ringback.store.sqlite.writer import Writer

_SQL: Final = sql.load("purge.sql")


class Purge(Writer):
    """The writer that also forgets."""

    def over(self, account: str, before_ms: int, after: int, limit: int) -> tuple[list[Over], int | None]:
        """Conversations that were over before a moment: no leg without an end, no delivery open, nothing of them newer. Roots with
        a number behind `after`, oldest first; the second value is where to go on, None: none was left."""
        before = ids.first_id_at(before_ms)
        with self._db.reading() as connection:
            small = _account(connection, account)
            found = [row[0] for row in connection.execute(_SQL["roots"], (small, after, before, limit))]
            legs: dict[int, list[int]] = {root: [] for root in _are_over(connection, found, before, small)}
            for n, root, *_ in connection.execute(_SQL["calls_of"], (json.dumps(list(legs)),)):
                legs[root].append(n)
        return [Over(root, tuple(mine)) for root, mine in legs.items()], found[-1] if found else None

    def over_alone(self, account: str, before_ms: int, after: int, limit: int) -> tuple[list[Over], int | None]:
        """The same for events that stand alone (tests, notices), by their deliveries' ids."""
        before = ids.first_id_at(before_ms)
        with self._db.reading() as connection:
            small = _account(connection, account)
            found = connection.execute(_SQL["alone"], (small, after, before, limit)).fetchall()
            roots = _are_over(connection, sorted({root for _, root in found}), before, small)
        return [Over(root) for root in roots], found[-1][0] if found else None

    def forget(self, account: str, roots: Sequence[int], before_ms: int) -> int:
        """Those of these conversations that are over still are gone: calls, events, deliveries and all that finds them. How
        many."""
        with self._alone() as connection:
            small = _account(connection, account)
            gone = _are_over(connection, roots, ids.first_id_at(before_ms), small)
            self._forget_rows(connection, small, gone)
        return len(gone)

    def _forget_rows(self, connection: sqlite3.Connection, small: int, gone: Sequence[int]) -> None:
        """All rows of conversations go, in the transaction that is open."""
        wanted = (json.dumps(gone),)
        calls = connection.execute(_SQL["calls_of"], wanted).fetchall()
        deliveries = connection.execute(_SQL["deliveries_of"], wanted).fetchall()
        numbers = {n: {caller, callee} - {0} for n, _, caller, callee in calls}
        run = connection.executemany
        run(_SQL["unlist_delivery_by_account"], [(small, number) for number, *_ in deliveries])
        run(_SQL["unlist_delivery_by_endpoint"], [(endpoint, number) for number, endpoint, *_ in deliveries])
        run(_SQL["unlist_delivery_by_name"], [(small, name, number) for number, _, _, _, name in deliveries])
        of_each = ((number, numbers.get(root, set()) | numbers.get(call, set())) for number, _, root, call, _ in deliveries)
        run(_SQL["unlist_delivery_by_number"], [(key, number) for number, keys in of_each for key in keys])
        run(_SQL["unlist_call_by_account"], [(small, n) for n in numbers])
        run(_SQL["unlist_call_by_number"], [(key, n) for n, keys in numbers.items() for key in keys])
        run(_SQL["forget_delivery"], [(number,) for number, *_ in deliveries])
        run(_SQL["forget_events"], [(root,) for root in gone])
        run(_SQL["forget_call"], [(n,) for n in numbers])
        self._cache.forget(numbers.keys())

    def forget_resends(self, before_ms: int) -> int:
        """Bulk resends that ended before a moment are gone; how many."""
        with self._db.writing() as connection:
            return connection.execute(_SQL["forget_resends"], (before_ms,)).rowcount


def _account(connection: sqlite3.Connection, account: str) -> int:
    """The number of an account; 0, which none has, if it is not known."""
    row = connection.execute(_SQL["account"], (account,)).fetchone()
    return row[0] if row else 0


def _are_over(connection: sqlite3.Connection, roots: Sequence[int], before: int, account: int) -> list[int]:
    return [row[0] for row in connection.execute(_SQL["are_over"], (json.dumps(list(roots)), before, account))]
