"""Receivers that misbehave, on real sockets, each in a thread of its own so that no event loop smooths what they do."""

import asyncio
import gzip
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Handler = Callable[["Peer"], None]
Wrap = Callable[[socket.socket], socket.socket]


class Peer:
    """One accepted connection. `number` counts from 1."""

    def __init__(self, sock: socket.socket, number: int, stop: threading.Event) -> None:
        self.sock = sock
        self.number = number
        self.stop = stop
        self._rest = b""

    def request(self) -> bytes:
        """The next whole request: head and body; empty when the sender has closed."""
        data = self._rest
        while b"\r\n\r\n" not in data:
            more = self.sock.recv(65_536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            body += self.sock.recv(65_536)
        self._rest = body[length:]
        return head + b"\r\n\r\n" + body[:length]

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def pause(self, seconds: float) -> None:
        """Waits, or less if the test is over."""
        self.stop.wait(seconds)

    def hang(self) -> None:
        """Says nothing until the test is over or the sender gives up."""
        while not self.stop.is_set():
            self.sock.settimeout(0.05)
            try:
                if not self.sock.recv(65_536):
                    return
            except TimeoutError:
                continue

    def reset(self) -> None:
        """Ends with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Receiver:
    """Listens on loopback, hands each connection to a handler, and remembers the requests."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1", wrap: Wrap | None = None, port: int = 0) -> None:
        self._handler = handler
        self._wrap = wrap
        self._stop = threading.Event()
        self._listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=256)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.peers: list[tuple[str, int]] = []
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def url(self, path: str = "/hook", scheme: str = "http", host: str | None = None) -> str:
        shown = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{scheme}://{shown}:{self.port}{path}"

    def _accept(self) -> None:
        while True:
            try:
                sock, peer = self._listener.accept()
            except OSError:
                return
            if self._stop.is_set():
                sock.close()
                return
            self.connections += 1
            self.peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        # A sender that goes away in the middle is what many of these tests are about.
        with suppress(OSError, ValueError):
            sock.settimeout(5)
            if self._wrap is not None:
                try:
                    sock = self._wrap(sock)
                except OSError:
                    sock.close()
                    return
            with sock:
                self._handler(Peer(sock, number, self._stop))

    def close(self) -> None:
        self._stop.set()
        with suppress(OSError):
            # Closing alone does not wake a thread in accept.
            socket.create_connection(self._listener.getsockname()[:2], timeout=1).close()
        self._accepting.join(2)
        self._listener.close()
        for thread in self._threads:
            thread.join(2)


@contextmanager
def receiving(handler: Handler, host: str = "127.0.0.1", wrap: Wrap | None = None, port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver(handler, host, wrap, port)
    try:
        yield receiver
    finally:
        receiver.close()


# What they do


def answers(*parts: bytes, close: bool = True, gap_s: float = 0.0) -> Handler:
    """Reads a request and answers with these bytes; then closes, or waits for the next request and answers again."""

    def handler(peer: Peer) -> None:
        while peer.request():
            for part in parts:
                peer.send(part)
                if gap_s:
                    peer.pause(gap_s)
            if close:
                return

    return handler


def answers_and_waits(data: bytes) -> Handler:
    """Answers, and keeps the connection open without another word."""

    def handler(peer: Peer) -> None:
        peer.request()
        peer.send(data)
        peer.hang()

    return handler


def silent(peer: Peer) -> None:
    peer.hang()


def slow_head(peer: Peer) -> None:
    peer.request()
    for byte in OK:
        peer.send(bytes((byte,)))
        peer.pause(0.05)


def slow_body(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        peer.send(b"x")
        peer.pause(0.02)


def closes_after_accept(peer: Peer) -> None:
    peer.sock.shutdown(socket.SHUT_RDWR)


def closes_after_request(peer: Peer) -> None:
    peer.request()


def resets_after_request(peer: Peer) -> None:
    peer.request()
    peer.reset()


def resets_in_body(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    peer.pause(0.05)
    peer.reset()


def endless(head: bytes, part: bytes) -> Handler:
    """Never stops sending."""

    def handler(peer: Peer) -> None:
        peer.request()
        peer.send(head)
        while not peer.stop.is_set():
            peer.send(part)

    return handler


def coded(body: bytes, coding: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding.encode(), len(body)) + body


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def gzip_bomb() -> bytes:
    """50 MB of nothing in 50 kB."""
    return coded(gzip.compress(bytes(50_000_000), 9), "gzip")


class NameServer(asyncio.DatagramProtocol):
    """A name server on loopback that answers from a table, and not at all for names that are not in it."""

    def __init__(self, names: dict[str, list[str]]) -> None:
        self.names = names
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> str:
        """Starts; returns `address:port`."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._transport = transport
        host, port = transport.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        question = data[12 : at + 5]
        kind = struct.unpack("!H", data[at + 1 : at + 3])[0]
        name = ".".join(labels).lower()
        self.asked.append(name)
        if name not in self.names:
            return
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        found = [a for a in self.names[name] if (":" in a) == (family == socket.AF_INET6)] if family else []
        # An empty table entry is a name that does not exist.
        flags = 0x8180 if self.names[name] else 0x8183
        answer = data[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question
        for address in found:
            packed = socket.inet_pton(family, address)
            answer += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(packed)) + packed
        assert self._transport is not None
        self._transport.sendto(answer, addr)
