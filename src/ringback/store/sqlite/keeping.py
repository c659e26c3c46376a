"""The audit log, and forgetting on demand: conversations whole, in small transactions of the writer, and no byte of them stays.

SQLite leaves deleted bytes where they were until the place is used again; what is deleted here is overwritten (`secure_delete`),
and at the end the WAL is carried over and emptied. Bytes that an earlier move of rows within a page has left are looked for, and a
file that is small enough to do it in a moment is written anew.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from ringback.store.keeping import AuditLine, Counts, Erasure, Gone
from ringback.store.sqlite import rows, sql
from ringback.store.sqlite.database import connect, meaning
from ringback.store.sqlite.purge import Purge

VACUUM_BYTES: Final = 64 * 1024 * 1024
"""A larger file is not written anew while events come in: commits would wait for more than a second."""
ERASED: Final = "erased"

SCAN_BYTES: Final = 1024 * 1024
_CHECKPOINT_WAIT_MS: Final = 100
_SQL: Final = sql.load("keeping.sql")
_encode = msgspec.msgpack.Encoder().encode
_decode_audit = msgspec.msgpack.Decoder(AuditLine).decode
_decode_erasure = msgspec.msgpack.Decoder(Erasure).decode
_decode_any = msgspec.msgpack.Decoder().decode


class Keeping(Purge):
    """The writer that also erases. Implements `ringback.store.keeping.KeepingStore`."""

    def add_audit(self, line: AuditLine) -> None:
        """One line."""
        with self._db.writing() as connection:
            account = None if line.account is None else _account(connection, line.account)
            connection.execute(_SQL["add_audit"], (line.id, account, _encode(line)))

    def audit(self, account: str | None, before: int | None, limit: int) -> list[AuditLine]:
        """Newest first; of one account, or all."""
        end = rows.END if before is None else before
        with self._db.reading() as connection:
            if account is None:
                found = connection.execute(_SQL["audit_of_all"], (end, limit))
            else:
                found = connection.execute(_SQL["audit_of_account"], (_account(connection, account), end, limit))
            return [_decode_audit(body) for (body,) in found]

    def put_erasure(self, job: Erasure) -> None:
        """Makes a job, or says how far it is."""
        with self._db.writing() as connection, _overwriting(connection):
            _put(connection, job)

    def erasure(self, account: str, job: int) -> Erasure | None:
        """One job of an account."""
        with self._db.reading() as connection:
            row = connection.execute(_SQL["erasure"], (job, _account(connection, account))).fetchone()
        return _decode_erasure(row[0]) if row else None

    def erasures(self, account: str, before: int | None, limit: int) -> list[Erasure]:
        """An account's jobs, newest first."""
        end = rows.END if before is None else before
        with self._db.reading() as connection:
            found = connection.execute(_SQL["erasures"], (_account(connection, account), end, limit))
            return [_decode_erasure(body) for (body,) in found]

    def running_erasures(self) -> list[Erasure]:
        """Every account's jobs that are not done, oldest first."""
        with self._db.reading() as connection:
            return [_decode_erasure(body) for (body,) in connection.execute(_SQL["running_erasures"])]

    # Finding

    def conversations_of_number(self, account: str, numbers: Sequence[str], bound: int) -> list[int]:
        """Roots of conversations in which a leg (up to a number) is from or to one of these numbers."""
        keys = json.dumps([self._keys.number(account, number) for number in numbers])
        with self._db.reading() as connection:
            # The lists first: what is moved into them meanwhile is seen by this snapshot in one of the two.
            found = connection.execute(_SQL["roots_of_numbers"], (keys, bound)).fetchall()
            found += connection.execute(_SQL["roots_of_numbers_unlisted"], (keys, bound)).fetchall()
        return sorted({root for (root,) in found})

    def conversations_of_call(self, account: str, call: str) -> list[int]:
        """Roots of the conversations that the lives of a call belong to."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["lives"], (self._keys.call(account, call),)).fetchall()
        lives = [rows.stored_call(*row) for row in found]
        return sorted({life.root_n for life in lives if (life.call.account, life.call.id) == (account, call)})

    def conversations_telling(self, account: str, text: str, after: int, bound: int, limit: int) -> tuple[list[int], int | None]:
        """Roots of conversations with an event in which the digits stand, among the next events; where to go on, None: the end."""
        pattern = _whole(text)
        with self._db.reading() as connection:
            end = connection.execute(_SQL["span_end"], (after, bound, limit)).fetchone()[0]
            if end is None:
                return [], None
            found = connection.execute(_SQL["events_with"], (after, end, _account(connection, account), text.encode()))
            return sorted({root for root, body in found if pattern.search(body)}), end

    def conversation(self, root: int) -> Gone | None:
        """What a conversation is now, None: it has a leg that has not ended."""
        with self._db.reading() as connection:
            legs = [rows.stored_call(*row) for row in connection.execute(_SQL["legs"], (root,)).fetchall()]
            if any(not leg.call.is_final for leg in legs):
                return None
            deliveries = connection.execute(_SQL["deliveries_of"], (root,)).fetchall()
        return Gone(root, tuple(leg.n for leg in legs), tuple(leg.call.id for leg in legs), tuple(deliveries))

    # Erasing

    def erase(self, account: str, gone: Sequence[Gone], job: Erasure) -> tuple[Counts, list[int]]:
        """Takes conversations' rows away and writes down how far the job is. Returns its counts then, and the roots of those to
        which something came since they were looked at: they stay."""
        taken: list[Gone] = []
        events = 0
        with self._alone() as connection, _overwriting(connection):
            for one in gone:
                calls = {row[0] for row in connection.execute(_SQL["legs"], (one.root,)).fetchall()}
                deliveries = connection.execute(_SQL["deliveries_of"], (one.root,)).fetchall()
                if calls == set(one.calls) and set(deliveries) == set(one.deliveries):
                    taken.append(one)
                    events += connection.execute(_SQL["count_events"], (one.root,)).fetchone()[0]
            self._forget_rows(connection, _account(connection, account), [one.root for one in taken])
            rows_gone = Counts(
                conversations=len(taken),
                calls=sum(len(one.calls) for one in taken),
                events=events,
                deliveries=sum(len(one.deliveries) for one in taken),
            )
            counts = job.counts.plus(rows_gone)
            _put(connection, msgspec.structs.replace(job, counts=counts))
        roots = {one.root for one in taken}
        return counts, [one.root for one in gone if one.root not in roots]

    def erase_mentions(self, account: str, number: str, calls: Sequence[str]) -> int:
        """Takes a number's digits and the ids of calls out of the audit log, the operator's notes, the filters of bulk resends and
        the memory of update ids; how many lines it was."""
        words = {call.lower() for call in calls}
        pattern = _whole(number) if number else None
        done = 0
        with self._db.reading() as connection:
            told = connection.execute(_SQL["find_told"], (json.dumps(list(calls)),)).fetchall()
        with self._alone() as connection, _overwriting(connection):
            small = _account(connection, account)
            for read, write in (("audit_bodies", "rewrite_audit"), ("resend_bodies", "rewrite_resend")):
                for number_of, body in connection.execute(_SQL[read], (small,)).fetchall():
                    before = _decode_any(body)
                    after = _without(before, words, pattern)
                    if after != before:
                        connection.execute(_SQL[write], (number_of, _encode(after)))
                        done += 1
            if number:
                done += connection.execute(_SQL["forget_notes"], (number,)).rowcount
            for table, key in told:
                connection.execute(_SQL[f"untell_seen_{table}"], (key,))
            if told:
                self._forget()
        return done + len(told)

    def empty_wal(self) -> bool:
        """Carries all of the WAL over and empties it, if no reader is in the way just now: commits wait 0.1 s at the most."""
        self._db.checkpoint()
        return empty_wal(self._db.path)

    def remnants(self, text: str) -> int:
        """How often the digits still stand in the database's file and its WAL."""
        with meaning():
            return sum(count_in_file(path, text) for path in (self._db.path, Path(f"{self._db.path}-wal")))

    def rewrite(self) -> bool:
        """Writes the whole file anew, without what stands in unused space. False: it is too large for that while events come."""
        if self._db.path.stat().st_size > VACUUM_BYTES:
            return False
        with self._memory, self._db.owning() as connection:
            connection.execute("VACUUM")
            self._forget()
        return True


def empty_wal(path: Path) -> bool:
    """See Keeping. Raises StoreUnavailable."""
    with meaning():
        connection = connect(path, 64, "FULL")
        try:
            connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_WAIT_MS}")
            busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            connection.close()
    return not busy


@contextmanager
def _overwriting(connection: sqlite3.Connection) -> Iterator[None]:
    """What is deleted in the block is overwritten with zeros."""
    connection.execute("PRAGMA secure_delete = ON").fetchall()
    try:
        yield
    finally:
        connection.execute("PRAGMA secure_delete = OFF").fetchall()


def _put(connection: sqlite3.Connection, job: Erasure) -> None:
    running = job.state != "done"
    connection.execute(_SQL["put_erasure"], (job.id, _account(connection, job.account), running, _encode(job)))


def _account(connection: sqlite3.Connection, account: str) -> int:
    """The number of an account; 0, which none has, if it is not known."""
    row = connection.execute(_SQL["account"], (account,)).fetchone()
    return row[0] if row else 0


def _whole(digits: str) -> re.Pattern[bytes]:
    """The digits, where they are no part of a longer number. The length of a text stands before it, and may look like a digit."""
    text = re.escape(digits.encode())
    return re.compile(rb"(?:(?<![0-9])|(?<=[\xd9\xc4][0-9]))" + text + rb"(?![0-9])")


def _without(value: Any, words: set[str], pattern: re.Pattern[bytes] | None) -> Any:
    """A decoded body without the texts that are one of the words, or have the digits in them."""
    if isinstance(value, dict):
        return {key: _without(inner, words, pattern) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, words, pattern) for inner in value]
    if isinstance(value, str) and (value.lower() in words or (pattern is not None and pattern.search(value.encode()))):
        return ERASED
    return value


def count_in_file(path: Path, digits: str) -> int:
    """How often digits stand in a file. Read in blocks, so that other threads have their turn between them; what the ends of two
    blocks cut is looked at again."""
    wanted, pattern = digits.encode(), _whole(digits)
    found, tail = 0, b""
    try:
        with path.open("rb") as file:
            while block := file.read(SCAN_BYTES):
                text = tail + block
                keep = len(wanted) + 2
                if wanted in text:
                    found += sum(1 for hit in pattern.finditer(text) if hit.end() > len(tail) or not tail)
                tail = text[-keep:]
    except FileNotFoundError:
        return 0
    return found
