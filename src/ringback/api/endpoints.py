"""Endpoints: where an account wants events."""

import secrets
from typing import Annotated

from litestar import Controller, delete, get, patch, post
from msgspec import Meta, Struct
from msgspec.structs import replace

from ringback.api.common import AccountId, TheEngine, number_of
from ringback.api.endpoint_fields import ChangedEndpoint, NewEndpoint, SecretText, edited, given_fields, new_endpoint
from ringback.api.endpoint_views import ChangedEndpointView, EndpointView, MissedView, changed_view, endpoint_view
from ringback.api.paging import Cursor, Limit, Page, named_page, newest_first
from ringback.calls.model import to_rfc3339
from ringback.dialects.contract import Dialect
from ringback.engine.missed import Count, count_missed, missed_since
from ringback.engine.server import Engine
from ringback.errors import InvalidInput, NotFound, StoreUnavailable
from ringback.ids import now_ms, to_text
from ringback.webhooks.health import Health
from ringback.webhooks.model import Endpoint
from ringback.webhooks.rotation import rotated

MOST_ENDPOINTS = 10_000
_MONTH_S = 30 * 86_400


class NewSecret(Struct, frozen=True, forbid_unknown_fields=True):
    """`keep_old_for_s`: how long the secrets before may sign still, at the most (default: a day; bird has one key, which is
    replaced at once). `secret`: the new one; without it, one is made."""

    keep_old_for_s: Annotated[int, Meta(ge=0, le=_MONTH_S)] | None = None
    secret: SecretText | None = None


class NewTest(Struct, frozen=True, forbid_unknown_fields=True):
    """`event`: a name in the dialect's own words, chosen for the endpoint or not."""

    event: str


class TestSent(Struct, frozen=True):
    """The delivery to look for in the log."""

    delivery_id: str


class Endpoints(Controller):
    """Where an account wants events."""

    path = "/v1/endpoints"
    tags = ("endpoints",)

    @post()
    async def make(self, data: NewEndpoint, engine: TheEngine, account: AccountId) -> EndpointView:
        """Makes an endpoint. A secret that was made for it is shown this once."""
        now = now_ms()
        endpoint, secret = new_endpoint(data, engine, account, now)
        if sum(1 for other in engine.book.endpoints.values() if other.account == account) >= MOST_ENDPOINTS:
            raise InvalidInput(f"an account may have {MOST_ENDPOINTS} endpoints")
        await engine.endpoints.make(endpoint)
        return endpoint_view(endpoint, engine.dispatcher.health(endpoint.id), now, secret)

    @get()
    async def list_all(self, engine: TheEngine, account: AccountId, limit: Limit = 50, cursor: Cursor = None) -> Page[EndpointView]:
        """Lists all endpoints, newest first."""
        mine = (endpoint for endpoint in engine.book.endpoints.values() if endpoint.account == account)
        now = now_ms()

        def view(endpoint: Endpoint) -> EndpointView:
            return endpoint_view(endpoint, engine.dispatcher.health(endpoint.id), now)

        return named_page(mine, lambda endpoint: newest_first(endpoint.id), limit, cursor, view)

    @get("/{endpoint_id:str}")
    async def show(self, endpoint_id: str, engine: TheEngine, account: AccountId) -> EndpointView:
        """Shows one endpoint."""
        endpoint = _found(engine, account, endpoint_id)
        return endpoint_view(endpoint, engine.dispatcher.health(endpoint.id), now_ms())

    @patch("/{endpoint_id:str}")
    async def change(self, endpoint_id: str, data: ChangedEndpoint, engine: TheEngine, account: AccountId) -> ChangedEndpointView:
        """Changes an endpoint: what is sent is changed. Disabled, what waits for it is cancelled; enabled again, the answer says
        what it has missed."""
        endpoint = _found(engine, account, endpoint_id)
        given = given_fields(data)
        if given.pop("dialect", endpoint.dialect) != endpoint.dialect:
            raise InvalidInput("an endpoint keeps its dialect: make another one", "dialect")
        dialect = _dialect(engine, endpoint)
        before, after, fared = await engine.endpoints.change(account, endpoint.id, lambda now: edited(now, given, dialect, engine))
        missed = await _missed(engine, after, fared) if after.enabled and not before.enabled else None
        return changed_view(after, engine.dispatcher.health(after.id), now_ms(), missed)

    @post("/{endpoint_id:str}/rotate-secret", status_code=200)
    async def rotate_secret(
        self, endpoint_id: str, engine: TheEngine, account: AccountId, data: NewSecret | None = None
    ) -> EndpointView:
        """Gives an endpoint a new secret, which is shown this once. A standard endpoint signs with the old one beside it for a
        while; bird's one key is replaced; the other dialects do not sign."""
        endpoint = _found(engine, account, endpoint_id)
        dialect = _dialect(engine, endpoint)
        data = data or NewSecret()
        fresh = data.secret or dialect.new_secret(secrets.token_bytes(32)) or secrets.token_urlsafe(32)
        now = now_ms()

        def edit(before: Endpoint) -> Endpoint:
            after = rotated(before, fresh, data.keep_old_for_s, now)
            # The new secret's form alone: what the platform says of the rest was heard when it was set.
            dialect.check_endpoint(replace(after, secrets=after.secrets[:1]), allow_http=True, allow_network=True)
            return after

        _, after, _ = await engine.endpoints.change(account, endpoint.id, edit)
        return endpoint_view(after, engine.dispatcher.health(after.id), now, fresh)

    @post("/{endpoint_id:str}/test", status_code=202)
    async def test(self, endpoint_id: str, data: NewTest, engine: TheEngine, account: AccountId) -> TestSent:
        """Sends a sample of an event to an endpoint, now and once, by the way that all events go; a disabled endpoint gets it too.
        It counts in no statistics and says nothing about the endpoint's health."""
        endpoint = _found(engine, account, endpoint_id)
        dialect = _dialect(engine, endpoint)
        if data.event not in dialect.events:
            raise InvalidInput(f"{dialect.name} has no event of that name; it has {', '.join(dialect.events)}", "event")
        delivery = await engine.alone.test(endpoint, data.event)
        return TestSent(to_text("dlv", delivery.id))

    @delete("/{endpoint_id:str}")
    async def drop(self, endpoint_id: str, engine: TheEngine, account: AccountId) -> None:
        """Deletes an endpoint: what waits for it is cancelled, its log stays."""
        await engine.endpoints.drop(_found(engine, account, endpoint_id))


def _found(engine: Engine, account: str, text: str) -> Endpoint:
    endpoint = engine.book.endpoint(number_of("ep", text, "endpoint"))
    if endpoint is None or endpoint.account != account:
        raise NotFound("no such endpoint")
    return endpoint


def _dialect(engine: Engine, endpoint: Endpoint) -> Dialect:
    dialect = engine.dialects.get(endpoint.dialect)
    if dialect is None:
        raise InvalidInput(f"the dialect {endpoint.dialect} is not installed", "dialect")
    return dialect


async def _missed(engine: Engine, endpoint: Endpoint, fared: Health) -> MissedView:
    """What an endpoint has missed since it failed, or was disabled, until now. `fared`: its health until now."""
    until = now_ms()

    def look() -> tuple[int, Count]:
        since = missed_since(engine.store, endpoint, fared, until)
        matcher = engine.book.matcher(endpoint.account)
        return since, count_missed(engine.store, matcher, engine.book.place, endpoint, since, until)

    try:
        since, found = await engine.in_thread(look)
    except StoreUnavailable:  # the endpoint is enabled all the same, and that is what was asked for
        since, found = fared.since_ms or fared.changed_at_ms or until, Count(0, False)
    span = {"since": to_rfc3339(since), "until": to_rfc3339(until)}
    resend = {"filter": {"endpoint": to_text("ep", endpoint.id), "state": "missed", **span}}
    return MissedView(count=found.count, complete=found.complete, resend=resend, **span)
