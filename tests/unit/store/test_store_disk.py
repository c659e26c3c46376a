"""When the disk is full, the file gone or held by another: the store says so, keeps nothing of it, and goes on by itself."""

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringback.calls.model import Call, Event
from ringback.errors import StoreUnavailable
from ringback.ids import IdMaker
from ringback.store.open import open_store
from ringback.store.port import Account
from ringback.store.sqlite import database
from ringback.store.sqlite.store import SqliteStore
from ringback.webhooks.model import Outcome
from ringback.webhooks.records import Attempt, Batch, Committed, Fold, StoredCall, pack

ACCOUNT = "0b1c3a0e-7d0a-4bd0-8c62-000000000001"
AT_MS = 1_795_190_400_000


class Calls:
    """Commits calls of 20 KB, one at a time, and remembers what was taken."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.taken: list[str] = []
        self.refused: list[str] = []
        self._ids = IdMaker()
        self._count = 0
        store.put_account(Account(id=ACCOUNT, name="a", created_at_ms=1))

    def commit(self) -> bool:
        self._count += 1
        name, n = f"c-{self._count}", self._ids.next(AT_MS)
        call = Call(account=ACCOUNT, id=name, root=name, first_at_ms=AT_MS, ended_by=os.urandom(10_000).hex())
        event = Event(id=self._ids.next(AT_MS), type="call.starting", at_ms=AT_MS, seq=1, call=call, root=call)
        fold = Fold(
            account=ACCOUNT,
            calls=(StoredCall(n, n, call),),
            events=(event,),
            event_calls=((n, n),),
            deliveries=(),
            update_id=name,
            call_id=name,
        )
        try:
            assert self.store.commit(Batch([fold])) == Committed()
        except StoreUnavailable:
            self.refused.append(name)
            return False
        self.taken.append(name)
        return True

    def until_refused(self) -> None:
        while self.commit():
            assert len(self.taken) < 2_000
        assert not self.commit()

    def check(self) -> None:
        """Exactly what was taken is there, whole."""
        names = [(ACCOUNT, name) for name in (*self.taken, *self.refused)]
        loaded = self.store.load(names, names)
        assert sorted(name for _, name in loaded.calls) == sorted(self.taken)
        assert sorted(name for _, name in loaded.seen) == sorted(self.taken)
        assert len(self.store.calls(ACCOUNT, None, 5_000)) == len(self.taken)


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    with open_store(tmp_path, upkeep=False) as store:
        yield Calls(store)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def sound(folder: Path) -> None:
    connection = sqlite3.connect(folder / "ringback.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_file_may_not_grow(calls: Calls, tmp_path: Path) -> None:
    with file_size_limit(2 << 20):
        calls.until_refused()
        calls.check()
    assert calls.commit()
    calls.store.health()
    calls.check()
    calls.store.close()
    sound(tmp_path)


def test_the_database_is_full(calls: Calls, tmp_path: Path) -> None:
    with calls.store._db.owning() as connection:
        connection.execute("PRAGMA max_page_count = 300")
    calls.until_refused()
    calls.store.health()
    calls.check()
    with calls.store._db.owning() as connection:
        connection.execute("PRAGMA max_page_count = 3000000")
    assert calls.commit()
    calls.check()
    calls.store.close()
    sound(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_the_disk_is_full(small_disk: Path) -> None:
    with open_store(small_disk, upkeep=False) as store:
        calls = Calls(store)
        filler = small_disk / "filler"
        filler.write_bytes(bytes(1 << 20))
        calls.until_refused()
        calls.check()
        with pytest.raises(StoreUnavailable):
            store.log_attempts([pack(attempt(1, 3 << 20))])
        filler.unlink()
        assert calls.commit()
        # A checkpoint needs room for what the WAL holds.
        with pytest.raises(StoreUnavailable):
            store.tidy()
        subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
        store.tidy()
        assert calls.commit()
        calls.check()
    sound(small_disk)


def attempt(delivery: int, size: int) -> Attempt:
    outcome = Outcome(started_at_ms=AT_MS)
    return Attempt(delivery=delivery, number=1, method="POST", url="https://h/", headers=(), body=os.urandom(size), outcome=outcome)


def test_attempts_that_do_not_fit_are_told_and_later_ones_are_kept(calls: Calls) -> None:
    with file_size_limit(1 << 20):
        with pytest.raises(StoreUnavailable):
            calls.store.log_attempts([pack(attempt(1, 2 << 20))])
        assert calls.commit()
    calls.store.log_attempts([pack(attempt(1, 100))])
    assert len(calls.store._log.read(1, 0, calls.store._db.clock())) == 1


def test_a_log_file_that_is_broken(calls: Calls, tmp_path: Path) -> None:
    calls.store.log_attempts([pack(attempt(1, 100))])
    calls.store._log.close()
    (log,) = tmp_path.glob("attempts-*.db")
    log.write_bytes(b"broken" * 1000)
    with pytest.raises(StoreUnavailable):
        calls.store.log_attempts([pack(attempt(1, 100))])
    assert calls.commit()


def test_the_file_is_gone(calls: Calls, tmp_path: Path) -> None:
    assert calls.commit()
    moved = tmp_path / "moved"
    (tmp_path / "ringback.db").rename(moved)
    assert not calls.commit()
    with pytest.raises(StoreUnavailable):
        calls.store.load([], [])
    (tmp_path / "ringback.db").touch()
    assert not calls.commit()
    moved.rename(tmp_path / "ringback.db")
    assert calls.commit()
    calls.check()


def test_somebody_else_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    with open_store(tmp_path, upkeep=False) as store:
        calls = Calls(store)
        other = sqlite3.connect(tmp_path / "ringback.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert not calls.commit()
        other.execute("ROLLBACK")
        assert calls.commit()
        other.close()
        calls.check()


@pytest.mark.parametrize("ask", ["accounts", "endpoints_with_open", "last_id", "counts", "organization_id"])
def test_readers_of_a_malformed_file(tmp_path: Path, ask: str) -> None:
    with open_store(tmp_path, upkeep=False) as store:
        calls = Calls(store)
        for _ in range(5):
            calls.commit()
        store.tidy()
    file = tmp_path / "ringback.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096))

    def work() -> None:
        with open_store(tmp_path, upkeep=False) as store:
            getattr(store, ask)()

    with pytest.raises(StoreUnavailable):
        work()
