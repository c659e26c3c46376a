"""The routes of Bird's API, under both forms of its paths."""

import asyncio
from typing import Annotated, Any
from uuid import uuid4

from litestar import Controller, Response, Router, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.params import Dependency, Parameter
from msgspec import UNSET
from msgspec.structs import replace

from ringback.api.bird.access import Workspace, found, guard, workspace
from ringback.api.bird.errors import REQUEST_ID
from ringback.api.bird.log import Logs
from ringback.api.bird.pages import LIMIT, MOST, page_token, row_behind
from ringback.api.bird.subscriptions import (
    check_alike,
    endpoint_number,
    event_of,
    is_subscription,
    names,
    silenced_by,
    silencers_of,
    subscription_id,
)
from ringback.api.bird.views import (
    BirdSent,
    BirdSubscription,
    BirdSubscriptionChange,
    BirdSubscriptionList,
    NewBirdSubscription,
    subscription_view,
)
from ringback.api.common import AnyRequest, TheEngine
from ringback.api.endpoints import MOST_ENDPOINTS
from ringback.delivery.guard import check_url
from ringback.dialects.bird import DIALECT, distinct_filters, request_id_of
from ringback.engine.server import Engine
from ringback.errors import InvalidInput
from ringback.ids import now_ms
from ringback.webhooks.model import Endpoint, Secret

Limit = Annotated[int, Parameter(ge=1, le=MOST, description="Rows at the most.")]
PageToken = Annotated[str | None, Parameter(query="pageToken", description="`nextPageToken` of the page before.")]
Turn = Annotated[asyncio.Lock, Dependency(skip_validation=True)]
"""Changes take turns, so that two at once do not both become the fifth."""

_SERVICES = ("channels", "numbers", "payments", "conversations")
_SERVICE_PARAMETERS = ("SearchFilter[service]", "SearchFilters[service]")
"""The vendor's description has the one, its declaration the other."""
_SILENCES = "Ringback-Silences"
_SILENCED_BY = "Ringback-Silenced-By"
_TOLD = [
    ResponseHeader(
        name=_SILENCES,
        description="Ours: subscriptions without filters that get nothing of what this one gets (the catch-all clause).",
        documentation_only=True,
    ),
    ResponseHeader(
        name=_SILENCED_BY,
        description="Ours: subscriptions with filters that take events away from this one (the catch-all clause).",
        documentation_only=True,
    ),
]


class Subscriptions(Controller):
    """Webhook subscriptions."""

    path = "/webhook-subscriptions"
    tags = ("bird",)

    @post(response_headers=_TOLD)
    async def make(
        self, data: NewBirdSubscription, engine: TheEngine, account: Workspace, turn: Turn
    ) -> Response[BirdSubscription]:
        """Creates a webhook subscription."""
        if data.service != "channels":
            raise InvalidInput(f"there are no webhooks of {data.service} here, only of channels", "service")
        if data.event not in DIALECT.events:
            raise InvalidInput(f"there is no such event; there are {' and '.join(DIALECT.events)}", "event")
        now = now_ms()
        key = data.signing_key
        endpoint = Endpoint(
            id=engine.writer.new_id(),
            account=account,
            url=data.url,
            dialect=DIALECT.name,
            events=frozenset((data.event,)),
            filters=tuple(data.event_filters or ()),
            secrets=() if key is UNSET else (Secret(value=key),),
            method=DIALECT.methods[0],
            order=DIALECT.default_order,
            template=None if data.template is UNSET else data.template,
            created_at_ms=now,
            updated_at_ms=now,
        )
        async with turn:
            endpoint = _checked(engine, endpoint)
            if sum(1 for other in engine.book.endpoints.values() if other.account == account) >= MOST_ENDPOINTS:
                raise InvalidInput(f"a workspace may have {MOST_ENDPOINTS} endpoints")
            await engine.endpoints.make(endpoint)
        return _answer(engine, endpoint, 201, subscription_view(endpoint, subscription_id(endpoint), engine.book.organization, key))

    @get()
    async def list_some(
        self, request: AnyRequest, engine: TheEngine, account: Workspace, limit: Limit = LIMIT, page_token: PageToken = None
    ) -> BirdSubscriptionList:
        """Lists webhook subscriptions, newest first."""
        mine = _mine(engine, account) if _services(request) <= {"channels"} else []
        before = None if page_token is None else _number_behind(account, page_token)
        rows = sorted((one for one in mine if before is None or one.id < before), key=lambda one: -one.id)
        shown = [subscription_view(one, subscription_id(one), engine.book.organization) for one in rows[:limit]]
        if len(rows) <= limit:
            return BirdSubscriptionList(shown)
        return BirdSubscriptionList(shown, _token(rows[limit - 1]))

    @get("/{subscription:str}")
    async def show(self, subscription: str, engine: TheEngine, account: Workspace) -> BirdSubscription:
        """Shows a webhook subscription."""
        endpoint = found(engine, account, subscription)
        return subscription_view(endpoint, subscription_id(endpoint), engine.book.organization)

    @patch("/{subscription:str}", response_headers=_TOLD)
    async def change(
        self, subscription: str, data: BirdSubscriptionChange, engine: TheEngine, account: Workspace, turn: Turn
    ) -> Response[BirdSubscription]:
        """Changes a webhook subscription. Made inactive, what waits for it is cancelled."""
        async with turn:
            known = found(engine, account, subscription)
            _, endpoint, _ = await engine.endpoints.change(account, known.id, lambda now: _checked(engine, _changed(now, data)))
        view = subscription_view(endpoint, subscription_id(endpoint), engine.book.organization, data.signing_key)
        return _answer(engine, endpoint, 200, view)

    @delete("/{subscription:str}")
    async def drop(self, subscription: str, engine: TheEngine, account: Workspace, turn: Turn) -> None:
        """Deletes a webhook subscription: what waits for it is cancelled."""
        async with turn:
            await engine.endpoints.drop(found(engine, account, subscription))

    @post("/{subscription:str}/test", status_code=202)
    async def test(self, subscription: str, engine: TheEngine, account: Workspace) -> BirdSent:
        """Sends a sample of the subscription's event (ours, not the vendor's), also to an inactive one."""
        endpoint = found(engine, account, subscription)
        delivery = await engine.alone.test(endpoint, event_of(endpoint))
        return BirdSent(request_id_of(account, delivery.id))


def routers(engine: Engine) -> list[Router]:
    """All of the API, below `/bird`."""
    turn = asyncio.Lock()
    return [
        Router(
            path=f"/bird{path}/workspaces/{{workspace:str}}",
            route_handlers=[Subscriptions, Logs],
            guards=[guard(engine)],
            dependencies={
                "account": Provide(workspace, sync_to_thread=False),
                "turn": Provide(lambda: turn, sync_to_thread=False),
            },
            after_request=_with_request_id,
            security=[{"accessKey": []}],
        )
        for path in ("", "/organizations/{organization:str}")
    ]


def _with_request_id(response: Response[Any]) -> Response[Any]:
    response.headers.setdefault(REQUEST_ID, str(uuid4()))
    return response


def _mine(engine: Engine, account: str) -> list[Endpoint]:
    return [one for one in engine.book.endpoints.values() if one.account == account and is_subscription(one)]


def _checked(engine: Engine, endpoint: Endpoint) -> Endpoint:
    """The endpoint as it is kept, if it breaks no rule. Raises InvalidInput."""
    settings = engine.sender_settings
    allowed = any(network.account in (None, endpoint.account) for network in settings.allow_networks)
    DIALECT.check_endpoint(endpoint, allow_http=settings.allow_http, allow_network=allowed)
    check_url(endpoint.url, settings, endpoint.account)
    endpoint = replace(endpoint, filters=distinct_filters(endpoint.filters))
    check_alike(endpoint, _mine(engine, endpoint.account))
    return endpoint


def _changed(before: Endpoint, data: BirdSubscriptionChange) -> Endpoint:
    changes: dict[str, Any] = {}
    if data.url is not UNSET:
        changes["url"] = data.url
    if data.event_filters is not UNSET:
        changes["filters"] = tuple(data.event_filters or ())
    if data.template is not UNSET:
        changes["template"] = data.template
    if data.signing_key is not UNSET:
        changes["secrets"] = (Secret(value=data.signing_key),)
    if data.status is not UNSET:
        changes["enabled"] = data.status == "active"
    return replace(before, **changes)


def _answer(engine: Engine, endpoint: Endpoint, status: int, view: BirdSubscription) -> Response[BirdSubscription]:
    """With what the catch-all clause makes of the subscription among the others."""
    headers: dict[str, str] = {}
    if engine.book.accounts[endpoint.account].bird_catch_all == "literal":
        others = [one for one in engine.book.endpoints.values() if one.account == endpoint.account]
        for name, told in ((_SILENCES, silenced_by(endpoint, others)), (_SILENCED_BY, silencers_of(endpoint, others))):
            if told:
                headers[name] = names(told)
    return Response(view, status_code=status, headers=headers)


def _services(request: AnyRequest) -> set[str]:
    """The services that a list is asked for; none: all. Raises InvalidInput."""
    asked: set[str] = set()
    for name in _SERVICE_PARAMETERS:
        for value in request.query_params.getall(name, []):
            if value not in _SERVICES:
                raise InvalidInput(f"there is no such service; there are {', '.join(_SERVICES)}", name)
            asked.add(value)
    return asked


def _token(endpoint: Endpoint) -> str:
    return page_token(endpoint.created_at_ms, subscription_id(endpoint))


def _number_behind(account: str, token: str) -> int:
    number = endpoint_number(account, row_behind(token))
    if number is None:
        raise InvalidInput("is not a token that this list gave", "pageToken")
    return number
