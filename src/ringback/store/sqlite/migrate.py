"""Forward-only migrations: numbered files, applied once each, in order, all in one transaction. The schema is their sum."""

import sqlite3
from collections.abc import Callable, Iterator
from importlib import resources

from ringback.errors import BadSettings


def migrate(connection: sqlite3.Connection, folder: str, before: Callable[[int], None] | None = None) -> None:
    """Brings a database up to the newest file of `folder`. Two processes may do it at once: one waits. `before` is called with the
    version of a database that has something in it and is about to change.

    Raises BadSettings if the database was made by a newer Ringback.
    """
    files = _files(folder)
    found = version(connection)
    if found == len(files):
        return
    if before is not None and 0 < found < len(files):
        before(found)
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = version(connection)
        if done > len(files):
            raise BadSettings("the data directory was written by a newer Ringback: use that one, or another --data")
        for text in files[done:]:
            for statement in _statements(text):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(files)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def newest(folder: str) -> int:
    """The version that the files of `folder` come to."""
    return len(_files(folder))


def version(connection: sqlite3.Connection) -> int:
    """How many migrations a database has had."""
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def _files(folder: str) -> list[str]:
    found = sorted((f for f in (resources.files(__package__) / folder).iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [f.read_text("utf-8") for f in found]


def _statements(text: str) -> Iterator[str]:
    """One statement at a time: `executescript` would commit first, and a migration is all or nothing."""
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
