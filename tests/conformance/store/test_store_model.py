"""Whatever happens in whatever order: the store holds what a few dictionaries would hold."""

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace
from store_backends import BACKENDS
from store_values import ACCOUNT, Maker, after, done

from ringback.store.port import Account, DeliveryFilter, Store
from ringback.webhooks.model import Delivery
from ringback.webhooks.records import Batch, CallKey, Fold, Result, StoredCall

CALLS = ["a", "b", "c"]
UPDATES = [None, "u-1", "u-2", "u-3", "u-4", "u-5"]
STATUSES = ["ringing", "ongoing", "completed"]
ENDPOINTS = [11, 12]
OPEN = ("pending", "retrying")


class StoreMachine(RuleBasedStateMachine):
    """Two writers and a reader of one database, against dictionaries."""

    backend_name = ""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.backend: Any = BACKENDS[self.backend_name](Path(self.folder.name))
        self.stores: list[Store] = [self.backend.open(), self.backend.open()]
        self.make = Maker()
        self.calls: dict[str, StoredCall] = {}
        self.updates: dict[str, tuple[int, str]] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.outdated: list[StoredCall] = []

    @initialize()
    def begin(self) -> None:
        self.stores[0].put_account(Account(id=ACCOUNT, name="a", created_at_ms=1))

    @rule(
        which=st.integers(0, 1),
        picks=st.lists(
            st.tuples(
                st.sampled_from(CALLS),
                st.sampled_from(STATUSES),
                st.lists(st.sampled_from(ENDPOINTS), max_size=2),
                st.sampled_from(UPDATES),
                st.sampled_from(["", "", "", "", "stale", "poison"]),
            ),
            max_size=5,
        ),
        ends=st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["succeeded", "retrying", "exhausted"])), max_size=3),
    )
    def commit(self, which: int, picks: list[Any], ends: list[tuple[int, str]]) -> None:
        """A batch of folds, good and bad, with results; what is expected is worked out fold by fold."""
        folds: list[Fold] = []
        stale, failed, both = [], [], []
        results = self._results(ends)
        for result in results:
            self._finish(result)
        for number, (call_id, status, endpoints, update_id, flaw) in enumerate(picks):
            before = self.calls.get(call_id) or self.make.begin(call_id)
            if flaw == "stale" and self.outdated:
                before = self.outdated[len(self.outdated) // 2]
            fold = self.make.fold(before, status, endpoints, update_id=update_id)
            outdated = before.call.version != self._version(before) or update_id in self.updates
            poisonous = flaw == "poison" and bool(endpoints)
            if poisonous:
                fold = replace(fold, deliveries=(replace(fold.deliveries[0], event=3),))
            folds.append(fold)
            if outdated or poisonous:
                (both if outdated and poisonous else stale if outdated else failed).append(number)
            else:
                self._apply(fold)
        committed = self.stores[which].commit(Batch(folds, results))
        assert sorted([*committed.stale, *committed.failed]) == sorted([*stale, *failed, *both])
        assert set(stale) <= set(committed.stale)
        assert set(failed) <= set(committed.failed)

    @rule(which=st.integers(0, 1), endpoint=st.sampled_from(ENDPOINTS))
    def cancel(self, which: int, endpoint: int) -> None:
        expected = [d for d in self.deliveries.values() if d.endpoint == endpoint and d.state in OPEN]
        assert self.stores[which].cancel_deliveries(endpoint, self.make.now_ms) == len(expected)
        for delivery in expected:
            self.deliveries[delivery.id] = replace(delivery, state="cancelled")

    @rule(which=st.integers(0, 1))
    def tidy(self, which: int) -> None:
        self.backend.settle(self.stores[which])

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        self.stores[which].close()
        self.stores[which] = self.backend.open()

    @rule(ms=st.integers(1, 5_000))
    def wait(self, ms: int) -> None:
        self.make.now_ms += ms

    @invariant()
    def everything_is_as_expected(self) -> None:
        for store in self.stores:
            keys: list[CallKey] = [(ACCOUNT, call_id) for call_id in CALLS]
            loaded = store.load(keys, [(ACCOUNT, update_id) for update_id in UPDATES if update_id])
            assert loaded.calls == {(ACCOUNT, call_id): stored for call_id, stored in self.calls.items()}
            assert loaded.seen == {(ACCOUNT, update_id): answer for update_id, answer in self.updates.items()}
            found = store.deliveries(DeliveryFilter(account=ACCOUNT, limit=1000)) if self.deliveries else []
            assert [row.delivery for row in found] == sorted(self.deliveries.values(), key=lambda d: -d.id)
            for endpoint in ENDPOINTS:
                expected = [d for d in self.deliveries.values() if d.endpoint == endpoint and d.state in OPEN]
                assert [job.delivery for job in store.open_deliveries(endpoint, 0, 1000)] == expected
                assert (endpoint in store.endpoints_with_open()) == bool(expected)
            retries = sorted((d.next_at_ms, d.id) for d in self.deliveries.values() if d.state == "retrying")
            assert [(job.delivery.next_at_ms, job.delivery.id) for job in store.due(1 << 50, 1000)] == retries

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.backend.check()
        self.folder.cleanup()

    def _version(self, before: StoredCall) -> int:
        now = self.calls.get(before.call.id)
        return 0 if now is None else now.call.version

    def _apply(self, fold: Fold) -> None:
        moved = after(fold)
        if fold.calls[0].call.version:
            self.outdated.append(fold.calls[0])
        self.calls[moved.call.id] = moved
        if fold.update_id is not None:
            self.updates[fold.update_id] = (fold.events[0].id, fold.call_id)
        self.deliveries.update({delivery.id: delivery for delivery in fold.deliveries})

    def _results(self, ends: list[tuple[int, str]]) -> list[Result]:
        there = list(self.deliveries.values())
        picked = {there[place % len(there)].id: state for place, state in ends} if there else {}
        return [
            done(self.deliveries[number], state, next_at_ms=self.make.now_ms + 1000 if state == "retrying" else 0)  # type: ignore[arg-type]
            for number, state in picked.items()
        ]

    def _finish(self, result: Result) -> None:
        if self.deliveries[result.delivery.id].state in OPEN:
            self.deliveries[result.delivery.id] = result.delivery


@pytest.mark.parametrize("name", BACKENDS)
def test_any_history(name: str) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("Machine", (StoreMachine,), {"backend_name": name})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))
