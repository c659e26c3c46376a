"""What can be wrong with a document, and how much: the table of codes, and one such thing at its place."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final, Literal

from msgspec import Struct

from ringback.errors import InvalidInput

Severity = Literal["error", "warning"]


class Problem(Struct, frozen=True):
    """One thing that is wrong. `line`, `column`: from 1, of what is wrong; columns are characters. `code`: one of CODES. `message`:
    what is wrong and what was expected. `hint`: what was probably meant, or what helps; perhaps empty."""

    line: int
    column: int
    severity: Severity
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class BadDocument(InvalidInput):
    """A document that cannot be run. `problems`: all of them, in the document's order; `first` is the first that stops it."""

    def __init__(self, problems: tuple[Problem, ...], first: Problem) -> None:
        super().__init__(str(first))
        self.problems = problems
        self.first = first


class Code(Struct, frozen=True):
    """A kind of problem. `runs`: a call goes on all the same; `about` says how. Errors that run are errors of the checker alone."""

    severity: Severity
    runs: bool
    about: str


def _stops(about: str) -> Code:
    return Code("error", runs=False, about=about)


def _tolerated(about: str) -> Code:
    return Code("error", runs=True, about=about)


def _warns(about: str) -> Code:
    return Code("warning", runs=True, about=about)


CODES: Final[dict[str, Code]] = {
    # The text
    "too-large": _stops("More than 64 kB."),
    "encoding": _stops("Not UTF-8, or declared as something else."),
    "nul": _stops("A NUL character."),
    "xml": _stops("Not well-formed XML."),
    "doctype": _stops("A document type. Entities are declared there, and nothing of it is read."),
    "entity": _stops("An entity that XML does not know by itself: there are `&amp;` `&lt;` `&gt;` `&quot;` `&apos;` and numbers."),
    "too-deep": _stops("Elements nested more than 32 deep."),
    "too-many-elements": _stops("More than 2,000 elements."),
    # Elements
    "root": _stops("The root is not `Response`."),
    "unknown-element": _stops("No element of VoXML."),
    "wrong-place": _stops("An element where it may not be."),
    "unexpected-text": _stops("Text where none belongs."),
    "missing-body": _stops("An element without the text or the child that it needs."),
    "two-bodies": _stops(
        "Two things of which one may be there: text and Numbers in a Dial, a URL and digits in a Play, two Flows."
    ),
    "too-many-numbers": _stops("More than 10 Numbers in a Dial."),
    # Attributes and bodies
    "missing-attribute": _stops("An attribute that must be there is not."),
    "bad-value": _stops("A value that is none of those allowed."),
    "out-of-range": _stops("A number outside its range, or text over its length."),
    "bad-expression": _stops("An expression that cannot be read."),
    "unknown-attribute": _tolerated("An attribute that the element does not have. A call goes on without it."),
    "value-case": _tolerated("A known word in other capitals. A call takes it as meant."),
    "empty-value": _tolerated("An attribute without a value. A call goes on as if it were not there."),
    "long-value": _tolerated("A Set of more than 50 characters. A call cuts it there."),
    # What runs, and is surely not meant
    "lowered": _warns("A number over a limit of ours. The limit is taken instead."),
    "empty-document": _warns("Nothing to do: the call ends."),
    "nothing-said": _warns("A Say without text."),
    "unreachable": _warns("Verbs that are never run, because of what stands before them."),
    "late-reject": _warns("A Reject that is not the first verb. After an answer it hangs up."),
    "runs-once": _warns("A Do without maxLoops: it runs once at most, as an If does."),
    "input-lost": _warns("A Gather with neither action nor output: nobody learns what was entered."),
    "no-effect": _warns("An attribute that does nothing without another one."),
    "long-text": _warns("More than 3,000 characters to be spoken; the vendor takes no more."),
    "voice-language": _warns("A voice that does not speak the language, as far as known."),
    "unknown-voice": _warns("A voice of no engine that is known."),
    "unknown-language": _warns("A language that is not among those known for this."),
    "unknown-ssml": _warns("An element in a Say that is not known from SSML. It is handed on."),
    "tags-in-text": _warns("Markup that was escaped: it is read out, tags and all."),
    "variable-in-text": _warns("`${name}` outside an expression: it is taken as it stands."),
    "reserved-name": _warns("An output named `do`: `do.n` is the number of the pass."),
    "several-keys": _warns("More than one finishOnKey in a Gather. Any of them ends it here; one is documented."),
    "number-form": _warns("A number in no international form: whether it can be called depends on where the call is made."),
    "not-https": _warns("A URL with http: it is fetched only where the operator allows that."),
    "namespace": _warns("A namespace or a prefixed attribute: not looked at."),
}
"""Every problem has one of these codes."""


def problem(code: str, place: tuple[int, int], message: str, hint: str = "") -> Problem:
    """One of the table's kind. `place`: line and column."""
    return Problem(*place, CODES[code].severity, code, message, hint)


_SHOWN: Final = 60
_LONGEST_WORD: Final = 50


def shown(text: str) -> str:
    """Something of the document's in a message: in quotes, on one line, not too long."""
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return '"' + "".join(char if char.isprintable() else "\N{MIDDLE DOT}" for char in cut) + '"'


def meant(word: str, known: Iterable[str]) -> str:
    """`did you mean …?`, or nothing if no known word is near."""
    if len(word) > _LONGEST_WORD:
        return ""
    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), names, n=1, cutoff=0.65)
    return f'did you mean "{names[near[0]]}"?' if near else ""
