"""SSML as espeak-ng may have it, and as plain words for engines that know none.

A document's markup is taken apart and built anew from a table: what is not in it is dropped and its words are kept. `audio` is
never handed on: espeak-ng would open files of this machine. Amazon's `lang` becomes the `voice` that espeak-ng knows.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

MOST_BREAK_S: Final = 10.0
"""A longer pause is cut, as the engines that documents are written for do."""

_Check = Callable[[str], str | None]


def _matching(pattern: str) -> _Check:
    fits = re.compile(pattern).fullmatch
    return lambda value: value if fits(value) else None


def _pause(value: str) -> str | None:
    found = re.fullmatch(r"\+?([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s)", value.strip())
    if found is None:
        return None
    seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
    return f"{round(min(seconds, MOST_BREAK_S) * 1000)}ms"


_INTERPRETED: Final = {
    "characters": "characters",
    "spell-out": "characters",
    "verbatim": "characters",
    "digits": "tts:digits",
    "telephone": "telephone",
}
_LANGUAGE: Final = _matching(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")
_AMOUNT: Final = _matching(
    r"[+-]?[0-9]{1,4}(?:\.[0-9]{1,3})?(?:%|st|Hz|dB)?|x-(?:low|slow|soft|high|fast|loud)|default|silent|"
    r"low|medium|high|slow|fast|soft|loud"
)

_Attributes = Mapping[str, _Check]
TAGS: Final[Mapping[str, tuple[str, _Attributes]]] = {
    "break": ("break", {"time": _pause, "strength": _matching(r"none|x-weak|weak|medium|strong|x-strong")}),
    "emphasis": ("emphasis", {"level": _matching(r"strong|moderate|reduced|none")}),
    "lang": ("voice", {"xml:lang": _LANGUAGE}),
    "p": ("p", {"xml:lang": _LANGUAGE}),
    "par": ("p", {}),
    "prosody": ("prosody", {"rate": _AMOUNT, "pitch": _AMOUNT, "volume": _AMOUNT, "range": _AMOUNT}),
    "s": ("s", {"xml:lang": _LANGUAGE}),
    "say-as": ("say-as", {"interpret-as": _INTERPRETED.get}),
    "voice": ("voice", {"xml:lang": _LANGUAGE, "gender": _matching(r"male|female")}),
}
"""What is handed on: the tag, as which it goes, and its attributes with what may stand in them. `sub` is said as its alias."""
_UNSPOKEN: Final = frozenset(("audio", "desc", "mark", "media", "metadata", "meta"))
"""What stands in these is not meant to be heard, or would be opened."""
_APART: Final = frozenset(("break", "p", "s"))
"""What stands on both sides of these are two words."""
_ANY_TAG: Final = re.compile(r"<[^<>]*>")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_WHOLE: Final = "speak"


class _Reader:
    """What expat tells of one text."""

    def __init__(self, most_chars: int) -> None:
        self.built: list[str] = []
        self.words: list[str] = []
        self.cut = False
        self._left = most_chars
        self._ends: list[tuple[str, bool]] = []
        """Of each open element what closes it, and whether nothing in it is said."""
        self._silent = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag, checks = TAGS.get(name, ("", {}))
        silences = name in _UNSPOKEN
        if name == "sub" and attributes.get("alias", "").strip():
            self.text(attributes["alias"])
            silences = True
        if tag and not self._silent:
            kept = {key: value for key, check in checks.items() if key in attributes and (value := check(attributes[key]))}
            self.built.append(f"<{tag}{''.join(f' {key}={quoteattr(value)}' for key, value in kept.items())}>")
            self.words.append(" " if tag in _APART else "")
        self._ends.append((f"</{tag}>" if tag and not self._silent else "", silences))
        self._silent += silences

    def end(self, _name: str) -> None:
        closing, silences = self._ends.pop()
        self._silent -= silences
        self.built.append(closing)

    def text(self, data: str) -> None:
        if self._silent:
            return
        self.cut = self.cut or len(data) > self._left
        data = plain(data[: self._left])
        self._left -= len(data)
        self.built.append(escape(data.replace("[[", "[ [")))
        self.words.append(data)


def _read(ssml: str, most_chars: int) -> _Reader | None:
    """None: it is not well-formed."""
    reader = _Reader(most_chars)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(f"<{_WHOLE}>{_CONTROLS.sub(' ', ssml)}</{_WHOLE}>", True)
    except (expat.ExpatError, UnicodeEncodeError):
        return None
    return reader


def plain(text: str) -> str:
    """Text without control characters (one of them begins espeak-ng's own commands) and without what UTF-8 cannot carry."""
    return _CONTROLS.sub(" ", text).encode("utf-8", "ignore").decode("utf-8")


def spoken(text: str) -> str:
    """Text as espeak-ng may have it: plain, and without the brackets that begin its phonemes."""
    return plain(text).replace("[[", "[ [")


def for_espeak(ssml: str, most_chars: int) -> tuple[str, bool]:
    """The inside of an SSML `speak` element as a whole document for espeak-ng; True: its words were cut at `most_chars`. What is
    not well-formed is said without its tags."""
    reader = _read(ssml, most_chars)
    if reader is None:
        text, cut = words_of(ssml, most_chars)
        return f"<{_WHOLE}>{escape(spoken(text))}</{_WHOLE}>", cut
    return f"<{_WHOLE}>{''.join(reader.built)}</{_WHOLE}>", reader.cut


def words_of(ssml: str, most_chars: int) -> tuple[str, bool]:
    """The words alone; True: they were cut at `most_chars`."""
    reader = _read(ssml, most_chars)
    if reader is None:
        text = plain(_ANY_TAG.sub(" ", ssml))
        return " ".join(text[:most_chars].split()), len(text) > most_chars
    return " ".join("".join(reader.words).split()), reader.cut
