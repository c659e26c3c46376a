"""Listening sockets, and the HTTP server behind them, for the commands that are servers."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from ringback.errors import BadSettings


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handling: ours drains the deliveries too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals alone."""
        yield


def listen_on(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address of a host. Raises BadSettings when one cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise BadSettings(f"host: {host}: {error.strerror}") from None
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in found:
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise BadSettings(f"port: cannot listen on {host}:{port}: {error.strerror}") from None
        listener.listen(1024)
        listener.setblocking(False)
        sockets.append(listener)
    return sockets
