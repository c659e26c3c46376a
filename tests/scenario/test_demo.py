"""`ringback demo`, as a newcomer runs it: what it says, how it ends, and that nothing of it is left."""

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import until

from ringback.demo.expectation import FOLDER, Expectation, read_expectation
from ringback.demo.live import CALL, Seen, wanted_of

LIVE = Expectation(0, [wanted_of(Seen(0, 0, 0))]).count
COUNT = read_expectation().count + LIVE
LAST_LINE = f"demo: {COUNT} webhooks verified in 5 dialects"
IN_A_FOLDER = (
    "import sys; from pathlib import Path; from ringback.cli.demo import Demo, demo; sys.exit(demo(Demo(folder=Path(sys.argv[1]))))"
)
COMMAND = [sys.executable, "-m", "ringback", "demo"]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the demo makes its data: its processes are known by it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@contextlib.contextmanager
def started(command: list[str], temporary: Path, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "TMPDIR": str(temporary), "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT, env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def run(command: list[str], temporary: Path) -> tuple[int, list[str]]:
    with started(command, temporary) as process:
        out, _ = process.communicate(timeout=100)
        return process.returncode, out.decode().splitlines()


def left_over(temporary: Path) -> list[str]:
    """Processes that work in the demo's folder, and what is still in it."""
    found = [str(path) for path in temporary.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            opened = [os.readlink(entry) for entry in (process / "fd").iterdir()]
            if any(str(temporary) in text for text in [(process / "cmdline").read_text(), *opened]):
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as response:
        return bool(response.status == 200)
    return False


def test_without_a_terminal_every_webhook_is_a_line_and_the_last_one_says_how_many(temporary: Path) -> None:
    began = time.monotonic()
    code, lines = run(COMMAND, temporary)
    assert code == 0, "\n".join(lines)
    assert time.monotonic() - began < 30
    assert lines[-1] == LAST_LINE
    told = [line for line in lines if line[2:3] == ":" and " ✓ " in line]
    assert len(told) == COUNT
    assert sum(CALL.story in line for line in told) == LIVE
    for dialect in ("standard", "bird"):
        assert all("✓ signature, phones" in line for line in told if f"  {dialect} " in line)
    assert "\x1b" not in "".join(lines)
    assert left_over(temporary) == []


def test_on_a_terminal_a_table_grows_and_the_picture_shows_its_end(temporary: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    picture = tmp_path / "demo.svg"
    shown = bytearray()
    with started([*COMMAND, "--speed", "0", "--svg", str(picture)], temporary, theirs) as process:
        os.close(theirs)
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while piece := os.read(ours, 65536):
                shown += piece
        assert process.wait(30) == 0, shown.decode()[-3000:]
    os.close(ours)
    assert shown.decode().rstrip().splitlines()[-1] == LAST_LINE
    assert b"\x1b[" in shown
    assert picture.read_text().startswith("<svg")
    assert left_over(temporary) == []


def test_an_expectation_that_was_tampered_with_fails_and_names_each_webhook(temporary: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    expected = json.loads((folder / "expected.json").read_text())
    calls = {call["capture"]: call["webhooks"] for call in expected["calls"]}
    calls["answered"]["voc"][-1]["fields"]["extension"] = "202"  # differs
    removed = calls["transfer"]["voxtelesys"].pop()  # one too many
    calls["busy"]["bird"].append({**calls["busy"]["bird"][-1], "event": "voice.outbound"})  # missing
    (folder / "expected.json").write_text(json.dumps(expected))
    code, lines = run([sys.executable, "-c", IN_A_FOLDER, str(folder)], temporary)
    assert code == 1
    complaints = [line for line in lines if line.startswith("demo: ")]
    assert any("answered" in line and "voc inboundCallEnd" in line and "'201', not '202'" in line for line in complaints)
    assert any("transfer" in line and f"voxtelesys {removed['event']}" in line and "not to come" in line for line in complaints)
    assert any("busy" in line and "bird voice.outbound busy" in line and "did not arrive" in line for line in complaints)
    assert len(complaints) == 4
    assert "FAILED" in lines[-1]
    assert left_over(temporary) == []


def test_it_stays_up_on_demand_until_ctrl_c(temporary: Path) -> None:
    # From a shell that runs it in the background: SIGINT is ignored to begin with.
    with started(["sh", "-c", 'trap "" INT; exec "$0" "$@"', *COMMAND, "--keep"], temporary) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("demo: "):
            lines.append(process.stdout.readline().decode().rstrip("\n"))
            assert process.poll() is None, lines
        assert lines[-1] == LAST_LINE
        told = {line[:17].strip(): line[17:].strip() for line in lines}
        assert answers(f"{told['server']}/readyz")
        assert told["account's key"].startswith("rb_")
        assert sum(line.startswith("{") for line in Path(told["webhooks"]).read_text().splitlines()) == COUNT
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert not answers(f"{told['server']}/readyz")
    assert left_over(temporary) == [told["data"]]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle_it_leaves_nothing(temporary: Path, how: signal.Signals) -> None:
    with started([*COMMAND, "--speed", "1"], temporary) as process:
        # The receiver's log appears as its process is being made: the worst moment.
        until(lambda: list(temporary.glob("*/webhooks.jsonl")) or process.poll() is not None, 30)
        process.send_signal(how)
        assert process.wait(30) == 130
    assert left_over(temporary) == []
