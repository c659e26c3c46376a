"""The store without the indexes that only searches need: how fast the engine is when nobody looks.

An index is one of searches if no unique rule and no queue stands on it: plain, without a WHERE. SQLite's own (`sqlite_…`), unique
ones and the partial ones over what is not done stay.
"""

import sqlite3
from pathlib import Path


def drop_search_indexes(data: Path) -> list[str]:
    """Drops them in every database of a data directory that no server has open; the names of those dropped."""
    dropped = []
    for path in sorted(data.glob("*.db*")):
        if path.suffix not in (".db", ".sqlite", ".sqlite3"):
            continue
        connection = sqlite3.connect(path)
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
        for name, sql in rows:
            if " UNIQUE " not in sql.upper() and " WHERE " not in " ".join(sql.upper().split()):
                connection.execute(f'DROP INDEX "{name}"')
                dropped.append(name)
        connection.commit()
        connection.close()
    return dropped
