"""VOC's numbered pages."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.api.voc.pages import COUNTED_AHEAD, MOST_A_PAGE, page_of


@pytest.mark.parametrize(
    ("rows", "page", "per_page", "shown", "total", "pages"),
    [
        (0, 1, 50, range(0), 0, 0),
        (3, 1, 2, range(2), 3, 2),
        (3, 2, 2, range(2, 3), 3, 2),
        (3, 3, 2, range(0), 3, 2),
        (100, 1, 1000, range(50), 100, 2),
        (100, 1_000_000, 50, range(0), 100, 2),
    ],
)
def test_a_page(rows: int, page: int, per_page: int, shown: range, total: int, pages: int) -> None:
    found = page_of(range(rows), page, per_page)
    assert (found.data, found.total, found.total_pages) == (list(shown), total, pages)


def test_no_more_is_read_than_it_takes() -> None:
    endless = count()
    found = page_of(endless, 3, 10)
    assert (found.data, found.total) == (list(range(20, 30)), 30 + COUNTED_AHEAD)
    assert next(endless) == 30 + COUNTED_AHEAD


@given(st.integers(0, 3 * COUNTED_AHEAD), st.integers(1, 2 * MOST_A_PAGE))
def test_who_goes_on_until_the_last_page_sees_every_row_once(rows: int, per_page: int) -> None:
    seen: list[int] = []
    page = 1
    while True:
        found = page_of(range(rows), page, per_page)
        seen += found.data
        if page >= found.total_pages:
            break
        page += 1
    assert seen == list(range(rows))
    assert found.total == rows
