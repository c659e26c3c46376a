"""Fills a store with deliveries that are done, through the store's port: what an installation has after a while.

    python prefill.py DATA ROWS

The directory has an account with endpoints already. Each call has four statuses, each a delivery that succeeded; the ids say that
it was within the last day. No attempts' bytes: they live in files of their own, that retention unlinks.
"""

import sys
import time
from pathlib import Path

from msgspec.structs import replace

from ringback.calls.model import Call, Context, Event
from ringback.ids import IdMaker
from ringback.store.open import open_store
from ringback.store.port import Store
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Batch, Fold, Result, StoredCall

STATUSES = ("starting", "ringing", "ongoing", "completed")
TIMES = {
    "starting_at_ms": "starting",
    "ringing_at_ms": "ringing",
    "answered_at_ms": "ongoing",
    "ended_at_ms": "completed",
}
PAD = 700
GROUP = 2_000
DAY_MS = 86_400_000


class Filler:
    """Makes the rows of calls, group by group."""

    def __init__(self, store: Store, rows: int) -> None:
        self._store = store
        self._rows = rows
        self._account = store.accounts()[0].id
        self._endpoints: list[Endpoint] = sorted(store.endpoints(), key=lambda endpoint: endpoint.id)
        self._ids = IdMaker(node=1)
        self._begin_ms = time.time_ns() // 1_000_000 - DAY_MS
        self._done: list[Result] = []

    def fill(self) -> None:
        """All rows. Deliveries are told to have succeeded in the commit after the one that made them."""
        started = time.monotonic()
        for first in range(0, self._rows // len(STATUSES), GROUP):
            count = min(GROUP, self._rows // len(STATUSES) - first)
            calls: list[StoredCall | None] = [None] * count
            for step in range(len(STATUSES)):
                self._commit([self._fold(first + place, step, calls, place) for place in range(count)])
            done = (first + count) * len(STATUSES)
            if first % (GROUP * 10) == 0 or done >= self._rows:
                print(f"prefill: {done} of {self._rows} ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)
        self._commit([])

    def _commit(self, folds: list[Fold]) -> None:
        committed = self._store.commit(Batch(folds, self._done))
        if committed.stale or committed.failed:
            raise RuntimeError(f"the store refused: {committed}")
        self._done = [
            Result(replace(delivery, state="succeeded", attempts=1), delivery.created_at_ms + 5, 200, "")
            for fold in folds
            for delivery in fold.deliveries
        ]

    def _fold(self, number: int, step: int, calls: list[StoredCall | None], place: int) -> Fold:
        at_ms = self._begin_ms + int(number * len(STATUSES) / self._rows * DAY_MS * 0.9) + step * 1000
        before = calls[place]
        endpoint = self._endpoints[number % len(self._endpoints)]
        call = self._call(before.call if before else None, number, step, at_ms)
        n = before.n if before else self._ids.next(at_ms)
        kind, event_id = f"call.{STATUSES[step]}", self._ids.next(at_ms)
        event = Event(id=event_id, type=kind, at_ms=at_ms, seq=step + 1, call=call, root=call, status_changed=True)
        made = self._ids.next(at_ms)
        delivery = Delivery(id=made, endpoint=endpoint.id, event=event_id, root=n, name=kind, created_at_ms=at_ms)
        calls[place] = StoredCall(n, n, replace(call, version=call.version + 1))
        return Fold(
            account=self._account,
            calls=(StoredCall(n, n, call),),
            events=(event,),
            event_calls=((n, n),),
            deliveries=(delivery,),
            update_id=f"{call.id}-{step}",
            call_id=call.id,
        )

    def _call(self, before: Call | None, number: int, step: int, at_ms: int) -> Call:
        """The call after its next status."""
        status = STATUSES[step]
        if before is None:
            name = f"old-{number:08d}"
            before = Call(
                account=self._account,
                id=name,
                root=name,
                from_="+61255500001",
                to=f"+6128880{number % len(self._endpoints):04d}",
                first_at_ms=at_ms,
                context=Context(vars={"pad": "x" * PAD}),
            )
        times = {field: at_ms for field, when in TIMES.items() if when == status}
        seconds = 3 if status == "completed" else 0
        return replace(
            before,
            status=status,
            reached={**before.reached, status: at_ms},
            updated_at_ms=at_ms,
            duration_s=seconds,
            next_seq=step + 2,
            **times,
        )


def main() -> None:
    """See the module."""
    store = open_store(Path(sys.argv[1]))
    try:
        Filler(store, int(sys.argv[2])).fill()
    finally:
        store.close()


if __name__ == "__main__":
    main()
