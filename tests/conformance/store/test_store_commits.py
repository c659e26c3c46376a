"""Calls, versions, writers that meet, rows that cannot be taken."""

import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from store_backends import Backend
from store_values import ACCOUNT, OTHER, Maker, after, commit, done

from ringback.ids import first_id_at
from ringback.store.port import Store
from ringback.webhooks.records import Batch, Committed, Fold, Loaded, StoredCall

C1, C2 = (ACCOUNT, "c-1"), (ACCOUNT, "c-2")
Opens = Callable[[], Store]


def test_what_was_committed_is_loaded_with_the_next_version(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"))
    commit(store, fold)
    loaded = store.load([C1, C2], [])
    assert loaded == Loaded({C1: after(fold)}, {})
    assert loaded.calls[C1].call.version == 1


def test_an_empty_batch_is_committed(store: Store) -> None:
    assert store.commit(Batch()) == Committed()


def test_accounts_have_calls_of_the_same_id(store: Store) -> None:
    make = Maker()
    mine, theirs = make.fold(make.begin("c-1")), make.fold(make.begin("c-1", account=OTHER))
    commit(store, mine, theirs)
    assert store.load([C1, (OTHER, "c-1")], []).calls == {C1: after(mine), (OTHER, "c-1"): after(theirs)}


def test_a_leg_is_loaded_with_its_root(store: Store) -> None:
    make = Maker()
    root = make.fold(make.begin("c-1"))
    leg = make.fold(make.begin("c-2", root=after(root)), root=after(root))
    commit(store, root, leg)
    assert store.load([C2], []).calls == {C1: after(leg, "c-1"), C2: after(leg)}


def test_a_call_may_move_without_an_event(store: Store) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1"))
    n = first.calls[0].n
    moved = replace(after(first).call, rewrites={"to": ["x"]})
    quiet = Fold(account=ACCOUNT, calls=(StoredCall(n, n, moved),), events=(), event_calls=(), deliveries=())
    commit(store, first, quiet)
    assert store.load([C1], []).calls[C1].call.rewrites == {"to": ["x"]}
    assert store.load([C1], []).calls[C1].call.version == 2


def test_several_folds_of_one_call_are_taken_in_order(store: Store) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1"), "starting", [7])
    second = make.fold(after(first), "ringing", [7])
    third = make.fold(after(second), "completed", [7])
    commit(store, first, second, third)
    assert store.load([C1], []).calls[C1] == after(third)
    assert [event.type for event in store.events(first.calls[0].n)] == ["call.starting", "call.ringing", "call.completed"]
    assert len(store.open_deliveries(7, 0, 10)) == 3


def test_a_fold_from_an_outdated_version_is_refused_alone(store: Store) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1"))
    commit(store, first)
    ahead, behind, other = make.fold(after(first), "ringing"), make.fold(after(first), "ongoing"), make.fold(make.begin("c-2"))
    commit(store, ahead)
    assert store.commit(Batch([other, behind])) == Committed(stale=(1,))
    assert store.load([C1, C2], []).calls == {C1: after(ahead), C2: after(other)}
    commit(store, make.fold(store.load([C1], []).calls[C1], "ongoing"))


def test_two_folds_from_the_same_version_in_one_batch(store: Store) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1"))
    assert store.commit(Batch([first, make.fold(after(first), "ringing"), make.fold(after(first), "ongoing")])) == Committed(
        stale=(2,)
    )
    assert store.load([C1], []).calls[C1].call.status == "ringing"


def test_a_new_life_of_a_call_is_what_is_loaded(store: Store) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1"), "completed")
    commit(store, first)
    second = make.fold(make.begin("c-1", generation=2, root_generation=2))
    commit(store, second)
    assert store.load([C1], []).calls == {C1: after(second)}
    assert store.call(*C1) == after(second)


def test_a_leg_of_an_older_life_comes_with_that_life(store: Store) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1"), "completed")
    leg = make.fold(make.begin("c-2", root=after(first)), root=after(first))
    commit(store, first, leg, make.fold(make.begin("c-1", generation=2, root_generation=2)))
    assert store.load([C2], []).calls[C1] == after(leg, "c-1")


def test_the_same_after_a_restart(store: Store, backend: Backend) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7], update_id="u-1")
    commit(store, fold)
    organization, jobs, last = store.organization_id(), store.open_deliveries(7, 0, 10), store.last_id()
    store.close()
    again = backend.open()
    assert again.load([C1], [(ACCOUNT, "u-1")]) == Loaded({C1: after(fold)}, {(ACCOUNT, "u-1"): (fold.events[0].id, "c-1")})
    assert (again.organization_id(), again.open_deliveries(7, 0, 10), again.last_id()) == (organization, jobs, last)
    again.close()


def test_the_last_id_is_the_largest_of_all(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    commit(store, fold)
    assert store.last_id() == fold.deliveries[0].id


class TestTwoWriters:
    def test_of_one_call_never_lose_an_update(self, store: Store, opens: Opens) -> None:
        make = Maker()
        commit(store, make.fold(make.begin("c-1")))
        each = 60

        def add(mine: Store, number: int) -> None:
            made, todo = Maker(last=first_id_at(make.now_ms + number * 1_000_000)), each
            while todo:
                fold = made.fold(mine.load([C1], []).calls[C1], "ringing")
                todo -= not mine.commit(Batch([fold])).stale

        threads = [threading.Thread(target=add, args=(mine, number)) for number, mine in enumerate([store, opens()], 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = opens().load([C1], []).calls[C1]
        assert now.call.next_seq == 2 + 2 * each
        assert [event.seq for event in store.events(now.n)] == list(range(1, 2 + 2 * each))

    def test_stale_then_fresh(self, store: Store, opens: Opens) -> None:
        make, other = Maker(), opens()
        commit(store, make.fold(make.begin("c-1")))
        seen = store.load([C1], []).calls[C1]
        ahead = make.fold(other.load([C1], []).calls[C1], "ongoing")
        commit(other, ahead)
        assert store.commit(Batch([make.fold(seen, "ringing"), make.fold(make.begin("c-2"))])) == Committed(stale=(0,))
        assert store.load([C1], []).calls[C1] == after(ahead)

    def test_of_the_same_new_call(self, store: Store, opens: Opens) -> None:
        make, other = Maker(), opens()
        assert not store.load([C1], []).calls
        assert not other.load([C1], []).calls
        first, second = make.fold(make.begin("c-1")), make.fold(make.begin("c-1"))
        commit(store, first)
        assert other.commit(Batch([second])) == Committed(stale=(0,))
        assert other.load([C1], []).calls[C1] == after(first)

    def test_of_the_same_new_life(self, store: Store, opens: Opens) -> None:
        make, other = Maker(), opens()
        commit(store, make.fold(make.begin("c-1"), "completed"))
        ended = other.load([C1], []).calls[C1]
        fresh = make.fold(make.begin("c-1", generation=2))
        commit(store, fresh)
        assert other.commit(Batch([make.fold(make.begin("c-1", generation=2))])) == Committed(stale=(0,))
        assert other.load([C1], []).calls[C1] == after(fresh) != ended

    def test_of_the_same_update(self, store: Store, opens: Opens) -> None:
        make, other = Maker(), opens()
        first = make.fold(make.begin("c-1"), update_id="u-1")
        assert not other.load([], [(ACCOUNT, "u-1")]).seen
        commit(store, first)
        assert other.commit(Batch([make.fold(make.begin("c-2"), update_id="u-1")])) == Committed(stale=(0,))
        assert other.load([C2], [(ACCOUNT, "u-1")]) == Loaded({}, {(ACCOUNT, "u-1"): (first.events[0].id, "c-1")})


def poison(make: Maker) -> dict[str, Fold]:
    """Folds that no store can take; nothing else is wrong with them."""
    good = make.fold(make.begin("bad"), "starting", [7])
    event = good.events[0]
    return {
        "broken Unicode": make.fold(make.begin("bad", to="\udc80")),
        "an id too large": make.fold(StoredCall(1 << 80, 1 << 80, make.begin("bad").call)),
        "a time too large": make.fold(make.begin("bad"), first_at_ms=1 << 90),
        "a row too big": make.fold(make.begin("bad", ended_by="x" * 20_000_000)),
        "an account that is none": make.fold(make.begin("bad", account="none")),
        "data without a stored form": replace(good, events=(replace(event, data={"f": object()}),)),
        "an event that is none": replace(good, deliveries=(make.delivery(replace(event, id=5), good.calls[0].n, 7),)),
        "an update id that is broken": replace(good, update_id="\udfff", call_id="\udfff"),
    }


POISON = list(poison(Maker()))


class TestPoison:
    """A row that cannot be taken fails alone, and says why in one line."""

    @pytest.mark.parametrize("what", POISON)
    def test_fails_alone(self, store: Store, what: str) -> None:
        make = Maker()
        before, bad, behind = make.fold(make.begin("c-1"), "starting", [7]), poison(make)[what], make.fold(make.begin("c-2"))
        result = done(before.deliveries[0])
        committed = store.commit(Batch([before, bad, behind], [result]))
        assert committed.stale == ()
        assert list(committed.failed) == [1]
        assert "\n" not in committed.failed[1]
        assert store.load([C1, C2, (ACCOUNT, "bad")], []).calls == {C1: after(before), C2: after(behind)}
        assert store.open_deliveries(7, 0, 10) == []

    def test_what_was_folded_from_it_is_stale(self, store: Store) -> None:
        make = Maker()
        bad = make.fold(make.begin("c-1", ended_by="x" * 20_000_000))
        good = replace(after(bad).call, ended_by=None)
        onward = make.fold(StoredCall(bad.calls[0].n, bad.calls[0].n, good), "ringing")
        committed = store.commit(Batch([bad, onward]))
        assert (committed.stale, list(committed.failed)) == ((1,), [0])

    def test_a_zero_byte_is_kept_or_fails_alone(self, store: Store) -> None:
        make = Maker()
        odd, good = make.fold(make.begin("c-1", to="a\0b")), make.fold(make.begin("c-2"))
        committed = store.commit(Batch([odd, good]))
        loaded = store.load([C1, C2], []).calls
        assert loaded[C2] == after(good)
        assert loaded.get(C1) == (None if 0 in committed.failed else after(odd))

    def test_the_store_goes_on(self, store: Store) -> None:
        make = Maker()
        for bad in poison(make).values():
            store.commit(Batch([bad]))
        fold = make.fold(make.begin("c-1"), update_id="u-1")
        commit(store, fold)
        assert store.load([C1], [(ACCOUNT, "u-1")]) == Loaded({C1: after(fold)}, {(ACCOUNT, "u-1"): (fold.events[0].id, "c-1")})
