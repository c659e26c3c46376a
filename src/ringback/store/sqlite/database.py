"""The file of the truth: one writer connection, readers apart, and what SQLite's errors mean.

WAL with `synchronous=FULL`: a commit is on disk when it returns. SQLite's own checkpoints would stall commits by up to a second, so
they are off here and done by `upkeep`. Whatever goes wrong with disk or file is StoreUnavailable, nothing of the call took effect,
and the next call tries afresh.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from ringback.errors import StoreUnavailable

log = logging.getLogger("ringback.store")

WRITER_CACHE_KIB = 32_768
READER_CACHE_KIB = 2_048
IDLE_READERS = 4
BUSY_S = 5.0
ROW_BYTES = 16 * 1024 * 1024
"""A larger row is refused: nothing that passed the caps on requests comes near it."""

_ROW_ERRORS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""Errors that a row or a programmer made: they are no word about the disk."""


def connect(path: Path, cache_kib: int, synchronous: Literal["FULL", "NORMAL"]) -> sqlite3.Connection:
    """A connection in autocommit mode, for any thread (one at a time). The file must be there: see `make`."""
    uri = f"file:{quote(str(path))}?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, ROW_BYTES)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA secure_delete = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def make(path: Path) -> None:
    """An empty database file that only its owner reads, unless there is one. SQLite gives the files beside it the same mode."""
    path.touch(mode=0o600)


class Database:
    """One SQLite file and its connections. `clock` gives Unix milliseconds."""

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self.path = path
        self.clock = clock
        self.written = threading.Event()
        """Set by every commit that changed something: there is something for the upkeep to do."""
        self._writing = threading.Lock()
        self._closed = False
        self._idle: list[sqlite3.Connection] = []
        with meaning():
            make(path)
            self._writer: sqlite3.Connection | None = connect(path, WRITER_CACHE_KIB, "FULL")
            self._inode = os.stat(path).st_ino

    @contextmanager
    def owning(self) -> Iterator[sqlite3.Connection]:
        """The writer connection, outside a transaction, for one thread at a time."""
        with self._writing, meaning():
            yield self._whole_writer()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: on disk when the block ends, rolled back if it raises."""
        with self._writing, meaning():
            connection = self._whole_writer()
            before = connection.total_changes
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
            if connection.total_changes != before:
                self.written.set()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One snapshot to read from."""
        with meaning():
            connection = self._reader()
            try:
                connection.execute("BEGIN")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)
            if len(self._idle) > IDLE_READERS or self._closed:
                self._idle.pop().close()

    def checkpoint(self) -> None:
        """Carries the WAL over into the file, as far as it goes without holding anybody up."""
        with meaning():
            connection = self._reader()
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                connection.close()

    def checkpoint_whole(self) -> None:
        """Carries over all of the WAL while commits wait, so that the next one starts it over. Little is left to do after a
        `checkpoint`. On the writer's own connection: another's restart of the WAL would empty the writer's page cache."""
        with self.owning() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Closes all connections; the last one that closes folds the WAL into the file."""
        with self._writing:
            self._closed = True
            while self._idle:
                self._idle.pop().close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _whole_writer(self) -> sqlite3.Connection:
        """The writer, if the file is still the one that was opened: commits to a deleted file would be acknowledged and lost."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        try:
            there = os.stat(self.path).st_ino
        except OSError:
            there = 0
        if there != self._inode:
            log.error("the database file is gone, or another one is in its place: %s", self.path)
            raise StoreUnavailable("the store's file is gone")
        if self._writer is None:
            self._writer = connect(self.path, WRITER_CACHE_KIB, "FULL")
        return self._writer

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """Leaves no transaction open. A connection that cannot even roll back is thrown away."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            self._writer = None

    def _reader(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        try:
            return self._idle.pop()
        except IndexError:
            connection = connect(self.path, READER_CACHE_KIB, "FULL")
            connection.execute("PRAGMA query_only = ON")
            return connection


@contextmanager
def meaning() -> Iterator[None]:
    """Disk full, I/O error, locked, malformed: the store is unavailable. The operator's log says why, the producer is not told."""
    try:
        yield
    except _ROW_ERRORS:
        raise
    except (sqlite3.Error, OSError) as error:
        log.error("the store cannot answer: %s", error)
        raise StoreUnavailable("the store cannot take or give anything now") from error
