"""Cells of a table: whatever was reported, no spreadsheet runs it, and it is read back as it was."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from ringback.api.cells import cell, written

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


@given(st.text())
def test_what_begins_as_a_formula_does_not(text: str) -> None:
    made = cell(text)
    if text.startswith(DANGEROUS):
        assert made == f"'{text}" or made.lstrip("+-").replace(".", "", 1).isdigit()
    else:
        assert made == text


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4), max_size=5))
def test_rows_are_read_back_as_they_were_written(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(written(rows).decode(), newline="")))
    assert read == [[cell(value) for value in row] for row in rows]


def test_values_that_are_no_text() -> None:
    assert [cell(value) for value in (None, True, False, 0, -5, 1.5)] == ["", "true", "false", "0", "-5", "1.5"]


def test_numbers_of_phones_stay_numbers() -> None:
    assert cell("+61288880000") == "+61288880000"
    assert cell("+61288880000=1") == "'+61288880000=1"
    assert cell("+1+1") == "'+1+1"
    assert cell("-") == "'-"
