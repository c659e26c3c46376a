"""Makes values of a document's elements by the tables in `words`, and gathers what is wrong with them."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from xml.sax.saxutils import escape

from ringback.voxml import document as values
from ringback.voxml import twiml
from ringback.voxml.document import Document, Number, Prompting, RecordingCallback, Verb
from ringback.voxml.grammar import Attribute, Body, Word
from ringback.voxml.kinds import Expression, Name
from ringback.voxml.problem import CODES, Problem, meant, problem, shown
from ringback.voxml.read_xml import Element, Places
from ringback.voxml.voices import languages_of, speaks
from ringback.voxml.words import MOST_NUMBERS, ROOT, SSML, VERBS, WORDS, children_of

MOST_PROBLEMS: Final = 500
"""So many errors, and so many warnings, are told of one document."""
_VARIABLE: Final = re.compile(r"\$\{[^{}\s]{1,60}\}")
_LITERAL: Final = "variables are read in expressions alone: this is taken as it stands"
_ESCAPED_TAG: Final = re.compile(r"</?(?:" + "|".join(sorted(SSML)) + r")\b[^<>]{0,200}>")
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


class _Plan:
    """A word, ready to be read by."""

    def __init__(self, word: Word) -> None:
        self.word = word
        self.attributes = {one.name: (one, one.field or _snake(one.name)) for one in word.attributes}
        self.needed = [one.name for one in word.attributes if one.needed]
        self.children = frozenset(children_of(word))


def _snake(name: str) -> str:
    return _CAPITAL.sub(r"_\1", name).lower()


_PLANS: Final = {name: _Plan(word) for name, word in WORDS.items()}


class Builder:
    """Makes one document's values. `problems`: what was wrong so far, in no order."""

    def __init__(self, places: Places) -> None:
        self.problems: list[Problem] = []
        self._places = places
        self._told = {"error": 0, "warning": 0}
        self._makers: dict[str, Callable[[Element, dict[str, Any]], Any]] = {
            "Say": self._say,
            "Play": self._play,
            "Gather": self._gather,
            "Dial": self._dial,
            "Number": self._number,
            "Pay": self._pay,
            "Connect": self._connect,
            "Prompt": self._prompt,
            "Redirect": self._with_body,
            "Set": self._set,
            "If": self._with_verbs,
            "Do": self._with_verbs,
        }

    def document(self, root: Element) -> Document:
        """The document under a root."""
        if root.name != ROOT.name:
            self._tell(
                "root", root.offset, f"the root is <{_cut(root.name)}>; expected <{ROOT.name}>", meant(root.name, (ROOT.name,))
            )
            return Document()
        self._read(root)
        if not root.children:
            self._tell("empty-document", root.offset, "there is nothing to do, and the call ends; expected a verb")
        return Document(self._verbs(root))

    # What is told

    def _tell(self, code: str, offset: int, message: str, hint: str = "") -> None:
        severity = CODES[code].severity
        self._told[severity] += 1
        if self._told[severity] <= MOST_PROBLEMS:
            self.problems.append(problem(code, self._places.of(offset), message, hint))

    def _tell_of(self, element: Element, name: str, code: str, said: str, hint: str) -> None:
        """Of an attribute."""
        self._tell(code, self._places.attribute(element, name), f"{name} of <{element.name}>: {said}", hint)

    def _tell_of_text(self, element: Element, code: str, said: str, hint: str) -> None:
        at = element.text_at if element.text_at >= 0 else element.offset
        self._tell(code, at, f"<{element.name}>: {said}", hint)

    # What all elements have

    def _make(self, element: Element) -> Any:
        """The value of an element whose name is known to be right where it is."""
        found = self._read(element)
        found["line"], found["column"] = self._places.of(element.offset)
        maker = self._makers.get(element.name)
        if maker is not None:
            return maker(element, found)
        makes = WORDS[element.name].makes
        assert makes is not None
        return makes(**found)

    def _verbs(self, element: Element) -> tuple[Verb, ...]:
        return tuple([self._make(child) for child in element.content if not isinstance(child, str) and child.name in VERBS])

    def _children(self, element: Element, name: str) -> list[Element]:
        return [child for child in element.children if child.name == name]

    def _read(self, element: Element) -> dict[str, Any]:
        """The values of an element's attributes by their fields; tells of attributes, text and children that may not be there."""
        plan = _PLANS[element.name]
        given = element.attributes
        found: dict[str, Any] = {}
        callback: dict[str, Any] = {}
        for name, text in given.items():
            known = plan.attributes.get(name)
            if known is None:
                self._unknown_attribute(element, plan, name)
                continue
            attribute, field = known
            value = self._value(element, attribute, text)
            if value is None:
                continue
            group, _, inner = field.rpartition(".")
            (callback if group else found)[inner] = value
        if "url" in callback:
            found["callback"] = RecordingCallback(**callback)
        for name in plan.needed:
            if name not in given or (not given[name].strip() and not plan.attributes[name][0].kind.takes_empty):
                self._tell("missing-attribute", element.offset, f'<{element.name}> has no {name}; expected {name}="…"')
        if element.text_at >= 0 and plan.word.body is None:
            self._tell("unexpected-text", element.text_at, f"text in <{element.name}>; expected {self._expected(plan)}")
        if plan.word.name != "Say":
            for child in element.content:
                if not isinstance(child, str) and child.name not in plan.children:
                    self._strange(child, plan)
        return found

    def _value(self, element: Element, attribute: Attribute, text: str) -> Any:
        """None: as if it were not there."""
        name, kind = attribute.name, attribute.kind
        if not kind.takes_empty and not text.strip():
            if not attribute.needed:
                self._tell_of(element, name, "empty-value", f"it is empty; expected {kind.expected}", "")
            return None
        value = kind.read(text, partial(self._tell_of, element, name))
        if "$" in text and not isinstance(kind, Expression | Name) and _VARIABLE.search(text):
            self._tell_of(element, name, "variable-in-text", _LITERAL, "")
        if attribute.beside and not any(other in element.attributes for other in attribute.beside):
            said = f"it does nothing without {' or '.join(attribute.beside)}"
            self._tell_of(element, name, "no-effect", said, "")
        return value

    def _body(self, element: Element) -> str:
        """The text of an element, read by its kind."""
        text = element.text
        if "$" in text and _VARIABLE.search(text):
            self._tell_of_text(element, "variable-in-text", _LITERAL, "")
        return str(_body_of(element).kind.read(text, partial(self._tell_of_text, element)))

    # What may not be there

    def _unknown_attribute(self, element: Element, plan: _Plan, name: str) -> None:
        at = self._places.attribute(element, name)
        if name == "xmlns" or ":" in name:
            self._tell("namespace", at, f"{_cut(name)} of <{element.name}> is not looked at: VoXML has no namespaces")
            return
        known = ", ".join(plan.attributes) or "none"
        hint = meant(name, plan.attributes) if self._told["error"] < MOST_PROBLEMS else ""
        if not hint and name in twiml.ATTRIBUTES:
            hint = "TwiML has it, VoXML does not"
        said = f"{shown(name)} is no attribute of <{element.name}>" + ("" if hint else f"; expected {known}")
        self._tell("unknown-attribute", at, said, hint)

    def _strange(self, child: Element, plan: _Plan) -> None:
        name = child.name
        if name in WORDS:
            hint = f"is a </{plan.word.name}> missing before it?" if name in VERBS else ""
            said = f"<{name}> may not be in <{plan.word.name}>; expected {self._expected(plan)}"
            self._tell("wrong-place", child.offset, said, hint)
            return
        hint = twiml.VERBS.get(name, "")
        if not hint and self._told["error"] < MOST_PROBLEMS:
            hint = meant(name, plan.children or WORDS)
        self._tell("unknown-element", child.offset, f"<{_cut(name)}> is no element of VoXML; expected {self._expected(plan)}", hint)

    def _expected(self, plan: _Plan) -> str:
        word = plan.word
        if word.children == ("*",):
            return "a verb"
        names = [f"<{name}>" for name in word.children]
        if word.body is not None:
            names.insert(0, "text")
        return " or ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nothing in it"

    # One by one

    def _with_verbs(self, element: Element, found: dict[str, Any]) -> Any:
        makes: Any = WORDS[element.name].makes
        return makes(**found, body=self._verbs(element))

    def _with_body(self, element: Element, found: dict[str, Any]) -> Any:
        """Of one text, which must be there."""
        if element.text_at < 0:
            self._tell("missing-body", element.offset, f"<{element.name}> is empty; expected {_body_of(element).kind.expected}")
        else:
            found[_body_of(element).field] = self._body(element)
        makes: Any = WORDS[element.name].makes
        return makes(**found)

    def _number(self, element: Element, found: dict[str, Any]) -> Number:
        found.setdefault("number", "")
        number: Number = self._with_body(element, found)
        return number

    def _set(self, element: Element, found: dict[str, Any]) -> values.Set:
        return values.Set(**found, value=self._body(element))

    def _say(self, element: Element, found: dict[str, Any]) -> values.Say:
        parts = element.content
        children = element.children
        if len(children) == 1 and children[0].name == "speak" and element.text_at < 0:
            parts = children[0].content
            children = children[0].children
        for child in children:
            self._ssml(child)
        plain = " ".join("".join(_plain(part) for part in parts).split())
        if "$" in plain and _VARIABLE.search(plain):
            self._tell_of_text(element, "variable-in-text", _LITERAL, "")
        _body_of(element).kind.read(plain, partial(self._tell_of_text, element))
        if "<" in plain and _ESCAPED_TAG.search(plain):
            self._tell_of_text(
                element, "tags-in-text", "the tags in it are said as they stand", "write them as elements, unescaped"
            )
        say = values.Say(**found, text=" ".join("".join(map(_markup, parts)).split()) if children else plain, ssml=bool(children))
        if "language" in found and not speaks(say.voice, say.language):
            spoken = " and ".join(languages_of(say.voice))
            self._tell_of(element, "language", "voice-language", f"{shown(say.voice)} speaks {spoken}, not {say.language}", "")
        return say

    def _ssml(self, element: Element) -> None:
        name = element.name
        if name in WORDS or name in twiml.VERBS:
            said = f"<{name}> may not be in <Say>; expected text or SSML"
            self._tell("wrong-place", element.offset, said, "is a </Say> missing before it?")
        elif name not in SSML and ":" not in name:
            hint = meant(name, SSML) if self._told["warning"] < MOST_PROBLEMS else ""
            self._tell("unknown-ssml", element.offset, f"<{_cut(name)}> is not known from SSML", hint)
        for child in element.children:
            self._ssml(child)

    def _play(self, element: Element, found: dict[str, Any]) -> values.Play:
        digits = found.get("digits", "")
        if element.text_at >= 0:
            if digits:
                self._tell("two-bodies", element.text_at, "<Play> has digits and a URL; expected one of the two")
            found["url"] = self._body(element)
        elif not element.attributes.get("digits", "").strip():
            self._tell("missing-body", element.offset, "<Play> is empty; expected a URL, or digits")
        return values.Play(**found)

    def _gather(self, element: Element, found: dict[str, Any]) -> values.Gather:
        taken = found.pop("input", ("dtmf",))
        prompts: tuple[Prompting, ...] = tuple(
            self._make(child) for child in element.children if child.name in _PLANS["Gather"].children
        )
        return values.Gather(**found, dtmf="dtmf" in taken, speech="speech" in taken, prompts=prompts)

    def _dial(self, element: Element, found: dict[str, Any]) -> values.Dial:
        given = self._children(element, "Number")
        numbers = tuple([self._make(child) for child in given])
        if element.text_at >= 0:
            if numbers:
                self._tell("two-bodies", element.text_at, "<Dial> has text and <Number>; expected one of the two")
            else:
                line, column = self._places.of(element.text_at)
                numbers = (Number(number=self._body(element), line=line, column=column),)
        elif not element.children:
            self._tell("missing-body", element.offset, "<Dial> is empty; expected a number, or <Number>")
        if len(given) > MOST_NUMBERS:
            said = f"<Dial> has {len(given):,} Numbers; expected {MOST_NUMBERS} at most"
            self._tell("too-many-numbers", given[MOST_NUMBERS].offset, said)
        return values.Dial(**found, numbers=numbers)

    def _connect(self, element: Element, found: dict[str, Any]) -> values.Connect:
        flows = self._children(element, "Flow")
        if not flows:
            self._tell("missing-body", element.offset, "<Connect> has no <Flow>; expected one")
            return values.Connect(**found)
        for flow in flows[1:]:
            self._tell("two-bodies", flow.offset, "<Connect> has another <Flow>; expected one")
        found |= self._read(flows[0])
        if flows[0].text_at < 0:
            self._tell("missing-body", flows[0].offset, f"<Flow> is empty; expected {_body_of(flows[0]).kind.expected}")
        else:
            found["flow"] = self._body(flows[0])
        return values.Connect(**found)

    def _pay(self, element: Element, found: dict[str, Any]) -> values.Pay:
        found.pop("input", None)
        prompts = [self._make(child) for child in self._children(element, "Prompt")]
        parameters = [self._read(child) for child in self._children(element, "Parameter")]
        return values.Pay(
            **found,
            prompts=tuple(one for one in prompts if one is not None),
            parameters=tuple((one.get("name", ""), one.get("value", "")) for one in parameters),
        )

    def _prompt(self, element: Element, found: dict[str, Any]) -> values.Prompt | None:
        spoken = tuple(self._make(child) for child in element.children if child.name in _PLANS["Prompt"].children)
        return values.Prompt(**found, prompts=spoken) if "for_" in found else None


def _body_of(element: Element) -> Body:
    body = WORDS[element.name].body
    assert body is not None
    return body


def _cut(name: str) -> str:
    return shown(name)[1:-1]


def _plain(part: str | Element) -> str:
    """The text of a part of a Say, without its tags."""
    return part if isinstance(part, str) else "".join(map(_plain, part.content))


def _markup(part: str | Element) -> str:
    """A part of a Say as markup, always written alike: attributes by name, in double quotes; what is empty closed at once."""
    if isinstance(part, str):
        return escape(part)
    attributes = "".join(f' {name}="{escape(value, {chr(34): "&quot;"})}"' for name, value in sorted(part.attributes.items()))
    inner = "".join(map(_markup, part.content))
    return f"<{part.name}{attributes}>{inner}</{part.name}>" if inner else f"<{part.name}{attributes}/>"
