"""How the platforms write text into query strings and forms: one table of 256 entries each, over the text's UTF-8 bytes.

They differ in which ASCII characters stay and in the space; a receiver that checks bytes, or splits before it decodes, sees the
difference. Hex digits are upper-case everywhere (RFC 3986 section 2.1).
"""

from collections.abc import Iterable
from string import ascii_letters, digits

Pair = tuple[str, str]
"""A parameter's name and value, both as plain text."""


class Encoding:
    """One way to percent-encode: bytes of `kept` stand for themselves, a space becomes `space`, all else `%XX`."""

    def __init__(self, kept: str, space: str) -> None:
        table = [f"%{byte:02X}" for byte in range(256)]
        for char in ascii_letters + digits + kept:
            table[ord(char)] = char
        table[ord(" ")] = space
        self._table = tuple(table)

    def quote(self, text: str) -> str:
        """One name or value. Half a surrogate pair cannot be UTF-8: it becomes `?`, as an encoder that replaces would write it."""
        if text.isalnum() and text.isascii():
            return text
        return "".join(map(self._table.__getitem__, text.encode("utf-8", "replace")))

    def pairs(self, items: Iterable[Pair]) -> str:
        """`name=value` joined by `&`, in the order given. An empty value keeps its `=`."""
        return "&".join([f"{self.quote(name)}={self.quote(value)}" for name, value in items])


RFC3986 = Encoding(kept="-._~", space="%20")
"""RFC 3986 section 2.3: only the unreserved characters stay (PHP's `http_build_query` with `PHP_QUERY_RFC3986`)."""

DOTNET = Encoding(kept="-_.!*()", space="+")
""".NET's `WebUtility.UrlEncode`: `! * ( )` stay, `~` does not, a space is `+`."""

FORM = Encoding(kept="*-._", space="+")
"""The WHATWG URL standard's `application/x-www-form-urlencoded` serializer."""


def without_fragment(url: str) -> str:
    """`url` as it goes on the wire: a fragment never travels (RFC 9110 section 4.2.5)."""
    return url.partition("#")[0]


def with_query(url: str, query: str) -> str:
    """`url` with `query` after the query that it has, which stays byte for byte; without its fragment."""
    base = without_fragment(url)
    if "?" not in base:
        return f"{base}?{query}"
    return f"{base}{query}" if base.endswith(("?", "&")) else f"{base}&{query}"
