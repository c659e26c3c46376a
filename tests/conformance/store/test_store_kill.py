"""kill -9 at any moment: what was acknowledged is there, whole, and the database is sound."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from store_backends import BACKENDS
from store_committer import BATCH
from store_values import ACCOUNT

ROUNDS = 5


@pytest.mark.parametrize("name", BACKENDS)
def test_nothing_acknowledged_is_lost(name: str, tmp_path: Path) -> None:
    acknowledged: list[int] = []
    rng = random.Random(1)
    script = Path(__file__).parent / "store_committer.py"
    for _ in range(ROUNDS):
        with subprocess.Popen([sys.executable, str(script), name, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            acknowledged += [int(process.stdout.readline()) for _ in range(rng.randrange(1, 40))]
            process.kill()
            acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
        backend = BACKENDS[name](tmp_path)
        backend.check()
        store = backend.open()
        names = [(ACCOUNT, f"{batch}-{number}") for batch in acknowledged for number in range(BATCH)]
        loaded = store.load(names, names)
        assert loaded.calls.keys() == loaded.seen.keys() == set(names)
        assert all(store.events(stored.n) for stored in loaded.calls.values())
        assert len(store.open_deliveries(7, 0, 1_000_000)) <= 2 * BATCH * ROUNDS
        store.close()
