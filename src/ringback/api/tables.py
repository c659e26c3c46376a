"""The log and the calls as CSV (RFC 4180), for spreadsheets: with the lists' own filters, streamed page by page, newest first."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from litestar import get
from litestar.di import Provide
from litestar.response import Stream
from msgspec.structs import replace

from ringback.api.cells import written
from ringback.api.common import AnyRequest, TheEngine, Who
from ringback.api.log import AskedCalls, AskedDeliveries, asked_calls, asked_deliveries, read_calls, read_deliveries, shown_delivery
from ringback.api.masks import is_masked
from ringback.api.views import DeliveryView, call_view
from ringback.calls.masking import masked
from ringback.store.port import Looked

Row = TypeVar("Row")

PAGE: Final = 500
_MEDIA_TYPE: Final = "text/csv; charset=utf-8"
_NUMBERS: Final = ("from", "to")
_OF_A_CALL: Final = (
    "id",
    "root",
    "parent",
    "direction",
    "from",
    "to",
    "status",
    "first_at",
    "starting_at",
    "ringing_at",
    "answered_at",
    "ended_at",
    "duration_s",
    "answered_duration_s",
    "cause",
    "sip_status",
    "ended_by",
    "inferred",
)


@get(
    "/v1/deliveries.csv",
    media_type="text/csv",
    tags=["deliveries"],
    dependencies={"asked": Provide(asked_deliveries, sync_to_thread=False)},
)
async def deliveries_table(engine: TheEngine, asked: AskedDeliveries) -> Stream:
    """Gives the log as CSV, newest first; every parameter narrows. A cell that a spreadsheet would take for a formula begins with
    an apostrophe."""
    sending = engine.sending(asked.account)
    shown = shown_delivery(engine, asked)

    async def page(before: int | None) -> Looked[Any]:
        wanted = replace(asked, before=before, limit=PAGE)
        return await engine.in_thread(lambda: read_deliveries(engine, wanted, sending))

    def cells(row: Any) -> list[Any]:
        view = shown(row)
        return [getattr(view, name) for name in DeliveryView.__struct_fields__]

    first = await page(None)
    return _stream("deliveries", DeliveryView.__struct_fields__, first, page, lambda row: row.delivery.id, cells)


@get("/v1/calls.csv", media_type="text/csv", tags=["calls"], dependencies={"asked": Provide(asked_calls, sync_to_thread=False)})
async def calls_table(request: AnyRequest, engine: TheEngine, asked: AskedCalls, identity: Who) -> Stream:
    """Gives the calls as CSV, newest first; every parameter narrows. A cell that a spreadsheet would take for a formula begins with
    an apostrophe."""
    hidden = is_masked(engine, request.scope, identity)

    async def page(before: int | None) -> Looked[Any]:
        return await engine.in_thread(lambda: read_calls(engine, asked, before, PAGE))

    def cells(row: Any) -> list[Any]:
        view: Mapping[str, Any] = call_view(row)
        return [masked(str(view[name])) if hidden and name in _NUMBERS else view.get(name) for name in _OF_A_CALL]

    return _stream("calls", _OF_A_CALL, await page(None), page, lambda row: row.n, cells)


def _stream(
    name: str,
    head: Sequence[str],
    first: Looked[Row],
    page: Callable[[int | None], Awaitable[Looked[Row]]],
    number: Callable[[Row], int],
    cells: Callable[[Row], list[Any]],
) -> Stream:
    """A table whose first page is read already, so that what is wrong is refused before anything is sent."""

    async def parts() -> AsyncIterator[bytes]:
        found = first
        yield written([head, *(cells(row) for row in found.rows)])
        while found.down_to is not None or len(found.rows) == PAGE:
            found = await page(found.down_to or number(found.rows[-1]))
            if found.rows:
                yield written([cells(row) for row in found.rows])

    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Stream(parts(), media_type=_MEDIA_TYPE, headers=headers)
