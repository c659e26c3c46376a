"""Endpoints: where an account wants events."""

import secrets
from typing import Annotated, Literal

from litestar import Controller, delete, get, post
from msgspec import Meta, Struct

from ringback.api.common import AccountId, TheEngine, number_of
from ringback.api.paging import Cursor, Limit, Page, named_page, newest_first
from ringback.api.views import EndpointView, endpoint_view
from ringback.delivery.sender import check_url
from ringback.dialects.contract import Dialect
from ringback.errors import InvalidInput, NotFound
from ringback.ids import now_ms
from ringback.webhooks.credentials import split_credentials
from ringback.webhooks.model import Endpoint, Filter, Secret

MOST_ENDPOINTS = 10_000
Text = Annotated[str, Meta(max_length=500)]


class NewEndpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """`url` and `dialect` are all it takes. `events`: names in the dialect's own words; without them, all that it knows. `secret`:
    the dialect's key as given. `hold_s`: how long Call.Complete may wait for announced facts. `omit_null` (voc): leave absent
    values out instead of sending them empty."""

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    dialect: str
    events: Annotated[list[str], Meta(min_length=1, max_length=100)] | None = None
    filters: Annotated[list[Filter], Meta(max_length=200)] = []
    secret: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    method: Literal["POST", "GET"] | None = None
    order: Literal["call", "strict", "none"] | None = None
    description: Text = ""
    enabled: bool = True
    hold_s: Annotated[int, Meta(ge=0, le=3600)] = 30
    omit_null: bool = False


def _checked(data: NewEndpoint, dialect: Dialect, endpoint: Endpoint, engine: TheEngine) -> None:
    """All rules for an endpoint, ours and the dialect's. Raises InvalidInput."""
    for index, name in enumerate(data.events or ()):
        if name not in dialect.events:
            raise InvalidInput(f"{data.dialect} has no event of that name; it has {', '.join(dialect.events)}", f"events[{index}]")
    for index, item in enumerate(data.filters):
        if item.key not in dialect.filter_keys:
            raise InvalidInput(f"{data.dialect} filters by {', '.join(sorted(dialect.filter_keys))}", f"filters[{index}].key")
    if endpoint.method not in dialect.methods:
        raise InvalidInput(f"{data.dialect} sends by {' or '.join(dialect.methods)}", "method")
    check_url(endpoint.url, engine.sender_settings, endpoint.account)
    settings = engine.settings
    dialect.check_endpoint(endpoint, allow_http=settings.allow_http, allow_network=bool(settings.allow_network))


class Endpoints(Controller):
    """Where an account wants events."""

    path = "/v1/endpoints"
    tags = ("endpoints",)

    @post()
    async def make(self, data: NewEndpoint, engine: TheEngine, account: AccountId) -> EndpointView:
        """Makes an endpoint. A secret that was made for it is shown this once."""
        dialect = engine.dialects.get(data.dialect)
        if dialect is None:
            raise InvalidInput(f"no such dialect; there are {', '.join(sorted(engine.dialects))}", "dialect")
        url, basic = split_credentials(data.url)
        secret = data.secret if data.secret is not None else dialect.new_secret(secrets.token_bytes(32))
        now = now_ms()
        endpoint = Endpoint(
            id=engine.writer.new_id(),
            account=account,
            url=url,
            dialect=data.dialect,
            events=None if data.events is None else frozenset(data.events),
            filters=tuple(data.filters),
            secrets=() if secret is None else (Secret(value=secret),),
            method=data.method or dialect.methods[0],
            order=data.order or dialect.default_order,
            description=data.description,
            enabled=data.enabled,
            hold_s=data.hold_s,
            omit_null=data.omit_null,
            basic=basic,
            created_at_ms=now,
            updated_at_ms=now,
        )
        _checked(data, dialect, endpoint, engine)
        if sum(1 for other in engine.book.endpoints.values() if other.account == account) >= MOST_ENDPOINTS:
            raise InvalidInput(f"an account may have {MOST_ENDPOINTS} endpoints")
        await engine.in_thread(lambda: engine.store.put_endpoint(endpoint))
        engine.book.set_endpoint(endpoint)
        engine.dispatcher.set_endpoint(endpoint)
        return endpoint_view(endpoint, secret=secret)

    @get()
    async def list_all(self, engine: TheEngine, account: AccountId, limit: Limit = 50, cursor: Cursor = None) -> Page[EndpointView]:
        """Lists all endpoints, newest first."""
        mine = (endpoint for endpoint in engine.book.endpoints.values() if endpoint.account == account)

        def view(endpoint: Endpoint) -> EndpointView:
            return endpoint_view(endpoint, engine.dispatcher.health(endpoint.id))

        return named_page(mine, lambda endpoint: newest_first(endpoint.id), limit, cursor, view)

    @get("/{endpoint_id:str}")
    async def show(self, endpoint_id: str, engine: TheEngine, account: AccountId) -> EndpointView:
        """Shows one endpoint."""
        endpoint = _found(engine, account, endpoint_id)
        return endpoint_view(endpoint, engine.dispatcher.health(endpoint.id))

    @delete("/{endpoint_id:str}")
    async def drop(self, endpoint_id: str, engine: TheEngine, account: AccountId) -> None:
        """Deletes an endpoint: what waits for it is cancelled, its log stays."""
        endpoint = _found(engine, account, endpoint_id)
        await engine.in_thread(lambda: engine.store.delete_endpoint(endpoint.id))
        engine.forget_endpoint(endpoint)


def _found(engine: TheEngine, account: str, text: str) -> Endpoint:
    endpoint = engine.book.endpoint(number_of("ep", text, "endpoint"))
    if endpoint is None or endpoint.account != account:
        raise NotFound("no such endpoint")
    return endpoint
