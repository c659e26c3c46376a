"""Update ids that were taken before: three tables that take turns, so that forgetting an id costs nothing."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from ringback.store.sqlite import rows, sql

TURN_MS: Final = 36 * 3_600_000
"""How long one table is filled. Two full ones stand behind it: an id is known for 72 to 108 hours."""

_SQL: Final = sql.load("seen.sql")
_TABLES: Final = 3

SeenRow = tuple[int, int, str | None]
"""(hash, event id or 0, call id where the event does not tell it)"""


class Seen:
    """What the writer knows of the three tables."""

    def __init__(self) -> None:
        self._turn: int | None = None
        self._since = 0

    def forget_turn(self) -> None:
        """Somebody else has written, or a transaction was undone: which table is filled must be read again."""
        self._turn = None

    def find(self, connection: sqlite3.Connection, hashes: Iterable[int]) -> Mapping[int, tuple[int, str]]:
        """The answers that were given, (event id or 0, call id), by hash."""
        wanted = ",".join(map(str, hashes))
        found: list[SeenRow] = connection.execute(_SQL["find_seen"], (f"[{wanted}]",)).fetchall()
        if not found:
            return {}
        events = ",".join(str(event) for _, event, call in found if call is None)
        bodies = dict(connection.execute(_SQL["bodies_of_events"], (f"[{events}]",)).fetchall())
        # An event that was erased since leaves its update's id known: the duplicate is still a duplicate.
        return {
            key: (event, call if call is not None else rows.call_id_of(bodies[event]) if event in bodies else "")
            for key, event, call in found
        }

    def add(self, connection: sqlite3.Connection, taken: list[SeenRow], now_ms: int) -> None:
        """Raises sqlite3.IntegrityError if the current table has one of them already."""
        connection.executemany(_SQL[f"add_seen_{self._table(connection, now_ms)}"], taken)

    def _table(self, connection: sqlite3.Connection, now_ms: int) -> int:
        if self._turn is None:
            row = connection.execute(_SQL["turn"]).fetchone()
            if row is None:
                connection.execute(_SQL["first_turn"], (now_ms,))
                row = (0, now_ms)
            self._turn, self._since = row
        turn: int = self._turn
        # After a long stop several turns are due; all three tables are old after three.
        due = min((now_ms - self._since) // TURN_MS, _TABLES)
        for _ in range(due):
            turn += 1
            connection.execute(_SQL[f"forget_{turn % _TABLES}"])
        if due > 0:
            self._turn, self._since = turn, now_ms
            connection.execute(_SQL["next_turn"], (turn, now_ms))
        return turn % _TABLES
