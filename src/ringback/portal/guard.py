"""What stands between a browser and the pages: headers, cookies, tokens of forms, and how often a key may be guessed.

The policy lets a page load from here alone and run nothing that stands in it: what receivers and callers have written is text,
whatever it says. `require-trusted-types-for` keeps our own scripts from turning text into markup, too.
"""

from collections import OrderedDict
from ipaddress import ip_address, ip_network
from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.types import BeforeMessageSendHookHandler, Message, Scope

from ringback.errors import TooMany
from ringback.settings import Settings

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
NO_STORE: Final = "no-store"
TRIES: Final = 10
"""Wrong keys from one address within WINDOW_S, before it is asked to wait."""
WINDOW_S: Final = 300.0
MOST_ADDRESSES: Final = 10_000


def is_secure(settings: Settings, scheme: str) -> bool:
    """Do people come by https? Then cookies go by nothing else."""
    return scheme == "https" or (settings.public_url or "").startswith("https:")


def cookie_name(secure: bool, name: str) -> str:
    """`__Host-` binds a cookie to this host and to https; over plain http a browser would not keep it."""
    return f"__Host-{name}" if secure else name


def protector(settings: Settings) -> BeforeMessageSendHookHandler:
    """A hook that puts the headers on every answer."""

    async def protect(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", NO_STORE)
        if is_secure(settings, str(scope.get("scheme", ""))):
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")

    return protect


class Tries:
    """How often somebody guessed wrong, by the network that they came from. Times are seconds of any clock."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, address: str, now_s: float) -> None:
        """Raises TooMany if it was too often."""
        times = self._recent(address, now_s)
        if len(times) >= TRIES:
            raise TooMany("too many wrong keys from your address", int(times[0] + WINDOW_S - now_s) + 1)

    def wrong(self, address: str, now_s: float) -> None:
        """One more."""
        name = _network(address)
        self._wrong[name] = [*self._recent(address, now_s), now_s]
        self._wrong.move_to_end(name)
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)

    def _recent(self, address: str, now_s: float) -> list[float]:
        return [at for at in self._wrong.get(_network(address), ()) if now_s - at < WINDOW_S][-TRIES:]


def _network(address: str) -> str:
    """An IPv6 customer has a /64, so its addresses count together."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if found.version == 4 else str(ip_network(f"{found}/64", strict=False))
