"""Writes constraints.txt: every package, transitive ones too, that a clean install of all extras brings. Run by hand (`make pin`).

Only names and versions: no index, no path, no hash, so that any mirror will do.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+")
HEAD = "# Every package that runtime and tests install. Made by `make pin` from a clean environment; do not edit.\n"


def freeze() -> list[str]:
    """What pip installs into a clean environment, as `name==version`."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", "setuptools>=77"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-build-isolation", f"{ROOT}[fast,test]"], check=True)
        words = [python, "-m", "pip", "freeze", "--all", "--exclude", "pip", "--exclude", "ringback"]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()


def main() -> int:
    """0 when written; 1 when pip says something that is not a plain pin."""
    pins = freeze()
    strange = [pin for pin in pins if not PIN.fullmatch(pin)]
    if strange:
        print("not a plain pin:", *strange, sep="\n  ", file=sys.stderr)
        return 1
    (ROOT / "constraints.txt").write_text(HEAD + "\n".join(pins) + "\n")
    print(f"constraints.txt: {len(pins)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
