"""One moment of a database, copied while others write to it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

_PAGES: Final = 2_048
"""Pages between two words about how far it is."""

Progress = Callable[[str, int, int], None]
"""(what, bytes done of it, bytes of it)"""


def copy_database(source: Path, target: Path, progress: Progress) -> None:
    """By SQLite's backup API, with what stands in the WAL. Commits go on meanwhile; only the WAL cannot start over until it is
    done. Raises sqlite3.Error, OSError."""
    target.touch(mode=0o600)
    with closing(opened(source, "mode=ro")) as reading, closing(opened(target, "mode=rw")) as writing:
        reading.execute("BEGIN")
        # From here on the copy sees this moment alone: without it, each commit would make the copy begin anew.
        reading.execute("PRAGMA schema_version").fetchone()
        page: int = reading.execute("PRAGMA page_size").fetchone()[0]

        def told(_: int, remaining: int, total: int) -> None:
            progress(source.name, (total - remaining) * page, total * page)

        reading.backup(writing, pages=_PAGES, progress=told, sleep=0.01)
        reading.execute("ROLLBACK")


def opened(path: Path, options: str) -> sqlite3.Connection:
    """A connection of its own, as the options of SQLite's URIs say."""
    return sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True, isolation_level=None, timeout=30)
