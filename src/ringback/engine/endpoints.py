"""Endpoints as they are now, and how they fare.

Whatever changes an endpoint, a person or what its receiver answers, goes through here: one change at a time, each on what the one
before left, in the store first and then in memory. Health changes with every failed attempt, so it is written a moment later, all
that changed together; a kill forgets the last second of it. A change of the endpoint is written together with its health.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ringback.errors import NotFound, StoreUnavailable
from ringback.ids import now_ms, to_text
from ringback.webhooks.health import HEALTHY, Health, switched_off
from ringback.webhooks.model import Endpoint

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.endpoints")

KEEP_AFTER_S = 1.0
"""How long a change of health may wait to be written."""
AGAIN_S = 1.0
"""The pause after the store could not take what has happened already."""


class EndpointKeeper:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._changing = asyncio.Lock()
        self._unsaved: dict[int, Health] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Tells the dispatcher of every endpoint and of how it fared. Raises StoreUnavailable."""
        healths = self._engine.store.healths()
        for endpoint in (*self._engine.book.endpoints.values(), *self._engine.book.replays.values()):
            health = healths.get(endpoint.id)
            if health is None and not endpoint.enabled:
                health = switched_off(HEALTHY, endpoint.updated_at_ms)
            self._engine.dispatcher.set_endpoint(endpoint, health)

    async def close(self) -> None:
        """Writes what is known of the endpoints' health."""
        await self._keep()
        if self._timer is not None:
            self._timer.cancel()

    # Changes by a person
    async def make(self, endpoint: Endpoint) -> None:
        """A new endpoint. Raises StoreUnavailable."""
        async with self._changing:
            await self._write(endpoint, None if endpoint.enabled else switched_off(HEALTHY, now_ms()))

    async def change(self, account: str, number: int, edit: Callable[[Endpoint], Endpoint]) -> tuple[Endpoint, Endpoint, Health]:
        """The endpoint before and after `edit`, and the health that it had before. A new URL and being enabled clear its health.

        Raises NotFound if the account has no such endpoint, what `edit` raises, StoreUnavailable.
        """
        async with self._changing:
            before = self._engine.book.endpoint(number)
            if before is None or before.account != account:
                raise NotFound("no such endpoint")
            fared = self._engine.dispatcher.health(number)
            after = edit(before)
            if after != before:
                now = now_ms()
                after = replace(after, updated_at_ms=max(now, before.updated_at_ms), version=before.version + 1)
                await self._write(after, _health_after(before, after, fared, now))
            return before, after, fared

    async def drop(self, endpoint: Endpoint) -> None:
        """Deletes an endpoint. Raises StoreUnavailable."""
        async with self._changing:
            await self._engine.in_thread(lambda: self._engine.store.delete_endpoint(endpoint.id))
            self._unsaved.pop(endpoint.id, None)
            self._engine.forget_endpoint(endpoint)

    # What its receiver's answers do
    def heard(self, number: int, health: Health) -> None:
        """The dispatcher: an endpoint's health has changed."""
        self._unsaved[number] = health
        if self._timer is None:
            self._timer = self._engine.loop.call_later(KEEP_AFTER_S, self._keep_soon)

    async def stop(self, number: int, health: Health) -> None:
        """The dispatcher has stopped an endpoint for good: from now on it gets no events, and only a person enables it again."""
        async with self._changing:
            endpoint = self._engine.book.endpoint(number)
            if endpoint is None or not endpoint.enabled:
                return
            stopped = replace(endpoint, enabled=False, updated_at_ms=now_ms(), version=endpoint.version + 1)
            self._engine.book.set_endpoint(stopped)
            self._engine.dispatcher.set_endpoint(stopped, health)
        log.warning("endpoint %s disabled: %s", to_text("ep", number), health.reason)
        while True:
            async with self._changing:
                if self._engine.book.endpoint(number) is not stopped:
                    return  # a person has changed it since, and that is written
                try:
                    await self._write(stopped, health)
                    return
                except NotFound:
                    return
                except StoreUnavailable as error:
                    log.warning("%s", error)
            await asyncio.sleep(AGAIN_S)

    # Inside
    async def _write(self, endpoint: Endpoint, health: Health | None) -> None:
        """The store first: what it cannot take has not happened."""
        await self._engine.in_thread(lambda: self._engine.store.put_endpoint(endpoint, health))
        if health is not None:
            self._unsaved.pop(endpoint.id, None)
        self._engine.book.set_endpoint(endpoint)
        self._engine.dispatcher.set_endpoint(endpoint, health)

    def _keep_soon(self) -> None:
        self._timer = None
        self._engine.spawn(self._keep())

    async def _keep(self) -> None:
        async with self._changing:
            changed, self._unsaved = self._unsaved, {}
            if not changed:
                return
            try:
                await self._engine.in_thread(lambda: self._engine.store.put_healths(changed))
            except StoreUnavailable as error:
                log.warning("%s", error)
                newer, self._unsaved = self._unsaved, changed
                for number, health in newer.items():
                    self.heard(number, health)
                if self._timer is None:
                    self._timer = self._engine.loop.call_later(KEEP_AFTER_S, self._keep_soon)


def _health_after(before: Endpoint, after: Endpoint, fared: Health, now: int) -> Health | None:
    """The health that a person's change sets; None: it stays as it is."""
    if not after.enabled:
        return switched_off(fared, now) if before.enabled else None
    return HEALTHY if not before.enabled or before.url != after.url else None
