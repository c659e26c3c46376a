"""The status line of a leg, as a table.

A leg moves along one line and never back:

    (nothing yet) → accepted → starting → ringing → ongoing → an end

Any step may be skipped, none may be taken twice. A word that the leg has reached or passed already is **late**: it is recorded,
since it may bring a time that was missing, and it is not sent. The end is one of five words, taken once; after it the line is
closed. What else is said of the end goes into the record by its time, not by its arrival (`standing_end`).

A leg that was answered ends `completed`, whatever its hang-up cause was: `busy` after an answer is a source's slip, or the cause of
the other leg. That is why a step answers with the status that is *taken*, which may differ from the word that was said.
"""

from collections.abc import Mapping
from typing import Final

from ringback.calls.model import FINAL, STATUSES, Status

NEXT: Final[Mapping[Status | None, tuple[Status, ...]]] = {
    None: STATUSES,
    "accepted": ("starting", "ringing", "ongoing", "completed", "no-answer", "busy", "failed", "cancelled"),
    "starting": ("ringing", "ongoing", "completed", "no-answer", "busy", "failed", "cancelled"),
    "ringing": ("ongoing", "completed", "no-answer", "busy", "failed", "cancelled"),
    "ongoing": ("completed",),
    "completed": (),
    "no-answer": (),
    "busy": (),
    "failed": (),
    "cancelled": (),
}
"""Which status may follow which. The docs' diagram is made from this."""

ENDS: Final[tuple[Status, ...]] = ("completed", "busy", "no-answer", "cancelled", "failed")
"""The ends, the most telling first: of two that claim the same millisecond, the earlier in this row stands in the record."""

OPENING: Final[frozenset[str]] = frozenset(("accepted", "starting"))
"""The words that may open a new life of an id that was used before."""

EVENT_TYPE: Final[Mapping[Status, str]] = {status: f"call.{status}" for status in STATUSES}
WORD: Final[Mapping[str, Status]] = {f"call.{status}": status for status in STATUSES}
"""Update type → status, for the nine types that are one."""

_RANK: Final[Mapping[str, int]] = {status: rank for rank, status in enumerate(ENDS)}


def _taken(current: Status | None, word: Status) -> Status | None:
    taken: Status = "completed" if current == "ongoing" and word in FINAL else word
    return taken if taken in NEXT[current] else None


_STEP: Final[Mapping[Status | None, Mapping[Status, Status | None]]] = {
    current: {word: _taken(current, word) for word in STATUSES} for current in NEXT
}


def step(current: Status | None, word: Status) -> Status | None:
    """The status that a leg at `current` takes when it hears `word`; None: it is late."""
    return _STEP[current][word]


def end_key(word: str, at_ms: int) -> tuple[int, int]:
    """Ends are compared by their time, then by the fixed row; the smaller stands."""
    return at_ms, _RANK[word]


def standing_end(reached: Mapping[str, int]) -> tuple[str, int] | None:
    """The end that stands in the record, and its time, of all the ends that were heard; None before the end."""
    heard = [end_key(word, reached[word]) for word in ENDS if word in reached]
    if not heard:
        return None
    at_ms, rank = min(heard)
    return ENDS[rank], at_ms
