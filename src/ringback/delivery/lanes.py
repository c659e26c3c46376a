"""A lane: the work of one endpoint, in memory and in order. No I/O, no clock of its own.

**What a lane knows.** The store's rows are the queue; a lane holds a window of them. `cursor` is the line between the two: every
open delivery with an id up to it has been seen (it is here, or it ended here, or the lane left it to the store until its due
time); what is beyond it is only in the store, and `more` says that there may be some. Ids grow in the order of commits, so a
fresh job joins the window if there is nothing in the store before it and there is room; otherwise only `more` is set and a later
reading (`begin`, `absorb`) brings it. Jobs offered while a reading is under way wait in `tail` until it is clear whether the
reading reached the end.

**Due times.** A retry or a held delivery that is due within the horizon waits in the timers, one that is due later only in the
store: `stored` says so, and the dispatcher asks for what is due from time to time. A row that was read may be older than what
happened here meanwhile (results are committed a little later): `known` are the ids that are here, `settled` those that left a
moment ago.

**Who goes next.** First attempts and late ones (retries, resends, replays) have a queue each and take turns; late ones never take
the last quarter of the requests in flight, which is reserved for first attempts. While the endpoint fails there is one request at
a time, and not more often than every PAUSE_MS: what fails at once (no name, nobody listens) would cost as much as what succeeds.
While all lanes together have as many connections as are kept, a lane that has its share of them waits until one of its own
requests ends.
"""

from collections import deque
from collections.abc import Collection, Sequence

from ringback.delivery.limits import Bucket, Budget
from ringback.delivery.memory import Memory
from ringback.delivery.order import Gates
from ringback.delivery.readings import Need, Read, Waiting
from ringback.delivery.timers import Timers
from ringback.webhooks.deliveries import FINAL, OPEN, cancelled
from ringback.webhooks.health import HEALTHY, Health
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Job

FETCH_AT_ONCE = 256
PAUSE_MS = 100
"""From the begin of one request to that of the next while the endpoint fails: as if it were some way off."""


class Lane:
    """See the module."""

    __slots__ = (
        "_began_ms", "_bucket", "_budget", "_bulk", "_gates", "_held_back", "_known", "_late_next", "_released", "_tail",
        "_tail_lost", "_timers", "_turns", "cursor", "due_wanted", "endpoint", "flying", "fresh", "health", "late",
        "late_flying", "more", "number", "pumping", "reading", "starved", "stored", "timed", "waking",
    )  # fmt: skip

    def __init__(self, number: int, endpoint: Endpoint | None, budget: Budget, timers: "Timers[Lane]") -> None:
        """`endpoint` None: it is gone, and what is left of its work is to be cancelled."""
        self.number = number
        self.endpoint = endpoint
        self.health: Health = HEALTHY
        self.fresh: deque[Job] = deque()
        self.late: deque[Job] = deque()
        self.flying: dict[int, Job] = {}
        self.late_flying = 0
        self.timed = 0
        self.cursor = 0
        self.more = True
        self.stored = False
        self.due_wanted = False
        self.starved = False
        """The last `take` found work but no token, or a pause."""
        # The dispatcher's marks: a reading is queued or under way; `take` is being called; a wake-up for the rate is set.
        self.reading = False
        self.pumping = False
        self.waking = False
        self._budget = budget
        self._timers = timers
        self._gates = Gates()
        self._turns: deque[Waiting] = deque()
        self._bulk: deque[Waiting] = deque()
        self._held_back: set[int] = set()
        self._known = Memory(budget)
        self._released: set[int] = set()
        self._tail: list[Job] | None = None
        self._tail_lost = False
        self._late_next = False
        self._began_ms = 0
        """When a request was last taken while the endpoint failed."""
        self._bucket: Bucket | None = Bucket(endpoint.rate_per_s) if endpoint and endpoint.rate_per_s else None

    # What the dispatcher asks
    @property
    def dead(self) -> bool:
        """The endpoint is gone or disabled: work is to be cancelled."""
        return self.endpoint is None or not self.endpoint.enabled

    @property
    def empty(self) -> bool:
        """Nothing of it is in memory, and it does not know of more."""
        return not self._known and not self.more

    @property
    def queued(self) -> int:
        """Deliveries in memory that are not in flight."""
        return len(self._known) - len(self.flying)

    @property
    def jobs(self) -> int:
        """Deliveries in memory with their events."""
        return len(self.fresh) + len(self.late) + self.timed + len(self.flying) + self._gates.jobs + len(self._tail or ())

    def change(self, endpoint: Endpoint | None, now_ms: int) -> None:
        """The endpoint was changed, disabled or deleted: what follows is done its new way."""
        self.endpoint = endpoint
        rate = endpoint.rate_per_s if endpoint else None
        if (self._bucket.rate_per_s if self._bucket else None) != rate:
            self._bucket = Bucket(rate) if rate else None
        if self.dead:
            for job in self._timers.remove_all(self):
                self.timed -= 1
                self._queue(job)
        if self.dead or (endpoint is not None and endpoint.order == "none"):
            for root, entry in self._gates.open_all():
                self._go_on(root, entry, now_ms)

    # Work comes in
    def offer(self, job: Job, now_ms: int) -> None:
        """A fresh job, right after its commit."""
        delivery = job.delivery
        if delivery.kind != "event":
            # A person's wish: in no order, so it need not wait for what is in the store before it. Its id may be older than its
            # commit, so the cursor says nothing about it.
            if delivery.id in self._known or self._known.is_outdated(delivery):
                return
            if delivery.kind != "test" and delivery.id > self.cursor and not self._late_room():
                self.more = True
            else:
                self._admit(job, now_ms)
        elif delivery.id <= self.cursor:
            return
        elif not self.more:
            if self._room():
                self.cursor = delivery.id
                self._admit(job, now_ms)
            else:
                self.more = True
        elif self._tail is not None:
            if len(self._tail) < self._budget.window():
                self._tail.append(job)
            else:
                self._tail_lost = True

    def offer_due(self, job: Job, now_ms: int) -> None:
        """A row that is due (soon): a retry, or a held delivery whose time has come or that was released."""
        delivery = job.delivery
        number = delivery.id
        if self._known.is_outdated(delivery):
            return
        if number in self._known:
            waiting = self._timers.get(number)
            if waiting is None:
                if not delivery.attempts and delivery.next_at_ms <= now_ms:
                    self._released.add(number)
            elif waiting[1].delivery.attempts == delivery.attempts and waiting[1].delivery.next_at_ms > delivery.next_at_ms:
                self.timed -= 1
                self._timers.remove(number)
                self._place(job, now_ms)
        elif number > self.cursor and not delivery.attempts and delivery.kind == "event":
            # Earlier ones of its conversation may be in the store still: it comes in its turn.
            self._released.add(number)
            self.more = True
        else:
            self._admit(job, now_ms)

    def poke(self) -> None:
        """There may be something new in the store."""
        self.due_wanted = True
        if self._tail is not None:
            self._tail_lost = True
        self.more = True

    def time_come(self, job: Job) -> None:
        """A job of ours came out of the timers."""
        self.timed -= 1
        self._queue(job)

    # Work goes out
    def take(self, now_ms: int, share: int | None = None) -> Job | None:
        """The next job to send, which is in flight from now on; None: nothing may go now. `share`: as many may be in flight as
        far as connections are concerned, at least two; None: no matter how many."""
        self.starved = False
        flying = len(self.flying)
        late = bool(self.late) and (not self.fresh or self._late_next)
        if self.endpoint is not None and self.endpoint.enabled:
            fails = self.health.condition == "failing"
            cap = 1 if fails else max(1, self.endpoint.max_in_flight)
            if flying >= cap:
                return None
            if fails and (late or self.fresh) and self._pauses(now_ms):
                return None
            if share is not None and share < cap:
                # First attempts keep their part of the share even if late ones began when there was room for more.
                if flying >= share and flying - self.late_flying >= max(1, share // 4):
                    return None
                cap = share
            if late and cap > 1 and self.late_flying >= cap - max(1, cap // 4):
                late = False
        if not late and not self.fresh:
            return None
        if self._bucket is not None and not self.dead and not self._bucket.take(now_ms):
            self.starved = True
            return None
        if late:
            job = self.late.popleft()
            self.late_flying += 1
        else:
            job = self.fresh.popleft()
        self._late_next = not late
        self.flying[job.delivery.id] = job
        return job

    def rate_wait_ms(self) -> int:
        """After a `take` that found no token, or a pause: when to try again."""
        if self.health.condition == "failing":
            return PAUSE_MS
        return self._bucket.wait_ms() if self._bucket is not None else 1

    def over(self, job: Job, after: Delivery, now_ms: int) -> bool:
        """An attempt is over (or the delivery was cancelled unsent): its new state. False: it was not in flight, nothing is
        done."""
        before = job.delivery
        if self.flying.get(before.id) is not job:
            return False
        del self.flying[before.id]
        if _is_late(before):
            self.late_flying -= 1
        if before.attempts or before.held or before.kind != "event":
            self._known.settle(after, now_ms)
        if self._released:
            self._released.discard(before.id)
        if after.state in FINAL:
            self._known.drop(before.id)
            self._leave(before, now_ms)
        else:
            if self.endpoint is None or self.endpoint.order != "strict":
                self._leave(before, now_ms)
            self._place(Job(after, job.event), now_ms)
        return True

    def abandon(self, job: Job) -> None:
        """A job that was taken and will not be sent: its row stays as it is."""
        if self.flying.get(job.delivery.id) is job:
            del self.flying[job.delivery.id]
            if _is_late(job.delivery):
                self.late_flying -= 1

    def withdraw(self, numbers: Collection[int], now_ms: int) -> None:
        """What stands in no order is taken back before it is sent. What is in flight stays, and what is only in the store is to be
        cancelled there."""
        queued, self.late = self.late, deque()
        for job in queued:
            if job.delivery.id in numbers:
                self._forget(job, now_ms)
            else:
                self.late.append(job)
        for number in numbers:
            waiting = self._timers.get(number)
            if waiting is not None and waiting[0] is self:
                self.timed -= 1
                self._timers.remove(number)
                self._forget(waiting[1], now_ms)

    # Reading from the store
    def await_start(self) -> None:
        """The store is being asked who has open work; what is offered meanwhile waits for `started`."""
        self._tail, self._tail_lost = [], False

    def started(self, has_open: bool, now_ms: int) -> None:
        """The answer: does the store have open work of this lane?"""
        self.due_wanted = has_open
        if has_open:
            self._known.expect()
        self._absorb_open((), has_open, now_ms)

    def begin(self) -> Need | None:
        """What should be read now; None: nothing. To be answered by `absorb` or `failed`, one at a time."""
        if not self.wants():
            return None
        window = self._budget.window()
        turns = _take_some(self._turns, window if self._hungry(window) else 0)
        bulk = _take_some(self._bulk, window - len(self.late) if self._has_late_room(window) else 0)
        open_limit = due_limit = 0
        if self._may_read_open(window):
            open_limit = max(1, window - len(self.fresh))
            self._tail, self._tail_lost = [], False
        if self.due_wanted and self._has_late_room(window):
            # Those that are here already may come first again, since their rows are as due as ever: room for them all.
            due_limit = window + len(self.fresh) + len(self.late) + self.timed + len(self.flying) + len(self._held_back)
            self.due_wanted = False
        return Need(self.number, self.cursor, open_limit, due_limit, turns, bulk)

    def wants(self) -> bool:
        """Would `begin` ask for something?"""
        if not (self.more or self.due_wanted or self._turns or self._bulk):
            return False
        window = self._budget.window()
        return (
            self._may_read_open(window)
            or (bool(self._turns) and self._hungry(window))
            or ((self.due_wanted or bool(self._bulk)) and self._has_late_room(window))
        )

    def absorb(self, need: Need, read: Read, now_ms: int) -> None:
        """What was read joins the lane."""
        for number, root in need.turns + need.bulk:
            job = read.single.get(number)
            self._budget.ids -= 1
            if job is not None and job.delivery.state in OPEN:
                self._place(job, now_ms)
            else:
                self._known.drop(number)
                self._pass_on(root, number, now_ms)
        if need.open_limit:
            self._absorb_open(read.open, len(read.open) >= need.open_limit, now_ms)
        if need.due_limit:
            before = len(self._known)
            for job in read.due:
                self.offer_due(job, now_ms)
            if len(read.due) >= need.due_limit:
                self.stored = True
                # Nothing new in a full answer: what is in the way is being committed just now; ask again with the next round.
                self.due_wanted = len(self._known) > before

    def failed(self, need: Need) -> None:
        """The store could not answer: everything is wanted still."""
        self._turns.extendleft(reversed(need.turns))
        self._bulk.extendleft(reversed(need.bulk))
        self.due_wanted = self.due_wanted or need.due_limit > 0
        if need.open_limit:
            self._tail = None

    def look_round(self, has_open: bool, now_ms: int) -> None:
        """To be called every few seconds with what the store says: asks for what is due, forgets what settled long ago, and looks
        past the cursor when idle, so that a lost hand-over costs seconds and not an event."""
        self._known.prune(now_ms)
        if not has_open:
            self.stored = False
            if not self._known:
                self._gates.open_all()  # of deliveries that were removed from the store
        elif self.stored:
            self.due_wanted = True
        if has_open and not self._known and self._tail is None:
            self.more = True

    def _absorb_open(self, rows: Sequence[Job], cut: bool, now_ms: int) -> None:
        for job in rows:
            number = job.delivery.id
            if number > self.cursor:
                self.cursor = number
                if number not in self._known and not self._known.is_outdated(job.delivery):
                    self._admit(job, now_ms)
        tail, self._tail = self._tail or [], None
        if cut:
            return
        self.more = False
        for job in tail:
            self.offer(job, now_ms)
        if self._tail_lost:
            self.more = True
        elif not self._known:
            self._known.expect(False)

    # Inside
    def _room(self) -> bool:
        return len(self.fresh) < self._budget.window() and len(self._gates) < self._budget.blocked()

    def _hungry(self, window: int) -> bool:
        return len(self.fresh) <= window // 2

    def _may_read_open(self, window: int) -> bool:
        return self.more and self._tail is None and self._hungry(window) and len(self._gates) < self._budget.blocked()

    def _has_late_room(self, window: int) -> bool:
        return len(self.late) + self.timed <= window // 2

    def _admit(self, job: Job, now_ms: int) -> None:
        """A job that is not here yet."""
        delivery = job.delivery
        self._known.add(delivery.id)
        endpoint = self.endpoint
        if delivery.kind == "event" and endpoint is not None and endpoint.enabled:
            ordered = endpoint.order == "strict" or (endpoint.order == "call" and not delivery.attempts)
            ids_before = self._gates.ids
            if ordered and not self._gates.enter(job, self._budget.window() // 2):
                self._budget.ids += self._gates.ids - ids_before
                if delivery.held:
                    self._held_back.add(delivery.id)
                return
        self._place(job, now_ms)

    def _place(self, job: Job, now_ms: int) -> None:
        """A job that may go as far as its conversation is concerned: now, or at its time."""
        delivery = job.delivery
        wait_ms = delivery.next_at_ms - now_ms
        if wait_ms <= 0 or self.dead or (self._released and delivery.id in self._released):
            self._queue(job)
        elif wait_ms <= self._budget.limits.horizon_ms and self._late_room():
            self.timed += 1
            self._timers.add(self, job)
        else:
            self._leave_to_store(delivery.id)

    def _queue(self, job: Job) -> None:
        delivery = job.delivery
        if not _is_late(delivery):
            if delivery.kind == "test":
                self.fresh.appendleft(job)  # somebody is watching
            else:
                self.fresh.append(job)
        elif self._late_room() or self.dead:
            self.late.append(job)
        elif delivery.attempts:
            self._leave_to_store(delivery.id)
        else:
            self._bulk.append((delivery.id, delivery.root))
            self._budget.ids += 1

    def _pauses(self, now_ms: int) -> bool:
        """Is it too early for another request to an endpoint that fails? If not, this is the moment of the next one."""
        if 0 <= now_ms - self._began_ms < PAUSE_MS:
            self.starved = True
            return True
        self._began_ms = now_ms
        return False

    def _late_room(self) -> bool:
        return len(self.late) + self.timed < self._budget.window()

    def _leave_to_store(self, number: int) -> None:
        self.stored = True
        self._known.drop(number)

    def _forget(self, job: Job, now_ms: int) -> None:
        self._known.settle(cancelled(job.delivery), now_ms)
        self._known.drop(job.delivery.id)

    def _leave(self, delivery: Delivery, now_ms: int) -> None:
        if delivery.kind == "event":
            self._pass_on(delivery.root, delivery.id, now_ms)

    def _pass_on(self, root: int, number: int, now_ms: int) -> None:
        entry = self._gates.leave(root, number)
        if entry is not None:
            self._go_on(root, entry, now_ms)

    def _go_on(self, root: int, entry: Job | int, now_ms: int) -> None:
        number = entry if isinstance(entry, int) else entry.delivery.id
        if self._held_back:
            self._held_back.discard(number)
        if isinstance(entry, int):
            self._turns.append((number, root))
        else:
            self._place(entry, now_ms)


def _take_some(queue: deque[Waiting], most: int) -> tuple[Waiting, ...]:
    return tuple(queue.popleft() for _ in range(min(FETCH_AT_ONCE, most, len(queue))))


def _is_late(delivery: Delivery) -> bool:
    """Does it yield to first attempts? Retries do, and what a person had sent again in bulk."""
    return delivery.attempts > 0 or delivery.kind in ("resend", "replay")
