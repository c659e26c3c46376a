"""API keys: who may look, who may change, and when a key was used last."""

from typing import Annotated, Literal

from litestar import Controller, delete, get, post
from msgspec import UNSET, Meta, Struct, UnsetType

from ringback.api import common
from ringback.api.common import AnyRequest, TheEngine, Who, number_of
from ringback.api.paging import Cursor, Limit, Page, named_page, newest_first
from ringback.api.views import when
from ringback.calls.model import to_rfc3339
from ringback.engine.book import Identity, key_hash
from ringback.engine.server import Engine, new_key
from ringback.errors import Conflict, Forbidden, InvalidInput, NotFound
from ringback.ids import now_ms, to_text
from ringback.store.port import Key

MOST_KEYS = 1_000
"""Of one account, or of the operator."""


class NewKey(Struct, frozen=True, forbid_unknown_fields=True):
    """`role`: `developer` may do everything in its account, `viewer` may look, without the contents of requests and answers. With
    the operator's key: `account`; without one the key is the operator's, and the roles are `operator` and `viewer`."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=common.NO_CONTROLS)]
    role: Literal["operator", "developer", "viewer"]
    account: str | None = None


class KeyView(Struct, frozen=True):
    """A key. `account` null: the operator's. `last_used_at` is true to within ten seconds. `key` is its text, in the answer that
    made it alone: what is stored is a hash."""

    id: str
    name: str
    role: str
    account: str | None
    created_at: str
    last_used_at: str | None
    key: str | UnsetType = UNSET


class Keys(Controller):
    """Several keys live side by side, so that one can be changed without a gap."""

    path = "/v1/keys"
    tags = ("keys",)

    @post()
    async def make(self, data: NewKey, request: AnyRequest, engine: TheEngine, identity: Who) -> KeyView:
        """Makes a key, whose text is shown this once."""
        account = _account(engine, identity, data, request.query_params.get("account"))
        if sum(1 for key in engine.book.all_keys() if key.account == account) >= MOST_KEYS:
            raise Conflict(f"there may be {MOST_KEYS} keys: revoke those that are not used any more")
        text = new_key()
        key = Key(
            id=engine.writer.new_id(),
            hash=key_hash(text),
            account=account,
            role=data.role,
            name=data.name,
            created_at_ms=now_ms(),
        )
        await engine.in_thread(lambda: engine.store.put_key(key))
        engine.book.read_keys()
        return _view(key, text)

    @get()
    async def list_all(
        self, request: AnyRequest, engine: TheEngine, identity: Who, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[KeyView]:
        """Lists keys, newest first: an account's own; with the operator's key all, or with `?account=` one account's."""
        engine.book.stamp_used(now_ms())
        account = common.account(request, identity, engine) if _names_account(request, identity) else None
        mine = (key for key in engine.book.all_keys() if account in (None, key.account))
        return named_page(mine, lambda key: newest_first(key.id), limit, cursor, _view)

    @delete("/{key_id:str}")
    async def revoke(self, key_id: str, request: AnyRequest, engine: TheEngine, identity: Who) -> None:
        """Revokes a key: from now on it opens nothing."""
        number = number_of("key", key_id, "key")
        account = common.account(request, identity, engine) if _names_account(request, identity) else None
        key = next((one for one in engine.book.all_keys() if one.id == number), None)
        if key is None or account not in (None, key.account):
            raise NotFound("no such key")
        await engine.in_thread(lambda: engine.store.delete_key(number))
        engine.book.read_keys()


def _names_account(request: AnyRequest, identity: Identity) -> bool:
    return identity.account is not None or "account" in request.query_params


def _account(engine: Engine, identity: Identity, data: NewKey, in_query: str | None) -> str | None:
    """Whose key it will be; the body names an account, or the query does. Raises NotFound, Forbidden, InvalidInput."""
    named = data.account if data.account is not None else in_query
    account = identity.account
    if account is not None:
        if named not in (None, account):
            raise NotFound("no such account")
        if data.role == "operator":
            raise Forbidden("only the operator's key may do this")
        return account
    if named is None:
        if data.role == "developer":
            raise InvalidInput("a developer's key needs its account", "account")
        return None
    if not engine.book.knows(named):
        raise NotFound("no such account")
    if data.role == "operator":
        raise InvalidInput("an operator's key belongs to no account", "role")
    return named


def _view(key: Key, text: str | None = None) -> KeyView:
    return KeyView(
        id=to_text("key", key.id),
        name=key.name,
        role=key.role,
        account=key.account,
        created_at=to_rfc3339(key.created_at_ms),
        last_used_at=when(key.used_at_ms),
        key=text or UNSET,
    )
