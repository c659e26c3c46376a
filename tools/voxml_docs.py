"""Writes the tables and examples of docs/voxml.md from what reads and runs documents: `src/ringback/voxml`.

The page is written by hand around blocks that begin with `<!-- made: NAME -->` and end with `<!-- end -->`; only what stands
between is written here. `python tools/voxml_docs.py` writes, `--check` says whether the page is old (1) or not (0).
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import fields

from ringback.voxml import expressions, interpreter, pay_results, prompting, results, turn, words
from ringback.voxml.build import MOST_PROBLEMS
from ringback.voxml.document import RecordingCallback
from ringback.voxml.examples import example
from ringback.voxml.grammar import Attribute, Word
from ringback.voxml.kinds import MOST_NAME, MOST_NUMBER, MOST_URL, Whole
from ringback.voxml.problem import CODES
from ringback.voxml.read_xml import MOST_BYTES, MOST_DEPTH, MOST_ELEMENTS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "voxml.md"
_BLOCK: Final = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _code(text: object) -> str:
    return f"`{text}`"


# Words


def default_of(word: Word, attribute: Attribute) -> str:
    """What holds without an attribute, as the docs say it. Raises LookupError if nobody says."""
    if attribute.needed:
        return "required"
    if attribute.unset:
        return attribute.unset
    group, _, name = (attribute.field or _CAPITAL.sub(r"_\1", attribute.name).lower()).rpartition(".")
    makes = RecordingCallback if group == "callback" else word.makes
    value = next(field.default for field in fields(makes or Word) if field.name == name)
    if value is None or value == "":
        raise LookupError(f"{word.name} {attribute.name}: `unset` must say it")
    return _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _code(str(value).lower())
    return _code(" ".join(map(str, value)) if isinstance(value, tuple) else f"{value}")


def _attribute(word: Word, one: Attribute) -> tuple[str, ...]:
    allowed = one.kind.expected.replace("<", "\\<")
    if isinstance(one.kind, Whole) and one.kind.ours:
        allowed += " (the upper limit is ours)"
    said = one.about + (f" {one.note[:1].upper()}{one.note[1:]}." if one.note else "")
    return _code(one.name), allowed, default_of(word, one), one.source, said


def _word(word: Word) -> Iterator[str]:
    source = "" if word.source == "documented" else f" ({word.source})"
    yield f"### {word.name}\n{word.about}{source}\n\n"
    if word.attributes:
        head = ("attribute", "value", "without it", "source", "meaning")
        yield _table(head, [_attribute(word, one) for one in word.attributes]) + "\n"
    inside = [_code(name) for name in word.children if name != "*"]
    if word.children == ("*",):
        yield "In it: any verbs.\n\n"
    elif inside:
        yield f"In it: {', '.join(inside)}.\n\n"
    if word.body is not None:
        yield f"Its text: {word.body.about}\n\n"
    if word.notes:
        yield "".join(f"- {note.source}: {note.text}\n" for note in word.notes) + "\n"


def verbs() -> str:
    """Every verb, with its attributes and an example."""
    return "".join(text for word in words.VERBS.values() for text in (*_word(word), _example(word.example)))


def nouns() -> str:
    """What stands in verbs alone."""
    return "".join(text for word in words.NOUNS.values() for text in _word(word))


def _example(name: str) -> str:
    return f"```xml\n{example(name).decode()}```\n\n"


# What comes of them


def parameters() -> str:
    """What each verb's webhook carries beside what all do."""
    rows = [(one.verb, _code(one.name), one.meaning) for one in results.PARAMETERS]
    rows += [("Pay", _code(name), said) for name, said in pay_results.PARAMETERS.items()]
    rows += [("Pay's `statusCallback`, before those", _code(name), said) for name, said in pay_results.STATUS_PARAMETERS.items()]
    return _table(("verb", "parameter", "meaning"), rows)


def pay() -> str:
    """What a payment may come to."""
    return _table(("`Result`", "when"), [(_code(name), said) for name, said in pay_results.RESULTS.items()])


def outputs() -> str:
    """The variables that `output` sets."""
    rows = [
        ("Gather", "`<output>.digits` `<output>.speech`", "documented"),
        ("Dial", "`<output>.status`", "documented"),
        ("Pay", " ".join(f"`<output>.{name}`" for name in pay_results.OUTPUTS), "ours"),
    ]
    return _table(("verb", "variables", "source"), rows)


def problems() -> str:
    """What the checker tells, and what a call does with it."""
    kinds = {(False, "error"): "stops a call", (True, "error"): "error, runs", (True, "warning"): "warning"}
    return _table(("code", "", "what"), [(_code(code), kinds[one.runs, one.severity], one.about) for code, one in CODES.items()])


def limits() -> str:
    """Every limit and who sets it."""
    rows = [
        ("a document", f"{MOST_BYTES:,} bytes, {MOST_DEPTH} elements deep, {MOST_ELEMENTS:,} elements", "ours"),
        ("problems told of one", f"{MOST_PROBLEMS} errors and {MOST_PROBLEMS} warnings", "ours"),
        ("text of a Say", f"{words.MOST_SPOKEN:,} characters, tags not counted; more is a warning", "documented"),
        ("Numbers in a Dial", f"{words.MOST_NUMBERS}", "inferred"),
        ("a URL", f"{MOST_URL:,} characters", "ours"),
        ("a number, an extension, a SIP address", f"{MOST_NUMBER} characters", "ours"),
        ("a variable", f"its name {MOST_NAME} characters, its value {words.MOST_VALUE}: more is cut", "documented"),
        ("variables of a call", f"{turn.MAX_VARIABLES}", "ours"),
        ("an expression", f"{expressions.MAX_EXPRESSION:,} characters, a pattern in it {expressions.MAX_PATTERN}", "ours"),
        ("documents of a call", f"{turn.MAX_DOCUMENTS}; then it is ended", "ours"),
        (
            "steps of a document",
            f"{interpreter.MAX_STEPS:,}, {interpreter.MAX_IDLE_STEPS:,} of them without anything that takes time",
            "ours",
        ),
        ("things that one verb plays", f"{prompting.MAX_ITEMS:,}, with its `loop`", "ours"),
        ("entries in a call's history", f"{turn.MAX_HISTORY}", "ours"),
    ]
    return _table(("what", "limit", "source"), rows)


BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "verbs": verbs,
    "nouns": nouns,
    "parameters": parameters,
    "pay": pay,
    "outputs": outputs,
    "problems": problems,
    "limits": limits,
}


def made(text: str) -> str:
    """The page with its blocks as they must be. Raises KeyError for a block that nobody makes."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}{found[3]}", text)


def main() -> int:
    """See the module."""
    text = PAGE.read_text("utf-8")
    now = made(text)
    if "--check" in sys.argv[1:]:
        return int(now != text)
    PAGE.write_text(now, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
