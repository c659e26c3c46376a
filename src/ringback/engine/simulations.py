"""Calls that an account simulates on the server: bounded in time, in size, at once and a minute, and let out by the guard alone.

Each runs on a thread and a loop of its own, so that a document which never ends costs the deliveries nothing but its share of the
processor, and that for RUN_S at the most. Nothing is kept of it, and nobody is charged: the built-in connector answers a Pay.
"""

import asyncio
import contextlib
import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ringback.delivery.egress import SenderSettings
from ringback.errors import TooMany
from ringback.live.simulation import Setup, simulate

if TYPE_CHECKING:
    from ringback.engine.server import Engine
    from ringback.live.transcript import Transcript

RUN_S: Final = 15.0
"""Real seconds for one."""
MOST_ENTRIES: Final = 500
AT_ONCE: Final = 2
PER_MINUTE: Final = 30
"""Of one account."""
_MINUTE_S: Final = 60.0


class Simulations:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._begun: dict[str, deque[float]] = {}
        self._running: Counter[str] = Counter()

    async def run(self, account: str, setup: Setup) -> "Transcript":
        """Simulates a call of an account. `setup` says what is called; the bounds are put to it here.

        Raises TooMany, and what `simulate` raises for what cannot be read.
        """
        self._admit(account)
        bounded = replace(
            setup,
            flows=self._flows(account),
            egress=egress_of(self._engine.sender_settings, account),
            payment="approve",
            connectors=None,
            networks=(),
            timeout_s=RUN_S,
            most_entries=MOST_ENTRIES,
        )
        self._running[account] += 1
        try:
            return await self._beside(bounded)
        finally:
            self._running[account] -= 1

    def _admit(self, account: str) -> None:
        now = self._engine.loop.time()
        for whose, begun in list(self._begun.items()):
            while begun and begun[0] <= now - _MINUTE_S:
                begun.popleft()
            if not begun:
                del self._begun[whose]
        mine = self._begun.setdefault(account, deque())
        if len(mine) >= PER_MINUTE:
            raise TooMany(f"more than {PER_MINUTE} simulated calls in a minute", int(mine[0] + _MINUTE_S - now) + 1)
        if self._running[account] or self._running.total() >= AT_ONCE:
            raise TooMany("another call is being simulated: try again in a moment", 1)
        mine.append(now)

    def _flows(self, account: str) -> Mapping[str, str]:
        found = self._engine.book.accounts.get(account)
        return {} if found is None else found.flows

    def _beside(self, setup: Setup) -> "asyncio.Future[Transcript]":
        loop = self._engine.loop
        told: asyncio.Future[Transcript] = loop.create_future()

        def tell(transcript: "Transcript | None", error: BaseException | None) -> None:
            if told.done():
                return
            if error is None and transcript is not None:
                told.set_result(transcript)
            elif error is not None:
                told.set_exception(error)

        def work() -> None:
            transcript: Transcript | None = None
            failure: BaseException | None = None
            try:
                transcript = asyncio.run(simulate(setup))
            except BaseException as error:  # whatever it is, it is raised where it is waited for
                failure = error
            with contextlib.suppress(RuntimeError):  # the server has stopped meanwhile
                loop.call_soon_threadsafe(tell, transcript, failure)

        threading.Thread(target=work, name="ringback-simulation", daemon=True).start()
        return told


def egress_of(settings: SenderSettings, account: str) -> SenderSettings:
    """What an account's webhooks may reach, as what all of a simulation may reach, whose account is a made-up one."""
    mine = tuple(replace(one, account=None) for one in settings.allow_networks if one.account in (None, account))
    return replace(settings, allow_networks=mine)
