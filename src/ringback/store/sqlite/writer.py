"""The hot path: load calls, commit what the ledger made of updates and what the sender made of deliveries.

A commit goes at once, table by table. Only if that meets something odd (a call that another writer moved, a row that cannot be
stored) is it undone and done again fold by fold, each in a savepoint, so that exactly the odd ones are refused.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from ringback.store.sqlite import rows, sql
from ringback.store.sqlite.cache import CallCache
from ringback.store.sqlite.database import Database
from ringback.store.sqlite.keys import Keys
from ringback.store.sqlite.lists import Lists
from ringback.store.sqlite.seen import AlreadyTaken, Seen
from ringback.store.sqlite.sheet import POISON, CannotTake, Lookup, Sheet, why
from ringback.webhooks.records import Batch, CallKey, Committed, Fold, Loaded, Result, StoredCall
from ringback.webhooks.resends import BulkResend

CACHED_CALLS: Final = 20_000

_SQL: Final = sql.load("writer.sql")
_ODD: Final = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError, *POISON)
"""What a row that cannot be stored raises."""


class _Moved(Exception):
    """A call does not have the version that a fold was made from, or another connection has written."""


class Writer:
    """`load` and `commit`. Used by one thread at a time; a lock sees to it."""

    def __init__(self, database: Database, keys: Keys, cached_calls: int = CACHED_CALLS) -> None:
        self._db = database
        self._memory = threading.RLock()
        """Held by whoever reads or changes what is remembered here: the writer's thread, and the upkeep between its commits."""
        self._keys = keys
        self._cache = CallCache(cached_calls)
        self._seen = Seen()
        self._lists = Lists()
        self._small: dict[tuple[str, str], int] = {}
        """Small numbers of texts: (statement that finds it, text) → number."""
        self._data_version: tuple[sqlite3.Connection, int] | None = None

    def load(self, calls: Sequence[CallKey], update_ids: Sequence[CallKey]) -> Loaded:
        """Calls by key with their roots, and update ids that were taken within 72 h.

        A child's root stands under the root's own key; if that key was asked for itself, its newest life is what stands there.
        """
        while True:
            with self._memory, self._db.owning() as connection:
                self._others_wrote(connection)
                if not update_ids or not self._seen.turn_is_over(connection, self._db.clock()):
                    return self._load(connection, calls, update_ids)
            self.carry_over_seen()

    def commit(self, batch: Batch) -> Committed:
        """One transaction, on disk when it returns. Raises StoreUnavailable: then nothing of it was taken."""
        with self._memory:
            try:
                return self._commit_at_once(batch)
            except (*_ODD, _Moved, AlreadyTaken):
                # Undone; one by one it shows which fold it was.
                return self._commit_one_by_one(batch)

    def carry_over_seen(self) -> None:
        """Takes recent update ids to where many of them are kept, and forgets the oldest; does nothing if neither is due."""
        self._seen.carry_over(self._alone, self._db.clock())

    def fill_lists(self) -> None:
        """Brings the search lists up to date, a block at a time, so that commits pass between the blocks."""
        for list_ in ("delivery", "call"):
            filled = 1
            while filled:
                with self._alone() as connection:
                    self._others_wrote(connection)
                    filled = self._lists.fill(connection, list_)

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """A write transaction that leaves memory and disk agreeing, however it ends."""
        with self._memory:
            try:
                with self._db.writing() as connection:
                    yield connection
            except BaseException:
                self._undo()
                raise
            self._seen.kept()

    # Loading

    def _load(self, connection: sqlite3.Connection, calls: Sequence[CallKey], update_ids: Sequence[CallKey]) -> Loaded:
        found = self._newest(connection, calls)
        self._add_roots(connection, found)
        hashes = {self._keys.update(*key): key for key in update_ids}
        seen = self._seen.find(connection, hashes) if hashes else {}
        return Loaded(found, {hashes[number]: answer for number, answer in seen.items()})

    def _others_wrote(self, connection: sqlite3.Connection) -> bool:
        """True if another connection has written since the last look; then all that is remembered is forgotten."""
        version = (connection, connection.execute(_SQL["data_version"]).fetchone()[0])
        known = self._data_version
        if known is not None and known[0] is connection and known[1] == version[1]:
            return False
        self._data_version = version
        self._forget()
        return True

    def _forget(self) -> None:
        self._cache.clear()
        self._seen.forget()
        self._undo()

    def _undo(self) -> None:
        """A transaction was undone: what was remembered of it is forgotten."""
        self._small.clear()
        self._seen.undo()
        self._lists.forget()

    def _newest(self, connection: sqlite3.Connection, keys: Iterable[CallKey]) -> dict[CallKey, StoredCall]:
        """The newest lives, from memory or disk."""
        found: dict[CallKey, StoredCall] = {}
        missing: dict[int, CallKey] = {}
        wanted = set(keys)
        for key in wanted:
            known = self._cache.get(key)
            if known is None:
                missing[self._keys.call(*key)] = key
            else:
                found[key] = known
        if missing:
            for row in connection.execute(_SQL["find_calls"], (_json(missing),)).fetchall():
                stored = rows.stored_call(*row)
                key = (stored.call.account, stored.call.id)
                if key in wanted:  # else another call's id has the same hash
                    found[key] = stored
                    self._cache.put(key, stored)
        return found

    def _add_roots(self, connection: sqlite3.Connection, found: dict[CallKey, StoredCall]) -> None:
        wanted = {
            (child.call.account, child.call.root): child.root_n
            for child in found.values()
            if child.n != child.root_n and (child.call.account, child.call.root) not in found
        }
        if not wanted:
            return
        newest = self._newest(connection, wanted)
        older = []
        for key, n in wanted.items():
            root = newest.get(key)
            if root is not None and root.n == n:
                found[key] = root
            else:
                older.append(n)
        if older:
            for row in connection.execute(_SQL["calls_by_n"], (_json(older),)).fetchall():
                root = rows.stored_call(*row)
                found[root.call.account, root.call.id] = root

    # Committing

    def _commit_at_once(self, batch: Batch) -> Committed:
        stale: list[int] = []
        failed: dict[int, str] = {}
        with self._alone() as connection:
            if self._others_wrote(connection):
                raise _Moved
            sheet = self._sheet(connection)
            for index, fold in enumerate(batch.folds):
                try:
                    if not sheet.add(fold):
                        stale.append(index)
                except POISON as error:
                    failed[index] = why(error)
            self._write(connection, sheet)
            self._write_results(connection, batch.results)
            self._write_resends(connection, batch.resends)
        self._remember(sheet)
        return Committed(tuple(stale), failed)

    def _commit_one_by_one(self, batch: Batch) -> Committed:
        stale: list[int] = []
        failed: dict[int, str] = {}
        with self._alone() as connection:
            self._forget()
            for index, fold in enumerate(batch.folds):
                connection.execute(_SQL["savepoint"])
                try:
                    if self._is_stale(connection, fold):
                        stale.append(index)
                    else:
                        sheet = self._sheet(connection)
                        sheet.add(fold)
                        self._write(connection, sheet)
                except _ODD as error:
                    connection.execute(_SQL["undo_savepoint"])
                    self._small.clear()
                    failed[index] = why(error)
                connection.execute(_SQL["release_savepoint"])
            self._write_results(connection, batch.results)
            self._write_resends(connection, batch.resends)
        return Committed(tuple(stale), failed)

    def _is_stale(self, connection: sqlite3.Connection, fold: Fold) -> bool:
        """Did a call of it move, or was its update id taken, since it was folded?"""
        for stored in fold.calls:
            row = connection.execute(_SQL["call_version"], (stored.n,)).fetchone()
            if (row[0] if row else 0) != stored.call.version:
                return True
            if row is None and self._life_exists(connection, stored):
                return True
        if fold.update_id is None:
            return False
        return bool(self._seen.find(connection, (self._keys.update(fold.account, fold.update_id),)))

    def _life_exists(self, connection: sqlite3.Connection, stored: StoredCall) -> bool:
        """Was this life of the call, or a later one, made by somebody else?"""
        call = stored.call
        for *row, generation in connection.execute(_SQL["find_lives"], (self._keys.call(call.account, call.id),)):
            if generation < call.generation:
                break
            other = rows.stored_call(*row).call
            if (other.account, other.id) == (call.account, call.id):
                return True
            raise CannotTake("its id has the same hash as another call's")
        return False

    def _write(self, connection: sqlite3.Connection, sheet: Sheet) -> None:
        """Raises _Moved if a call does not have the version that it was folded from."""
        if sheet.calls:
            calls = sheet.call_rows()
            connection.executemany(_SQL["add_call"], calls.born)
            for statement, changed in (("move_call", calls.moved), ("end_call", calls.ended)):
                if changed and connection.executemany(_SQL[statement], changed).rowcount != len(changed):
                    raise _Moved
            if calls.numbers:
                connection.executemany(_SQL["set_numbers"], calls.numbers)
            if calls.crm_ids:
                connection.executemany(_SQL["set_crm"], calls.crm_ids)
            self._lists.add_late_calls(connection, calls.born, calls.numbers)
        if sheet.events:
            connection.executemany(_SQL["add_event"], sheet.events)
        if sheet.deliveries:
            connection.executemany(_SQL["add_delivery"], sheet.deliveries)
            self._lists.add_late_deliveries(connection, sheet.deliveries)
        if sheet.released:
            connection.executemany(_SQL["release_delivery"], sheet.released)
        if sheet.seen:
            self._seen.add(connection, sheet.seen)

    def _write_results(self, connection: sqlite3.Connection, results: Sequence[Result]) -> None:
        if results:
            connection.executemany(_SQL["write_result"], [rows.result(result) for result in results])

    def _write_resends(self, connection: sqlite3.Connection, resends: Sequence[BulkResend]) -> None:
        if resends:
            connection.executemany(_SQL["move_resend"], [(job.id, job.cursor, job.made, job.unmade) for job in resends])

    def _remember(self, sheet: Sheet) -> None:
        """Running calls stay in memory as they are now. A life that is not the newest is not what its key loads."""
        for write in sheet.calls.values():
            known = self._cache.get(write.key)
            if write.base == 0 or (known is not None and known.n == write.stored.n):
                self._cache.put(write.key, write.after())

    # Small numbers

    def _sheet(self, connection: sqlite3.Connection) -> Sheet:
        def account(text: str) -> int:
            found = self._number(connection, "find_account", text)
            if found is None:
                raise CannotTake("there is no such account")
            return found

        def name(text: str) -> int:
            found = self._number(connection, "find_name", text)
            if found is None:
                found = self._small["find_name", text] = connection.execute(_SQL["add_name"], (text,)).lastrowid or 0
            return found

        def call_of_event(number: int) -> int:
            row = connection.execute(_SQL["call_of_event"], (number,)).fetchone()
            if row is None:
                raise CannotTake("there is no such event")
            call: int = row[0]
            return call

        return Sheet(Lookup(self._keys, self._cache.get, account, name, call_of_event))

    def _number(self, connection: sqlite3.Connection, statement: str, text: str) -> int | None:
        known = self._small.get((statement, text))
        if known is None:
            row = connection.execute(_SQL[statement], (text,)).fetchone()
            if row is not None:
                known = self._small[statement, text] = row[0]
        return known


def _json(numbers: Iterable[int]) -> str:
    """A list of numbers as one parameter of a statement."""
    return f"[{','.join(map(str, numbers))}]"
