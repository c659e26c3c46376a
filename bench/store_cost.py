"""What an event costs the store: CPU microseconds for load, commit, its delivery's result and the attempt's log, upkeep included.

    python store_cost.py [ROWS]

Calls of four statuses, 1 KB a snapshot, 200 endpoints of one account, one delivery per event, its result in the next commit.
First on an empty store, then with ROWS deliveries there (1,000,000). Values are made before the clock starts.
"""

import gc
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from ringback.calls.model import STATUSES, Call, Context, Event
from ringback.ids import IdMaker, now_ms
from ringback.store.open import open_store
from ringback.store.port import Account, Store
from ringback.store.sqlite.store import SqliteStore
from ringback.webhooks.model import Delivery, Outcome
from ringback.webhooks.records import Attempt, Batch, CallKey, Fold, Result, StoredCall, pack

ACCOUNT = "6f1d8c1e-3d1f-4a52-9a7e-5a1f1f0c9d10"
ENDPOINTS = 200
LIFE = ("starting", "ringing", "ongoing", "completed")
RUNNING = 400
"""Calls at once: an update's call is another than the one before."""
PAD = "x" * 700
HEADERS = (
    ("Content-Type", "application/json"),
    ("webhook-id", "evt_00000000000000"),
    ("webhook-timestamp", "1795180000"),
    ("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
    ("User-Agent", "Ringback/1.0"),
)
ANSWER = (("Date", "Fri, 20 Nov 2026 12:00:00 GMT"), ("Content-Length", "2"), ("Content-Type", "text/plain"))


class Traffic:
    """Makes folds: RUNNING calls at once, each told of its statuses in turn."""

    def __init__(self, store: Store) -> None:
        self._ids = IdMaker(last=store.last_id())
        self._number = 0
        self._running: list[tuple[StoredCall, int]] = []
        self._turn = 0

    def folds(self, count: int) -> list[Fold]:
        """The next `count` updates, folded."""
        return [self._next() for _ in range(count)]

    def _next(self) -> Fold:
        at = now_ms()
        self._number += 1
        if len(self._running) < RUNNING:
            before, step = self._fresh(at), 0
            self._running.append((before, step))
            place = len(self._running) - 1
        else:
            self._turn = (self._turn + 1) % RUNNING
            place = self._turn
            before, step = self._running[place]
            if step == len(LIFE):
                before, step = self._fresh(at), 0
        status = next(s for s in STATUSES if s == LIFE[step])
        call = replace(before.call, status=status, reached={**before.call.reached, status: at}, updated_at_ms=at, next_seq=step + 2)
        self._running[place] = (StoredCall(before.n, before.n, replace(call, version=call.version + 1)), step + 1)
        event = Event(
            id=self._ids.next(at), type=f"call.{status}", at_ms=at, seq=step + 1, call=call, root=call, status_changed=True
        )
        delivery = Delivery(
            id=self._ids.next(at),
            endpoint=1 + self._number % ENDPOINTS,
            event=event.id,
            root=before.n,
            name=event.type,
            created_at_ms=at,
        )
        return Fold(
            account=ACCOUNT,
            calls=(StoredCall(before.n, before.n, call),),
            events=(event,),
            event_calls=((before.n, before.n),),
            deliveries=(delivery,),
            update_id=f"sw1-{event.id}",
            call_id=call.id,
        )

    def _fresh(self, at: int) -> StoredCall:
        n = self._ids.next(at)
        name = f"c-{n}"
        call = Call(
            account=ACCOUNT,
            id=name,
            root=name,
            from_=f"+6128888{n * 7919 % 10_000:04d}",
            to=f"+61280000{n % 500:03d}",
            first_at_ms=at,
            context=Context(vars={"pad": PAD}),
        )
        return StoredCall(n, n, call)


class Turn:
    """One commit, with what the engine does around it, made beforehand."""

    def __init__(self, folds: list[Fold], done: list[Fold]) -> None:
        self.keys: list[CallKey] = [(ACCOUNT, fold.call_id) for fold in folds]
        self.update_ids: list[CallKey] = [(ACCOUNT, fold.update_id) for fold in folds if fold.update_id is not None]
        self.batch = Batch(folds, [_result(fold.deliveries[0]) for fold in done])
        self.attempts = [_attempt(fold.deliveries[0]) for fold in done]


def _result(delivery: Delivery) -> Result:
    return Result(replace(delivery, state="succeeded", attempts=1), delivery.created_at_ms + 5, 200, "")


def _attempt(delivery: Delivery) -> Attempt:
    body = b'{"type":"call.ringing","id":"%d","data":{"pad":"%s"}}' % (delivery.event, PAD.encode())
    outcome = Outcome(
        started_at_ms=delivery.created_at_ms, status=200, headers=ANSWER, body=b"ok", address="127.0.0.1", total_ms=1.2
    )
    url = f"https://receiver-{delivery.endpoint}.example/hooks/calls"
    return Attempt(delivery=delivery.id, number=1, method="POST", url=url, headers=HEADERS, body=body, outcome=outcome)


def turns(traffic: Traffic, size: int, count: int) -> Iterator[Turn]:
    """`count` commits of `size` events each."""
    done: list[Fold] = []
    for _ in range(count):
        folds = traffic.folds(size)
        yield Turn(folds, done)
        done = folds


def cpu_s() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(store: SqliteStore, traffic: Traffic, size: int, count: int, log: bool) -> tuple[float, float]:
    """(CPU µs, wall µs) per event."""
    made = list(turns(traffic, size, count))
    gc.collect()
    gc.freeze()  # an engine does not keep 40,000 events in memory for the collector to walk through
    cpu, wall = cpu_s(), time.monotonic()
    for turn in made:
        store.load(turn.keys, turn.update_ids)
        committed = store.commit(turn.batch)
        if committed.stale or committed.failed:
            raise RuntimeError(f"refused: {committed}")
        if log:
            store.log_attempts([pack(one) for one in turn.attempts])
    wall = time.monotonic() - wall
    store.tidy()  # what the upkeep has not done yet belongs to these events too
    return (cpu_s() - cpu) / size / count * 1e6, wall / size / count * 1e6


def table(store: SqliteStore, traffic: Traffic, title: str) -> None:
    """One block of figures."""
    print(f"{title}\n{'events per commit':>20} {'CPU us/event':>14} {'wall us/event':>14} {'with the log, CPU':>18}")
    for size, count in ((1, 4_000), (10, 2_000), (40, 800), (100, 400)):
        cpu, wall = measure(store, traffic, size, count, log=False)
        logged, _ = measure(store, traffic, size, count, log=True)
        print(f"{size:>20} {cpu:>14.1f} {wall:>14.1f} {logged:>18.1f}", flush=True)


def main() -> None:
    """See the module."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        try:
            store.put_account(Account(id=ACCOUNT, name="cost", created_at_ms=now_ms()))
            traffic = Traffic(store)
            table(store, traffic, "empty")
            for turn in turns(traffic, 1_000, rows // 1_000):
                store.commit(turn.batch)
            store.tidy()
            size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
            table(store, traffic, f"{rows} deliveries there ({size:.0f} MB)")
        finally:
            store.close()


if __name__ == "__main__":
    main()
