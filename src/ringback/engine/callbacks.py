"""Informational webhooks that a document or a REST call asks for by a URL: a call's status callback, a recording's.

They are ordinary deliveries of the ledger's events, in Voxtelesys' form: durable, in order, retried, in the log, and to be sent
again like any other. They are made in the order in which they are asked for, many in one commit.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ringback.calls.model import Event
from ringback.errors import InvalidInput, OurError
from ringback.ids import time_of
from ringback.voxml.document import RecordingEvent
from ringback.webhooks.model import Delivery, Method
from ringback.webhooks.records import Job

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.callbacks")

AGAIN_S: Final = 1.0
"""The pause after the store could not answer."""
AT_ONCE: Final = 200
"""Made in one commit of an account."""


def recording_names(events: Iterable[RecordingEvent]) -> frozenset[str]:
    """The dialect's names of the states of a recording that a document asks for."""
    return frozenset(f"recording.{event}" for event in events)


class _Wish(Struct, frozen=True):
    account: str
    event: int
    url: str
    method: Method
    wanted: Collection[str]


class _Made(Struct, frozen=True):
    """A wish that comes true: which endpoint gets which event of which conversation, and its name."""

    wish: _Wish
    endpoint: int
    event: Event
    root: int
    name: str


class Callbacks:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._waiting: deque[_Wish] = deque()
        self._at_work = 0

    @property
    def following(self) -> int:
        """How many are on their way to the store."""
        return len(self._waiting) + self._at_work

    def follow(self, account: str, event: int, url: str, method: Method, wanted: Collection[str]) -> None:
        """Has an event of the account, which is on disk, sent to a URL, if its name is among those wanted (`completed`, `busy`,
        `recording.completed`: the names of the dialect's events)."""
        idle = not self.following
        self._waiting.append(_Wish(account, event, url, method, wanted))
        if idle:
            self._engine.spawn(self._make_all())

    async def _make_all(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            self._at_work = len(batch)
            again: list[_Wish] = []
            try:
                again = await self._make(batch)
            except OurError as error:
                log.warning("%s callbacks are not made yet: %s", len(batch), error)
                again = batch
            except Exception:  # whatever is wrong with some, others are to come
                log.exception("%s callbacks are lost", len(batch))
            self._at_work = 0
            if again:
                self._waiting.extendleft(reversed(again))
                await asyncio.sleep(AGAIN_S)

    async def _make(self, batch: list[_Wish]) -> list[_Wish]:
        """Those that are to be made again, since the store was away. Raises StoreUnavailable, OurError: then none was made."""
        engine = self._engine
        store = engine.store
        events = await engine.in_thread(
            lambda: [(store.event(one.account, one.event), store.root_of_event(one.event)) for one in batch]
        )
        made: dict[str, list[_Made]] = defaultdict(list)
        for wish, (event, root) in zip(batch, events, strict=True):
            if event is not None and root is not None and (name := self._name(event)) in wish.wanted:
                endpoint = await self._endpoint(wish)
                if endpoint is not None:
                    made[wish.account].append(_Made(wish, endpoint, event, root, name))
        again: list[_Wish] = []
        for account, ones in made.items():
            try:
                # Ids are made and handed over without a wait between: within a lane they grow in the order of commits.
                whys = await engine.make(account, [self._job(one) for one in ones])
            except OurError as error:
                log.warning("%s callbacks are not made yet: %s", len(ones), error)
                again += [one.wish for one in ones]
                continue
            for why in filter(None, whys):
                log.error("a callback of account %s could not be stored: %s", account, why)
        return again

    def _name(self, event: Event) -> str:
        """The dialect's, or nothing."""
        return self._engine.dialects["voxtelesys"].event_name(event, self._engine.book.place(event)) or ""

    async def _endpoint(self, wish: _Wish) -> int | None:
        """None: nothing can be sent there. Raises StoreUnavailable."""
        try:
            return (await self._engine.hidden.find(wish.account, wish.url, wish.method)).id
        except InvalidInput as error:
            log.warning("a callback of account %s cannot be sent: %s", wish.account, error)
            return None

    def _job(self, one: _Made) -> Job:
        number = self._engine.writer.new_id()
        delivery = Delivery(
            id=number, endpoint=one.endpoint, event=one.event.id, root=one.root, name=one.name, created_at_ms=time_of(number)
        )
        return Job(delivery, one.event)
