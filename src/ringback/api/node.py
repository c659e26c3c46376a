"""`GET /v1/node`: how this installation is, for the operator: what waits, what goes on, how fast, how much room there is."""

import os
from typing import Any, Final

from litestar import get
from litestar.di import Provide
from msgspec import Struct

import ringback
from ringback.api import common
from ringback.api.common import TheEngine, Who
from ringback.api.overview import SPANS, SeriesView
from ringback.api.system import SourceView, source_views
from ringback.api.views import when
from ringback.calls.model import to_rfc3339
from ringback.engine.limits import why_full
from ringback.engine.server import Engine
from ringback.ids import now_ms, time_of
from ringback.store.portal import EVERYBODY, Count

_LOOKED_AT: Final = 500
"""Endpoints that are asked for their oldest open delivery, at the most."""


class NodeCounts(Struct, frozen=True):
    """What there is now. `strays`: updates that fit no account, since the start, as are `updates` (taken in) and `commits`."""

    accounts: int
    endpoints: int
    portal_sessions: int
    live_calls: int
    updates: int
    commits: int
    strays: int


class QueueView(Struct, frozen=True):
    """Deliveries that are not done. `in_flight`: being sent; `queued`: waiting for their turn in memory; `oldest_open_at`: when the
    oldest that is not done was made, retries included (null: there is none); `lanes`: endpoints with something open."""

    in_flight: int
    queued: int
    lanes: int
    oldest_open_at: str | None


class DiskView(Struct, frozen=True):
    """The disk with the data. `full`: why nothing more is taken in; empty: there is room."""

    free_bytes: int
    total_bytes: int
    database_bytes: int
    full: str


class NodeView(Struct, frozen=True):
    """How this installation is. `hour`: attempts of all accounts by minute."""

    version: str
    at: str
    ready: bool
    queue: QueueView
    counts: NodeCounts
    disk: DiskView
    sources: list[SourceView]
    hour: SeriesView


@get("/v1/node", tags=["system"], dependencies={"operator": Provide(common.operator, sync_to_thread=False)})
async def node(engine: TheEngine, operator: Who) -> NodeView:
    """Shows how this installation is: queue, rates, room on the disk, sources."""
    stats = engine.dispatcher.stats()
    at_ms = now_ms()
    span_s, count = SPANS["hour"]
    hour: list[Count] = (await engine.activity.series((EVERYBODY,), span_s, count, at_ms // 1000))[EVERYBODY]
    oldest, lanes = await engine.in_thread(lambda: _oldest(engine))
    newest_s = at_ms // 1000 - at_ms // 1000 % span_s
    return NodeView(
        version=ringback.__version__,
        at=to_rfc3339(at_ms),
        ready=engine.ready,
        queue=QueueView(stats.in_flight, stats.queued, lanes, when(oldest)),
        counts=NodeCounts(
            accounts=len(engine.book.accounts),
            endpoints=len(engine.book.endpoints),
            portal_sessions=len(engine.sessions.all_of(None)),
            live_calls=engine.live_calls.count,
            updates=engine.writer.accepted,
            commits=engine.writer.commits,
            strays=engine.strays,
        ),
        disk=await engine.in_thread(lambda: _disk(engine)),
        sources=source_views(engine),
        hour=SeriesView(
            endpoint_id=None,
            since=to_rfc3339((newest_s - span_s * (count - 1)) * 1000),
            span_s=span_s,
            delivered=[one.delivered for one in hour],
            failed=[one.failed for one in hour],
            gave_up=[one.gave_up for one in hour],
        ),
    )


def _oldest(engine: Engine) -> tuple[int | None, int]:
    """When the oldest open delivery was made (Unix milliseconds), and how many endpoints have some. Reads the store."""
    waiting = engine.store.endpoints_with_open()
    first = [jobs[0].delivery.id for one in waiting[:_LOOKED_AT] if (jobs := engine.store.open_deliveries(one, 0, 1))]
    return (time_of(min(first)) if first else None), len(waiting)


def _disk(engine: Engine) -> DiskView:
    folder = engine.settings.data
    told: Any = os.statvfs(folder)
    size = sum(file.stat().st_size for file in folder.iterdir() if ".db" in file.name)
    return DiskView(told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize, size, why_full(engine.settings))
