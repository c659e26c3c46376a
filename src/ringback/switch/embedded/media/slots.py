"""The clock of all sessions: a slot each 20 ms, from one timer, without drift.

Slots are counted from one moment, so a late one does not make the next late. After a stall a few are made up for at once, the
rest is skipped and told, so that timestamps stay in step with the world.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from ringback.switch.embedded.media.g711 import FRAME_S

_MOST_AT_ONCE: Final = 3
_LATE_MS: Final = 20
_BUCKETS: Final = 200


class Timers(Protocol):
    """Of an event loop."""

    def time(self) -> float: ...
    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle: ...


class Lateness:
    """How punctual slots were. A slot that was skipped is late too."""

    def __init__(self) -> None:
        self.slots = 0
        self.skipped = 0
        self.late = 0
        """More than 20 ms, the skipped ones among them."""
        self.worst_ms = 0.0
        self._by_ms = [0] * _BUCKETS

    def add(self, late_s: float) -> None:
        """One slot's."""
        late_ms = late_s * 1000
        self.slots += 1
        self.late += late_ms > _LATE_MS
        self.worst_ms = max(self.worst_ms, late_ms)
        self._by_ms[min(_BUCKETS - 1, max(0, int(late_ms)))] += 1

    def skip(self, slots: int) -> None:
        """They were never made."""
        self.slots += slots
        self.skipped += slots
        self.late += slots
        self._by_ms[-1] += slots

    def percentile_ms(self, share: float) -> int:
        """So many of all (0 to 1) were at most so late, in whole milliseconds, rounded up; 200 and more count as 200."""
        wanted, seen = share * self.slots, 0
        for late_ms, count in enumerate(self._by_ms):
            seen += count
            if seen >= wanted:
                return late_ms + 1
        return _BUCKETS

    @property
    def punctual_share(self) -> float:
        """Of all slots, those at most 20 ms late; 1 if there was none."""
        return 1 - self.late / self.slots if self.slots else 1.0


class Slots:
    """Calls `work(slots)` each 20 ms while it runs; more than one: so many are passed with this call, all but one unheard."""

    def __init__(self, timers: Timers, work: Callable[[int], None]) -> None:
        self.lateness = Lateness()
        self._timers = timers
        self._work = work
        self._begin = 0.0
        self._passed = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        """Is it?"""
        return self._timer is not None

    def start(self) -> None:
        """The first slot is 20 ms from now. Of no effect while it runs."""
        if self._timer is None:
            self._begin = self._timers.time()
            self._passed = 0
            self._arm()

    def stop(self) -> None:
        """Of no effect when it stands."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = self._timers.call_at(self._begin + (self._passed + 1) * FRAME_S, self._due)

    def _due(self) -> None:
        timer, now = self._timer, self._timers.time()
        # A loop may wake a moment early, by its clock's resolution: then it was for this slot all the same.
        due = max(1, int((now - self._begin) / FRAME_S + 1e-6) - self._passed)
        skipped = max(0, due - _MOST_AT_ONCE)
        if skipped:
            self.lateness.skip(skipped)
        self._passed += skipped
        for number in range(due - skipped):
            self._passed += 1
            self.lateness.add(self._timers.time() - self._begin - self._passed * FRAME_S)
            self._work(1 + skipped if number == 0 else 1)
            if self._timer is not timer:  # stopped, and perhaps started anew, by what was done in the slot
                return
        self._arm()
