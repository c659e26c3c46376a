"""Which part of a file a Range header asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.api.ranges import Unsatisfiable, wanted_part


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("Bytes=10-19", (10, 10)),
        ("bytes=90-", (90, 10)),
        ("bytes=90-1000", (90, 10)),
        ("bytes=-10", (90, 10)),
        ("bytes=-1000", (0, 100)),
        (" bytes= 0-1 ", (0, 2)),
        ("bytes=9-3", None),
        ("bytes=0-1,4-5", None),
        ("bytes=a-b", None),
        ("bytes=²-", None),
        ("bytes=-", None),
        ("items=0-1", None),
        ("bytes=0-" + "9" * 30, None),
    ],
)
def test_a_part_of_a_hundred_bytes(header: str | None, part: tuple[int, int] | None) -> None:
    assert wanted_part(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_with_nothing_in_it(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        wanted_part(header, 100)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"bytes=\d*-\d*", fullmatch=True)), st.integers(1, 1000))
def test_a_part_lies_in_the_file(header: str, size: int) -> None:
    try:
        part = wanted_part(header, size)
    except Unsatisfiable:
        return
    if part is not None:
        first, length = part
        assert 0 <= first < first + length <= size
