"""What the writer remembers, and what it does when memory or hashes fall short."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringback.calls.model import Call, Event
from ringback.ids import IdMaker
from ringback.store.open import open_store
from ringback.store.port import Account
from ringback.store.sqlite.cache import CallCache
from ringback.store.sqlite.keys import Keys
from ringback.store.sqlite.store import SqliteStore
from ringback.webhooks.model import Delivery
from ringback.webhooks.records import Batch, CallKey, Committed, Fold, Result, StoredCall

ACCOUNT = "0b1c3a0e-7d0a-4bd0-8c62-000000000001"
AT_MS = 1_795_190_400_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path, upkeep=False) as made:
        made.put_account(Account(id=ACCOUNT, name="a", created_at_ms=1))
        yield made


class Ledger:
    """Moves calls along: starting, ringing, ringing, …, completed."""

    def __init__(self) -> None:
        self._ids = IdMaker()

    def fold(self, name: str, before: StoredCall | None = None, status: str = "ringing", update_id: str | None = None) -> Fold:
        n = before.n if before else self._ids.next(AT_MS)
        call = before.call if before else Call(account=ACCOUNT, id=name, root=name, first_at_ms=AT_MS)
        call = replace(call, status=status, next_seq=call.next_seq + 1)
        event = Event(id=self._ids.next(AT_MS), type=f"call.{status}", at_ms=AT_MS, seq=call.next_seq - 1, call=call, root=call)
        return Fold(
            account=ACCOUNT,
            calls=(StoredCall(n, n, call),),
            events=(event,),
            event_calls=((n, n),),
            deliveries=(),
            update_id=update_id,
            call_id=name,
        )


def stored(name: str, status: str = "ringing") -> tuple[CallKey, StoredCall]:
    call = Call(account=ACCOUNT, id=name, root=name, status=status)
    return (ACCOUNT, name), StoredCall(1, 1, call)


def test_the_least_lately_used_call_goes_first() -> None:
    cache = CallCache(2)
    for name in ("a", "b"):
        cache.put(*stored(name))
    cache.get((ACCOUNT, "a"))
    cache.put(*stored("c"))
    assert [cache.get((ACCOUNT, name)) is not None for name in "abc"] == [True, False, True]


def test_calls_that_ended_go_before_all_others() -> None:
    cache = CallCache(2)
    cache.put(*stored("a"))
    cache.put(*stored("b", "completed"))
    cache.get((ACCOUNT, "b"))
    cache.put(*stored("c"))
    assert [cache.get((ACCOUNT, name)) is not None for name in "abc"] == [True, False, True]


def test_more_calls_at_once_than_are_remembered(store: SqliteStore) -> None:
    store._cache = CallCache(3)
    ledger = Ledger()
    names = [f"c-{number}" for number in range(10)]
    for step in range(5):
        loaded = store.load([(ACCOUNT, name) for name in names], []).calls
        folds = [ledger.fold(name, loaded.get((ACCOUNT, name)), "completed" if step == 4 else "ringing") for name in names]
        assert store.commit(Batch(folds)) == Committed()
    loaded = store.load([(ACCOUNT, name) for name in names], []).calls
    assert {found.call.version for found in loaded.values()} == {5}
    assert len(loaded) == 10


def test_two_calls_whose_ids_have_the_same_hash(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keys, "call", lambda self, account, call_id: 7)
    ledger = Ledger()
    first, second = ledger.fold("one"), ledger.fold("two")
    assert store.commit(Batch([first])) == Committed()
    assert store.load([(ACCOUNT, "two")], []).calls == {}
    assert store.commit(Batch([second])) == Committed(failed={0: "its id has the same hash as another call's"})
    assert list(store.load([(ACCOUNT, "one")], []).calls) == [(ACCOUNT, "one")]
    assert store.call(ACCOUNT, "two") is None
    assert store.call(ACCOUNT, "one") is not None


def test_hashes_are_what_is_on_disk() -> None:
    keys = Keys(bytes(32))
    assert (keys.call(ACCOUNT, "c-1"), keys.number(ACCOUNT, "+1"), keys.update(ACCOUNT, "u-1")) == (
        -9025451633810378717,
        8014980253156703642,
        -7995551153711535077,
    )
    assert keys.number(ACCOUNT, "") == 0
    assert Keys(b"\1" * 32).call(ACCOUNT, "c-1") != keys.call(ACCOUNT, "c-1")
    assert keys.update(ACCOUNT, "x") != keys.call(ACCOUNT, "x")
    assert keys.call(ACCOUNT, "\udc80") != keys.call(ACCOUNT, "?")


def test_a_transaction_that_is_undone_leaves_no_trace_in_memory(store: SqliteStore) -> None:
    """A commit that fails for its results must not have taken its folds' update ids."""
    ledger = Ledger()
    fold = ledger.fold("c-1", update_id="u-1")
    impossible = Result(Delivery(id=1 << 70, endpoint=1, event=1, root=1, name="x"), AT_MS, None, "")
    with pytest.raises(OverflowError):
        store.commit(Batch([fold], [impossible]))
    assert store.load([(ACCOUNT, "c-1")], [(ACCOUNT, "u-1")]).seen == {}
    assert store.commit(Batch([fold])) == Committed()
