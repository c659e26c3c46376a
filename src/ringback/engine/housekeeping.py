"""What is done from time to time, off the hot path: old things are forgotten, and it is noted which keys were used.

Retention goes conversation by conversation, a few at a time with pauses between, so that commits and readers pass. What an
account's conversations have in files (recordings) goes before their rows do: a kill between the two leaves rows that are looked at
again, never files that nobody finds. Attempts are in a file per day, for all accounts: it goes when the longest retention has
passed.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ringback.errors import OurError
from ringback.ids import now_ms
from ringback.store.port import Account, Over

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.housekeeping")

KEYS_S: Final = 10.0
ROUND_S: Final = 60.0
BATCH: Final = 100
"""Conversations forgotten in one transaction: some tens of milliseconds of the writer's time."""
PAUSE_S: Final = 0.2
ANSWERS_MS: Final = 24 * 3_600_000
"""How long an Idempotency-Key is known."""
DAY_MS: Final = 86_400_000
REPLAY_MS: Final = 3_600_000
"""An endpoint that was made for a replay stays this long at least."""

Find = Callable[[str, int, int, int], tuple[list[Over], int | None]]


class Housekeeping:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    async def run(self) -> None:
        """Works until it is cancelled."""
        rounds = 0
        while True:
            await asyncio.sleep(KEYS_S)
            rounds += 1
            try:
                await self.note_used_keys()
                await self._engine.sessions.keep()
                if rounds % (ROUND_S // KEYS_S) == 0:
                    await self.tidy(now_ms())
            except OurError as error:
                log.warning("%s", error)

    async def note_used_keys(self) -> None:
        """Which keys were used since the last time. Raises StoreUnavailable."""
        used = self._engine.book.stamp_used(now_ms())
        if used:
            await self._engine.in_thread(lambda: self._engine.store.touch_keys(used))

    async def tidy(self, now: int) -> int:
        """One round of forgetting; how many conversations it forgot. Raises StoreUnavailable."""
        engine, store = self._engine, self._engine.store
        gone = 0
        longest_ms = engine.settings.retention_days * DAY_MS
        for account in list(engine.book.accounts.values()):
            kept_ms = self._kept_ms(account)
            longest_ms = max(longest_ms, kept_ms)
            for find in (store.over, store.over_alone):
                gone += await self._forget(find, account.id, now - kept_ms)
        if gone:
            log.info("retention: %s conversations were forgotten", gone)
        await engine.in_thread(lambda: store.purge_attempts(now - longest_ms))
        await engine.in_thread(lambda: store.forget_resends(now - longest_ms))
        await engine.in_thread(lambda: store.forget_answers(now - ANSWERS_MS))
        await engine.in_thread(lambda: store.forget_endpoints(now - longest_ms))
        await self._end_replays(now)
        return gone

    def _kept_ms(self, account: Account | None) -> int:
        """How long what is over is kept; of an account that is not known, as of most."""
        days = self._engine.settings.retention_days if account is None or account.retention_days is None else account.retention_days
        return days * DAY_MS

    async def _forget(self, find: Find, account: str, before_ms: int) -> int:
        engine = self._engine
        gone = 0
        after: int | None = 0
        while after is not None:
            start = after
            found, after = await engine.in_thread(lambda start=start: find(account, before_ms, start, BATCH))  # type: ignore[misc]
            if not found:
                continue
            await engine.in_thread(lambda found=found: self._forget_files(account, found))  # type: ignore[misc]
            roots = [over.root for over in found]
            gone += await engine.in_thread(lambda roots=roots: engine.store.forget(account, roots, before_ms))  # type: ignore[misc]
            await asyncio.sleep(PAUSE_S)
        return gone

    def _forget_files(self, account: str, found: list[Over]) -> None:
        for over in found:
            for leg in over.legs:
                self._engine.recordings.forget(account, leg)

    async def _end_replays(self, now: int) -> None:
        """Endpoints that were made for one replay go when it is over; those of calls, when nobody needs them."""
        engine = self._engine
        replays = [endpoint for endpoint in engine.book.replays.values() if not endpoint.of_calls]
        old = [endpoint for endpoint in replays if endpoint.created_at_ms < now - REPLAY_MS]
        old += engine.hidden.idle(now, self._kept_ms)
        if old:
            busy = set(await engine.in_thread(engine.store.endpoints_with_open))
            for endpoint in old:
                if endpoint.id not in busy:
                    await engine.endpoints.drop(endpoint)
