"""Bulk resends: the jobs as they were made and as far as they came, and exactly what they are to send again."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from store_backends import START_MS, Backend
from store_values import ACCOUNT, FROM, OTHER, Maker, after, commit, done

from ringback.errors import NotFound
from ringback.store.port import Store
from ringback.store.sqlite import resends
from ringback.webhooks.model import Delivery, State
from ringback.webhooks.records import Batch, Committed, Fold
from ringback.webhooks.resends import BulkResend, Wanted

JOB = BulkResend(
    id=1 << 60,
    account=ACCOUNT,
    wanted=Wanted(
        state="exhausted", endpoint=7, call="c-1", event="call.ringing", number="+61", since_ms=START_MS, until_ms=START_MS + 1
    ),
    rate_per_s=2.5,
    total=9,
    bound=5,
    by="Kim",
)
STATES: tuple[State, ...] = ("succeeded", "exhausted", "cancelled", "skipped", "retrying", "pending")


def again(delivery: Delivery, make: Maker, **fields: Any) -> Delivery:
    """One more delivery of the same event to the same endpoint."""
    fresh = {"id": make.id(), "kind": "resend", "state": "pending", "attempts": 0, "created_at_ms": make.now_ms}
    return replace(delivery, **{**fresh, **fields})


def put(store: Store, *deliveries: Delivery, resends: tuple[BulkResend, ...] = ()) -> None:
    folds = [Fold(account=ACCOUNT, calls=(), events=(), event_calls=(), deliveries=(delivery,)) for delivery in deliveries]
    assert store.commit(Batch(folds, (), resends)) == Committed()


def found(store: Store, limit: int = 1000, after_id: int = 0, bound: int = 1 << 62, **wanted: Any) -> list[int]:
    """All that is to be resent, page by page."""
    deliveries: list[int] = []
    cursor: int | None = after_id
    while cursor is not None:
        page, cursor = store.to_resend(ACCOUNT, Wanted(**wanted), cursor, bound, limit)
        assert cursor is None or len(page) <= limit
        deliveries += [number for number, _ in page]
    return deliveries


class Log:
    """A delivery in each state of each of some calls, for two endpoints, and one of another account's."""

    def __init__(self, store: Store) -> None:
        self.make = make = Maker()
        self.by_state: dict[State, list[Delivery]] = {state: [] for state in STATES}
        self.call_of: dict[int, str] = {}
        for number in range(3):
            for state in STATES:
                make.now_ms += 1000
                name = f"c-{number}-{state}"
                stored = make.begin(name, to=f"+6128888111{number}")
                fold = make.fold(stored, ("starting", "ringing")[number % 2], [7, 8])
                commit(store, fold)
                if state != "pending":
                    commit(store, results=[done(delivery, state) for delivery in fold.deliveries])
                for delivery in fold.deliveries:
                    self.by_state[state].append(replace(delivery, state=state))
                    self.call_of[delivery.id] = name
        theirs = make.fold(make.begin("c-0-exhausted", account=OTHER), "starting", [7])
        commit(store, theirs, results=[])
        commit(store, results=[done(theirs.deliveries[0], "exhausted")])

    def ids(self, *states: State, fits: Callable[[Delivery], bool] = lambda _: True) -> list[int]:
        return sorted(delivery.id for state in states for delivery in self.by_state[state] if fits(delivery))


@pytest.fixture(params=[False, True], ids=["fresh", "settled"])
def log(request: pytest.FixtureRequest, store: Store, backend: Backend) -> Log:
    made = Log(store)
    if request.param:
        backend.settle(store)
    return made


def test_a_job_comes_back_as_it_was(store: Store, opens: Callable[[], Store]) -> None:
    other = replace(JOB, id=JOB.id + 1, wanted=Wanted(), rate_per_s=None)
    over = replace(JOB, id=JOB.id + 2, state="cancelled", finished_at_ms=START_MS)
    for job in (JOB, other, over):
        store.put_resend(job)
    assert opens().resends(ACCOUNT, None, 10) == store.resends(ACCOUNT, None, 10) == [over, other, JOB]
    assert store.resends(ACCOUNT, over.id, 1) == [other]
    assert store.resends(OTHER, None, 10) == store.resends("none", None, 10) == []
    assert store.resend(ACCOUNT, JOB.id) == JOB
    assert store.resend(OTHER, JOB.id) is None
    assert store.resend(ACCOUNT, 5) is None
    assert store.running_resends() == [JOB, other]
    assert store.last_id() == over.id
    with pytest.raises(NotFound):
        store.put_resend(replace(JOB, id=5, account="none"))


def test_a_job_ends_once(store: Store) -> None:
    store.put_resend(JOB)
    assert store.end_resend(JOB.id, "cancelled", START_MS)
    assert not store.end_resend(JOB.id, "done", START_MS + 1)
    assert not store.end_resend(5, "done", START_MS)
    assert store.resend(ACCOUNT, JOB.id) == replace(JOB, state="cancelled", finished_at_ms=START_MS)


def test_how_far_a_job_came_is_written_with_what_it_made(store: Store, log: Log) -> None:
    store.put_resend(JOB)
    first, second = log.by_state["exhausted"][:2]
    moved = replace(JOB, cursor=second.id, made=2, unmade=1)
    mine = [replace(again(delivery, log.make), job=JOB.id) for delivery in (first, second)]
    put(store, *mine, resends=(moved,))
    assert store.resend(ACCOUNT, JOB.id) == moved
    assert store.resend_states(JOB.id) == {"pending": 2}
    assert store.resend_waiting(JOB.id) == {7: 1, 8: 1}
    commit(store, results=[done(mine[0]), done(mine[1], "retrying", next_at_ms=START_MS)])
    assert store.resend_states(JOB.id) == {"succeeded": 1, "retrying": 1}
    assert store.resend_waiting(JOB.id) == store.resend_states(5) == {}


def test_a_row_that_cannot_be_stored_stops_neither_the_others_nor_the_job(store: Store, log: Log) -> None:
    store.put_resend(JOB)
    good, bad = again(log.by_state["exhausted"][0], log.make), again(log.by_state["exhausted"][1], log.make, event=5)
    folds = [Fold(account=ACCOUNT, calls=(), events=(), event_calls=(), deliveries=(one,)) for one in (good, bad)]
    committed = store.commit(Batch(folds, (), (replace(JOB, cursor=9),)))
    assert list(committed.failed) == [1]
    assert store.job(good.id)
    job = store.resend(ACCOUNT, JOB.id)
    assert job is not None
    assert job.cursor == 9


def test_without_a_state_what_did_not_arrive_is_sent_again(store: Store, log: Log) -> None:
    assert found(store) == log.ids("exhausted", "cancelled")
    for state in ("exhausted", "cancelled", "skipped", "succeeded"):
        assert found(store, state=state) == log.ids(state)  # type: ignore[arg-type]


@pytest.mark.parametrize("rare", [0, 2_000])
def test_every_filter_narrows(store: Store, log: Log, rare: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resends, "RARE", rare)
    cases: list[tuple[dict[str, Any], Callable[[Delivery], bool]]] = [
        ({"endpoint": 7}, lambda d: d.endpoint == 7),
        ({"endpoint": 9}, lambda d: False),
        ({"event": "call.ringing"}, lambda d: d.name == "call.ringing"),
        ({"event": "none"}, lambda d: False),
        ({"number": "+61288881111"}, lambda d: log.call_of[d.id].startswith("c-1")),
        ({"number": FROM}, lambda d: True),
        ({"number": "+61288881111", "endpoint": 8}, lambda d: log.call_of[d.id].startswith("c-1") and d.endpoint == 8),
        ({"number": "+61288881111", "event": "call.ringing"}, lambda d: log.call_of[d.id].startswith("c-1")),
        ({"call": "c-2-exhausted"}, lambda d: log.call_of[d.id] == "c-2-exhausted"),
        ({"call": "c-2-succeeded", "endpoint": 7}, lambda d: log.call_of[d.id] == "c-2-succeeded" and d.endpoint == 7),
        ({"call": "none"}, lambda d: False),
        ({"since_ms": START_MS + 8000}, lambda d: d.created_at_ms >= START_MS + 8000),
        ({"until_ms": START_MS + 8000}, lambda d: d.created_at_ms < START_MS + 8000),
        (
            {"since_ms": START_MS + 2000, "until_ms": START_MS + 9000, "endpoint": 7},
            lambda d: START_MS + 2000 <= d.created_at_ms < START_MS + 9000 and d.endpoint == 7,
        ),
    ]
    for wanted, fits in cases:
        assert found(store, **wanted) == log.ids("exhausted", "cancelled", fits=fits), wanted
        assert found(store, state="succeeded", **wanted) == log.ids("succeeded", fits=fits), wanted
        assert found(store, limit=2, state="cancelled", **wanted) == log.ids("cancelled", fits=fits), wanted
    assert store.to_resend(OTHER, Wanted(endpoint=8), 0, 1 << 62, 10)[0] == []
    assert store.to_resend("none", Wanted(), 0, 1 << 62, 10) == ([], None)


def test_page_by_page_each_comes_once_up_to_the_bound(store: Store, log: Log) -> None:
    expected = log.ids("exhausted", "cancelled")
    for limit in (1, 3, 100):
        assert found(store, limit=limit) == expected
    assert found(store, bound=expected[4]) == expected[:5]
    assert found(store, after_id=expected[4]) == expected[5:]
    assert found(store, limit=2, after_id=expected[2], bound=expected[6]) == expected[3:7]


def test_what_arrived_or_is_under_way_is_left_out(store: Store, log: Log) -> None:
    first, second, third, *rest = sorted(log.by_state["exhausted"], key=lambda delivery: delivery.id)
    arrived, coming, failed = (again(delivery, log.make) for delivery in (first, second, third))
    put(store, arrived, coming, failed)
    commit(store, results=[done(arrived), done(failed, "exhausted")])
    # Of the third, both have failed: it is resent once.
    assert found(store, state="exhausted") == [*(one.id for one in rest), failed.id]
    assert found(store, state="exhausted", bound=arrived.id - 1) == [third.id, *(one.id for one in rest)]
    # What arrived is sent again on request, the newest.
    assert found(store, state="succeeded") == [*log.ids("succeeded"), arrived.id]
    put(store, again(arrived, log.make))
    assert found(store, state="succeeded") == log.ids("succeeded")


def test_tests_and_replays_are_never_sent_again(store: Store, log: Log) -> None:
    first, second, *rest = sorted(log.by_state["exhausted"], key=lambda delivery: delivery.id)
    test, replay = again(first, log.make, kind="test"), again(second, log.make, kind="replay")
    put(store, test, replay)
    commit(store, results=[done(test), done(replay)])
    # A test's success is nobody's; a replay to the same endpoint has arrived there.
    assert found(store, state="exhausted") == [first.id, *(one.id for one in rest)]
    assert found(store, state="succeeded") == log.ids("succeeded")


def test_what_a_job_made_is_cancelled_but_for_what_is_named(store: Store, log: Log) -> None:
    store.put_resend(JOB)
    mine = [replace(again(delivery, log.make), job=JOB.id) for delivery in log.by_state["exhausted"][:4]]
    others = again(log.by_state["exhausted"][4], log.make)
    put(store, *mine, others)
    commit(store, results=[done(mine[0]), done(mine[1], "retrying", next_at_ms=START_MS)])
    left = [(delivery.id, delivery.endpoint) for delivery in mine[1:]]
    assert sorted(store.open_resends(JOB.id)) == left
    assert store.cancel_resends(JOB.id, START_MS + 7, [mine[3].id]) == 2
    assert store.resend_states(JOB.id) == {"succeeded": 1, "cancelled": 2, "pending": 1}
    assert store.open_resends(JOB.id) == left[2:]
    row = store.delivery(ACCOUNT, mine[1].id)
    assert row is not None
    assert row[0].finished_at_ms == START_MS + 7
    assert store.job(others.id)


def test_an_empty_store_has_nothing_to_resend(store: Store) -> None:
    assert store.to_resend(ACCOUNT, Wanted(), 0, 1 << 62, 10) == ([], None)


def test_deliveries_with_their_events(store: Store, log: Log) -> None:
    wanted = log.ids("exhausted")[::-1]
    jobs = store.jobs([*wanted, 5])
    assert [job.delivery.id for job in jobs] == wanted
    assert all(job.event.id == job.delivery.event for job in jobs)
    assert store.jobs([]) == []


def test_a_leg_stands_for_itself_and_a_root_for_its_conversation(store: Store) -> None:
    make = Maker()
    root = make.fold(make.begin("root"), "starting", [7])
    leg = make.fold(make.begin("leg", root=after(root)), "ringing", [7], root=after(root))
    commit(store, root, leg)
    commit(store, results=[done(fold.deliveries[0], "exhausted") for fold in (root, leg)])
    assert found(store, call="root") == [root.deliveries[0].id, leg.deliveries[0].id]
    assert found(store, call="leg") == [leg.deliveries[0].id]
