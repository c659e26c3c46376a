"""The operator's HTTP proxy: a tunnel to the vetted address (RFC 9110 §9.3.6), for plain http too.

The proxy is told an address, never a name: a name would be resolved a second time, behind the guard's back.
"""

import asyncio
import base64
import re
import socket
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from ringback.errors import BadSettings

_MAX_HEAD = 16_384
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r\n)")


class ProxyFailed(Exception):
    """The proxy could not be reached, refused, or spoke nonsense. The text is one line without credentials."""


class Proxy(Struct, frozen=True):
    """Where the proxy is. `authorization`: the header's value, or None."""

    host: str
    port: int
    authorization: str | None

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def read_proxy(text: str) -> Proxy:
    """`http://user:pass@host:port` → a proxy. Raises BadSettings, which does not repeat the credentials."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadSettings("proxy: not a URL") from None
    if parts.scheme != "http" or not parts.hostname or port is None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadSettings("proxy: written http://host:port or http://user:password@host:port")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(parts.hostname, port, authorization)


async def open_tunnel(loop: asyncio.AbstractEventLoop, sock: socket.socket, proxy: Proxy, address: str, port: int) -> None:
    """Asks the proxy at the other end of `sock` for a tunnel to that address. Raises ProxyFailed."""
    there = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    request = f"CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n"
    if proxy.authorization is not None:
        request += f"Proxy-Authorization: {proxy.authorization}\r\n"
    try:
        await loop.sock_sendall(sock, f"{request}\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = await loop.sock_recv(sock, 4_096)
            if not data:
                raise ProxyFailed("the proxy closed the connection")
            answer += data
            if len(answer) > _MAX_HEAD:
                raise ProxyFailed("the proxy's answer is too long")
    except OSError as error:
        raise ProxyFailed(f"the proxy broke off: {error.strerror or error}") from None
    found = _STATUS_LINE.match(answer)
    if found is None:
        raise ProxyFailed("the proxy does not speak HTTP")
    if not found[1].startswith(b"2"):
        raise ProxyFailed(f"the proxy answered {found[1].decode()} to CONNECT")
    if answer.index(b"\r\n\r\n") + 4 != len(answer):
        # Nobody speaks in the tunnel before we do, so these bytes would be taken for the receiver's.
        raise ProxyFailed("the proxy sent more than its answer")
