"""The log of webhooks, resend and test. VOC has them in its portal, and says that its API has the failures; the paths and forms
here are ours."""

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Final, Literal

from litestar import Controller, get, post
from litestar.params import Parameter
from msgspec import Struct
from msgspec.structs import replace

from ringback.api.common import TheEngine, number_of
from ringback.api.voc.access import AccountOf
from ringback.api.voc.pages import LOOKED_AT, MOST_A_PAGE, Rows, page_of
from ringback.api.voc.queries import DateFrom, DateTo, Page, PerPage, span
from ringback.api.voc.replies import Reply
from ringback.dialects.voc import DIALECT, date_text
from ringback.engine.server import Engine
from ringback.errors import InvalidInput, NotFound
from ringback.ids import to_text
from ringback.store.port import DeliveryFilter, DeliveryRow
from ringback.webhooks.credentials import shown_url
from ringback.webhooks.model import Endpoint, Kind

Word = Literal["success", "failed", "pending"]

_STATES: Final[dict[str, tuple[str | None, ...]]] = {
    "success": ("succeeded",),
    "failed": ("exhausted", "cancelled", "skipped"),
    "": (None,),
}
_WORDS: Final[dict[str, Word]] = {"succeeded": "success", "exhausted": "failed", "cancelled": "failed", "skipped": "failed"}
_READ_AT_ONCE: Final = 200


class LogRow(Struct, frozen=True):
    """One webhook with what became of it. `date` is the event's; `response_code` the last answer's; `attempts` counts all tries.
    `kind`: `event`, or what a person had sent: `resend`, `test`, `replay`."""

    id: str
    event: str
    callid: str
    url: str
    date: str
    attempts: int
    response_code: int | None
    status: Word
    kind: str


class SentRow(Struct, frozen=True):
    """A webhook that is on its way, to be found in the log by its id."""

    id: str
    url: str


class WebhookLogs(Controller):
    """The account's webhooks to its endpoints of the dialect `voc`."""

    path = "/webhooks"
    tags = ("voc",)

    @get("/logs")
    async def list_some(
        self,
        engine: TheEngine,
        account: AccountOf,
        status: Literal["success", "failed", ""] = "",
        page: Page = 1,
        per_page: PerPage = MOST_A_PAGE,
        date_from: DateFrom = None,
        date_to: DateTo = None,
        event: str | None = None,
        callid: str | None = None,
    ) -> Reply[Rows[LogRow]]:
        """Lists webhooks, newest first; every parameter narrows. Without `status` those that are still on their way too."""
        since, until = span(date_from, date_to)
        asked = DeliveryFilter(
            account=account, event=event or None, call=callid or None, since_ms=since, until_ms=until, limit=_READ_AT_ONCE
        )

        def read() -> Rows[LogRow]:
            found = page_of(_rows(engine, asked, status), page, per_page)
            return Rows([_view(engine, row) for row in found.data], found.total, found.total_pages)

        return Reply(await engine.in_thread(read))

    @post("/logs/{log_id:str}/resend", status_code=200)
    async def resend(self, log_id: str, engine: TheEngine, account: AccountOf) -> Reply[SentRow]:
        """Sends a webhook again: the same query string with its first date, up to three tries, and a row of its own in the log."""
        number = number_of("dlv", log_id, "webhook")
        found = await engine.in_thread(lambda: engine.store.delivery(account, number))
        endpoint = None if found is None else engine.book.endpoint(found[0].delivery.endpoint)
        if found is None or endpoint is None or endpoint.dialect != DIALECT.name:
            raise NotFound("no such webhook")
        delivery = found[0].delivery
        kind: Kind = "test" if delivery.kind == "test" else "resend"
        again = await engine.deliver_again(account, delivery.event, endpoint.id, kind, delivery.name)
        return Reply(_sent(again, endpoint))

    @post("/test", status_code=200)
    async def test(
        self,
        engine: TheEngine,
        account: AccountOf,
        event: Annotated[str | None, Parameter(description="Of VOC's; needed.")] = None,
    ) -> Reply[list[SentRow]]:
        """Sends the vendor's static test values of an event, with the date of now, to each of the account's VOC endpoints that are
        enabled."""
        if event not in DIALECT.events:
            raise InvalidInput(f"is needed, one of {', '.join(DIALECT.events)}", "event")
        told = [endpoint for endpoint in _endpoints(engine, account) if endpoint.enabled]
        if not told:
            raise NotFound("there is no URL to test: no enabled endpoint of the dialect voc")
        return Reply([_sent((await engine.alone.test(endpoint, event)).id, endpoint) for endpoint in told])


def _endpoints(engine: Engine, account: str) -> list[Endpoint]:
    return [one for one in engine.book.endpoints.values() if one.account == account and one.dialect == DIALECT.name]


def _rows(engine: Engine, asked: DeliveryFilter, status: str) -> Iterator[DeliveryRow]:
    """The rows of all endpoints and states that are asked for, newest first. Reads the store as it goes."""
    mine = {endpoint.id for endpoint in _endpoints(engine, asked.account)}
    if asked.event not in (None, *DIALECT.events):
        return iter(())
    # An event or a call names few rows by itself; only without them each endpoint's own list is the shortest way.
    endpoints = [None] if asked.event or asked.call else sorted(mine)
    ways = [_read(engine, replace(asked, endpoint=one, state=state)) for one in endpoints for state in _STATES[status]]
    newest = heapq.merge(*ways, key=lambda row: row.delivery.id, reverse=True)
    return (row for row in islice(newest, LOOKED_AT) if row.delivery.endpoint in mine)


def _read(engine: Engine, asked: DeliveryFilter) -> Iterator[DeliveryRow]:
    while True:
        rows = engine.store.deliveries(asked)
        yield from rows
        if len(rows) < asked.limit:
            return
        asked = replace(asked, before=rows[-1].delivery.id)


def _view(engine: Engine, row: DeliveryRow) -> LogRow:
    delivery = row.delivery
    endpoint = engine.book.endpoint(delivery.endpoint)
    event = engine.store.event(endpoint.account, delivery.event) if endpoint is not None else None
    return LogRow(
        id=to_text("dlv", delivery.id),
        event=delivery.name,
        callid=row.call_id if event is None else event.root.id,
        url="" if endpoint is None else shown_url(endpoint.url, endpoint.basic),
        date=date_text(delivery.created_at_ms if event is None else event.at_ms),
        attempts=delivery.attempts,
        response_code=row.status,
        status=_WORDS.get(delivery.state, "pending"),
        kind=delivery.kind,
    )


def _sent(delivery: int, endpoint: Endpoint) -> SentRow:
    return SentRow(to_text("dlv", delivery), shown_url(endpoint.url, endpoint.basic))
