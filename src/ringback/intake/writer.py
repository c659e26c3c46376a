"""The one writer: updates become events and deliveries, many producers share one commit, and only then they are answered.

It runs in a thread of its own and is the only one that folds and commits, so the ledger needs no locks. Each turn takes all that is
waiting, loads the calls that it speaks of, folds, routes, commits, and hands answers and fresh deliveries to the event loop in one
callback, or piece by piece while calls are live. Results of attempts ride along; alone they wait up to 40 ms (a kill repeats what
ended in its last 50 ms).
"""

import logging
import os
import queue
import sys
import threading
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from ringback.calls.model import Update
from ringback.dialects.contract import Dialect
from ringback.errors import OurError, StoreUnavailable
from ringback.ids import IdMaker
from ringback.intake.turn import Answer, Folder, FolderStore, Routing
from ringback.webhooks.records import Attempt, Batch, Committed, Fold, Job, Packed, Result, pack, unpack
from ringback.webhooks.resends import BulkResend

log = logging.getLogger("ringback.writer")

RESULTS_WAIT_S = 0.01
ATTEMPTS_WAIT_S = 0.25
MOST_UPDATES = 1_000
"""Updates in one commit at the most: bounds the time that one transaction holds the writer."""
PRESSED = 250
"""Updates waiting for their commit from which on intake is pressed: then it has the first call on the core, and sending waits."""
PIECE = 16
"""Steps of a hand-over in one turn of the loop while calls are live: of single updates, 8 deliveries and their 8 answers. A caller
waits for what an application says, and all that one turn does comes before that (decision 0015)."""


Done = Callable[[list[Answer] | OurError], None]

Step = Job | Callable[[], None]
"""Of a hand-over: a delivery for the lanes, or somebody to tell."""


class Intake(Struct, frozen=True):
    """One producer's request: (account, update) each, answered together."""

    items: Sequence[tuple[str, Update]]
    done: Done


Made = Callable[[list[str] | OurError], None]


class Making(Struct, frozen=True):
    """Further deliveries of events that are in the store: what a person has sent again. Each stands or fails alone. `resend`: how
    far the bulk resend that makes them has come with it. `ended`: what was sent already, by others; nobody sends it again."""

    account: str
    jobs: Sequence[Job]
    done: Made
    resend: BulkResend | None = None
    ended: Sequence[Result] = ()

    @property
    def size(self) -> int:
        """How many deliveries it is."""
        return len(self.jobs) + len(self.ended)

    def folds(self) -> list[Fold]:
        """One for each. What has ended is made as it would have been, and its result written with it."""
        made = [*(job.delivery for job in self.jobs), *(replace(one.delivery, state="pending", attempts=0) for one in self.ended)]
        return [Fold(account=self.account, calls=(), events=(), event_calls=(), deliveries=(delivery,)) for delivery in made]


class WriterStore(FolderStore, Protocol):
    """What the writer needs of a store."""

    def commit(self, batch: Batch) -> Committed: ...
    def log_attempts(self, attempts: Sequence[Packed]) -> None: ...


class Writer:
    """See the module. `submit` and `record` are called on the loop."""

    def __init__(
        self,
        *,
        store: WriterStore,
        routing: Routing,
        dialects: Mapping[str, Dialect],
        loop: AbstractEventLoop,
        clock_ms: Callable[[], int],
        last_id: int,
        on_jobs: Callable[[Sequence[Job]], None],
        on_release: Callable[[Sequence[int]], None],
        is_live: Callable[[], bool] = lambda: False,
    ) -> None:
        """`is_live`: is a call going on? Then no turn of the loop may take long. Asked on the loop and in the thread."""
        self._store = store
        self._loop = loop
        self._clock_ms = clock_ms
        self._ids = IdMaker(last=last_id)
        self._id_lock = threading.Lock()
        self._folder = Folder(store, routing, dialects, clock_ms, self.new_id)
        self._on_jobs = on_jobs
        self._on_release = on_release
        self._is_live = is_live
        self._handing: deque[Step] = deque()
        """What is on disk and not handed over yet, in the order of the commits: lanes need growing ids."""
        self._queue: queue.SimpleQueue[list[Intake | Making]] = queue.SimpleQueue()
        self._gathered: list[Intake | Making] = []
        self._results: deque[Result] = deque()
        self._attempts: deque[Packed] = deque()
        self._logging: list[Packed] = []
        self._results_timer = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ringback-writer", daemon=True)
        self.accepted = 0
        self.commits = 0
        self.waiting = 0
        """Updates that were taken and are not on disk yet."""

    def is_pressed(self) -> bool:
        """Do updates come in faster than they are put on disk?"""
        return self.waiting >= PRESSED

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Commits what is waiting and ends the thread (blocks until it has)."""
        self._stopping = True
        self._pass_on()
        self._queue.put([])
        self._thread.join()

    def new_id(self) -> int:
        """A growing id, from any thread (for accounts, endpoints, keys, resends)."""
        with self._id_lock:
            return self._ids.next(self._clock_ms())

    def submit(self, items: Sequence[tuple[str, Update]], done: Done) -> None:
        """Takes updates; `done` is called on the loop once they are on disk, with one answer each, or with the error that stopped
        them all."""
        count = len(items)
        self.waiting += count

        def told(answers: list[Answer] | OurError) -> None:
            self.waiting -= count
            done(answers)

        self._gather(Intake(items, told))

    def make(self, account: str, jobs: Sequence[Job], done: Made, resend: BulkResend | None = None) -> None:
        """Takes further deliveries of an account's events (resends, replays); they share a commit with what else is waiting and are
        sent once they are on disk. `done` is called on the loop with one line each, why the store cannot take it (empty: it is on
        disk), or with the error that stopped them all. `resend`: how far their bulk resend has come, written with them."""
        self._gather(Making(account, jobs, done, resend))

    def write_down(self, account: str, ended: Sequence[Result], attempts: Sequence[Attempt], done: Made) -> None:
        """Takes deliveries of an account's events that have ended before anybody wrote them down (instruction requests), with their
        attempts; nothing of them is sent. `done`: as for `make`."""
        self._attempts.extend(map(pack, attempts))
        self._gather(Making(account, (), done, ended=ended))

    def _gather(self, one: Intake | Making) -> None:
        """What one turn of the loop brings is handed to the thread at once: waking it costs more than taking it."""
        if not self._gathered:
            self._loop.call_soon(self._pass_on)
        self._gathered.append(one)

    def _pass_on(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._queue.put(gathered)

    def record(self, result: Result, attempt: Attempt | None) -> None:
        """Takes the end of an attempt; it is committed with the next batch, at the latest after RESULTS_WAIT_S."""
        self._results.append(result)
        if attempt is not None:
            self._attempts.append(pack(attempt))
        if not self._results_timer:
            self._results_timer = True
            self._loop.call_later(RESULTS_WAIT_S, self._wake_for_results)

    def unlogged(self, delivery: int) -> list[Attempt]:
        """A delivery's attempts that are not in the log yet. Ask before the log is read, or one may be missed between the two."""
        return [unpack(one.body) for one in (*self._logging, *self._attempts) if one.delivery == delivery]

    def _wake_for_results(self) -> None:
        self._results_timer = False
        if self._results:
            self._queue.put([])

    # The thread
    def _run(self) -> None:
        next_log = 0
        stands_back = False
        while True:
            waiting = self._take()
            if stands_back != self._is_live():
                stands_back = not stands_back
                _stand_back(stands_back)
            # Only this thread takes from the two queues of what attempts came to, only the loop's thread puts into them.
            results = [self._results.popleft() for _ in range(len(self._results))]
            try:
                if waiting or results:
                    self._commit(waiting, results)
            except StoreUnavailable as error:
                self._fail(waiting, results, error)
            except Exception as error:  # the writer must outlive any fault of one batch; the producers are told
                log.exception("writer failed")
                self._fail(waiting, results, OurError(f"internal error: {type(error).__name__}"))
            if self._attempts and (self._clock_ms() >= next_log or self._stopping):
                next_log = self._clock_ms() + int(ATTEMPTS_WAIT_S * 1000)
                self._log_attempts()
            if self._stopping and self._queue.empty() and not self._results:
                return

    def _take(self) -> list[Intake | Making]:
        """Blocks for the first, then takes all that is there."""
        waiting: list[Intake | Making] = []
        count = 0
        gathered = self._queue.get(timeout=None) if not self._attempts else self._get_within(ATTEMPTS_WAIT_S)
        while True:
            for one in gathered:
                waiting.append(one)
                count += len(one.items) if isinstance(one, Intake) else one.size
            if count >= MOST_UPDATES:
                return waiting
            try:
                gathered = self._queue.get_nowait()
            except queue.Empty:
                return waiting

    def _get_within(self, seconds: float) -> list[Intake | Making]:
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            return []

    def _log_attempts(self) -> None:
        self._logging = [self._attempts.popleft() for _ in range(len(self._attempts))]
        try:
            self._store.log_attempts(self._logging)
        except StoreUnavailable as error:
            log.warning("attempt log: %s attempts not kept: %s", len(self._logging), error)
        self._logging = []

    def _fail(self, waiting: list[Intake | Making], results: list[Result], error: OurError) -> None:
        """Nothing was committed: producers are told, results are kept for the next turn."""
        if results:
            self._results.extendleft(reversed(results))
        if waiting:
            self._loop.call_soon_threadsafe(self._tell_all, [partial(one.done, error) for one in waiting])
        if results and not waiting:
            threading.Event().wait(0.2)  # the disk is full: do not spin on results alone
            self._queue.put([])

    def _commit(self, waiting: list[Intake | Making], results: list[Result]) -> None:
        items = [item for one in waiting if isinstance(one, Intake) for item in one.items]
        makings = [one for one in waiting if isinstance(one, Making)]
        answers, handed, whys, jobs, released = self._accept(items, results, makings)
        told: list[tuple[int, Callable[[], None]]] = []
        at = made_at = 0
        for one in waiting:
            if isinstance(one, Intake):
                end = at + len(one.items)
                told.append((max(handed[at:end], default=0), partial(one.done, answers[at:end])))
                at = end
            else:
                own = whys[made_at : made_at + one.size]
                jobs += [job for job, why in zip(one.jobs, own, strict=False) if not why]
                told.append((len(jobs), partial(one.done, own)))
                made_at += one.size
        self.accepted += len(items)
        self.commits += 1
        steps = _steps(jobs, told)
        if released:
            steps.append(partial(self._on_release, released))
        self._loop.call_soon_threadsafe(self._hand_over, steps)

    # On the loop again
    def _hand_over(self, steps: list[Step]) -> None:
        """What a commit brought; behind what earlier ones did, if that is still on its way."""
        is_on_its_way = bool(self._handing)
        self._handing.extend(steps)
        if not is_on_its_way:
            self._hand_on()

    def _hand_on(self) -> None:
        """The next piece, or all that there is when nobody waits on a call, or for the end."""
        count = PIECE if self._is_live() and not self._stopping else len(self._handing)
        steps = [self._handing.popleft() for _ in range(min(count, len(self._handing)))]
        if self._handing:
            self._loop.call_soon(self._hand_on)
        jobs = [step for step in steps if isinstance(step, Job)]
        try:
            if jobs:
                self._on_jobs(jobs)
        except Exception:  # an answer is owed whatever the hand-over did; the rows are the truth
            log.exception("hand-over failed")
        self._tell_all([step for step in steps if not isinstance(step, Job)])

    @staticmethod
    def _tell_all(told: Sequence[Callable[[], None]]) -> None:
        for tell in told:
            try:
                tell()
            except Exception:  # one producer's broken connection must not cost the others their answer
                log.exception("answer failed")

    # Folding
    def _accept(
        self, items: Sequence[tuple[str, Update]], results: Sequence[Result], makings: Sequence[Making]
    ) -> tuple[list[Answer], list[int], list[str], list[Job], list[int]]:
        """Folds and commits; folds again what another writer moved meanwhile. What needs no folding goes with the first commit.

        Gives the answers; of each, how many of the jobs are handed over before it; of what needed no folding, why the store cannot
        take it; the jobs in the order of their commit; the held deliveries that are due now."""
        made = [fold for making in makings for fold in making.folds()]
        resends = [making.resend for making in makings if making.resend is not None]
        results = [*results, *(result for making in makings for result in making.ended)]
        answers: list[Answer | None] = [None] * len(items)
        handed = [0] * len(items)
        whys: list[str] | None = None
        jobs: list[Job] = []
        released: list[int] = []
        todo = list(range(len(items)))
        for _ in range(20):
            turn = self._folder.fold_all([items[i] for i in todo])
            try:
                committed = self._store.commit(Batch([*turn.folds, *made] if made else turn.folds, results, resends))
            except StoreUnavailable as error:
                if whys is None or (not whys and len(todo) == len(items)):
                    raise
                # Some of the batch is on disk already and must be handed over; the rest is refused item by item.
                for index in todo:
                    answers[index] = Answer(0, items[index][1].call.id, error=str(error), again=True)
                break
            if whys is None:
                whys = [committed.failed.get(len(turn.folds) + place, "") for place in range(len(made))]
            results, made, resends = (), [], []
            stale = set(committed.stale)
            again: list[int] = []
            for place, index in enumerate(todo):
                number = turn.fold_of[place]
                if number is not None and number in stale:
                    again.append(index)
                elif number is not None and number in committed.failed:
                    answers[index] = Answer(0, items[index][1].call.id, error=committed.failed[number])
                else:
                    answers[index] = turn.answers[place]
                    jobs.extend(turn.jobs[place])
                    handed[index] = len(jobs)
                    released.extend(job.delivery.id for job in turn.released[place])
            todo = again
            if not todo:
                break
        else:
            for index in todo:
                why = "the call is being changed by others all the time; try again"
                answers[index] = Answer(0, items[index][1].call.id, error=why, again=True)
        return [answer for answer in answers if answer is not None], handed, whys or [], jobs, released


def _steps(jobs: Sequence[Job], told: Sequence[tuple[int, Callable[[], None]]]) -> list[Step]:
    """The jobs in their order, and everybody who is told, in theirs, as soon as so many of them were handed over."""
    steps: list[Step] = []
    rest = iter(jobs)
    done = 0
    for count, tell in told:
        if count > done:
            steps += islice(rest, count - done)
            done = count
        steps.append(tell)
    return [*steps, *rest]


def _stand_back(wanted: bool) -> None:
    """Whether the thread that calls leaves the core to the loop when it wakes while the loop has it (Linux's SCHED_BATCH: its share
    stays the same; no privilege is needed, not even to take it back). A policy that the operator has chosen stays."""
    if sys.platform == "linux":
        before, after = (os.SCHED_OTHER, os.SCHED_BATCH) if wanted else (os.SCHED_BATCH, os.SCHED_OTHER)
        with suppress(OSError):  # a sandbox may forbid it: calls are then answered a little later
            if os.sched_getscheduler(0) == before:
                os.sched_setscheduler(0, after, os.sched_param(0))
