"""Switches as sources: their updates find their account and go the way of every other update."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ringback.calls.model import CallRef, Update
from ringback.errors import BadSettings
from ringback.ids import now_ms
from ringback.settings import Settings
from ringback.switch.freeswitch.cdr import read_record, updates_of_record
from ringback.switch.freeswitch.client import FreeswitchSource, Health
from ringback.switch.freeswitch.link import Connection, read_address
from ringback.switch.freeswitch.mapping import EventMapper, Reported
from ringback.switch.freeswitch.settings import FreeswitchSettings, read_freeswitch_settings

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.sources")

FREESWITCH = "freeswitch"
_MOST_RESUMED = 100_000


def freeswitch_settings(settings: Settings) -> FreeswitchSettings:
    """What the operator says of the switch; without a file, what fits its vanilla configuration. Raises BadSettings."""
    if settings.freeswitch_config is None:
        return FreeswitchSettings()
    try:
        return read_freeswitch_settings(settings.freeswitch_config.read_bytes())
    except OSError as error:
        raise BadSettings(f"freeswitch_config: {error.strerror}") from None


class Sources:
    """The switches of an installation: so far one FreeSWITCH, live and by its call records."""

    def __init__(self, engine: "Engine") -> None:
        """Raises BadSettings."""
        self._engine = engine
        settings = engine.settings
        self.freeswitch_settings = freeswitch_settings(settings)
        self._mapper = EventMapper(self.freeswitch_settings, owner=engine.book.owner)
        self._freeswitch: FreeswitchSource | None = None
        self._task: asyncio.Task[None] | None = None
        if settings.freeswitch is not None:
            host, port = read_address(settings.freeswitch)
            password = {"password": settings.freeswitch_password} if settings.freeswitch_password else {}
            connection = msgspec.convert({"host": host, "port": port, **password}, Connection)
            self._freeswitch = FreeswitchSource(connection, self._mapper, self._take, on_gap=self._on_gap)

    async def start(self) -> None:
        """Remembers the switch's calls that were under way, then connects."""
        if self._freeswitch is None:
            return
        await self._resume()
        self._task = asyncio.create_task(self._freeswitch.run(), name="freeswitch")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Hands on what was read, and disconnects."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A source runs until it is stopped: one that ends by itself has met a fault of ours, which nobody may overlook."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("the source has ended: calls of the switch are not taken any more", exc_info=error)
            self._engine.note("gap", "freeswitch: the source has ended by a fault of ours; restart the server")

    def health(self) -> Health | None:
        """How the live source is; None: there is none."""
        if self._freeswitch is None:
            return None
        health = self._freeswitch.health()
        ended = self._task is not None and self._task.done()
        return msgspec.structs.replace(health, state="ended", error="a fault of ours: see the log") if ended else health

    async def take_record(self, content_type: str, body: bytes) -> int:
        """A mod_json_cdr document: its updates are taken like any other; how many. Raises InvalidInput, StoreUnavailable."""
        reported = updates_of_record(read_record(content_type, body), self.freeswitch_settings, owner=self._engine.book.owner)
        # A record tells the end: what waits of the call would come too late behind it.
        await self._engine.spool.caught_up()
        items = self._placed(reported)
        for answer in await self._engine.accept(items) if items else ():
            if answer.error:
                log.error("call %s: %s", answer.call_id, answer.error)
        return len(reported)

    async def _take(self, reported: Sequence[Reported]) -> None:
        await self._engine.spool.take(self._placed(reported))

    def _placed(self, reported: Sequence[Reported]) -> list[tuple[str, Update]]:
        """With their accounts; what fits none is counted and listed."""
        items: list[tuple[str, Update]] = []
        for named, update in reported:
            if named is None or not self._engine.book.knows(named):
                self._engine.on_stray(update)
            else:
                items.append((named, msgspec.structs.replace(update, source=FREESWITCH)))
        return items

    def _on_gap(self, text: str) -> None:
        log.warning("freeswitch: %s", text)
        self._engine.note("gap", f"freeswitch: {text}")

    async def _resume(self) -> None:
        after = count = 0
        while count < _MOST_RESUMED:
            calls = await self._engine.in_thread(lambda after=after: self._engine.store.open_calls(now_ms(), after, 1000))  # type: ignore[misc]
            if not calls:
                return
            for stored in calls:
                call = stored.call
                if call.source == FREESWITCH:
                    parent = None if call.is_root else call.root
                    ref = CallRef(id=call.id, parent=parent, direction=call.direction, from_=call.from_, to=call.to)
                    self._mapper.resume(call.account, ref, answered=call.answered_at_ms is not None, last_ms=call.updated_at_ms)
            after = calls[-1].n
            count += len(calls)
