"""The docs' table of what is documented, inferred and ours is what the code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_what_the_dialects_say() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "dialect_docs.py"), "--check"], check=False)
    assert done.returncode == 0, "docs/reference/dialects.md is old: run python tools/dialect_docs.py"
