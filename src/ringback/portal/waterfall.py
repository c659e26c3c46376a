"""How an attempt's time went: the spans of its waterfall, in the units of a drawing. Pure; the template draws them."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

WIDTH: Final = 600.0
"""Units that the whole takes."""
_LEAST: Final = 2.0
"""A span that is there is seen."""
_STEPS: Final = (("dns", "Name"), ("connect", "Connect"), ("tls", "TLS"), ("first_byte", "Waiting"))
_LAST: Final = "Answer"


class Span(Struct, frozen=True):
    """One step: its key for the colour, its word, milliseconds, and where it stands."""

    key: str
    word: str
    ms: float
    x: float
    width: float


def waterfall(timings: Mapping[str, float | None]) -> list[Span]:
    """The spans of a `TimingsView`, whose times count from the attempt's start. A step that was not reached, or not needed, is left
    out; what an attempt did after the last step that it reached is its answer, or its waiting if none came."""
    total = max((value for value in timings.values() if value is not None), default=0.0)
    scale = WIDTH / total if total else 0.0
    found: list[Span] = []
    before = 0.0
    for key, word in _STEPS:
        at = timings.get(key)
        if at is not None:
            found.append(_span(key, word, before, max(before, at), scale))
            before = max(before, at)
    if total > before:
        key, word = ("rest", _LAST) if timings.get("first_byte") is not None else ("first_byte", "Until it failed")
        found.append(_span(key, word, before, total, scale))
    return found


def _span(key: str, word: str, begin: float, end: float, scale: float) -> Span:
    x = min(begin * scale, WIDTH - _LEAST)
    return Span(key, word, end - begin, round(x, 2), round(max(_LEAST, (end - begin) * scale), 2))
