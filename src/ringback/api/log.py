"""What people look at: calls with their legs and events, deliveries with their attempts."""

from typing import Annotated, Any, Literal

from litestar import Controller, get
from litestar.params import Parameter
from msgspec import Struct

from ringback.api.common import AccountId, Cursor, Limit, TheEngine, number_of, wanted
from ringback.api.views import (
    AttemptView,
    DeliveryView,
    EventView,
    Page,
    attempt_view,
    call_view,
    cursor_of,
    delivery_view,
    event_view,
    read_time,
)
from ringback.errors import InvalidInput, NotFound
from ringback.store.port import DeliveryFilter, DeliveryRow

State = Literal["pending", "succeeded", "retrying", "exhausted", "cancelled", "skipped"]
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
    except ValueError as error:
        raise InvalidInput(f"not an RFC 3339 time: {error}", field) from None


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
    ) -> Page:
        """Deliveries, newest first; every parameter narrows."""
        asked = DeliveryFilter(
            account=account,
            state=in_state,
            endpoint=wanted("ep", endpoint, "endpoint"),
            call=call,
            event=event,
            since_ms=_at(since, "since"),
            until_ms=_at(until, "until"),
            before=wanted("c", cursor, "cursor"),
            limit=limit,
        )
        rows = await engine.in_thread(lambda: engine.store.deliveries(asked))
        return Page([delivery_view(row) for row in rows], cursor_of(rows, limit, lambda row: row.delivery.id))

    @get("/{delivery_id:str}")
    async def show(self, delivery_id: str, engine: TheEngine, account: AccountId) -> DeliveryDetail:
        """One delivery with its attempts: exact request, response, timings."""
        number = number_of("dlv", delivery_id, "delivery")
        found = await engine.in_thread(lambda: engine.store.delivery(account, number))
        if found is None:
            raise NotFound("no such delivery")
        attempts = await engine.in_thread(lambda: engine.store.attempts(number))
        view = delivery_view(found[0])
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
    ) -> Page:
        """Calls, newest first."""
        before = wanted("c", cursor, "cursor")
        rows = await engine.in_thread(lambda: engine.store.calls(account, before, limit, number))
        return Page([call_view(row) for row in rows], cursor_of(rows, limit, lambda row: row.n))

    @get("/{call_id:path}")
    async def show(self, call_id: str, engine: TheEngine, account: AccountId) -> CallDetail:
        """One call by the id that its source gave it, with the legs and events of its conversation."""
        wanted_id = call_id.removeprefix("/")

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
                [event_view(event, by_event.get(event.id, [])) for event in events],
            )

        return await engine.in_thread(read)
