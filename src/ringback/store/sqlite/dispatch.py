"""What the dispatcher and the watchdog ask: what is open, what is due, calls without an end."""

from collections.abc import Sequence
from typing import Final

from ringback.store.sqlite import rows, sql
from ringback.store.sqlite.database import Database
from ringback.store.sqlite.names import Names
from ringback.store.sqlite.rows import Row
from ringback.webhooks.records import Job, StoredCall

_SQL: Final = sql.load("dispatch.sql")

_LARGEST: Final = (1 << 63) - 1

FEW: Final = 2_000
"""Open deliveries that are looked through one by one, rather than all that are overdue."""
CANCEL_BLOCK: Final = 5_000
"""Deliveries cancelled in one transaction: commits pass between the blocks."""


class Dispatch:
    """Reads of open work, and the cancelling of it."""

    def __init__(self, database: Database, names: Names) -> None:
        self._db = database
        self._names = names

    def open_deliveries(self, endpoint: int, after: int, limit: int) -> list[Job]:
        """Deliveries of an endpoint that are not done (pending, held or retrying), id > after, in id order."""
        return self._jobs("open_deliveries", (endpoint, after, limit))

    def endpoints_with_open(self) -> list[int]:
        """Endpoints that have a delivery not done, in id order."""
        with self._db.reading() as connection:
            return [endpoint for (endpoint,) in connection.execute(_SQL["endpoints_with_open"])]

    def due(self, until_ms: int, limit: int, endpoint: int | None = None, up_to: int | None = None) -> list[Job]:
        """Retrying and held deliveries whose `next_at_ms` <= until_ms, earliest first; of one endpoint (up to an id), if named."""
        if endpoint is None:
            return self._jobs("due", (until_ms, limit))
        if up_to is None:
            return self._jobs("due_of_endpoint", (until_ms, limit, endpoint, _LARGEST))
        with self._db.reading() as connection:
            few = connection.execute(_SQL["open_up_to"], (endpoint, up_to, FEW)).fetchone()[0] < FEW
        return self._jobs("due_among_few" if few else "due_of_endpoint", (until_ms, limit, endpoint, up_to))

    def held(self, root: int) -> list[Job]:
        """Held deliveries of a conversation, in id order."""
        return self._jobs("held", (root,))

    def job(self, delivery: int) -> Job | None:
        """One delivery with its event."""
        return next(iter(self._jobs("job", (delivery,))), None)

    def calls_by_number(self, numbers: Sequence[int]) -> dict[int, StoredCall]:
        """Calls by their store numbers, as they are now."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["calls_by_n"], (f"[{','.join(map(str, numbers))}]",)).fetchall()
        return {row[0]: rows.stored_call(*row) for row in found}

    def open_calls(self, before_ms: int, after: int, limit: int) -> list[StoredCall]:
        """Calls without an end that were first seen before `before_ms`, n > after, in order of n."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["open_calls"], (before_ms, after, limit)).fetchall()
        return [rows.stored_call(*row) for row in found]

    def cancel_deliveries(self, endpoint: int, now_ms: int) -> int:
        """All that is not done for an endpoint becomes `cancelled`; how many."""
        cancelled = 0
        while True:
            with self._db.writing() as connection:
                changed = connection.execute(_SQL["cancel"], (endpoint, now_ms, CANCEL_BLOCK)).rowcount
            cancelled += changed
            if changed < CANCEL_BLOCK:
                return cancelled

    def _jobs(self, statement: str, parameters: Row) -> list[Job]:
        with self._db.reading() as connection:
            found = connection.execute(_SQL[statement], parameters).fetchall()
            names = self._names.texts(connection, (row[6] for row in found))
        return [Job(rows.delivery(row, names[row[6]]), rows.event_of(row)) for row in found]
