"""What the portal keeps, on SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from ringback import ids
from ringback.store.portal import EVERYBODY, Count, GivenUp, PortalLink, PortalSession, Subject, Tally
from ringback.store.sqlite import sql
from ringback.store.sqlite.database import Database

_SQL: Final = sql.load("portal.sql")
_encode = msgspec.msgpack.Encoder().encode
_decode_session = msgspec.msgpack.Decoder(PortalSession).decode
_decode_link = msgspec.msgpack.Decoder(PortalLink).decode
_FOR_ALL: Final = 0
"""The number of the subject that stands for all accounts."""
_LOOKED_AT: Final = 5
"""How many that were given up are looked at for each that is told of: most may have been sent again."""


class Portal:
    """Implements `ringback.store.portal.PortalStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # Who is in

    def put_session(self, session: PortalSession) -> None:
        """Somebody came in."""
        with self._db.writing() as connection:
            connection.execute(_SQL["put_session"], (session.id, session.seen_at_ms, _encode(session)))

    def sessions(self) -> list[PortalSession]:
        """Everybody's, oldest first."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["sessions"]).fetchall()
        return [replace(_decode_session(body), seen_at_ms=seen_at) for body, seen_at in found]

    def touch_sessions(self, used: Mapping[int, int]) -> None:
        """When sessions were used last."""
        with self._db.writing() as connection:
            connection.executemany(_SQL["touch_session"], list(used.items()))

    def delete_sessions(self, ids: Sequence[int]) -> None:
        """They are over."""
        with self._db.writing() as connection:
            connection.executemany(_SQL["delete_session"], [(number,) for number in ids])

    def put_link(self, link: PortalLink) -> None:
        """A new link."""
        with self._db.writing() as connection:
            connection.execute(_SQL["put_link"], (link.id, link.expires_at_ms, _encode(link)))

    def link(self, link: int, now_ms: int) -> PortalLink | None:
        """A link that is good still."""
        with self._db.reading() as connection:
            row = connection.execute(_SQL["link"], (link, now_ms)).fetchone()
        return _decode_link(row[0]) if row else None

    def use_link(self, link: int, now_ms: int) -> bool:
        """True for the one who comes first, in time."""
        with self._db.writing() as connection:
            return connection.execute(_SQL["use_link"], (link, now_ms)).rowcount == 1

    def links(self, now_ms: int) -> list[PortalLink]:
        """Those that have not expired, newest first."""
        with self._db.reading() as connection:
            found = connection.execute(_SQL["links"], (now_ms,)).fetchall()
        return [replace(_decode_link(body), used_at_ms=used_at) for body, used_at in found]

    def delete_link(self, link: int) -> None:
        """It lets nobody in any more."""
        with self._db.writing() as connection:
            connection.execute(_SQL["delete_link"], (link,))

    def forget_links(self, before_ms: int) -> None:
        """Those that expired by a moment are gone."""
        with self._db.writing() as connection:
            connection.execute(_SQL["forget_links"], (before_ms,))

    # How much went out

    def add_activity(self, tally: Tally) -> None:
        """More went out."""
        with self._db.writing() as connection:
            numbers = _numbers(connection, [subject for subject, _, _ in tally])
            counted = [
                (numbers[subject], span_s, at_s, count.delivered, count.failed, count.gave_up)
                for (subject, span_s, at_s), count in tally.items()
                if subject in numbers
            ]
            connection.executemany(_SQL["add_activity"], counted)

    def activity(self, subjects: Sequence[Subject], span_s: int, since_s: int) -> dict[Subject, dict[int, Count]]:
        """Counts of each subject by the beginnings of the spans."""
        with self._db.reading() as connection:
            numbers = _numbers(connection, subjects)
            wanted = f"[{','.join(map(str, numbers.values()))}]"
            found = connection.execute(_SQL["activity"], (wanted, span_s, since_s)).fetchall()
        names = {number: subject for subject, number in numbers.items()}
        counts: dict[Subject, dict[int, Count]] = {subject: {} for subject in subjects}
        for number, at_s, *counted in found:
            counts[names[number]][at_s] = Count(*counted)
        return counts

    def forget_activity(self, span_s: int, before_s: int) -> None:
        """Spans of a length that began before a moment are gone."""
        with self._db.writing() as connection:
            connection.execute(_SQL["forget_activity"], (span_s, before_s))

    # What needs somebody

    def given_up(self, account: str, since_ms: int, most: int) -> list[GivenUp]:
        """What was given up since a moment and has not arrived, nor is on its way, by a resend; of the `most` newest."""
        with self._db.reading() as connection:
            small = _numbers(connection, [account]).get(account)
            found = connection.execute(_SQL["given_up"], (small, ids.first_id_at(since_ms), most, _LOOKED_AT * most)).fetchall()
        by_endpoint: dict[int, list[int]] = {}
        for endpoint, finished_at in found:
            by_endpoint.setdefault(endpoint, []).append(finished_at)
        return [GivenUp(endpoint, len(times), min(times)) for endpoint, times in by_endpoint.items()]


def _numbers(connection: sqlite3.Connection, subjects: Sequence[Subject]) -> dict[Subject, int]:
    """The numbers of subjects; an account that is not known has none. Endpoints' numbers carry their time, so they are larger than
    any account's."""
    found: dict[Subject, int] = {}
    for subject in dict.fromkeys(subjects):
        if isinstance(subject, int):
            found[subject] = subject
        elif subject == EVERYBODY:
            found[subject] = _FOR_ALL
        else:
            row = connection.execute(_SQL["account_number"], (subject,)).fetchone()
            if row is not None:
                found[subject] = row[0]
    return found
