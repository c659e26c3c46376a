"""What a value may be: one kind for each sort of attribute or text. A kind reads, says in words what it expects, and shows a value
as it would be written.

A kind tells what is wrong with `tell(code, what, hint)` and goes on with something that fits, so that everything wrong is found at
once; whether a document is run with it is decided by the code (`problem.CODES`).
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from ringback.calls.numbers import classify
from ringback.voxml.problem import meant, shown
from ringback.voxml.voices import ENGINES

Tell = Callable[[str, str, str], None]

_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_DIGITS_ONLY: Final = re.compile(r"[0-9]+")
_AMOUNT: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?")
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_VOICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NAME: Final = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_FLOW: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TONES: Final = re.compile(r"[0-9*#A-DwW]{1,100}")
_PLAIN_NUMBER: Final = re.compile(r"[1-9][0-9]{6,14}")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_KEYS: Final = "0123456789*#"
_MOST_WORDS: Final = 50

MOST_NAME: Final = 50
MOST_URL: Final = 4_000
MOST_NUMBER: Final = 128


class Kind(Protocol):
    """See the module."""

    @property
    def takes_empty(self) -> bool:
        """Does an empty text mean something? Else it is taken as if it were not there."""
        ...

    @property
    def expected(self) -> str:
        """What is allowed, as it stands in messages and in the docs."""
        ...

    def read(self, text: str, tell: Tell) -> Any:
        """The value. Tells what is wrong with it."""
        ...


class Flag(Struct, frozen=True):
    """True or false."""

    takes_empty: ClassVar[bool] = False

    @property
    def expected(self) -> str:
        return "true or false"

    def read(self, text: str, tell: Tell) -> bool:
        return _one_of(text, ("true", "false"), self, tell) == "true"


class Whole(Struct, frozen=True):
    """A whole number. `ours`: the vendor names no `most`, so more than that is lowered to it. `word`: may stand instead."""

    takes_empty: ClassVar[bool] = False

    least: int
    most: int
    unit: str = ""
    ours: bool = False
    word: str = ""

    @property
    def expected(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"a whole number from {self.least:,} to {self.most:,}{unit}" + (f", or {self.word}" if self.word else "")

    def read(self, text: str, tell: Tell) -> int | str:
        said = text.strip()
        if self.word and said == self.word:
            return said
        if not _DIGITS_ONLY.fullmatch(said):
            tell("bad-value", f"{shown(text)} is not {self.expected}", meant(said, (self.word,)) if self.word else "")
            return self.least
        said = said.lstrip("0") or "0"
        number = int(said) if _WHOLE.fullmatch(said) else 10**9
        if number > self.most and self.ours:
            tell("lowered", f"{shown(text)} is more than our limit; {self.most:,} is taken; expected {self.expected}", "")
            return self.most
        if not self.least <= number <= self.most:
            tell("out-of-range", f"{shown(text)} is not {self.expected}", "")
            return self.least
        return number


class Amount(Struct, frozen=True):
    """Money, as decimal text."""

    takes_empty: ClassVar[bool] = False

    @property
    def expected(self) -> str:
        return "an amount such as 20 or 20.45, up to 999999.99"

    def read(self, text: str, tell: Tell) -> str:
        said = text.strip()
        if not _AMOUNT.fullmatch(said):
            tell("bad-value", f"{shown(text)} is not {self.expected}", "")
            return "0"
        return said


class OneOf(Struct, frozen=True):
    """One of some words."""

    takes_empty: ClassVar[bool] = False

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return " or ".join(filter(None, (", ".join(self.words[:-1]), self.words[-1])))

    def read(self, text: str, tell: Tell) -> str:
        return _one_of(text, self.words, self, tell)


class SomeOf(Struct, frozen=True):
    """One or more of some words, with blanks between. `numbers`: they are read as such."""

    takes_empty: ClassVar[bool] = False

    words: tuple[str, ...]
    numbers: bool = False

    @property
    def expected(self) -> str:
        return f"one or more of {' '.join(self.words)}, with blanks between"

    def read(self, text: str, tell: Tell) -> tuple[Any, ...]:
        given = islice(dict.fromkeys(text.split()), _MOST_WORDS)
        found = dict.fromkeys(_one_of(word, self.words, self, tell) for word in given)
        return tuple(int(word) if self.numbers else word for word in found)


class Keys(Struct, frozen=True):
    """Keys of a telephone, any of them; none if empty. `one`: the vendor's pages speak of a single one."""

    takes_empty: ClassVar[bool] = True

    one: bool = False

    @property
    def expected(self) -> str:
        return f"{'one' if self.one else 'any'} of the keys {_KEYS}, or nothing"

    def read(self, text: str, tell: Tell) -> str:
        found = "".join(dict.fromkeys(text.replace(" ", "").replace(",", "")))
        strange = "".join(key for key in found if key not in _KEYS)
        if strange:
            tell("bad-value", f"{shown(text)} has {shown(strange)}; expected {self.expected}", "")
            return ""
        if self.one and len(found) > 1:
            tell("several-keys", f"{shown(text)} are several keys; expected {self.expected}", "")
        return found


class Tones(Struct, frozen=True):
    """Digits to be sent."""

    takes_empty: ClassVar[bool] = True

    @property
    def expected(self) -> str:
        return "up to 100 of 0123456789*#ABCD and w, each w half a second"

    def read(self, text: str, tell: Tell) -> str:
        said = text.strip()
        if said and not _TONES.fullmatch(said):
            tell("bad-value", f"{shown(text)} is not {self.expected}", "")
            return ""
        return said.replace("W", "w")


class Url(Struct, frozen=True):
    """An absolute URL or a relative one."""

    takes_empty: ClassVar[bool] = False

    @property
    def expected(self) -> str:
        return f"an https URL, or a relative one, of at most {MOST_URL:,} characters"

    def read(self, text: str, tell: Tell) -> str:
        said = text.strip()
        wrong = self._wrong(said)
        if wrong:
            tell("bad-value", f"{shown(said)} {wrong}; expected {self.expected}", "")
        elif said.lower().startswith("http:"):
            tell("not-https", f"{shown(said)} is not https", "")
        return said

    def _wrong(self, text: str) -> str:
        if len(text) > MOST_URL:
            return "is too long"
        if " " in text or not text.isprintable():
            return "has a blank or a control character in it"
        scheme = _SCHEME.match(text)
        if scheme and scheme[1].lower() not in ("http", "https"):
            return "is neither http nor https"
        try:
            parts = urlsplit(text)
            bad = bool(scheme or text.startswith("//")) and not parts.hostname
            bad = bad or (parts.port or 1) < 1
        except ValueError:
            bad = True
        return "is no URL" if bad else ""


class Phone(Struct, frozen=True):
    """Whom to call, or who calls: a number, an extension, a SIP address. It is left as written."""

    takes_empty: ClassVar[bool] = False

    caller: bool = False

    @property
    def expected(self) -> str:
        return f"a number such as +13005550100, an extension or a SIP address, of at most {MOST_NUMBER} characters"

    def read(self, text: str, tell: Tell) -> str:
        said = text.strip()
        if len(said) > MOST_NUMBER or not said.isprintable():
            tell("bad-value", f"{shown(said)} is not {self.expected}", "")
            return ""
        kind = classify(said, None).kind
        if (kind == "unknown" and not _PLAIN_NUMBER.fullmatch(said)) or (kind == "anonymous" and not self.caller):
            tell(
                "number-form",
                f"{shown(said)} is no international number; expected {self.expected}",
                "write + and the country's code",
            )
        return said


class Name(Struct, frozen=True):
    """The name of a variable. Dots in it are ours: a field of what a verb has put there."""

    takes_empty: ClassVar[bool] = False

    dots: bool = False

    @property
    def expected(self) -> str:
        return f"a name of letters, digits and _{' (and dots between)' if self.dots else ''}, of at most {MOST_NAME} characters"

    def read(self, text: str, tell: Tell) -> str:
        said = text.strip()
        if len(said) > MOST_NAME:
            tell("out-of-range", f"{shown(text)} has {len(said):,} characters; expected {self.expected}", "")
        elif not _NAME.fullmatch(said) or (not self.dots and "." in said):
            hint = (
                f'write the name alone, "{said[2:-1]}"' if said.startswith("${") and said.endswith("}") and len(said) < 60 else ""
            )
            tell("bad-value", f"{shown(text)} is not {self.expected}", hint)
        elif said.partition(".")[0] == "do":
            tell("reserved-name", "do.n is the number of the pass in a Do; another name is better", "")
        return said


class Language(Struct, frozen=True):
    """A language's tag. `known`: those that work, as far as known; empty: it is a matter of the voice."""

    takes_empty: ClassVar[bool] = False

    known: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        return f"one of {' '.join(self.known)}" if self.known else "a language tag such as en-US"

    def read(self, text: str, tell: Tell) -> str:
        said = text.strip()
        if not _TAG.fullmatch(said) or len(said) > 35:
            tell("bad-value", f"{shown(text)} is no language; expected {self.expected}", "")
        elif self.known and said not in self.known:
            tell("unknown-language", f"{shown(said)} is not known; expected {self.expected}", meant(said, self.known))
        return said


class Voice(Struct, frozen=True):
    """Who speaks."""

    takes_empty: ClassVar[bool] = False

    @property
    def expected(self) -> str:
        return f"<engine>.<voice>, with the engine {', '.join(ENGINES[:-1])} or {ENGINES[-1]}"

    def read(self, text: str, tell: Tell) -> str:
        said = text.strip()
        engine, dot, _ = said.partition(".")
        if not _VOICE.fullmatch(said):
            tell("bad-value", f"{shown(text)} is no voice; expected {self.expected}", "")
        elif dot and engine not in ENGINES:
            tell("unknown-voice", f"{shown(engine)} is no engine that is known; expected {self.expected}", meant(engine, ENGINES))
        return said


class Text(Struct, frozen=True):
    """Any text. `code`: what it is told by if it has more characters than `most`; it is then left as it is."""

    takes_empty: ClassVar[bool] = True

    most: int
    code: str = "out-of-range"

    @property
    def expected(self) -> str:
        return f"text of at most {self.most:,} characters"

    def read(self, text: str, tell: Tell) -> str:
        if len(text) > self.most:
            tell(self.code, f"it has {len(text):,} characters; expected {self.expected}", "")
        return text


class Expression(Struct, frozen=True):
    """A condition over variables."""

    takes_empty: ClassVar[bool] = True

    @property
    def expected(self) -> str:
        return "an expression"

    def read(self, text: str, tell: Tell) -> str:
        from ringback.errors import InvalidInput
        from ringback.voxml.expressions import check

        try:
            check(text)
        except InvalidInput as error:
            tell("bad-expression", str(error), "")
        return text


class Flow(Struct, frozen=True):
    """Which flow."""

    takes_empty: ClassVar[bool] = False

    @property
    def expected(self) -> str:
        return "a flow's id: a GUID, or up to 64 letters, digits, dots, - and _"

    def read(self, text: str, tell: Tell) -> str:
        said = text.strip()
        if not _FLOW.fullmatch(said):
            tell("bad-value", f"{shown(text)} is not {self.expected}", "")
        return said


def _one_of(text: str, words: tuple[str, ...], kind: Kind, tell: Tell) -> str:
    said = text.strip()
    if said in words:
        return said
    for word in words:
        if word.lower() == said.lower():
            tell("value-case", f"{shown(text)} is written {word}", f'did you mean "{word}"?')
            return word
    tell("bad-value", f"{shown(text)} is not {kind.expected}", meant(said, words))
    return words[0]
