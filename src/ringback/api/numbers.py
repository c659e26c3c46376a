"""Numbers and the properties that they belong to."""

import re
import uuid
from typing import Annotated, Literal

import msgspec
from litestar import Controller, delete, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType

from ringback.api.common import NO_CONTROLS, AccountId, TheEngine
from ringback.api.paging import Cursor, Limit, Page, named_page
from ringback.api.views import NumberView, PropertyView, number_view, property_view
from ringback.api.voice_fields import NewVoice, voice_of
from ringback.calls.directory import Number, Property, default_number, default_property
from ringback.errors import Conflict, InvalidInput, NotFound
from ringback.ids import now_ms

MOST_CHARS = 128
_PRINTABLE = "[!-.0-~]"
_NUMBER = re.compile(_PRINTABLE + f"{{1,{MOST_CHARS}}}")
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_CONTROLS)]
_UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
ChannelId = Annotated[str, Meta(pattern=_UUID)]
TrunkId = Annotated[str, Meta(pattern="^[0-9]{1,18}$")]


class NewProperty(Struct, frozen=True, forbid_unknown_fields=True):
    """A site (its domain as the name) or a campaign."""

    name: Name


class NewNumber(Struct, frozen=True, forbid_unknown_fields=True):
    """`number` is E.164 with +, an extension or a SIP address. What is not given keeps its default. `voice`: who is asked about the
    number's calls."""

    number: Annotated[str, Meta(min_length=1, max_length=MOST_CHARS, pattern=f"^{_PRINTABLE}+$")]
    name: Name | UnsetType = UNSET
    pool: Literal["static", "dynamic"] | UnsetType = UNSET
    property: str | UnsetType = UNSET
    channel_id: ChannelId | UnsetType = UNSET
    trunk_id: TrunkId | UnsetType = UNSET
    webhooks_enabled: bool | UnsetType = UNSET
    voice: NewVoice | UnsetType | None = UNSET


class ChangedNumber(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent is changed; `voice` is replaced as a whole, null clears it."""

    name: Name | UnsetType = UNSET
    pool: Literal["static", "dynamic"] | UnsetType = UNSET
    property: str | UnsetType = UNSET
    channel_id: ChannelId | UnsetType = UNSET
    trunk_id: TrunkId | UnsetType = UNSET
    webhooks_enabled: bool | UnsetType = UNSET
    voice: NewVoice | UnsetType | None = UNSET


def _all_properties(engine: TheEngine, account: str) -> list[Property]:
    """The account's default property first, which is always there and never stored. Reads the store."""
    return [default_property(account), *engine.store.properties(account)]


def _property(engine: TheEngine, account: str, wanted: str) -> Property | None:
    return next((item for item in _all_properties(engine, account) if item.id == wanted), None)


def _changed(engine: TheEngine, account: str, number: Number, data: NewNumber | ChangedNumber) -> Number:
    """The number with what was sent put in. Reads the store for a property. Raises InvalidInput."""
    given = {
        name: value
        for name in ("name", "pool", "channel_id", "trunk_id", "webhooks_enabled")
        if (value := getattr(data, name)) is not UNSET
    }
    if data.property is not UNSET:
        found = _property(engine, account, data.property)
        if found is None:
            raise InvalidInput("no such property", "property")
        given["property"] = found
    if data.voice is not UNSET:
        given["voice"] = None if data.voice is None else voice_of(data.voice, number.voice, engine, account)
    return msgspec.structs.replace(number, registered=True, updated_at_ms=now_ms(), **given)


class Properties(Controller):
    """Sites and campaigns."""

    path = "/v1/properties"
    tags = ("numbers",)

    @post()
    async def make(self, data: NewProperty, engine: TheEngine, account: AccountId) -> PropertyView:
        """Makes a property."""
        item = Property(id=str(uuid.uuid4()), name=data.name)
        await engine.in_thread(lambda: engine.store.put_property(account, item))
        return property_view(item)

    @get()
    async def list_all(self, engine: TheEngine, account: AccountId, limit: Limit = 50, cursor: Cursor = None) -> Page[PropertyView]:
        """Lists all properties, the account's default one first."""
        items = await engine.in_thread(lambda: _all_properties(engine, account))
        default = items[0]
        return named_page(items, lambda item: "" if item is default else item.id, limit, cursor, property_view)

    @get("/{property_id:str}")
    async def show(self, property_id: str, engine: TheEngine, account: AccountId) -> PropertyView:
        """Shows one property."""
        return property_view(await _found(engine, account, property_id))

    @patch("/{property_id:str}")
    async def change(self, property_id: str, data: NewProperty, engine: TheEngine, account: AccountId) -> PropertyView:
        """Renames a property. The default one stays as it is."""
        item = msgspec.structs.replace(await _own(engine, account, property_id), name=data.name)
        await engine.in_thread(lambda: engine.store.put_property(account, item))
        engine.book.read_numbers()
        return property_view(item)

    @delete("/{property_id:str}")
    async def drop(self, property_id: str, engine: TheEngine, account: AccountId) -> None:
        """Deletes a property that no number belongs to. The default one stays."""
        item = await _own(engine, account, property_id)
        numbers = await engine.in_thread(engine.store.numbers)
        if any(owner == account and number.property.id == item.id for owner, number in numbers):
            raise Conflict("numbers belong to it")
        await engine.in_thread(lambda: engine.store.delete_property(account, item.id))


async def _found(engine: TheEngine, account: str, wanted: str) -> Property:
    item = await engine.in_thread(lambda: _property(engine, account, wanted))
    if item is None:
        raise NotFound("no such property")
    return item


async def _own(engine: TheEngine, account: str, wanted: str) -> Property:
    """A property that the account made: it may be changed. Raises NotFound, Conflict."""
    item = await _found(engine, account, wanted)
    if item.id == default_property(account).id:
        raise Conflict("the default property cannot be changed; make one and give it to the numbers")
    return item


class Numbers(Controller):
    """Numbers of an account. One that is not registered serves with defaults."""

    path = "/v1/numbers"
    tags = ("numbers",)

    @post()
    async def make(self, data: NewNumber, engine: TheEngine, account: AccountId) -> NumberView:
        """Registers a number."""
        owner = engine.book.owner(data.number)
        if owner is not None:
            raise Conflict("the number is registered already" if owner == account else "the number belongs to another account")
        number = await engine.in_thread(lambda: _changed(engine, account, default_number(account, data.number), data))
        await engine.in_thread(lambda: engine.store.put_number(account, number))
        engine.book.read_numbers()
        return number_view(number)

    @get()
    async def list_all(self, engine: TheEngine, account: AccountId, limit: Limit = 50, cursor: Cursor = None) -> Page[NumberView]:
        """Lists all registered numbers."""
        return named_page(engine.book.numbers(account), lambda number: number.number, limit, cursor, number_view)

    @get("/{number:str}")
    async def show(self, number: str, engine: TheEngine, account: AccountId) -> NumberView:
        """Shows one number, registered or not: what would be sent for it."""
        if _NUMBER.fullmatch(number) is None:
            raise NotFound("no such number")
        return number_view(engine.book.number(account, number))

    @patch("/{number:str}")
    async def change(self, number: str, data: ChangedNumber, engine: TheEngine, account: AccountId) -> NumberView:
        """Changes a number."""
        if engine.book.owner(number) != account:
            raise NotFound("no such number")
        changed = await engine.in_thread(lambda: _changed(engine, account, engine.book.number(account, number), data))
        await engine.in_thread(lambda: engine.store.put_number(account, changed))
        engine.book.read_numbers()
        return number_view(changed)

    @delete("/{number:str}")
    async def drop(self, number: str, engine: TheEngine, account: AccountId) -> None:
        """Lets a number go; from then on it serves with defaults."""
        if engine.book.owner(number) != account:
            raise NotFound("no such number")
        await engine.in_thread(lambda: engine.store.delete_number(account, number))
        engine.book.read_numbers()
