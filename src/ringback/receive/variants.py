"""What becomes of a request between its sender and the code that checks it, done backwards: from what arrived to what was sent.

Each variant has a code, says in words what was done (`… fits the URL with https://`), and has the value that it leads to. Nothing
here knows signatures; `doctor` tries which variant one fits. Text is changed as text: a body that is parsed and written again would
lose the order of its fields, its numbers' digits, and with them the signature.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import permutations
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote, unquote

T = TypeVar("T")

MOST_PERMUTED: Final = 4
"""With so many parameters every order is tried; with more, alphabetic and backwards."""
MOST_DROPPED: Final = 20
"""With so many parameters it is tried whether one of them is too many."""
MOST_ADDED: Final = 3
"""So many segments may a proxy have put before a path."""
_PORTS: Final = ("443", "80", "8443", "8080")
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?", re.DOTALL)
_HEX: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_STRING: Final = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")', re.DOTALL)
_ESCAPES: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.", re.DOTALL)
_BEYOND_ASCII: Final = re.compile("[^\x00-\x7f]")
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_BOM: Final = b"\xef\xbb\xbf"


class Variant(NamedTuple, Generic[T]):
    """One way to undo what may have happened. `code` is the finding's, `how` completes "fits the URL …"."""

    code: str
    how: str
    value: T


class Address(NamedTuple):
    """An URL in the parts that proxies change, each byte for byte. `tail` is the fragment with its `#`, or empty."""

    scheme: str
    authority: str
    path: str
    query: str | None
    tail: str

    @property
    def text(self) -> str:
        """The URL."""
        return f"{self.scheme}://{self.authority}{self.path}{'' if self.query is None else f'?{self.query}'}{self.tail}"


def address(url: str) -> Address | None:
    """An URL's parts; None if it is none."""
    found = _URL.fullmatch(url)
    return None if found is None else Address(found[1], found[2], found[3], found[4], found[5] or "")


def distinct(variants: Iterable[Variant[T]], given: T) -> list[Variant[T]]:
    """Without those that lead to what was given, or to what an earlier one leads to."""
    seen: list[T] = [given]
    kept: list[Variant[T]] = []
    for variant in variants:
        if variant.value not in seen:
            seen.append(variant.value)
            kept.append(variant)
    return kept


# URLs. `headers` have names in lower case.
def schemes(seen: Address) -> list[Variant[str]]:
    """TLS ended before the application."""
    other = "http" if seen.scheme == "https" else "https"
    return [Variant("url-scheme", f"with {other}://", other)]


def authorities(seen: Address, headers: Mapping[str, str]) -> list[Variant[str]]:
    """A proxy's own host and port, or none: what the proxy's headers say was asked for, then the usual ports."""
    host, port = _host_and_port(seen.authority)
    forwarded = re.search(r'host="?([^";,\s]+)', headers.get("forwarded", ""), re.IGNORECASE)
    named = [headers.get(name, "").partition(",")[0].strip() for name in ("x-forwarded-host", "x-original-host", "host")]
    said_port = headers.get("x-forwarded-port", "").strip()

    def found() -> Iterator[Variant[str]]:
        if port:
            yield Variant("url-port", "without its port", host)
        for whole in [*([forwarded[1]] if forwarded else []), *filter(None, named)]:
            bare, its_port = _host_and_port(whole)
            if bare.lower() == host.lower():
                yield Variant("url-port", f"with the port {its_port}" if its_port else "without its port", whole)
            else:
                yield Variant("url-host", f"with the host {whole}", whole)
                if its_port:
                    yield Variant("url-host", f"with the host {bare}", bare)
                elif said_port:
                    yield Variant("url-host", f"with the host {bare} and the port {said_port}", f"{bare}:{said_port}")
        for usual in [*([said_port] if said_port else []), *_PORTS]:
            yield Variant("url-port", f"with the port {usual}", f"{host}:{usual}")

    return distinct(found(), seen.authority)


def paths(seen: Address, headers: Mapping[str, str]) -> list[Variant[str]]:
    """A slash at the end, a prefix that a proxy added or cut off, other percent-encoding."""
    path = seen.path
    whole = [
        headers.get(name, "").partition("?")[0] for name in ("x-original-uri", "x-forwarded-uri", "x-original-url", "x-rewrite-url")
    ]

    def found() -> Iterator[Variant[str]]:
        if path.endswith("/"):
            yield Variant("url-slash", "without the slash at its end", path[:-1])
        else:
            yield Variant("url-slash", "with a slash at its end", f"{path}/")
        prefix = headers.get("x-forwarded-prefix", "").rstrip("/")
        if prefix:
            yield Variant("url-path", f"with {prefix} before its path", prefix + path)
        for said in filter(None, whole):
            told = address(said)
            yield Variant("url-path", "with the path that the proxy was asked for", told.path if told else said)
        segments = path.split("/")
        for many in range(2, min(MOST_ADDED + 2, len(segments) + 1)):
            added = "/".join(segments[:many])
            yield Variant("url-path", f"without {added} before its path", path[len(added) :])
        for coded in _recoded(path):
            yield Variant("url-encoding", "with its path percent-encoded otherwise", coded)

    return distinct(found(), path)


def queries(seen: Address) -> list[Variant[str | None]]:
    """Parameters in another order, added on the way, or percent-encoded otherwise."""
    query = seen.query
    if query is None:
        return [Variant("url-query", "with a question mark at its end", "")]
    parts = query.split("&")

    def found() -> Iterator[Variant[str | None]]:
        for order in _orders(parts):
            yield Variant("url-query-order", "with its parameters in another order", "&".join(order))
        for place, part in enumerate(parts if 1 < len(parts) <= MOST_DROPPED else ()):
            rest = "&".join(parts[:place] + parts[place + 1 :])
            yield Variant("url-query", f"without the parameter {part.partition('=')[0]}", rest)
        yield Variant("url-query", "without its query", None)
        for coded in (query.replace("+", "%20"), query.replace("%20", "+"), *_recoded(query)):
            yield Variant("url-encoding", "with its query percent-encoded otherwise", coded)

    return distinct(found(), query)


def between(seen: str, subscribed: str) -> list[Variant[str]]:
    """What is different between the URL that was seen and the one that was subscribed; each variant's value is the latter."""
    there, here = address(subscribed), address(seen)
    if there is None or here is None:
        return [Variant("url-path", "as it was subscribed", subscribed)]
    found: list[tuple[str, str]] = []
    if there.scheme != here.scheme:
        found.append(("url-scheme", f"with {there.scheme}://"))
    if there.authority != here.authority:
        same = _host_and_port(there.authority)[0].lower() == _host_and_port(here.authority)[0].lower()
        found.append(("url-port" if same else "url-host", f"with {there.authority}, as it was subscribed"))
    if there.path != here.path:
        slash, coded = there.path.strip("/") == here.path.strip("/"), unquote(there.path) == unquote(here.path)
        code = "url-slash" if slash else "url-encoding" if coded else "url-path"
        found.append((code, f"with the path {there.path or 'that is empty'}, as it was subscribed"))
    if there.query != here.query:
        theirs, ours = (sorted((query or "").split("&")) for query in (there.query, here.query))
        coded = _plain(there.query) == _plain(here.query)
        code = "url-query-order" if theirs == ours else "url-encoding" if coded else "url-query"
        found.append((code, "with the query as it was subscribed"))
    if there.tail != here.tail:
        found.append(("url-fragment", "with the fragment as it was subscribed"))
    return [Variant(code, how, subscribed) for code, how in found]


def _host_and_port(authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    return (host, port) if colon and port.isdigit() else (authority, "")


def _plain(query: str | None) -> str | None:
    return None if query is None else unquote(query.replace("+", " "))


def _recoded(text: str) -> Iterator[str]:
    """Percent-encoding undone, done, and with its hex digits in the other case."""
    yield unquote(text)
    yield quote(text, safe="/?&=:@!$'()*+,;~%-._")
    yield quote(unquote(text), safe="/&=-._~")
    yield _HEX.sub(lambda found: found[0].upper(), text)
    yield _HEX.sub(lambda found: found[0].lower(), text)


def _orders(parts: list[str]) -> Iterable[Iterable[str]]:
    if len(parts) <= MOST_PERMUTED:
        return permutations(parts)
    return (sorted(parts), parts[::-1], sorted(parts, reverse=True))


# Bodies
def bodies(body: bytes) -> list[Variant[bytes]]:
    """Line ends, marks and charsets that crept in, JSON that was written again."""
    return distinct((*_bytes_undone(body), *_text_undone(body)), body)


def _bytes_undone(body: bytes) -> Iterator[Variant[bytes]]:
    yield Variant("body-newline", "without the line end behind it", body.removesuffix(b"\n").removesuffix(b"\r"))
    yield Variant("body-newline", "with a line end behind it", body + b"\n")
    yield Variant("body-line-ends", "with LF for CR LF", body.replace(b"\r\n", b"\n"))
    yield Variant("body-line-ends", "with CR LF for LF", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    yield Variant("body-bom", "without the byte order mark before it", body.removeprefix(_BOM))
    for decoded, encoded, how in (
        ("latin-1", "utf-8", "in UTF-8: it was written anew in Latin-1"),
        ("utf-8", "latin-1", "in UTF-8: it was read as Latin-1"),
        ("utf-8", "cp1252", "in UTF-8: it was read as Windows-1252"),
    ):
        try:
            yield Variant("body-charset", how, body.decode(decoded).encode(encoded))
        except UnicodeError:
            continue


def _text_undone(body: bytes) -> Iterator[Variant[bytes]]:
    try:
        text = body.removeprefix(_BOM).decode()
        json.loads(text)
    except (ValueError, RecursionError):
        return  # no JSON: there is nothing that was written anew
    plain = _in_strings(text, _unescaped)
    again = "as its sender writes JSON: it was parsed and written anew"
    for code, how, made in (
        ("body-whitespace", "without the blanks between its fields", _compact(text)),
        ("body-whitespace", "with blanks after its commas and colons", _spaced(text)),
        ("body-escapes", "with its characters beyond ASCII escaped (\\u…)", _escaped(text)),
        ("body-escapes", "with its \\u escapes undone", _in_strings(text, lambda part: _unescaped(part, slashes=False))),
        ("body-slashes", "with plain slashes for \\/", _in_strings(text, lambda part: _unescaped(part, characters=False))),
        ("body-reencoded", again, _compact(plain)),
        ("body-reencoded", again, _escaped(_compact(plain))),
        ("body-reencoded", again, _spaced(plain)),
        ("body-reencoded", again, _escaped(_spaced(plain))),
    ):
        yield Variant(code, how, made.encode("utf-8", "surrogatepass"))


def _in_strings(text: str, change: Callable[[str], str]) -> str:
    return _STRING.sub(lambda found: change(found[0]), text)


def _between_strings(text: str, change: Callable[[str], str]) -> str:
    parts = _STRING.split(text)
    parts[::2] = [change(part) for part in parts[::2]]
    return "".join(parts)


def _compact(text: str) -> str:
    return _between_strings(text, lambda part: _BLANKS.sub("", part))


def _spaced(text: str) -> str:
    return _between_strings(_compact(text), lambda part: part.replace(",", ", ").replace(":", ": "))


def _escaped(text: str) -> str:
    """Characters beyond ASCII as `\\uXXXX`, beyond the BMP as two of them (RFC 8259 section 7)."""
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _unescaped(string: str, *, characters: bool = True, slashes: bool = True) -> str:
    """Escapes that need not be: of printable characters, and of the slash."""

    def one(found: re.Match[str]) -> str:
        escape = found[0]
        if escape == "\\/":
            return "/" if slashes else escape
        if not characters or not escape.startswith("\\u"):
            return escape
        return "".join(char if _may_stand(char) else json.dumps(char)[1:-1] for char in json.loads(f'"{escape}"'))

    return _ESCAPES.sub(one, string)


def _may_stand(char: str) -> bool:
    return char >= " " and char not in '"\\' and not "\ud800" <= char <= "\udfff"
