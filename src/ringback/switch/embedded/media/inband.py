"""Tones in the sound of a leg: keys of phones that know no events, a machine's beep, a fax.

Keys: Goertzel's filter at the eight frequencies of ITU-T Q.23, on frames of 20 ms. A frame is a key's if one row and one column
hold most of what sounds, are about equally loud and stand clear of their neighbours (limits as in ITU-T Q.24, with room for
noise); two such frames in a row are a key, two others end it. That costs 30 to 50 µs a loud frame, so quiet ones are passed over
and the columns are looked for only where there is a row.

A single tone of any frequency (two that are nearer than 50 Hz are one in 20 ms): x[n+1] + x[n-1] = 2 cos(w) x[n] holds for it and
for nothing else; w and what is left over come of three sums.
"""

import math
from itertools import starmap
from operator import mul, sub
from typing import Final

from ringback.switch.embedded.media.g711 import RATE, SAMPLES, Law
from ringback.switch.embedded.media.tones import BY_PAIR, COLUMNS, ROWS

_QUIET: Final = 150
"""Level under which no key is looked for: about -40 dBm0."""
_CLEAR: Final = 4.0
"""A row's power over the next strongest row's: 6 dB."""
_TWIST: Final = 6.5
"""Row over column or the reverse: 8 dB."""
_PURE: Final = 0.60
"""Share of all power that the two tones must hold."""
_HITS: Final = 2
_MISSES: Final = 2
_COEFFICIENTS: Final = {hz: 2 * math.cos(2 * math.pi * hz / RATE) for hz in (*ROWS, *COLUMNS)}


class KeyListener:
    """Fed with each frame of a leg; tells each key once."""

    def __init__(self) -> None:
        self._key: str | None = None
        self._candidate: str | None = None
        self._hits = 0
        self._misses = 0

    def hear(self, frame: bytes | None, law: Law) -> str | None:
        """The key that is known as of this frame."""
        found = frame_key(frame, law) if frame is not None and law.level(frame) >= _QUIET else None
        if found is not None and found == self._key:
            self._misses = 0
            return None
        if self._key is not None:
            self._misses += 1
            if self._misses >= _MISSES:
                self._key = None
        self._hits = self._hits + 1 if found is not None and found == self._candidate else int(found is not None)
        self._candidate = found
        if self._hits < _HITS:
            return None
        self._key, self._hits, self._misses = found, 0, 0
        return found


def frame_key(frame: bytes, law: Law) -> str | None:
    """The key whose tones this frame holds, alone."""
    samples = list(map(law.values.__getitem__, frame))
    total = sum(map(mul, samples, samples)) * len(samples) / 2
    """What one tone's Goertzel power would be, were it all there is."""
    row = _strongest(samples, ROWS, total * _PURE / (1 + _TWIST))
    if row is None:
        return None
    column = _strongest(samples, COLUMNS, row[1] / _TWIST)
    if column is None or column[1] > row[1] * _TWIST or row[1] + column[1] < total * _PURE:
        return None
    return BY_PAIR[row[0], column[0]]


def _strongest(samples: list[int], group: tuple[int, ...], least: float) -> tuple[int, float] | None:
    """(Hz, power) of the one that stands clear of its group; None: none does, or not with the least power."""
    powers = sorted((_power(samples, _COEFFICIENTS[hz]), hz) for hz in group)
    (second, _), (first, hz) = powers[-2:]
    return (hz, first) if first >= least and first >= second * _CLEAR else None


def _power(samples: list[int], coefficient: float) -> float:
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    return before * before + last * last - coefficient * before * last


_LEAST_LEFT: Final = 0.01
"""Share of the power that a pure tone may leave over: G.711 itself leaves a thousandth."""
_HOLDS: Final = 0.9
"""Share of the power that is at its frequency."""


def single_tone(frame: bytes, law: Law) -> float | None:
    """The frequency in Hz of a frame that is one tone and nothing else, between 300 and 3,000; None: it is not."""
    samples = list(map(law.values.__getitem__, frame))
    middle = samples[1:-1]
    around = [a + b for a, b in zip(samples, samples[2:], strict=False)]
    power = sum(map(mul, middle, middle))
    if power < _QUIET * _QUIET * SAMPLES:
        return None
    coefficient = sum(map(mul, around, middle)) / power
    if not -2 < coefficient < 2:
        return None
    left = list(starmap(sub, zip(around, (coefficient * sample for sample in middle), strict=True)))
    if sum(map(mul, left, left)) > _LEAST_LEFT * power:
        return None
    hz = math.acos(coefficient / 2) * RATE / (2 * math.pi)
    # Low tones next to each other leave little over: so it is asked whether the one holds all the power.
    held = _power(samples, coefficient) / (sum(map(mul, samples, samples)) * len(samples) / 2)
    return hz if 300 <= hz <= 3_000 and held > _HOLDS else None
