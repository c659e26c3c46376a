"""The vendor's calls resource."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Final

import msgspec
from litestar import Controller, get, post
from litestar.params import Parameter
from msgspec import Struct

from ringback.api.common import TheEngine
from ringback.api.voc.pages import LOOKED_AT, page_of
from ringback.api.voxtelesys.access import AccountOf
from ringback.api.voxtelesys.fields import NewVoxtelesysCall, placing
from ringback.calls.model import Call, to_rfc3339
from ringback.dialects.voxtelesys import call_sid, word_of
from ringback.engine.server import Engine
from ringback.webhooks.records import StoredCall

PAGE_SIZE: Final = 50
_READ_AT_ONCE: Final = 200

PageNumber = Annotated[int, Parameter(ge=1, le=1_000_000, description="From 1.")]
PageSize = Annotated[int, Parameter(ge=1, le=PAGE_SIZE, description="Calls on a page.")]


class Queued(Struct, frozen=True):
    """The call will be dialled. The vendor tells no id: put a token into `url` or `tag`."""

    status: str = "queued"


class VoxtelesysCall(Struct, frozen=True, kw_only=True):
    """A call. `id` is the `CallSid` of its webhooks."""

    id: str
    to: str
    from_: str = msgspec.field(name="from")
    status: str
    created_time: str
    modified_time: str


class VoxtelesysCallList(Struct, frozen=True):
    """One page. `page_count` and `count` go no further than 1,000 calls beyond it."""

    page: int
    page_size: int
    page_count: int
    count: int
    results: list[VoxtelesysCall]


class Calls(Controller):
    """Calls of the account."""

    path = "/calls"
    tags = ("voxtelesys",)

    @post()
    async def place(self, data: NewVoxtelesysCall, engine: TheEngine, account: AccountOf) -> Queued:
        """Places a call."""
        await engine.live_calls.place(account, await placing(engine, account, data))
        return Queued()

    @get()
    async def list_some(
        self, engine: TheEngine, account: AccountOf, page: PageNumber = 1, page_size: PageSize = PAGE_SIZE
    ) -> VoxtelesysCallList:
        """Lists calls, live and over, newest first (ours: the vendor's earlier API has the form, its current one no such list)."""
        return await engine.in_thread(lambda: _listed(engine, account, page, page_size))


def _listed(engine: Engine, account: str, page: int, page_size: int) -> VoxtelesysCallList:
    roots = (stored for stored in islice(_read(engine, account), LOOKED_AT) if stored.call.is_root)
    found = page_of(roots, page, page_size)
    return VoxtelesysCallList(page, page_size, found.total_pages, found.total, [_view(stored.call) for stored in found.data])


def _read(engine: Engine, account: str) -> Iterator[StoredCall]:
    """The account's legs, newest first. Reads the store as it goes."""
    before: int | None = None
    while True:
        rows = engine.store.calls(account, before, _READ_AT_ONCE)
        yield from rows
        if len(rows) < _READ_AT_ONCE:
            return
        before = rows[-1].n


def _view(call: Call) -> VoxtelesysCall:
    return VoxtelesysCall(
        id=call_sid(call.account, call.id, call.generation),
        to=call.to,
        from_=call.from_,
        status=word_of(call.status),
        created_time=to_rfc3339(call.first_at_ms),
        modified_time=to_rfc3339(max(call.first_at_ms, call.updated_at_ms)),
    )
