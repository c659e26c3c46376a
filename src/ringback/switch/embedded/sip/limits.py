"""How much strangers may ask, by address, in bounded memory. Pure: the time is passed in."""

from collections import OrderedDict

_MOST = 10_000
"""Addresses that are remembered; beyond, who was silent for longest is forgotten."""


class Bucket:
    """So many at once, and so many a second thereafter."""

    def __init__(self, at_once: float, per_s: float) -> None:
        self._most, self._per_s = at_once, per_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now: float) -> bool:
        """True if there is one left for this name."""
        left, then = self._left.pop(name, (self._most, now))
        left = min(self._most, left + (now - then) * self._per_s)
        taken = left >= 1
        self._left[name] = (left - 1 if taken else left, now)
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        return taken

    def empty(self, name: str, now: float) -> bool:
        """True if nothing is left; takes nothing."""
        left, then = self._left.get(name, (self._most, now))
        return left + (now - then) * self._per_s < 1


class Interval:
    """Once in so many seconds: for the log. What came between is counted."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def due(self, name: str, now: float) -> int:
        """0 if it is not yet time to speak of this; otherwise how often it happened since."""
        then, count = self._last.pop(name, (now - self._seconds, 0))
        if now - then < self._seconds:
            self._last[name] = (then, count + 1)
            return 0
        self._last[name] = (now, 0)
        if len(self._last) > _MOST:
            self._last.popitem(last=False)
        return count + 1
