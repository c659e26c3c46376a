"""Bulk resends at work: each running job is a task that reads, makes deliveries through the writer, and waits for the pace.

A job's row says how far it is and moves in the transaction that makes the deliveries, so a kill neither repeats nor skips one, and
the next start goes on. What it has made and nobody has tried yet is kept small, but for endpoints that fail: they would hold up the
others. All jobs share one pace (engine.pace), so that live traffic comes first; a job may ask for less.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from ringback.delivery.limits import Bucket
from ringback.engine.pace import Pace, counted
from ringback.engine.resend_sources import Item, Source, is_ready, source_of
from ringback.errors import Conflict, InvalidInput, NotFound, OurError
from ringback.ids import now_ms
from ringback.webhooks.resends import BulkResend, Wanted

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.resends")

MOST_AT_ONCE: Final = 100
"""Resends in one commit: bounds the time that they hold up the loop."""
MOST_WAITING: Final = 1_000
"""Resends of one job that had no attempt yet, at endpoints that are not failing."""
MOST_RUNNING: Final = 10
"""Jobs of one account at a time."""
IDLE_S: Final = 0.03
"""The pause where nothing may be made now, or nothing is left to be made."""
AGAIN_S: Final = 1.0
CANCEL_S: Final = 0.5
WINDOW_S: Final = 5.0
"""The span that a job's rate is measured over."""


class Running:
    """One job at work: how far it is, and how fast."""

    def __init__(self, job: BulkResend) -> None:
        self.job = job
        self.items: deque[Item] = deque()
        self.looked: int | None = job.cursor
        self.bucket = None if job.rate_per_s is None else Bucket(job.rate_per_s)
        self.waiting = 0
        """Resends that had no attempt yet, as far as it is known."""
        self.cancelled = False
        self.task: asyncio.Task[None] | None = None
        self._made: deque[tuple[float, int]] = deque()

    def moved(self, now_s: float) -> None:
        """It has come further."""
        self._made.append((now_s, self.job.made))
        while now_s - self._made[0][0] > WINDOW_S and len(self._made) > 1:
            self._made.popleft()

    def rate_per_s(self, now_s: float) -> float:
        """Resends a second over the last seconds."""
        if len(self._made) < 2 or now_s - self._made[-1][0] > WINDOW_S:
            return 0.0
        (first_s, first), (_, last) = self._made[0], self._made[-1]
        return (last - first) / max(now_s - first_s, IDLE_S)


class Counted(NamedTuple):
    """How many there are to send again, up to the id `bound`. `behind`: the id that the counting came to before its time was over;
    None: to the end."""

    total: int
    bound: int
    behind: int | None


class Resends:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._pace = Pace(engine.loop.time, time.process_time, engine.writer.is_pressed, lambda: engine.writer.accepted)
        self._running: dict[int, Running] = {}

    async def start(self) -> None:
        """Goes on with what was running. Raises StoreUnavailable."""
        for job in await self._engine.in_thread(self._engine.store.running_resends):
            self._begin(job)

    async def stop(self) -> None:
        """Stops where each job stands; the next start goes on."""
        tasks = [running.task for running in self._running.values() if running.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def running(self, job: int) -> Running | None:
        """A job that is at work."""
        return self._running.get(job)

    async def count(self, account: str, wanted: Wanted, after: int = 0, within_s: float = inf) -> Counted:
        """How many a job would send again of what lies behind an id, as far as can be counted in time. Raises what `make` does."""
        self._check(account, wanted)
        bound = self._engine.writer.new_id()
        probe = BulkResend(id=0, account=account, wanted=wanted, bound=bound)
        source = source_of(self._engine, probe)

        def count() -> Counted:
            ends_at, total = time.monotonic() + within_s, 0
            behind: int | None = after
            while behind is not None:
                items, behind = source.read(behind)
                total += sum(1 for item in items if is_ready(self._engine, account, item.endpoint) is not None)
                if time.monotonic() >= ends_at:
                    break
            return Counted(total, bound, behind)

        return await self._engine.in_thread(count)

    async def make(
        self, account: str, wanted: Wanted, rate_per_s: float | None, *, by: str = "", total: int | None = None
    ) -> BulkResend:
        """A job that begins at once; `by`: who wants it; `total`: how many there are, if that is known. Raises NotFound or Conflict
        (the endpoint that is named), Conflict (too many at work), InvalidInput, StoreUnavailable."""
        if sum(1 for running in self._running.values() if running.job.account == account) >= MOST_RUNNING:
            raise Conflict(f"an account may have {MOST_RUNNING} bulk resends at work; wait for one, or cancel it")
        if total is None:
            total, bound, _ = await self.count(account, wanted)
        else:
            self._check(account, wanted)
            bound = self._engine.writer.new_id()
        number = self._engine.writer.new_id()
        job = BulkResend(id=number, account=account, wanted=wanted, rate_per_s=rate_per_s, total=total, bound=bound, by=by)
        await self._engine.in_thread(lambda: self._engine.store.put_resend(job))
        self._begin(job)
        return job

    async def cancel(self, account: str, number: int) -> BulkResend:
        """Stops a job: it makes nothing more, and what it made and is not on the wire is cancelled. One that is over stays as it
        is. Raises NotFound, StoreUnavailable."""
        store = self._engine.store
        job = await self._engine.in_thread(lambda: store.resend(account, number))
        if job is None:
            raise NotFound("no such bulk resend")
        running = self._running.get(number)
        if running is not None and running.task is not None:
            running.cancelled = True
            # A batch of it may be on its way to the disk. A task that takes longer takes that back itself.
            await asyncio.wait({running.task}, timeout=CANCEL_S)
        if await self._engine.in_thread(lambda: store.end_resend(number, "cancelled", now_ms())):
            await self._take_back(number)
        return await self._engine.in_thread(lambda: store.resend(account, number)) or job

    # Inside
    def _check(self, account: str, wanted: Wanted) -> None:
        if wanted.endpoint is None:
            if wanted.state == "missed":
                raise InvalidInput("what was missed is asked for one endpoint", "filter.endpoint")
            return
        endpoint = self._engine.book.endpoint(wanted.endpoint)
        if endpoint is None or endpoint.account != account:
            raise NotFound("no such endpoint")
        if not endpoint.enabled:
            raise Conflict("the endpoint is disabled: enable it first")

    def _begin(self, job: BulkResend) -> None:
        running = self._running[job.id] = Running(job)
        running.task = self._engine.loop.create_task(self._work(running))

    async def _take_back(self, job: int) -> None:
        engine = self._engine
        by_endpoint: dict[int, list[int]] = {}
        for delivery, endpoint in await engine.in_thread(lambda: engine.store.open_resends(job)):
            by_endpoint.setdefault(endpoint, []).append(delivery)
        flying = [one for endpoint, mine in by_endpoint.items() for one in engine.dispatcher.withdraw(endpoint, mine)]
        if by_endpoint:
            with suppress(OurError):
                await engine.accept([])  # what has ended a moment ago is written first: it may have arrived
            await engine.in_thread(lambda: engine.store.cancel_resends(job, now_ms(), flying))

    async def _work(self, running: Running) -> None:
        """A job, from where it stands to its end."""
        source = source_of(self._engine, running.job)
        try:
            while not running.cancelled:
                try:
                    if await self._step(running, source):
                        break
                except OurError as error:
                    log.warning("bulk resend: %s", error)
                    await asyncio.sleep(AGAIN_S)
            await self._end(running)
        finally:
            del self._running[running.job.id]

    async def _step(self, running: Running, source: Source) -> bool:
        """The next few, if it is their time. True: everything is made, and was tried once. Raises OurError."""
        asked_s, tick_s = self._engine.loop.time(), self._pace.tick_s
        await asyncio.sleep(tick_s)
        self._pace.felt(self._engine.loop.time() - asked_s - tick_s)
        if not running.items and running.looked is not None:
            after = running.looked
            (found, running.looked), worked_s = await self._engine.in_thread(lambda: counted(lambda: source.read(after)))
            running.items.extend(found)
            if not found:
                await asyncio.sleep(self._pace.rest_s(worked_s))
                return False
        batch = self._batch(running, MOST_WAITING - running.waiting)
        if batch:
            await self._make(running, source, batch)
            return False
        await asyncio.sleep(IDLE_S)
        waiting = await self._engine.in_thread(lambda: self._engine.store.resend_waiting(running.job.id))
        running.waiting = self._healthy(waiting)
        return not running.items and running.looked is None and not waiting

    def _batch(self, running: Running, room: int) -> list[Item]:
        """As many as may be made now."""
        most = min(MOST_AT_ONCE, len(running.items), room)
        if running.bucket is not None:
            now = now_ms()
            allowed = 0
            while allowed < most and running.bucket.take(now):
                allowed += 1
            most = allowed
        count = self._pace.take(most) if most > 0 else 0
        return [running.items.popleft() for _ in range(count)]

    async def _make(self, running: Running, source: Source, batch: list[Item]) -> None:
        engine, job = self._engine, running.job
        try:
            jobs, waiting = await engine.in_thread(lambda: (source.jobs(batch), engine.store.resend_waiting(job.id)))
            if running.cancelled:
                return
            moved = replace(job, cursor=batch[-1].at, made=job.made + len(jobs), unmade=job.unmade + len(batch) - len(jobs))
            whys = await engine.make(job.account, jobs, moved)
        except OurError:
            running.items.extendleft(reversed(batch))
            raise
        running.job = moved
        running.waiting = self._healthy(waiting) + len(jobs)
        failed = sum(1 for why in whys if why)
        if failed:
            running.job = replace(moved, made=moved.made - failed, unmade=moved.unmade + failed)
            await engine.make(job.account, [], running.job)
        running.moved(engine.loop.time())

    def _healthy(self, waiting: Mapping[int, int]) -> int:
        """How many had no attempt yet, at endpoints that are not failing: those that fail would hold up the others."""
        health = self._engine.dispatcher.health
        return sum(count for endpoint, count in waiting.items() if health(endpoint).condition == "healthy")

    async def _end(self, running: Running) -> None:
        job = running.job
        if running.cancelled:
            await self._engine.insist(lambda: self._engine.store.end_resend(job.id, "cancelled", now_ms()))
            await self._take_back(job.id)
        else:
            await self._engine.insist(lambda: self._engine.store.end_resend(job.id, "done", now_ms()))
