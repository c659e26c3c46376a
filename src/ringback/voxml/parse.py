"""Reads a document: text in, values out, and everything that is wrong with it. The tables in `words` say what may be there.

A call that is going on is lenient: what a document says wrongly, and what can be run all the same, does not end it. Which errors
those are stands in the table of codes (`problem.CODES`); the checker, and `strict`, let none pass.
"""

from collections import OrderedDict
from hashlib import blake2b
from itertools import islice
from threading import Lock
from typing import Final

from msgspec import Struct

from ringback.voxml.build import MOST_PROBLEMS, Builder
from ringback.voxml.document import Document
from ringback.voxml.lint import flow_problems
from ringback.voxml.problem import CODES, BadDocument, Problem, problem
from ringback.voxml.read_xml import BOM, Malformed, Places, read_xml, source_of

__all__ = ["BadDocument", "Problem", "Reading", "check", "parse", "read"]

_KEPT_BYTES: Final = 1 << 20


class Reading(Struct, frozen=True):
    """What came of a document's text. `document` is None if it cannot be run; `problems` stand in the document's order."""

    document: Document | None
    problems: tuple[Problem, ...]

    def stopped_by(self, *, strict: bool) -> Problem | None:
        """The first error for which it is not run."""
        errors = (one for one in self.problems if one.severity == "error")
        return next((one for one in errors if strict or not CODES[one.code].runs), None)


def parse(content: bytes | str, strict: bool = False) -> Document:
    """The document. The same text gives the same value, shared between calls.

    Raises BadDocument for what cannot be run; with `strict`, for every error that `check` tells.
    """
    reading = _read_once(content)
    stopped = reading.stopped_by(strict=strict)
    if stopped is not None or reading.document is None:
        raise BadDocument(reading.problems, stopped or reading.problems[0])
    return reading.document


def check(content: bytes | str) -> list[Problem]:
    """Everything that is wrong with a document, errors and warnings, in its order. Of text that is no XML the first error alone. No
    errors: `parse(content, strict=True)` gives a document."""
    return list(read(content).problems)


def read(content: bytes | str) -> Reading:
    """The document and its problems at once: for a call's log, which tells what was passed over. Never raises."""
    try:
        source = source_of(content)
    except Malformed as error:
        places = Places(_raw(content).removeprefix(BOM))
        return Reading(None, (problem(error.code, places.of(error.offset), str(error), error.hint),))
    places = Places(source)
    try:
        root = read_xml(source)
    except Malformed as error:
        return Reading(None, (problem(error.code, places.of(error.offset), str(error), error.hint),))
    builder = Builder(places)
    document = builder.document(root)
    problems = [*builder.problems, *islice(flow_problems(document), MOST_PROBLEMS)]
    problems.sort(key=lambda one: (one.line, one.column))
    stops = any(not CODES[one.code].runs for one in problems)
    return Reading(None if stops else document, tuple(problems))


class _Kept:
    """Readings of the texts that came last, by their hash; as many as their texts fill so many bytes. What one call reads, others
    find: an application answers thousands of calls with the same menu."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._readings: OrderedDict[bytes, tuple[int, Reading]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> Reading | None:
        with self._lock:
            found = self._readings.get(key)
            if found is None:
                return None
            self._readings.move_to_end(key)
            return found[1]

    def put(self, key: bytes, size: int, reading: Reading) -> None:
        with self._lock:
            if key in self._readings:
                return
            self._readings[key] = (size, reading)
            self._bytes += size
            while self._bytes > self._most:
                _, (gone, _) = self._readings.popitem(last=False)
                self._bytes -= gone


_kept: Final = _Kept(_KEPT_BYTES)


def _read_once(content: bytes | str) -> Reading:
    raw = _raw(content)
    key = blake2b(raw, digest_size=16).digest()
    reading = _kept.get(key)
    if reading is None:
        reading = read(content)
        if reading.document is not None:
            _kept.put(key, len(raw), reading)
    return reading


def _raw(content: bytes | str) -> bytes:
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
