"""Instruction requests in the log: each URL that was asked is a delivery that has ended, of the last event of its leg, with its
attempts as they were.

They are written a moment later, off the way of the call: what the call's conversation told before is on disk by then, so the event
is there; where that takes longer, it is waited for. While the store is away they wait in memory, MOST_WAITING of them.
"""

import asyncio
import logging
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ringback.errors import InvalidInput, OurError
from ringback.ids import now_ms, time_of
from ringback.live.asking import Asked
from ringback.webhooks.model import Delivery
from ringback.webhooks.records import Attempt, Result

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.asked")

MOST_WAITING: Final = 10_000
AT_ONCE: Final = 200
"""Written in one commit."""
AGAIN_S: Final = 1.0
CALL_S: Final = 300.0
"""How long a call that the store does not have is waited for: live calls are spooled while the store is away."""
CLOSE_S: Final = 2.0
"""How long the end waits for what is not written yet."""

_Leg = tuple[str, str]
_Waiting = tuple[float, Asked]
"""Until when (the loop's time) its call is waited for, and what was asked."""
_Ended = tuple[_Waiting, Result, tuple[Attempt, ...]]


class AskedLog:
    """See the module; the `AskLog` of a server's asker. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._waiting: deque[_Waiting] = deque(maxlen=MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    def asked(self, told: Asked) -> None:
        """Takes what was asked."""
        self._waiting.append((self._engine.loop.time() + CALL_S, told))
        if self._task is None:
            self._task = self._engine.loop.create_task(self._write_all())

    async def close(self) -> None:
        """Writes what is left, as far as that can be done now."""
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=CLOSE_S)
            for task in late:
                task.cancel()
                await asyncio.wait([task])

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                try:
                    again = await self._write(batch)
                except OurError as error:
                    log.warning("%s instruction requests are not in the log yet: %s", len(batch), error)
                    again = batch
                except Exception:  # whatever is wrong with some, others are to come
                    log.exception("%s instruction requests are not in the log", len(batch))
                    continue
                self._waiting.extend(again)
                if len(again) == len(batch):
                    await asyncio.sleep(AGAIN_S)
        finally:
            self._task = None

    async def _write(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Those that are to be written again: their call is not there yet, or the store was away when their turn came. Raises
        StoreUnavailable, OurError: then none was written."""
        engine = self._engine
        await engine.accept([])  # behind the updates that the conversations have told
        legs = {(told.account, told.leg) for _, told in batch}
        places = await engine.in_thread(lambda: {leg: self._place(leg) for leg in legs})
        again: list[_Waiting] = []
        ended: dict[str, list[_Ended]] = defaultdict(list)
        for until, told in batch:
            place = places[told.account, told.leg]
            if place is not None:
                endpoint = await self._endpoint(told)
                ended[told.account].append(((until, told), *self._ended(told, endpoint, *place)))
            elif engine.loop.time() < until:
                again.append((until, told))
            else:
                log.warning("a request about call %s is not in the log: the call is not there", told.leg)
        for account, found in ended.items():
            try:
                whys = await engine.write_down(account, [one[1] for one in found], [attempt for one in found for attempt in one[2]])
            except OurError as error:
                log.warning("%s instruction requests are not in the log yet: %s", len(found), error)
                again += [one[0] for one in found]
                continue
            for why in filter(None, whys):
                log.warning("an instruction request is not in the log: %s", why)
        return again

    async def _endpoint(self, told: Asked) -> int:
        """Whose request it was: one endpoint for all queries. Raises StoreUnavailable."""
        url = told.url.partition("?")[0]
        try:
            return (await self._engine.hidden.find(told.account, url, told.method)).id
        except InvalidInput:  # it could not be asked either, and the log says so
            return (await self._engine.hidden.find(told.account, "", told.method)).id

    def _place(self, leg: _Leg) -> tuple[int, int] | None:
        """The last event of a leg, and its conversation's number. Reads the store."""
        stored = self._engine.store.call(*leg)
        if stored is None:
            return None
        events = self._engine.store.events(stored.root_n)
        event = next((event for event in reversed(events) if event.call.id == stored.call.id and not event.late), None)
        return None if event is None else (event.id, stored.root_n)

    def _ended(self, told: Asked, endpoint: int, event: int, root: int) -> tuple[Result, tuple[Attempt, ...]]:
        number = self._engine.writer.new_id()
        delivery = Delivery(
            id=number,
            endpoint=endpoint,
            event=event,
            root=root,
            name=told.name,
            kind="instruction",
            state=told.state,
            attempts=len(told.attempts),
            created_at_ms=time_of(number),
        )
        last = told.attempts[-1].outcome
        attempts = tuple(replace(attempt, delivery=number) for attempt in told.attempts)
        return Result(delivery, now_ms(), last.status, last.error), attempts
