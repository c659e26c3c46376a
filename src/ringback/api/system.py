"""Health, counts, what the operator should know, and the events route in the framework's words."""

import asyncio
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from msgspec import Struct

from ringback.api import common
from ringback.api.common import AnyRequest, TheEngine, Who
from ringback.api.paging import Limit, Page
from ringback.api.views import when
from ringback.engine.server import Engine
from ringback.intake.door import Reply


class Health(Struct, frozen=True):
    """`ok`, or why not."""

    status: str


class Note(Struct, frozen=True):
    """One line for the operator: a source's gap, a call that fits no account."""

    at: str | None
    kind: str
    text: str


@post("/v1/events", status_code=202, tags=["events"])
async def take_events(request: AnyRequest, engine: TheEngine) -> Response[bytes]:
    """Reports what happened to calls. 202 once all of it is on disk; a duplicate `id` makes nothing."""
    body = await request.body()
    answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def reply(answer: Reply) -> None:
        if not answered.done():
            answered.set_result(answer)

    engine.door.take(
        request.headers.get("authorization", "").encode("latin-1", "replace"), request.headers.get("content-type", ""), body, reply
    )
    answer = await answered
    headers = {} if answer.retry_after_s is None else {"retry-after": str(answer.retry_after_s)}
    return Response(answer.body, status_code=answer.status, media_type=answer.content_type, headers=headers)


@get("/healthz", tags=["system"])
async def healthz() -> Health:
    """Says that the process is alive."""
    return Health("ok")


@get("/readyz", tags=["system"])
async def readyz(engine: TheEngine) -> Response[Health]:
    """Says 200 once events are taken and deliveries go out."""
    return Response(Health("ok" if engine.ready else "starting"), status_code=200 if engine.ready else 503)


class Operator(Controller):
    """What the operator should know."""

    path = "/v1/notes"
    tags = ("system",)

    @get(dependencies={"operator": Provide(common.operator, sync_to_thread=False)})
    async def notes(self, engine: TheEngine, operator: Who, kind: str | None = None, limit: Limit = 50) -> Page[Note]:
        """Lists gaps of sources and calls that fit no account, newest first."""
        rows = await engine.in_thread(lambda: engine.store.notes(kind, limit))
        return Page([Note(when(at), name, text) for at, name, text in rows], None)


class SourceView(Struct, frozen=True):
    """A switch that calls are reported by."""

    name: str
    state: str
    since: str | None
    error: str
    events: int
    updates: int
    gaps: int
    waiting: int


def source_views(engine: Engine) -> list[SourceView]:
    """How each live source is."""
    health = engine.sources.health()
    if health is None:
        return []
    shown = {name: getattr(health, name) for name in ("state", "error", "events", "updates", "gaps", "waiting")}
    return [SourceView(name="freeswitch", since=when(health.since_ms), **shown)]


class Sources(Controller):
    """Switches as sources of updates."""

    path = "/v1/sources"
    tags = ("sources",)
    dependencies = {"operator": Provide(common.operator, sync_to_thread=False)}

    @get()
    async def list_all(self, engine: TheEngine, operator: Who) -> Page[SourceView]:
        """Lists how each live source is, and how often something was missed (`/v1/notes?kind=gap` says what)."""
        return Page(source_views(engine), None)

    @post("/freeswitch/cdr", status_code=202)
    async def take_record(self, request: AnyRequest, engine: TheEngine, operator: Who) -> dict[str, int]:
        """Takes a call record of mod_json_cdr: fills in what was missed, and replaces an inferred end by the true one."""
        count = await engine.sources.take_record(request.headers.get("content-type", ""), await request.body())
        return {"updates": count}


@get(
    "/metrics", media_type="text/plain", tags=["system"], dependencies={"operator": Provide(common.operator, sync_to_thread=False)}
)
async def metrics(engine: TheEngine, operator: Who) -> str:
    """Shows counts in Prometheus' text form."""
    stats: dict[str, Any] = {
        "ringback_updates_accepted_total": engine.writer.accepted,
        "ringback_commits_total": engine.writer.commits,
        "ringback_updates_without_account_total": engine.strays,
        "ringback_deliveries_in_flight": engine.dispatcher.stats().in_flight,
        "ringback_deliveries_queued": engine.dispatcher.stats().queued,
        "ringback_live_calls": engine.live_calls.count,
        "ringback_live_updates_waiting": engine.spool.waiting,
        "ringback_live_updates_lost_total": engine.spool.lost,
    }
    return "".join(
        f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}\n{name} {value}\n" for name, value in stats.items()
    )
