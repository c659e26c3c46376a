"""What is done in the background: the WAL stays small, the search lists get filled, and it ends with the store."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ringback.errors import StoreUnavailable
from ringback.ids import IdMaker
from ringback.store.open import open_store
from ringback.store.port import Account
from ringback.store.sqlite import lists, upkeep
from ringback.store.sqlite.database import Database
from ringback.store.sqlite.store import SqliteStore
from ringback.store.sqlite.upkeep import Upkeep

ACCOUNT = Account(id="0b1c3a0e-7d0a-4bd0-8c62-000000000001", name="a", created_at_ms=1)


def until(true: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_wal_starts_over_while_commits_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "WAL_LIMIT", 1 << 20)
    monkeypatch.setattr(upkeep, "PERIOD_S", 0.02)
    wal = tmp_path / "ringback.db-wal"
    with open_store(tmp_path) as store:
        written = 0
        while written < 40 << 20:
            store.note("x", os.urandom(50_000).hex(), 1)
            written += 100_000
        assert wal.stat().st_size < 20 << 20


def test_lists_are_filled_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PERIOD_S", 0.01)
    filled: list[str] = []
    fill = lists.Lists.fill
    monkeypatch.setattr(lists.Lists, "fill", lambda self, connection, list_: filled.append(list_) or fill(self, connection, list_))
    with open_store(tmp_path) as store:
        store.put_account(ACCOUNT)
        until(lambda: {"delivery", "call"} <= set(filled))


def test_nothing_is_done_while_nothing_is_written(tmp_path: Path) -> None:
    rounds: list[int] = []
    database = Database(tmp_path / "x.db", lambda: 0)
    worker = Upkeep(database, [lambda: rounds.append(1)], running=True)
    worker.close()
    database.close()
    assert rounds == []


def test_it_comes_to_rest_after_a_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PERIOD_S", 0.001)
    with open_store(tmp_path) as store:
        store.put_account(ACCOUNT)
        asleep = store._db.written
        until(lambda: not asleep.is_set())
        store.tidy()
        assert not asleep.is_set()


def test_a_round_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PERIOD_S", 0.01)
    rounds: list[int] = []

    def chore() -> None:
        rounds.append(1)
        if len(rounds) < 4:
            raise StoreUnavailable("full")

    database = Database(tmp_path / "x.db", lambda: 0)
    worker = Upkeep(database, [chore], running=True)
    database.written.set()
    until(lambda: len(rounds) >= 4)
    worker.close()
    database.close()


def test_closing_ends_the_thread_and_folds_the_wal_in(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put_account(ACCOUNT)
    store.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ringback-store-upkeep"]
    assert not list(tmp_path.glob("*-wal"))


def test_readers_and_upkeep_beside_a_writer(tmp_path: Path) -> None:
    """Nobody meets a locked database."""
    store: SqliteStore = open_store(tmp_path, upkeep=False)
    store.put_account(ACCOUNT)
    problems: list[BaseException] = []
    ending = threading.Event()

    def repeat(work: Callable[[], object]) -> None:
        try:
            while not ending.is_set():
                work()
        except BaseException as error:
            problems.append(error)

    ids = IdMaker()
    works: list[Callable[[], object]] = [store.tidy, store.accounts, store.endpoints_with_open, lambda: store.notes(None, 5)]
    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for _ in range(300):
        store.note("x", str(ids.next(1_795_190_400_000)), 1)
    ending.set()
    for thread in threads:
        thread.join()
    store.close()
    assert problems == []
