"""Does somebody speak? From the levels of 20 ms frames: a floor that follows the line's noise, and what stands out of it.

The floor is the quietest of the last two seconds, since speech has its pauses and noise has none; so a line that hums is silent
too. What is loud is speech however long it lasts.
"""

from collections import deque
from typing import Final

_QUIET: Final = 130
"""A mean magnitude under which nothing is speech: about -44 dBm0."""
_LOUD: Final = 1_500
"""Over which everything is."""
_OVER_FLOOR: Final = 3
_WINDOW: Final = 100
_ONSET: Final = 3
"""Frames in a row that make a beginning: a click is none."""
_BRIDGED: Final = 10
"""Frames of a pause within a word (0.2 s) that make no end."""


class Voice:
    """Fed with each frame's level (`Law.level`; 0 where none came)."""

    def __init__(self) -> None:
        self.speaking = False
        """As of the last frame, pauses within words apart."""
        self.quiet_slots = 0
        """How long nobody has been speaking: since the last loud frame, or since the begin."""
        self.spoken_slots = 0
        """From the first loud frame of what is, or was, said to its last."""
        self._levels: deque[int] = deque(maxlen=_WINDOW)
        self._run = 0
        self._floor = 0
        self._floor_age = 0

    def feed(self, level: int) -> bool:
        """`speaking`, after this frame."""
        if level > self._threshold(level):
            self._run += 1
            if self._run >= _ONSET and not self.speaking:
                self.speaking, self.spoken_slots = True, _ONSET - 1
            if self.speaking:
                self.spoken_slots += 1 + (self.quiet_slots if self._run == 1 else 0)
                self.quiet_slots = 0
                return True
        else:
            self._run = 0
        self.quiet_slots += 1
        if self.speaking and self.quiet_slots > _BRIDGED:
            self.speaking = False
        return self.speaking

    def _threshold(self, level: int) -> int:
        levels = self._levels
        levels.append(level)
        self._floor_age += 1
        if level <= self._floor or self._floor_age >= 10:  # the quietest of a hundred is not sought for every frame
            self._floor, self._floor_age = min(levels), 0
        floor = self._floor if len(levels) == _WINDOW else 0
        return max(_QUIET, min(_LOUD, floor * _OVER_FLOOR))
