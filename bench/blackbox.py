"""Ringback from outside: start it, set it up, look at it. Knows the documented contract and /proc, nothing of the inside."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ADMIN_KEY = "operator-key-of-the-harness"
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


class Refused(Exception):
    """The server answered with a status that the harness did not expect."""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


def until(true: Callable[[], bool], deadline_s: float, what: str, every_s: float = 0.02) -> float:
    """Polls until it is true; the seconds that it took. Raises TimeoutError."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > deadline_s:
            raise TimeoutError(f"{what}: not within {deadline_s:.0f} s")
        time.sleep(every_s)
    return time.monotonic() - started


def pinned(core: int | None, words: Sequence[str]) -> list[str]:
    """The command on one core, where there are two or more and `taskset` is there."""
    if core is None or (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return list(words)
    return ["taskset", "-c", str(core), *words]


def cpu_us(pid: int, thread: int | None = None) -> float:
    """Microseconds of CPU that a process has used, all threads, or one of them (the main thread's number is the process's)."""
    path = Path(f"/proc/{pid}/stat" if thread is None else f"/proc/{pid}/task/{thread}/stat")
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_US


def memory_mb(pid: int) -> dict[str, float]:
    """Resident memory of a process: now, of that its own (not file-backed), and the most so far."""
    names = {"VmRSS": "rss", "RssAnon": "anon", "VmHWM": "peak"}
    rows = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {names[row[0][:-1]]: int(row[1]) / 1024 for row in rows if row and row[0][:-1] in names}


def stolen() -> tuple[float, float]:
    """(all, stolen) seconds of the machine's cores since boot: a neighbour's share makes every figure worse."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields) * TICK_US / 1e6, fields[7] * TICK_US / 1e6


@dataclass
class Api:
    """JSON over HTTP with a key, on one kept connection."""

    port: int
    key: str
    host: str = "127.0.0.1"
    _connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Any = None, expect: Sequence[int] = (200, 201, 202, 204)) -> Any:
        """The answer's JSON (None without a body). Raises Refused for another status, OSError when nobody answers."""
        status, data = self.raw(method, path, None if body is None else json.dumps(body).encode())
        if status not in expect:
            raise Refused(f"{method} {path}: {status} {data[:500]!r}")
        return json.loads(data) if data else None

    def raw(self, method: str, path: str, data: bytes | None = None) -> tuple[int, bytes]:
        """(status, body), whatever they are."""
        headers = {"Authorization": f"Bearer {self.key}"} | ({"Content-Type": "application/json"} if data is not None else {})
        for again in (True, False):
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
            try:
                self._connection.request(method, path, data, headers)
                response = self._connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException):
                self.close()
                if not again or method != "GET":
                    raise
        raise AssertionError("unreachable")

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor = ""
        while True:
            page = self.ask("GET", f"{path}{'&' if '?' in path else '?'}limit=1000{cursor}")
            yield from page["items"]
            if not page.get("next_cursor"):
                return
            cursor = f"&cursor={page['next_cursor']}"

    def close(self) -> None:
        """Lets the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def open_deliveries(self) -> bool:
        """Is any delivery of the account not done?"""
        return any(self.ask("GET", f"/v1/deliveries?state={state}&limit=1")["items"] for state in ("pending", "retrying"))


@dataclass
class Server:
    """`ringback serve` as a process of its own."""

    data: Path
    port: int = field(default_factory=free_port)
    core: int | None = None
    env: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    log_to: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    _clients: list[Api] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> Path:
        """What the server printed."""
        return self.log_to or self.data.parent / f"{self.data.name}.log"

    def start(self, deadline_s: float = 30) -> float:
        """Starts it and waits until /readyz says 200: the seconds from the start of the process."""
        options = ["--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)]
        words = [str(Path(sys.executable).parent / "ringback"), "serve", *options, "--allow-network", "127.0.0.0/8", "--allow-http"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
        environment = clean | {"RINGBACK_ADMIN_KEY": ADMIN_KEY} | self.env
        with self.log.open("ab") as log:
            command = pinned(self.core, [*self.prefix, *words])
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            return until(self.ready, deadline_s, "the server's /readyz")
        except TimeoutError:
            self.kill()
            raise

    def ready(self) -> bool:
        """Does /readyz answer 200?"""
        if self.process is not None and self.process.poll() is not None:
            raise Refused(f"the server ended with {self.process.returncode}: {self.log.read_text(errors='replace')[-2000:]}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            with connection.getresponse() as response:
                return response.status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, deadline_s: float = 30) -> None:
        """Asks it to end, and waits; kills it if it does not."""
        for client in self._clients:
            client.close()
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def api(self, key: str = ADMIN_KEY) -> Api:
        """A client of it; the operator's without a key. Closed when the server is stopped."""
        self._clients.append(Api(self.port, key))
        return self._clients[-1]

    def new_account(self, name: str) -> Api:
        """A new account's client."""
        return self.api(self.api().ask("POST", "/v1/accounts", {"name": name})["key"])


@contextlib.contextmanager
def receiving(hosts: Sequence[str], *options: str, core: int | None = None) -> Iterator[list[int]]:
    """A receiver (receiver.py) for the length of a block, on a free port of each host: those ports."""
    script = str(Path(__file__).parent / "receiver.py")
    words = [sys.executable, script, *(word for host in hosts for word in ("--listen", f"{host}:0")), *options]
    with running(words, core, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError("the receiver did not start")
        yield [int(port) for port in line.split()]


@contextlib.contextmanager
def running(words: Sequence[str], core: int | None = None, **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process that is there for the length of a block."""
    with subprocess.Popen(pinned(core, words), stdin=subprocess.DEVNULL, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
