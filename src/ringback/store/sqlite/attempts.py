"""The attempts' bytes: a file per day (UTC, by the time of logging), which retention unlinks whole.

Attempts that are logged together are packed and compressed together, so the request that 40 endpoints got, or the same answer from
one receiver, costs little more than once. A day's last moments may be lost when the machine (not the process) dies: the truth about
the deliveries is in the other file.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from ringback.store.sqlite import sql
from ringback.store.sqlite.database import connect, make, meaning
from ringback.store.sqlite.migrate import migrate
from ringback.webhooks.records import Attempt, Packed, unpack

BLOCK_BYTES: Final = 256 * 1024
"""A block is read whole to get one attempt out of it."""
CACHE_KIB: Final = 2_048

_LEVEL: Final = 1
_PREFIX: Final = "attempts-"
_SQL: Final = sql.load("attempts.sql")
_decode_block = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


class AttemptLog:
    """The day files of one data directory. Any thread may call."""

    def __init__(self, folder: Path, clock: Callable[[], int]) -> None:
        self._folder = folder
        self._clock = clock
        self._writing = threading.Lock()
        self._today: date | None = None
        self._connection: sqlite3.Connection | None = None
        self._compress = zstandard.ZstdCompressor(level=_LEVEL).compress

    def append(self, attempts: Sequence[Packed]) -> None:
        """Not synced. Raises StoreUnavailable; then none of them was kept."""
        if not attempts:
            return
        with self._writing, meaning():
            connection = self._current()
            connection.execute("BEGIN IMMEDIATE")
            try:
                for block in _blocks(attempts):
                    packed = self._compress(b"".join((_array_head(len(block)), *(one.body for one in block))))
                    number = connection.execute(_SQL["add_block"], (packed,)).lastrowid
                    connection.executemany(
                        _SQL["add_attempt"],
                        [(one.delivery, one.number, number, slot) for slot, one in enumerate(block)],
                    )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def read(self, delivery: int, from_ms: int, to_ms: int) -> list[Attempt]:
        """A delivery's attempts that were logged between two moments, day by day, by number."""
        found: list[Attempt] = []
        for file in self.files():
            if day_of(from_ms) <= day_of_file(file) <= day_of(to_ms):
                found += _read(file, delivery)
        return found

    def purge(self, before_ms: int) -> int:
        """Unlinks the days that ended before a moment; how many."""
        last = day_of(before_ms)
        gone = 0
        with self._writing, meaning():
            for file in self.files():
                if day_of_file(file) >= last:
                    continue
                if day_of_file(file) == self._today:
                    self._close()
                for part in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
                    part.unlink(missing_ok=True)
                gone += 1
        return gone

    def checkpoint(self) -> None:
        """Carries the WAL of today's file over into it."""
        with self._writing:
            path = None if self._today is None else self._path(self._today)
        if path is not None and path.exists():
            with meaning():
                connection = connect(path, CACHE_KIB, "NORMAL")
                try:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                finally:
                    connection.close()

    def close(self) -> None:
        """Lets go of today's file."""
        with self._writing:
            self._close()

    def _current(self) -> sqlite3.Connection:
        today = day_of(self._clock())
        if self._connection is None or self._today != today:
            self._close()
            path = self._path(today)
            if not path.exists():
                # Made whole under another name: whoever looks for a day's file may read it.
                _open(path.with_suffix(".new")).close()
                path.with_suffix(".new").rename(path)
            self._connection, self._today = _open(path), today
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._today = None

    def _path(self, day: date) -> Path:
        return self._folder / f"{_PREFIX}{day.isoformat()}.db"

    def files(self) -> list[Path]:
        """The day files, oldest first."""
        return sorted(self._folder.glob(f"{_PREFIX}????-??-??.db"))


def _open(path: Path) -> sqlite3.Connection:
    """A day's file, made if need be, as this version writes it."""
    make(path)
    connection = connect(path, CACHE_KIB, "NORMAL")
    try:
        migrate(connection, "log_migrations")
    except BaseException:
        connection.close()
        raise
    return connection


def _blocks(attempts: Sequence[Packed]) -> Iterator[list[Packed]]:
    """Attempts in blocks of bounded size."""
    block: list[Packed] = []
    size = 0
    for one in attempts:
        if block and size + len(one.body) > BLOCK_BYTES:
            yield block
            block, size = [], 0
        block.append(one)
        size += len(one.body)
    yield block


def _array_head(length: int) -> bytes:
    """The head of a msgpack array (array 32), so that encoded attempts are strung together as they are."""
    return b"\xdd" + length.to_bytes(4, "big")


def _read(file: Path, delivery: int) -> list[Attempt]:
    found: list[Attempt] = []
    opened: tuple[int, list[msgspec.Raw]] | None = None
    with meaning():
        connection = connect(file, CACHE_KIB, "NORMAL")
        try:
            for block, slot, body in connection.execute(_SQL["attempts"], (delivery,)):
                if opened is None or opened[0] != block:
                    opened = (block, _decode_block(zstandard.ZstdDecompressor().decompress(body)))
                found.append(unpack(opened[1][slot]))
        finally:
            connection.close()
    return found


def day_of(at_ms: int) -> date:
    """The day (UTC) of a moment."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).date()


def day_of_file(file: Path) -> date:
    """The day of a day's file."""
    return date.fromisoformat(file.stem.removeprefix(_PREFIX))
