"""Erasures at work: each job takes one conversation after another out of everything that is kept, a few rows at a time.

Of one conversation: nothing more of it goes out, and what is on the wire ends first; then attempts and files go, and at last the
rows, in one transaction with the job's own. So a kill leaves rows that are looked at again, never bytes that nobody finds. A
conversation that has not ended is taken when it has. At the end the WAL is emptied, and the job forgets what it was about.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ringback.calls.masking import masked
from ringback.calls.numbers import classify
from ringback.errors import Conflict, NotFound, OurError
from ringback.ids import now_ms
from ringback.store.keeping import Counts, Erasure, Gone

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.erasures")

AT_ONCE: Final = 25
"""Conversations in one transaction: some milliseconds of the writer's time."""
PAUSE_S: Final = 0.05
"""Between two transactions: commits and readers pass."""
LOOK_S: Final = 2.0
"""Between two looks at a conversation that has not ended."""
AGAIN_S: Final = 1.0
FLIGHT_S: Final = 0.05
EVENTS: Final = 2_000
"""Events that are looked through at once for a number that is no leg's."""
LEAST_DIGITS: Final = 7
"""A shorter number is looked for as from and to alone: its digits stand in too much else."""
MOST_RUNNING: Final = 10
_MOST_MENTIONS: Final = 500
"""Calls whose ids are taken out of everything else at once."""


def digits_of(number: str, country: str | None) -> str:
    """The digits that tell a number wherever it stands; empty if they are too few for that."""
    known = classify(number, country).e164 or number
    digits = "".join(char for char in known if char.isascii() and char.isdigit())
    return digits if len(digits) >= LEAST_DIGITS else ""


def forms_of(number: str, country: str | None) -> list[str]:
    """A number as a source may have written it."""
    known = classify(number, country).e164
    forms = {number, *((known, known.removeprefix("+")) if known else ())}
    return sorted(forms)


class Erasures:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._calls: dict[int, list[str]] = {}
        """Ids of calls that are gone, by job, until they are gone from everything else too."""

    async def start(self) -> None:
        """Goes on with what was running. Raises StoreUnavailable."""
        for job in await self._engine.in_thread(self._engine.store.running_erasures):
            self._begin(job)

    async def stop(self) -> None:
        """Stops where each job stands; the next start goes on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def make(self, account: str, number: str = "", call: str = "") -> Erasure:
        """A job that begins at once: of a call, nothing more goes out from here on. Raises Conflict (a number of the account's own,
        a call that has not ended, too many at work), NotFound (no such call), StoreUnavailable."""
        engine = self._engine
        # What came into the store afterwards, nobody would look for.
        await engine.spool.caught_up()
        roots: list[int] = []
        if sum(1 for job in await engine.in_thread(engine.store.running_erasures) if job.account == account) >= MOST_RUNNING:
            raise Conflict(f"an account may have {MOST_RUNNING} erasures at work; wait for one")
        if number:
            forms = forms_of(number, self._country(account))
            if any(own.number in forms for own in engine.book.numbers(account)):
                raise Conflict("this is a number of the account itself: delete it from the numbers first")
        else:
            roots = await self._ended(account, call)
        bound = engine.writer.new_id()
        shown = masked(number) if number else ""
        job = Erasure(id=engine.writer.new_id(), account=account, number=number, call=call, shown=shown, bound=bound)
        await engine.in_thread(lambda: engine.store.put_erasure(job))
        for root in roots:
            engine.dispatcher.erase(root)
        self._begin(job)
        return job

    # Inside
    def _country(self, account: str) -> str | None:
        found = self._engine.book.accounts.get(account)
        return found.country if found else None

    async def _ended(self, account: str, call: str) -> list[int]:
        """The conversations of a call, all of them over. Raises Conflict, NotFound."""
        store = self._engine.store
        roots = await self._engine.in_thread(lambda: store.conversations_of_call(account, call))
        if not roots:
            raise NotFound("no such call")
        for root in roots:
            if await self._engine.in_thread(lambda root=root: store.conversation(root)) is None:  # type: ignore[misc]
                raise Conflict("the call has not ended: ask again when it has")
        return list(roots)

    def _begin(self, job: Erasure) -> None:
        self._calls[job.id] = [job.call] if job.call else []
        self._tasks[job.id] = self._engine.loop.create_task(self._work(job))

    async def _work(self, job: Erasure) -> None:
        try:
            while job.state != "done":
                try:
                    job = await self._round(job)
                except OurError as error:
                    log.warning("erasure: %s", error)
                    job = await self._failed(job)
                    await asyncio.sleep(AGAIN_S)
        finally:
            del self._tasks[job.id], self._calls[job.id]

    async def _failed(self, job: Erasure) -> Erasure:
        """As far as it came, said to whoever asks; tried again."""
        store = self._engine.store
        with suppress(OurError):
            kept = await self._engine.in_thread(lambda: store.erasure(job.account, job.id)) or job
            failed = replace(kept, state="failed", error="the store could not answer; it is tried again")
            await self._engine.in_thread(lambda: store.put_erasure(failed))
            return failed
        return job

    async def _round(self, job: Erasure) -> Erasure:
        """Takes all that is over, waits for what is not, and ends the job. Raises OurError."""
        waiting = await self._find(job)
        while waiting:
            left: list[int] = []
            for start in range(0, len(waiting), AT_ONCE):
                job, not_over = await self._take(job, waiting[start : start + AT_ONCE])
                left += not_over
                await asyncio.sleep(PAUSE_S)
            if left:
                if job.state != "waiting":
                    job = replace(job, state="waiting", error="")
                    await self._put(job)
                await asyncio.sleep(LOOK_S)
            waiting = left
        return await self._end(job)

    async def _find(self, job: Erasure) -> list[int]:
        """The conversations that it is about."""
        engine, store = self._engine, self._engine.store
        if not job.number and not job.call:
            return []
        if job.call:
            return await engine.in_thread(lambda: store.conversations_of_call(job.account, job.call))
        country = self._country(job.account)
        forms, digits = forms_of(job.number, country), digits_of(job.number, country)
        roots = set(await engine.in_thread(lambda: store.conversations_of_number(job.account, forms, job.bound)))
        after: int | None = 0 if digits else None
        while after is not None:
            start = after
            found, after = await engine.in_thread(
                lambda start=start: store.conversations_telling(job.account, digits, start, job.bound, EVENTS)  # type: ignore[misc]
            )
            roots.update(found)
            await asyncio.sleep(0)
        return sorted(roots)

    async def _take(self, job: Erasure, roots: Sequence[int]) -> tuple[Erasure, list[int]]:
        """Takes some conversations. Returns those that have not ended, or to which something came meanwhile. Raises OurError."""
        engine, store, account = self._engine, self._engine.store, job.account
        seen = await engine.in_thread(lambda: {root: store.conversation(root) for root in roots})
        left = [root for root, gone in seen.items() if gone is None]
        over = [gone for gone in seen.values() if gone is not None and gone.calls]
        if not over:
            return job, left
        for gone in over:
            engine.dispatcher.erase(gone.root)
        await self._landed(over)
        deliveries = [number for gone in over for number, _ in gone.deliveries]
        attempts = await engine.in_thread(lambda: store.erase_attempts(deliveries))
        recordings, transcripts = await engine.in_thread(lambda: self._forget_files(account, over))
        counts = job.counts.plus(Counts(attempts=attempts, recordings=recordings, transcriptions=transcripts))
        after = replace(job, counts=counts, state="running", error="")
        counts, moved = await engine.in_thread(lambda: store.erase(account, over, after))
        after = replace(after, counts=counts)
        mentions = self._calls[job.id]
        mentions += (name for gone in over if gone.root not in moved for name in gone.call_ids)
        if len(mentions) >= _MOST_MENTIONS:
            after = await self._mentions(after)
        return after, [*left, *moved]

    async def _landed(self, over: Sequence[Gone]) -> None:
        """What is on the wire has ended, and its attempt is in the log: erasures are rare, ends of attempts are not."""
        engine, deliveries = self._engine, [delivery for gone in over for delivery in gone.deliveries]
        while any(number in engine.dispatcher.sending(endpoint) for number, endpoint in deliveries):  # noqa: ASYNC110
            await asyncio.sleep(FLIGHT_S)
        await engine.accept([])
        while any(engine.writer.unlogged(number) for number, _ in deliveries):  # noqa: ASYNC110
            await asyncio.sleep(FLIGHT_S)

    def _forget_files(self, account: str, over: Sequence[Gone]) -> tuple[int, int]:
        """Recordings and transcripts go; how many of each."""
        recordings = transcripts = 0
        for call in (call for gone in over for call in gone.calls):
            recordings += self._engine.recordings.has(account, call, "recording")
            transcripts += self._engine.recordings.has(account, call, "transcription")
            self._engine.recordings.forget(account, call)
        return recordings, transcripts

    async def _mentions(self, job: Erasure) -> Erasure:
        engine, calls = self._engine, self._calls[job.id]
        digits = digits_of(job.number, self._country(job.account)) if job.number else ""
        other = await engine.in_thread(lambda: engine.store.erase_mentions(job.account, digits, calls))
        calls.clear()
        return replace(job, counts=job.counts.plus(Counts(other=other)))

    async def _end(self, job: Erasure) -> Erasure:
        """Nothing of it stays, not even in the job. Raises OurError."""
        engine, store = self._engine, self._engine.store
        digits = digits_of(job.number, self._country(job.account)) if job.number else ""
        job = await self._mentions(job)
        await engine.in_thread(store.drop_copy)
        # A kill from here on leaves a job that has nothing left to find, and ends at the next start.
        job = replace(job, number="", call="", state="running", error="")
        await self._put(job)
        await self._empty()
        if digits:
            left = await engine.in_thread(lambda: store.remnants(digits))
            if left and await engine.in_thread(store.rewrite):
                await self._empty()
                left = await engine.in_thread(lambda: store.remnants(digits))
            job = replace(job, remnants=left)
        job = replace(job, state="done", finished_at_ms=now_ms())
        await self._put(job)
        log.info("erasure %s: %s", job.id, job.counts)
        return job

    async def _empty(self) -> None:
        while not await self._engine.in_thread(self._engine.store.empty_wals):  # noqa: ASYNC110 - a reader's end is told to nobody
            await asyncio.sleep(AGAIN_S)

    async def _put(self, job: Erasure) -> None:
        await self._engine.in_thread(lambda: self._engine.store.put_erasure(job))
