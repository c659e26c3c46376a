"""Accounts: made and listed by the operator."""

import uuid
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, patch, post
from litestar.di import Provide
from msgspec import UNSET, Meta, Struct, UnsetType

from ringback.api import common
from ringback.api.common import TheEngine, Who
from ringback.api.paging import Cursor, Limit, Page, named_page
from ringback.api.views import AccountView, account_view
from ringback.delivery.guard import check_url
from ringback.engine.book import key_hash
from ringback.engine.server import new_key
from ringback.errors import Forbidden, InvalidInput, NotFound
from ringback.ids import now_ms
from ringback.store.port import Account, Key

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=common.NO_CONTROLS)]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
CallPrefix = Annotated[str, Meta(pattern=r"^(\+[0-9]{0,15}|[0-9*#]{2,15})$")]
FlowId = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
FlowUrl = Annotated[str, Meta(min_length=1, max_length=8192)]
MOST_PREFIXES = 1_000
MOST_FLOWS = 1_000


class NewAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """`country` (ISO 3166 alpha-2) lets numbers in national form be read."""

    name: Name
    country: Country | None = None


class AccountChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is not given stays; null clears. `bird_catch_all`: `literal`, a Bird endpoint without filters gets no event that a
    filtered one takes (as Bird's page says); `off`, it gets every event. `mask_numbers`: keys that may only look are shown
    `+6128888****` for every number. The rest is the operator's: `call_limit_s`, after which a
    call that lost its end gets an inferred one; `events_per_s`, updates that are taken in a second at the most; `pending_max`,
    deliveries that may be open before updates are refused; `retention_days`, how long what is over is kept (null: as the
    installation's); whom live calls may reach: `call_prefixes` (null: any E.164 number; `+61` every number that begins so, `112`
    this short number, `+` every E.164 number) and `call_extensions` (extensions and SIP addresses too); `calls_at_once`, legs that
    may be going on; `calls_per_min`, legs that may be begun in a minute; `transcribe`, whether recordings of live calls are written
    down by the installation's speech service. `flows`: the URL of the document that each flow id stands for."""

    name: Name | UnsetType = UNSET
    country: Country | UnsetType | None = UNSET
    bird_catch_all: Literal["literal", "off"] | UnsetType = UNSET
    call_limit_s: Annotated[int, Meta(ge=60, le=30 * 86_400)] | UnsetType = UNSET
    events_per_s: Annotated[float, Meta(gt=0, le=1_000_000)] | UnsetType | None = UNSET
    pending_max: Annotated[int, Meta(ge=1, le=1_000_000_000)] | UnsetType | None = UNSET
    retention_days: Annotated[int, Meta(ge=1, le=3_650)] | UnsetType | None = UNSET
    mask_numbers: bool | UnsetType = UNSET
    call_prefixes: Annotated[tuple[CallPrefix, ...], Meta(max_length=MOST_PREFIXES)] | UnsetType | None = UNSET
    call_extensions: bool | UnsetType = UNSET
    calls_at_once: Annotated[int, Meta(ge=0, le=1_000_000)] | UnsetType | None = UNSET
    calls_per_min: Annotated[int, Meta(ge=0, le=1_000_000)] | UnsetType | None = UNSET
    flows: Annotated[dict[FlowId, FlowUrl], Meta(max_length=MOST_FLOWS)] | UnsetType = UNSET
    transcribe: bool | UnsetType = UNSET


_OPERATORS = frozenset(
    {
        "call_limit_s",
        "events_per_s",
        "pending_max",
        "retention_days",
        "call_prefixes",
        "call_extensions",
        "calls_at_once",
        "calls_per_min",
        "transcribe",
    }
)
"""What only the operator decides."""


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
        return account_view(_found(engine, identity, account_id))

    @patch("/{account_id:str}")
    async def change(self, account_id: str, data: AccountChange, engine: TheEngine, identity: Who) -> AccountView:
        """Changes one account: the operator any, a key its own."""
        account = _found(engine, identity, account_id)
        given = {name: value for name in data.__struct_fields__ if (value := getattr(data, name)) is not UNSET}
        if identity.account is not None and _OPERATORS & given.keys():
            raise Forbidden(f"only the operator's key may change {', '.join(sorted(_OPERATORS & given.keys()))}")
        for flow, url in (data.flows or {}).items():
            _check_flow(engine, account.id, flow, url)
        changed = msgspec.structs.replace(account, **given)
        await engine.in_thread(lambda: engine.store.put_account(changed))
        engine.book.read_accounts()
        await engine.limits.read_accounts()
        return account_view(changed)


def _check_flow(engine: TheEngine, account: str, flow: str, url: str) -> None:
    """Raises InvalidInput: nothing is ever asked there."""
    try:
        check_url(url.partition("#")[0], engine.sender_settings, account)
    except InvalidInput as error:
        raise InvalidInput(str(error), f"flows.{flow}") from None


def _found(engine: TheEngine, identity: Who, account_id: str) -> Account:
    account = engine.book.accounts.get(account_id)
    if account is None or identity.account not in (None, account_id):
        raise NotFound("no such account")
    return account


def _by_age(account: Account) -> str:
    return f"{account.created_at_ms:015d} {account.id}"
