"""`make check`: each check in turn, one line for each, the output of those that fail. Ends with 1 if any did."""

import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
PYTHON_FILES = ["src", "tests", "tools", "bench"]
CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("format", [f"{BIN}/ruff", "format", "--check", *PYTHON_FILES]),
    ("lint", [f"{BIN}/ruff", "check", *PYTHON_FILES]),
    ("types", [f"{BIN}/mypy", "--strict"]),
    ("layers", [f"{BIN}/lint-imports"]),
    ("sizes", [sys.executable, "tools/sizes.py"]),
    ("sql", [sys.executable, "tools/sql.py"]),
    ("traces", [sys.executable, "tools/traces.py"]),
)


def main() -> int:
    """1 when a check failed."""
    failed = False
    for name, command in CHECKS:
        started = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        failed |= done.returncode != 0
        print(f"check: {name:7} {'ok' if done.returncode == 0 else 'FAILED'} ({time.monotonic() - started:.1f} s)", flush=True)
        if done.returncode != 0 or name == "sizes":
            print(done.stdout, end="", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
