"""A store that cannot be written: 503 and nothing half-written, and it goes on by itself when there is room again."""

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from blackbox import Api, Server, receiving, until

MIB = 1024 * 1024
PER_REQUEST = 50


def updates(request: int) -> list[dict[str, Any]]:
    """A batch of new calls, as large as calls may well be."""
    return [
        {
            "id": f"full-{request}-{index}",
            "type": "call.starting",
            "at": "2026-11-20T12:00:00.000Z",
            "call": {
                "id": f"full-{request}-{index}",
                "direction": "inbound",
                "from": "+61255500001",
                "to": "+61288800001",
                "vars": {"noise": os.urandom(1000).hex()},
            },
        }
        for index in range(PER_REQUEST)
    ]


class Story:
    """Sends batches, and remembers which were acknowledged and which refused."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.taken: list[int] = []
        self.refused: list[int] = []
        self._next = 0

    def send(self) -> int:
        """One batch; its status. A refusal must be a 503 that says so and when to come again."""
        number, self._next = self._next, self._next + 1
        status, answer = self.api.raw("POST", "/v1/events", json.dumps(updates(number)).encode())
        assert status in (202, 503), answer
        if status == 503:
            assert json.loads(answer)["status"] == 503
        (self.taken if status == 202 else self.refused).append(number)
        return status

    def until_refused(self) -> None:
        """Sends until the store is full."""
        for _ in range(2_000):
            if self.send() == 503:
                return
        pytest.fail("the store never said that it is full")

    def until_taken(self) -> None:
        """Sends until the store takes it again, by itself."""
        until(lambda: self.send() == 202, 30, "the server's recovery", every_s=0.2)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """(port, log) of a receiver that answers at once."""
    log = tmp_path / "received"
    with receiving(["127.0.0.1"], "--log", str(log)) as ports:
        yield ports[0], log


def fill_and_free(server: Server, receiver: tuple[int, Path], fill: Callable[[], None], free: Callable[[], None]) -> None:
    """The story: some are taken, the disk is full, some are refused, there is room again, all that was taken arrives."""
    port, log = receiver
    api = server.new_account("full")
    api.ask("POST", "/v1/endpoints", {"url": f"http://127.0.0.1:{port}/", "dialect": "standard"})
    story = Story(api)
    for _ in range(5):
        assert story.send() == 202
    fill()
    story.until_refused()
    for _ in range(3):
        story.send()
    # It still answers, and still knows what it took.
    assert api.ask("GET", f"/v1/calls/full-{story.taken[0]}-0")
    free()
    story.until_taken()
    assert story.send() == 202
    expected = len(story.taken) * PER_REQUEST

    def calls() -> list[str]:
        return [line.split(" ")[3] for line in log.read_text().splitlines() if line.startswith("A ")]

    until(lambda: len(set(calls())) >= expected and not api.open_deliveries(), 60, "all that was taken")
    came = set(calls())
    assert came == {f"full-{number}-{index}" for number in story.taken for index in range(PER_REQUEST)}
    for number in story.refused:
        for index in (0, PER_REQUEST - 1):
            assert api.raw("GET", f"/v1/calls/full-{number}-{index}")[0] == 404
    server.stop()
    server.start()
    for number in story.taken:
        assert api.ask("GET", f"/v1/calls/full-{number}-{PER_REQUEST - 1}")


@contextmanager
def started(server: Server) -> Iterator[Server]:
    """A server that does not outlive the test."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.slow
def test_a_file_that_may_not_grow_refuses_and_recovers(tmp_path: Path, receiver: tuple[int, Path]) -> None:
    def fill() -> None:
        sizes = [path.stat().st_size for path in server.data.rglob("*") if path.is_file()]
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (max(sizes) + 2 * MIB, resource.RLIM_INFINITY))

    def free() -> None:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    with started(Server(tmp_path / "data")) as server:
        fill_and_free(server, receiver, fill, free)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_refuses_and_recovers(tmp_path: Path, receiver: tuple[int, Path]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        ballast = disk / "ballast"

        def fill() -> None:
            room = os.statvfs(disk)
            ballast.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - 2 * MIB)))

        with started(Server(disk / "data", log_to=tmp_path / "server.log")) as server:
            fill_and_free(server, receiver, fill, ballast.unlink)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
