"""SIP packets by hand: what sipp would not send."""

import asyncio
import itertools
import re
from types import TracebackType
from typing import Self

from ringback.switch.embedded.sip import digest

BODY = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40100 RTP/AVP 0 101\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\n"
)
_NUMBERS = itertools.count(1)


class Peer(asyncio.DatagramProtocol):
    """A UDP socket that talks to an engine."""

    def __init__(self, host: str, engine_port: int) -> None:
        self.host, self.port, self._engine = host, 0, ("127.0.0.1", engine_port)
        self._came: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._transport.close()
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._came.put_nowait(data)

    def send(self, data: bytes) -> None:
        """Sends a packet."""
        self._transport.sendto(data, self._engine)

    async def next(self) -> bytes:
        """The next packet."""
        async with asyncio.timeout(10):
            return await self._came.get()

    async def final(self) -> bytes:
        """The next answer that is final."""
        while True:
            data = await self.next()
            if re.match(rb"SIP/2\.0 [2-6]", data):
                return data

    def drain(self) -> None:
        """Forgets what came."""
        while not self._came.empty():
            self._came.get_nowait()

    async def silence(self, seconds: float) -> None:
        """Nothing may come for so long."""
        await asyncio.sleep(seconds)
        assert self._came.empty(), self._came.get_nowait()


def request(
    method: str,
    peer: Peer,
    *,
    uri: str = "sip:100@127.0.0.1",
    user: str = "100",
    extra: list[str] | None = None,
    body: bool = False,
    number: int | None = None,
) -> bytes:
    """A well-formed request of a new transaction; `number`: of another one's again."""
    count = number or next(_NUMBERS)
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {peer.host}:{peer.port};branch=z9hG4bK-{count};rport",
        "Max-Forwards: 70",
        f"From: <sip:{user}@{peer.host}>;tag=f{count}",
        f"To: <sip:{user}@127.0.0.1>",
        f"Call-ID: call-{count}@{peer.host}",
        f"CSeq: {count} {method}",
        *(extra or []),
    ]
    if method == "INVITE" and not any(line.startswith("Contact") for line in lines):
        lines.append(f"Contact: <sip:{user}@{peer.host}:{peer.port}>")
    if body:
        lines.append("Content-Type: application/sdp")
    lines += [f"Content-Length: {len(BODY) if body else 0}", "", ""]
    return "\r\n".join(lines).encode() + (BODY if body else b"")


def header(message: bytes, name: str) -> str:
    """A header's value, empty if there is none."""
    found = re.search(rf"^{name}\s*:[ \t]*(.*?)\r?$".encode(), message, re.MULTILINE | re.IGNORECASE)
    return found[1].decode("utf-8", "replace") if found else ""


def register(peer: Peer, user: str, password: str, challenge: bytes, method: str = "REGISTER", **more: str) -> bytes:
    """A REGISTER that answers a challenge."""
    known = digest.best([header(challenge, "WWW-Authenticate")])
    assert known is not None
    uri = "sip:127.0.0.1"
    text = digest.answer(known, user, password, method, uri, "c0ffee")
    return request(method, peer, uri=uri, user=user, extra=[f"Authorization: {text}", *(f"{n}: {v}" for n, v in more.items())])
