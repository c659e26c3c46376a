"""What people look at: calls with their legs and events, deliveries with their attempts."""

from collections.abc import Collection
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from litestar import Controller, get
from litestar.params import Parameter
from msgspec import Struct

from ringback.api.common import AccountId, TheEngine, number_of, wanted
from ringback.api.paging import Cursor, Limit, Page, number_behind, numbered_page
from ringback.api.views import (
    AttemptView,
    DeliveryView,
    EventView,
    attempt_view,
    call_view,
    delivery_view,
    event_view,
    never,
    read_time,
)
from ringback.errors import InvalidInput, NotFound
from ringback.ids import first_id_at
from ringback.store.port import DeliveryFilter, DeliveryRow

State = Literal["pending", "sending", "succeeded", "retrying", "exhausted", "cancelled", "skipped"]
InState = Annotated[State | None, Parameter(query="state")]
Time = Annotated[str | None, Parameter(description="RFC 3339.")]


class DeliveryDetail(DeliveryView, frozen=True):
    """A delivery with its attempts, oldest first."""

    log: list[AttemptView]


class CallDetail(Struct, frozen=True):
    """A conversation, or the leg that was asked for: the call, its legs, its events in order, and what became of each."""

    call: dict[str, Any]
    legs: list[dict[str, Any]]
    events: list[EventView]


def _at(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    try:
        return read_time(text)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "is not an RFC 3339 time with its offset, such as 2026-11-20T12:00:00Z (a + is written %2B here)", field
        ) from None


def _on_the_wire(engine: TheEngine, asked: DeliveryFilter, sending: Collection[int]) -> list[DeliveryRow]:
    """The deliveries that are `sending`: the rows of those that memory names."""
    since, until = first_id_at(asked.since_ms or 0), None if asked.until_ms is None else first_id_at(asked.until_ms)
    rows: list[DeliveryRow] = []
    for number in sorted(sending, reverse=True):
        if number < since or (until is not None and number >= until) or (asked.before is not None and number >= asked.before):
            continue
        found = engine.store.delivery(asked.account, number)
        if found is None or len(rows) >= asked.limit:
            continue
        row = found[0]
        if (
            asked.endpoint in (None, row.delivery.endpoint)
            and asked.call in (None, row.call_id)
            and asked.event in (None, row.delivery.name)
        ):
            rows.append(row)
    return rows


class Deliveries(Controller):
    """The webhook log."""

    path = "/v1/deliveries"
    tags = ("deliveries",)

    @get()
    async def list_some(
        self,
        engine: TheEngine,
        account: AccountId,
        in_state: InState = None,
        endpoint: str | None = None,
        call: str | None = None,
        event: str | None = None,
        since: Time = None,
        until: Time = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[DeliveryView]:
        """Lists deliveries, newest first; every parameter narrows."""
        asked = DeliveryFilter(
            account=account,
            state=in_state,
            endpoint=wanted("ep", endpoint, "endpoint"),
            call=call,
            event=event,
            since_ms=_at(since, "since"),
            until_ms=_at(until, "until"),
            before=number_behind(cursor),
            limit=limit + 1,
        )
        if in_state == "sending":
            sending = engine.sending(account)
            rows = await engine.in_thread(lambda: _on_the_wire(engine, asked, sending))
        else:
            rows = await engine.in_thread(lambda: engine.store.deliveries(asked))
        # Whoever asks for rows in one state is shown that state.
        is_sending = {None: engine.is_sending, "sending": lambda _: True}.get(in_state, never)
        return numbered_page(rows, limit, lambda row: row.delivery.id, lambda row: delivery_view(row, is_sending))

    @get("/{delivery_id:str}")
    async def show(self, delivery_id: str, engine: TheEngine, account: AccountId) -> DeliveryDetail:
        """Shows one delivery with its attempts: exact request, response, timings."""
        number = number_of("dlv", delivery_id, "delivery")
        found = await engine.in_thread(lambda: engine.store.delivery(account, number))
        if found is None:
            raise NotFound("no such delivery")
        by_number = {attempt.number: attempt for attempt in engine.writer.unlogged(number)}
        by_number |= {attempt.number: attempt for attempt in await engine.in_thread(lambda: engine.store.attempts(number))}
        attempts = [by_number[place] for place in sorted(by_number)]
        view = delivery_view(found[0], engine.is_sending)
        fields = {name: getattr(view, name) for name in DeliveryView.__struct_fields__}
        return DeliveryDetail(**fields, log=[attempt_view(attempt) for attempt in attempts])


class Calls(Controller):
    """Calls: one a leg; a root and its legs are a conversation."""

    path = "/v1/calls"
    tags = ("calls",)

    @get()
    async def list_some(
        self,
        engine: TheEngine,
        account: AccountId,
        number: Annotated[str | None, Parameter(description="From or to, as it was reported.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[dict[str, Any]]:
        """Lists calls, newest first."""
        before = number_behind(cursor)
        rows = await engine.in_thread(lambda: engine.store.calls(account, before, limit + 1, number))
        return numbered_page(rows, limit, lambda row: row.n, call_view)

    @get("/{call_id:str}")
    async def show(self, call_id: str, engine: TheEngine, account: AccountId) -> CallDetail:
        """Shows one call by the id that its source gave it, with the legs and events of its conversation."""
        wanted_id = unquote(call_id)

        def read() -> CallDetail:
            stored = engine.store.call(account, wanted_id)
            if stored is None:
                raise NotFound("no such call")
            legs = engine.store.legs(stored.root_n)
            events = engine.store.events(stored.root_n)
            by_event: dict[int, list[DeliveryRow]] = {}
            for row in engine.store.deliveries_of_events([event.id for event in events]):
                by_event.setdefault(row.delivery.event, []).append(row)
            return CallDetail(
                call_view(stored),
                [call_view(leg) for leg in legs if leg.n != stored.n],
                [event_view(event, by_event.get(event.id, []), engine.is_sending) for event in events],
            )

        return await engine.in_thread(read)
