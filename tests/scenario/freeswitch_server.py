"""A FreeSWITCH that plays recordings: a real Event Socket on loopback, with the faults that a network and a busy switch have.

What **happens** in the switch and what it **sends** are two things here: an event that happened and was not sent is a lost one, and
`show channels` tells of what happened.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

CAPTURES = Path(__file__).parents[1] / "data" / "captures" / "esljson"
PASSWORD = "of-the-lab"

Event = dict[str, Any]


def recording(scenario: str) -> list[Event]:
    return [json.loads(line) for line in (CAPTURES / f"{scenario}.jsonl").read_bytes().splitlines()]


def frame(event: Event) -> bytes:
    body = json.dumps(event).encode()
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n" % len(body) + body


class FakeSwitch:
    """One switch, any number of connections one after another."""

    def __init__(self) -> None:
        self.port = 0
        self.rows: dict[str, dict[str, str]] = {}
        self.commands: list[str] = []
        self.connections = 0
        self.subscribed = asyncio.Event()
        self.mute = False
        self.greeting = b"Content-Type: auth/request\n\n"
        self.stale_lists: list[list[dict[str, str]]] = []
        """Lists that `show channels` answers first: the switch's own view lags."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._writing = asyncio.Lock()
        """One frame after another: an answer never falls into the middle of an event."""
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.drop()
            await self._server.wait_closed()
            self._server = None

    def drop(self, last_words: bytes = b"") -> None:
        """Ends every connection at once, perhaps in the middle of a frame."""
        for writer in self._writers:
            writer.write(last_words)
            writer.close()
        self._writers.clear()
        self.subscribed.clear()

    # What happens, and what is said of it
    def happen(self, *events: Event) -> None:
        for event in events:
            leg, name = event.get("Unique-ID", ""), event["Event-Name"]
            if name == "CHANNEL_CREATE":
                maker = event.get("Other-Leg-Unique-ID") if event.get("Other-Type") == "originator" else None
                self.rows[leg] = {
                    "uuid": leg,
                    "direction": event["Call-Direction"],
                    "created_epoch": event["Event-Date-Timestamp"][:10],
                    "name": event["Channel-Name"],
                    "initial_cid_num": event["Caller-Caller-ID-Number"],
                    "initial_dest": event["Caller-Destination-Number"],
                    "initial_context": event["Caller-Context"],
                    "callstate": "DOWN",
                    "call_uuid": maker or "",
                }
            elif name == "CHANNEL_CALLSTATE" and leg in self.rows:
                self.rows[leg]["callstate"] = event["Channel-Call-State"]
            elif name == "CHANNEL_DESTROY":
                self.rows.pop(leg, None)

    def send(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    def play(self, events: Iterable[Event], *, lost: Callable[[Event], bool] = lambda event: False, times: int = 1) -> None:
        """Events happen; those that are not lost are sent, perhaps more than once."""
        for event in events:
            self.happen(event)
            if not lost(event):
                self.send(frame(event) * times)

    async def play_in_pieces(self, events: Iterable[Event], size: int) -> None:
        """The same with the stream cut anywhere, a pause at each cut."""
        data = b""
        for event in events:
            self.happen(event)
            data += frame(event)
        async with self._writing:
            for start in range(0, len(data), size):
                self.send(data[start : start + size])
                for writer in list(self._writers):
                    await writer.drain()
                await asyncio.sleep(0)

    # The protocol
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        writer.write(self.greeting)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                command = (await reader.readuntil(b"\n\n")).decode().strip()
                self.commands.append(command)
                if self.mute:
                    continue
                async with self._writing:
                    writer.write(self._answer(command))
                if command.startswith("event "):
                    self.subscribed.set()
        writer.close()
        self._writers.discard(writer)

    def _answer(self, command: str) -> bytes:
        if command.startswith("auth "):
            right = command == f"auth {PASSWORD}"
            return b"Content-Type: command/reply\nReply-Text: %s\n\n" % (b"+OK accepted" if right else b"-ERR invalid")
        if command.startswith("event "):
            return b"Content-Type: command/reply\nReply-Text: +OK event listener enabled json\n\n"
        if command == "api show channels as json":
            rows = self.stale_lists.pop(0) if self.stale_lists else list(self.rows.values())
            body = json.dumps({"row_count": len(rows)} | ({"rows": rows} if rows else {})).encode()
        else:
            body = b"UP 0 years, 0 days\n"
        return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body


@contextlib.asynccontextmanager
async def switch() -> AsyncIterator[FakeSwitch]:
    fake = FakeSwitch()
    await fake.start()
    try:
        yield fake
    finally:
        await fake.stop()
