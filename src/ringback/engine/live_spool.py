"""What switches tell, on its way to the ledger: in the order in which it was told, whether or not the store can take it now.

A producer over HTTP can be told to come again, a call cannot. So what the store does not take is kept and offered again until it is
taken; nothing overtakes it. While the store takes it, it is in memory alone, for moments. As soon as the store is away, slow or
behind, what waits is in a file too (`store.spool`), which the next process begins with if this one ends. Each update has an id:
one that was handed on just before the end changes nothing the second time. If the file cannot be written, memory is what there is,
and the operator is told.

There is an end to what is kept: from FULL on no new call is begun, and beyond MOST what is told is lost, counted, and noted.
"""

import asyncio
import contextlib
import logging
import os
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from ringback.calls.model import Update
from ringback.errors import BadSettings, OurError, StoreUnavailable
from ringback.intake.turn import Answer
from ringback.settings import Settings
from ringback.store.spool import SpoolFile, Waiting

log = logging.getLogger("ringback.live")

AT_ONCE: Final = 1_000
MOST: Final = 200_000
FULL: Final = MOST // 2
RETRY_S: Final = 0.5
SLOW_S: Final = 1.0
"""A store that has not answered for so long may as well be away."""
BEHIND: Final = 5 * AT_ONCE
"""So many waiting: the store does not keep up."""
PATIENCE_S: Final = 2.0
Told = Callable[[Answer], None]
"""Gets the ledger's answer once the update is on disk. Must not raise."""
Accept = Callable[[Sequence[tuple[str, Update]]], Awaitable[list[Answer]]]


def spool_file(settings: Settings, organization: str) -> SpoolFile:
    """Where an installation keeps what waits; of several with one folder, each has its own file. Raises BadSettings."""
    folder: Path = settings.spool or settings.data
    name = f"spool-{organization}.db"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"--spool {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadSettings(f"--spool {folder}: it cannot be written to")
    if (settings.data / name).exists() and not folder.samefile(settings.data):
        raise BadSettings(
            f"--spool {folder}: {settings.data / name} holds what an earlier server could not store: move {name}* there"
        )
    return SpoolFile(folder / name)


class _One(NamedTuple):
    """An update that waits. `place`: how many were put up to it, itself included."""

    place: int
    account: str
    update: Update
    told: Told | None


class _Marks:
    """Those who wait until a count has been reached."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def wait(self, mark: int) -> None:
        """Returns once it has."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((mark, done))
        await done

    def reached(self, count: int) -> None:
        """This is the count now."""
        for mark, done in self._waiting:
            if mark <= count and not done.done():
                done.set_result(None)
        self._waiting = [(mark, done) for mark, done in self._waiting if not done.done()]


class LiveSpool:
    """See the module. Lives on the loop; the file is written in a thread."""

    def __init__(
        self, accept: Accept, note: Callable[[str], None], file: SpoolFile | None = None, retry_s: float | None = None
    ) -> None:
        """`accept`: takes updates of accounts to the disk; raises OurError if none was taken. `note`: one line for the operator.
        `file` None: memory alone."""
        self._accept = accept
        self._note = note
        self._file = file
        self._retry_s = RETRY_S if retry_s is None else retry_s
        self._name = secrets.token_hex(12)
        self._waiting: deque[_One] = deque()
        self._more = asyncio.Event()
        self._put = self._done = self._kept = self._removed = 0
        """Places: of the last that was put, that the ledger has, that is in the file, that was taken out of it."""
        self._ledger, self._safe = _Marks(), _Marks()
        self._is_keeping = False
        self._unkept: deque[_One] = deque()
        """Those that are to be put in the file."""
        self._stir = asyncio.Event()
        self._is_broken = self._ending = False
        self._away_at: float | None = None
        """Since when the store has been away, by the loop's clock."""
        self._waited = self._noted = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.lost = 0
        """Updates that there was no room for."""

    @property
    def waiting(self) -> int:
        """Updates that are not in the ledger yet."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """May no new call be begun?"""
        return len(self._waiting) >= FULL

    async def start(self, left: Callable[[str, Update], Told | None] = lambda *_: None) -> int:
        """Begins to hand on, with what an earlier process left; how many updates that is. `left`: who gets the answer to one of
        them. Nothing is put before. Raises StoreUnavailable: the file cannot be read."""
        found = 0
        if self._file is not None:
            earlier, trouble = await asyncio.to_thread(self._file.read)
            if trouble:
                log.error("%s", trouble)
                self._note(trouble)
            if earlier:
                found = len(earlier)
                log.warning("%d updates of live calls waited in the spool", found)
                self._waiting.extend(_One(*one, left(one.account, one.update)) for one in earlier)
                self._put, self._done = earlier[-1].place, earlier[0].place - 1
                if trouble:
                    self._begin_to_keep()
                else:
                    self._is_keeping, self._kept = True, self._put
                self._more.set()
            self._tasks.append(asyncio.create_task(self._keep(self._file), name="spool"))
        self._tasks.append(asyncio.create_task(self._run(), name="live updates"))
        return found

    def put(self, account: str, update: Update, told: Told | None = None) -> None:
        """The next update. Never waits, never raises."""
        if len(self._waiting) >= MOST:
            self.lost += 1
            if self.lost == 1 or self.lost % 1_000 == 0:
                self._note(f"{self.lost} updates of live calls were lost: the store has been away for too long")
            return
        self._put += 1
        if update.id is None:
            update = replace(update, id=f"live-{self._name}-{self._put}")
        one = _One(self._put, account, update, told)
        self._waiting.append(one)
        self._more.set()
        if self._is_keeping:
            self._unkept.append(one)
            self._stir.set()
        elif len(self._waiting) > BEHIND:
            self._begin_to_keep()

    async def take(self, items: Sequence[tuple[str, Update]]) -> None:
        """The next updates of a source that can wait: returns once they are in the ledger or in the file. Waits for room, and
        leaves some for calls, which cannot."""
        for account, update in items:
            if self.is_full:
                await self._ledger.wait(self._put - FULL + 1)
            self.put(account, update)
        await self._until_safe()

    async def settled(self) -> None:
        """Returns once the ledger has all that was put before, or has refused it for good."""
        if self._done < self._put:
            await self._ledger.wait(self._put)

    async def caught_up(self) -> None:
        """The same, for those who cannot wait for long. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.settled()
        except TimeoutError:
            raise StoreUnavailable("what switches have told is not stored yet") from None

    async def settle(self, wait_s: float) -> None:
        """The same, for so long at the most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self.settled()

    async def stop(self, wait_s: float) -> None:
        """Hands on what is kept, for so long at the most, and ends. What is in the file then is the next process's."""
        await self.settle(wait_s)
        if self._waiting:
            self._begin_to_keep()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._until_safe()
            in_file = sum(one.place <= self._kept for one in self._waiting)
            log.warning("%d updates of live calls wait in the spool", in_file)
            if len(self._waiting) > in_file:
                log.error("%d updates of live calls are lost: neither store nor spool can take them", len(self._waiting) - in_file)
        self._ending = True
        self._stir.set()
        if self._tasks:
            self._tasks[-1].cancel()
            await asyncio.wait(self._tasks, timeout=wait_s)
        for task in self._tasks:
            task.cancel()
        if self._file is not None and self._tasks:  # one that was never read stays as it is
            with contextlib.suppress(StoreUnavailable):
                await asyncio.to_thread(self._file.close if self._waiting else self._file.drop)

    # To the ledger
    async def _run(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                batch = list(islice(self._waiting, AT_ONCE))
                slow = asyncio.get_running_loop().call_later(SLOW_S, self._begin_to_keep)
                try:
                    answers = await self._offer(batch)
                finally:
                    slow.cancel()
                self._take_off(batch, answers)

    async def _offer(self, batch: Sequence[_One]) -> list[Answer]:
        """What the ledger says, once it takes them."""
        while True:
            try:
                answers = await self._accept([(one.account, one.update) for one in batch])
            except StoreUnavailable as error:
                self._is_away(error)
            except OurError:
                return [await self._alone(one) for one in batch]
            else:
                if not any(answer.again for answer in answers):
                    return answers
                # Some were taken: they have ids, and are known the next time.
                self._is_away("it took some of them")
            await asyncio.sleep(self._retry_s)

    async def _alone(self, one: _One) -> Answer:
        """One update of a batch that failed as a whole, so that one bad one does not take the others with it."""
        while True:
            try:
                (answer,) = await self._accept([(one.account, one.update)])
            except StoreUnavailable as error:
                self._is_away(error)
            except OurError as error:
                return Answer(0, one.update.call.id, error=str(error))
            else:
                if not answer.again:
                    return answer
            await asyncio.sleep(self._retry_s)

    def _is_away(self, why: object) -> None:
        if self._away_at is None:
            self._away_at = asyncio.get_running_loop().time()
        log.warning("%d updates of live calls wait: %s", len(self._waiting), why)
        self._begin_to_keep()

    def _take_off(self, batch: Sequence[_One], answers: Sequence[Answer]) -> None:
        if self._away_at is not None:
            self._waited += len(batch)
        for one, answer in zip(batch, answers, strict=True):
            self._waiting.popleft()
            self._done = one.place
            if answer.error:
                log.error("call %s, %s: %s", one.update.call.id, one.update.type, answer.error)
            elif one.told is not None:
                one.told(answer)
        self._reached()
        if self._is_keeping:
            self._stir.set()
        if self._away_at is not None and not self._waiting:
            self._is_back(asyncio.get_running_loop().time() - self._away_at)

    def _is_back(self, seconds: float) -> None:
        """Nothing could be noted while the store was away."""
        text = f"the store took no updates of live calls for {seconds:.1f} s: {self._waited} of them waited, and are stored now"
        log.warning("%s", text)
        wrong = "; in memory alone, for the spool cannot be written" if self._is_broken else ""
        if self.lost > self._noted:
            wrong += f"; {self.lost - self._noted} were lost, for there was no room"
        if wrong:
            self._note(text + wrong)
        self._away_at, self._waited, self._noted = None, 0, self.lost

    def _reached(self) -> None:
        self._ledger.reached(self._done)
        self._safe.reached(max(self._done, self._kept))

    async def _until_safe(self) -> None:
        if max(self._done, self._kept) < self._put:
            await self._safe.wait(self._put)

    # To the file
    def _begin_to_keep(self) -> None:
        if self._file is not None and not self._is_keeping:
            self._is_keeping = True
            self._unkept = deque(self._waiting)
            self._stir.set()

    async def _keep(self, file: SpoolFile) -> None:
        """Until the end: the file has what waits, and nothing else."""
        while not self._ending:
            await self._stir.wait()
            self._stir.clear()
            try:
                await self._keep_up(file)
                self._is_broken = False
            except StoreUnavailable:
                if not self._is_broken:
                    log.error("updates of live calls are kept in memory alone: the spool %s cannot be written", file.path)
                self._is_broken = self._is_keeping = True
                self._unkept, self._kept = deque(self._waiting), self._done
                await asyncio.sleep(self._retry_s)
                self._stir.set()

    async def _keep_up(self, file: SpoolFile) -> None:
        """Raises StoreUnavailable: who knows what is in the file."""
        while self._unkept:
            group = [self._unkept.popleft() for _ in range(min(AT_ONCE, len(self._unkept)))]
            rows = [Waiting(one.place, one.account, one.update) for one in group if one.place > self._done]
            if rows:
                await asyncio.to_thread(file.append, rows)
                self._kept = rows[-1].place
                self._reached()
        if self._waiting:
            done = self._done
            if self._removed < done:
                await asyncio.to_thread(file.remove, done)
                self._removed = done
        elif self._is_keeping:
            # Whatever comes while the file goes is not in it: it is made again for that.
            self._is_keeping = False
            await asyncio.to_thread(file.drop)
