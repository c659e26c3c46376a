"""What people look at: newest first, page by page, by every field."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from store_backends import START_MS, Backend
from store_values import ACCOUNT, FROM, OTHER, TO, Maker, after, commit, done

from ringback.calls.model import Context
from ringback.store.port import DeliveryFilter, DeliveryRow, Store
from ringback.store.sqlite import looking
from ringback.webhooks.records import Fold, Result, StoredCall

STATES = ["pending", "retrying", "succeeded", "exhausted", "cancelled", "skipped"]
STATUSES = ["starting", "ringing", "ongoing", "completed"]
CALLS = 24


class Log:
    """Deliveries of two accounts in all states, over several seconds, and what a search must find among them."""

    def __init__(self, store: Store, backend: Backend, settle: tuple[int, ...]) -> None:
        """`settle`: after which calls the store does its background work."""
        self.folds: list[Fold] = []
        self.rows: list[tuple[str, DeliveryRow]] = []
        self.numbers: dict[tuple[str, str], set[str]] = {}
        make = Maker()
        for number in range(CALLS):
            make.now_ms = START_MS + number * 1000
            account = OTHER if number % 5 == 4 else ACCOUNT
            stored = make.begin(f"c-{number}", account=account, from_=f"+6128888000{number % 3}", to=f"+6180011122{number % 4}")
            folds, results = [], []
            for step, status in enumerate(STATUSES):
                endpoints = [100 + 10 * (account == OTHER) + number % 4, 109 + 10 * (account == OTHER)]
                fold = make.fold(stored, status, endpoints)
                ends = [self._result(delivery, number + step + place) for place, delivery in enumerate(fold.deliveries)]
                self.rows += [(account, self._row(fold, *both)) for both in zip(fold.deliveries, ends, strict=True)]
                results += [end for end in ends if end is not None]
                folds.append(fold)
                stored = after(fold)
            self.numbers[stored.call.account, stored.call.id] = {stored.call.from_, stored.call.to}
            commit(store, *folds, results=results)
            self.folds += folds
            if number in settle:
                backend.settle(store)

    def _result(self, delivery: Any, number: int) -> Result | None:
        state = STATES[number % len(STATES)]
        if state == "pending":
            return None
        failed = state in ("retrying", "exhausted")
        return done(
            delivery,
            state,  # type: ignore[arg-type]
            status=None if failed else 200,
            error="timeout" if failed else "",
            next_at_ms=START_MS * 2 if state == "retrying" else 0,
        )

    def _row(self, fold: Fold, delivery: Any, result: Result | None) -> DeliveryRow:
        if result is None:
            return DeliveryRow(delivery, fold.call_id, None, None, "")
        finished = None if result.delivery.state == "retrying" else result.finished_at_ms
        return DeliveryRow(result.delivery, fold.call_id, finished, result.status, result.error)

    def expected(self, wanted: DeliveryFilter) -> list[DeliveryRow]:
        """By the letter of the filter."""
        found = [row for account, row in self.rows if account == wanted.account and self._fits(row, wanted)]
        return sorted(found, key=lambda row: -row.delivery.id)[: wanted.limit]

    def _fits(self, row: DeliveryRow, wanted: DeliveryFilter) -> bool:
        d = row.delivery
        return (
            (wanted.state is None or d.state == wanted.state)
            and (wanted.endpoint is None or d.endpoint == wanted.endpoint)
            and (wanted.call is None or row.call_id == wanted.call)
            and (wanted.event is None or d.name == wanted.event)
            and (wanted.number is None or wanted.number in self.numbers[wanted.account, row.call_id])
            and (wanted.since_ms is None or d.created_at_ms >= wanted.since_ms)
            and (wanted.until_ms is None or d.created_at_ms < wanted.until_ms)
            and (wanted.before is None or d.id < wanted.before)
        )


@pytest.fixture(params=[(), (CALLS - 1,), (3, 11)], ids=["fresh", "settled", "half settled"])
def log(request: pytest.FixtureRequest, store: Store, backend: Backend) -> Log:
    return Log(store, backend, request.param)


PAGED: list[dict[str, Any]] = [
    {},
    {"number": "+61288880001"},
    {"number": "+61288880001", "endpoint": 109},
    {"number": "+61800111222", "state": "exhausted"},
    {"number": "+61800111222", "state": "pending"},
    {"state": "pending"},
    {"state": "exhausted"},
    {"state": "succeeded"},
    {"endpoint": 109},
    {"event": "call.ringing"},
]


def filters() -> Iterator[dict[str, Any]]:
    yield {}
    for state in (None, *STATES, "sending", "no such state"):
        for field in (
            {},
            {"endpoint": 101},
            {"endpoint": 119},  # another account's
            {"endpoint": 5},
            {"call": "c-3"},
            {"call": "c-4"},  # another account's
            {"call": "c-99"},
            {"event": "call.ringing"},
            {"event": "call.none"},
            {"endpoint": 101, "event": "call.ringing"},
            {"number": "+61288880001"},
            {"number": "+61800111222"},
            {"number": "+61"},
            {"number": "+61288880001", "endpoint": 101},
            {"number": "+61288880001", "event": "call.ringing"},
            {"number": "+61288880001", "call": "c-3"},
            {"number": "+61288880000", "call": "c-3", "endpoint": 109},
            {"call": "c-3", "event": "call.ringing", "endpoint": 109},
        ):
            yield {"state": state, **field}


@pytest.fixture(params=[2_000, 4])
def windows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many ids a search looks at at once."""
    monkeypatch.setattr(looking, "WINDOW", request.param)
    monkeypatch.setattr(looking, "LEAST", 2)


@pytest.mark.usefixtures("windows")
def test_every_filter_finds_what_it_says(store: Store, log: Log) -> None:
    for fields in filters():
        for period in (
            {},
            {"since_ms": START_MS + 3000},
            {"until_ms": START_MS + 9000},
            {"since_ms": START_MS + 3000, "until_ms": START_MS + 9000},
        ):
            wanted = DeliveryFilter(account=ACCOUNT, limit=1000, **fields, **period)
            assert store.deliveries(wanted) == log.expected(wanted), wanted


@pytest.mark.usefixtures("windows")
def test_page_by_page_each_comes_once(store: Store, log: Log) -> None:
    for fields in PAGED:
        wanted = DeliveryFilter(account=ACCOUNT, limit=7, **fields)
        found: list[DeliveryRow] = []
        while page := store.deliveries(wanted):
            assert len(page) <= 7
            found += page
            wanted = replace(wanted, before=page[-1].delivery.id)
        assert found == log.expected(DeliveryFilter(account=ACCOUNT, limit=1000, **fields)), fields


@pytest.mark.usefixtures("windows")
def test_a_search_whose_time_is_over_says_how_far_it_has_come(store: Store, log: Log) -> None:
    for fields in PAGED:
        wanted = DeliveryFilter(account=ACCOUNT, limit=7, **fields)
        found: list[DeliveryRow] = []
        looked = store.look_at_deliveries(wanted, 0.0)
        while looked.down_to is not None or looked.rows:
            found += looked.rows
            below = looked.down_to or looked.rows[-1].delivery.id
            assert all(row.delivery.id >= below for row in looked.rows)
            assert wanted.before is None or below < wanted.before
            wanted = replace(wanted, before=below)
            looked = store.look_at_deliveries(wanted, 0.0)
        assert found == log.expected(DeliveryFilter(account=ACCOUNT, limit=1000, **fields)), fields


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize("number", [None, "+61288880001", "+61"])
@pytest.mark.parametrize("status", [None, "completed", "busy", "ringing"])
def test_so_does_a_search_of_calls(store: Store, log: Log, number: str | None, status: str | None) -> None:
    found: list[StoredCall] = []
    before: int | None = None
    while True:
        looked = store.look_at_calls(ACCOUNT, before, 3, number, status=status, within_s=0.0)
        found += looked.rows
        before = looked.down_to or (looked.rows[-1].n if looked.rows else None)
        if before is None:
            break
    assert found == store.calls(ACCOUNT, None, 1000, number, status=status)


def test_an_account_that_is_none_has_nothing(store: Store, log: Log) -> None:
    assert store.deliveries(DeliveryFilter(account="none")) == []
    assert store.calls("none", None, 10) == []
    assert store.call("none", "c-1") is None
    assert store.delivery("none", log.rows[0][1].delivery.id) is None


def test_one_delivery_with_its_event(store: Store, log: Log) -> None:
    account, row = log.rows[0]
    assert store.delivery(account, row.delivery.id) == (row, log.folds[0].events[0])
    assert store.delivery(OTHER, row.delivery.id) is None
    assert store.delivery(account, 5) is None


def test_deliveries_of_events(store: Store, log: Log) -> None:
    events = [fold.events[0].id for fold in log.folds[3:9]]
    expected = [row for _, row in log.rows if row.delivery.event in events]
    assert store.deliveries_of_events(events) == expected
    assert store.deliveries_of_events([]) == []
    assert store.deliveries_of_events([5]) == []


def test_calls_newest_first(store: Store, log: Log) -> None:
    ended = [after(fold) for fold in log.folds if fold.calls[0].call.status == "completed" and fold.account == ACCOUNT][::-1]
    assert store.calls(ACCOUNT, None, 1000) == ended
    assert store.calls(ACCOUNT, None, 5) == ended[:5]
    assert store.calls(ACCOUNT, ended[4].n, 5) == ended[5:10]


def test_calls_by_number_from_or_to(store: Store, log: Log) -> None:
    ended = [after(fold) for fold in log.folds if fold.calls[0].call.status == "completed" and fold.account == ACCOUNT][::-1]
    for number in ("+61288880001", "+61800111222", "+61800"):
        expected = [stored for stored in ended if number in (stored.call.from_, stored.call.to)]
        assert store.calls(ACCOUNT, None, 1000, number) == expected
        if expected:
            assert store.calls(ACCOUNT, expected[1].n, 2, number) == expected[2:4]


def test_calls_by_the_id_that_a_crm_knows_them_by(store: Store, backend: Backend) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1", context=Context(crm_id="lead-1")))
    second = make.fold(make.begin("c-2", context=Context(crm_id="lead-1")))
    later = make.fold(make.begin("c-3"))
    commit(store, first, second, later)
    assert store.calls(ACCOUNT, None, 9, crm_id="lead-1") == [after(second), after(first)]
    assert store.calls(ACCOUNT, after(second).n, 9, crm_id="lead-1") == [after(first)]
    known = make.fold(after(later), "ringing", context=Context(crm_id="lead-3"))
    commit(store, known)
    changed = make.fold(after(second), "ringing", context=Context(crm_id="lead-3"))
    commit(store, changed)
    backend.settle(store)
    assert store.calls(ACCOUNT, None, 9, crm_id="lead-3") == [after(known), after(changed)]
    assert store.calls(ACCOUNT, None, 9, crm_id="lead-3", status="completed") == []
    assert store.calls(ACCOUNT, None, 9, FROM, crm_id="lead-1") == [after(first)]
    assert store.calls("none", None, 9, crm_id="lead-1") == store.calls(ACCOUNT, None, 9, crm_id="") == []


def test_numbers_that_a_call_tells_later(store: Store, backend: Backend) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1", from_="", to=""))
    commit(store, first)
    backend.settle(store)
    second = make.fold(after(first), "ringing", from_=FROM)
    commit(store, second)
    assert store.calls(ACCOUNT, None, 9, FROM) == [after(second)]
    third = make.fold(after(second), "ongoing", to=TO)
    commit(store, third)
    backend.settle(store)
    assert store.calls(ACCOUNT, None, 9, FROM) == store.calls(ACCOUNT, None, 9, TO) == [after(third)]
    assert store.calls(ACCOUNT, None, 9, "") == []


def test_deliveries_are_found_by_the_numbers_of_their_conversation_and_their_leg(store: Store, backend: Backend) -> None:
    make = Maker()
    root = make.fold(make.begin("root", from_="+611", to="+612"), "starting", [7])
    leg = make.fold(make.begin("leg", root=after(root), from_="+611", to="alice"), "ringing", [7], root=after(root))
    other = make.fold(make.begin("other", from_="+613", to="+612", account=OTHER), "starting", [8])
    expected = {"+611": ["leg", "root"], "+612": ["leg", "root"], "alice": ["leg"], "+613": [], "": []}

    def found() -> dict[str, list[str]]:
        wanted = (DeliveryFilter(account=ACCOUNT, number=number) for number in expected)
        return {str(one.number): [row.call_id for row in store.deliveries(one)] for one in wanted}

    commit(store, root, leg, other)
    assert found() == expected
    backend.settle(store)
    assert found() == expected


def test_deliveries_are_found_by_numbers_that_their_call_told_later(store: Store, backend: Backend) -> None:
    make = Maker()
    first = make.fold(make.begin("c-1", from_="", to=""), "starting", [7])
    commit(store, first)
    backend.settle(store)
    second = make.fold(after(first), "ringing", [7], from_=FROM)
    commit(store, second)

    def found(number: str) -> list[str]:
        return [row.delivery.name for row in store.deliveries(DeliveryFilter(account=ACCOUNT, number=number))]

    assert found(FROM) == ["call.ringing", "call.starting"]
    backend.settle(store)
    assert found(FROM) == ["call.ringing", "call.starting"]
    assert found(TO) == []
    commit(store, make.fold(after(second), "ongoing", [7], to=TO))
    backend.settle(store)
    assert found(FROM) == found(TO) == ["call.ongoing", "call.ringing", "call.starting"]


WORDS = ("starting", "ringing", "ongoing", "completed", "no-answer", "busy", "failed", "cancelled")


def test_calls_by_state_and_time(store: Store, backend: Backend) -> None:
    make = Maker()
    kept = {}
    for number, status in enumerate(WORDS * 2):
        make.now_ms = START_MS + number * 1000
        fold = make.fold(make.begin(f"c-{number}", to=f"+6128888111{number % 3}"), status)
        commit(store, fold)
        kept[number] = after(fold)
    commit(store, make.fold(make.begin("theirs", account=OTHER), "busy"))
    for settled in (False, True):
        if settled:
            backend.settle(store)
        for number, status in enumerate(WORDS):
            assert store.calls(ACCOUNT, None, 9, status=status) == [kept[number + 8], kept[number]]
            assert store.calls(ACCOUNT, None, 1, status=status) == [kept[number + 8]]
            assert store.calls(ACCOUNT, kept[number + 8].n, 9, status=status) == [kept[number]]
            assert store.calls(ACCOUNT, None, 9, status=status, until_ms=START_MS + 8000) == [kept[number]]
            assert kept[number] in store.calls(ACCOUNT, None, 9, kept[number].call.to, status=status)
            assert store.calls(ACCOUNT, None, 9, "+61288881119", status=status) == []
        assert store.calls(ACCOUNT, None, 9, since_ms=START_MS + 3000, until_ms=START_MS + 6000) == [kept[n] for n in (5, 4, 3)]
        assert store.calls(ACCOUNT, None, 9, "+61288881110", since_ms=START_MS + 3000) == [kept[n] for n in (15, 12, 9, 6, 3)]
        assert store.calls(ACCOUNT, None, 9, status="none") == []
    ended = make.fold(kept[0], "failed")
    commit(store, ended)
    assert store.calls(ACCOUNT, None, 9, status="starting") == [kept[8]]
    assert store.calls(ACCOUNT, None, 9, status="failed") == [kept[14], kept[6], after(ended)]
    # A true end that takes the place of an inferred one.
    corrected = make.fold(after(ended), "completed")
    commit(store, corrected)
    assert store.calls(ACCOUNT, None, 9, status="failed") == [kept[14], kept[6]]
    assert store.calls(ACCOUNT, None, 9, status="completed") == [kept[11], kept[3], after(corrected)]


def test_rows_that_come_late_are_found(store: Store, backend: Backend) -> None:
    """Ids are made before their rows are committed: rows with larger ids may be there already."""
    make = Maker()
    late = make.fold(make.begin("c-1"), "starting", [7])
    early = make.fold(make.begin("c-2"), "starting", [7])
    commit(store, early)
    backend.settle(store)
    commit(store, late)
    commit(store, results=[done(fold.deliveries[0]) for fold in (late, early)])
    expected = [early.deliveries[0].id, late.deliveries[0].id]
    for fields in ({}, {"endpoint": 7}, {"event": "call.starting"}, {"state": "succeeded"}, {"number": FROM}):
        assert [row.delivery.id for row in store.deliveries(DeliveryFilter(account=ACCOUNT, **fields))] == expected
    assert [stored.call.id for stored in store.calls(ACCOUNT, None, 9)] == ["c-2", "c-1"]
    assert [stored.call.id for stored in store.calls(ACCOUNT, None, 9, FROM)] == ["c-2", "c-1"]


def test_a_conversation_with_its_legs(store: Store) -> None:
    make = Maker()
    root = make.fold(make.begin("c-1"), "starting", [7])
    first = make.fold(make.begin("leg-1", root=after(root)), "ringing", [7], root=after(root))
    second = make.fold(make.begin("leg-2", root=after(first, "c-1")), "ringing", [7], root=after(first, "c-1"))
    other = make.fold(make.begin("c-2"), "starting", [7])
    commit(store, root, first, second, other)
    assert store.legs(root.calls[0].n) == [after(second, "c-1"), after(first), after(second)]
    assert store.events(root.calls[0].n) == [fold.events[0] for fold in (root, first, second)]
    assert store.call(ACCOUNT, "leg-1") == after(first)
    assert store.legs(5) == []
    assert store.events(5) == []

    def names(call: str) -> list[str]:
        return [row.call_id for row in store.deliveries(DeliveryFilter(account=ACCOUNT, call=call))]

    assert names("c-1") == ["leg-2", "leg-1", "c-1"]
    assert names("leg-1") == ["leg-1"]


def test_one_event_is_found_by_its_own_account_alone(store: Store) -> None:
    make = Maker()
    folds = [make.fold(make.begin("c-1"), "starting"), make.fold(make.begin("c-1", account=OTHER), "starting")]
    commit(store, *folds)
    for account, fold, foreign in ((ACCOUNT, *folds), (OTHER, *folds[::-1])):
        assert store.event(account, fold.events[0].id) == fold.events[0]
        assert store.event(account, foreign.events[0].id) is None
    assert store.event(ACCOUNT, 5) is None


def test_all_lives_of_a_call_are_searched(store: Store) -> None:
    make = Maker()
    folds = [make.fold(make.begin("c-1", generation=life), "completed", [7]) for life in (1, 2, 3)]
    commit(store, *folds)
    resend = make.delivery(folds[0].events[0], folds[0].calls[0].n, 7, kind="resend")
    commit(store, Fold(account=ACCOUNT, calls=(), events=(), event_calls=(), deliveries=(resend,)))
    wanted = DeliveryFilter(account=ACCOUNT, call="c-1")
    assert [row.delivery.id for row in store.deliveries(wanted)] == [resend.id] + [fold.deliveries[0].id for fold in folds[::-1]]


def test_events_come_back_as_they_were(store: Store) -> None:
    make = Maker()
    fold = make.fold(make.begin("c-1", reached={"starting": 5}), "starting")
    deep: dict[str, Any] = {"n": None, "l": [1, 2.5, "x", {"y": True}], "ä": "🕿", "big": 2**63 - 1, "": ""}
    events = (replace(fold.events[0], data=deep, late=True, status_changed=False),)
    commit(store, replace(fold, events=events))
    assert store.events(fold.calls[0].n) == list(events)


def test_an_event_tells_its_conversation(store: Store) -> None:
    make = Maker()
    root = make.begin("root")
    fold = make.fold(root)
    commit(store, fold)
    now = after(fold)
    leg = make.begin("leg", root=now)
    of_leg = make.fold(leg, root=now)
    commit(store, of_leg)
    assert [store.root_of_event(one.events[0].id) for one in (fold, of_leg)] == [root.n, root.n]
    assert store.root_of_event(1) is None
