"""A URL as the sender needs it: an origin to connect to (few, so they are cached) and a request target (new for each event where a
dialect tells in the URL, else the same again). Pure."""

import re
from functools import lru_cache
from urllib.parse import quote

import idna
from msgspec import Struct

from ringback.delivery.addresses import read_literal
from ringback.errors import InvalidInput

_ENDS_AUTHORITY = re.compile(r"[/?#]")
_NAME = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\Z")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_KEPT = "".join(map(chr, range(0x21, 0x7F)))


class Origin(Struct, frozen=True):
    """Scheme, host and port. `host`: in lower case, ASCII (RFC 5891), without brackets and last dot: what is resolved and what the
    certificate must name. `literal`: the address in its usual spelling if the host is one. `authority`: the Host header."""

    scheme: str
    host: str
    port: int
    authority: str
    literal: str | None

    @property
    def tls(self) -> bool:
        """True for https."""
        return self.scheme == "https"


@lru_cache(maxsize=1_024)
def split_url(url: str) -> tuple[str, str]:
    """A URL's text up to the path, and its request target (RFC 9112 §3.2.1) without the fragment, as written.

    What is not ASCII in the target is percent-encoded as UTF-8, as browsers do. Raises InvalidInput for control characters and
    blanks.
    """
    end = url.find("/", 8)
    origin = url if end < 0 else url[:end]
    if end < 0 or "?" in origin or "#" in origin:
        match = _ENDS_AUTHORITY.search(url, url.find("://") + 3)
        end = match.start() if match else len(url)
        origin = url[:end]
    target = url[end:]
    if "#" in target:
        target = target[: target.index("#")]
    if not target.startswith("/"):
        target = "/" + target
    if " " in target or not (target.isascii() and target.isprintable()):
        target = _encoded(target)
    return origin, target


def _encoded(target: str) -> str:
    if any(char <= " " or char == "\x7f" for char in target):
        raise InvalidInput("the URL has a blank or a control character", "url")
    try:
        return quote(target, safe=_KEPT)
    except UnicodeEncodeError:
        raise InvalidInput("the URL is not valid Unicode", "url") from None


@lru_cache(maxsize=8_192)
def read_origin(text: str) -> Origin:
    """The origin in `https://host:port` (as split_url gives it). Raises InvalidInput with field `url`; says nothing about whether
    the scheme or the address is allowed."""
    scheme, found, authority = text.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in _DEFAULT_PORTS:
        raise InvalidInput("the URL does not start with https:// or http://", "url")
    if "@" in authority:
        raise InvalidInput("the URL carries credentials where none may be", "url")
    host, port = _split_port(authority, _DEFAULT_PORTS[scheme])
    host = _ascii_host(host)
    try:
        literal = read_literal(host)
    except ValueError:
        raise InvalidInput("the URL's host is no valid address", "url") from None
    shown = host
    if literal is None:
        host = host.removesuffix(".")
        if not _NAME.match(host):
            raise InvalidInput("the URL's host is not a valid name", "url")
    else:
        host = literal.compressed
    if port != _DEFAULT_PORTS[scheme]:
        shown = f"{shown}:{port}"
    return Origin(scheme, host, port, shown, None if literal is None else literal.compressed)


def _split_port(authority: str, default: int) -> tuple[str, int]:
    host, colon, digits = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, default
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65_535):
        raise InvalidInput("the URL's port is not a number from 1 to 65535", "url")
    return host, int(digits)


def _ascii_host(host: str) -> str:
    if "%" in host:
        # A scope means something on this machine only; a percent-encoded host is a disguise.
        raise InvalidInput("the URL's host carries a scope or a percent sign", "url")
    if ":" in host and not host.startswith("["):
        raise InvalidInput("an IPv6 address in a URL stands in brackets", "url")
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host[:255], uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise InvalidInput("the URL's host is not a valid international name", "url") from None
