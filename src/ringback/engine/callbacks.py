"""Informational webhooks that a document or a REST call asks for by a URL: a call's status callback, a recording's.

They are ordinary deliveries of the ledger's events, in Voxtelesys' form: durable, in order, retried, in the log, and to be sent
again like any other.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidInput, OurError, StoreUnavailable
from ringback.ids import time_of
from ringback.voxml.document import RecordingEvent
from ringback.webhooks.model import Delivery, Method
from ringback.webhooks.records import Job

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.callbacks")

AGAIN_S: Final = 1.0
"""The pause after the store could not answer."""


def recording_names(events: Iterable[RecordingEvent]) -> frozenset[str]:
    """The dialect's names of the states of a recording that a document asks for."""
    return frozenset(f"recording.{event}" for event in events)


class Callbacks:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.following = 0
        """How many are on their way to the store."""

    async def tell(self, account: str, event_id: int, url: str, method: Method, wanted: Collection[str]) -> int | None:
        """Has an event of the account sent to a URL, if its name is among those wanted (`completed`, `busy`,
        `recording.completed`: the names of the dialect's events); the delivery's id, once it is on disk.

        None: it has no name there, or another, or it is late. Raises InvalidInput (credentials that cannot be sent),
        StoreUnavailable, OurError.
        """
        engine = self._engine
        store = engine.store
        event, root = await engine.in_thread(lambda: (store.event(account, event_id), store.root_of_event(event_id)))
        if event is None or root is None:
            return None
        name = engine.dialects["voxtelesys"].event_name(event, engine.book.place(event))
        if name is None or name not in wanted:
            return None
        endpoint = await engine.hidden.find(account, url, method)
        # From here to the hand-over nothing waits: within a lane, ids grow in the order of commits.
        number = engine.writer.new_id()
        delivery = Delivery(id=number, endpoint=endpoint.id, event=event_id, root=root, name=name, created_at_ms=time_of(number))
        (why,) = await engine.make(account, [Job(delivery, event)])
        if why:
            raise OurError(f"it could not be stored: {why}")
        return number

    def follow(self, account: str, event_id: int, url: str, method: Method, wanted: Collection[str]) -> None:
        """`tell`, beside whatever else is done, as often as the store needs."""
        self.following += 1
        self._engine.spawn(self._insist(account, event_id, url, method, wanted))

    async def _insist(self, account: str, event_id: int, url: str, method: Method, wanted: Collection[str]) -> None:
        try:
            while not await self._is_told(account, event_id, url, method, wanted):  # noqa: ASYNC110 - nobody tells when a store is back
                await asyncio.sleep(AGAIN_S)
        finally:
            self.following -= 1

    async def _is_told(self, account: str, event_id: int, url: str, method: Method, wanted: Collection[str]) -> bool:
        """Is it told, or never will be?"""
        try:
            await self.tell(account, event_id, url, method, wanted)
        except InvalidInput as error:
            log.warning("a callback of account %s cannot be sent: %s", account, error)
        except StoreUnavailable as error:
            log.warning("%s", error)
            return False
        except OurError as error:
            log.error("a callback of account %s cannot be sent: %s", account, error)
        return True
