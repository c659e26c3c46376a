"""Where in a document something is wrong, as a person points at it: the line, the one before it, and a caret. Pure."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

AROUND: Final = 90
"""Characters of a long line that are shown, around the place."""
_BEFORE: Final = 30


class Row(NamedTuple):
    """A line of the document, perhaps cut. `caret`: how many characters stand before the place, None: it is on another line."""

    number: int
    text: str
    caret: int | None


class Excerpt(NamedTuple):
    """A problem (as the API tells it) with the lines that show it."""

    problem: Any
    rows: tuple[Row, ...]


def excerpts(document: str, problems: Sequence[Any]) -> list[Excerpt]:
    """Each problem with its lines."""
    lines = document.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [Excerpt(problem, tuple(_rows(lines, problem["line"], problem["column"]))) for problem in problems]


def _rows(lines: Sequence[str], line: int, column: int) -> list[Row]:
    if not 1 <= line <= len(lines):
        return []
    before = [Row(line - 1, _cut(lines[line - 2], 0)[0], None)] if line > 1 and lines[line - 2].strip() else []
    text, skipped = _cut(lines[line - 1], max(0, column - 1))
    return [*before, Row(line, text, min(len(text), max(0, column - 1 - skipped)))]


def _cut(line: str, place: int) -> tuple[str, int]:
    """The part of a line around a place, and how many characters it begins after. Tabs count as one, as columns do."""
    start = max(0, place - _BEFORE) if len(line) > AROUND else 0
    shown = "".join(char if char.isprintable() else " " for char in line[start : start + AROUND])
    if start:
        shown, start = f"…{shown}", start - 1
    return (f"{shown}…" if start + len(shown) < len(line) else shown), start
