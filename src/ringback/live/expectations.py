"""What a developer expects of a simulated call, in a line each: `says 'sales'`, `asks /v/sales with Digits=1`, `never dials`.

A line is `[never] KIND [WHAT] [with NAME=VALUE, NAME=VALUE]`; KINDS is the table of kinds. `live.judging` says what became of it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, NoReturn

from msgspec import Struct

from ringback.dialects import load_dialects
from ringback.errors import InvalidInput
from ringback.live.transcript import Entry, Leg, Paid, Played, Pressed, Problem, Recorded, Requested, Spoke, Variable, Webhook

What = Literal["text", "path", "number", "word", "assignment", "time"]
"""`text`: a part of a text in any capitals, or `/a regular expression/`. `path`, `word`: all of it, `*` stands for anything; of a
URL its path is enough, or its last part. `number`: however it is written. `assignment`: NAME=VALUE. `time`: `within 30s`."""


class ExpectationError(InvalidInput):
    """An expectation that cannot be read."""

    def __init__(self, text: str, message: str) -> None:
        super().__init__(f"{text!r}: {message}", "expect")


class Pattern(Struct, frozen=True):
    """What is looked for."""

    text: str
    regex: bool = False


class Kind(Struct, frozen=True):
    """A kind of expectation. `optional`: what follows may be left out. `entry`: what it is looked for among, None: it speaks of the
    call as a whole. `value`: what an entry is compared by, None: it is none of this kind."""

    what: What
    entry: type[Entry] | None
    about: str
    example: str
    value: Callable[[Any], str | None] = lambda _: None
    optional: bool = False
    takes_with: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "says": Kind(
        "text",
        Played,
        "Somebody hears a text that has this in it.",
        "says 'for sales'",
        lambda entry: entry.value if entry.what == "speech" else None,
    ),
    "plays": Kind(
        "path",
        Played,
        "Somebody hears a file.",
        "plays welcome.wav",
        lambda entry: entry.value if entry.what == "sound" else None,
    ),
    "asks": Kind(
        "path",
        Requested,
        "The application is asked for a document.",
        "asks /v/sales with Digits=1",
        lambda entry: entry.url if entry.asks else None,
        optional=True,
        takes_with=True,
    ),
    "tells": Kind(
        "path",
        Requested,
        "The application is told something: of a recording, of a payment.",
        "tells /v/recording with RecordingStatus=completed",
        lambda entry: None if entry.asks else entry.url,
        optional=True,
        takes_with=True,
    ),
    "presses": Kind("word", Pressed, "A party presses keys.", "presses 1", lambda entry: entry.keys, optional=True),
    "hears": Kind(
        "text",
        Spoke,
        "What a party says is understood as a text that has this in it.",
        "hears /sales|support/",
        lambda entry: entry.text,
    ),
    "sets": Kind(
        "assignment",
        Variable,
        "A variable gets this value.",
        "sets menu.digits=1",
        lambda entry: None if entry.value is None else f"{entry.name}={entry.value}",
    ),
    "dials": Kind(
        "number",
        Leg,
        "A number is called.",
        "dials +13005550100",
        lambda entry: entry.to if entry.state == "dialled" else None,
        optional=True,
    ),
    "answers": Kind(
        "number",
        Leg,
        "The call is answered, or the number that was dialled.",
        "answers +13005550100",
        lambda entry: entry.to if entry.state == "answered" else None,
        optional=True,
    ),
    "connects": Kind(
        "number",
        Leg,
        "The caller and the number that was dialled can hear each other.",
        "connects",
        lambda entry: entry.to if entry.state == "bridged" else None,
        optional=True,
    ),
    "records": Kind(
        "word",
        Recorded,
        "A recording is `in-progress`, `completed` or `failed`.",
        "records completed",
        lambda entry: entry.state,
        optional=True,
    ),
    "pays": Kind(
        "word",
        Paid,
        "A payment connector answers: `approved`, or what went wrong.",
        "pays approved",
        lambda entry: entry.error or "approved",
        optional=True,
    ),
    "webhook": Kind(
        "word",
        Webhook,
        "An endpoint would get this event, in its dialect's own words.",
        "webhook inboundCallEnd with answeredDuration=12",
        lambda entry: entry.name,
        takes_with=True,
    ),
    "warns": Kind(
        "text",
        Problem,
        "Something is not as it should be, and the transcript says so.",
        "warns 'no keys were wanted'",
        lambda entry: entry.message,
    ),
    "status": Kind("word", None, "How the call ends.", "status completed"),
    "var": Kind("assignment", None, "A variable's value at the end; `var NAME=`: it is not set, or empty.", "var menu.digits=1"),
    "ends": Kind("time", None, "How long the call takes at most.", "ends within 30s"),
}
"""Every kind. Those that speak of the whole call stand last."""


class Expectation(Struct, frozen=True, kw_only=True):
    """One line, read. `what` None: any. `method`: of a request. `parameters`: what it must say."""

    text: str
    kind: str
    never: bool = False
    what: Pattern | None = None
    method: str = ""
    parameters: tuple[tuple[str, Pattern], ...] = ()


def dialects_of(expectations: Iterable[Expectation]) -> list[str]:
    """The dialects that have the events which webhooks are expected of. Raises ExpectationError for an event that none has."""
    found: list[str] = []
    for wanted in expectations:
        if wanted.kind == "webhook" and wanted.what is not None:
            pattern = wanted.what.text
            names = [
                name for name, dialect in load_dialects().items() if any(fnmatchcase(event, pattern) for event in dialect.events)
            ]
            if not names:
                raise ExpectationError(wanted.text, "no dialect has an event of that name")
            found += names
    return found


_TOKEN: Final = re.compile(r"""\s*(/(?:\\.|[^/\\])+/i?(?=\s|,|$)|(?:[^\s'",]|'[^']*'|"[^"]*")+|,|(?P<odd>['"])|$)""")
_TIME: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m)?")
_SCALE: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}
_METHODS: Final = ("GET", "POST")


def read_expectation(text: str) -> Expectation:
    """Reads a line. Raises ExpectationError, which says what was expected."""
    tokens = _tokens(text)
    never = tokens[:1] == ["never"]
    if never:
        del tokens[0]
    name = tokens[0] if tokens else ""
    kind = KINDS.get(name)
    if kind is None:
        near = get_close_matches(name, KINDS, n=1)
        raise ExpectationError(text, f"begins with none of {', '.join(KINDS)}{f'; {near[0]!r}?' if near else ''}")
    return _Reader(text, name, kind).read(tokens[1:], never=never)


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        assert match is not None
        if match["odd"]:
            raise ExpectationError(text, f"a text that begins with {match['odd']} and does not end")
        if not match[1]:
            return found
        found.append(match[1])
        at = match.end()


class _Reader:
    def __init__(self, text: str, name: str, kind: Kind) -> None:
        self._text = text
        self._name = name
        self._kind = kind

    def read(self, tokens: list[str], *, never: bool) -> Expectation:
        """What follows the kind."""
        what, parameters, method = tokens, [], ""
        if "with" in tokens:
            at = tokens.index("with")
            what, parameters = tokens[:at], [token for token in tokens[at + 1 :] if token not in (",", "and")]
            if not self._kind.takes_with:
                self._fail("'with' is for requests and webhooks")
            if not parameters:
                self._fail("expected NAME=VALUE after 'with'")
        if self._kind.entry is Requested and what and what[0] in _METHODS:
            method, *what = what
        return Expectation(
            text=self._text,
            kind=self._name,
            never=never,
            what=self._what(what),
            method=method,
            parameters=tuple(self._assignment(token) for token in parameters),
        )

    def _what(self, tokens: list[str]) -> Pattern | None:
        kind = self._kind
        if not tokens:
            return None if kind.optional else self._fail(f"expected {_A[kind.what]}, such as {kind.example!r}")
        if kind.what == "time":
            return self._time(tokens)
        if len(tokens) > 1:
            self._fail(f"expected {_A[kind.what]} and no more: put a text in quotes, such as {kind.example!r}")
        token = tokens[0]
        if kind.what == "assignment":
            name, value = self._assignment(token)
            return Pattern(f"{name}={value.text}")
        if kind.what == "text" and len(token) > 2 and token[0] == "/" and token.rstrip("i")[-1] == "/":
            return self._regex(token)
        return Pattern(_unquoted(token))

    def _regex(self, token: str) -> Pattern:
        body, _, flag = token[1:].rpartition("/")
        try:
            re.compile(body)
        except re.error as error:
            self._fail(f"{token} is no regular expression: {error}")
        return Pattern(f"(?i:{body})" if flag else body, regex=True)

    def _assignment(self, token: str) -> tuple[str, Pattern]:
        name, sign, value = token.partition("=")
        if not name or not sign:
            self._fail(f"expected NAME=VALUE, found {token}")
        return name, Pattern(_unquoted(value))

    def _time(self, tokens: list[str]) -> Pattern:
        match = _TIME.fullmatch(tokens[1]) if len(tokens) == 2 and tokens[0] == "within" else None
        if match is None:
            self._fail(f"expected a time, such as {self._kind.example!r}")
        return Pattern(str(float(match[1]) * _SCALE[match[2] or "s"]))

    def _fail(self, message: str) -> NoReturn:
        raise ExpectationError(self._text, message)


_A: Final[Mapping[What, str]] = {
    "text": "a text",
    "path": "a path or a URL",
    "number": "a number",
    "word": "a word",
    "assignment": "NAME=VALUE",
    "time": "a time",
}


def _unquoted(token: str) -> str:
    return token[1:-1] if len(token) > 1 and token[0] in "'\"" and token[0] == token[-1] else token
