"""The sockets of one engine: UDP and TCP, on one port. Lives on the thread's loop.

sippy is given a `Way`: the address that it has to name itself by towards somebody, and how to send. Names are resolved here,
without holding anything up.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any, Final, Literal, cast

from ringback.errors import OurError, SwitchError
from ringback.switch.embedded.sip.framing import Framing
from ringback.switch.embedded.sip.wire import bytes_of

log = logging.getLogger("ringback.sip")

Transport = Literal["udp", "tcp"]
Address = tuple[str, int]

CONNECT_S = 5.0
IDLE_S = 600.0
"""A stream on which nothing came for so long is closed; phones keep theirs open by keep-alives."""
MAX_STREAMS = 1_000
MAX_STREAMS_OF_ONE = 100
"""By address: a stranger cannot take all."""
_TRIES = 20
_MAX_WAITING = 256 * 1024


class Way:
    """How sippy sends towards somebody: what it calls a server. `failed` is called when nothing can be sent that way."""

    class _Options:
        @staticmethod
        def isWildCard() -> bool:  # noqa: N802 (sippy's name)
            return False

    uopts = _Options

    def __init__(
        self, network: "Network", transport: Transport, stream: "Stream | None" = None, failed: Callable[[], None] | None = None
    ) -> None:
        self.transport: Final = transport
        self._network, self._stream, self._failed = network, stream, failed
        self.here: Address | None = None

    @property
    def reliable(self) -> bool:
        """True where nothing has to be sent twice."""
        return self.transport == "tcp"

    def getSIPaddr(self) -> tuple[Address, str]:  # noqa: N802 (sippy's name)
        """What we are called."""
        return self.here or self._network.called(None), self.transport

    def addr2str(self, address: Address) -> str:
        """For the log."""
        return f"{self.transport}:{address[0]}:{address[1]}"

    def toward(self, address: Address) -> "Way":
        """The same, named as the one at this address has to see us."""
        self.here = self._network.called(address[0])
        return self

    def send_to(self, data: str | bytes, address: Address, delayed: bool = False) -> None:
        """Sends, soon."""
        raw = data if isinstance(data, bytes) else bytes_of(data)
        if self._stream is not None and not self._stream.closed:
            self._stream.write(raw)
        else:
            self._network.send(raw, address, self.transport, self._failed)


Received = Callable[[bytes, Address, Way], None]


class Network:
    """See the module. `received` is called with what came: raw bytes over UDP, whole messages over TCP."""

    def __init__(self, host: str, port: int, transports: tuple[Transport, ...], public: Address | None, received: Received) -> None:
        self.host, self.port = host, port
        self._transports, self._public, self._received = transports, public, received
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._streams: dict[Address, Stream] = {}
        self._opening: dict[Address, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._called: dict[str, str] = {}
        self._names: dict[str, tuple[float, str]] = {}
        self._closed = False

    # Life
    async def open(self) -> None:
        """Listens. Raises OurError that says what is taken."""
        loop = asyncio.get_running_loop()
        for attempt in range(_TRIES):
            port, what = self.port, "UDP"
            try:
                if "udp" in self._transports:
                    self._udp, _ = await loop.create_datagram_endpoint(
                        lambda: _Datagrams(self._datagram), local_addr=(self.host, port)
                    )
                    self._enlarge(self._udp)
                    port = self._udp.get_extra_info("sockname")[1]
                if "tcp" in self._transports:
                    what = "TCP"
                    self._server = await loop.create_server(lambda: Stream(self), self.host, port, reuse_port=False)
                    port = self._server.sockets[0].getsockname()[1]
            except OSError as error:
                await self._let_go()
                if self.port or attempt == _TRIES - 1:  # with port 0, what is free for UDP may be taken for TCP
                    raise OurError(f"SIP cannot listen on {what} {self.host}:{port}: {error.strerror}") from None
            else:
                self.port = port
                return

    async def close(self) -> None:
        """Lets go of everything. What is sent afterwards is lost."""
        self._closed = True
        await self._let_go()

    async def _let_go(self) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._server is not None:
            self._server.close()
        for stream in list(self._streams.values()):
            stream.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # sockets are closed by the loop's next round
        self._udp = self._server = None

    @staticmethod
    def _enlarge(udp: asyncio.DatagramTransport) -> None:
        # A burst of calls is not to be lost while one message is read; the kernel's default holds about a hundred.
        sock = cast(socket.socket, udp.get_extra_info("socket"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    # Names and addresses
    def called(self, there: str | None) -> Address:
        """The address that somebody has to see us by: the public one, or the interface that leads there."""
        if self._public is not None:
            return self._public[0], self._public[1] or self.port
        if there is None or not ip_address(self.host).is_unspecified:
            return self.host, self.port
        return self._called.get(there) or self._look(there), self.port

    def _look(self, there: str) -> str:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect((there, 9))  # sends nothing: the kernel chooses the interface
                here = str(probe.getsockname()[0])
        except OSError:
            return self.host
        if len(self._called) > 1_000:
            self._called.clear()
        self._called[there] = here
        return here

    async def resolved(self, host: str) -> str:
        """The IPv4 address of a name. Raises OSError."""
        loop = asyncio.get_running_loop()
        known = self._names.get(host)
        if known is not None and known[0] > loop.time():
            return known[1]
        try:
            async with asyncio.timeout(CONNECT_S):
                found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:  # a TimeoutError is an OSError
            log.info("sip.unknown_host %.100r", host)
            raise OSError(str(error)) from None
        if len(self._names) > 1_000:
            self._names.clear()
        self._names[host] = loop.time() + 30, str(found[0][4][0])
        return self._names[host][1]

    # Sending
    def way(
        self, address: Address, transport: Transport, failed: Callable[[], None] | None = None, here: Address | None = None
    ) -> Way:
        """How to send somebody something new. `here`: what we are called towards a name that is not resolved yet."""
        if not is_address(address[0]):
            way = Way(self, transport, None, failed)
            way.here = here
            return way
        return Way(self, transport, self._streams.get(address) if transport == "tcp" else None, failed).toward(address)

    def stream_to(self, address: Address) -> Way | None:
        """The TCP connection that is open to an address, whoever opened it."""
        stream = self._streams.get(address)
        return None if stream is None or stream.closed else Way(self, "tcp", stream).toward(address)

    def send(self, data: bytes, address: Address, transport: Transport, failed: Callable[[], None] | None) -> None:
        """Sends to an address, by the stream that there is or a new one."""
        if is_address(address[0]):
            self._send(data, address, transport, failed)
        else:
            self.spawn(self._send_named(data, address, transport, failed))

    def _send(self, data: bytes, address: Address, transport: Transport, failed: Callable[[], None] | None) -> None:
        if self._closed:
            return
        if transport not in self._transports or not 0 < address[1] < 65_536:
            log.debug("sip.no_way %s", transport)
            _call_soon(failed)
        elif transport == "udp":
            if self._udp is not None and not self._udp.is_closing():
                self._udp.sendto(data, address)
        elif (stream := self._streams.get(address)) is not None:
            stream.write(data)
        else:
            self.spawn(self._send_new(data, address, failed))

    async def _send_named(self, data: bytes, address: Address, transport: Transport, failed: Callable[[], None] | None) -> None:
        try:
            host = await self.resolved(address[0])
        except OSError:
            _call_soon(failed)
            return
        self._send(data, (host, address[1]), transport, failed)

    async def _send_new(self, data: bytes, address: Address, failed: Callable[[], None] | None) -> None:
        opening = self._opening.get(address)
        if opening is None:
            opening = self._opening[address] = self.spawn(self._open_stream(address))
            opening.add_done_callback(lambda _: self._opening.pop(address, None))
        await asyncio.wait({opening})
        stream = self._streams.get(address)
        if stream is None:
            _call_soon(failed)
        else:
            stream.write(data)

    async def _open_stream(self, address: Address) -> None:
        bound = None if ip_address(self.host).is_unspecified else (self.host, 0)
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().create_connection(lambda: Stream(self), *address, local_addr=bound)
        except OSError as error:
            log.info("sip.cannot_connect %s:%s %s", *address, error)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Does something that takes a while; it is given up when the network is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Receiving
    def _datagram(self, data: bytes, address: Address) -> None:
        self._received(data, address, Way(self, "udp").toward(address))

    def stream_opened(self, stream: "Stream") -> bool:
        """True if there is room for it."""
        of_this = sum(there[0] == stream.there[0] for there in self._streams)
        if len(self._streams) >= MAX_STREAMS or of_this >= MAX_STREAMS_OF_ONE:
            return False
        self._streams[stream.there] = stream
        return True

    def stream_closed(self, stream: "Stream") -> None:
        """Forgets it."""
        if self._streams.get(stream.there) is stream:
            del self._streams[stream.there]

    def stream_received(self, stream: "Stream", message: bytes) -> None:
        """A whole message."""
        self._received(message, stream.there, Way(self, "tcp", stream).toward(stream.there))


def is_address(host: str) -> bool:
    """True for what needs no resolving."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _call_soon(work: Callable[[], None] | None) -> None:
    if work is not None:
        asyncio.get_running_loop().call_soon(work)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data, addr[:2])

    def error_received(self, exc: Exception) -> None:
        log.debug("sip.udp %s", exc)


class Stream(asyncio.Protocol):
    """One TCP connection, whoever opened it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._framing = Framing()
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self.there: Address = ("", 0)

    @property
    def closed(self) -> bool:
        """True if nothing can be written to it."""
        return self._transport is None or self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if peer is None:  # it is closed already
            transport.close()
            return
        self.there = peer[:2]
        self._rest()
        if not self._network.stream_opened(self):
            self.close()

    def data_received(self, data: bytes) -> None:
        self._rest()
        try:
            for message in self._framing.feed(data):
                if message:
                    self._network.stream_received(self, message)
                else:
                    self.write(b"\r\n")
        except SwitchError as error:
            log.debug("sip.stream %s: %s", self.there, error)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._transport = None
        self._network.stream_closed(self)

    def write(self, data: bytes) -> None:
        """Sends. Somebody who reads nothing is let go."""
        if self._transport is None:
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _MAX_WAITING:
            self._transport.abort()

    def close(self) -> None:
        """Ends it."""
        if self._transport is not None:
            self._transport.close()

    def _rest(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.close)
