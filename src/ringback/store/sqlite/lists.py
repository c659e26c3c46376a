"""Search lists: which deliveries an account, an endpoint, an event name has, which calls an account or a number has.

Kept row by row, each list would dirty a page of its own for nearly every event: most of what an indexed commit costs. So they are
filled in blocks, sorted, off the hot path, and a search walks the few rows above `up_to` first. A row whose id lies below (it
waited while its block was filled) goes into the lists at once.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

from ringback.store.sqlite import sql
from ringback.store.sqlite.rows import Row

BLOCK: Final = 1_024
"""Rows per block at the most: some 5 ms in which commits wait. A block touches a page for each endpoint and number in it, however
many rows they have there, so a small one costs nearly as much as a large one."""

_SQL: Final = sql.load("lists.sql")
_FILL: Final = {
    "delivery": ("fill_delivery_by_account", "fill_delivery_by_endpoint", "fill_delivery_by_name", "fill_delivery_by_number"),
    "call": ("fill_call_by_account", "fill_call_by_caller", "fill_call_by_callee"),
}


class Lists:
    """What the writer knows of how far the lists are filled."""

    def __init__(self) -> None:
        self._filled: dict[str, int] = {}

    def forget(self) -> None:
        """Somebody else has written, or a transaction was undone."""
        self._filled = {}

    def fill(self, connection: sqlite3.Connection, list_: str, block: int = BLOCK) -> int:
        """Fills the next block (in the transaction that is open). Returns the id up to which it is filled, 0: nothing was left."""
        start = self._up_to(connection, list_)
        end: int | None = connection.execute(_SQL[f"{list_}_block_end"], (start, block)).fetchone()[0]
        if end is None:
            return 0
        for statement in _FILL[list_]:
            connection.execute(_SQL[statement], (start, end))
        connection.execute(_SQL["set_filled"], (list_, end))
        self._filled[list_] = end
        return end

    def add_late_deliveries(self, connection: sqlite3.Connection, deliveries: Iterable[Row]) -> None:
        """Lists new deliveries that lie below the filled part."""
        up_to = self._up_to(connection, "delivery")
        late = [row for row in deliveries if row[0] <= up_to]
        if late:
            connection.executemany(_SQL["list_delivery_by_account"], [(row[1], row[0]) for row in late])
            connection.executemany(_SQL["list_delivery_by_endpoint"], [(row[2], row[0]) for row in late])
            connection.executemany(_SQL["list_delivery_by_name"], [(row[1], row[6], row[0]) for row in late])
            connection.executemany(_SQL["list_delivery_by_number"], [(row[0], row[4], row[5]) for row in late])

    def add_late_calls(self, connection: sqlite3.Connection, born: Iterable[Row], numbers: Iterable[Row]) -> None:
        """Lists new calls that lie below the filled part, and numbers of others there, with their deliveries."""
        numbers = list(numbers)
        told = [(row[0], number, self._up_to(connection, "delivery")) for row in numbers for number in row[1:] if number]
        if told:
            connection.executemany(_SQL["list_deliveries_of_call"], told)
        up_to = self._up_to(connection, "call")
        calls = [row for row in born if row[0] <= up_to]
        if calls:
            connection.executemany(_SQL["list_call_by_account"], [(row[2], row[0]) for row in calls])
        pairs = [(number, row[0]) for row in calls for number in row[7:9] if number]
        pairs += [(number, row[0]) for row in numbers if row[0] <= up_to for number in row[1:] if number]
        if pairs:
            connection.executemany(_SQL["list_call_by_number"], pairs)

    def _up_to(self, connection: sqlite3.Connection, list_: str) -> int:
        if not self._filled:
            self._filled = dict(connection.execute(_SQL["filled"]).fetchall())
        return self._filled[list_]
