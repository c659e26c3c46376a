"""What stands around the server in a measurement: nginx as 200 receivers, wrk as producers, a store that is full already."""

import hashlib
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blackbox import Api, Server, cpu_us, pinned, running, stolen, until

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
BUILD = ROOT / "build" / "bench"
ENGINE_CORE, OUTSIDE_CORE = 0, 1
ENDPOINTS = 200
RECEIVER_PORT = 18_201
SIZE = 1024

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit; worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_timeout 1h; keepalive_requests 1000000000; client_max_body_size 1m; client_body_buffer_size 64k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s;
  server {{ {listen} return 200; }}
  server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}
}}
"""


def address(index: int) -> str:
    """The loopback address of the n-th endpoint."""
    return f"127.0.1.{index + 1}"


@dataclass
class Nginx:
    """`return 200` on an address per endpoint, pinned to the outside's core."""

    folder: Path
    hosts: list[str]
    status: int
    pid: int = 0

    @contextmanager
    def serving(self) -> "Iterator[Nginx]":
        """For the length of a block."""
        self.folder.mkdir(parents=True, exist_ok=True)
        listen = " ".join(f"listen {host}:{RECEIVER_PORT};" for host in self.hosts)
        conf = self.folder / "nginx.conf"
        conf.write_text(NGINX.format(folder=self.folder, listen=listen, status=self.status))
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        with running([binary, "-e", str(self.folder / "error.log"), "-c", str(conf)], OUTSIDE_CORE) as process:
            self.pid = process.pid
            until(lambda: process.poll() is None and self._answers(), 10, "nginx")
            yield self

    def _answers(self) -> bool:
        try:
            return self.received() >= 0
        except OSError:
            return False

    def received(self) -> int:
        """Webhooks answered so far (the status page's own requests taken off)."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/", timeout=5) as answer:
            numbers = re.findall(r"\d+", answer.read().decode())
        self._asked += 1
        return int(numbers[3]) - self._asked

    _asked: int = field(default=0, repr=False)


def wrk(server: Server, key: str, seconds: float, *, batch: int = 1, connections: int = 64) -> dict[str, float]:
    """One run of the load generator: requests and updates that were accepted, latencies, its own CPU."""
    run = f"r{time.time_ns():x}"
    script = [str(BENCH / "load.lua"), f"http://127.0.0.1:{server.port}", "--", key, run, str(batch), str(SIZE), str(ENDPOINTS)]
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", *script]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(pinned(OUTSIDE_CORE, words), check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    line = next((line for line in out.splitlines() if line.startswith("JSON ")), None)
    if line is None:
        raise RuntimeError(f"wrk said: {out}")
    result: dict[str, float] = json.loads(line[5:])
    result["accepted"] = (result["requests"] - result["refused"]) * batch
    result["cpu_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result


class Meter:
    """CPU of the engine and of the outside, and what the machine's neighbours took, over a stretch of time."""

    def __init__(self, server: Server, *outside: int) -> None:
        self._pids = (server.pid, *outside)
        self._start = [cpu_us(pid) for pid in self._pids]
        self._loop = cpu_us(server.pid, server.pid)
        self._stolen = stolen()
        self._at = time.monotonic()

    def read(self, count: float, wrk_cpu_s: float = 0.0) -> dict[str, float]:
        """Until now: engine microseconds per item (and its event loop's part), how busy the engine's and the outside's core were,
        and what was stolen, in percent."""
        seconds = time.monotonic() - self._at
        engine, *outside = [cpu_us(pid) - start for pid, start in zip(self._pids, self._start, strict=True)]
        every, lost = (now - then for now, then in zip(stolen(), self._stolen, strict=True))
        return {
            "engine_us": round(engine / max(count, 1), 1),
            "loop_us": round((cpu_us(self._pids[0], self._pids[0]) - self._loop) / max(count, 1), 1),
            "engine_load_pct": round(engine / 1e4 / seconds, 1),
            "receiver_load_pct": round(sum(outside) / 1e4 / seconds, 1),
            "producer_load_pct": round(wrk_cpu_s * 100 / seconds, 1),
            "stolen_pct": round(100 * lost / max(every, 1e-9), 2),
        }


def set_up(server: Server, urls: list[str]) -> Api:
    """An account with an endpoint per URL: dialect standard, signed, order `call`, for the calls to its own number."""
    api = server.new_account("bench")
    for index, url in enumerate(urls):
        wish = [{"key": "number", "value": f"+6128880{index:04d}"}]
        api.ask("POST", "/v1/endpoints", {"url": url, "dialect": "standard", "order": "call", "filters": wish})
    return api


def urls(port: int = RECEIVER_PORT) -> list[str]:
    """The endpoints' URLs, one loopback address each."""
    return [f"http://{address(index)}:{port}/hook" for index in range(ENDPOINTS)]


def new_data(name: str) -> Path:
    """An empty place for a server's data."""
    path = BUILD / name
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def full_store(rows: int, name: str = "work") -> tuple[Path, str]:
    """(data directory, the account's key) of a copy of a store with `rows` deliveries done, which is made once per version of the
    store; `name`: of the copy."""
    parts = [*sorted((ROOT / "src/ringback/store").rglob("*")), ROOT / "src/ringback/calls/model.py", BENCH / "prefill.py"]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts if part.suffix in (".py", ".sql"))).hexdigest()[:12]
    kept = BUILD / f"full-{rows}-{digest}"
    if not (kept / "done").exists():
        for old in BUILD.glob("full-*"):
            shutil.rmtree(old)
        server = Server(new_data(f"{kept.name}/data"), core=None)
        server.start()
        api = set_up(server, urls())
        server.stop()
        subprocess.run([sys.executable, str(BENCH / "prefill.py"), str(server.data), str(rows)], check=True)
        (kept / "done").write_text(api.key)
    copy = new_data(name)
    shutil.copytree(kept / "data", copy)
    os.sync()  # else the system writes the copy down while the first run waits for its own syncs
    return copy, (kept / "done").read_text()


@contextmanager
def serving(data: Path, **options: Any) -> Iterator[Server]:
    """A server on its core for the length of a block."""
    server = Server(data, core=ENGINE_CORE, **options)
    server.start(120)
    try:
        yield server
    finally:
        server.stop()


def drained(api: Api, nginx: Nginx, deadline_s: float = 300) -> float:
    """Waits until the last delivery was received and noted as done; the monotonic moment of that."""
    last = [-1, 0]

    def still() -> bool:
        last[:] = [nginx.received(), last[0]]
        return last[0] == last[1] and not api.open_deliveries()

    until(still, deadline_s, "the last delivery", every_s=0.05)
    return time.monotonic()


def silent_udp() -> socket.socket:
    """A name server that hears everything and says nothing."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock
