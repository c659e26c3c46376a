"""What an account sets up, and the operator's notes. Few rows, read whole."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringback.calls.directory import Number, Property, Voice
from ringback.errors import Conflict, NotFound, StoreUnavailable
from ringback.store.port import Account, Key
from ringback.store.secrets import SecretBox
from ringback.store.sqlite import sql
from ringback.store.sqlite.database import Database
from ringback.webhooks.health import HEALTHY, Health
from ringback.webhooks.model import Endpoint, Secret

KEPT_NOTES: Final = 10_000

_SQL: Final = sql.load("setup.sql")
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.decode


class _Sealed(Struct, array_like=True):
    """The parts of an endpoint that are encrypted."""

    secrets: tuple[Secret, ...]
    basic: str | None
    headers: tuple[tuple[str, str], ...]


class Setup:
    """Reads and writes of accounts, keys, endpoints, properties, numbers and notes."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._db = database
        self._box = box

    def derived_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Keys for a purpose beside secrets at rest, the current one first."""
        return self._box.derived(purpose)

    def put_account(self, account: Account) -> None:
        """Makes an account, or changes what is known of it."""
        with self._db.writing() as connection:
            connection.execute(_SQL["put_account"], (account.id, _encode(account)))

    def accounts(self) -> list[Account]:
        """Every account, in the order in which they were made."""
        with self._db.reading() as connection:
            return [_decode(body, type=Account) for (body,) in connection.execute(_SQL["accounts"])]

    def put_key(self, key: Key) -> None:
        """Makes or changes a key. Raises Conflict if another key has the same hash, NotFound if there is no such account."""
        with self._db.writing() as connection:
            if key.account is not None:
                _account(connection, key.account)
            try:
                connection.execute(_SQL["put_key"], (key.id, key.hash, _encode(key)))
            except sqlite3.IntegrityError as error:
                raise Conflict("this key exists already") from error

    def keys(self) -> list[Key]:
        """Every API key, in id order."""
        with self._db.reading() as connection:
            return [replace(_decode(body, type=Key), used_at_ms=used_at) for body, used_at in connection.execute(_SQL["keys"])]

    def delete_key(self, key: int) -> bool:
        """False: there was none."""
        return self._changed("delete_key", (key,))

    def touch_keys(self, used: Mapping[int, int]) -> None:
        """When keys were used last, in Unix milliseconds, by id; of a deleted one nothing is kept."""
        with self._db.writing() as connection:
            connection.executemany(_SQL["touch_key"], list(used.items()))

    def put_endpoint(self, endpoint: Endpoint, health: Health | None = None) -> None:
        """Makes or changes an endpoint, and its health with it if that is given; secrets, credentials and header values are
        encrypted.

        Raises NotFound if there is no such account, or if the endpoint was deleted.
        """
        hidden = _Sealed(endpoint.secrets, endpoint.basic, endpoint.headers)
        bare = replace(endpoint, secrets=(), basic=None, headers=())
        sealed = None
        if endpoint.secrets or endpoint.basic is not None or endpoint.headers:
            sealed = self._box.seal(_encode(hidden), endpoint_row(endpoint.id))
        with self._db.writing() as connection:
            account = _account(connection, endpoint.account)
            if not connection.execute(_SQL["put_endpoint"], (endpoint.id, account, _encode(bare), sealed)).rowcount:
                raise NotFound("there is no such endpoint")
            if health is not None:
                _put_healths(connection, ((endpoint.id, health),))

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint that is not deleted, in id order, secrets in clear."""
        with self._db.reading() as connection:
            return [self._endpoint(*row) for row in connection.execute(_SQL["endpoints"])]

    def delete_endpoint(self, endpoint: int) -> bool:
        """Gone from the list, and its secrets from the disk; its deliveries and their log stay. False: there was none."""
        with self._db.writing() as connection:
            connection.execute(_SQL["forget_health"], (endpoint,))
            return connection.execute(_SQL["delete_endpoint"], (endpoint, self._db.clock())).rowcount > 0

    def forget_endpoints(self, before_ms: int) -> int:
        """Nothing is left of endpoints that were deleted before a moment; how many."""
        with self._db.writing() as connection:
            return connection.execute(_SQL["forget_endpoints"], (before_ms,)).rowcount

    def put_healths(self, healths: Mapping[int, Health]) -> None:
        """How endpoints fare now, by id; of a deleted one nothing is kept."""
        with self._db.writing() as connection:
            _put_healths(connection, healths.items())

    def healths(self) -> dict[int, Health]:
        """How the endpoints fare that are not as healthy as can be, by id."""
        with self._db.reading() as connection:
            return {number: _decode(body, type=Health) for number, body in connection.execute(_SQL["healths"])}

    def put_property(self, account: str, item: Property) -> None:
        """Makes or changes a property. Raises NotFound if there is no such account."""
        with self._db.writing() as connection:
            connection.execute(_SQL["put_property"], (_account(connection, account), item.id, _encode(item)))

    def properties(self, account: str) -> list[Property]:
        """An account's properties, in id order."""
        with self._db.reading() as connection:
            row = connection.execute(_SQL["account"], (account,)).fetchone()
            return [_decode(body, type=Property) for (body,) in connection.execute(_SQL["properties"], row)] if row else []

    def delete_property(self, account: str, item: str) -> bool:
        """False: there was none. Numbers that belong to it keep what they know of it."""
        return self._deleted("delete_property", account, item)

    def put_number(self, account: str, number: Number) -> None:
        """Makes or changes a number; its voice settings are encrypted. Raises NotFound if there is no such account."""
        with self._db.writing() as connection:
            owner = _account(connection, account)
            voice = None if number.voice is None else self._box.seal(_encode(number.voice), voice_row(owner, number.number))
            body = _encode(replace(number, voice=None))
            connection.execute(_SQL["put_number"], (owner, number.number, body, voice))

    def numbers(self) -> list[tuple[str, Number]]:
        """Every account's numbers, (account, number), with their properties as they are now."""
        with self._db.reading() as connection:
            properties = {
                (account, item): _decode(body, type=Property)
                for account, item, body in connection.execute(_SQL["all_properties"]).fetchall()
            }
            found = connection.execute(_SQL["numbers"]).fetchall()
        numbers = [(account, _decode(body, type=Number), voice, owner) for account, body, voice, owner in found]
        return [
            (
                account,
                replace(
                    number,
                    property=properties.get((account, number.property.id), number.property),
                    voice=None if voice is None else _decode(self._box.open(voice, voice_row(owner, number.number)), type=Voice),
                ),
            )
            for account, number, voice, owner in numbers
        ]

    def delete_number(self, account: str, number: str) -> bool:
        """False: there was none."""
        return self._deleted("delete_number", account, number)

    def note(self, kind: str, text: str, at_ms: int) -> None:
        """One line for the operator; the newest 10,000 are kept."""
        with self._db.writing() as connection:
            made = connection.execute(_SQL["add_note"], (at_ms, kind, text)).lastrowid or 0
            connection.execute(_SQL["forget_notes"], (made - KEPT_NOTES,))

    def notes(self, kind: str | None, limit: int) -> list[tuple[int, str, str]]:
        """(at_ms, kind, text), newest first."""
        with self._db.reading() as connection:
            if kind is None:
                return connection.execute(_SQL["notes"], (limit,)).fetchall()
            return connection.execute(_SQL["notes_of_kind"], (kind, limit)).fetchall()

    def organization_id(self) -> str:
        """The installation's UUID, made when the store was."""
        return self._installation("organization_id").decode()

    def last_id(self) -> int:
        """The largest id in the store: where an IdMaker goes on."""
        with self._db.reading() as connection:
            number: int = connection.execute(_SQL["last_id"]).fetchone()[0]
        return number

    def health(self) -> None:
        """Writes a word, durably. Raises StoreUnavailable if that fails: then no event could be taken either."""
        with self._db.writing() as connection:
            connection.execute(_SQL["probe"], (str(self._db.clock()).encode(),))

    def counts(self) -> dict[str, int]:
        """What is open, counted now (0.1 s for a million): deliveries by state (held ones are pending), calls without an end."""
        with self._db.reading() as connection:
            by_state = dict(connection.execute(_SQL["count_open_deliveries"]).fetchall())
            calls: int = connection.execute(_SQL["count_open_calls"]).fetchone()[0]
        return {"pending": by_state.get(2, 0) + by_state.get(3, 0), "retrying": by_state.get(4, 0), "open_calls": calls}

    def _installation(self, name: str) -> bytes:
        with self._db.reading() as connection:
            row = connection.execute(_SQL["installation"], (name,)).fetchone()
        if row is None:
            raise StoreUnavailable("the store's file is not whole")
        value: bytes = row[0]
        return value

    def _endpoint(self, number: int, body: bytes, sealed: bytes | None) -> Endpoint:
        bare = _decode(body, type=Endpoint)
        if sealed is None:
            return bare
        hidden = _decode(self._box.open(sealed, endpoint_row(number)), type=_Sealed)
        return replace(bare, secrets=hidden.secrets, basic=hidden.basic, headers=hidden.headers)

    def _changed(self, statement: str, parameters: tuple[int, ...]) -> bool:
        with self._db.writing() as connection:
            return connection.execute(_SQL[statement], parameters).rowcount > 0

    def _deleted(self, statement: str, account: str, item: str) -> bool:
        with self._db.writing() as connection:
            row = connection.execute(_SQL["account"], (account,)).fetchone()
            return row is not None and connection.execute(_SQL[statement], (row[0], item)).rowcount > 0


def _put_healths(connection: sqlite3.Connection, healths: Iterable[tuple[int, Health]]) -> None:
    for number, health in healths:
        if health == HEALTHY:
            connection.execute(_SQL["forget_health"], (number,))
        else:
            connection.execute(_SQL["put_health"], (number, _encode(health)))


def _account(connection: sqlite3.Connection, account: str) -> int:
    row = connection.execute(_SQL["account"], (account,)).fetchone()
    if row is None:
        raise NotFound("there is no such account")
    number: int = row[0]
    return number


def endpoint_row(endpoint: int) -> str:
    """What an endpoint's sealed part belongs to."""
    return f"endpoint/{endpoint}"


def voice_row(account: int, number: str) -> str:
    """What a number's voice settings belong to. `account`: its small number."""
    return f"number/{account}/{number}"
