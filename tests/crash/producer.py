"""A producer in its own process, with a ledger of what was acknowledged to it.

    python producer.py --port 8080 --key KEY --ledger FILE [--numbers 10]

Workers post their own calls, one update per request or 20 in a batch, about 3,200 updates a second in all while the server is up.
What was not acknowledged is sent again, with the same ids, until it is. Each acknowledged update is one line of the ledger, written
out at once: `ns update-id event-id call-id type duplicate`. SIGTERM: no new updates, waits for the last acknowledgement, ends.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import time
from datetime import UTC, datetime
from typing import Any

STATUSES = ("starting", "ringing", "ongoing", "completed")
RING = 50
SINGLE = (12, 1, 0.01)
BATCH = (10, 20, 0.1)
"""(workers, updates per request, seconds between requests)"""


class Worker:
    """One connection, its own calls, one request at a time: so the updates of a call arrive in their order, whatever breaks."""

    def __init__(self, name: str, given: argparse.Namespace, ledger: int, size: int, every_s: float) -> None:
        self._name = name
        self._given = given
        self._ledger = ledger
        self._size = size
        self._every_s = every_s
        self._made = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until it is told to stop; what it has begun it ends."""
        due = time.monotonic()
        while not stop.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            updates = [self._update() for _ in range(self._size)]
            await self._until_acknowledged(updates)
            # Jitter: workers that all waited for a restart would go on in step.
            due = max(due + self._every_s * random.uniform(0.5, 1.5), time.monotonic() - self._every_s)

    def _update(self) -> dict[str, Any]:
        turn, place = divmod(self._made, RING)
        self._made += 1
        call = turn // len(STATUSES) * RING + place
        status = STATUSES[turn % len(STATUSES)]
        return {
            "id": f"{self._name}-{call}-{status}",
            "type": f"call.{status}",
            "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "call": {
                "id": f"{self._name}-{call}",
                "direction": "inbound",
                "from": "+61255500001",
                "to": f"+6128880{call % self._given.numbers:04d}",
            },
        }

    async def _until_acknowledged(self, updates: list[dict[str, Any]]) -> None:
        body = json.dumps(updates[0] if self._size == 1 else updates).encode()
        while True:
            try:
                status, answer = await self._post(body)
            except (OSError, EOFError):
                self._streams = None
                await asyncio.sleep(0.02)
                continue
            if status == 202:
                self._note(updates, answer["results"])
                return
            if status != 503:
                raise RuntimeError(f"{status}: {answer}")
            await asyncio.sleep(0.05)

    def _note(self, updates: list[dict[str, Any]], results: list[dict[str, Any]]) -> None:
        now = time.monotonic_ns()
        lines = [
            f"{now} {update['id']} {result['event_id']} {update['call']['id']} {update['type']} {int(result['duplicate'])}\n"
            for update, result in zip(updates, results, strict=True)
        ]
        os.write(self._ledger, "".join(lines).encode())

    async def _post(self, body: bytes) -> tuple[int, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._given.port)
        reader, writer = self._streams
        head = f"POST /v1/events HTTP/1.1\r\nHost: crash\r\nAuthorization: Bearer {self._given.key}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in answer.split(b"\r\n")[1:] if b": " in line)
        text = await reader.readexactly(int(fields[b"content-length"]))
        return int(answer.split(b" ", 2)[1]), json.loads(text)


async def produce(given: argparse.Namespace) -> None:
    """All workers, until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ledger = os.open(given.ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    workers = [
        Worker(f"{kind}{number}-{os.getpid()}", given, ledger, size, every_s)
        for kind, (count, size, every_s) in (("one", SINGLE), ("many", BATCH))
        for number in range(count)
    ]
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker.run(stop))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--numbers", type=int, default=10)
    asyncio.run(produce(parser.parse_args()))
