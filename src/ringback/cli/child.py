"""A server of one's own, in a process of its own, for the commands that need one for a while."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from ringback.errors import OurError

_READY_S = 30.0
_STOP_S = 30.0


class Client:
    """JSON over HTTP with one key, on one kept connection; not for several threads."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=60)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, Mapping[str, str]]:
        """(status, decoded JSON, headers). Raises OSError when nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        for attempt in (1, 2):
            try:
                self._connection.request(method, self._prefix + path, data, self._headers)
                response = self._connection.getresponse()
                text = response.read()
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # A kept connection that the server closed meanwhile: events carry ids, so once more is harmless.
                self._connection.close()
                if attempt == 2:
                    raise
        headers = {name.lower(): value for name, value in response.getheaders()}
        is_json = "json" in headers.get("content-type", "")
        return response.status, json.loads(text) if is_json and text else None, headers

    def make(self, path: str, body: Any) -> Any:
        """POSTs what must be made. Raises OurError with the server's words otherwise."""
        status, answer, _ = self.ask("POST", path, body)
        if status not in (200, 201, 202):
            raise OurError(f"POST {path}: {status} {(answer or {}).get('detail', '')}")
        return answer

    def close(self) -> None:
        """Lets go of the connection."""
        self._connection.close()


class Child(Struct, frozen=True):
    """A server that runs: where it is, and the operator's key."""

    url: str
    port: int
    key: str

    def client(self, key: str | None = None) -> Client:
        """A client with the operator's key, or another."""
        return Client(self.url, key or self.key)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    """This process's environment without its own settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")} | more


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that is ended with the block, whatever happens in it."""
    process: subprocess.Popen[bytes] | None = None
    with log.open("ab") as out:
        try:
            with _signals_later():
                process = subprocess.Popen(  # noqa: S603 - our own command
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(env), start_new_session=True
                )
            yield process
        finally:
            if process is not None:
                _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _signals_later() -> Iterator[None]:
    """Ctrl-C and its like wait until the block is over: an exception within Popen would leave a process that nobody knows."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in wanted if signal.getsignal(number) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, lambda heard, _frame: came.append(heard))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for caught in came:
            signal.raise_signal(caught)


@contextlib.contextmanager
def own_server(data: Path, *options: str) -> Iterator[Child]:
    """`ringback serve` on a free port, ready; it logs to `server.log` among its data. Raises OurError if it does not start."""
    data.mkdir(parents=True, exist_ok=True)
    key, port, log = f"rb_{secrets.token_urlsafe(24)}", free_port(), data / "server.log"
    command = [sys.executable, "-m", "ringback", "serve", "--data", str(data), "--port", str(port), *options]
    with running(command, log, environment(RINGBACK_ADMIN_KEY=key)) as process:
        child = Child(f"http://127.0.0.1:{port}", port, key)
        deadline = time.monotonic() + _READY_S
        while not _is_ready(child):
            if process.poll() is not None or time.monotonic() > deadline:
                raise OurError(f"the server did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield child


def _is_ready(child: Child) -> bool:
    client = child.client()
    try:
        return client.ask("GET", "/readyz")[0] == 200
    except OSError:
        return False
    finally:
        client.close()
