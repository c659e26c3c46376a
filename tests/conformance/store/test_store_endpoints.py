"""How endpoints fare, what they have missed, and events that belong to no call."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from store_backends import START_MS, Backend
from store_values import ACCOUNT, OTHER, Maker, after, commit, done

from ringback.calls.model import Call, Event
from ringback.errors import NotFound
from ringback.store.port import DeliveryFilter, Store
from ringback.webhooks.health import HEALTHY, Health
from ringback.webhooks.model import Endpoint, Kind
from ringback.webhooks.records import Fold

FAILING = Health("failing", 7, START_MS, START_MS + 5, "5 attempts in a row failed")
DISABLED = Health("disabled", 9, START_MS, START_MS + 9, "it answered 410 Gone")
END_MS = START_MS + 3_600_000


def endpoint(number: int, account: str = ACCOUNT) -> Endpoint:
    return Endpoint(id=number, account=account, url="https://example.com/", dialect="standard")


def test_health_is_kept(store: Store, opens: Callable[[], Store]) -> None:
    for number in (70, 71, 72):
        store.put_endpoint(endpoint(number))
    assert store.healths() == {}
    store.put_healths({70: FAILING, 71: DISABLED, 72: HEALTHY})
    assert opens().healths() == {70: FAILING, 71: DISABLED}
    store.put_healths({70: replace(FAILING, failures=8)})
    store.put_healths({71: HEALTHY})
    assert store.healths() == {70: replace(FAILING, failures=8)}


def test_an_endpoint_is_written_with_its_health(store: Store) -> None:
    made = endpoint(70)
    store.put_endpoint(made, DISABLED)
    store.put_endpoint(replace(made, description="x"))
    assert store.healths() == {70: DISABLED}
    store.put_endpoint(made, HEALTHY)
    assert store.healths() == {}


def test_a_deleted_endpoint_has_no_health(store: Store) -> None:
    store.put_endpoint(endpoint(70), FAILING)
    assert store.delete_endpoint(70)
    store.put_healths({70: DISABLED, 99: FAILING})
    assert store.healths() == {}
    with pytest.raises(NotFound):
        store.put_endpoint(endpoint(70), FAILING)
    assert store.healths() == {}


def alone(make: Maker, account: str, to: int, kind: Kind) -> Fold:
    """An event that belongs to no call, and its delivery."""
    call = Call(account=account, id="testcall", root="testcall")
    event = Event(id=make.id(), type="call.starting", at_ms=make.now_ms, seq=1, call=call, root=call)
    delivery = make.delivery(event, event.id, to, kind=kind)
    return Fold(account=account, calls=(), events=(event,), event_calls=((event.id, event.id),), deliveries=(delivery,))


@pytest.mark.parametrize("kind", ["test", "notice"])
def test_an_event_that_stands_alone_is_delivered_and_shown_and_is_in_no_list_of_calls(
    store: Store, backend: Backend, kind: Kind
) -> None:
    make = Maker()
    fold = alone(make, ACCOUNT, 70, kind)
    commit(store, fold)
    (job,) = store.open_deliveries(70, 0, 10)
    assert (job.delivery, job.event) == (fold.deliveries[0], fold.events[0])
    commit(store, results=[done(job.delivery)])
    for _ in range(2):
        (row,) = store.deliveries(DeliveryFilter(account=ACCOUNT))
        assert (row.delivery.kind, row.delivery.state, row.call_id) == (kind, "succeeded", "testcall")
        found = store.delivery(ACCOUNT, row.delivery.id)
        assert found is not None
        assert found[1] == fold.events[0]
        assert store.delivery(OTHER, row.delivery.id) is None
        assert store.calls(ACCOUNT, None, 10) == []
        assert store.call(ACCOUNT, "testcall") is None
        assert store.open_calls(END_MS, 0, 10) == []
        assert store.calls_by_number([row.delivery.root]) == {}
        backend.settle(store)


class Missed:
    """Seven events of two accounts, and what one endpoint got of them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.make = Maker()
        self.ids: dict[str, int] = {}

    def event(self, name: str, state: str | None = None, account: str = ACCOUNT) -> None:
        self.make.now_ms += 1000
        fold = self.make.fold(self.make.begin(name, account=account), "starting", [] if state is None else [70, 71])
        commit(self.store, fold)
        self.ids[name] = fold.events[0].id
        if state not in (None, "pending"):
            commit(self.store, results=[done(delivery, state) for delivery in fold.deliveries if delivery.endpoint == 70])  # type: ignore[arg-type]
        assert after(fold).call.id == name

    def names(self, since_ms: int = START_MS, until_ms: int = END_MS, after_id: int = 0, limit: int = 100) -> list[str]:
        found, _ = self.store.unreceived(ACCOUNT, 70, since_ms, until_ms, after_id, limit)
        assert [event.id for event in found] == [self.ids[event.call.id] for event in found]
        return [event.call.id for event in found]


@pytest.fixture
def missed(store: Store) -> Missed:
    made = Missed(store)
    for name, state in {"got": "succeeded", "coming": "pending", "given up": "exhausted", "dropped": "cancelled"}.items():
        made.event(name, state)
    made.event("left out", "skipped")
    made.event("never sent")
    made.event("another's", account=OTHER)
    commit(store, alone(made.make, ACCOUNT, 71, "test"))
    return made


def test_what_was_missed_is_what_was_given_up_or_cancelled_or_never_made(missed: Missed) -> None:
    assert missed.names() == ["given up", "dropped", "never sent"]


def test_what_was_missed_in_a_span(missed: Missed) -> None:
    assert missed.names(since_ms=START_MS + 4000) == ["dropped", "never sent"]
    assert missed.names(until_ms=START_MS + 4000) == ["given up"]
    assert missed.names(since_ms=START_MS + 3000, until_ms=START_MS + 3001) == ["given up"]
    assert missed.names(after_id=missed.ids["dropped"]) == ["never sent"]


def test_what_was_missed_is_found_block_by_block(missed: Missed) -> None:
    names: list[str] = []
    after_id: int | None = 0
    rounds = 0
    while after_id is not None:
        found, after_id = missed.store.unreceived(ACCOUNT, 70, START_MS, END_MS, after_id, 2)
        names += [event.call.id for event in found]
        rounds += 1
    assert names == ["given up", "dropped", "never sent"]
    assert rounds == 5


def test_the_first_that_was_lost_since_a_moment(missed: Missed, store: Store) -> None:
    assert store.first_lost(ACCOUNT, 70, START_MS) == missed.ids["given up"]
    assert store.first_lost(ACCOUNT, 70, START_MS + 6) is None, "both were over by then"
    assert store.first_lost(ACCOUNT, 71, START_MS) is None
    assert store.first_lost(OTHER, 70, START_MS) is None
    assert store.first_lost("none", 70, START_MS) is None
    fold = alone(missed.make, ACCOUNT, 72, "test")
    commit(store, fold)
    commit(store, results=[done(fold.deliveries[0], "exhausted")])
    assert store.first_lost(ACCOUNT, 72, START_MS) is None


def test_a_resend_that_succeeded_makes_good(missed: Missed, store: Store) -> None:
    found, _ = store.unreceived(ACCOUNT, 70, START_MS, END_MS, 0, 100)
    stored = store.call(ACCOUNT, found[0].call.id)
    assert stored is not None
    again = missed.make.delivery(found[0], stored.root_n, 70, kind="resend")
    commit(store, Fold(account=ACCOUNT, calls=(), events=(), event_calls=(), deliveries=(again,)))
    assert missed.names() == ["dropped", "never sent"]
    commit(store, results=[done(again, "exhausted")])
    assert missed.names() == ["given up", "dropped", "never sent"]


def test_nobody_has_missed_anything(store: Store) -> None:
    assert store.unreceived("none", 70, 0, END_MS, 0, 10) == ([], None)
    assert store.unreceived(ACCOUNT, 70, 0, END_MS, 0, 10) == ([], None)
