"""A transcript's entries as lines for a person: when, who, what. Pure.

00:00.0 app    ← POST http://127.0.0.1:5000/voice (CallStatus=ringing)
00:00.0 app    → 200, 3 verbs: Answer Gather Hangup
00:00.0 say    "For sales press 1."
00:02.1 caller pressed 1
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from ringback.dialects.voxtelesys import CALL_PARAMETERS
from ringback.live.transcript import (
    Began,
    Ended,
    Entry,
    Leg,
    Paid,
    Played,
    Pressed,
    Problem,
    Recorded,
    Replied,
    Requested,
    Spoke,
    Variable,
    Webhook,
)

Tone = Literal["plain", "app", "heard", "party", "quiet", "good", "bad", "warn"]

_TOLD: Final = frozenset(("CallStatus", "Vars", "AnsweredBy"))
_EVERY_REQUEST_HAS: Final = frozenset(parameter.name for parameter in CALL_PARAMETERS) - _TOLD
_WHO_WIDTH: Final = 6
_LONGEST: Final = 2_000
"""Characters of a text on a line: what is longer is in the JSON."""
_AROUND: Final = 100
"""Characters of a document's line that are shown."""


class Line(Struct, frozen=True):
    """One line. `at` and `who` are empty for one that goes on with the line before it."""

    at: str
    who: str
    text: str
    tone: Tone = "plain"

    def __str__(self) -> str:
        return f"{self.at:7} {self.who:{_WHO_WIDTH}} {self.text}".rstrip()


def clock_text(at_ms: int) -> str:
    """`01:02.3`: minutes, seconds and tenths since the call began, cut."""
    return f"{at_ms // 60_000:02}:{at_ms // 1000 % 60:02}.{at_ms // 100 % 10}"


def lines_of(entry: Entry, *, whole: bool = False) -> list[Line]:
    """An entry's lines. `whole`: requests, their answers and webhooks with headers and bodies."""
    (who, text, tone), *more = _TELL[type(entry)](entry, whole)
    first = Line(clock_text(entry.at_ms), who, _one_line(text), tone)
    return [first, *(Line("", "", _printable(text), tone) for _, text, tone in more)]


def text_of(entries: Iterable[Entry], *, whole: bool = False) -> str:
    """A whole transcript."""
    return "".join(f"{line}\n" for entry in entries for line in lines_of(entry, whole=whole))


Told = Iterable[tuple[str, str, Tone]]


def _printable(text: str) -> str:
    """Nothing that an application says may steer a terminal."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def _one_line(text: str) -> str:
    line = _printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _more(text: str, tone: Tone = "quiet") -> tuple[str, str, Tone]:
    return "", text, tone


def _began(entry: Began, _whole: bool) -> Told:
    yield "call", f"{entry.direction} from {entry.from_} to {entry.to} ({entry.at}, {entry.call})", "quiet"


def _requested(entry: Requested, whole: bool) -> Told:
    told = [f"{name}={value}" for name, value in entry.parameters if _is_telling(name)]
    again = f", try {entry.try_}" if entry.try_ > 1 else ""
    name = "" if entry.asks else f" {entry.name}"
    said = f" ({', '.join(told)})" if told else ""
    yield "app", f"← {entry.method} {entry.page}{name}{said}{again}", "app"
    if whole:
        yield from (_more(f"{name}: {value}") for name, value in entry.headers)
        yield from (_more(f"{name}={value}") for name, value in entry.parameters if not name.startswith("Vars."))


def _is_telling(name: str) -> bool:
    return name not in _EVERY_REQUEST_HAS and not name.startswith("Vars.")


def _replied(entry: Replied, whole: bool) -> Told:
    if entry.error:
        yield "app", f"→ {entry.error}: {entry.detail}", "bad"
    elif entry.status is None:  # a file
        yield "app", f"→ {_document(entry)}", "bad" if entry.verbs is None else "app"
    else:
        document = f", {_document(entry)}" if entry.verbs is not None else ""
        yield "app", f"→ {entry.status}{document}", "app" if 200 <= entry.status < 300 else "bad"
    if whole:
        yield from (_more(line) for line in entry.body.splitlines())


def _document(entry: Replied) -> str:
    verbs = entry.verbs
    if not verbs:
        return "no document" if verbs is None else "an empty document"
    return f"{len(verbs)} verb{'s' if len(verbs) > 1 else ''}: {' '.join(verbs)}"


_OWN: Final = ("caller", "callee")
"""The party of the call's own leg."""
_PLAYED: Final[Mapping[str, tuple[str, str]]] = {
    "speech": ("say", '"{}"'),
    "sound": ("play", "{}"),
    "silence": ("pause", "{} s"),
    "tones": ("play", "keys {}"),
    "ringing": ("play", "ringing ({})"),
}


def _played(entry: Played, _whole: bool) -> Told:
    who, form = _PLAYED[entry.what]
    listener = "" if entry.who in _OWN else f"to {entry.who}: "
    yield who, listener + form.format(entry.value), "heard"


def _pressed(entry: Pressed, _whole: bool) -> Told:
    yield _party(entry.who, f"pressed {entry.keys}", "party")


def _spoke(entry: Spoke, _whole: bool) -> Told:
    said = f'said "{entry.text}" ({entry.confidence:g})' if entry.text else "was not understood, or said nothing"
    yield _party(entry.who, said, "party")


def _party(who: str, text: str, tone: Tone) -> tuple[str, str, Tone]:
    """Who it was in the narrow column; a number that was dialled stands in the text."""
    return (who, text, tone) if len(who) <= _WHO_WIDTH else ("callee", f"{who} {text}", tone)


_LEG: Final[Mapping[str, str]] = {
    "rang": "rings",
    "answered": "answered",
    "bridged": "can hear each other now",
    "rejected": "refused",
}


def _leg(entry: Leg, _whole: bool) -> Told:
    if entry.state == "dialled":
        yield "dial", f"{entry.to} as {entry.caller_id}", "plain"
    elif entry.state == "answered" and entry.who == "caller":
        yield "call", "answered", "plain"
    elif entry.state == "bridged":
        yield "call", f"connected with {entry.who}", "plain"
    elif entry.state == "ended":
        by = {"caller": ", by the caller", "callee": ", by the callee", "us": ", by us"}.get(entry.by, "")
        sip = f" (SIP {entry.sip_status})" if entry.sip_status is not None else ""
        yield _party(entry.who, f"is off the line: {entry.status}{by}{sip}", "plain")
    else:
        yield _party(entry.who, f"{_LEG[entry.state]}{f', {entry.amd}' if entry.amd else ''}", "plain")


def _recorded(entry: Recorded, _whole: bool) -> Told:
    of = "" if entry.who in _OWN else f" of {entry.who}"
    if entry.state == "completed":
        yield "record", f"{entry.duration_s} s{of}, ended by {entry.why}: {entry.url}", "plain"
    else:
        yield "record", ("begins" if entry.state == "in-progress" else "failed") + of, "plain"


def _variable(entry: Variable, _whole: bool) -> Told:
    yield "var", f"{entry.name} removed" if entry.value is None else f'{entry.name} = "{entry.value}"', "quiet"


def _paid(entry: Paid, _whole: bool) -> Told:
    what = f"{entry.amount} {entry.currency}" if entry.amount.strip("0.") else "a token"
    if entry.error:
        yield "pay", f"{entry.connector}: {what} refused: {entry.error}{f' ({entry.code})' if entry.code else ''}", "warn"
    else:
        proof = ", ".join(filter(None, (entry.confirmation, entry.token)))
        yield "pay", f"{entry.connector}: {what}, {proof or 'done'}", "good"


def _webhook(entry: Webhook, whole: bool) -> Told:
    yield "hook", f"{entry.dialect} {entry.name}", "quiet"
    if whole:
        yield _more(f"{entry.method} {entry.url}")
        yield from (_more(f"{name}: {value}") for name, value in entry.headers)
        yield from (_more(line) for line in entry.body.splitlines())


def _problem(entry: Problem, _whole: bool) -> Told:
    tone: Tone = "bad" if entry.severity == "error" else "warn"
    at = f", line {entry.line}, column {entry.column}" if entry.line else ""
    where = f"{entry.page}{at}: " if entry.page else ""
    yield (
        "error" if entry.severity == "error" else "warn",
        f"{where}{entry.message}{f' ({entry.hint})' if entry.hint else ''}",
        tone,
    )
    if entry.source:
        yield from (_more(line) for line in caret(entry.source, entry.line, entry.column))


def caret(source: str, line: int, column: int) -> Iterator[str]:
    """The line, and under it a caret at the column (from 1); of a long line what is around it."""
    number, at, shown = f"{line}", column - 1, source.replace("\t", " ")
    if len(shown) > _AROUND:
        start = max(0, min(at - _AROUND // 3, len(shown) - _AROUND))
        head, tail = "…" if start else "", "…" if start + _AROUND < len(shown) else ""
        shown, at = f"{head}{shown[start : start + _AROUND]}{tail}", at - start + len(head)
    yield f"{number} | {shown}"
    yield f"{' ' * len(number)} | {' ' * at}^"


def _ended(entry: Ended, _whole: bool) -> Told:
    by = f", ended by {'us' if entry.ended_by == 'switch' else f'the {entry.ended_by}'}" if entry.ended_by else ""
    hooks = ", ".join(f"{dialect} {count}" for dialect, count in entry.webhooks.items())
    counts = [f"{entry.requests} request{'' if entry.requests == 1 else 's'}"]
    counts.append(f"{entry.documents} document{'' if entry.documents == 1 else 's'}")
    counts += [f"webhooks: {hooks}"] if hooks else []
    counts += [f"{entry.errors} error{'' if entry.errors == 1 else 's'}"] if entry.errors else []
    text = f"{entry.status} after {entry.duration_s} s, answered for {entry.answered_s} s{by}; {', '.join(counts)}"
    yield "end", text, "bad" if entry.errors else "good"


_TELL: Final[Mapping[type[Entry], Callable[[Any, bool], Told]]] = {
    Began: _began,
    Requested: _requested,
    Replied: _replied,
    Played: _played,
    Pressed: _pressed,
    Spoke: _spoke,
    Leg: _leg,
    Recorded: _recorded,
    Variable: _variable,
    Paid: _paid,
    Webhook: _webhook,
    Problem: _problem,
    Ended: _ended,
}
