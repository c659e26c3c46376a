"""What accounts have set up, held in memory: keys, numbers, endpoints, and who gets which event.

The store has the truth; this is read from it at start and after each change. Reading threads see whole values only: a change
replaces an entry, it never edits one.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringback.calls.directory import Number, Place, default_number
from ringback.calls.model import Call, Event
from ringback.dialects.contract import Dialect
from ringback.store.port import Account, Key, Store
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Endpoint

_PLACES_KEPT = 50_000
_KEY_SCHEMES = frozenset({b"bearer", b"accesskey"})
"""Whose credentials are the key itself: ours, and Bird's."""


class Identity(Struct, frozen=True):
    """Who asks: `account` None is the operator. `name`: what the audit log calls somebody who came without a key of their own."""

    account: str | None
    role: str
    key: int = 0
    name: str = ""


def key_hash(text: str) -> bytes:
    """How an API key is stored: SHA-256 (the keys are random, so no salt is needed)."""
    return hashlib.sha256(text.encode()).digest()


def _key_of(authorization: bytes) -> bytes:
    scheme, _, rest = authorization.partition(b" ")
    if scheme.lower() in _KEY_SCHEMES:
        return rest.strip()
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(rest, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


class Book:
    """See the module. One writer (the loop's thread), many readers."""

    def __init__(self, store: Store, dialects: Mapping[str, Dialect], admin_key: str) -> None:
        self._store = store
        self._dialects = dialects
        self._admin = key_hash(admin_key)
        self.organization = store.organization_id()
        self.accounts: dict[str, Account] = {}
        self.endpoints: dict[int, Endpoint] = {}
        self.replays: dict[int, Endpoint] = {}
        """Endpoints that were made for one replay each: they take no events."""
        self._keys: dict[bytes, Key] = {}
        self._keys_by_id: dict[int, Key] = {}
        self._numbers: dict[tuple[str, str], Number] = {}
        self._owners: dict[str, str] = {}
        self._matchers: dict[str, Matcher] = {}
        self._identities: dict[bytes, Identity] = {}
        self._used: set[int] = set()
        self._used_at: dict[int, int] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self.read_keys()
        self.read_numbers()
        self.read_accounts()
        for endpoint in store.endpoints():
            (self.replays if endpoint.only_replays else self.endpoints)[endpoint.id] = endpoint
        for account in self.accounts:
            self._match_anew(account)

    # Reading the store again after a change
    def read_accounts(self) -> None:
        """After an account was made or changed."""
        before, self.accounts = self.accounts, {account.id: account for account in self._store.accounts()}
        self._places = {}
        for number, account in self.accounts.items():
            if number not in before or before[number].bird_catch_all != account.bird_catch_all:
                self._match_anew(number)

    def read_keys(self) -> None:
        """After a key was made or revoked: a revoked key stops working at once."""
        self._keys = {key.hash: key for key in self._store.keys()}  # noqa: SIM118
        self._keys_by_id = {key.id: key for key in self._keys.values()}
        self._identities = {}

    def read_numbers(self) -> None:
        """After a number or a property was changed."""
        numbers = self._store.numbers()
        self._numbers = {(account, number.number): number for account, number in numbers}
        self._owners = {number.number: account for account, number in numbers}
        self._places = {}

    def set_endpoint(self, endpoint: Endpoint) -> None:
        """After an endpoint was made or changed."""
        if endpoint.only_replays:
            self.replays = {**self.replays, endpoint.id: endpoint}
            return
        self.endpoints = {**self.endpoints, endpoint.id: endpoint}
        self._match_anew(endpoint.account)

    def drop_endpoint(self, endpoint: Endpoint) -> None:
        """After an endpoint was deleted."""
        self.replays = {key: value for key, value in self.replays.items() if key != endpoint.id}
        self.endpoints = {key: value for key, value in self.endpoints.items() if key != endpoint.id}
        self._match_anew(endpoint.account)

    def _match_anew(self, account: str) -> None:
        mine = [endpoint for endpoint in self.endpoints.values() if endpoint.account == account]
        literal = self.accounts[account].bird_catch_all == "literal"
        self._matchers[account] = Matcher(mine, self._dialects, catch_all_literal=literal)

    # Asking
    def identify(self, authorization: bytes) -> Identity | None:
        """Whose key an Authorization header carries: `Bearer <key>`, Bird's `AccessKey <key>`, or Basic with the key as the
        password, for producers that know nothing else (mod_json_cdr). None: nobody's."""
        identity = self._identities.get(authorization)
        if identity is None:
            identity = self._look_up(_key_of(authorization))
            if identity is not None and len(self._identities) < 10_000:
                self._identities[authorization] = identity
        if identity is not None:
            self._used.add(identity.key)
        return identity

    def _look_up(self, text: bytes) -> Identity | None:
        hashed = hashlib.sha256(text).digest()
        if hmac.compare_digest(hashed, self._admin):
            return Identity(None, "operator")
        key = self._keys.get(hashed)
        return Identity(key.account, key.role, key.id) if key else None

    def identity_of(self, key: int) -> Identity | None:
        """Whose key has this id; None: it was revoked."""
        found = self._keys_by_id.get(key)
        if found is None:
            return None
        self._used.add(key)
        return Identity(found.account, found.role, found.id)

    def key_name(self, key: int) -> str:
        """What a key is called; empty: it was revoked."""
        found = self._keys_by_id.get(key)
        return found.name if found else ""

    def print_of(self, key: int) -> bytes | None:
        """What tells a key from one that replaced it, without a use of either; 0: the operator's own. None: it was revoked."""
        found = self._keys_by_id.get(key)
        if key and found is None:
            return None
        return hashlib.sha256(b"print" + (self._admin if found is None else found.hash)).digest()[:16]

    def all_keys(self) -> list[Key]:
        """Every key, with when it was used last, as far as `stamp_used` has said it."""
        return [replace(key, used_at_ms=self._used_at.get(key.id, key.used_at_ms)) for key in self._keys_by_id.values()]

    def stamp_used(self, now_ms: int) -> dict[int, int]:
        """The keys that were used since the last call, with `now_ms` each: a use is noted cheaply, its time some seconds later."""
        used, self._used = self._used, set()
        fresh = {key: now_ms for key in used if key in self._keys_by_id}
        self._used_at |= fresh
        return fresh

    def matcher(self, account: str) -> Matcher:
        """Who gets an account's events."""
        return self._matchers[account]

    def endpoint(self, number: int) -> Endpoint | None:
        """An endpoint by its id; None: deleted."""
        return self.endpoints.get(number) or self.replays.get(number)

    def knows(self, account: str) -> bool:
        """Is there such an account?"""
        return account in self.accounts

    def owner(self, number: str) -> str | None:
        """The account that registered a number."""
        return self._owners.get(number)

    def number(self, account: str, number: str) -> Number:
        """A number as registered, or its default."""
        return self._numbers.get((account, number)) or default_number(account, number)

    def numbers(self, account: str) -> list[Number]:
        """An account's registered numbers."""
        return [number for (owner, _), number in self._numbers.items() if owner == account]

    def place(self, event: Event) -> Place:
        """The account's own number in the event's conversation: dialled inbound, calling outbound."""
        return self.place_of(event.root)

    def place_of(self, root: Call) -> Place:
        """The same, by the conversation's root."""
        number = root.to if root.direction == "inbound" else root.from_
        place = self._places.get((root.account, number))
        if place is None:
            account = self.accounts.get(root.account)
            place = Place(
                organization_id=self.organization,
                account=root.account,
                number=self.number(root.account, number),
                country=account.country if account else None,
            )
            if len(self._places) >= _PLACES_KEPT:
                self._places = {}
            self._places[root.account, number] = place
        return place
