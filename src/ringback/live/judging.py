"""What became of expectations: found or not, where, and what was there instead. Pure.

They are looked for in the order in which they are given, each after the place at which the one before it was found. Those that
speak of the whole call, and those that begin with `never`, stand for themselves.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from ringback.dialects.encoding import Pair
from ringback.live.expectations import KINDS, Expectation, Kind, Pattern
from ringback.live.telling import clock_text, lines_of
from ringback.live.transcript import Ended, Entry, Problem, Transcript

_PUNCTUATION: Final = str.maketrans("", "", " +-().")


class Verdict(Struct, frozen=True, kw_only=True):
    """What became of one. `at`: where it was found in the transcript (from 0), or, if it failed, where one stood that would have
    done elsewhere; None: nowhere. `why`: what is wrong, and what was there instead."""

    expectation: Expectation
    ok: bool
    at: int | None = None
    why: str = ""

    def __str__(self) -> str:
        return f"{self.expectation.text}: {self.why}" if self.why else self.expectation.text


def judge(expectations: Iterable[Expectation], transcript: Transcript) -> list[Verdict]:
    """What became of each, for a call that is over."""
    verdicts: list[Verdict] = []
    after = -1
    for expectation in expectations:
        verdict = _judge(expectation, transcript, after)
        verdicts.append(verdict)
        if verdict.ok and verdict.at is not None:
            after = verdict.at
    return verdicts


def unexpected(expectations: Iterable[Expectation], transcript: Transcript) -> list[Problem]:
    """The problems that fail a run: those errors that no `warns` speaks of."""
    told = [one for one in expectations if one.kind == "warns" and not one.never]
    return [problem for problem in transcript.errors if not any(_fits(one, KINDS["warns"], problem) for one in told)]


def _judge(wanted: Expectation, transcript: Transcript, after: int) -> Verdict:
    kind, entries = KINDS[wanted.kind], transcript.entries
    if kind.entry is None:
        holds, found = _OF_WHOLE[wanted.kind](wanted.what or Pattern(""), transcript.ended)
        ok = holds is not wanted.never
        return Verdict(expectation=wanted, ok=ok, why="" if ok else found)
    places = [at for at, entry in enumerate(entries) if _fits(wanted, kind, entry)]
    if wanted.never:
        if not places:
            return Verdict(expectation=wanted, ok=True)
        return Verdict(expectation=wanted, ok=False, at=places[0], why=f"it is there: {_shown(entries[places[0]])}")
    for at in places:
        if at > after:
            return Verdict(expectation=wanted, ok=True, at=at)
    if places:
        why = f"it is there, but before {_shown(entries[after])!r}: {_shown(entries[places[-1]])}"
        return Verdict(expectation=wanted, ok=False, at=places[-1], why=why)
    return Verdict(expectation=wanted, ok=False, why=_nearest(wanted, kind, entries))


# One entry
def _fits(wanted: Expectation, kind: Kind, entry: Entry) -> bool:
    value = _value(kind, entry)
    if value is None or (wanted.what is not None and not _is(wanted.what, kind, value)):
        return False
    if wanted.method and wanted.method != getattr(entry, "method", ""):
        return False
    return all(_has(entry, name, pattern) for name, pattern in wanted.parameters)


def _value(kind: Kind, entry: Entry) -> str | None:
    return kind.value(entry) if kind.entry is not None and isinstance(entry, kind.entry) else None


def _is(wanted: Pattern, kind: Kind, value: str) -> bool:
    match kind.what:
        case "text":
            return re.search(wanted.text, value) is not None if wanted.regex else _plain_text(wanted.text) in _plain_text(value)
        case "path":
            return any(_equals(wanted, form) for form in _forms(value))
        case "number":
            return _plain_number(wanted.text) == _plain_number(value)
        case _:
            return _equals(wanted, value)


def _equals(wanted: Pattern, value: str) -> bool:
    """`*` stands for anything, and nothing else does."""
    return fnmatchcase(value, wanted.text.replace("[", "[[]").replace("?", "[?]"))


def _plain_text(text: str) -> str:
    return " ".join(text.split()).casefold()


def _plain_number(number: str) -> str:
    return number.translate(_PUNCTUATION).casefold()


def _forms(url: str) -> Sequence[str]:
    """All that a URL may be called: whole, without its query, its path with and without one, without its slash, its last part."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return (
        url,
        url.removesuffix(query),
        parts.path + query,
        parts.path,
        parts.path.removeprefix("/"),
        parts.path.rpartition("/")[2],
    )


def _parameters(entry: Entry) -> tuple[Pair, ...]:
    pairs: tuple[Pair, ...] = getattr(entry, "parameters", ())
    return pairs


def _has(entry: Entry, name: str, wanted: Pattern) -> bool:
    """An empty value is wanted: then the parameter may also be missing."""
    values = [value for has, value in _parameters(entry) if has == name]
    return any(_equals(wanted, value) for value in values) or (not values and not wanted.text)


# The whole call
def _status(wanted: Pattern, ended: Ended) -> tuple[bool, str]:
    return _equals(wanted, ended.status), f"the call's status is {ended.status}"


def _variable(wanted: Pattern, ended: Ended) -> tuple[bool, str]:
    name, _, value = wanted.text.partition("=")
    known = ended.variables.get(name)
    if known is not None or not value:
        return _equals(Pattern(value), known or ""), f'{name} is "{known or ""}"'
    near = get_close_matches(name, ended.variables, n=1, cutoff=0.5)
    others = f'{near[0]} is "{ended.variables[near[0]]}"' if near else f"set are {', '.join(ended.variables) or 'none'}"
    return False, f"{name} is not set; {others}"


def _time(wanted: Pattern, ended: Ended) -> tuple[bool, str]:
    return ended.at_ms <= float(wanted.text) * 1000, f"it took {ended.at_ms / 1000:g} s"


_OF_WHOLE: Final[Mapping[str, Callable[[Pattern, Ended], tuple[bool, str]]]] = {"status": _status, "var": _variable, "ends": _time}


# What was there instead
def _nearest(wanted: Expectation, kind: Kind, entries: Sequence[Entry]) -> str:
    """Of the same kind, the one that is most like it."""
    found = [(entry, value) for entry in entries if (value := _value(kind, entry)) is not None]
    if not found:
        return "there is nothing of the kind"
    what = wanted.what
    same = [(entry, value) for entry, value in found if what is None or _is(what, kind, value)]
    entry, _ = max(same or found, key=lambda pair: _likeness("" if what is None else what.text, pair[1], kind))
    wrong = [_told(entry, name) for name, pattern in wanted.parameters if same and not _has(entry, name, pattern)]
    count = f" of {len(found)}" if len(found) > 1 else ""
    return f"the nearest{count}: {'; '.join([_shown(entry), *wrong])}"


def _told(entry: Entry, name: str) -> str:
    values = [value for has, value in _parameters(entry) if has == name]
    return f"{name} is {', '.join(map(repr, values))}" if values else f"there is no {name}"


def _likeness(text: str, value: str, kind: Kind) -> float:
    forms = _forms(value) if kind.what == "path" else (value,)
    return max(SequenceMatcher(None, text.casefold(), form.casefold()).ratio() for form in forms)


def _shown(entry: Entry) -> str:
    line = lines_of(entry)[0]
    return f"{clock_text(entry.at_ms)} {line.who} {line.text}"
