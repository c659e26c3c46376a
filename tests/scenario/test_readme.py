"""The README's five minutes, run as they stand: only ports, the programs' place and the data directory are this test's."""

import re
import subprocess
import sys
from pathlib import Path

from harness import free_port

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def blocks() -> list[str]:
    found: list[str] = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    return found


def test_the_five_minutes_work_as_they_are_written(tmp_path: Path) -> None:
    install, *steps = blocks()
    assert "pip install" in install
    server_port, listen_port = free_port(), free_port()
    script = "\n".join(steps).replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    script = script.replace("8080", str(server_port)).replace("9000", str(listen_port))
    # What a person does while reading on: wait until the two are up, and a moment before the last look.
    start, rest = script.split("account=$(", 1)
    ready = f"curl -sf localhost:{server_port}/readyz >/dev/null && curl -s localhost:{listen_port} >/dev/null"
    wait = f"until {ready}; do sleep 0.1; done\n"
    listening = tmp_path / "listen.txt"
    start = start.replace("--bodies &", f"--bodies > {listening} &")
    (tmp_path / "steps.sh").write_text(f"set -eu\ntrap 'kill $(jobs -p)' EXIT\n{start}{wait}account=$({rest}\nsleep 0.5\n")
    done = subprocess.run(["bash", "steps.sh"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    shown = listening.read_text()
    for event in ("inboundCallStart", "inboundCallRinging", "inboundCallAnswered", "inboundCallEnd"):
        assert event in shown, shown + done.stdout
    assert done.stdout.count('"accepted":1') == 4
    assert done.stdout.count('"call_id":"c-1"') >= 4


def test_every_page_that_the_readme_names_is_there() -> None:
    root = Path(__file__).resolve().parents[2]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
