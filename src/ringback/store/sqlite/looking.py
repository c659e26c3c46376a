"""How a search looks for rows that fit several fields at once.

Each field opens a way: a list of ids, newest first, in which all that fits must stand. A search goes along one of them and checks
the other fields on what it meets, so its time is the length of that way, whatever it finds: an endpoint may have a million rows of
which the number that is asked for has none. Therefore it goes in windows of so many ids, and for each window

- it takes the way whose ids reach the furthest back, so it goes along the list that has the least there, and jumps where one has
  nothing;
- it looks at the clock first. When its time is over, it says how far it has come, and the next page goes on there.
"""

import heapq
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from time import monotonic
from typing import Any, Final, NamedTuple, TypeVar

from ringback.store.port import Looked
from ringback.store.sqlite.rows import END, Row

T = TypeVar("T")

WINDOW: Final = 2_000
"""Ids in a window: a millisecond, ten if their pages are not in memory. To find where it ends costs a tenth of looking at it."""
LEAST: Final = 16
"""Ids of each way in a window, where there are many ways."""


class Way(NamedTuple):
    """A list of ids. `rows`: the statement for those between `:since` and `:before` that fit, newest first, the id in front.
    `mark`: for the id that stands `:skip` behind the first one in that span. `fields`: their other parameters. `top`: the largest
    id that the list holds."""

    rows: str
    mark: str
    fields: Mapping[str, Any]
    top: int = END


class Span(NamedTuple):
    """Ids from `since` on and below `before`."""

    since: int
    before: int


def look(
    connection: sqlite3.Connection,
    choices: Sequence[Sequence[Way]],
    span: Span,
    limit: int,
    take: Callable[[Row], T | None],
    within_s: float,
) -> Looked[T]:
    """Up to `limit` rows of what `take` makes of them (None: it does not fit), newest first. Each choice is all that fits: one way,
    or several that hold different ids."""
    ends_at = monotonic() + within_s
    found: list[T] = []
    while True:
        start, ways = _window(connection, choices, span)
        rows = _between(connection, ways, span if start is None else Span(start, span.before), limit - len(found))
        found += islice((one for one in map(take, rows) if one is not None), limit - len(found))
        if start is None or len(found) >= limit:
            return Looked(found)
        span = Span(span.since, start)
        if monotonic() >= ends_at:
            return Looked(found, start)


def newest_first(ways: Iterable[Iterator[Row]]) -> Iterator[Row]:
    """Rows of several ways, each newest first, as one. Each is read only as far as it is needed."""
    return heapq.merge(*ways, key=lambda row: row[0], reverse=True)


def _window(connection: sqlite3.Connection, choices: Sequence[Sequence[Way]], span: Span) -> tuple[int | None, Sequence[Way]]:
    """The ways of the next window, and the id that it goes down to; None: it holds all that is left."""
    deepest, chosen = span.before, choices[0]
    for ways in choices:
        marks = (_mark(connection, way, span, max(WINDOW // len(ways), LEAST)) for way in ways)
        start = max((mark for mark in marks if mark is not None), default=None)
        if start is None:
            return None, ways
        if start < deepest:
            deepest, chosen = start, ways
    return deepest, chosen


def _mark(connection: sqlite3.Connection, way: Way, span: Span, skip: int) -> int | None:
    fields = {**way.fields, "since": span.since, "before": min(span.before, way.top + 1), "skip": skip}
    row: tuple[int] | None = connection.execute(way.mark, fields).fetchone()
    return None if row is None else row[0]


def _between(connection: sqlite3.Connection, ways: Sequence[Way], span: Span, limit: int) -> Iterator[Row]:
    given = {"since": span.since, "limit": limit}
    return newest_first(
        [connection.execute(way.rows, {**way.fields, **given, "before": min(span.before, way.top + 1)}) for way in ways]
    )
