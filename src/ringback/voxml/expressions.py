"""The conditions of `If` and `Do`: comparisons of texts, joined by `&&` and `||`.

    either  = both { "||" both }
    both    = test { "&&" test }
    test    = "(" either ")" | operand [ ("==" | "!=" | "=~" | "!~") operand ]
    operand = 'quoted' | "quoted" | ${name} | word

Source: the vendor's page on expressions (`developer.voxtelesys.com/voxml/voice/expressions`) for the operators, `${name}`, quotes
around texts, and that either side may be a literal. A variable that is not set equals the empty text (the vendor's demo application
relies on it). All comparisons are of texts: `1` is not `01`. Ours, where the vendor says nothing:

- `&&` binds closer than `||`; parentheses group.
- `=~` finds the pattern anywhere in the text; `^` and `$` anchor it. Patterns are RE2's: no back references, no look-around, and
  time in proportion to the text, whatever the pattern.
- On the right of `=~` and `!~` a pattern may stand without quotes, if it has no blanks; `||` and `&&` outside its brackets end it.
- `${name}` inside quotes is replaced by the variable's value. In quotes, a backslash before the same quote stands for that quote;
  any other backslash is itself.
- A text without an operator holds unless it is empty, `0` or `false`. An empty expression holds.
- An expression has at most 1,000 characters, a pattern 200.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import re2
from msgspec import Struct

from ringback.errors import InvalidInput

MAX_EXPRESSION: Final = 1000
MAX_PATTERN: Final = 200
_MAX_DEPTH: Final = 20
_FALSE: Final = frozenset({"", "0", "false"})


# What an expression is compiled to
class Text(Struct, frozen=True):
    """A literal."""

    value: str


class Variable(Struct, frozen=True):
    """`${name}`."""

    name: str


class Joined(Struct, frozen=True):
    """A quoted text with variables in it."""

    parts: tuple[Text | Variable, ...]


Operand = Text | Variable | Joined


class Holds(Struct, frozen=True):
    """An operand without an operator."""

    operand: Operand


class Equals(Struct, frozen=True):
    """`==` and `!=`."""

    left: Operand
    right: Operand
    negated: bool


class Matches(Struct, frozen=True):
    """`=~` and `!~`."""

    left: Operand
    pattern: Operand
    negated: bool


class Both(Struct, frozen=True):
    """All of them hold."""

    tests: tuple["Expression", ...]


class Either(Struct, frozen=True):
    """At least one of them holds."""

    tests: tuple["Expression", ...]


Expression = Holds | Equals | Matches | Both | Either


# What others call
def check(text: str) -> None:
    """Raises InvalidInput, with the position (characters from 1) in its message, if the expression cannot be read."""
    compile(text)


@lru_cache(maxsize=1024)
def compile(text: str) -> Expression:
    """The expression, ready to be evaluated many times. Raises InvalidInput as `check` does."""
    if len(text) > MAX_EXPRESSION:
        raise InvalidInput(f"an expression has at most {MAX_EXPRESSION:,} characters")
    return _Reader(text).whole()


def evaluate(expression: Expression, variables: Mapping[str, str], broken: list[str] | None = None) -> bool:
    """Does it hold? A pattern that comes out of a variable and is none makes its test false; why is added to `broken`, without what
    the variable holds."""
    match expression:
        case Equals(left, right, negated):
            return (_value(left, variables) == _value(right, variables)) is not negated
        case Matches(left, pattern, negated):
            found = _found(_value(pattern, variables), _value(left, variables), broken)
            return found is not None and found is not negated
        case Both(tests):
            return all(evaluate(test, variables, broken) for test in tests)
        case Either(tests):
            return any(evaluate(test, variables, broken) for test in tests)
        case Holds(operand):
            return _value(operand, variables).lower() not in _FALSE


def _value(operand: Operand, variables: Mapping[str, str]) -> str:
    match operand:
        case Text(value):
            return value
        case Variable(name):
            return variables.get(name, "")
        case Joined(parts):
            return "".join(_value(part, variables) for part in parts)


# Patterns
def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = 1 << 17  # bounds what a pattern may take, compiled and at work; enough for 200 characters of an honest one
    options.never_capture = True
    options.log_errors = False
    return options


_OPTIONS: Final = _options()


@lru_cache(maxsize=256)
def _pattern(text: str) -> "re2._Regexp | str":
    """The pattern, or why it is none."""
    if len(text) > MAX_PATTERN:
        return f"a pattern has at most {MAX_PATTERN} characters"
    try:
        return re2.compile(text, _OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    except UnicodeError:
        return "not valid Unicode"


def _found(pattern: str, text: str, broken: list[str] | None) -> bool | None:
    """None if there is no such pattern."""
    compiled = _pattern(pattern)
    if isinstance(compiled, str):
        if broken is not None:
            broken.append(f"a pattern that came out of a variable is none: {compiled.partition(':')[0]}")
        return None
    try:
        return compiled.search(text) is not None
    except UnicodeError:  # lone surrogates, which no text that came over a wire has
        return False


# Reading
_BLANK: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[^\s'\"()=!&|$]+")
_NAME: Final = re.compile(r"\$\{([^{}$'\"\s]{1,60})\}")
_OPERATOR: Final = re.compile(r"==|!=|=~|!~")


class _Reader:
    """Recursive descent over one text; `_at` is how far it has read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        self._skip()
        if self._at == len(self._text):
            return Holds(Text("true"))
        found = self._either()
        if self._at < len(self._text):
            raise self._wrong(f"`{self._text[self._at]}` is not expected here")
        return found

    def _either(self) -> Expression:
        tests = [self._both()]
        while self._take("||"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else Either(tuple(tests))

    def _both(self) -> Expression:
        tests = [self._test()]
        while self._take("&&"):
            tests.append(self._test())
        return tests[0] if len(tests) == 1 else Both(tuple(tests))

    def _test(self) -> Expression:
        if self._take("("):
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise self._wrong("parentheses are nested too deeply")
            inner = self._either()
            if not self._take(")"):
                raise self._wrong("`)` is missing")
            self._depth -= 1
            return inner
        left = self._operand()
        operator = _OPERATOR.match(self._text, self._at)
        if operator is None:
            return Holds(left)
        self._at = operator.end()
        self._skip()
        negated = operator[0][0] == "!"
        if operator[0][1] == "=":
            return Equals(left, self._operand(), negated)
        start = self._at
        right = self._operand() if self._text[start : start + 1] in ("'", '"') or self._names() else self._bare_pattern()
        if isinstance(right, Text) and isinstance(why := _pattern(right.value), str):
            self._at = start
            raise self._wrong(f"not a pattern: {why}")
        return Matches(left, right, negated)

    def _operand(self) -> Operand:
        char = self._text[self._at : self._at + 1]
        if char and char in "'\"":
            return self._quoted(char)
        if char == "$":
            name = self._names()
            if name is None:
                raise self._wrong("a variable is written ${name}")
            self._at = name.end()
            self._skip()
            return Variable(name[1])
        word = _WORD.match(self._text, self._at)
        if word is None:
            raise self._wrong("a text or a variable is missing")
        self._at = word.end()
        self._skip()
        return Text(word[0])

    def _names(self) -> re.Match[str] | None:
        return _NAME.match(self._text, self._at)

    def _quoted(self, quote: str) -> Operand:
        start, text = self._at, self._text
        end = start + 1
        while end < len(text) and text[end] != quote:
            end += 2 if text.startswith("\\" + quote, end) else 1
        if end >= len(text):
            raise self._wrong(f"the text that begins here has no closing {quote}")
        self._at = end + 1
        self._skip()
        return _joined(text[start + 1 : end].replace("\\" + quote, quote))

    def _bare_pattern(self) -> Operand:
        """Up to a blank, or to what cannot belong to it: a joining operator or a closing parenthesis outside its own brackets."""
        text, start, at = self._text, self._at, self._at
        depth, in_class = 0, False
        while at < len(text) and not text[at].isspace():
            char = text[at]
            if char == "\\":
                at += 1
            elif in_class:
                in_class = char != "]"
            elif char == "[":
                in_class = True
            elif char == "(":
                depth += 1
            elif depth == 0 and (char == ")" or text.startswith(("&&", "||"), at)):
                break
            elif char == ")":
                depth -= 1
            at += 1
        at = min(at, len(text))
        if at == start:
            raise self._wrong("a pattern is missing")
        self._at = at
        self._skip()
        return Text(text[start:at])

    def _take(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        self._skip()
        return True

    def _skip(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None
        self._at = blank.end()

    def _wrong(self, why: str) -> InvalidInput:
        return InvalidInput(f"{why} (character {self._at + 1})")


def _joined(text: str) -> Operand:
    """A quoted text, with the variables that it names."""
    parts: list[Text | Variable] = []
    at = 0
    for name in _NAME.finditer(text):
        if name.start() > at:
            parts.append(Text(text[at : name.start()]))
        parts.append(Variable(name[1]))
        at = name.end()
    if not parts:
        return Text(text)
    if at < len(text):
        parts.append(Text(text[at:]))
    return parts[0] if len(parts) == 1 else Joined(tuple(parts))
