"""VOC's lists: numbered pages with a count, over rows that are read as far as it takes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

MOST_A_PAGE: Final = 50
"""Of rows on a page; who asks for more gets so many."""
LOOKED_AT: Final = 10_000
"""A list goes back so many rows of what the dates select, newest first."""
COUNTED_AHEAD: Final = 1_000
"""Behind the page that is shown `total` is counted on so far: it grows while somebody pages through a longer list."""


class Rows(Struct, Generic[T], frozen=True):
    """One page of a list, newest first."""

    data: list[T]
    total: int
    total_pages: int


def page_of(rows: Iterable[T], page: int, per_page: int) -> Rows[T]:
    """The page with a number (from 1), read no further than it takes to show it and to count a little ahead."""
    size = min(per_page, MOST_A_PAGE)
    first = (page - 1) * size
    reader: Iterator[T] = iter(rows)
    total = sum(1 for _ in islice(reader, first))
    shown = list(islice(reader, size))
    total += len(shown) + sum(1 for _ in islice(reader, COUNTED_AHEAD))
    return Rows(shown, total, -(-total // size))
