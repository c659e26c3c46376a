"""`GET /v1/explain`: why an endpoint got an event, or did not; or every event of a call."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import Parameter
from msgspec import UNSET, Struct, UnsetType

from ringback.api.common import AccountId, TheEngine, Who, wanted
from ringback.api.views import DeliveryView, delivery_view, when
from ringback.calls.model import Event, to_rfc3339
from ringback.engine.server import Engine
from ringback.errors import InvalidInput, NotFound
from ringback.ids import time_of, to_text
from ringback.store.port import DeliveryRow
from ringback.webhooks.explain import Case, Explanation, Reason, Untold, explain, untold
from ringback.webhooks.model import Endpoint

MOST_NOTES = 1_000
"""As far back as the operator's notes are searched for a call."""


class ReasonView(Struct, frozen=True):
    """One rule that keeps, or kept, an event from an endpoint. `then`: it did when the event came (null: what it rests on was
    changed since, so this is the rule as it is now). `now`: it would if the event came now. `key`, `wanted`, `actual`: of a filter;
    `by`: the endpoints that took the event instead."""

    rule: str
    text: str
    then: bool | None
    now: bool
    key: str | UnsetType = UNSET
    wanted: list[str] | UnsetType = UNSET
    actual: str | UnsetType | None = UNSET
    by: list[str] | UnsetType = UNSET


class ChangeView(Struct, frozen=True):
    """The `endpoint`, or the account's `number` in the call, was changed after the event came: when last."""

    what: str
    id: str
    at: str


class ExplainView(Struct, frozen=True):
    """Why an endpoint got an event, or did not. `name`: the event in the endpoint's dialect, null if it has none. `sent`: when the
    event came, a delivery was made; `sent_now`: one would be if it came now."""

    event_id: str
    call_id: str
    endpoint_id: str
    seq: int
    type: str
    at: str
    received_at: str
    name: str | None
    sent: bool
    sent_now: bool
    reasons: list[ReasonView]
    changed_since: list[ChangeView]
    deliveries: list[DeliveryView]


class CallExplainView(Struct, frozen=True):
    """Every event of a conversation, in order, for one endpoint. `untold`: events that the endpoint takes and that nothing in the
    conversation came to. `reasons`: why there are no events at all (operator's key only)."""

    call_id: str
    endpoint_id: str
    events: list[ExplainView]
    untold: list[Untold]
    reasons: list[ReasonView]


class Explain(Controller):
    """Silence must be visible."""

    path = "/v1/explain"
    tags = ("deliveries",)

    @get()
    async def show(
        self,
        engine: TheEngine,
        account: AccountId,
        identity: Who,
        endpoint: Annotated[str | None, Parameter(description="The endpoint that is asked about; needed.")] = None,
        event: Annotated[str | None, Parameter(description="The event; or `call`.")] = None,
        call: Annotated[str | None, Parameter(description="A call of the conversation, by its source's id; or `event`.")] = None,
    ) -> ExplainView | CallExplainView:
        """Says why an event, or each event of a call, was sent to an endpoint or was not: rule by rule, as it was then and as it is
        now."""
        if (event is None) == (call is None):
            raise InvalidInput("name an event or a call, one of the two", "event")
        number = wanted("ep", endpoint or "", "endpoint")
        asked = None if number is None else engine.book.endpoint(number)
        if asked is None or asked.account != account:
            raise NotFound("no such endpoint")
        if call is not None:
            return await engine.in_thread(lambda: _of_call(engine, account, asked, call, is_operator=identity.account is None))
        event_number = wanted("evt", event, "event")
        told = None if event_number is None else await engine.in_thread(lambda: engine.store.event(account, event_number))
        if told is None:
            raise NotFound("no such event")
        return (await engine.in_thread(lambda: _of_events(engine, asked, [told])))[0]


def _of_events(engine: Engine, endpoint: Endpoint, events: list[Event]) -> list[ExplainView]:
    """Each event's explanation. Reads the store."""
    rows: dict[int, list[DeliveryRow]] = {}
    for row in engine.store.deliveries_of_events([event.id for event in events]):
        rows.setdefault(row.delivery.event, []).append(row)
    mine = [other for other in engine.book.endpoints.values() if other.account == endpoint.account]
    literal = engine.book.matcher(endpoint.account).catch_all_literal
    views: list[ExplainView] = []
    for event in events:
        found = rows.get(event.id, [])
        explanation = explain(
            Case(
                event=event,
                place=engine.book.place(event),
                endpoint=endpoint,
                endpoints=mine,
                dialects=engine.dialects,
                deliveries=[row.delivery for row in found],
                catch_all_literal=literal,
            )
        )
        own = [delivery_view(row, engine.is_sending) for row in found if row.delivery.endpoint == endpoint.id]
        views.append(_view(event, endpoint, explanation, own))
    return views


def _of_call(engine: Engine, account: str, endpoint: Endpoint, call_id: str, *, is_operator: bool) -> CallExplainView:
    """A conversation's explanation. Reads the store. Raises NotFound."""
    stored = engine.store.call(account, call_id)
    endpoint_id = to_text("ep", endpoint.id)
    if stored is None:
        if is_operator:
            return CallExplainView(call_id, endpoint_id, [], [], [_stray(engine, call_id)])
        raise NotFound("no such call")
    events = engine.store.events(stored.root_n)
    views = _of_events(engine, endpoint, events)
    dialect = engine.dialects.get(endpoint.dialect)
    missing = [] if dialect is None else untold(endpoint, dialect, events, [view.name for view in views])
    return CallExplainView(call_id, endpoint_id, views, missing, [])


def _stray(engine: Engine, call_id: str) -> ReasonView:
    """What the operator's notes say of a call that no account has. Raises NotFound if they say nothing."""
    for at_ms, _, text in engine.store.notes("stray", MOST_NOTES):
        # As Engine.on_stray writes it.
        if text.partition(" of call ")[2].startswith(f"{call_id} from "):
            said = f"No account was known for it: {text}, at {when(at_ms)}. Name the account, or register one of the numbers."
            return ReasonView("account-not-known", said, then=True, now=True)
    raise NotFound("no such call; of updates that fit no account, the notes hold the first hundred and then every thousandth")


def _view(event: Event, endpoint: Endpoint, explanation: Explanation, deliveries: list[DeliveryView]) -> ExplainView:
    return ExplainView(
        event_id=to_text("evt", event.id),
        call_id=event.call.id,
        endpoint_id=to_text("ep", endpoint.id),
        seq=event.seq,
        type=event.type,
        at=to_rfc3339(event.at_ms),
        received_at=to_rfc3339(time_of(event.id)),
        name=explanation.name,
        sent=explanation.sent,
        sent_now=explanation.sent_now,
        reasons=[_reason(reason) for reason in explanation.reasons],
        changed_since=[ChangeView(change.what, change.name, to_rfc3339(change.at_ms)) for change in explanation.changed],
        deliveries=deliveries,
    )


def _reason(reason: Reason) -> ReasonView:
    filtered = reason.key is not None
    return ReasonView(
        reason.rule,
        reason.text,
        reason.then,
        reason.now,
        key=reason.key if reason.key is not None else UNSET,
        wanted=list(reason.wanted) if reason.wanted else UNSET,
        actual=reason.actual if filtered or reason.actual is not None else UNSET,
        by=[to_text("ep", one) for one in reason.by] if reason.by else UNSET,
    )
