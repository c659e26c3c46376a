"""docs/reference/openapi.json is the description that a server gives of itself."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docs" / "reference" / "openapi.json"


def test_the_file_is_not_older_than_the_program() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "openapi.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_file_is_sorted_so_that_a_change_shows_as_what_it_is() -> None:
    text = FILE.read_text("utf-8")
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
