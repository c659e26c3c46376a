"""A tenth of the endpoints hangs, for more than two time-outs: the others get everything, as soon as without."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from blackbox import Server, free_port
from scene import address, set_up, silent_udp

BENCH = Path(__file__).parent.parent.parent / "bench"
ENDPOINTS = 20
ACCEPTS_AND_WAITS, NEVER_RESOLVES = 5, 15
RATE, SECONDS = 500, 35


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_endpoints_that_hang_delay_nobody_else(tmp_path: Path) -> None:
    port, name_server = free_port(), silent_udp()
    server = Server(tmp_path / "data", env={"RINGBACK_NAMESERVERS": f"127.0.0.1:{name_server.getsockname()[1]}"})
    server.start()
    try:
        targets = [f"http://{address(index)}:{port}/" for index in range(ENDPOINTS)]
        targets[NEVER_RESOLVES] = f"http://silent.example.net:{port}/"
        api = set_up(server, targets)
        options = {"port": server.port, "key": api.key, "receive": port, "rate": RATE, "seconds": SECONDS, "endpoints": ENDPOINTS}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        pacer = [sys.executable, str(BENCH / "pacer.py"), *words, "--hang-every", "10"]
        seen = json.loads(subprocess.run(pacer, check=True, stdout=subprocess.PIPE, text=True).stdout)
        assert seen["refused"] == 0
        assert seen["delivered"] == seen["healthy"] == RATE * SECONDS * 9 // 10, seen
        assert seen["delivered_p99_ms"] < 1000, seen
        assert api.open_deliveries()
    finally:
        server.stop()
        name_server.close()
