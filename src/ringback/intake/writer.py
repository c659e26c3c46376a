"""The one writer: updates become events and deliveries, many producers share one commit, and only then they are answered.

It runs in a thread of its own and is the only one that folds and commits, so the ledger needs no locks. Each turn takes all that is
waiting, loads the calls that it speaks of, folds, routes, commits, and hands answers and fresh deliveries to the event loop in one
callback. Results of attempts ride along; alone they wait up to 40 ms (a kill repeats what ended in its last 50 ms).
"""

import logging
import queue
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from ringback.calls.directory import Place
from ringback.calls.ledger import fold, root_wanted
from ringback.calls.model import Call, Event, Update
from ringback.dialects.contract import Dialect
from ringback.errors import OurError, StoreUnavailable
from ringback.ids import IdMaker
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Attempt, Batch, CallKey, Committed, Fold, Job, Loaded, Result, StoredCall

log = logging.getLogger("ringback.writer")

RESULTS_WAIT_S = 0.03
ATTEMPTS_WAIT_S = 0.25
MOST_UPDATES = 1_000
"""Updates in one commit at the most: bounds the time that one transaction holds the writer."""


class Answer(Struct, frozen=True):
    """What became of one update. `event` 0: it changed nothing that is an event. `error`: it was refused, and why."""

    event: int
    call_id: str
    deliveries: int = 0
    duplicate: bool = False
    late: bool = False
    error: str = ""


Done = Callable[[list[Answer] | OurError], None]


class Intake(Struct, frozen=True):
    """One producer's request: (account, update) each, answered together."""

    items: Sequence[tuple[str, Update]]
    done: Done


class WriterStore(Protocol):
    """What the writer needs of a store."""

    def load(self, calls: Sequence[CallKey], update_ids: Sequence[CallKey]) -> Loaded: ...
    def commit(self, batch: Batch) -> Committed: ...
    def log_attempts(self, attempts: Sequence[Attempt]) -> None: ...
    def held(self, root: int) -> list[Job]: ...


class Routing(Protocol):
    """Who gets what: the account book."""

    def matcher(self, account: str) -> Matcher: ...
    def place(self, event: Event) -> Place: ...
    def endpoint(self, number: int) -> Endpoint | None: ...


class _Turn:
    """The state of one commit's folding: what was loaded, over it what this batch has made so far."""

    def __init__(self, loaded: Loaded) -> None:
        self.calls: dict[CallKey, StoredCall] = dict(loaded.calls)
        self.seen: dict[CallKey, tuple[int, str]] = dict(loaded.seen)
        self.folds: list[Fold] = []
        self.answers: list[Answer] = []
        self.fold_of: list[int | None] = []
        self.jobs: list[Sequence[Job]] = []
        self.released: list[Sequence[Job]] = []

    def answer(self, answer: Answer, fold_of: int | None = None, jobs: Sequence[Job] = (), released: Sequence[Job] = ()) -> None:
        """One update's outcome; the four lists stay in step."""
        self.answers.append(answer)
        self.fold_of.append(fold_of)
        self.jobs.append(jobs)
        self.released.append(released)


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
    ) -> None:
        self._store = store
        self._routing = routing
        self._dialects = dialects
        self._loop = loop
        self._clock_ms = clock_ms
        self._ids = IdMaker(last=last_id)
        self._id_lock = threading.Lock()
        self._on_jobs = on_jobs
        self._on_release = on_release
        self._queue: queue.SimpleQueue[Intake | None] = queue.SimpleQueue()
        self._results: list[Result] = []
        self._attempts: list[Attempt] = []
        self._logging: list[Attempt] = []
        self._results_timer = False
        self._attempts_timer = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ringback-writer", daemon=True)
        self.accepted = 0
        self.commits = 0

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Commits what is waiting and ends the thread (blocks until it has)."""
        self._stopping = True
        self._queue.put(None)
        self._thread.join()

    def new_id(self) -> int:
        """A growing id, from any thread (for accounts, endpoints, keys, resends)."""
        with self._id_lock:
            return self._ids.next(self._clock_ms())

    def submit(self, items: Sequence[tuple[str, Update]], done: Done) -> None:
        """Takes updates; `done` is called on the loop once they are on disk, with one answer each, or with the error that stopped
        them all."""
        self._queue.put(Intake(items, done))

    def record(self, result: Result, attempt: Attempt | None) -> None:
        """Takes the end of an attempt; it is committed with the next batch, at the latest after RESULTS_WAIT_S."""
        self._results.append(result)
        if attempt is not None:
            self._attempts.append(attempt)
        if not self._results_timer:
            self._results_timer = True
            self._loop.call_later(RESULTS_WAIT_S, self._wake_for_results)

    def unlogged(self, delivery: int) -> list[Attempt]:
        """A delivery's attempts that are not in the log yet. Ask before the log is read, or one may be missed between the two."""
        return [attempt for attempt in (*self._logging, *self._attempts) if attempt.delivery == delivery]

    def _wake_for_results(self) -> None:
        self._results_timer = False
        if self._results:
            self._queue.put(None)

    # The thread
    def _run(self) -> None:
        next_log = 0
        while True:
            waiting = self._take()
            results, self._results = self._results, []
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

    def _take(self) -> list[Intake]:
        """Blocks for the first, then takes all that is there."""
        waiting: list[Intake] = []
        count = 0
        first = self._queue.get(timeout=None) if not self._attempts else self._get_within(ATTEMPTS_WAIT_S)
        while True:
            if first is not None:
                waiting.append(first)
                count += len(first.items)
                if count >= MOST_UPDATES:
                    return waiting
            try:
                first = self._queue.get_nowait()
            except queue.Empty:
                return waiting

    def _get_within(self, seconds: float) -> Intake | None:
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            return None

    def _log_attempts(self) -> None:
        self._logging, self._attempts = self._attempts, []
        try:
            self._store.log_attempts(self._logging)
        except StoreUnavailable as error:
            log.warning("attempt log: %s attempts not kept: %s", len(self._logging), error)
        self._logging = []

    def _fail(self, waiting: list[Intake], results: list[Result], error: OurError) -> None:
        """Nothing was committed: producers are told, results are kept for the next turn."""
        if results:
            self._results[:0] = results
        if waiting:
            self._loop.call_soon_threadsafe(self._tell_all, [(intake.done, error) for intake in waiting])
        if results and not waiting:
            threading.Event().wait(0.2)  # the disk is full: do not spin on results alone
            self._queue.put(None)

    def _commit(self, waiting: list[Intake], results: list[Result]) -> None:
        items = [item for intake in waiting for item in intake.items]
        answers, jobs, released = self._accept(items, results)
        told: list[tuple[Done, list[Answer] | OurError]] = []
        at = 0
        for intake in waiting:
            told.append((intake.done, answers[at : at + len(intake.items)]))
            at += len(intake.items)
        self.accepted += len(items)
        self.commits += 1
        self._loop.call_soon_threadsafe(self._hand_over, told, jobs, released)

    def _hand_over(self, told: list[tuple[Done, list[Answer] | OurError]], jobs: list[Job], released: list[int]) -> None:
        try:
            if jobs:
                self._on_jobs(jobs)
            if released:
                self._on_release(released)
        except Exception:  # an answer is owed whatever the hand-over did; the rows are the truth
            log.exception("hand-over failed")
        self._tell_all(told)

    @staticmethod
    def _tell_all(told: Sequence[tuple[Done, list[Answer] | OurError]]) -> None:
        for done, answers in told:
            try:
                done(answers)
            except Exception:  # one producer's broken connection must not cost the others their answer
                log.exception("answer failed")

    # Folding
    def _accept(self, items: Sequence[tuple[str, Update]], results: Sequence[Result]) -> tuple[list[Answer], list[Job], list[int]]:
        """Folds and commits; folds again what another writer moved meanwhile."""
        answers: list[Answer | None] = [None] * len(items)
        jobs: list[Job] = []
        released: list[int] = []
        todo = list(range(len(items)))
        for _ in range(20):
            turn = self._fold_all([items[i] for i in todo])
            try:
                committed = self._store.commit(Batch(turn.folds, results))
            except StoreUnavailable as error:
                if len(todo) == len(items):
                    raise
                # Some of the batch is on disk already and must be handed over; the rest is refused item by item.
                for index in todo:
                    answers[index] = Answer(0, items[index][1].call.id, error=str(error))
                break
            results = ()
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
                    released.extend(job.delivery.id for job in turn.released[place])
            todo = again
            if not todo:
                break
        else:
            for index in todo:
                answers[index] = Answer(
                    0, items[index][1].call.id, error="the call is being changed by others all the time; try again"
                )
        return [answer for answer in answers if answer is not None], jobs, released

    def _fold_all(self, items: Sequence[tuple[str, Update]]) -> _Turn:
        keys: set[CallKey] = set()
        update_ids: list[CallKey] = []
        for account, update in items:
            keys.add((account, update.call.id))
            if update.call.parent is not None:
                keys.add((account, update.call.parent))
            if update.id is not None:
                update_ids.append((account, update.id))
        turn = _Turn(self._store.load(list(keys), update_ids) if items else Loaded({}, {}))
        for account, update in items:
            try:
                self._fold_one(turn, account, update)
            except Exception as error:  # one poisonous update fails alone, never its group
                log.exception("an update could not be folded")
                turn.answer(Answer(0, update.call.id, error=f"internal error: {type(error).__name__}"))
        return turn

    def _fold_one(self, turn: _Turn, account: str, update: Update) -> None:
        if update.id is not None:
            before = turn.seen.get((account, update.id))
            if before is not None:
                turn.answer(Answer(before[0], before[1], duplicate=True))
                return
        leg_key = (account, update.call.id)
        leg, root = self._find(turn, account, update)
        folded = fold(account, leg.call if leg else None, root.call if root else None, update, self.new_id)
        new_root = self._stored(root, folded.root, None)
        new_leg = new_root if folded.leg is folded.root else self._stored(leg, folded.leg, new_root.n)
        jobs, released = self._route(turn, folded.events, new_root)
        changed = [new for new, old in ((new_root, root), (new_leg, leg)) if old is None or new.call is not old.call]
        if new_leg is new_root:
            changed = changed[:1]
        number = len(turn.folds)
        turn.folds.append(
            Fold(
                account=account,
                calls=tuple(changed),
                events=folded.events,
                event_calls=tuple((new_leg.n, new_root.n) for _ in folded.events),
                deliveries=tuple(job.delivery for job in jobs),
                update_id=update.id,
                call_id=update.call.id,
                release=tuple(job.delivery.id for job in released),
            )
        )
        for new in changed:
            moved = StoredCall(new.n, new.root_n, msgspec.structs.replace(new.call, version=new.call.version + 1))
            turn.calls[account, new.call.id] = moved
        turn.calls.setdefault(leg_key, new_leg)
        event = folded.events[0].id if folded.events else 0
        if update.id is not None:
            turn.seen[account, update.id] = (event, update.call.id)
        turn.answer(Answer(event, update.call.id, len(jobs), late=folded.late), number, jobs, released)

    @staticmethod
    def _find(turn: _Turn, account: str, update: Update) -> tuple[StoredCall | None, StoredCall | None]:
        """The leg, and the root of the conversation that it belongs to, as far as they are known."""
        leg = turn.calls.get((account, update.call.id))
        wanted = root_wanted(leg.call if leg else None, update)
        if wanted is None:
            return leg, leg
        parent = turn.calls.get((account, wanted))
        if parent is None or parent.call.is_root:
            return leg, parent
        return leg, turn.calls.get((account, parent.call.root))

    def _stored(self, old: StoredCall | None, call: Call, root_n: int | None) -> StoredCall:
        """The row of a folded call: the old one's number, or a new one for a new call or a new generation."""
        if old is not None and old.call is call:
            return old
        if old is None or old.call.generation != call.generation:
            n = self.new_id()
            return StoredCall(n, n if root_n is None else root_n, call)
        return StoredCall(old.n, old.root_n, call)

    def _route(self, turn: _Turn, events: Sequence[Event], root: StoredCall) -> tuple[list[Job], list[Job]]:
        """Fresh deliveries, and held ones that need not wait any longer."""
        jobs: list[Job] = []
        released: list[Job] = []
        for event in events:
            if event.late:
                continue
            place = self._routing.place(event)
            now = self._clock_ms()
            for endpoint, name in self._routing.matcher(event.call.account).match(event, place):
                due = self._dialects[endpoint.dialect].hold_until_ms(event, endpoint)
                if due is not None:
                    # A source whose clock is ahead must not make anybody wait longer.
                    due = min(due, now + endpoint.hold_s * 1000)
                jobs.append(
                    Job(
                        Delivery(
                            id=self.new_id(),
                            endpoint=endpoint.id,
                            event=event.id,
                            root=root.n,
                            name=name,
                            next_at_ms=due or 0,
                            held=due is not None,
                            created_at_ms=now,
                        ),
                        event,
                    )
                )
            if event.root.context.awaits or event.type in ("call.recording", "call.facts"):
                released.extend(self._fulfilled(turn, event, root))
        return jobs, released

    def _fulfilled(self, turn: _Turn, event: Event, root: StoredCall) -> list[Job]:
        """Held deliveries of the conversation whose facts are all there now: those on disk, and those of this very batch."""
        if not event.root.is_final or not root.call.version:
            return []
        found: list[Job] = []
        fresh = [job for jobs in turn.jobs for job in jobs if job.delivery.held and job.delivery.root == root.n]
        for job in (*self._store.held(root.n), *fresh):
            endpoint = self._routing.endpoint(job.delivery.endpoint)
            if endpoint is None or self._dialects[endpoint.dialect].complete(event):
                found.append(job)
        return found
