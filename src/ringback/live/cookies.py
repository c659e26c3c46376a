"""The cookies of one call: what an application sets with one answer comes back with the call's next requests to it, and never with
another call's.

RFC 6265, as far as a conversation needs it. A cookie goes to the host that set it and to no other, whatever its `Domain` says (one
that does not cover the host makes it invalid, §5.3). Pure: time comes in as an argument.
"""

from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

Headers = tuple[tuple[str, str], ...]

MOST: Final = 50
"""Cookies that a call keeps: one more drives out the oldest."""
MOST_BYTES: Final = 4_096
"""Name and value of one cookie; a larger one is not kept (RFC 6265 §6.1)."""
MOST_SENT: Final = 8_192
"""Of the header `Cookie`; what has no room is left out."""


class _Cookie(Struct, frozen=True):
    name: str
    value: str
    host: str
    path: str
    secure: bool
    until_s: float | None


class Jar:
    """See the module. One for each call."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], _Cookie] = {}

    def keep(self, url: str, headers: Headers, now_s: float) -> None:
        """Takes what the answer of a request to `url` sets. `now_s`: Unix seconds."""
        host, path, _ = _where(url)
        for name, value in headers:
            if name.lower() == "set-cookie":
                cookie = _read(value, host, path, now_s)
                if cookie is not None:
                    self._put(cookie, now_s)

    def header(self, url: str, now_s: float) -> str | None:
        """The value of `Cookie` for a request to `url`, None: there is nothing to send."""
        host, path, secure = _where(url)
        fitting = [
            cookie
            for cookie in self._cookies.values()
            if cookie.host == host
            and _covers(cookie.path, path)
            and (secure or not cookie.secure)
            and (cookie.until_s is None or cookie.until_s > now_s)
        ]
        # Longer paths first, then the older ones (§5.4); sorting keeps what is equal in its order.
        fitting.sort(key=lambda cookie: -len(cookie.path))
        sent, room = [], MOST_SENT
        for cookie in fitting:
            pair = f"{cookie.name}={cookie.value}"
            room -= len(pair) + 2
            if room >= 0:
                sent.append(pair)
        return "; ".join(sent) or None

    def _put(self, cookie: _Cookie, now_s: float) -> None:
        key = (cookie.host, cookie.path, cookie.name)
        if cookie.until_s is not None and cookie.until_s <= now_s:
            self._cookies.pop(key, None)
            return
        self._cookies[key] = cookie
        if len(self._cookies) > MOST:
            del self._cookies[next(iter(self._cookies))]


def _where(url: str) -> tuple[str, str, bool]:
    """Host, path, and whether the way there is encrypted."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "", parts.path or "/", parts.scheme.lower() == "https")
    except ValueError:
        return ("", "/", False)


def _covers(path: str, asked: str) -> bool:
    """Does a cookie of that path go with a request to this one (§5.1.4)?"""
    return asked == path or (asked.startswith(path) and (path.endswith("/") or asked[len(path)] == "/"))


def _read(text: str, host: str, asked: str, now_s: float) -> _Cookie | None:
    """A `Set-Cookie` by §5.2 and §5.3; None: it is not valid, or too large."""
    pair, *attributes = text.split(";")
    name, found, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if not found or not name or len(name) + len(value) > MOST_BYTES or not (name + value).isprintable() or not text.isascii():
        return None
    path = asked.rpartition("/")[0] or "/"
    secure = False
    until_s: float | None = None
    max_age: float | None = None
    for attribute in attributes:
        key, _, given = attribute.partition("=")
        key, given = key.strip().lower(), given.strip()
        if key == "domain" and given and not _is_part(host, given.removeprefix(".").lower()):
            return None
        if key == "path" and given.startswith("/"):
            path = given
        elif key == "secure":
            secure = True
        elif key == "max-age" and given.removeprefix("-").isdigit():
            max_age = now_s + int(given[:12])
        elif key == "expires":
            until_s = _moment(given)
    return _Cookie(name, value, host, path, secure, until_s if max_age is None else max_age)


def _moment(text: str) -> float | None:
    """Unix seconds of a cookie's date, None: it is none, and the cookie lives as long as the call."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _is_part(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
