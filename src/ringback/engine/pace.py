"""How fast work that nobody waits for may go: as fast as it slows no live traffic down.

What live traffic notices is the event loop's lag (how much later than asked a sleeper wakes), and a processor without time. So the
rate grows step by step while there is little of the one and enough of the other, and falls by a part as soon as that is not so, or
intake is pressed; never below a floor, so that the work ends. While no updates come in, the work may take what there is.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

LEAST_PER_S: Final = 50.0
MOST_PER_S: Final = 6_000.0
FIRST_PER_S: Final = 500.0
STEP_PER_S: Final = 50.0
BACK: Final = 0.7
LAG_S: Final = 0.004
"""The lag from which on the rate falls while updates come in: a fraction of what they take to be on disk."""
LAG_ALONE_S: Final = 0.02
"""The same while none come: some hundred requests made in one go."""
SHARE: Final = 0.85
"""The part of one processor that the process may use before the rate falls while updates come in: the interpreter uses no more."""
SHARE_S: Final = 0.1
"""The span over which that is measured."""
LIVE_S: Final = 1.0
"""Updates that came within this time are live traffic."""
BURST_S: Final = 0.15
"""Permits are saved up for as long."""
LEAST_S: Final = 1.0
"""The same at the least rate: a turn may take as long on a processor without time, and the rate holds nevertheless."""
LEAST_TICK_S: Final = 0.01
MOST_TICK_S: Final = 0.1
AT_ONCE: Final = 25
"""As many are worth a turn: when the rate is low, there are fewer turns."""


class Pace:
    """Permits, in one purse for all who ask. `clock` gives seconds, `used_s` those of a processor that the process has used;
    `taken` how many updates came in so far."""

    def __init__(
        self, clock: Callable[[], float], used_s: Callable[[], float], is_pressed: Callable[[], bool], taken: Callable[[], int]
    ) -> None:
        self._clock = clock
        self._used_s = used_s
        self._used = (clock(), used_s())
        self._share = 0.0
        self._is_pressed = is_pressed
        self._taken = taken
        self._at = clock()
        self._permits = 0.0
        self._seen = taken()
        self._live_until = 0.0
        self.per_s = FIRST_PER_S

    @property
    def tick_s(self) -> float:
        """How long to sleep until the next turn."""
        return min(MOST_TICK_S, max(LEAST_TICK_S, AT_ONCE / self.per_s))

    def rest_s(self, worked_s: float) -> float:
        """How long to rest after work beside the loop that took so much of a processor: a tenth is its share while updates come
        in."""
        return worked_s * (9.0 if self._clock() < self._live_until else 0.5)

    def felt(self, lag_s: float) -> None:
        """A sleeper woke so much later than it asked for."""
        now, taken = self._clock(), self._taken()
        if taken != self._seen:
            self._seen, self._live_until = taken, now + LIVE_S
        self._measure(now)
        is_live = now < self._live_until
        is_busy = lag_s > LAG_S or self._share > SHARE if is_live else lag_s > LAG_ALONE_S
        if is_busy or self._is_pressed():
            self.per_s = max(LEAST_PER_S, self.per_s * BACK)
        else:
            self.per_s = min(MOST_PER_S, self.per_s + STEP_PER_S)

    def _measure(self, now: float) -> None:
        since, used = self._used
        if now - since >= SHARE_S:
            self._used = (now, self._used_s())
            self._share = (self._used[1] - used) / (now - since)

    def take(self, most: int) -> int:
        """Permits for now, `most` at the most; perhaps none."""
        now = self._clock()
        most_saved = max(self.per_s * BURST_S + 1.0, LEAST_PER_S * LEAST_S)
        self._permits = min(most_saved, self._permits + (now - self._at) * self.per_s)
        self._at = now
        taken = min(most, int(self._permits))
        self._permits -= taken
        return taken


def counted(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` gives, and the seconds of a processor that it took: under load that is a fraction of what a clock shows, and a
    rest by the clock would hardly ever end."""
    began_s = time.thread_time()
    return work(), time.thread_time() - began_s
