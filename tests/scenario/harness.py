"""A real server in a process of its own, real sockets, and a receiver that keeps what it was sent."""

import contextlib
import http.client
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

ADMIN_KEY = "operator-key-of-the-tests"


@dataclass
class Api:
    """A client of the server with one key."""

    port: int
    key: str | None
    account: str = ""

    def raw(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            own = {"Authorization": f"Bearer {self.key}"} if self.key else {}
            connection.request(method, path, body, {"Content-Type": "application/json", **own, **(headers or {})})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, _, answer = self.raw(method, path, None if body is None else json.dumps(body).encode())
        return status, json.loads(answer) if answer else None

    def get(self, path: str) -> Any:
        status, answer = self.call("GET", path)
        assert status == 200, (path, status, answer)
        return answer

    def post(self, path: str, body: Any, expected: int = 201) -> Any:
        status, answer = self.call("POST", path, body)
        assert status == expected, (path, status, answer)
        return answer

    def send(self, *updates: dict[str, Any]) -> Any:
        return self.post("/v1/events", list(updates) if len(updates) != 1 else updates[0], 202)

    def endpoint(self, url: str, dialect: str = "standard", **more: Any) -> Any:
        return self.post("/v1/endpoints", {"url": url, "dialect": dialect, **more})

    def deliveries(self, **narrowed: Any) -> list[dict[str, Any]]:
        """Deliveries, newest first; `deliveries(state="retrying")`."""
        items: list[dict[str, Any]] = self.get(f"/v1/deliveries?{urlencode(narrowed)}")["items"]
        return items

    def settled(self, count: int, within_s: float = 10, **narrowed: Any) -> list[dict[str, Any]]:
        """The deliveries, once there are `count` and each has had an attempt (or will have none), with their attempts, oldest
        first."""
        open_ = ("pending", "sending")

        def done() -> list[dict[str, Any]]:
            items = self.deliveries(**narrowed)
            return items if len(items) == count and all(item["state"] not in open_ for item in items) else []

        return [self.get(f"/v1/deliveries/{item['id']}") for item in reversed(until(done, within_s))]


@dataclass
class Server:
    """A `ringback serve` that runs."""

    port: int
    process: subprocess.Popen[bytes]
    data: Path
    log: Path

    @property
    def operator(self) -> Api:
        return Api(self.port, ADMIN_KEY)

    def account(self, name: str = "test") -> Api:
        made = self.operator.post("/v1/accounts", {"name": name})
        return Api(self.port, made["key"], made["id"])

    def stop(self, how: int = 15) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)


def start_server(
    data: Path,
    *options: str,
    port: int = 0,
    environment: dict[str, str] | None = None,
    strict: bool = False,
    under: tuple[str, ...] = (),
    program: tuple[str, ...] = ("-m", "ringback"),
) -> Server:
    """Starts a server on a free port and waits until it is ready. `strict`: no plain http, no private addresses. `under`: a command
    that runs it. `program`: what Python is to run."""
    log = data.parent / f"{data.name}.log"
    command = [*under, sys.executable, *program, "serve", "--data", str(data), "--port", str(port or free_port())]
    command += [*([] if strict else ["--allow-network", "127.0.0.0/8", "--allow-http"]), *options]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RINGBACK_")}
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env={**clean, "RINGBACK_ADMIN_KEY": ADMIN_KEY, **(environment or {})}
        )
    server = Server(int(command[command.index("--port") + 1]), process, data, log)

    def ready() -> bool:
        assert process.poll() is None, f"the server ended:\n{log.read_text()}"
        with contextlib.suppress(OSError):
            return Api(server.port, None).raw("GET", "/readyz")[0] == 200
        return False

    until(ready, 20)
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], within_s: float = 10) -> Any:
    """Polls until the condition holds, and gives its value; fails after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("server") / "data")
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture
def api(server: Server) -> Api:
    return server.account()


@dataclass
class Got:
    """One request as the receiver saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    header_names: list[str]
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """A web server that keeps what it was sent; `answer` decides the status, or the whole of the answer. It may block."""

    port: int
    got: "queue.Queue[Got]" = field(default_factory=queue.Queue)
    all: list[Got] = field(default_factory=list)
    answer: Callable[[Got], "int | tuple[int, dict[str, str], bytes]"] = lambda got: 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next(self, within_s: float = 10) -> Got:
        return self.got.get(timeout=within_s)

    def take(self, count: int, within_s: float = 15) -> list[Got]:
        return [self.next(within_s) for _ in range(count)]

    def nothing(self, for_s: float = 0.3) -> bool:
        """Nothing (more) arrives: the one thing that only waiting can show."""
        try:
            self.got.get(timeout=for_s)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as kept:
        yield kept


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    """Makes receivers, each on a port of its own."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(running_receiver())


@contextlib.contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver for as long as the block runs."""
    kept: Receiver

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {k.lower(): v for k, v in self.headers.items()}
            got = Got(self.command, self.path, headers, body, [k for k, _ in self.headers.items()], time.time())
            kept.all.append(got)
            answer = kept.answer(got)
            status, more, text = (answer, {}, b"") if isinstance(answer, int) else answer
            kept.got.put(got)
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in {"Content-Length": str(len(text)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

        do_GET = do_POST = do_PUT = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    class Listening(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True
        block_on_close = False

    with Listening(("127.0.0.1", 0), Handler) as http_server:
        kept = Receiver(http_server.server_port)
        thread = threading.Thread(target=http_server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield kept
        http_server.shutdown()
        thread.join()


class Gate:
    """An answer that waits until it is opened, for the requests that it holds (all, if none are named); then 200."""

    def __init__(self, holds: Callable[[Got], bool] = lambda got: True) -> None:
        self._holds = holds
        self._open = threading.Event()

    def __call__(self, got: Got) -> int:
        if self._holds(got):
            self._open.wait(60)
        return 200

    def open(self) -> None:
        self._open.set()

    @property
    def is_open(self) -> bool:
        return self._open.is_set()


def run_ringback(*arguments: str, within_s: float = 30, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
    command = [sys.executable, "-m", "ringback", *arguments]
    # Wide and without colours, wherever the tests run.
    plain = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=within_s, env={**clean, **plain, **environment}
    )


_counter = iter(range(1, 1_000_000))


@pytest.fixture
def new_call() -> Callable[..., Callable[..., dict[str, Any]]]:
    """Makes updates of one call: `say = new_call(); say("ringing", 1)`: the status, seconds after the start."""

    def call(call_id: str | None = None, **fixed: Any) -> Callable[..., dict[str, Any]]:
        identity = call_id or f"call-{next(_counter)}"
        base = {"id": identity, "direction": "inbound", "from": "+61288880000", "to": "+611800111222", **fixed}

        def say(kind: str, at_s: float = 0, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
            whole, fraction = divmod(round(at_s * 1000), 1000)
            at = f"2026-11-20T12:{whole // 60:02d}:{whole % 60:02d}.{fraction:03d}Z"
            return {"type": f"call.{kind}", "at": at, "call": {**base, **more}, **({"data": data} if data else {})}

        return say

    return call
