"""kill -9 at random moments under load: nothing that was acknowledged is lost, and little comes twice. Judged from outside."""

import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from blackbox import Server, receiving, running, until
from judge import Evidence, Kill, Tail

HERE = Path(__file__).parent
NUMBERS = 10
ROUNDS = 20
MOST_ROUNDS = 40
QUIET = 5
"""Polls without a new line in the receiver's log: 80 ms, more than it takes to answer."""
MEMORY, ROOM = Path("/dev/shm"), 2**30
LEAST_RATE, LEAST_IN_FLIGHT = 2_000, 50


def endpoints(server: Server, ports: list[int]) -> str:
    """An account with an endpoint per number, each on a port of the receiver; its key."""
    api = server.new_account("crash")
    for number, port in enumerate(ports):
        wish = [{"key": "number", "value": f"+6128880{number:04d}"}]
        api.ask(
            "POST", "/v1/endpoints", {"url": f"http://127.0.0.1:{port}/", "dialect": "standard", "order": "call", "filters": wish}
        )
    return api.key


def kill_and_start(server: Server, received: Path, begun_ns: int, ready_ns: int) -> Kill:
    """One kill -9 and, once the receiver has read all that the dead one had sent, the next start."""
    at_ns = time.monotonic_ns()
    server.kill()
    sizes = [received.stat().st_size]

    def still() -> bool:
        sizes.append(received.stat().st_size)
        return len(sizes) > QUIET and sizes[-1] == sizes[-QUIET]

    until(still, 10, "the receiver's rest")
    successor_ns = time.monotonic_ns()
    server.start()
    return Kill(begun_ns, ready_ns, at_ns, successor_ns)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that runs, and does not outlive the test.

    Its data is in memory where there is room: a killed process leaves its files as they are there too, and a neighbour's load on
    the disk does not hold up commits. What a power cut leaves is another question, that no kill can answer.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    with tempfile.TemporaryDirectory(dir=MEMORY if roomy else tmp_path) as folder:
        running_server = Server(Path(folder) / "data")
        running_server.start()
        yield running_server
        running_server.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_nine_loses_nothing_that_was_acknowledged(server: Server, tmp_path: Path) -> None:
    log, ledger = tmp_path / "received", tmp_path / "ledger"
    evidence = Evidence(Tail(ledger), Tail(log))
    rng = random.Random()
    kills: list[Kill] = []
    counted = 0
    with receiving(["127.0.0.1"] * NUMBERS, "--delay-s", "0.03", "--log", str(log)) as ports:
        key = endpoints(server, ports)
        produce = [sys.executable, str(HERE / "producer.py"), "--port", str(server.port), "--key", key, "--ledger", str(ledger)]
        with running(produce) as producer:
            begun_ns, ready_ns = 0, time.monotonic_ns()
            while counted < ROUNDS and len(kills) < MOST_ROUNDS:
                pause = time.monotonic() + rng.uniform(0.5, 2.0)
                until(lambda pause=pause: time.monotonic() >= pause, 5, "the moment of the kill", every_s=0.001)
                kill = kill_and_start(server, log, begun_ns, ready_ns)
                begun_ns, ready_ns = kill.successor_ns, time.monotonic_ns()
                kills.append(kill)
                evidence.read()
                # A kill that met too little work on a busy machine shows nothing: it is judged, but does not count as a round.
                counted += evidence.rate(kill) >= LEAST_RATE and len(evidence.in_flight(kill)) >= LEAST_IN_FLIGHT
            producer.send_signal(signal.SIGTERM)
            assert producer.wait(60) == 0
        evidence.read()
        api = server.api(key)

        def all_there() -> bool:
            evidence.read()
            return not evidence.undelivered() and not api.open_deliveries()

        try:
            until(all_there, 60, "the last delivery")
        except TimeoutError:
            pytest.fail(f"{len(evidence.undelivered())} acknowledged and lost: {evidence.undelivered()[:10]}")
        finally:
            print(evidence.summary(kills))
    assert counted >= ROUNDS
    assert not evidence.doubled()
    assert not evidence.out_of_order()
    repeats = evidence.repeats(kills)
    assert not repeats[None]
    for kill in kills:
        allowed = len(evidence.in_flight(kill)) + len(evidence.just_finished(kill))
        assert len(repeats[kill]) <= allowed, f"{len(repeats[kill])} came again, {allowed} were in flight or just finished"
