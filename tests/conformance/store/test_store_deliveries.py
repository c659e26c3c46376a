"""What is open, due, held; results; what is cancelled."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from store_backends import START_MS, Backend
from store_values import ACCOUNT, Maker, after, commit, done

from ringback.store.port import Store
from ringback.webhooks.model import Delivery, State
from ringback.webhooks.records import Batch, Committed, Fold, Job


def jobs(*folds: Fold) -> list[Job]:
    return [Job(delivery, fold.events[0]) for fold in folds for delivery in fold.deliveries]


def waiting(make: Maker, fold: Fold, due_ms: int) -> Fold:
    """The same fold with its deliveries held until a moment."""
    return replace(fold, deliveries=tuple(replace(d, held=True, next_at_ms=due_ms) for d in fold.deliveries))


def test_open_deliveries_in_order_page_by_page(store: Store) -> None:
    make = Maker()
    folds = [make.fold(make.begin(f"c-{number}"), "starting", [7, 8]) for number in range(5)]
    commit(store, *folds)
    expected = [job for job in jobs(*folds) if job.delivery.endpoint == 7]
    assert store.open_deliveries(7, 0, 100) == expected
    page = store.open_deliveries(7, 0, 3)
    assert page == expected[:3]
    assert store.open_deliveries(7, page[-1].delivery.id, 3) == expected[3:]
    assert store.open_deliveries(9, 0, 3) == []


@pytest.mark.parametrize("state", ["succeeded", "exhausted", "cancelled", "skipped"])
def test_what_is_done_is_not_open(store: Store, state: State) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    commit(store, fold)
    commit(store, results=[done(fold.deliveries[0], state)])
    assert store.open_deliveries(7, 0, 10) == []
    assert store.endpoints_with_open() == []
    job = store.job(fold.deliveries[0].id)
    assert job is not None
    assert (job.delivery.state, job.delivery.attempts) == (state, 1)


def test_a_retry_is_open_and_due_at_its_time(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    commit(store, fold)
    result = done(
        fold.deliveries[0], "retrying", status=500, error="status", next_at_ms=START_MS + 60_000, signed_at_s=START_MS // 1000
    )
    commit(store, results=[result])
    expected = [Job(result.delivery, fold.events[0])]
    assert store.open_deliveries(7, 0, 10) == expected
    assert store.due(START_MS + 59_999, 10) == []
    assert store.due(START_MS + 60_000, 10) == expected
    assert store.due(START_MS + 60_000, 10, 7) == expected
    assert store.due(START_MS + 60_000, 10, 8) == []


def test_a_result_comes_with_its_own_event(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    commit(store, fold, results=[done(fold.deliveries[0])])
    assert store.endpoints_with_open() == []


def test_a_result_of_a_delivery_that_is_not_there_changes_nothing(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    commit(store, results=[done(fold.deliveries[0])])
    assert store.job(fold.deliveries[0].id) is None


def test_due_ones_earliest_first(store: Store) -> None:
    make = Maker()
    folds = [waiting(make, make.fold(make.begin(f"c-{n}"), "completed", [7 + n % 2]), START_MS + n * 37 % 11) for n in range(11)]
    commit(store, *folds)
    expected = sorted(jobs(*folds), key=lambda job: job.delivery.next_at_ms)
    assert store.due(START_MS + 100, 100) == expected
    assert store.due(START_MS + 100, 4) == expected[:4]
    of_eight = [job for job in expected if job.delivery.endpoint == 8]
    assert store.due(START_MS + 100, 100, 8) == of_eight
    middle = sorted(job.delivery.id for job in of_eight)[2]
    assert store.due(START_MS + 100, 100, 8, middle) == [job for job in of_eight if job.delivery.id <= middle]


def test_due_ones_before_and_behind_a_backlog(store: Store) -> None:
    make = Maker()
    first = waiting(make, make.fold(make.begin("c-1"), "completed", [7] * 3), START_MS + 9)
    fold = make.fold(make.begin("c-2"))
    backlog = tuple(
        make.delivery(fold.events[0], fold.calls[0].n, 7, held=True, next_at_ms=START_MS + place % 7) for place in range(3_000)
    )
    commit(store, first, replace(fold, deliveries=backlog))
    assert store.due(START_MS + 9, 10, 7, first.deliveries[-1].id) == jobs(first)
    everything = sorted((delivery.next_at_ms, delivery.id) for delivery in (*first.deliveries, *backlog[:2_500]))
    found = store.due(START_MS + 9, 5_000, 7, backlog[2_499].id)
    assert [(job.delivery.next_at_ms, job.delivery.id) for job in found] == everything


def test_pending_ones_are_open_but_never_due(store: Store) -> None:
    make = Maker()
    commit(store, make.fold(make.begin("c-1"), "starting", [7]))
    assert store.due(START_MS * 2, 10) == []
    assert store.due(START_MS * 2, 10, 7) == []


def test_held_ones_of_a_conversation_and_their_release(store: Store) -> None:
    make = Maker()
    first = waiting(make, make.fold(make.begin("c-1"), "completed", [7, 8]), START_MS + 30_000)
    other = waiting(make, make.fold(make.begin("c-2"), "completed", [7]), START_MS + 30_000)
    commit(store, first, other)
    root = first.calls[0].n
    assert store.held(root) == jobs(first)
    assert store.open_deliveries(7, 0, 10)[0].delivery.held
    fact = make.fold(after(first), "completed")
    commit(store, replace(fact, release=(first.deliveries[0].id,)))
    assert store.held(root) == jobs(first)[1:]
    released = store.open_deliveries(7, 0, 10)[0].delivery
    assert (released.state, released.held, released.next_at_ms) == ("pending", False, 0)
    assert store.due(START_MS + 30_000, 10) == [jobs(first)[1], jobs(other)[0]]


def test_a_held_one_that_was_sent_is_not_held_any_more(store: Store) -> None:
    make = Maker()
    fold = waiting(make, make.fold(make.begin("c-1"), "completed", [7]), START_MS)
    commit(store, fold)
    commit(store, results=[done(fold.deliveries[0], "retrying", next_at_ms=START_MS + 9)])
    assert store.held(fold.calls[0].n) == []
    assert [job.delivery.held for job in store.due(START_MS + 9, 10)] == [False]
    commit(store, replace(make.fold(make.begin("c-2")), release=(fold.deliveries[0].id,)))
    assert [job.delivery.state for job in store.open_deliveries(7, 0, 10)] == ["retrying"]


def test_endpoints_with_open(store: Store) -> None:
    make = Maker()
    folds = [make.fold(make.begin(f"c-{number}"), "starting", [1 << 60, 3, 99]) for number in range(3)]
    commit(store, *folds)
    commit(store, results=[done(fold.deliveries[1]) for fold in folds] + [done(folds[0].deliveries[0])])
    assert sorted(store.endpoints_with_open()) == [99, 1 << 60]


def test_cancelled_ones_stay_cancelled(store: Store) -> None:
    make = Maker()
    folds = [make.fold(make.begin(f"c-{number}"), "starting", [7, 8]) for number in range(4)]
    held = waiting(make, make.fold(make.begin("c-h"), "completed", [7]), START_MS + 9)
    commit(store, *folds, held)
    commit(store, results=[done(folds[0].deliveries[0]), done(folds[1].deliveries[0], "retrying", next_at_ms=START_MS)])
    assert store.cancel_deliveries(7, START_MS + 77) == 4
    assert store.cancel_deliveries(7, START_MS + 78) == 0
    assert store.endpoints_with_open() == [8]
    late = folds[2].deliveries[0]
    commit(store, results=[done(late)])
    found = store.delivery(ACCOUNT, late.id)
    assert found is not None
    assert (found[0].delivery.state, found[0].delivery.attempts, found[0].finished_at_ms) == ("cancelled", 0, START_MS + 77)
    first = store.job(folds[0].deliveries[0].id)
    assert first is not None
    assert first.delivery.state == "succeeded"


def test_a_great_many_are_cancelled(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"))
    many = tuple(make.delivery(fold.events[0], fold.calls[0].n, 7) for _ in range(11_000))
    commit(store, replace(fold, deliveries=many))
    assert store.cancel_deliveries(7, START_MS) == 11_000
    assert store.endpoints_with_open() == []


def test_a_resend_is_a_delivery_of_an_older_event(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    commit(store, fold)
    resend = make.delivery(fold.events[0], fold.calls[0].n, 7, kind="resend")
    alone = Fold(account=ACCOUNT, calls=(), events=(), event_calls=(), deliveries=(resend,))
    commit(store, alone)
    assert store.job(resend.id) == Job(resend, fold.events[0])
    assert [row.delivery.id for row in store.deliveries_of_events([fold.events[0].id])] == [fold.deliveries[0].id, resend.id]
    assert store.job(5) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "test", "state": "skipped"},
        {"kind": "replay", "state": "cancelled", "attempts": 3},
        {"kind": "event", "signed_at_s": 1_795_190_400, "attempts": 70_000, "next_at_ms": START_MS, "state": "retrying"},
        {"kind": "resend", "name": "Call.Complete"},
        {"name": "ä" * 200},
    ],
)
def test_deliveries_come_back_as_they_were(store: Store, fields: dict[str, object]) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"))
    delivery = make.delivery(fold.events[0], fold.calls[0].n, 7, **fields)
    commit(store, replace(fold, deliveries=(delivery,)))
    assert store.job(delivery.id) == Job(delivery, fold.events[0])


def test_what_was_being_sent_is_open_again(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"))
    delivery = make.delivery(fold.events[0], fold.calls[0].n, 7, state="sending")
    commit(store, replace(fold, deliveries=(delivery,)))
    assert [job.delivery for job in store.open_deliveries(7, 0, 10)] == [replace(delivery, state="pending")]


def test_open_calls_are_the_watchdogs(store: Store) -> None:
    make = Maker()
    folds = []
    for number in range(6):
        make.now_ms = START_MS + number * 1000
        folds.append(make.fold(make.begin(f"c-{number}"), "completed" if number == 2 else "ongoing"))
    commit(store, *folds)
    expected = [after(fold) for number, fold in enumerate(folds) if number != 2]
    assert store.open_calls(START_MS + 10_000, 0, 100) == expected
    assert store.open_calls(START_MS + 3_000, 0, 100) == expected[:2]
    assert store.open_calls(START_MS + 10_000, expected[1].n, 2) == expected[2:4]
    commit(store, make.fold(after(folds[0]), "failed"))
    assert store.open_calls(START_MS + 10_000, 0, 100) == expected[1:]


def test_calls_by_their_numbers_are_as_they_are_now(store: Store) -> None:
    make = Maker()
    first, second = make.fold(make.begin("c-1")), make.fold(make.begin("c-2"))
    commit(store, first, second)
    moved = make.fold(after(first), "ringing")
    commit(store, moved)
    assert store.calls_by_number([first.calls[0].n, second.calls[0].n, 1]) == {
        first.calls[0].n: after(moved),
        second.calls[0].n: after(second),
    }
    assert store.calls_by_number([]) == {}


def test_readers_see_what_another_writer_committed(store: Store, opens: Callable[[], Store]) -> None:
    make, other = Maker(), opens()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    fold = replace(fold, deliveries=tuple(replace(delivery, name="a new name") for delivery in fold.deliveries))
    assert other.open_deliveries(7, 0, 10) == []
    commit(store, fold)
    assert other.open_deliveries(7, 0, 10) == jobs(fold)


def test_results_survive_the_refusal_of_every_fold(store: Store, backend: Backend) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    commit(store, fold)
    stale = make.fold(fold.calls[0], "ringing")
    assert store.commit(Batch([stale], [done(fold.deliveries[0])])) == Committed(stale=(0,))
    assert store.endpoints_with_open() == []


def test_counts_of_what_is_open(store: Store) -> None:
    make = Maker()
    folds = [make.fold(make.begin(f"c-{number}"), "starting", [7]) for number in range(4)]
    held = waiting(make, make.fold(make.begin("c-h"), "completed", [7]), START_MS)
    commit(store, *folds, held)
    commit(store, results=[done(folds[0].deliveries[0]), done(folds[1].deliveries[0], "retrying", next_at_ms=START_MS)])
    assert store.counts() == {"pending": 3, "retrying": 1, "open_calls": 4}
    store.health()


def test_a_delivery_has_its_ids_time(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1"), "starting", [7])
    commit(store, fold)
    delivery: Delivery = store.open_deliveries(7, 0, 1)[0].delivery
    assert delivery.created_at_ms == START_MS
