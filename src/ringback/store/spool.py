"""The spool's file: what the database could not take yet, so that a process that ends meanwhile does not lose it.

A SQLite file of its own (WAL, `synchronous=FULL`: what was appended is on disk when `append` returns), readable by its owner alone.
It is there only while something waits: what the ledger has is removed, and nothing of it stays in free pages (`secure_delete`).
When nothing waits any more the file goes. All methods block and may be called from any thread.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from ringback.calls.model import Update
from ringback.errors import StoreUnavailable
from ringback.store.sqlite import sql

log = logging.getLogger("ringback.spool")

_SQL: Final = sql.load("spool.sql", __package__)
_VERSION: Final = 1
_BESIDE: Final = ("-wal", "-shm", "-journal")
_PRAGMAS: Final = ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON")
_MALFORMED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Waiting(NamedTuple):
    """An update that waits. `place`: its own, growing in the order in which they were told."""

    place: int
    account: str
    update: Update


class Left(NamedTuple):
    """What an earlier process left, in order, and what the operator should hear of it (empty: nothing)."""

    waiting: list[Waiting]
    trouble: str


class SpoolFile:
    """See the module. Raises StoreUnavailable when the file cannot be read or written: nothing of the call is sure to be in it."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened or made before it is needed."""
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._lock = threading.Lock()

    def read(self) -> Left:
        """What is in the file, which stays. A file that is none, or another version's, or that has something in it which cannot be
        read, is put aside; what could be read of it is given all the same."""
        with self._lock, _meaning():
            if not self.path.exists():
                return Left([], "")
            waiting: list[Waiting] = []
            bad = 0
            try:
                connection = self._open()
                for place, account, told in connection.execute(_SQL["all"]):
                    try:
                        waiting.append(Waiting(place, account, msgspec.json.decode(told, type=Update)))
                    except msgspec.MsgspecError:
                        bad += 1
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _MALFORMED:
                    raise
                aside = self._put_aside()
                return Left(waiting, f"the spool cannot be read whole ({error}): {len(waiting)} updates of {aside} are taken")
            if bad:
                return Left(waiting, f"{bad} updates in the spool could not be read: they are in {self._put_aside()}")
            return Left(waiting, "")

    def append(self, waiting: Sequence[Waiting]) -> None:
        """Puts updates in the file, on disk when it returns. One that is in it already is put there once more, in its place."""
        rows = [(one.place, one.account, msgspec.json.encode(one.update)) for one in waiting]
        with self._lock, _meaning(), self._writing() as connection:
            connection.executemany(_SQL["append"], rows)

    def remove(self, up_to: int) -> None:
        """Takes out what need not wait any more, up to a place."""
        with self._lock, _meaning(), self._writing() as connection:
            connection.execute(_SQL["remove"], (up_to,))

    def drop(self) -> None:
        """Nothing waits: the file goes."""
        with self._lock, _meaning():
            self._close()
            # What stands beside it first: it would be taken for another file's.
            for name in (*(f"{self.path.name}{end}" for end in _BESIDE), self.path.name):
                self.path.with_name(name).unlink(missing_ok=True)

    def close(self) -> None:
        """Lets go of the file. What is in it stays."""
        with self._lock:
            self._close()

    # Inside
    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # Whatever went wrong, the next call begins with a fresh view of the file.
            self._close()
            raise

    def _open(self) -> sqlite3.Connection:
        """The connection, if the file is still the one that was opened."""
        if self._connection is not None and self._is_there():
            return self._connection
        self._close()
        is_new = not self.path.exists()
        if is_new:
            self._make()
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").fetchall()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {_SQL['make']}; PRAGMA user_version = {_VERSION}; COMMIT")
            elif version != _VERSION:
                raise _AnotherVersion(f"it is of version {version}")
        except BaseException:
            connection.close()
            raise
        self._connection, self._inode = connection, os.stat(self.path).st_ino
        return connection

    def _is_there(self) -> bool:
        try:
            return os.stat(self.path).st_ino == self._inode
        except OSError:
            return False

    def _make(self) -> None:
        """An empty file that only its owner reads, and that is still there after a power cut. SQLite gives the files beside it the
        same mode."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for end in _BESIDE:
            self.path.with_name(f"{self.path.name}{end}").unlink(missing_ok=True)
        self.path.touch(mode=0o600)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _put_aside(self) -> str:
        """Another name for the file, so that nothing is written into it; the name."""
        self._close()
        aside = self.path.with_name(f"{self.path.name}.bad-{self.path.stat().st_mtime_ns}")
        for end in _BESIDE:
            with suppress(FileNotFoundError):
                self.path.with_name(f"{self.path.name}{end}").rename(f"{aside}{end}")
        self.path.rename(aside)
        return str(aside)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # a full disk: what is in the WAL stays in it
                connection.close()


class _AnotherVersion(sqlite3.DatabaseError):
    sqlite_errorcode = sqlite3.SQLITE_NOTADB


@contextmanager
def _meaning() -> Iterator[None]:
    """Whatever goes wrong with disk or file. The operator's log says what."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        log.error("the spool cannot be used: %s", error)
        raise StoreUnavailable("the spool's file cannot be used now") from error
