"""How much went out, by minute and by hour: for charts, which must not count a million rows.

Counted where the ends of attempts pass by, in memory, and added to the store's counters every few seconds. A kill loses the counts
of the last of them, and nothing else: the deliveries themselves are in the log. Tests, notices and instruction requests are not
counted. Whoever looks at a page that lives is told from here, too, that something of an account has changed.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ringback.errors import StoreUnavailable
from ringback.ids import now_ms
from ringback.store.portal import EVERYBODY, HOUR_S, MINUTE_S, Count, Subject
from ringback.webhooks.records import Attempt, Job, Result

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.activity")

KEEP_S: Final = 10.0
"""How long counts may wait to be written: what a kill may lose of them."""
FORGET_EVERY: Final = 60
"""Rounds between two looks for spans that are over for long."""
KEPT_S: Final = {MINUTE_S: 3 * 3_600, HOUR_S: 35 * 86_400}
"""For how long spans are kept, by their length."""
_COUNTED: Final = frozenset({"event", "resend", "replay"})
_WHAT: Final = {"succeeded": 0, "exhausted": 2}
"""Where an attempt is counted, by the state after it: delivered 0, gave up 2, else failed 1."""


class Change(Struct, frozen=True):
    """A delivery was made, or an attempt of it is over."""

    delivery: int
    endpoint: int
    state: str


Hear = Callable[[Change], None]


class Activity:
    """See the module. Lives on the loop; stands between dispatcher and limits, since it must see what ends."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._counts: Counter[tuple[int, int, int]] = Counter()
        """(endpoint, minute, what) → how many, not written yet."""
        self._rounds = 0
        self._listeners: dict[str, list[Hear]] = {}

    # What passes by
    def record(self, result: Result, attempt: Attempt | None) -> None:
        """The end of an attempt, on its way to the writer."""
        self._engine.limits.record(result, attempt)
        delivery = result.delivery
        if attempt is not None and delivery.kind in _COUNTED:
            self._counts[delivery.endpoint, result.finished_at_ms // 60_000, _WHAT.get(delivery.state, 1)] += 1
        if self._listeners:
            self._tell(Change(delivery.id, delivery.endpoint, delivery.state))

    def on_jobs(self, jobs: Sequence[Job]) -> None:
        """Fresh deliveries."""
        if self._listeners:
            for job in jobs:
                self._tell(Change(job.delivery.id, job.delivery.endpoint, job.delivery.state))

    @contextmanager
    def listening(self, account: str, hear: Hear) -> Iterator[None]:
        """Tells of every change of an account's deliveries while the block runs."""
        self._listeners.setdefault(account, []).append(hear)
        try:
            yield
        finally:
            self._listeners[account].remove(hear)
            if not self._listeners[account]:
                del self._listeners[account]

    def _tell(self, change: Change) -> None:
        endpoint = self._engine.book.endpoint(change.endpoint)
        for hear in self._listeners.get(endpoint.account, ()) if endpoint else ():
            hear(change)

    # What is kept
    async def run(self) -> None:
        """Writes what was counted, until it is cancelled."""
        while True:
            await asyncio.sleep(KEEP_S)
            await self.keep()

    async def keep(self) -> None:
        """Writes what was counted since the last time; what the store cannot take now waits."""
        counted, self._counts = self._counts, Counter()
        try:
            if counted:
                tally = self._tally(counted)
                await self._engine.in_thread(lambda: self._engine.store.add_activity(tally))
            self._rounds += 1
            if self._rounds % FORGET_EVERY == 0:
                await self._forget(now_ms() // 1000)
        except StoreUnavailable as error:
            log.warning("%s", error)
            if counted:
                self._counts.update(counted)

    def _tally(self, counted: Counter[tuple[int, int, int]]) -> dict[tuple[Subject, int, int], Count]:
        """Minutes, and the hours that they belong to, of the endpoint, of its account and of all."""
        sums: dict[tuple[Subject, int, int], list[int]] = {}
        for (number, minute, what), count in counted.items():
            endpoint = self._engine.book.endpoint(number)
            subjects: tuple[Subject, ...] = (number, EVERYBODY) if endpoint is None else (number, endpoint.account, EVERYBODY)
            at_s = minute * MINUTE_S
            for subject in subjects:
                for span_s in (MINUTE_S, HOUR_S):
                    sums.setdefault((subject, span_s, at_s - at_s % span_s), [0, 0, 0])[what] += count
        return {key: Count(*three) for key, three in sums.items()}

    async def _forget(self, now_s: int) -> None:
        def forget() -> None:
            for span_s, kept_s in KEPT_S.items():
                self._engine.store.forget_activity(span_s, now_s - kept_s)

        await self._engine.in_thread(forget)

    # What is asked
    async def series(self, subjects: Sequence[Subject], span_s: int, count: int, at_s: int) -> dict[Subject, list[Count]]:
        """The last `count` spans up to a moment, oldest first, of each subject; what is not written yet is in them. Raises
        StoreUnavailable."""
        newest = at_s - at_s % span_s
        starts = [newest - span_s * back for back in range(count - 1, -1, -1)]
        fresh = self._tally(self._counts)
        stored = await self._engine.in_thread(lambda: self._engine.store.activity(subjects, span_s, starts[0]))

        def both(subject: Subject, start: int) -> Count:
            one, two = stored[subject].get(start, _NONE), fresh.get((subject, span_s, start), _NONE)
            return Count(one.delivered + two.delivered, one.failed + two.failed, one.gave_up + two.gave_up)

        return {subject: [both(subject, start) for start in starts] for subject in subjects}


_NONE: Final = Count()
