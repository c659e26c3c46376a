"""Tones as linear sound: keys, ringing, the beep.

Sources: DTMF, ITU-T Q.23. What a caller hears while it rings, ITU-T E.180 Supplement 2 (various tones used in national networks).
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from struct import pack
from typing import Final

from ringback.switch.embedded.media.g711 import RATE, SAMPLES

ROWS: Final = (697, 770, 852, 941)
COLUMNS: Final = (1209, 1336, 1477, 1633)
_PAD: Final = "123A456B789C*0#D"
PAIRS: Final = {key: (ROWS[n // 4], COLUMNS[n % 4]) for n, key in enumerate(_PAD)}
BY_PAIR: Final = {pair: key for key, pair in PAIRS.items()}

_KEY_LOUD: Final = 5_800
"""Each of a key's two tones: about -12 dBm0."""
_RING_LOUD: Final = 4_000
_BEEP_LOUD: Final = 8_000

Wave = tuple[float, float]
"""A frequency in Hz, and its share of the loudness."""


def _sum_of(*hz: float) -> tuple[Wave, ...]:
    return tuple((f, 1.0) for f in hz)


def _modulated(hz: float, by_hz: float) -> tuple[Wave, ...]:
    return (hz, 1.0), (hz - by_hz, 0.5), (hz + by_hz, 0.5)


_USUAL: Final = _sum_of(425)
RINGING: Final[dict[str, tuple[tuple[Wave, ...], tuple[float, ...]]]] = {
    "au": (_sum_of(413, 438), (0.4, 0.2, 0.4, 2.0)),
    "be": (_USUAL, (1.0, 3.0)),
    "cn": (_sum_of(450), (1.0, 4.0)),
    "cz": (_USUAL, (1.0, 4.0)),
    "de": (_USUAL, (1.0, 4.0)),
    "dk": (_USUAL, (1.0, 4.0)),
    "es": (_USUAL, (1.5, 3.0)),
    "fi": (_USUAL, (1.0, 4.0)),
    "fr": (_sum_of(440), (1.5, 3.5)),
    "hu": (_USUAL, (1.25, 3.75)),
    "il": (_sum_of(400), (1.0, 3.0)),
    "in": (_modulated(400, 25), (0.4, 0.2, 0.4, 2.0)),
    "it": (_USUAL, (1.0, 4.0)),
    "jp": (_modulated(400, 16), (1.0, 2.0)),
    "pl": (_USUAL, (1.0, 4.0)),
    "uk": (_sum_of(400, 450), (0.4, 0.2, 0.4, 2.0)),
    "us": (_sum_of(440, 480), (2.0, 4.0)),
}
"""By country: what sounds, and how long it sounds and is silent by turns, in seconds."""


def tone(waves: Sequence[Wave], seconds: float, loud: int) -> bytes:
    """`loud`: the amplitude of a share of 1. Whole samples. A whole number of Hz repeats after a second, so no more is reckoned."""
    count = round(seconds * RATE)
    exact = all(float(hz).is_integer() for hz, _ in waves)
    period = RATE // math.gcd(RATE, *(int(hz) for hz, _ in waves)) if exact else count
    turns = [(2 * math.pi * hz / RATE, share * loud) for hz, share in waves]
    values = [round(sum(share * math.sin(turn * n) for turn, share in turns)) for n in range(min(count, period))]
    once = pack(f"<{len(values)}h", *(max(-32_768, min(32_767, value)) for value in values))
    return (once * (count // max(1, len(values)) + 1))[: 2 * count]


@lru_cache(maxsize=len(RINGING))
def ringing(country: str) -> bytes:
    """A whole cadence: repeated, it is what a caller hears. An unknown country rings as `us`."""
    waves, cadence = RINGING.get(country, RINGING["us"])
    return b"".join(
        bytes(2 * round(seconds * RATE)) if n % 2 else tone(waves, seconds, _RING_LOUD) for n, seconds in enumerate(cadence)
    )


@lru_cache(maxsize=len(PAIRS))
def key_tone(key: str, slots: int) -> bytes:
    """So many frames of a key's two tones."""
    return tone(_sum_of(*PAIRS[key]), slots * SAMPLES / RATE, _KEY_LOUD)


@lru_cache(maxsize=1)
def beep() -> bytes:
    """What is heard before a recording: 1 kHz for 0.2 s."""
    return tone(_sum_of(1000), 0.2, _BEEP_LOUD)
