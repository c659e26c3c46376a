"""One turn of the writer: updates are folded into their calls and routed to endpoints; nothing is written yet.

A turn works on what the store had when it began, and over it on what the turn itself has made so far: several updates of one call
in one turn build on each other.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from ringback.calls.directory import Place
from ringback.calls.ledger import fold, root_wanted
from ringback.calls.model import Call, Event, Update
from ringback.dialects.contract import Dialect
from ringback.webhooks.deliveries import TRANSITIONS
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import CallKey, Fold, Job, Loaded, StoredCall

log = logging.getLogger("ringback.writer")


class Answer(Struct, frozen=True, gc=False):
    """What became of one update. `event` 0: it changed nothing that is an event. `error`: it was refused, and why. `again`: not for
    good; offered once more it may be taken."""

    event: int
    call_id: str
    deliveries: int = 0
    duplicate: bool = False
    late: bool = False
    error: str = ""
    again: bool = False


class FolderStore(Protocol):
    """What folding asks of a store."""

    def load(self, calls: Sequence[CallKey], update_ids: Sequence[CallKey]) -> Loaded: ...
    def held(self, root: int) -> list[Job]: ...


class Routing(Protocol):
    """Who gets what: the account book."""

    def matcher(self, account: str) -> Matcher: ...
    def place(self, event: Event) -> Place: ...
    def endpoint(self, number: int) -> Endpoint | None: ...


class Turn:
    """The state of one commit's folding: what was loaded, over it what this batch has made so far."""

    def __init__(self, loaded: Loaded, now_ms: int) -> None:
        self.now_ms = now_ms
        self._loaded = loaded.calls
        self._made: dict[CallKey, StoredCall] = {}
        self._moved: dict[CallKey, StoredCall] = {}
        self.seen: dict[CallKey, tuple[int, str]] = dict(loaded.seen)
        self.folds: list[Fold] = []
        self.answers: list[Answer] = []
        self.fold_of: list[int | None] = []
        self.jobs: list[Sequence[Job]] = []
        self.released: list[Sequence[Job]] = []

    def call(self, key: CallKey) -> StoredCall | None:
        """A call as it is after what the turn has folded so far."""
        made = self._made.pop(key, None)
        if made is not None:
            # The store will write the next version; a further update of this turn builds on that.
            call = msgspec.structs.replace(made.call, version=made.call.version + 1)
            self._moved[key] = moved = StoredCall(made.n, made.root_n, call)
            return moved
        return self._moved.get(key) or self._loaded.get(key)

    def put(self, account: str, made: StoredCall) -> None:
        """A call that an update changed."""
        self._made[account, made.call.id] = made

    def answer(self, answer: Answer, fold_of: int | None = None, jobs: Sequence[Job] = (), released: Sequence[Job] = ()) -> None:
        """One update's outcome; the four lists stay in step."""
        self.answers.append(answer)
        self.fold_of.append(fold_of)
        self.jobs.append(jobs)
        self.released.append(released)


class Folder:
    """Makes turns. Used by the writer's thread alone."""

    def __init__(
        self,
        store: FolderStore,
        routing: Routing,
        dialects: Mapping[str, Dialect],
        clock_ms: Callable[[], int],
        new_id: Callable[[], int],
    ) -> None:
        self._store = store
        self._routing = routing
        self._dialects = dialects
        self._clock_ms = clock_ms
        self._new_id = new_id

    def fold_all(self, items: Sequence[tuple[str, Update]]) -> Turn:
        """Folds (account, update) pairs in their order, as far as the store has their calls now. Raises StoreUnavailable."""
        keys: set[CallKey] = set()
        update_ids: list[CallKey] = []
        for account, update in items:
            keys.add((account, update.call.id))
            if update.call.parent is not None:
                keys.add((account, update.call.parent))
            if update.id is not None:
                update_ids.append((account, update.id))
        turn = Turn(self._store.load(list(keys), update_ids) if items else Loaded({}, {}), self._clock_ms())
        for account, update in items:
            try:
                self._fold_one(turn, account, update)
            except Exception as error:  # one poisonous update fails alone, never its group
                log.exception("an update could not be folded")
                turn.answer(Answer(0, update.call.id, error=f"internal error: {type(error).__name__}"))
        return turn

    def _fold_one(self, turn: Turn, account: str, update: Update) -> None:
        if update.id is not None:
            before = turn.seen.get((account, update.id))
            if before is not None:
                turn.answer(Answer(before[0], before[1], duplicate=True))
                return
        leg, root = self._find(turn, account, update)
        folded = fold(account, leg.call if leg else None, root.call if root else None, update, self._new_id)
        new_root = self._stored(root, folded.root, None)
        new_leg = new_root if folded.leg is folded.root else self._stored(leg, folded.leg, new_root.n)
        jobs, released, skipped = self._route(turn, folded.events, new_root)
        changed = (new_root,) if new_leg is new_root or new_leg is leg else (new_root, new_leg)
        event = folded.events[0]
        number = len(turn.folds)
        turn.folds.append(
            Fold(
                account=account,
                calls=changed,
                events=folded.events,
                event_calls=((new_leg.n, new_root.n),),
                deliveries=(*[job.delivery for job in jobs], *skipped),
                update_id=update.id,
                call_id=update.call.id,
                release=tuple([job.delivery.id for job in released]),
            )
        )
        for new in changed:
            turn.put(account, new)
        if update.id is not None:
            turn.seen[account, update.id] = (event.id, update.call.id)
        turn.answer(Answer(event.id, update.call.id, len(jobs), late=folded.late), number, jobs, released)

    @staticmethod
    def _find(turn: Turn, account: str, update: Update) -> tuple[StoredCall | None, StoredCall | None]:
        """The leg, and the root of the conversation that it belongs to, as far as they are known."""
        leg = turn.call((account, update.call.id))
        wanted = root_wanted(leg.call if leg else None, update)
        if wanted is None:
            return leg, leg
        parent = turn.call((account, wanted))
        if parent is None or parent.call.is_root:
            return leg, parent
        return leg, turn.call((account, parent.call.root))

    def _stored(self, old: StoredCall | None, call: Call, root_n: int | None) -> StoredCall:
        """The row of a folded call: the old one's number, or a new one for a new call or a new generation."""
        if old is not None and old.call is call:
            return old
        if old is None or old.call.generation != call.generation:
            n = self._new_id()
            return StoredCall(n, n if root_n is None else root_n, call)
        return StoredCall(old.n, old.root_n, call)

    def _route(self, turn: Turn, events: Sequence[Event], root: StoredCall) -> tuple[list[Job], list[Job], list[Delivery]]:
        """Fresh deliveries, held ones that need not wait any longer, and those that a rule between endpoints keeps from being sent:
        they are in the log, so that the silence can be seen, and nobody sends them."""
        jobs: list[Job] = []
        released: list[Job] = []
        skipped: list[Delivery] = []
        for event in events:
            if event.late:
                continue
            place, now = self._routing.place(event), turn.now_ms
            matched, silenced = self._routing.matcher(event.call.account).sort_out(event, place)
            if silenced:
                skipped += self._skipped(event, root, silenced, now)
            for endpoint, name in matched:
                due = self._dialects[endpoint.dialect].hold_until_ms(event, endpoint)
                if due is not None:
                    # A source whose clock is ahead must not make anybody wait longer.
                    due = min(due, now + endpoint.hold_s * 1000)
                jobs.append(
                    Job(
                        Delivery(
                            id=self._new_id(),
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
        return jobs, released, skipped

    def _skipped(self, event: Event, root: StoredCall, silenced: Sequence[tuple[Endpoint, str]], now_ms: int) -> list[Delivery]:
        state = TRANSITIONS["pending"]["skip"]
        return [
            Delivery(
                id=self._new_id(), endpoint=endpoint.id, event=event.id, root=root.n, name=name, state=state, created_at_ms=now_ms
            )
            for endpoint, name in silenced
        ]

    def _fulfilled(self, turn: Turn, event: Event, root: StoredCall) -> list[Job]:
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
