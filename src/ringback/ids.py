"""Ids that carry their time: 63-bit integers that grow, and the text form that people see.

Layout, high to low: 41 bits of milliseconds since 2024-01-01 UTC, 10 bits of node, 12 bits of sequence. A later id is a larger
number, so `since`/`until` filters and keyset cursors need no index but the primary key. Text form: a prefix that names the kind and
the number in base 32 (`evt_01j…`), fixed width, so that text sorts as the number does.
"""

import time

EPOCH_MS = 1_704_067_200_000
_SEQUENCE_BITS = 12
_NODE_BITS = 10
_SHIFT = _SEQUENCE_BITS + _NODE_BITS
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {c: i for i, c in enumerate(_ALPHABET)}
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_MAX_ID = (1 << 63) - 1


class IdMaker:
    """Makes growing ids for one node. Never repeats and never goes back, even if the clock does."""

    def __init__(self, node: int = 0, last: int = 0) -> None:
        """`last`: the largest id that the store already holds (0 for an empty one)."""
        self._node = node << _SEQUENCE_BITS
        self._last = last

    def next(self, now_ms: int) -> int:
        """A new id for the moment `now_ms` (Unix milliseconds); larger than all before it."""
        made = ((now_ms - EPOCH_MS) << _SHIFT) | self._node
        if made <= self._last:
            made = self._last + 1
            if (made >> _SEQUENCE_BITS) & ((1 << _NODE_BITS) - 1) != self._node >> _SEQUENCE_BITS:
                # The millisecond's sequence is used up: borrow the next millisecond.
                made = ((self._last >> _SHIFT) + 1 << _SHIFT) | self._node
        self._last = made
        return made


def first_id_at(at_ms: int) -> int:
    """The smallest id that could have been made at `at_ms`: for `since`/`until` as id ranges."""
    return min(max(0, at_ms - EPOCH_MS) << _SHIFT, _MAX_ID)


def time_of(number: int) -> int:
    """The Unix milliseconds at which an id was made."""
    return (number >> _SHIFT) + EPOCH_MS


def to_text(prefix: str, number: int) -> str:
    """`evt` and 1 → `evt_00000000000001`: 14 characters of base 32 after the prefix."""
    p = _PAIRS
    return (
        f"{prefix}_{p[number >> 60 & 1023]}{p[number >> 50 & 1023]}{p[number >> 40 & 1023]}{p[number >> 30 & 1023]}"
        f"{p[number >> 20 & 1023]}{p[number >> 10 & 1023]}{p[number & 1023]}"
    )


def from_text(prefix: str, text: str) -> int | None:
    """The number of a text form, or None if it is not one of that kind."""
    head, _, digits = text.partition("_")
    if head != prefix or len(digits) != 14:
        return None
    number = 0
    for char in digits:
        value = _VALUES.get(char)
        if value is None:
            return None
        number = number << 5 | value
    return number if number <= _MAX_ID else None


def now_ms() -> int:
    """The wall clock in Unix milliseconds, cut. For the shell only: pure code is given its time."""
    return time.time_ns() // 1_000_000
