"""One end of the pipe between a server and the process of a switch: typed messages over a Unix socket, on an event loop."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from ringback.switch.apart.frames import Framing, TooLong, framed
from ringback.switch.apart.messages import encode

log = logging.getLogger("ringback.switch")

In = TypeVar("In")

MOST_WAITING: Final = 64 * 1024 * 1024
"""Bytes that the other side has not taken: more, and it takes nothing any more."""


class Pipe(asyncio.Protocol, Generic[In]):
    """See the module. Of a side that speaks out of turn, or takes nothing any more, nothing is to be hoped: the pipe breaks."""

    def __init__(self, decoder: "msgspec.msgpack.Decoder[In]", heard: Callable[[In], None], broken: Callable[[], None]) -> None:
        """`heard`: a message came. `broken`: the last that is called, once; the other side is gone, or `close` was called."""
        self._decoder = decoder
        self._heard = heard
        self._broken = broken
        self._framing = Framing()
        self._transport: asyncio.Transport | None = None

    async def open(self, end: socket.socket) -> None:
        """Takes over one end of a pair of sockets."""
        end.setblocking(False)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=end)
        except BaseException:
            end.close()
            raise

    def send(self, message: msgspec.Struct) -> None:
        """Of no effect when the pipe is closed. Raises TooLong."""
        frame = framed(encode(message))
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(frame)
        if self._transport.get_write_buffer_size() > MOST_WAITING:
            log.error("switch.pipe the other side takes nothing any more")
            self.abort()

    def close(self) -> None:
        """Once what was sent is taken."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """At once."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio's
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            messages: list[Any] = [self._decoder.decode(message) for message in self._framing.feed(data)]
        except (TooLong, msgspec.DecodeError) as error:
            log.error("switch.pipe %s", error)
            self.abort()
            return
        for message in messages:
            try:
                self._heard(message)
            except Exception:  # a listener's fault must not cost all calls
                log.exception("switch.pipe a listener failed")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._broken()
