"""The checks that hold the house's habits find what they are for, and nothing else."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))
import setup
import sizes
import sql
import traces

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("lines", "found"), [(60, []), (61, [("long", 1, 61)])])
def test_a_function_may_have_sixty_lines(lines: int, found: list[tuple[str, int, int]]) -> None:
    body = "\n".join(["def long():", *["    pass"] * (lines - 1)])
    assert list(sizes.long_functions(ast.parse(body))) == found


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT id FROM calls", True),
        ("\n  insert into calls values (1)", False),
        ("INSERT OR IGNORE INTO calls VALUES (?)", True),
        ("UPDATE deliveries SET state = ?", True),
        ("WITH due AS (SELECT 1)", True),
        ("CREATE UNIQUE INDEX x ON y (z)", True),
        ("DELETE /v1/endpoints/{id}", False),
        ("SELECT the events that you want", False),
        ("PRAGMA journal_mode=WAL", False),
    ],
)
def test_sql_in_python_is_found(tmp_path: Path, text: str, is_sql: bool) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"QUERY = {text!r}\n")
    assert bool(sql.statements(module)) is is_sql


@pytest.mark.parametrize(
    ("line", "traced"),
    [
        (b"pip install --index" + b"-url https://mirror.example", True),
        (b"see https://py" + b"pi.org/project/x", True),
        (b'data = "/wo' + b'rk/main/x"', True),
        (b"cd /ro" + b"ot/.cache", True),
        (b"GET /v1/work/main", False),
        (b"<section id=root/>", False),
        (b"https://example.com/home/page", False),
    ],
)
def test_traces_of_a_place_are_found(line: bytes, traced: bool) -> None:
    assert any(pattern.search(line) for pattern in traces.TRACES.values()) is traced


def test_every_target_of_the_package_list_is_one_of_the_setup() -> None:
    wanted = {target: setup.packages(target) for target in setup.EXTRAS}
    assert wanted["run"] == {}
    assert wanted["bench"]["nginx"] == "nginx-light"


def test_a_test_whose_real_part_is_missing_fails_and_says_what_to_do(tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = needs\n")
    (tmp_path / "test_one.py").write_text(
        "import pytest\n\n\n@pytest.mark.needs('sh', 'no-such-program')\ndef test_it(): ...\n\n\n"
        "@pytest.mark.needs('sh', 'pytest')\ndef test_other(): ...\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:schemathesis", tmp_path]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert "no-such-program: not installed. Run python3 tools/setup.py test" in done.stdout
    assert "1 passed" in done.stdout
    assert done.returncode == 1
