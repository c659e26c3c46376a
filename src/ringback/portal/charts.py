"""Charts, drawn here as SVG: bars of what was delivered and what failed. Pure. Classes, not styles, say what is what."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup
from msgspec import Struct

_GAP: Final = 0.24
"""Part of a bar's place that stays free beside it."""
_LEAST: Final = 1.5
"""A bar that is there is seen."""


class Bars(Struct, frozen=True):
    """What a chart shows: spans of `span_s` seconds, oldest first, the first beginning at `since` (RFC 3339)."""

    since: str
    span_s: int
    delivered: Sequence[int]
    failed: Sequence[int]

    @classmethod
    def of(cls, series: dict[str, object], merge: int = 1) -> "Bars":
        """From a series of the API; `merge`: how many spans make one bar. What was given up is a failure here."""
        failed = [one + two for one, two in zip(_numbers(series["failed"]), _numbers(series["gave_up"]), strict=True)]
        span_s = int(str(series["span_s"]))
        return cls(str(series["since"]), span_s * merge, _merged(_numbers(series["delivered"]), merge), _merged(failed, merge))

    @property
    def total(self) -> int:
        """Attempts in all."""
        return sum(self.delivered) + sum(self.failed)


def _numbers(value: object) -> list[int]:
    return list(value) if isinstance(value, list) else []


def _merged(values: Sequence[int], merge: int) -> list[int]:
    return [sum(values[at : at + merge]) for at in range(0, len(values), merge)]


def bars(shown: Bars, width: int, height: int, label: str, *, small: bool = False) -> Markup:
    """The chart. `label` is read to whoever does not see it. `small`: without words on the bars."""
    most = max((one + two for one, two in zip(shown.delivered, shown.failed, strict=True)), default=0)
    place = width / max(1, len(shown.delivered))
    drawn = [
        _bar(index * place, place, height, most, *pair, "" if small else _told(shown, index, *pair))
        for index, pair in enumerate(zip(shown.delivered, shown.failed, strict=True))
    ]
    head = Markup('<svg class="chart{}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">').format(
        " chart-small" if small else "", width, height, label
    )
    line = Markup('<line class="chart-floor" x1="0" x2="{}" y1="{}" y2="{}"/>').format(width, height - 0.5, height - 0.5)
    return head + line + Markup("").join(drawn) + Markup("</svg>")


def _bar(x: float, place: float, height: int, most: int, delivered: int, failed: int, told: str) -> Markup:
    if not delivered + failed:
        return Markup("")
    width, room = place * (1 - _GAP), height - 1
    high = {name: max(_LEAST, value / most * room) if value else 0.0 for name, value in (("good", delivered), ("bad", failed))}
    top = max(0.0, room - high["good"] - high["bad"])
    rects = Markup("")
    for name, y in (("bad", top), ("good", top + high["bad"])):
        if high[name]:
            rects += Markup('<rect class="bar bar-{}" x="{}" y="{}" width="{}" height="{}"/>').format(
                name, *(f"{value:.2f}" for value in (x, y, width, min(high[name], room)))
            )
    title = Markup("<title>{}</title>").format(told) if told else Markup("")
    return Markup("<g>{}{}</g>").format(title, rects)


def _told(shown: Bars, index: int, delivered: int, failed: int) -> str:
    at = datetime.fromisoformat(shown.since).timestamp() + index * shown.span_s
    begins = datetime.fromtimestamp(at, UTC).strftime("%-d %b %H:%M")
    return f"{begins} UTC: {delivered} delivered, {failed} failed"
