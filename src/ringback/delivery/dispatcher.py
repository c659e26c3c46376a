"""The dispatcher: the shell that moves deliveries from the lanes to the sender and their results to the store.

offer / readings ──▶ lane ──take──▶ courier (render, send, decide) ──Verdict──▶ lane.over, sink.record, health ──▶ take …

Everything runs on one event loop in callbacks; a delivery costs no task. What a callback does with foreign code (a dialect, the
sink, a hook) is guarded: a delivery must never keep its place in a lane because something else failed. The rows are the truth:
whatever is dropped here is found again in the store.
"""

import logging
from asyncio import AbstractEventLoop, Future, Task, TimerHandle, gather, sleep, wait_for
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import Protocol

from ringback.calls.model import Event
from ringback.delivery.courier import Courier, Places, Sender, Verdict
from ringback.delivery.facts import Facts
from ringback.delivery.lanes import Lane
from ringback.delivery.limits import Budget, Limits
from ringback.delivery.readings import Reader, Readings, RunInThread
from ringback.delivery.stats import Stats, stats_of
from ringback.delivery.timers import Timers
from ringback.delivery.watch import Watch
from ringback.dialects.contract import Dialect
from ringback.webhooks import health as healths
from ringback.webhooks.deliveries import OPEN, cancelled, may_go
from ringback.webhooks.health import Health, Notice
from ringback.webhooks.model import Endpoint
from ringback.webhooks.records import Attempt, Job, Result

log = logging.getLogger("ringback.delivery")


class DispatchSettings(Limits, frozen=True, kw_only=True):
    """`poll_s`: how often the store is asked what is due. `reads_at_once`: readings at a time. `again_s`: the pause after the store
    could not answer. `disable_after_ms`: how long an endpoint of a platform that disables may have nothing but failures.
    `braked`: requests sent in each `brake_s` while intake is pressed: what comes in fast is put on disk first, and goes out a
    little later."""

    poll_s: float = 10.0
    reads_at_once: int = 2
    again_s: float = 1.0
    disable_after_ms: int = healths.DISABLE_AFTER_MS
    braked: int = 2
    brake_s: float = 0.01


class Sink(Protocol):
    """Takes results; they are on disk a little later. `attempt` None: nothing was sent."""

    def record(self, result: Result, attempt: Attempt | None) -> None: ...


class Dispatcher:
    """See the module. All methods are called on the loop."""

    def __init__(
        self,
        *,
        loop: AbstractEventLoop,
        sender: Sender,
        dialects: Mapping[str, Dialect],
        places: Places,
        sink: Sink,
        reader: Reader,
        run_in_thread: RunInThread,
        clock_ms: Callable[[], int],
        rng: Random,
        settings: DispatchSettings,
        on_disable: Callable[[int, str], None] | None = None,
        on_notice: Callable[[Notice], None] | None = None,
        is_pressed: Callable[[], bool] = lambda: False,
        on_health: Callable[[int, Health], None] | None = None,
    ) -> None:
        """`on_disable`: an endpoint is to be disabled for good, with the reason (its lane has stopped sending already).
        `on_notice`: an endpoint's condition changed. `is_pressed`: updates come in faster than they are put on disk. `on_health`:
        an endpoint's health changed, were it by one failure more."""
        self._loop = loop
        self._sender = sender
        self._courier = Courier(sender=sender, dialects=dialects, places=places, clock_ms=clock_ms, rng=rng)
        self._sink = sink
        self._reader = reader
        self._run_in_thread = run_in_thread
        self._clock_ms = clock_ms
        self._settings = settings
        self._watch = Watch(settings.disable_after_ms, on_disable, on_notice, on_health)
        self._is_pressed = is_pressed
        self._unbraked = 0
        self._braked: dict[Lane, None] = {}
        self._brake_timer: TimerHandle | None = None
        self._erased: set[int] = set()
        """Conversations of which nothing goes out any more, by their roots."""
        self._lanes: dict[int, Lane] = {}
        self._budget = Budget(settings)
        self._timers: Timers[Lane] = Timers()
        self._timer: TimerHandle | None = None
        self._timer_at_ms = 0
        self._readings: Readings[Lane] = Readings(
            loop=loop,
            reader=reader,
            run_in_thread=run_in_thread,
            clock_ms=clock_ms,
            on_read=self._pump,
            at_once=settings.reads_at_once,
            horizon_ms=settings.horizon_ms,
            again_s=settings.again_s,
        )
        self._facts: Facts[Lane] = Facts(
            loop=loop, reader=reader, run_in_thread=run_in_thread, on_ready=self._facts_ready, again_s=settings.again_s
        )
        self._starting: list[Lane] = []
        self._tasks: set[Task[None]] = set()
        self._running = False
        self._closed = False
        self._idle: Future[None] | None = None

    # What others call
    def set_endpoint(self, endpoint: Endpoint, health: Health | None = None) -> None:
        """An endpoint as it is now: before the start all of them, then each that is made or changed. A new URL, or being enabled
        again, clears its health; `health` sets it."""
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._lanes[endpoint.id] = Lane(endpoint.id, endpoint, self._budget, self._timers)
        else:
            before = lane.endpoint
            if before is None or before.url != endpoint.url or (endpoint.enabled and not before.enabled):
                lane.health = healths.HEALTHY
            lane.change(endpoint, self._clock_ms())
        if health is not None:
            lane.health = health
        self._pump(lane)

    def remove_endpoint(self, endpoint: int) -> None:
        """An endpoint was deleted: what is not in flight is cancelled."""
        lane = self._lanes.get(endpoint)
        if lane is not None:
            lane.change(None, self._clock_ms())
            self._pump(lane)

    def start(self) -> None:
        """Begins to send: what the store has left open, lane by lane, and what is offered."""
        self._running = True
        self._starting = list(self._lanes.values())
        for lane in self._starting:
            lane.await_start()
            lane.reading = True
        self._readings.open()
        self._begin(self._poll())

    def offer(self, jobs: Sequence[Job]) -> None:
        """Fresh deliveries, after their commit and in its order."""
        now_ms = self._clock_ms()
        touched: dict[Lane, None] = {}
        for job in jobs:
            lane = self._lane_of(job)
            try:
                lane.offer(job, now_ms)
            except Exception:  # one job must not cost the others their hand-over; the row is found again in the store
                log.exception("delivery %s could not be queued", job.delivery.id)
                lane.poke()
            touched[lane] = None
        for lane in touched:
            self._pump(lane)

    def poke(self, endpoint: int) -> None:
        """Something of an endpoint became due in the store, or is new there."""
        lane = self._lanes.get(endpoint)
        if lane is not None:
            lane.poke()
            self._pump(lane)

    def withdraw(self, endpoint: int, deliveries: Collection[int]) -> set[int]:
        """Resends that are not wanted any more: they are not sent, and their rows are to be cancelled, but for those that are on
        the wire already, which are returned."""
        lane = self._lanes.get(endpoint)
        if lane is None:
            return set()
        lane.withdraw(deliveries, self._clock_ms())
        self._pump(lane)
        return lane.flying.keys() & set(deliveries)

    def erase(self, root: int) -> None:
        """A conversation is being erased: nothing of it goes out any more, and what is on the wire is not tried again. What waits
        in memory is dropped when its turn comes; its row is gone by then."""
        self._erased.add(root)

    def release(self, deliveries: Sequence[int]) -> None:
        """Held deliveries that are due now, after the commit that says so."""
        unknown: list[int] = []
        for number in deliveries:
            waiting = self._timers.get(number)
            if waiting is None:
                unknown.append(number)
            else:
                lane, job = waiting
                self._timers.remove(number)
                lane.time_come(job)
                self._pump(lane)
        if unknown and self._running:
            self._begin(self._read_due(unknown))

    async def drain(self, timeout_s: float) -> int:
        """Takes no new work and waits for what is in flight. How many were still on their way after `timeout_s`: their rows are as
        they were, and the next start sends them again."""
        self._running = False
        for timer in (self._timer, self._brake_timer):
            if timer is not None:
                timer.cancel()
        unsent, tasks = self._facts.close()
        for lane, job in unsent:
            lane.abandon(job)
        tasks += [*self._readings.close(), *self._tasks]
        for task in self._tasks:
            task.cancel()
        await gather(*tasks, return_exceptions=True)
        if self._in_flight():
            self._idle = self._loop.create_future()
            with suppress(TimeoutError):
                await wait_for(self._idle, timeout_s)
        self._closed = True
        return self._in_flight()

    def stats(self) -> Stats:
        """What is going on now."""
        return stats_of(self._lanes)

    def sending(self, endpoint: int) -> Collection[int]:
        """The deliveries of an endpoint that are on the wire now: `sending` lives in memory alone."""
        lane = self._lanes.get(endpoint)
        return () if lane is None else lane.flying.keys()

    def health(self, endpoint: int) -> Health:
        """How an endpoint fares."""
        lane = self._lanes.get(endpoint)
        return healths.HEALTHY if lane is None else lane.health

    # From lane to sender
    def _pump(self, lane: Lane) -> None:
        """Sends what a lane may send now."""
        if lane.pumping or not self._running:
            return
        lane.pumping = True
        try:
            now_ms = self._clock_ms()
            took = 0
            while not self._brake(lane, took) and (job := lane.take(now_ms, self._sender.share(lane.number))) is not None:
                took += 1
                if not self._launch(lane, job, now_ms):
                    self._loop.call_soon(self._pump, lane)
                    break
        finally:
            lane.pumping = False
        if lane.starved and not lane.waking:
            lane.waking = True
            self._loop.call_later(lane.rate_wait_ms() / 1000, self._wake, lane)
        self._readings.want(lane)
        if len(self._timers):
            self._arm()
        if lane.endpoint is None and lane.empty and not lane.reading:
            self._lanes.pop(lane.number, None)

    def _brake(self, lane: Lane, took: int) -> bool:
        """Intake has the first call on the core: while it is pressed, little is sent, one of a lane in its turn."""
        if (self._unbraked > 0 and not took) or not self._is_pressed():
            return False
        self._braked[lane] = None
        if self._brake_timer is None:
            self._brake_timer = self._loop.call_later(self._settings.brake_s, self._ease)
        return True

    def _ease(self) -> None:
        self._brake_timer = None
        self._unbraked = self._settings.braked
        waiting, self._braked = self._braked, {}
        not_yet: dict[Lane, None] = {}
        for lane in waiting:
            if self._unbraked > 0 or not self._is_pressed():
                self._pump(lane)
            else:
                not_yet[lane] = None
        if not_yet:
            # Who had no turn comes first the next time, before those who had one.
            self._braked = not_yet | self._braked
            if self._brake_timer is None:
                self._brake_timer = self._loop.call_later(self._settings.brake_s, self._ease)

    def _wake(self, lane: Lane) -> None:
        lane.waking = False
        self._pump(lane)

    def _launch(self, lane: Lane, job: Job, now_ms: int) -> bool:
        """Sends a job that was taken. False: it could not be made into a request (others have their turn before the next one)."""
        endpoint = lane.endpoint
        if endpoint is None or job.delivery.root in self._erased or not may_go(job.delivery, endpoint):
            self._cancel(lane, job, now_ms)
            return True
        if self._courier.needs_facts(job.event, endpoint):
            self._facts.want(lane, job)
            return True
        self._unbraked -= 1
        return self._courier.send(job, job.event, endpoint, now_ms, partial(self._over, lane, job))

    def _facts_ready(self, lane: Lane, job: Job, event: Event) -> None:
        now_ms = self._clock_ms()
        endpoint = lane.endpoint
        if endpoint is None or job.delivery.root in self._erased or not may_go(job.delivery, endpoint):
            self._cancel(lane, job, now_ms)
            self._pump(lane)
        else:
            self._unbraked -= 1
            self._courier.send(job, event, endpoint, now_ms, partial(self._over, lane, job))

    def _cancel(self, lane: Lane, job: Job, now_ms: int) -> None:
        delivery = cancelled(job.delivery)
        if lane.over(job, delivery, now_ms):
            self._record(Result(delivery, now_ms, None, ""), None)

    # From sender to store
    def _over(self, lane: Lane, job: Job, verdict: Verdict) -> None:
        """An attempt is over."""
        if self._closed:
            # Cut off by the end of the process: no attempt. The row is as it was and the next start sends it again.
            lane.abandon(job)
            return
        now_ms = self._clock_ms()
        delivery = verdict.delivery
        if delivery.state == "retrying" and (lane.dead or delivery.root in self._erased):
            delivery = cancelled(delivery)
        if not lane.over(job, delivery, now_ms):
            log.error("delivery %s ended twice", delivery.id)
            return
        outcome = verdict.outcome
        self._record(Result(delivery, now_ms, outcome.status, outcome.error), verdict.attempt)
        self._watch.see(lane, verdict, now_ms)
        self._pump(lane)
        if self._idle is not None and not self._idle.done() and not self._in_flight():
            self._idle.set_result(None)

    def _record(self, result: Result, attempt: Attempt | None) -> None:
        try:
            self._sink.record(result, attempt)
        except Exception:  # the row stays as it was: the worst that follows is a repeat after the next start
            log.exception("the result of delivery %s was not taken", result.delivery.id)

    # Time and the store
    def _arm(self) -> None:
        """Sets the timer for what is due next."""
        at_ms = self._timers.next_at_ms()
        if at_ms is None or (self._timer is not None and self._timer_at_ms <= at_ms):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at_ms = at_ms
        self._timer = self._loop.call_later(max(0, at_ms - self._clock_ms()) / 1000, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now_ms = self._clock_ms()
        touched: dict[Lane, None] = {}
        while (due := self._timers.pop(now_ms)) is not None:
            lane, job = due
            lane.time_come(job)
            touched[lane] = None
        for lane in touched:
            self._pump(lane)
        self._arm()

    async def _poll(self) -> None:
        """Asks the store, at the start and every few seconds, who has open work; each lane then asks for its own."""
        while True:
            try:
                has_open = set(await self._run_in_thread(self._reader.endpoints_with_open))
            except Exception as error:  # whatever the store's trouble is, it must be asked again
                log.warning("the store could not be read: %s", error)
                await sleep(self._settings.again_s)
                continue
            self._look_round(has_open)
            await sleep(self._settings.poll_s)

    def _look_round(self, has_open: set[int]) -> None:
        now_ms = self._clock_ms()
        for lane in self._starting:
            lane.reading = False
            lane.started(lane.number in has_open, now_ms)
            self._pump(lane)
        self._starting = []
        for number in has_open - self._lanes.keys():
            self._lanes[number] = Lane(number, None, self._budget, self._timers)
        for lane in list(self._lanes.values()):
            lane.look_round(lane.number in has_open, now_ms)
            self._readings.want(lane)

    async def _read_due(self, deliveries: Sequence[int]) -> None:
        """Deliveries that are due and not in the timers: behind others of their conversation, or only in the store."""
        while True:
            try:
                jobs = await self._run_in_thread(lambda: [self._reader.job(number) for number in deliveries])
                break
            except Exception as error:  # whatever the store's trouble is, it must be asked again
                log.warning("the store could not be read: %s", error)
                await sleep(self._settings.again_s)
        now_ms = self._clock_ms()
        for job in jobs:
            if job is not None and job.delivery.state in OPEN:
                lane = self._lane_of(job)
                lane.offer_due(job, now_ms)
                self._pump(lane)

    # Inside
    def _lane_of(self, job: Job) -> Lane:
        number = job.delivery.endpoint
        lane = self._lanes.get(number)
        if lane is None:
            # Its endpoint was deleted meanwhile: what the store has of it is to be cancelled.
            lane = self._lanes[number] = Lane(number, None, self._budget, self._timers)
        return lane

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _in_flight(self) -> int:
        return sum(len(lane.flying) for lane in self._lanes.values())
