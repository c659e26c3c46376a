"""What is old is forgotten, whole and without a trace; what is not over stays."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from store_backends import START_MS, Backend
from store_values import ACCOUNT, FROM, OTHER, TO, Maker, after, commit, done

from ringback.calls.model import Call, Event
from ringback.store.port import DeliveryFilter, Over, Store
from ringback.webhooks.model import Delivery
from ringback.webhooks.records import Batch, Fold, StoredCall
from ringback.webhooks.resends import BulkResend, Wanted

LATER_MS = START_MS + 1_000_000


def over(store: Store, before_ms: int = LATER_MS, account: str = ACCOUNT, limit: int = 100) -> list[Over]:
    found: list[Over] = []
    after_n: int | None = 0
    while after_n is not None:
        page, after_n = store.over(account, before_ms, after_n, limit)
        found += page
    return found


def ended(make: Maker, store: Store, name: str, account: str = ACCOUNT, **fields: Any) -> StoredCall:
    """A call that has come and gone, its two deliveries done."""
    first = make.fold(make.begin(name, account=account, **fields), "starting", [7], update_id=f"{name}-1")
    last = make.fold(after(first), "completed", [7], update_id=f"{name}-2")
    commit(store, first, last)
    commit(store, results=[done(fold.deliveries[0]) for fold in (first, last)])
    return after(last)


def everything(store: Store, number: str = FROM) -> list[object]:
    """All that people find of the account."""
    wanted = DeliveryFilter(account=ACCOUNT)
    return [
        *store.calls(ACCOUNT, None, 99),
        *store.calls(ACCOUNT, None, 99, number),
        *store.calls(ACCOUNT, None, 99, status="completed"),
        *store.deliveries(wanted),
        *store.deliveries(replace(wanted, endpoint=7)),
        *store.deliveries(replace(wanted, event="call.starting")),
        *store.deliveries(replace(wanted, number=number)),
        *store.deliveries(replace(wanted, number=TO)),
    ]


@pytest.mark.parametrize("settled", [False, True])
def test_a_conversation_is_forgotten_without_a_trace(store: Store, backend: Backend, settled: bool) -> None:
    make = Maker()
    call = ended(make, store, "c-1")
    make.now_ms += 10_000
    # The search lists hold it, since another one came behind it.
    other = ended(make, store, "c-2", from_="+1", to="+2")
    if settled:
        backend.settle(store)
    backend.settle(store)
    assert over(store, START_MS + 5_000) == [Over(call.n, (call.n,))]
    event = store.events(call.n)[0].id
    (delivery,) = [row.delivery.id for row in store.deliveries_of_events([event])]
    assert store.forget(ACCOUNT, [call.n], START_MS + 5_000) == 1
    assert store.calls(ACCOUNT, None, 99) == [other]
    assert len(store.deliveries(DeliveryFilter(account=ACCOUNT))) == 2
    assert store.deliveries(DeliveryFilter(account=ACCOUNT, number=FROM)) == []
    assert store.call(ACCOUNT, "c-1") is store.job(delivery) is store.event(ACCOUNT, event) is store.delivery(ACCOUNT, delivery)
    assert store.call(ACCOUNT, "c-1") is None
    assert store.legs(call.n) == store.events(call.n) == store.attempts(delivery) == []
    assert store.forget(ACCOUNT, [other.n], LATER_MS) == 1
    assert everything(store) == everything(store, "+1") == []
    assert over(store) == []


def test_what_is_not_over_stays(store: Store, backend: Backend) -> None:
    make = Maker()
    running = make.fold(make.begin("running"), "starting", [7])
    commit(store, running)
    commit(store, results=[done(running.deliveries[0])])
    pending = make.fold(make.begin("pending"), "completed", [7])
    retrying = make.fold(make.begin("retrying"), "completed", [7])
    commit(store, pending, retrying)
    commit(store, results=[done(retrying.deliveries[0], "retrying", next_at_ms=LATER_MS)])
    root = make.fold(make.begin("root"), "completed", [])
    leg = make.fold(make.begin("leg", root=after(root)), "ringing", [], root=after(root))
    commit(store, root, leg)
    resent = ended(make, store, "resent")
    told = store.events(resent.n)[0]
    backend.settle(store)
    make.now_ms = LATER_MS + 1
    again = make.delivery(told, resent.n, 7, kind="resend")
    commit(store, Fold(account=ACCOUNT, calls=(), events=(), event_calls=(), deliveries=(again,)))
    commit(store, results=[done(again)])
    assert over(store) == []
    roots = [stored.n for stored in store.calls(ACCOUNT, None, 99)]
    assert store.forget(ACCOUNT, roots, LATER_MS) == 0
    assert len(store.calls(ACCOUNT, None, 99)) == 6
    # Later it is over too.
    assert [one.root for one in over(store, LATER_MS + 100)] == [resent.n]


def test_legs_go_with_their_root(store: Store, backend: Backend) -> None:
    make = Maker()
    root = make.fold(make.begin("root"), "starting", [7])
    leg = make.fold(make.begin("leg", root=after(root), from_="alice"), "completed", [7], root=after(root))
    end = make.fold(after(leg, "root"), "completed", [7])
    commit(store, root, leg, end)
    commit(store, results=[done(fold.deliveries[0]) for fold in (root, leg, end)])
    backend.settle(store)
    n, leg_n = root.calls[0].n, after(leg).n
    assert over(store) == [Over(n, (n, leg_n))]
    assert store.forget(ACCOUNT, [n], LATER_MS) == 1
    assert everything(store) == everything(store, "alice") == []


def test_only_the_account_s_own_are_forgotten(store: Store, backend: Backend) -> None:
    make = Maker()
    mine, theirs = ended(make, store, "c"), ended(make, store, "c", account=OTHER)
    backend.settle(store)
    assert [one.root for one in over(store)] == [mine.n]
    assert over(store, account="none") == []
    assert store.forget(ACCOUNT, [theirs.n], LATER_MS) == 0
    assert store.forget("none", [mine.n], LATER_MS) == 0
    assert store.forget(OTHER, [theirs.n], LATER_MS) == 1
    assert store.call(ACCOUNT, "c") == mine


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_what_is_over_is_found_page_by_page(store: Store, backend: Backend, limit: int) -> None:
    make = Maker()
    calls = []
    for number in range(8):
        make.now_ms += 1000
        if number % 3 == 2:
            commit(store, make.fold(make.begin(f"c-{number}"), "starting", []))
        else:
            calls.append(ended(make, store, f"c-{number}").n)
    backend.settle(store)
    assert [one.root for one in over(store, limit=limit)] == calls
    assert [one.root for one in over(store, START_MS + 4_500, limit=limit)] == calls[:3]


def test_events_that_stand_alone_are_forgotten_too(store: Store, backend: Backend) -> None:
    make = Maker()
    nobody = Call(account=ACCOUNT, id="", root="")
    folds = []
    for kind in ("test", "notice"):
        number = make.id()
        event = Event(id=number, type="x", at_ms=1, seq=1, call=nobody, root=nobody)
        delivery = Delivery(id=make.id(), endpoint=7, event=number, root=number, name="x", kind=kind)  # type: ignore[arg-type]
        folds.append(
            Fold(account=ACCOUNT, calls=(), events=(event,), event_calls=((number, number),), deliveries=(delivery,), call_id="")
        )
    store.commit(Batch(folds))
    backend.settle(store)
    assert store.over_alone(ACCOUNT, LATER_MS, 0, 10)[0] == []
    commit(store, results=[done(folds[0].deliveries[0])])
    found, cursor = store.over_alone(ACCOUNT, LATER_MS, 0, 10)
    assert found == [Over(folds[0].events[0].id)]
    assert cursor == folds[1].deliveries[0].id
    assert store.over_alone(ACCOUNT, LATER_MS, cursor, 10) == ([], None)
    assert store.over(ACCOUNT, LATER_MS, 0, 10) == ([], None)
    assert store.forget(ACCOUNT, [found[0].root], LATER_MS) == 1
    assert [row.delivery.id for row in store.deliveries(DeliveryFilter(account=ACCOUNT))] == [folds[1].deliveries[0].id]


def test_a_forgotten_call_that_is_heard_of_again_is_new(store: Store, backend: Backend) -> None:
    make = Maker()
    call = ended(make, store, "c-1")
    backend.settle(store)
    store.forget(ACCOUNT, [call.n], LATER_MS)
    loaded = store.load([(ACCOUNT, "c-1")], [(ACCOUNT, "c-1-1")])
    assert loaded.calls == {}
    # Its update ids are known as long as any: what is sent again is a duplicate still.
    assert list(loaded.seen) == [(ACCOUNT, "c-1-1")]
    commit(store, make.fold(make.begin("c-1"), "starting", [7], update_id="c-1-3"))
    assert len(store.calls(ACCOUNT, None, 9)) == 1


def test_a_store_that_is_opened_again_has_forgotten_too(store: Store, backend: Backend, opens: Callable[[], Store]) -> None:
    make = Maker()
    call = ended(make, store, "c-1")
    backend.settle(store)
    store.forget(ACCOUNT, [call.n], LATER_MS)
    again = opens()
    assert everything(again) == []
    ended(make, again, "c-2")
    backend.settle(again)
    assert len(again.calls(ACCOUNT, None, 9)) == 1
    backend.check()


def test_old_bulk_resends_are_forgotten(store: Store) -> None:
    job = BulkResend(id=5, account=ACCOUNT, wanted=Wanted())
    store.put_resend(job)
    store.put_resend(replace(job, id=6, state="done", finished_at_ms=START_MS))
    store.put_resend(replace(job, id=7, state="done", finished_at_ms=START_MS + 10))
    assert store.forget_resends(START_MS + 5) == 1
    assert [one.id for one in store.resends(ACCOUNT, None, 9)] == [7, 5]


def test_open_deliveries_are_counted_as_far_as_asked(store: Store) -> None:
    make = Maker()
    folds = [make.fold(make.begin(f"c-{number}"), "starting", [7, 8]) for number in range(4)]
    commit(store, *folds, make.fold(make.begin("theirs", account=OTHER), "starting", [9]))
    assert store.count_open(ACCOUNT, 100) == 8
    assert store.count_open(ACCOUNT, 5) == 5
    assert store.count_open(OTHER, 5) == 1
    assert store.count_open("none", 5) == 0
    commit(store, results=[done(folds[0].deliveries[0]), done(folds[0].deliveries[1], "retrying", next_at_ms=START_MS)])
    assert store.count_open(ACCOUNT, 100) == 7
