"""Lists: `{"items":[…],"next_cursor":…}`, newest first or by name, with a cursor that is opaque outside."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Generic, TypeVar

from litestar.params import Parameter
from msgspec import UNSET, Struct, UnsetType

from ringback.calls.model import to_rfc3339
from ringback.errors import InvalidInput
from ringback.ids import from_text, time_of, to_text
from ringback.store.port import Looked

T = TypeVar("T")
Row = TypeVar("Row")

Limit = Annotated[int, Parameter(ge=1, le=1000, description="Rows at the most.")]
Cursor = Annotated[str | None, Parameter(description="`next_cursor` of the page before.")]


class Page(Struct, Generic[T], frozen=True):
    """A list. `next_cursor` is opaque; null on the last page."""

    items: list[T]
    next_cursor: str | None


class SearchPage(Page[T], Generic[T], frozen=True):
    """A list that is searched. A search that has looked at many rows and found few ends early, so that it is answered soon: the
    page has fewer than `limit` items then, perhaps none, `next_cursor` goes on with it, and `looked_back_to` tells how far it has
    come."""

    looked_back_to: str | UnsetType = UNSET


def number_behind(cursor: str | None) -> int | None:
    """The row that a list of numbered rows goes on behind. Raises InvalidInput."""
    if cursor is None:
        return None
    number = from_text("c", cursor)
    if number is None:
        raise _foreign()
    return number


def numbered_page(rows: Sequence[Row], limit: int, number: Callable[[Row], int], view: Callable[[Row], T]) -> Page[T]:
    """A page of rows that the store gave newest first: it was asked for one more than `limit`, to know whether there are more."""
    shown = rows[:limit]
    return Page([view(row) for row in shown], to_text("c", number(shown[-1])) if len(rows) > limit else None)


def search_page(found: Looked[Row], limit: int, number: Callable[[Row], int], view: Callable[[Row], T]) -> SearchPage[T]:
    """A page of what a search found that was asked for one more than `limit`."""
    page = numbered_page(found.rows, limit, number, view)
    if found.down_to is None or page.next_cursor is not None:
        return SearchPage(page.items, page.next_cursor)
    return SearchPage(page.items, to_text("c", found.down_to), to_rfc3339(time_of(found.down_to)))


def named_page(
    items: Iterable[Row], name: Callable[[Row], str], limit: int, cursor: str | None, view: Callable[[Row], T]
) -> Page[T]:
    """A page of what is held whole: in the order of `name`, which tells the items apart. A list that changes between two pages
    neither repeats nor leaves out what stood in both. Raises InvalidInput."""
    ordered = sorted(items, key=name)
    start = 0 if cursor is None else bisect_right(ordered, _name_behind(cursor), key=name)
    shown = ordered[start : start + limit]
    more = len(ordered) > start + limit
    return Page([view(item) for item in shown], _cursor(name(shown[-1])) if more else None)


def newest_first(number: int) -> str:
    """A name that sorts numbers downwards."""
    return f"{(1 << 63) - number:020d}"


def _cursor(name: str) -> str:
    return "n_" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _name_behind(cursor: str) -> str:
    head, _, text = cursor.partition("_")
    try:
        if head == "n":
            return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True).decode()
    except (binascii.Error, ValueError):
        pass
    raise _foreign()


def _foreign() -> InvalidInput:
    return InvalidInput("is not a cursor that this list gave", "cursor")
