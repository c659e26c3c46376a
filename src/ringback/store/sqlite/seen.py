"""Update ids that were taken before.

By hash in three tables that take turns, so that forgetting an id costs nothing. Hashes are scattered: entered one by one, each
would dirty a page of its own, as many as the rest of an event together. So what is recent is appended to a list on disk, looked up
in memory, and carried over in sorted slices off the hot path.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Final

from ringback.store.sqlite import rows, sql

TURN_MS: Final = 36 * 3_600_000
"""How long one table is filled. Two full ones stand behind it: an id is known for 72 to 108 hours."""
RECENT: Final = 40_000
"""Recent ids that are carried over together: some 8 MB of memory."""
_SLICES: Final = 16
"""Transactions that one carrying over takes: commits pass between them."""

_SQL: Final = sql.load("seen.sql")
_TABLES: Final = 3

SeenRow = tuple[int, int, str | None]
"""(hash, event id or 0, call id where the event does not tell it)"""
Writing = Callable[[], AbstractContextManager[sqlite3.Connection]]


_Answer = int | tuple[int, str]
"""What is remembered of a row: the event id alone where the event tells the call (a pair each would keep the collector busy)."""


class AlreadyTaken(Exception):
    """An update id was taken since it was looked up."""


class Seen:
    """What the writer knows of the update ids. `forget` when somebody else has written, `undo` when a transaction was undone."""

    def __init__(self) -> None:
        self._recent: dict[int, _Answer] | None = None
        self._ripe: dict[int, _Answer] = {}
        """Those that are being carried over."""
        self._added: list[int] = []
        self._since = 0
        self._turn = 0
        self._carrying = threading.Lock()

    def forget(self) -> None:
        """What is remembered must be read again."""
        self._recent = None
        self._ripe = {}
        self._added = []

    def undo(self) -> None:
        """What was added since `kept` is not taken."""
        if self._recent is not None:
            for key in self._added:
                del self._recent[key]
        self._added = []

    def kept(self) -> None:
        """What was added is on disk."""
        self._added = []

    def find(self, connection: sqlite3.Connection, hashes: Iterable[int]) -> Mapping[int, tuple[int, str]]:
        """The answers that were given, (event id or 0, call id), by hash."""
        recent = self._known(connection)
        found: list[SeenRow] = []
        others: list[int] = []
        for key in hashes:
            answer = recent.get(key)
            if answer is None:
                answer = self._ripe.get(key)
            if answer is None:
                others.append(key)
            else:
                found.append((key, answer, None) if isinstance(answer, int) else (key, *answer))
        if others:
            found += connection.execute(_SQL["find_seen"], (_json(others),)).fetchall()
        if not found:
            return {}
        bodies = dict(connection.execute(_SQL["bodies_of_events"], (_json(event for _, event, call in found if call is None),)))
        # An event that was erased since leaves its update's id known: the duplicate is still a duplicate.
        return {
            key: (event, call if call is not None else rows.call_id_of(bodies[event]) if event in bodies else "")
            for key, event, call in found
        }

    def add(self, connection: sqlite3.Connection, taken: list[SeenRow]) -> None:
        """Raises AlreadyTaken if a recent one, or another of these, has the same hash."""
        recent = self._known(connection)
        fresh = _by_hash(taken)
        if len(fresh) < len(taken) or not recent.keys().isdisjoint(fresh) or not self._ripe.keys().isdisjoint(fresh):
            raise AlreadyTaken
        connection.executemany(_SQL["add_recent"], taken)
        recent.update(fresh)
        self._added += fresh

    def turn_is_over(self, connection: sqlite3.Connection, now_ms: int) -> bool:
        """Is there a generation to forget?"""
        self._known(connection)
        return self._turns_due(now_ms) > 0

    def carry_over(self, writing: Writing, now_ms: int) -> None:
        """If there are many recent ids, or a generation is over: the recent ones go into the current generation, and if it is over
        the next one starts in the oldest one's place.

        Commits pass between the slices. Stopped halfway it starts over another time: an id may stand in both places meanwhile.
        """
        with self._carrying:
            with writing() as connection:
                recent = self._known(connection)
                if len(recent) < RECENT and not self._turns_due(now_ms):
                    return
                last = connection.execute(_SQL["last_recent"]).fetchone()[0] or 0
                keep = _SQL[f"keep_{self._turn % _TABLES}"]
                self._ripe, self._recent = {**self._ripe, **recent}, {}
            for slice_ in range(_SLICES):
                with writing() as connection:
                    connection.execute(keep, (last, *_bounds(slice_)))
            with writing() as connection:
                connection.execute(_SQL["forget_recent"], (last,))
                self._start_turns(connection, now_ms)
            self._ripe = {}

    def _known(self, connection: sqlite3.Connection) -> dict[int, _Answer]:
        if self._recent is None:
            self._recent = _by_hash(connection.execute(_SQL["recent"]))
            self._turn, self._since = connection.execute(_SQL["turn"]).fetchone()
        return self._recent

    def _turns_due(self, now_ms: int) -> int:
        """After a long stop several are; all three tables are old after three."""
        return max(0, min((now_ms - self._since) // TURN_MS, _TABLES))

    def _start_turns(self, connection: sqlite3.Connection, now_ms: int) -> None:
        due = self._turns_due(now_ms)
        if due:
            for turn in range(self._turn + 1, self._turn + 1 + due):
                connection.execute(_SQL[f"forget_{turn % _TABLES}"])
            connection.execute(_SQL["next_turn"], (self._turn + due, now_ms))
            self._turn, self._since = self._turn + due, now_ms


def _by_hash(taken: Iterable[SeenRow]) -> dict[int, _Answer]:
    return {key: event if call is None else (event, call) for key, event, call in taken}


def _bounds(slice_: int) -> tuple[int, int]:
    """The first and the last hash of a slice."""
    width = (1 << 64) // _SLICES
    first = slice_ * width - (1 << 63)
    return first, first + width - 1


def _json(numbers: Iterable[int]) -> str:
    return f"[{','.join(map(str, numbers))}]"
