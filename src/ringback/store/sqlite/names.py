"""Small numbers of texts, for readers: event names and accounts, as they were committed."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from ringback.store.sqlite import sql

_SQL: Final = sql.load("names.sql")


class Names:
    """Remembers what it has read: a committed pair never changes."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._accounts: dict[str, int] = {}

    def texts(self, connection: sqlite3.Connection, numbers: Iterable[int]) -> Mapping[int, str]:
        """The event names of these numbers (and others)."""
        if not self._texts.keys() >= set(numbers):
            self._texts = dict(connection.execute(_SQL["all_names"]).fetchall())
        return self._texts

    def number(self, connection: sqlite3.Connection, text: str) -> int | None:
        """The number of an event name; None: no delivery has that name."""
        row = connection.execute(_SQL["name"], (text,)).fetchone()
        return row[0] if row else None

    def account(self, connection: sqlite3.Connection, account: str) -> int | None:
        """The number of an account; None: there is no such account."""
        known = self._accounts.get(account)
        if known is None:
            row = connection.execute(_SQL["account"], (account,)).fetchone()
            if row is not None:
                known = self._accounts[account] = row[0]
        return known
