"""Rows as CSV (RFC 4180), for spreadsheets: no cell is a formula there."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_HARMLESS: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
"""A number, of a phone too, calls nothing."""


def written(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV."""
    out = io.StringIO()
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def cell(value: Any) -> str:
    """A value as it may stand in a spreadsheet: what would be taken for a formula there begins with an apostrophe (OWASP, CSV
    injection), but for numbers."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _HARMLESS.fullmatch(text) else text
