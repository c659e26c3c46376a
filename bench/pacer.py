"""Latency from outside: sends updates at a steady rate, is their receiver too, and tells how long each took to come back.

    python pacer.py --port 8080 --key KEY --receive 9000 --rate 1000 --seconds 15

Open loop: an update is sent when its moment has come, whatever became of those before it. Sender and receiver are one process, so
both moments are of one clock: the send time is written into the update (`vars.t`) and comes back in the webhook. Prints a line of
JSON.
"""

import argparse
import asyncio
import json
import re
import time
from asyncio import Transport
from datetime import UTC, datetime
from typing import cast

import httptools
import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SENT = re.compile(rb'"t":"(\d+)"')
STATUSES = ("starting", "ringing", "ongoing", "completed")
RING = 250


class Receiver(asyncio.Protocol):
    """Answers at once and notes how old the update in the webhook is."""

    def __init__(self, delivered_ns: list[int]) -> None:
        self._delivered_ns = delivered_ns
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""
        self._transport: Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        now = time.monotonic_ns()
        assert self._transport is not None
        self._transport.write(ANSWER)
        sent = SENT.search(self._body)
        if sent:
            self._delivered_ns.append(now - int(sent.group(1)))


class Hanging(asyncio.Protocol):
    """Takes what comes, and says nothing."""


class Sender(asyncio.Protocol):
    """One kept connection to the server; free when its answer came."""

    def __init__(self, free: "list[Sender]", acked_ns: list[int], refused: list[int]) -> None:
        self._free = free
        self._acked_ns = acked_ns
        self._refused = refused
        self._parser = httptools.HttpResponseParser(self)
        self._sent_ns = 0
        self._transport: Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(Transport, transport)

    def send(self, request: bytes, sent_ns: int) -> None:
        """One request."""
        assert self._transport is not None
        self._sent_ns = sent_ns
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._acked_ns.append(time.monotonic_ns() - self._sent_ns)
        if self._parser.get_status_code() != 202:
            self._refused.append(self._parser.get_status_code())
        self._free.append(self)


def called(number: int) -> int:
    """The call that the n-th update of a run is about. The statuses of one call are a ring of calls apart."""
    turn, place = divmod(number, RING)
    return turn // len(STATUSES) * RING + place


def update(run: str, number: int, endpoints: int, size: int) -> tuple[bytes, int]:
    """The n-th update of a run as JSON, and its send time."""
    call = called(number)
    status = STATUSES[number // RING % len(STATUSES)]
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sent_ns = time.monotonic_ns()
    of_call = {
        "id": f"{run}-{call:08d}",
        "direction": "inbound",
        "from": "+61255500001",
        "to": f"+6128880{call % endpoints:04d}",
        "vars": {"t": str(sent_ns), "pad": ""},
    }
    whole = {"id": f"{run}-{number:08d}", "type": f"call.{status}", "at": at, "call": of_call, "data": {}}
    text = json.dumps(whole, separators=(",", ":"))
    return text.replace('"pad":""', f'"pad":"{"x" * max(0, size - len(text))}"').encode(), sent_ns


async def pace(given: argparse.Namespace) -> dict[str, float]:
    """Sends for the given seconds, waits for what is still on its way; the figures in milliseconds."""
    loop = asyncio.get_running_loop()
    delivered: list[int] = []
    acked: list[int] = []
    refused: list[int] = []
    free: list[Sender] = []
    hung = {index for index in range(given.endpoints) if given.hang_every and index % given.hang_every == 5}
    for index in range(given.endpoints):
        kind = Hanging if index in hung else lambda: Receiver(delivered)
        await loop.create_server(kind, f"127.0.1.{index + 1}", given.receive)
    for _ in range(32):
        _, sender = await loop.create_connection(lambda: Sender(free, acked, refused), "127.0.0.1", given.port)
        free.append(sender)
    head = f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {given.key}\r\nContent-Type: application/json\r\n"
    total = int(given.rate * given.seconds)
    started = time.monotonic()
    behind = healthy = 0
    for number in range(total):
        wait = started + number / given.rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        while not free:
            behind += 1
            await asyncio.sleep(0.001)
        body, sent_ns = update(given.run, number, given.endpoints, given.size)
        healthy += called(number) % given.endpoints not in hung
        free.pop(0).send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, sent_ns)
    sent_for = time.monotonic() - started
    deadline = time.monotonic() + 20
    while len(delivered) < healthy and time.monotonic() < deadline:  # noqa: ASYNC110 (after the measurement)
        await asyncio.sleep(0.01)
    delivered.sort()
    acked.sort()

    def at(values: list[int], share: float) -> float:
        return round(values[min(len(values) - 1, int(len(values) * share))] / 1e6, 3) if values else float("nan")

    return {
        "sent": total,
        "healthy": healthy,
        "rate": round(total / sent_for, 1),
        "refused": len(refused),
        "waited_for_a_connection": behind,
        "delivered": len(delivered),
        "acked_p50_ms": at(acked, 0.5),
        "acked_p99_ms": at(acked, 0.99),
        "delivered_p50_ms": at(delivered, 0.5),
        "delivered_p99_ms": at(delivered, 0.99),
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--receive", type=int, required=True)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--endpoints", type=int, default=200)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--hang-every", type=int, default=0)
    parser.add_argument("--run", default=f"lat-{time.time_ns()}")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(pace(given))), flush=True)


if __name__ == "__main__":
    main()
