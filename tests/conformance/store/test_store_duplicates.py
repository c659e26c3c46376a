"""Update ids that were taken before are known for 72 hours."""

from collections.abc import Callable

from msgspec.structs import replace
from store_backends import Backend
from store_values import ACCOUNT, OTHER, Maker, commit

from ringback.store.port import Store
from ringback.webhooks.records import Batch, Committed, Fold

HOUR_MS = 3_600_000
U1 = (ACCOUNT, "u-1")


def taken(make: Maker, update_id: str, call_id: str = "c-1") -> Fold:
    return make.fold(make.begin(call_id), update_id=update_id)


def test_the_answer_that_was_given(store: Store) -> None:
    fold = taken(Maker(), "u-1")
    commit(store, fold)
    assert store.load([], [U1, (ACCOUNT, "u-2"), (OTHER, "u-1")]).seen == {U1: (fold.events[0].id, "c-1")}


def test_an_update_that_made_no_event(store: Store) -> None:
    commit(store, replace(taken(Maker(), "u-1"), events=(), event_calls=()))
    assert store.load([], [U1]).seen == {U1: (0, "c-1")}


def test_an_answer_that_named_another_call_than_its_event(store: Store) -> None:
    fold = replace(taken(Maker(), "u-1"), call_id="c-2")
    commit(store, fold)
    assert store.load([], [U1]).seen == {U1: (fold.events[0].id, "c-2")}


def test_twice_in_one_batch(store: Store) -> None:
    make = Maker()
    first, second = taken(make, "u-1"), taken(make, "u-1", "c-2")
    assert store.commit(Batch([first, second])) == Committed(stale=(1,))
    assert store.load([], [U1]).seen == {U1: (first.events[0].id, "c-1")}


def test_ids_of_any_text(store: Store) -> None:
    make = Maker()
    texts = ["", " ", "ä", "x" * 10_000, "1", "01", "\n", "🕿"]
    folds = [taken(make, text, f"c{number}") for number, text in enumerate(texts)]
    commit(store, *folds)
    expected = {(ACCOUNT, text): (fold.events[0].id, fold.call_id) for text, fold in zip(texts, folds, strict=True)}
    assert store.load([], [*expected, (ACCOUNT, "\udc80")]).seen == expected


def test_known_for_72_hours_and_then_forgotten(store: Store, backend: Backend) -> None:
    make = Maker()
    began = backend.now_ms
    first = taken(make, "u-1")
    commit(store, first)
    for hour in range(1, 72, 5):
        make.now_ms = backend.now_ms = began + hour * HOUR_MS
        commit(store, taken(make, f"later-{hour}", f"h-{hour}"))
        backend.settle(store)
        assert store.load([], [U1]).seen == {U1: (first.events[0].id, "c-1")}, hour
    for hour in range(72, 220, 5):
        make.now_ms = backend.now_ms = began + hour * HOUR_MS
        commit(store, taken(make, f"later-{hour}", f"h-{hour}"))
        backend.settle(store)
    assert not store.load([], [U1]).seen
    commit(store, taken(make, "u-1", "c-new"))


def test_forgotten_after_a_long_silence(store: Store, backend: Backend, opens: Callable[[], Store]) -> None:
    make = Maker()
    commit(store, taken(make, "u-1"))
    backend.now_ms += 200 * HOUR_MS
    assert not store.load([], [U1]).seen
    assert not opens().load([], [U1]).seen
    commit(store, taken(make, "u-1", "c-2"))
    assert store.load([], [U1]).seen


def test_many(store: Store, backend: Backend, opens: Callable[[], Store]) -> None:
    make = Maker()
    expected = {}
    for start in range(0, 44_000, 4_000):
        folds = [replace(taken(make, f"u-{number}"), calls=()) for number in range(start, start + 4_000)]
        commit(store, *folds)
        expected |= {(ACCOUNT, fold.update_id): (fold.events[0].id, "c-1") for fold in folds}
        if start == 40_000 - 4_000:
            backend.settle(store)
    assert store.load([], list(expected)).seen == expected
    assert opens().load([], list(expected)).seen == expected
    assert store.commit(Batch([taken(make, "u-0"), taken(make, "u-43999")])) == Committed(stale=(0, 1))
