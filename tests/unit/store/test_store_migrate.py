"""The schema is the sum of its migrations, applied once, whole or not at all."""

import sqlite3
import threading
from pathlib import Path

import pytest

from ringback.errors import BadSettings
from ringback.store.sqlite import migrate as module
from ringback.store.sqlite.migrate import migrate


def opened(path: Path | str = ":memory:") -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=10)


def schema(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    return connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The migrations of a small database; more may be added."""
    made = ["CREATE TABLE a (x TEXT); -- why; and how\nINSERT INTO a VALUES ('1;2');\n"]
    monkeypatch.setattr(module, "_files", lambda folder: made)
    return made


@pytest.mark.parametrize("folder", ["migrations", "log_migrations"])
def test_done_again_it_changes_nothing(folder: str) -> None:
    connection = opened()
    migrate(connection, folder)
    before = schema(connection)
    assert before
    migrate(connection, folder)
    assert schema(connection) == before
    connection.close()


def test_step_by_step_comes_to_the_same_as_at_once(files: list[str]) -> None:
    first = opened()
    migrate(first, "")
    files.append("ALTER TABLE a ADD COLUMN y;\nCREATE INDEX b ON a (y);\n")
    migrate(first, "")
    at_once = opened()
    migrate(at_once, "")
    assert schema(first) == schema(at_once)
    assert first.execute("SELECT x FROM a").fetchall() == [("1;2",)]
    first.close()
    at_once.close()


def test_one_that_fails_leaves_nothing(files: list[str]) -> None:
    connection = opened()
    migrate(connection, "")
    files.append("CREATE TABLE b (x);\nCREATE TABLE a (x);\n")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, "")
    assert [row[1] for row in schema(connection)] == ["a"]
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


def test_a_newer_database_is_refused(files: list[str]) -> None:
    connection = opened()
    connection.execute("PRAGMA user_version = 2")
    with pytest.raises(BadSettings, match="newer Ringback"):
        migrate(connection, "")
    connection.close()


def test_two_at_once(tmp_path: Path) -> None:
    problems: list[BaseException] = []

    def one() -> None:
        connection = opened(tmp_path / "x.db")
        try:
            migrate(connection, "migrations")
        except BaseException as error:
            problems.append(error)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_numbers_have_no_gap() -> None:
    for folder in ("migrations", "log_migrations"):
        names = sorted(file.name for file in (Path(module.__file__).parent / folder).iterdir())
        assert [name[:5] for name in names] == [f"{number:04d}_" for number in range(1, len(names) + 1)]
