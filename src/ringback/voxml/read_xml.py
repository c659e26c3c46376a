"""XML as a document may be written: elements, attributes, text. Nothing is declared in it and nothing fetched for it.

Expat reads it; what it is never given is a document type, so that there are no entities but XML's five and characters by number.
Size, depth and number of elements are bounded, so that any text is done with at once. Comments and processing instructions are not
looked at, nor are namespaces: a prefix is part of a name (that is ours; the vendor's pages know no namespaces).

Places are byte offsets, told as lines and columns only when somebody asks.
"""

import re
from bisect import bisect_right
from itertools import count
from typing import Final
from xml.parsers import expat

from ringback.errors import InvalidInput
from ringback.voxml.problem import shown

MOST_BYTES: Final = 65_536
MOST_DEPTH: Final = 32
MOST_ELEMENTS: Final = 2_000

BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<", b"\0\0\xfe\xff", b"\0\0\0<")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_TAG_NAME: Final = re.compile(rb"<[^\s/>]*")
_ATTRIBUTE: Final = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
_ENCODING: Final = re.compile(rb"""\sencoding\s*=\s*["']""")
_LONE_AND: Final = re.compile(rb"&[^;<>&\s\"']{0,64}$")
_UNQUOTED: Final = re.compile(rb"=\s*$")
_IN_A_VALUE: Final = re.compile(rb"<[^<>]*=\s*(\"[^\"<]*|'[^'<]*)$")


class Malformed(InvalidInput):
    """Text that is no document's XML. `offset`: the byte that is wrong; `hint`: what helps."""

    def __init__(self, code: str, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.offset = offset
        self.hint = hint


class Element:
    """An element. `content`: text and elements as they come; `offset`: of its `<`; `text_at`: of its first text that is not blank,
    -1 if there is none."""

    __slots__ = ("attributes", "content", "name", "offset", "text_at")

    def __init__(self, name: str, attributes: dict[str, str], offset: int) -> None:
        self.name = name
        self.attributes = attributes
        self.content: list[str | Element] = []
        self.offset = offset
        self.text_at = -1

    @property
    def children(self) -> list["Element"]:
        """The elements in it."""
        return [part for part in self.content if not isinstance(part, str)]

    @property
    def text(self) -> str:
        """The text in it, without blanks around it; what its children hold is not part of it."""
        return "".join([part for part in self.content if isinstance(part, str)]).strip()


class Places:
    """Lines and columns of a document's bytes."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts: list[int] | None = None
        self._tags: dict[int, dict[str, tuple[int, int]]] = {}

    def of(self, offset: int) -> tuple[int, int]:
        """Line and column of a byte, both from 1; a column is a character."""
        if self._starts is None:
            self._starts = [0, *(found.end() for found in _LINE_END.finditer(self._source))]
        line = bisect_right(self._starts, offset)
        before = self._source[self._starts[line - 1] : offset]
        return line, 1 + (len(before) if before.isascii() else len(before.decode("utf-8", "replace")))

    def attribute(self, element: Element, name: str) -> int:
        """Where an attribute's name begins."""
        return self._attributes(element).get(name, (element.offset, 0))[0]

    def _attributes(self, element: Element) -> dict[str, tuple[int, int]]:
        found = self._tags.get(element.offset)
        if found is None:
            found = self._tags[element.offset] = {}
            tag = _TAG_NAME.match(self._source, element.offset)
            at = tag.end() if tag else element.offset
            while one := _ATTRIBUTE.match(self._source, at):
                found[one[1].decode("utf-8", "replace")] = one.span(1)
                at = one.end()
        return found


def source_of(content: bytes | str) -> bytes:
    """A document's bytes without a byte order mark. Raises Malformed (`too-large`, `encoding`, `nul`)."""
    try:
        source = content.encode() if isinstance(content, str) else bytes(content)
    except UnicodeEncodeError as error:
        raise Malformed("encoding", 0, f"the text has half a character (a lone surrogate, at {error.start})") from None
    if source.startswith(_UTF_16):
        raise Malformed("encoding", 0, "the document is UTF-16 or UTF-32; expected UTF-8", "save it as UTF-8")
    source = source.removeprefix(BOM)
    if len(source) > MOST_BYTES:
        raise Malformed("too-large", 0, f"the document has {len(source):,} bytes; expected {MOST_BYTES:,} at most")
    nul = source.find(b"\0")
    if nul >= 0:
        raise Malformed("nul", nul, "a NUL character; XML has none")
    try:
        source.decode()
    except UnicodeDecodeError as error:
        raise Malformed(
            "encoding", error.start, f"byte 0x{source[error.start]:02x} is not UTF-8 here", "save it as UTF-8"
        ) from None
    return source


def read_xml(source: bytes) -> Element:
    """The root of what `source_of` gave. Raises Malformed."""
    parser = expat.ParserCreate("UTF-8")
    reading = _Reading(parser, source)
    parser.XmlDeclHandler = reading.declaration
    parser.StartDoctypeDeclHandler = reading.doctype
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    try:
        parser.Parse(source, True)
    except expat.ExpatError as error:
        raise _explained(source, error.code, parser.ErrorByteIndex, reading.open) from None
    root = reading.outer.content[0]
    assert isinstance(root, Element)
    return root


class _Reading:
    """The elements that are open, outermost first; `outer` is around the root."""

    def __init__(self, parser: expat.XMLParserType, source: bytes) -> None:
        self._parser = parser
        self._source = source
        self._count = count(1)
        self.outer = Element("", {}, 0)
        self.open = [self.outer]

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.upper() != "UTF-8":
            found = _ENCODING.search(self._source)
            raise Malformed(
                "encoding",
                found.end() if found else 0,
                f"the document says that it is {shown(encoding)}; expected UTF-8",
                "save it as UTF-8, and say so or nothing",
            )

    def doctype(self, *_: object) -> None:
        # Expat tells it at its end, or at the bracket.
        at = self._source.rfind(b"<!DOCTYPE", 0, self._parser.CurrentByteIndex + len(b"<!DOCTYPE"))
        raise Malformed("doctype", max(at, 0), "a document type is not allowed; expected none", "remove <!DOCTYPE …>")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(name, attributes, self._parser.CurrentByteIndex)
        if len(self.open) > MOST_DEPTH:
            raise Malformed("too-deep", element.offset, f"elements are nested more than {MOST_DEPTH} deep")
        if next(self._count) > MOST_ELEMENTS:
            raise Malformed("too-many-elements", element.offset, f"there are more than {MOST_ELEMENTS:,} elements")
        self.open[-1].content.append(element)
        self.open.append(element)

    def end(self, _: str) -> None:
        self.open.pop()

    def text(self, text: str) -> None:
        element = self.open[-1]
        element.content.append(text)
        if element.text_at < 0 and not text.isspace():
            blank = text[: len(text) - len(text.lstrip())]
            element.text_at = self._parser.CurrentByteIndex + len(blank.encode())


# What expat's errors mean to whoever wrote the document
_CODES: Final = expat.errors.codes
_NO_ELEMENT: Final = _CODES[expat.errors.XML_ERROR_NO_ELEMENTS]
_INVALID: Final = _CODES[expat.errors.XML_ERROR_INVALID_TOKEN]
_UNCLOSED: Final = frozenset(
    _CODES[name] for name in (expat.errors.XML_ERROR_UNCLOSED_TOKEN, expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION)
)
_MISMATCH: Final = _CODES[expat.errors.XML_ERROR_TAG_MISMATCH]
_TWICE: Final = _CODES[expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE]
_JUNK: Final = _CODES[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]
_ENTITY: Final = _CODES[expat.errors.XML_ERROR_UNDEFINED_ENTITY]
_BAD_NUMBER: Final = _CODES[expat.errors.XML_ERROR_BAD_CHAR_REF]
_LATE_DECLARATION: Final = _CODES[expat.errors.XML_ERROR_MISPLACED_XML_PI]
_SYNTAX: Final = _CODES[expat.errors.XML_ERROR_SYNTAX]
_CLOSING: Final = re.compile(rb"</([^\s>]*)")
_ENTITY_NAME: Final = re.compile(rb"&([^;]*);")


def _explained(source: bytes, code: int, offset: int, open_elements: list[Element]) -> Malformed:
    offset = min(max(offset, 0), len(source))
    innermost = open_elements[-1]
    if code == _MISMATCH:
        found = _CLOSING.search(source, offset) if source[offset : offset + 2] == b"</" else None
        # Expat points behind "</" in some versions.
        found = found or _CLOSING.match(source, max(offset - 2, 0))
        name = found[1].decode("utf-8", "replace") if found else ""
        line, _ = Places(source).of(innermost.offset)
        said = f"</{name}> closes <{innermost.name}> of line {line}; expected </{innermost.name}>"
        return Malformed("xml", found.start() if found else offset, said)
    if code in (_NO_ELEMENT, *_UNCLOSED) and len(open_elements) > 1:
        said = f"<{innermost.name}> is never closed; expected </{innermost.name}>"
        return Malformed("xml", innermost.offset, said)
    if code == _NO_ELEMENT:
        return Malformed("xml", 0, "the document is empty; expected <Response>")
    if code == _ENTITY:
        entity = _ENTITY_NAME.match(source, offset)
        name = entity[1].decode("utf-8", "replace") if entity else ""
        hint = "write the character itself, or its number, as &#160;"
        return Malformed(
            "entity", offset, f"{shown(f'&{name};')} is no entity of XML; expected &amp; &lt; &gt; &quot; &apos;", hint
        )
    plain = {
        _TWICE: ("an attribute is there twice", ""),
        _JUNK: ("something stands behind the end of the document; expected one root element", "put everything into one <Response>"),
        _BAD_NUMBER: ("a character number that XML does not allow", ""),
        _SYNTAX: ("text outside of the root element; expected <Response>", ""),
        **dict.fromkeys(_UNCLOSED, ("a tag, a value or a comment is never closed", "")),
        _LATE_DECLARATION: ("<?xml …?> is not at the very beginning", "remove what is before it, blank lines too"),
    }
    if code in plain:
        return Malformed("xml", offset, *plain[code])
    if code == _INVALID:
        return _invalid(source, offset)
    return Malformed("xml", offset, f"not well-formed XML: {expat.errors.messages.get(code, 'unknown error')}")


def _invalid(source: bytes, offset: int) -> Malformed:
    """A character that cannot be there, or the `&` or `<` before it that was not meant as XML's."""
    before = source[max(0, offset - 66) : offset]
    lone = _LONE_AND.search(before)
    if lone or source[offset : offset + 1] == b"&":
        at = offset - len(before) + lone.start() if lone else offset
        return Malformed("xml", at, "a lone & is not XML", "write &amp; (and &amp;&amp; for &&)")
    tag = source.rfind(b"<", 0, offset + 1)
    if _IN_A_VALUE.search(source[max(0, offset - 2_000) : offset]) and source[offset : offset + 1] == b"<":
        return Malformed("xml", offset, "a < in an attribute's value", "write &lt;, or close the value's quotes")
    if tag >= 0 and tag in (offset, offset - 1):
        return Malformed("xml", tag, "a < that begins no tag", "write &lt;")
    if _UNQUOTED.search(before):
        return Malformed("xml", offset, "a value without quotes", 'write name="value"')
    char = source[offset : offset + 4].decode("utf-8", "replace")[:1]
    return Malformed("xml", offset, f"{shown(char)} cannot be here" if char else "the document ends in the middle")
