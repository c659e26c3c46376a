"""The port on SQLite: its parts put together over one data directory."""

import logging
import secrets
import uuid
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from ringback.store.secrets import SecretBox
from ringback.store.sqlite import sql
from ringback.store.sqlite.answers import Answers
from ringback.store.sqlite.attempt_erasure import erase_attempts
from ringback.store.sqlite.attempts import AttemptLog
from ringback.store.sqlite.copying import copy_database
from ringback.store.sqlite.database import Database
from ringback.store.sqlite.dispatch import Dispatch
from ringback.store.sqlite.keeping import Keeping, empty_wal
from ringback.store.sqlite.keys import Keys
from ringback.store.sqlite.migrate import migrate
from ringback.store.sqlite.names import Names
from ringback.store.sqlite.portal import Portal
from ringback.store.sqlite.resealing import Resealing
from ringback.store.sqlite.resends import Resends
from ringback.store.sqlite.setup import Setup
from ringback.store.sqlite.upkeep import Upkeep
from ringback.webhooks.records import Attempt, Packed

log = logging.getLogger("ringback.store")

FILE: Final = "ringback.db"
BEFORE_MIGRATION: Final = "before-migration.db"
"""The database as it was before the last migration: one copy is kept."""

_SQL: Final = sql.load("setup.sql")


class SqliteStore(Keeping, Dispatch, Resends, Setup, Answers, Resealing, Portal):
    """Implements `ringback.store.port.Store`, and has beside it: `purge_attempts`, `health`, `counts`, `tidy`."""

    def __init__(self, data: Path, box: SecretBox, clock: Callable[[], int], *, upkeep: bool = True) -> None:
        """`data` exists. `clock` gives Unix milliseconds. `upkeep` False: nothing is done in the background, only by `tidy`."""
        database = Database(data / FILE, clock)
        try:
            salt = _begin(database, box)
        except BaseException:
            database.close()
            raise
        keys, names = Keys(salt), Names()
        Keeping.__init__(self, database, keys)
        Dispatch.__init__(self, database, names)
        Resends.__init__(self, database, names, keys)
        Setup.__init__(self, database, box)
        Answers.__init__(self, database, box)
        Portal.__init__(self, database)
        self._log = AttemptLog(data, clock)
        self._upkeep = Upkeep(database, (self.fill_lists, self.carry_over_seen, self._log.checkpoint), running=upkeep)

    def close(self) -> None:
        """Lets go of everything; what was committed stays."""
        self._upkeep.close()
        self._log.close()
        self._db.close()

    def log_attempts(self, attempts: Sequence[Packed]) -> None:
        """Appends to the day's attempt log, in any thread, without holding commits up. Not synced."""
        self._log.append(attempts)

    def attempts(self, delivery: int) -> list[Attempt]:
        """A delivery's attempts, oldest first, as far as retention has kept them."""
        span = self.span(delivery)
        if span is None:
            return []
        created, finished = span
        # An attempt is logged at its end or a moment later, which may be the next day.
        found = self._log.read(delivery, created, self._db.clock() if finished is None else finished + _LOG_DELAY_MS)
        return sorted(found, key=lambda attempt: (attempt.number, attempt.outcome.started_at_ms))

    def erase_attempts(self, deliveries: Collection[int]) -> int:
        """Takes the attempts of deliveries out of the log; how many. Raises StoreUnavailable."""
        return erase_attempts(self._log.files(), deliveries)

    def empty_wals(self) -> bool:
        """Nothing of what was deleted stands in a WAL any more. False: a reader is in the way; ask again. Raises
        StoreUnavailable."""
        return all([self.empty_wal(), *(empty_wal(file) for file in self._log.files())])

    def drop_copy(self) -> bool:
        """The copy from before the last migration goes. False: there was none."""
        copy = self._db.path.with_name(BEFORE_MIGRATION)
        there = copy.exists()
        copy.unlink(missing_ok=True)
        return there

    def purge_attempts(self, before_ms: int) -> int:
        """Forgets the attempts of all days (UTC) that were over before a moment; how many days."""
        return self._log.purge(before_ms)

    def tidy(self) -> None:
        """What the upkeep thread does, now: search lists filled, WAL carried over. Raises StoreUnavailable."""
        self._upkeep.once()


_LOG_DELAY_MS: Final = 3_600_000


def _begin(database: Database, box: SecretBox) -> bytes:
    """Schema and the installation's own facts. Returns its salt for hashing."""
    with database.owning() as connection:
        migrate(connection, "migrations", lambda found: _keep_copy(database.path, found))
    with database.writing() as connection:
        connection.execute(_SQL["add_installation"], ("organization_id", str(uuid.uuid4()).encode()))
        connection.execute(_SQL["add_installation"], ("salt", secrets.token_bytes(32)))
        connection.execute(_SQL["add_first_turn"], (database.clock(),))
        box.check([key_id for (key_id,) in connection.execute(_SQL["secret_keys_in_use"])])
        salt: bytes = connection.execute(_SQL["installation"], ("salt",)).fetchone()[0]
    return salt


def _keep_copy(path: Path, found: int) -> None:
    """A migration that went wrong must not cost the data: the database as it is now, beside it. Raises sqlite3.Error, OSError."""
    fresh, kept = path.with_name(f"{BEFORE_MIGRATION}.tmp"), path.with_name(BEFORE_MIGRATION)
    log.info("the database (version %d) is copied to %s before it is brought up to date", found, kept)
    fresh.unlink(missing_ok=True)
    copy_database(path, fresh, lambda *_: None)
    fresh.replace(kept)
