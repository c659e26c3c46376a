"""Accounts: made and listed by the operator."""

import uuid
from typing import Annotated

from litestar import Controller, get, post
from litestar.di import Provide
from msgspec import Meta, Struct

from ringback.api import common
from ringback.api.common import TheEngine, Who
from ringback.api.paging import Cursor, Limit, Page, named_page
from ringback.api.views import AccountView, account_view
from ringback.engine.book import key_hash
from ringback.engine.server import new_key
from ringback.errors import NotFound
from ringback.ids import now_ms
from ringback.store.port import Account, Key


class NewAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """`country` (ISO 3166 alpha-2) lets numbers in national form be read."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | None = None


class Accounts(Controller):
    """Tenants."""

    path = "/v1/accounts"
    tags = ("accounts",)

    @post(dependencies={"operator": Provide(common.operator, sync_to_thread=False)})
    async def make(self, data: NewAccount, engine: TheEngine, operator: Who) -> AccountView:
        """Makes an account and its first key, which is shown this once."""
        now = now_ms()
        account = Account(id=str(uuid.uuid4()), name=data.name, created_at_ms=now, country=data.country)
        text = new_key()
        key = Key(
            id=engine.writer.new_id(), hash=key_hash(text), account=account.id, role="developer", name="first", created_at_ms=now
        )

        def write() -> None:
            engine.store.put_account(account)
            engine.store.put_key(key)

        await engine.in_thread(write)
        engine.book.read_accounts()
        engine.book.read_keys()
        return account_view(account, text)

    @get(dependencies={"operator": Provide(common.operator, sync_to_thread=False)})
    async def list_all(self, engine: TheEngine, operator: Who, limit: Limit = 50, cursor: Cursor = None) -> Page[AccountView]:
        """Lists all accounts, oldest first."""
        return named_page(engine.book.accounts.values(), _by_age, limit, cursor, account_view)

    @get("/{account_id:str}")
    async def show(self, account_id: str, engine: TheEngine, identity: Who) -> AccountView:
        """Shows one account: the operator any, a key its own."""
        account = engine.book.accounts.get(account_id)
        if account is None or identity.account not in (None, account_id):
            raise NotFound("no such account")
        return account_view(account)


def _by_age(account: Account) -> str:
    return f"{account.created_at_ms:015d} {account.id}"
