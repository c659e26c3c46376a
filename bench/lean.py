"""The store without what only searches need: how fast the engine is when nobody looks.

Dropped are plain indexes: not unique, and not over a part of the table (those are queues). The search lists (tables `x_by_y`,
filled off the hot path) take nothing more.
"""

import sqlite3
from pathlib import Path


def drop_search_indexes(data: Path) -> list[str]:
    """Does so in a data directory that no server has open; the names of what was dropped."""
    connection = sqlite3.connect(data / "ringback.db")
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    indexes = [name for kind, name, sql in rows if kind == "index" and not {"UNIQUE", "WHERE"} & set(sql.upper().split())]
    lists = [name for kind, name, _ in rows if kind == "table" and "_by_" in name]
    for name in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    for name in lists:
        connection.execute(f'CREATE TRIGGER "lean_{name}" BEFORE INSERT ON "{name}" BEGIN SELECT RAISE(IGNORE); END')
    connection.commit()
    connection.close()
    return indexes + lists
