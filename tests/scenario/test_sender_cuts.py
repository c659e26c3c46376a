"""An answer means the same however the network cuts it."""

import asyncio
import gzip
import zlib
from typing import Any

import pytest
from awkward_receivers import OK, coded
from sender_harness import LOOPS, Client, post, settings, with_sender

TEXT = b"hello, caller"
ANSWERS = {
    "content-length": b"HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Two:  b \r\nContent-Length: 13\r\n\r\n" + TEXT,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n8;x=1\r\n, caller\r\n0\r\nX-T: 1\r\n\r\n",
    "close-delimited": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + TEXT,
    "204": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "1xx and 200": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
    "gzip": coded(gzip.compress(TEXT), "gzip"),
    "deflate": coded(zlib.compress(TEXT), "deflate"),
    "not HTTP": b"HTTP/1.1 2x0 OK\r\n\r\n",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}


class Cutting(asyncio.Protocol):
    """Answers each request with two pieces; the next turn of the loop, and so the next packet, lies between them."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.at = 0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer[: self.at])
        asyncio.get_running_loop().call_later(0.002, self._rest, self.at)

    def _rest(self, at: int) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(self.answer[at:])
        if b"Connection: close" in self.answer:
            self.transport.close()


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("name", ANSWERS)
def test_every_cut_gives_the_same_outcome(name: str, kind: str) -> None:
    answer = ANSWERS[name]

    async def scenario(client: Client) -> None:
        loop = asyncio.get_running_loop()
        made: list[Cutting] = []
        cuts = list(range(len(answer) + 1))

        def protocol() -> Cutting:
            cutting = Cutting(answer)
            cutting.at = cuts[len(made) % len(cuts)]
            made.append(cutting)
            return cutting

        server = await loop.create_server(protocol, "127.0.0.1", 0, backlog=512)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        seen = set()
        # Each cut on a connection of its own; then twice in a row over each connection that was kept.
        for _ in range(3):
            outcomes = await asyncio.gather(*(client.send(post(url), key=cut, timeout_s=5) for cut in cuts))
            seen |= {(o.error, o.status, o.headers, o.body, o.body_cut) for o in outcomes}
        server.close()
        for cutting in made:
            cutting.transport.close()
        assert len(seen) == 1, seen

    with_sender(kind, scenario, settings(connect_timeout_s=5.0))


@pytest.mark.parametrize("kind", LOOPS)
def test_a_cut_is_a_reset_wherever_it_falls(kind: str) -> None:
    """The connection ends after every byte of an answer but the last."""
    answer = ANSWERS["content-length"]

    async def scenario(client: Client) -> None:
        class Ending(asyncio.Protocol):
            count = 0

            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def data_received(self, data: bytes) -> None:
                self.transport.write(answer[: Ending.count])
                Ending.count += 1
                self.transport.close()

        server = await asyncio.get_running_loop().create_server(Ending, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for _ in range(len(answer)):
            outcome = await client.send(post(url), timeout_s=5)
            assert (outcome.error, outcome.status, outcome.headers, outcome.body) == ("reset", None, (), b"")
        assert (await client.send(post(url), timeout_s=5)).status == 200
        server.close()

    with_sender(kind, scenario, settings(connect_timeout_s=5.0))
