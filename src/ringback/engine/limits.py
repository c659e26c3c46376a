"""What is taken in at the most: updates a second and open deliveries of an account, and what the disk holds. All off by default.

Whoever meets a limit is refused as a whole, before anything of the request is taken. A rate is a purse that fills with time and may
be overdrawn by one request: a batch that is larger than a second's worth passes, and is waited for afterwards. What is open is
counted as it comes and goes, and counted anew from time to time, since what is cancelled in bulk comes by no other way.
"""

import asyncio
import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ringback.errors import OurError, StoreUnavailable, TooMany
from ringback.settings import Settings
from ringback.webhooks.deliveries import FINAL
from ringback.webhooks.records import Attempt, Job, Result

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.limits")

DISK_S: Final = 2.0
COUNT_S: Final = 10.0
WAIT_FOR_ROOM_S: Final = 2
"""What a producer that met the pending cap is asked to wait."""
KEPT_FREE: Final = 64 * 1024 * 1024
KEPT_PART: Final = 20
"""Without a setting, 64 MiB are kept free, or a twentieth of a small disk: results and attempts are written still."""
_COUNTED: Final = frozenset({"event", "resend", "replay"})


class Purse:
    """Updates that an account may send now. `clock` gives seconds."""

    def __init__(self, per_s: float, clock: Callable[[], float]) -> None:
        self.per_s = per_s
        self._clock = clock
        self._most = max(1.0, per_s)
        self._held = self._most
        self._at = clock()

    def wait_s(self) -> int:
        """Whole seconds until there is something in it; 0: now."""
        now = self._clock()
        self._held = min(self._most, self._held + (now - self._at) * self.per_s)
        self._at = now
        return 0 if self._held > 0 else max(1, math.ceil(-self._held / self.per_s))

    def take(self, count: int) -> None:
        """Takes that many, even if it goes below zero."""
        self._held -= count


class IntakeLimits:
    """See the module. Lives on the loop; stands between dispatcher and writer, since it must see what ends."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._purses: dict[str, Purse] = {}
        self._caps: dict[str, int] = {}
        self._open: dict[str, int] = {}
        self._full = ""
        self.active = False
        """Is there any limit to look at?"""

    async def read_accounts(self) -> None:
        """After an account was made or changed, and at the start. Raises StoreUnavailable."""
        purses: dict[str, Purse] = {}
        caps: dict[str, int] = {}
        for account in self._engine.book.accounts.values():
            if account.events_per_s is not None:
                before = self._purses.get(account.id)
                same = before is not None and before.per_s == account.events_per_s
                purses[account.id] = before if before and same else Purse(account.events_per_s, self._engine.loop.time)
            if account.pending_max is not None:
                caps[account.id] = account.pending_max
        fresh = dict.fromkeys(caps.keys() - self._caps.keys(), 0)
        self._purses, self._caps = purses, caps
        self._open = {account: self._open.get(account, 0) for account in caps}
        self._look()
        await self._count(fresh)

    def admit(self, accounts: Sequence[str]) -> None:
        """One request's updates, by account. Raises StoreUnavailable (no room on the disk), TooMany; else they are taken."""
        if self._full:
            raise StoreUnavailable(self._full)
        counts = Counter(accounts)
        for account in counts:
            purse = self._purses.get(account)
            wait_s = 0 if purse is None else purse.wait_s()
            if wait_s:
                raise TooMany("more updates a second than the account may send: nothing was taken", wait_s)
            cap = self._caps.get(account)
            if cap is not None and self._open[account] >= cap:
                raise TooMany("as many deliveries are open as the account may have: nothing was taken", WAIT_FOR_ROOM_S)
        for account, count in counts.items():
            purse = self._purses.get(account)
            if purse is not None:
                purse.take(count)

    # What comes and goes
    def on_jobs(self, jobs: Sequence[Job]) -> None:
        """Fresh deliveries."""
        if self._caps:
            for job in jobs:
                account = job.event.call.account
                if account in self._open:
                    self._open[account] += 1

    def record(self, result: Result, attempt: Attempt | None) -> None:
        """The end of an attempt, on its way to the writer."""
        self._engine.writer.record(result, attempt)
        if self._caps and result.delivery.state in FINAL and result.delivery.kind in _COUNTED:
            endpoint = self._engine.book.endpoint(result.delivery.endpoint)
            if endpoint is not None and endpoint.account in self._open:
                self._open[endpoint.account] = max(0, self._open[endpoint.account] - 1)

    # From time to time
    async def watch(self) -> None:
        """Looks at the disk, and counts anew, until it is cancelled."""
        counted_at = self._engine.loop.time()
        while True:
            await asyncio.sleep(DISK_S)
            try:
                await self.look_at_disk()
                if self._engine.loop.time() - counted_at >= COUNT_S:
                    counted_at = self._engine.loop.time()
                    await self._count(self._caps)
            except OurError as error:
                log.warning("%s", error)

    async def look_at_disk(self) -> None:
        """Is there room for what is to come?"""
        settings = self._engine.settings
        full = await self._engine.in_thread(lambda: why_full(settings))
        if full != self._full:
            log.warning("intake: %s", full or "there is room again")
            self._full = full
            self._look()

    async def _count(self, accounts: Mapping[str, int]) -> None:
        store = self._engine.store
        for account in list(accounts):
            cap = self._caps[account]
            # Only as far as it matters: whether the cap is met, and by how much it could be missed meanwhile.
            count = await self._engine.in_thread(lambda account=account, cap=cap: store.count_open(account, 2 * cap))  # type: ignore[misc]
            if account in self._open:
                self._open[account] = count

    def _look(self) -> None:
        self.active = bool(self._purses or self._caps or self._full)


def why_full(settings: Settings) -> str:
    """Why nothing more may be stored, for the producer; empty: there is room."""
    try:
        disk = os.statvfs(settings.data)
        wanted = settings.min_free_bytes
        if wanted is None:
            wanted = min(KEPT_FREE, disk.f_blocks * disk.f_frsize // KEPT_PART)
        if disk.f_bavail * disk.f_frsize < wanted:
            return "there is no room for more events now"
        if settings.max_disk is not None and _size_of(settings.data) > settings.max_disk:
            return "there is no room for more events now"
    except OSError as error:
        log.warning("the disk could not be looked at: %s", error.strerror)
    return ""


def _size_of(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # it went away meanwhile
            continue
    return total
