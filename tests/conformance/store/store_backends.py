"""The back ends that the suite runs against. Another one plugs in with a class like SqliteBackend and a line in BACKENDS."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from ringback.store.open import open_store
from ringback.store.port import Store
from ringback.store.sqlite.store import SqliteStore

START_MS = 1_795_190_400_000
"""2026-11-20T16:00:00Z: the moment at which every test starts."""


class Backend(Protocol):
    """One database of one kind. `now_ms` is the store's clock."""

    now_ms: int

    def open(self) -> Store:
        """Opens it, also a second time beside the first (another writer)."""
        ...

    def settle(self, store: Store) -> None:
        """Does now whatever the store does in the background."""
        ...

    def everything(self) -> bytes:
        """All that is on disk."""
        ...

    def check(self) -> None:
        """Raises if the database is not sound."""
        ...


class SqliteBackend:
    """A data directory. Nothing runs in the background but by `settle`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = START_MS

    def open(self) -> SqliteStore:
        return open_store(self.folder, lock=False, clock=lambda: self.now_ms, upkeep=False)

    def settle(self, store: Store) -> None:
        assert isinstance(store, SqliteStore)
        store.tidy()

    def everything(self) -> bytes:
        return b"\0".join(file.read_bytes() for file in self._files())

    def check(self) -> None:
        import sqlite3

        connection = sqlite3.connect(self.folder / "ringback.db")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()

    def _files(self) -> Iterable[Path]:
        return (file for file in self.folder.iterdir() if file.name != "secret.key")


BACKENDS = {"sqlite": SqliteBackend}
