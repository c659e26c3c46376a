"""The log of attempts: every byte, until its day is purged."""

import threading
from collections.abc import Callable

import pytest
from store_backends import START_MS, Backend
from store_values import Maker, commit, done

from ringback.store.port import Store
from ringback.webhooks.model import Delivery, Outcome
from ringback.webhooks.records import Attempt, pack

DAY_MS = 86_400_000


def attempt(delivery: Delivery, number: int = 1, at_ms: int = START_MS, body: bytes = b'{"a":1}') -> Attempt:
    outcome = Outcome(
        started_at_ms=at_ms,
        status=503,
        headers=(("Date", "x"), ("X", "\xff")),
        body=b"\0\xff" * 9,
        body_cut=True,
        error="status",
        detail="ä",
        address="127.0.0.1",
        reused=True,
        dns_ms=0.5,
        connect_ms=1.25,
        tls_ms=None,
        first_byte_ms=3.0,
        total_ms=4.0,
    )
    headers = (("Content-Type", "application/json"),)
    return Attempt(
        delivery=delivery.id, number=number, method="POST", url="https://h/?q", headers=headers, body=body, outcome=outcome
    )


@pytest.fixture
def deliveries(store: Store) -> list[Delivery]:
    make = Maker()
    folds = [make.fold(make.begin(f"c-{number}"), "starting", [7]) for number in range(3)]
    commit(store, *folds)
    return [fold.deliveries[0] for fold in folds]


def test_attempts_come_back_byte_by_byte(store: Store, deliveries: list[Delivery]) -> None:
    first, second, other = (
        attempt(deliveries[0]),
        attempt(deliveries[0], 2, START_MS + 5),
        attempt(deliveries[1], body=bytes(range(256))),
    )
    store.log_attempts([pack(first), pack(other)])
    store.log_attempts([pack(second)])
    store.log_attempts([])
    assert store.attempts(deliveries[0].id) == [first, second]
    assert store.attempts(deliveries[1].id) == [other]
    assert store.attempts(deliveries[2].id) == store.attempts(5) == []


def test_many_large_ones_at_once(store: Store, deliveries: list[Delivery]) -> None:
    logged = [attempt(deliveries[number % 2], number, body=bytes([number % 251]) * 40_000) for number in range(60)]
    store.log_attempts([pack(one) for one in logged])
    assert store.attempts(deliveries[1].id) == logged[1::2]


def test_over_several_days_and_a_restart(
    store: Store, backend: Backend, opens: Callable[[], Store], deliveries: list[Delivery]
) -> None:
    logged = []
    for day in range(4):
        backend.now_ms = START_MS + day * DAY_MS
        logged.append(attempt(deliveries[0], day + 1, backend.now_ms))
        store.log_attempts([pack(logged[-1])])
    assert store.attempts(deliveries[0].id) == logged
    commit(store, results=[done(deliveries[0], at_ms=backend.now_ms)])
    backend.now_ms += 40 * DAY_MS
    assert store.attempts(deliveries[0].id) == opens().attempts(deliveries[0].id) == logged


def test_read_while_a_day_begins(store: Store, backend: Backend, deliveries: list[Delivery]) -> None:
    problems: list[BaseException] = []
    ending = threading.Event()

    def read() -> None:
        try:
            while not ending.is_set():
                store.attempts(deliveries[0].id)
        except BaseException as error:
            problems.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for day in range(20):
        backend.now_ms = START_MS + day * DAY_MS
        store.log_attempts([pack(attempt(deliveries[0], day, backend.now_ms))])
    ending.set()
    reader.join()
    assert problems == []
    assert len(store.attempts(deliveries[0].id)) == 20


def test_logged_a_moment_after_midnight(store: Store, backend: Backend, deliveries: list[Delivery]) -> None:
    midnight = (START_MS // DAY_MS + 1) * DAY_MS
    commit(store, results=[done(deliveries[0], at_ms=midnight - 5)])
    backend.now_ms = midnight + 200
    logged = attempt(deliveries[0], at_ms=midnight - 10)
    store.log_attempts([pack(logged)])
    assert store.attempts(deliveries[0].id) == [logged]


def test_days_are_purged_whole(store: Store, backend: Backend, deliveries: list[Delivery]) -> None:
    for day in range(4):
        backend.now_ms = START_MS + day * DAY_MS
        store.log_attempts([pack(attempt(deliveries[0], day + 1, backend.now_ms))])
    assert store.purge_attempts(START_MS + 2 * DAY_MS) == 2
    assert store.purge_attempts(START_MS + 2 * DAY_MS) == 0
    assert [kept.number for kept in store.attempts(deliveries[0].id)] == [3, 4]
    assert store.purge_attempts(START_MS + 9 * DAY_MS) == 2
    assert store.attempts(deliveries[0].id) == []
    store.log_attempts([pack(attempt(deliveries[0], 5, backend.now_ms))])
    assert [kept.number for kept in store.attempts(deliveries[0].id)] == [5]
