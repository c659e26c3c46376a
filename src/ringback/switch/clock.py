"""The two clocks that calls can live in (`switch.port.Clock`): a server's, which is its event loop's, and a simulation's, which
jumps to the next thing due."""

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Final

from ringback.switch.port import Handle

Work = Callable[[], None]
_FEW: Final = 64
"""So many stopped timers are not worth tidying up."""


class LoopClock:
    """Real time, on an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000

    def call_later(self, seconds: float, work: Work) -> Handle:
        """Calls `work` on the loop; what is wanted at once, in the order in which it was wanted."""
        return self._loop.call_soon(work) if seconds <= 0 else self._loop.call_later(seconds, work)


class _Timer:
    """One call to come. Without `work` it was stopped, or is over."""

    __slots__ = ("_clock", "work")

    def __init__(self, clock: "VirtualClock", work: Work) -> None:
        self._clock = clock
        self.work: Work | None = work

    def cancel(self) -> None:
        """Stops it; of no effect when it is over."""
        if self.work is not None:
            self.work = None
            self._clock.tidy()


class VirtualClock:
    """A time that stands still until `advance` makes it jump. What is due at the same moment happens in the order in which it was
    asked for, so that a simulation is the same each time."""

    def __init__(self, start_ms: int = 0) -> None:
        """`start_ms`: Unix milliseconds at which it stands."""
        self._now_ms = start_ms
        self._queue: list[tuple[int, int, _Timer]] = []
        self._made = 0
        self._stopped = 0

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self._now_ms

    def call_later(self, seconds: float, work: Work) -> Handle:
        """Calls `work` when the time has come (rounded to the millisecond)."""
        timer = _Timer(self, work)
        self._made += 1
        heapq.heappush(self._queue, (self._now_ms + max(0, round(seconds * 1000)), self._made, timer))
        return timer

    def next_due(self) -> int | None:
        """The Unix milliseconds of the next thing due, perhaps now; None: there is nothing to come."""
        while self._queue and self._queue[0][2].work is None:
            heapq.heappop(self._queue)
            self._stopped -= 1
        return self._queue[0][0] if self._queue else None

    def advance(self) -> bool:
        """Jumps to the next time at which something is due and does all that is due then, also what only comes of it. False: there
        was nothing."""
        due = self.next_due()
        if due is None:
            return False
        self._now_ms = due
        while self.next_due() == due:
            timer = heapq.heappop(self._queue)[2]
            work, timer.work = timer.work, None
            assert work is not None
            work()
        return True

    def tidy(self) -> None:
        """One more was stopped: once they are the most, they go, so that long time-outs of short calls do not pile up."""
        self._stopped += 1
        if self._stopped > _FEW and self._stopped * 2 > len(self._queue):
            self._queue = [entry for entry in self._queue if entry[2].work is not None]
            heapq.heapify(self._queue)
            self._stopped = 0
