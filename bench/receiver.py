"""A receiver in its own process, for tests and figures: notes each request by the machine's monotonic clock, answers after a while.

    python receiver.py --listen 127.0.0.1:0 [--listen …] [--delay-s 0.03] [--log FILE] [--hang]

`--log` gets one line per request when it arrives (`A ns webhook-id call-id type`) and one when it was answered (`B ns webhook-id`);
written out every 10 ms. `--hang` accepts, reads, and never answers. Prints its ports when it listens; port 0
takes a free one.
"""

import argparse
import asyncio
import re
import time
from asyncio import Transport
from typing import TextIO, cast

import httptools

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CALL = re.compile(rb'"call":\{"id":"([^"]+)"')
TYPE = re.compile(rb'"type":"([^"]+)"')


class Hanging(asyncio.Protocol):
    """Takes what comes, and says nothing."""


class Recording(asyncio.Protocol):
    """One connection: a line when a request is whole, a line when it was answered."""

    def __init__(self, lines: list[str], delay_s: float) -> None:
        self._lines = lines
        self._delay_s = delay_s
        self._parser = httptools.HttpRequestParser(self)
        self._id = ""
        self._body: list[bytes] = []
        self._transport: Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._id = ""
        self._body = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"webhook-id":
            self._id = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        call, kind = CALL.search(body), TYPE.search(body)
        found = [match.group(1).decode() if match else "-" for match in (call, kind)]
        self._lines.append(f"A {time.monotonic_ns()} {self._id} {found[0]} {found[1]}\n")
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._answer, self._id)
        else:
            self._answer(self._id)

    def _answer(self, webhook_id: str) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(ANSWER)
            self._lines.append(f"B {time.monotonic_ns()} {webhook_id}\n")


async def serve(listen: list[str], delay_s: float, log: TextIO | None, *, hang: bool) -> None:
    """Until it is ended."""
    loop = asyncio.get_running_loop()
    lines: list[str] = []
    ports = []
    for address in listen:
        host, _, port = address.rpartition(":")
        server = await loop.create_server(Hanging if hang else lambda: Recording(lines, delay_s), host, int(port), backlog=4096)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    while True:
        await asyncio.sleep(0.01)
        if lines:
            if log is not None:
                log.write("".join(lines))
                log.flush()
            lines.clear()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", action="append", required=True)
    parser.add_argument("--delay-s", type=float, default=0.0)
    parser.add_argument("--log")
    parser.add_argument("--hang", action="store_true")
    given = parser.parse_args()
    log = open(given.log, "a", encoding="utf-8") if given.log else None  # noqa: SIM115 (open as long as the process)
    asyncio.run(serve(given.listen, given.delay_s, log, hang=given.hang))


if __name__ == "__main__":
    main()
