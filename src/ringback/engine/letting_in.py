"""How switches are let in at a start: what an earlier process could not hand to the ledger comes first, for all that they tell from
then on is newer. A server whose store takes nothing starts all the same, and lets them in when it does."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from ringback.calls.model import FINAL, Update
from ringback.engine.live_spool import LiveSpool, Told, spool_file
from ringback.errors import StoreUnavailable
from ringback.intake.turn import Answer

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback")

AGAIN_S: Final = 1.0


class Switches:
    """The sources of calls, live ones and those that others carry, and the spool that they share. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        """Raises BadSettings."""
        self._engine = engine
        file = spool_file(engine.settings, engine.store.organization_id())
        self.spool = LiveSpool(engine.accept, partial(engine.note, "gap"), file)
        self._left: list[tuple[str, Answer]] = []
        """Ends that an earlier process left in the spool, and that nobody was told of yet."""
        self._beginning: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Lets them in; if the store takes no updates, as soon as it does. Raises StoreUnavailable (the spool cannot be read), and
        what their own starts raise."""
        await self.spool.start(self._heir)
        away = asyncio.Event()
        waiting = asyncio.create_task(away.wait())
        self._beginning = asyncio.create_task(self._let_in(away), name="switches")
        await asyncio.wait({self._beginning, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._beginning.done():
            self._beginning.result()
        else:
            self._beginning.add_done_callback(self._begun)

    async def stop_beginning(self) -> None:
        """Who was not let in by now is not any more."""
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.wait({self._beginning})

    async def _let_in(self, away: asyncio.Event) -> None:
        for begin in (self.spool.caught_up, self._tell_left, self._engine.sources.start, self._engine.live_calls.start):
            while True:
                try:
                    await begin()
                except StoreUnavailable as error:
                    log.warning("switches are let in once the store takes updates: %s", error)
                    away.set()
                    await asyncio.sleep(AGAIN_S)
                else:
                    break

    def _begun(self, task: "asyncio.Task[None]") -> None:
        """Nobody waits any more for what became of it."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("switches could not be let in: no calls are taken", exc_info=error)
            self._engine.note("gap", f"switches could not be let in, restart the server: {error}")

    def _heir(self, account: str, update: Update) -> Told | None:
        """Who hears what became of an update that an earlier process left: of an end, whoever asked for the call."""
        if update.type.removeprefix("call.") not in FINAL:
            return None
        return lambda answer: self._left.append((account, answer))

    async def _tell_left(self) -> None:
        """Raises StoreUnavailable."""
        while self._left:
            await self._engine.live_calls.tell_lost(*self._left[0])
            del self._left[0]
