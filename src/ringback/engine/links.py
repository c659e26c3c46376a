"""Links that open one file for whoever holds them, until a moment: for receivers of webhooks, which have no key of ours.

    <public URL>/recordings/rec_0abc…-5f0e3a52.wav?expires=1795190400&signature=3v9…

The signature is HMAC-SHA256 over the path and the moment, by a key that is made from the installation's secret key. Pure: keys and
time come in as arguments. What the path names, and whether it is there, is nobody's business before the signature holds.
"""

import base64
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final

from ringback.errors import Forbidden, Unauthorized
from ringback.ids import from_text, to_text

PURPOSE: Final = "links to files"
"""What the keys are derived for."""

PREFIX: Final = "rec"
"""A file is named by the store's number of its call, as `rec_…`: an id that the source uses again names another file. The digits
after it tell one content from another that replaced it, or stands beside it; whoever comes by the link of one that was replaced
gets what is there now."""

_FILE: Final = re.compile(
    r"(/(?:recordings|transcriptions)/(rec_[0-9a-z]{14}-[0-9a-f]{8}\.[0-9a-z]{1,8}))\?expires=\d{1,12}&signature=[\w-]{43}\Z"
)


class Links:
    """Makes and checks the links of an installation."""

    def __init__(self, keys: Sequence[bytes], base: str, lifetime_s: int) -> None:
        """`keys`: the first signs, all verify. `base`: the URL under which customers reach this server. `lifetime_s`: how long a
        link is good."""
        self._keys = tuple(keys)
        self._base = base.rstrip("/")
        self._lifetime_s = lifetime_s

    def to_file(self, folder: str, number: int, sha256: str, extension: str, now_ms: int) -> str:
        """A link to the recording (`folder` `recordings`) or transcript (`transcriptions`) of the call with a store's number.
        `sha256`: of its content, in hexadecimal."""
        return self._signed(f"/{folder}/{to_text(PREFIX, number)}-{sha256[:8]}.{extension}", now_ms // 1000 + self._lifetime_s)

    def check(self, path: str, expires: str | None, signature: str | None, now_ms: int) -> None:
        """Lets a request pass that came by a link of ours, in time. Raises Unauthorized (no signature), Forbidden."""
        if not expires or not signature:
            raise Unauthorized("this file wants a signed link, or a key at /v1/calls/{id}")
        if not self._holds(path, expires, signature):
            raise Forbidden("the link's signature is not ours: take the link whole, as it was given")
        if int(expires) * 1000 <= now_ms:
            raise Forbidden("the link has expired: ask for a new one with a key")

    def renewed(self, url: str, is_its_own: Callable[[int], bool], now_ms: int) -> str:
        """A link of ours with its time begun anew though it has run out, if it leads to a call that `is_its_own`; any other URL as
        it is. That it looks like ours is not enough: whoever tells of a call may write any URL."""
        found = _FILE.search(url)
        number = None if found is None else number_in(found[2])
        if found is None or number is None or not is_its_own(number):
            return url
        return self._signed(found[1], now_ms // 1000 + self._lifetime_s)

    def _signed(self, path: str, expires_s: int) -> str:
        return f"{self._base}{path}?expires={expires_s}&signature={_sign(self._keys[0], path, str(expires_s))}"

    def _holds(self, path: str, expires: str, signature: str) -> bool:
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12 and signature.isascii()):
            return False
        return any(hmac.compare_digest(_sign(key, path, expires), signature) for key in self._keys)


def own_url(public_url: str | None, listeners: Sequence[tuple[str, int]]) -> str:
    """The URL under which customers reach this server; if the operator does not say, the first address that it listens on."""
    if public_url is not None:
        return public_url
    host, port = listeners[0]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what is bound, not what binds
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def number_in(name: str) -> int | None:
    """The store's number of the call in a file's name (`rec_…-5f0e3a52.wav`); None: it is no such name."""
    return from_text(PREFIX, name.partition("-")[0])


def meant_by(name: str) -> str:
    """The first digits of a file's SHA-256 in its name; empty: there are none."""
    return name.partition("-")[2].partition(".")[0]


def _sign(key: bytes, path: str, expires: str) -> str:
    digest = hmac.digest(key, f"{path}\n{expires}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
