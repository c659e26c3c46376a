"""The checks that hold the house's habits find what they are for, and nothing else."""

import ast
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))
import setup
import sizes
import sql
import traces


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
