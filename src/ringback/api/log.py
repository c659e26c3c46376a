"""What people look at: calls with their legs and events, deliveries with their attempts."""

from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import unquote

from litestar import Controller, get
from litestar.di import Provide
from litestar.params import Dependency, Parameter
from msgspec import UNSET, Struct
from msgspec.structs import replace

from ringback.api.common import AccountId, TheEngine, Who, at_ms, number_of, wanted
from ringback.api.paging import Cursor, Limit, SearchPage, number_behind, search_page
from ringback.api.views import (
    AttemptView,
    DeliveryView,
    EventView,
    attempt_view,
    call_view,
    delivery_view,
    event_view,
    never,
)
from ringback.api.words import call_without_words, event_without_words
from ringback.calls.model import Status
from ringback.engine.book import Identity
from ringback.engine.server import Engine
from ringback.errors import NotFound
from ringback.ids import first_id_at
from ringback.store.port import DeliveryFilter, DeliveryRow, Looked
from ringback.webhooks.records import StoredCall

WITHIN_S: Final = 0.1
"""How long one page of a search is looked for."""

State = Literal["pending", "sending", "succeeded", "retrying", "exhausted", "cancelled", "skipped", "waiting"]
InState = Annotated[
    State | None, Parameter(query="state", description="`waiting`: all that is not done: `pending`, `sending`, `retrying`.")
]
Time = Annotated[str | None, Parameter(description="RFC 3339.")]


class DeliveryDetail(DeliveryView, frozen=True):
    """A delivery with its attempts, oldest first."""

    log: list[AttemptView]


class CallDetail(Struct, frozen=True):
    """A conversation, or the leg that was asked for: the call, its legs, its events in order, and what became of each."""

    call: dict[str, Any]
    legs: list[dict[str, Any]]
    events: list[EventView]


class CallFilter(NamedTuple):
    """Every field narrows; None does not."""

    account: str
    number: str | None
    status: Status | None
    since_ms: int | None
    until_ms: int | None
    crm_id: str | None = None


AskedDeliveries = Annotated[DeliveryFilter, Dependency(skip_validation=True)]
AskedCalls = Annotated[CallFilter, Dependency(skip_validation=True)]


def read_calls(engine: Engine, asked: CallFilter, before: int | None, limit: int) -> Looked[StoredCall]:
    """A page of calls, newest first. Reads the store."""
    account, number, status, since_ms, until_ms, crm_id = asked
    return engine.store.look_at_calls(
        account,
        before,
        limit,
        number,
        status=status,
        since_ms=since_ms,
        until_ms=until_ms,
        crm_id=crm_id,
        within_s=WITHIN_S,
    )


def _on_the_wire(engine: Engine, asked: DeliveryFilter, sending: Collection[int]) -> Iterator[DeliveryRow]:
    """The deliveries that are `sending`: the rows of those that memory names."""
    since, until = first_id_at(asked.since_ms or 0), None if asked.until_ms is None else first_id_at(asked.until_ms)
    for number in sorted(sending, reverse=True):
        if number < since or (until is not None and number >= until) or (asked.before is not None and number >= asked.before):
            continue
        found = engine.store.delivery(asked.account, number)
        if found is None:
            continue
        row = found[0]
        if (
            asked.endpoint in (None, row.delivery.endpoint)
            and asked.call in (None, row.call_id)
            and asked.event in (None, row.delivery.name)
        ):
            yield row


def asked_deliveries(
    account: AccountId,
    in_state: InState = None,
    endpoint: str | None = None,
    call: str | None = None,
    event: str | None = None,
    number: Annotated[
        str | None, Parameter(description="The conversation or the leg is from or to it, as it was reported.")
    ] = None,
    since: Time = None,
    until: Time = None,
) -> DeliveryFilter:
    """What a query asks of the log. Raises InvalidInput."""
    return DeliveryFilter(
        account=account,
        state=in_state,
        endpoint=wanted("ep", endpoint, "endpoint"),
        call=call,
        event=event,
        number=number,
        since_ms=at_ms(since, "since"),
        until_ms=at_ms(until, "until"),
    )


def read_deliveries(engine: Engine, asked: DeliveryFilter, sending: Collection[int]) -> Looked[DeliveryRow]:
    """A page of the log. `sending`: what is on the wire, for whoever asks for that state. Reads the store."""
    if asked.state == "sending":
        return Looked(list(islice(_on_the_wire(engine, asked, sending), asked.limit)))
    return engine.store.look_at_deliveries(asked, WITHIN_S)


def shown_delivery(engine: Engine, asked: DeliveryFilter) -> Callable[[DeliveryRow], DeliveryView]:
    """How a row is shown: whoever asks for rows in one state is shown that state."""
    is_sending = {None: engine.is_sending, "waiting": engine.is_sending, "sending": lambda _: True}.get(asked.state, never)
    return lambda row: delivery_view(row, is_sending)


class Deliveries(Controller):
    """The webhook log."""

    path = "/v1/deliveries"
    tags = ("deliveries",)

    @get(dependencies={"asked": Provide(asked_deliveries, sync_to_thread=False)})
    async def list_some(
        self, engine: TheEngine, asked: AskedDeliveries, limit: Limit = 50, cursor: Cursor = None
    ) -> SearchPage[DeliveryView]:
        """Lists deliveries, newest first; every parameter narrows. A search that looked at many rows and found few answers with
        what it has, how far back it has looked, and a cursor to go on by."""
        page = replace(asked, before=number_behind(cursor), limit=limit + 1)
        sending = engine.sending(asked.account)
        found = await engine.in_thread(lambda: read_deliveries(engine, page, sending))
        return search_page(found, limit, lambda row: row.delivery.id, shown_delivery(engine, asked))

    @get("/{delivery_id:str}")
    async def show(self, delivery_id: str, engine: TheEngine, account: AccountId, identity: Who) -> DeliveryDetail:
        """Shows one delivery with its attempts: exact request, response, timings. A viewer's key is shown no bodies, and no queries
        of URLs, since some platforms send everything there."""
        number = number_of("dlv", delivery_id, "delivery")
        found = await engine.in_thread(lambda: engine.store.delivery(account, number))
        if found is None:
            raise NotFound("no such delivery")
        by_number = {attempt.number: attempt for attempt in engine.writer.unlogged(number)}
        by_number |= {attempt.number: attempt for attempt in await engine.in_thread(lambda: engine.store.attempts(number))}
        attempts = [by_number[place] for place in sorted(by_number)]
        view = delivery_view(found[0], engine.is_sending)
        fields = {name: getattr(view, name) for name in DeliveryView.__struct_fields__}
        log = [attempt_view(attempt) for attempt in attempts]
        return DeliveryDetail(**fields, log=[without_contents(one) for one in log] if identity.role == "viewer" else log)


def without_contents(attempt: AttemptView) -> AttemptView:
    """An attempt as a viewer sees it."""
    url, mark, _ = attempt.request.url.partition("?")
    return replace(
        attempt,
        request=replace(attempt.request, url=url + ("?…" if mark else ""), body=None, body_base64=UNSET),
        response=replace(attempt.response, body=None, body_base64=UNSET),
    )


def asked_calls(
    account: AccountId,
    number: Annotated[str | None, Parameter(description="From or to, as it was reported.")] = None,
    status: Status | None = None,
    since: Time = None,
    until: Time = None,
    crm_id: Annotated[str | None, Parameter(description="The id that a CRM knows the call by.")] = None,
) -> CallFilter:
    """What a query asks of the calls. Raises InvalidInput."""
    return CallFilter(account, number, status, at_ms(since, "since"), at_ms(until, "until"), crm_id)


class Calls(Controller):
    """Calls: one a leg; a root and its legs are a conversation."""

    path = "/v1/calls"
    tags = ("calls",)

    @get(dependencies={"asked": Provide(asked_calls, sync_to_thread=False)})
    async def list_some(
        self, engine: TheEngine, asked: AskedCalls, identity: Who, limit: Limit = 50, cursor: Cursor = None
    ) -> SearchPage[dict[str, Any]]:
        """Lists calls, newest first; every parameter narrows. `since` and `until` are about when a call was first heard of,
        `status` is the one that it has now. A search that looked at many calls and found few answers with what it has, how far back
        it has looked, and a cursor to go on by."""
        before = number_behind(cursor)
        found = await engine.in_thread(lambda: read_calls(engine, asked, before, limit + 1))
        return search_page(found, limit, lambda row: row.n, _shown_call(identity))

    @get("/{call_id:str}")
    async def show(self, call_id: str, engine: TheEngine, account: AccountId, identity: Who) -> CallDetail:
        """Shows one call by the id that its source gave it, with the legs and events of its conversation; `live` while it is
        steered from here. A viewer's key is shown no link to a recording, and no transcript."""
        wanted_id, plain = unquote(call_id), _shown_call(identity)
        live = engine.live_calls.live

        def shown_call(stored: StoredCall) -> dict[str, Any]:
            return plain(stored) | ({"live": True} if live(account, stored.call.id) is not None else {})

        def read() -> CallDetail:
            stored = engine.store.call(account, wanted_id)
            if stored is None:
                raise NotFound("no such call")
            legs = engine.store.legs(stored.root_n)
            events = engine.store.events(stored.root_n)
            by_event: dict[int, list[DeliveryRow]] = {}
            for row in engine.store.deliveries_of_events([event.id for event in events]):
                by_event.setdefault(row.delivery.event, []).append(row)
            shown = [event_view(event, by_event.get(event.id, []), engine.is_sending) for event in events]
            return CallDetail(
                shown_call(stored),
                [shown_call(leg) for leg in legs if leg.n != stored.n],
                [event_without_words(event) for event in shown] if identity.role == "viewer" else shown,
            )

        return await engine.in_thread(read)


def _shown_call(identity: Identity) -> Callable[[StoredCall], dict[str, Any]]:
    if identity.role != "viewer":
        return call_view
    return lambda stored: call_without_words(call_view(stored))
