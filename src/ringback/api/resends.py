"""Sending again: one delivery, many by a filter, a whole call to another place."""

from math import inf
from typing import Annotated, Literal
from urllib.parse import unquote

from litestar import Controller, Response, delete, get, post
from litestar.params import Parameter
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from ringback.api.common import AccountId, TheEngine, Who, at_ms, name_of, number_of, wanted
from ringback.api.endpoint_fields import (
    Bearer,
    CaPem,
    Events,
    Filters,
    MethodName,
    NewEndpoint,
    OwnHeaders,
    SecretText,
    Url,
    new_endpoint,
)
from ringback.api.paging import Cursor, Limit, Page, number_behind, numbered_page
from ringback.api.views import when
from ringback.calls.model import to_rfc3339
from ringback.engine.server import Engine
from ringback.errors import Conflict, InvalidInput, NotFound
from ringback.ids import now_ms, time_of, to_text
from ringback.webhooks.model import Endpoint
from ringback.webhooks.resends import BulkResend, Missing, Wanted


class Resent(Struct, frozen=True):
    """The delivery that was made: look for it in the log."""

    delivery_id: str


class ResendFilter(Struct, frozen=True, forbid_unknown_fields=True):
    """As in the log; every field narrows. Without `state`: what did not arrive (`exhausted`, `cancelled`). `skipped`: what a rule
    between endpoints kept back. `succeeded`: what arrived, once more. `missed`, with an `endpoint`: what did not arrive there, and
    what it would have got while it was disabled."""

    state: Missing | None = None
    endpoint: str | None = None
    call: str | None = None
    event: str | None = None
    number: str | None = None
    since: str | None = None
    until: str | None = None


class NewResend(Struct, frozen=True, forbid_unknown_fields=True):
    """`rate_per_s`: resends a second at the most; without it, as fast as live traffic allows. `dry_run`: only count; `within_s`:
    for so long at the most (a million rows take some ten seconds), and with a `cursor` on from where a count before came to.
    `count`: what dry runs have counted, so that it is not counted once more before it begins; it is shown as the `total`."""

    filter: ResendFilter
    rate_per_s: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    dry_run: bool = False
    within_s: Annotated[float, Meta(gt=0, le=60)] | None = None
    cursor: str | None = None
    count: Annotated[int, Meta(ge=0, lt=1 << 53)] | None = None


class ResendMade(Struct, frozen=True):
    """`count`: how many there are to resend. `id` is not there after a dry run, which makes nothing. `next_cursor` is there if the
    time was over before all was counted: a dry run with it counts the rest."""

    count: int
    id: str | UnsetType = UNSET
    next_cursor: str | UnsetType = UNSET


class ResendView(Struct, frozen=True):
    """A bulk resend. `total`: as counted when it was made. Of those that were `made`, `done` have arrived, `failed` have failed at
    least once (they are tried again as every delivery is) or were cancelled, `pending` were not tried yet; those whose endpoint was
    gone or disabled by then were not made and are `failed` too. `rate_per_s`: over the last seconds; `eta_s`: seconds to the end at
    that rate, null if that is not known. `made_by`: who began it, by the name of the key or of the person."""

    id: str
    state: Literal["running", "done", "cancelled"]
    filter: ResendFilter
    total: int
    made: int
    done: int
    failed: int
    pending: int
    rate_limit_per_s: float | None
    rate_per_s: float
    eta_s: int | None
    created_at: str
    finished_at: str | None
    made_by: str


class NewReplay(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to: an `endpoint` of the account; or a `url` and a `dialect`, and what else an endpoint may be made with."""

    endpoint: str | None = None
    url: Url | None = None
    dialect: str | None = None
    events: Events | None = None
    filters: Filters = []
    secret: SecretText | None = None
    method: MethodName | None = None
    omit_null: bool = False
    headers: OwnHeaders = {}
    bearer: Bearer | None = None
    ca_pem: CaPem | None = None


class Replayed(Struct, frozen=True):
    """The deliveries that were made, in the order of the events. `endpoint_id`: where they go; for a URL it is made for this
    replay, stands in no list, and is deleted when all is over. `secret` is there if one was made to sign with, this once."""

    endpoint_id: str
    count: int
    delivery_ids: list[str]
    secret: str | UnsetType = UNSET


@post("/v1/deliveries/{delivery_id:str}/resend", status_code=202, tags=["deliveries"])
async def resend(delivery_id: str, engine: TheEngine, account: AccountId) -> Resent:
    """Sends a delivery's event once more to its endpoint, whatever became of it: a new delivery, in nobody's order."""
    number = number_of("dlv", delivery_id, "delivery")
    found = await engine.in_thread(lambda: engine.store.delivery(account, number))
    if found is None:
        raise NotFound("no such delivery")
    old = found[0].delivery
    if old.kind == "instruction":
        raise Conflict("an instruction request cannot be sent again: its answer was for the call as it was then")
    return Resent(to_text("dlv", await engine.deliver_again(account, old.event, old.endpoint, "resend", old.name)))


@post("/v1/calls/{call_id:str}/replay", status_code=202, tags=["calls"])
async def replay(call_id: str, data: NewReplay, engine: TheEngine, account: AccountId) -> Replayed:
    """Sends all events of a call's conversation, as they were, to an endpoint or to another URL. A URL gets them one at a time and
    in order; an endpoint gets them beside its own events."""
    if (data.endpoint is None) == (data.url is None):
        raise InvalidInput("name an endpoint or a URL, one of the two", "endpoint")
    endpoint, secret = _endpoint(engine, account, data) if data.url is None else _made_for_it(engine, account, data)
    made = await engine.replay(endpoint, unquote(call_id))
    ids = [to_text("dlv", number) for number in made]
    return Replayed(to_text("ep", endpoint.id), len(ids), ids, secret if secret is not None and data.secret is None else UNSET)


class Resends(Controller):
    """Bulk resends: durable jobs over what a filter names."""

    path = "/v1/resends"
    tags = ("deliveries",)

    @post(status_code=202)
    async def make(self, data: NewResend, engine: TheEngine, account: AccountId, identity: Who) -> Response[ResendMade]:
        """Sends again, oldest first, what a filter names and has not arrived by another resend since. A dry run answers 200 with
        the count alone."""
        asked = _wanted(data.filter)
        if data.dry_run:
            counted = await engine.resends.count(account, asked, number_behind(data.cursor) or 0, data.within_s or inf)
            more = UNSET if counted.behind is None else to_text("c", counted.behind)
            return Response(ResendMade(counted.total, next_cursor=more), status_code=200)
        if data.within_s is not None or data.cursor is not None:
            raise InvalidInput("is for a dry run", "within_s" if data.cursor is None else "cursor")
        job = await engine.resends.make(account, asked, data.rate_per_s, by=name_of(identity, engine), total=data.count)
        return Response(ResendMade(job.total, to_text("rs", job.id)), status_code=202)

    @get()
    async def list_all(
        self,
        engine: TheEngine,
        account: AccountId,
        in_state: Annotated[
            Literal["running"] | None, Parameter(query="state", description="`running`: only those that are not over.")
        ] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ResendView]:
        """Lists bulk resends, newest first."""
        before = number_behind(cursor)

        def running() -> list[BulkResend]:
            mine = [job for job in engine.store.running_resends() if job.account == account and (before is None or job.id < before)]
            return mine[: -limit - 2 : -1]

        def read() -> Page[ResendView]:
            jobs = engine.store.resends(account, before, limit + 1) if in_state is None else running()
            return numbered_page(jobs, limit, lambda job: job.id, lambda job: _view(engine, job))

        return await engine.in_thread(read)

    @get("/{resend_id:str}")
    async def show(self, resend_id: str, engine: TheEngine, account: AccountId) -> ResendView:
        """Shows how far a bulk resend is."""
        number = number_of("rs", resend_id, "bulk resend")

        def read() -> ResendView:
            job = engine.store.resend(account, number)
            if job is None:
                raise NotFound("no such bulk resend")
            return _view(engine, job)

        return await engine.in_thread(read)

    @delete("/{resend_id:str}", status_code=200)
    async def cancel(self, resend_id: str, engine: TheEngine, account: AccountId) -> ResendView:
        """Cancels a bulk resend: it makes nothing more, and what it made and has not arrived is cancelled. One that is over stays
        as it is."""
        job = await engine.resends.cancel(account, number_of("rs", resend_id, "bulk resend"))
        return await engine.in_thread(lambda: _view(engine, job))


def _wanted(asked: ResendFilter) -> Wanted:
    """A filter as the store reads it. Raises InvalidInput."""
    return Wanted(
        state=asked.state,
        endpoint=wanted("ep", asked.endpoint, "filter.endpoint"),
        call=asked.call,
        event=asked.event,
        number=asked.number,
        since_ms=at_ms(asked.since, "filter.since"),
        until_ms=at_ms(asked.until, "filter.until"),
    )


def _shown(asked: Wanted) -> ResendFilter:
    return ResendFilter(
        state=asked.state,
        endpoint=None if asked.endpoint is None else to_text("ep", asked.endpoint),
        call=asked.call,
        event=asked.event,
        number=asked.number,
        since=when(asked.since_ms),
        until=when(asked.until_ms),
    )


def _view(engine: Engine, job: BulkResend) -> ResendView:
    """See ResendView. Reads the store."""
    states = engine.store.resend_states(job.id)
    at_work = engine.resends.running(job.id)
    rate = 0.0 if at_work is None else at_work.rate_per_s(engine.loop.time())
    left = max(0, job.total - job.made - job.unmade)
    return ResendView(
        id=to_text("rs", job.id),
        state=job.state,
        filter=_shown(job.wanted),
        total=job.total,
        made=job.made,
        done=states.get("succeeded", 0),
        failed=job.unmade + sum(states.get(state, 0) for state in ("retrying", "exhausted", "cancelled")),
        pending=states.get("pending", 0),
        rate_limit_per_s=job.rate_per_s,
        rate_per_s=round(rate, 1),
        eta_s=None if job.state != "running" or not rate else round(left / rate),
        created_at=to_rfc3339(time_of(job.id)),
        finished_at=when(job.finished_at_ms),
        made_by=job.by,
    )


def _endpoint(engine: Engine, account: str, data: NewReplay) -> tuple[Endpoint, None]:
    endpoint = engine.book.endpoint(number_of("ep", data.endpoint or "", "endpoint"))
    if endpoint is None or endpoint.account != account:
        raise NotFound("no such endpoint")
    return endpoint, None


def _made_for_it(engine: Engine, account: str, data: NewReplay) -> tuple[Endpoint, str | None]:
    """An endpoint for one replay, on a lane of its own: one request at a time, so that the events come in order."""
    if data.dialect is None:
        raise InvalidInput("is required with a url", "dialect")
    asked = NewEndpoint(
        url=data.url or "",
        dialect=data.dialect,
        events=data.events,
        filters=data.filters,
        secret=data.secret,
        method=data.method,
        order="none",
        description="a replay",
        omit_null=data.omit_null,
        headers=data.headers,
        bearer=data.bearer,
        ca_pem=data.ca_pem,
        max_in_flight=1,
    )
    endpoint, secret = new_endpoint(asked, engine, account, now_ms())
    return replace(endpoint, only_replays=True), secret
