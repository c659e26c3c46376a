"""`ringback listen`: a local receiver that prints and verifies webhooks of any dialect."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import uvicorn
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from ringback.cli.listening import QuietServer, listen_on
from ringback.receive.reading import Reading, read_webhook

MOST_BODY = 1024 * 1024
_STYLES = {"signature": "green", "form": "green", "unchecked": "yellow", "refused": "red"}
_WORDS = {
    "signature": "signature holds",
    "form": "every parameter as the platform's tables say",
    "unchecked": "signed; give --secret to check it",
    "refused": "not to be believed",
}

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Listening(Struct, frozen=True, kw_only=True):
    """What the command was told. `url`: what the sender calls, if that is not what we see (Bird signs it)."""

    host: str
    port: int
    secrets: tuple[str, ...] = ()
    url: str | None = None
    status: int = 200
    delay_s: float = 0.0
    as_json: bool = False
    bodies: bool = False
    count: int = 0


class Listener:
    """The ASGI application."""

    def __init__(self, told: Listening, console: Console) -> None:
        self._told = told
        self._console = console
        self.seen = 0
        self.refused = 0
        self.enough = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: read whole, printed, answered."""
        body = bytearray()
        more = True
        while more and len(body) <= MOST_BODY:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if self._told.delay_s:
            await asyncio.sleep(self._told.delay_s)
        self._show(scope, bytes(body))
        await send({"type": "http.response.start", "status": self._told.status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        if self._told.count and self.seen >= self._told.count:
            self.enough.set()

    def _show(self, scope: Scope, body: bytes) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        url = self._told.url if self._told.url is not None and not query else f"http://{headers.get('host', '')}{target}"
        reading = read_webhook(
            method=scope["method"], url=url, headers=headers, body=body, secrets=self._told.secrets, now_s=time.time()
        )
        self.seen += 1
        self.refused += reading.trust == "refused"
        if self._told.as_json:
            self._print_json(reading, scope["method"], target, headers, body)
        else:
            self._print(reading, scope["method"], target, headers, body)

    @staticmethod
    def _print_json(reading: Reading, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": method,
            "target": target,
            "headers": headers,
            "body": body.decode("utf-8", "replace"),
            **msgspec.to_builtins(reading),
        }
        print(json.dumps(line), flush=True)

    def _print(self, reading: Reading, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        style = _STYLES[reading.trust]
        line = Text(f"{datetime.now(UTC):%H:%M:%S} ")
        line.append(f"{reading.dialect or '?':<13}", "bold")
        line.append(f"{reading.event or method + ' ' + target[:60]:<26}")
        line.append(
            f" {'✓' if style == 'green' else '✗' if style == 'red' else '?'} {reading.reason or _WORDS[reading.trust]}", style
        )
        self._console.print(line, soft_wrap=True)
        if self._told.bodies or reading.trust == "refused":
            self._console.print(Text(f"         {method} {target}", "dim"), soft_wrap=True)
            for name, value in headers.items():
                self._console.print(Text(f"         {name}: {value}", "dim"), soft_wrap=True)
            if body:
                self._console.print(Text("         " + body.decode("utf-8", "replace"), "dim"), soft_wrap=True)


async def listen(told: Listening, started: Callable[[int], None] | None = None) -> int:
    """Listens until Ctrl-C, or until `count` requests came. The exit code: 0 if none was refused, else 1. Raises BadSettings."""
    console = Console()
    sockets = listen_on(told.host, told.port)
    port = int(sockets[0].getsockname()[1])
    listener = Listener(told, console)
    config = uvicorn.Config(listener, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False)
    server = QuietServer(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, listener.enough.set)
    serving = loop.create_task(server.serve(sockets=sockets))
    print(f"ringback listen: http://{told.host}:{port}/", file=sys.stderr, flush=True)
    if started is not None:
        started(port)
    await listener.enough.wait()
    server.should_exit = True
    await serving
    return 1 if listener.refused else 0
