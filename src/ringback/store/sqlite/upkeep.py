"""What is done off the hot path, by one thread: filling lists, and carrying the WAL over into the file."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ringback.errors import StoreUnavailable
from ringback.store.sqlite.database import Database

PERIOD_S: Final = 0.5
WAL_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of WAL above which a round ends with commits held back for a moment, so that the WAL starts over from its beginning."""


class Upkeep:
    """Sleeps until something is written, then works once per period. A round that fails is tried again in the next one."""

    def __init__(self, database: Database, chores: Sequence[Callable[[], None]], *, running: bool) -> None:
        """`chores` are done in every round, before the WAL is carried over."""
        self._db = database
        self._chores = chores
        self._ending = threading.Event()
        self._round = threading.Lock()
        self._wal = Path(f"{database.path}-wal")
        self._thread = threading.Thread(target=self._run, name="ringback-store-upkeep", daemon=True)
        if running:
            self._thread.start()

    def close(self) -> None:
        """Ends the thread after the round that it is in."""
        self._ending.set()
        self._db.written.set()
        if self._thread.is_alive():
            self._thread.join()

    def once(self) -> None:
        """One round, now. Raises StoreUnavailable."""
        with self._round:
            for chore in self._chores:
                chore()
            self._db.checkpoint()
            if self._wal_size() > WAL_LIMIT:
                # Under constant writing a checkpoint never catches up with the WAL's end, and only then does the WAL start over.
                self._db.checkpoint_whole()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._db.written.wait()
            if self._ending.wait(PERIOD_S):
                return
            self._db.written.clear()
            try:
                self.once()
            except StoreUnavailable:
                # Who raised it has said so in the log. The rows are safe in the WAL: there is nothing to do but to try again.
                self._db.written.set()

    def _wal_size(self) -> int:
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0
