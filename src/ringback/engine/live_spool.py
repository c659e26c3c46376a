"""What live switches tell, on its way to the ledger: in the order in which it was told, whether or not the store can take it now.

A producer over HTTP can be told to come again, a call cannot. So what the store does not take is kept here, in memory, and offered
again until it is taken; nothing overtakes it. There is an end to what is kept: from FULL on no new call is begun, and beyond MOST
what is told is lost, counted, and noted for the operator. A process that ends while the store is away loses what is kept.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ringback.calls.model import Update
from ringback.errors import OurError, StoreUnavailable
from ringback.intake.turn import Answer

log = logging.getLogger("ringback.live")

AT_ONCE: Final = 1_000
MOST: Final = 200_000
FULL: Final = MOST // 2
RETRY_S: Final = 0.5
Told = Callable[[Answer], None]
"""Gets the ledger's answer once the update is on disk. Must not raise."""
Accept = Callable[[Sequence[tuple[str, Update]]], Awaitable[list[Answer]]]


class LiveSpool:
    """See the module. Lives on the loop."""

    def __init__(self, accept: Accept, note: Callable[[str], None], retry_s: float = RETRY_S) -> None:
        """`accept`: takes updates of accounts to the disk; raises OurError if none was taken. `note`: one line for the operator."""
        self._accept = accept
        self._note = note
        self._retry_s = retry_s
        self._waiting: deque[tuple[str, Update, Told | None]] = deque()
        self._more = asyncio.Event()
        self._settled: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._put = 0
        self._done = 0
        self.lost = 0
        """Updates that there was no room for."""

    @property
    def waiting(self) -> int:
        """Updates that are not on disk yet."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """May no new call be begun?"""
        return len(self._waiting) >= FULL

    def start(self) -> None:
        """Begins to hand on."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="live updates")

    def put(self, account: str, update: Update, told: Told | None = None) -> None:
        """The next update. Never waits, never raises."""
        if len(self._waiting) >= MOST:
            self.lost += 1
            if self.lost == 1 or self.lost % 1_000 == 0:
                self._note(f"{self.lost} updates of live calls were lost: the store has been away for too long")
            return
        self._put += 1
        self._waiting.append((account, update, told))
        self._more.set()

    async def settled(self) -> None:
        """Returns once all that was put before is on disk, or was refused for good."""
        if self._done < self._put:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._settled.append((self._put, done))
            await done

    async def stop(self, wait_s: float) -> None:
        """Hands on what is kept, for so long at the most, and ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self.settled()
        if self._waiting:
            log.error("%d updates of live calls are lost: the store cannot take them", len(self._waiting))
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                batch = [self._waiting[place] for place in range(min(AT_ONCE, len(self._waiting)))]
                try:
                    answers = await self._accept([(account, update) for account, update, _ in batch])
                except StoreUnavailable as error:
                    log.warning("%d updates of live calls wait: %s", len(self._waiting), error)
                    await asyncio.sleep(self._retry_s)
                    continue
                except OurError:
                    answers = [await self._alone(account, update) for account, update, _ in batch]
                self._take_off(batch, answers)

    async def _alone(self, account: str, update: Update) -> Answer:
        """One update of a batch that failed as a whole, so that one bad one does not take the others with it."""
        while True:
            try:
                (answer,) = await self._accept([(account, update)])
            except StoreUnavailable:
                await asyncio.sleep(self._retry_s)
            except OurError as error:
                return Answer(0, update.call.id, error=str(error))
            else:
                return answer

    def _take_off(self, batch: Sequence[tuple[str, Update, Told | None]], answers: Sequence[Answer]) -> None:
        for (_, update, told), answer in zip(batch, answers, strict=True):
            self._waiting.popleft()
            self._done += 1
            if answer.error:
                log.error("call %s, %s: %s", update.call.id, update.type, answer.error)
            elif told is not None:
                told(answer)
        while self._settled and self._settled[0][0] <= self._done:
            done = self._settled.popleft()[1]
            if not done.done():
                done.set_result(None)
