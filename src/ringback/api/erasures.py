"""Forgetting on demand: all that is kept of a number, or of a call."""

from typing import Annotated

from litestar import Controller, get, post
from msgspec import Meta, Struct, structs

from ringback.api import common
from ringback.api.common import AccountId, TheEngine, number_of
from ringback.api.paging import Cursor, Limit, Page, number_behind, numbered_page
from ringback.api.views import when
from ringback.calls.model import to_rfc3339
from ringback.errors import InvalidInput, NotFound
from ringback.ids import time_of, to_text
from ringback.store.keeping import Erasure, ErasureState

_Text = Annotated[str, Meta(min_length=1, max_length=128, pattern=common.NO_CONTROLS)]


class NewErasure(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the two. `number`: every conversation in which it takes part, or is told of. `call`: the conversation of a call, by
    the id that its source gave it."""

    number: _Text | None = None
    call: _Text | None = None


class ErasedView(Struct, frozen=True):
    """How many of each kind are gone. `other`: lines of the audit log, notes, filters of bulk resends that named it."""

    conversations: int
    calls: int
    events: int
    deliveries: int
    attempts: int
    recordings: int
    transcriptions: int
    other: int


class ErasureView(Struct, frozen=True):
    """An erasure. `number` is masked; null: it is about a call. `waiting`: for a conversation that has not ended. `failed`: it
    is tried again, and `error` says why. `remnants`: copies that stand in unused space of the database still, when it was done."""

    id: str
    state: ErasureState
    number: str | None
    erased: ErasedView
    remnants: int
    error: str | None
    created_at: str
    finished_at: str | None


def erasure_view(job: Erasure) -> ErasureView:
    """See ErasureView."""
    return ErasureView(
        id=to_text("ers", job.id),
        state=job.state,
        number=job.shown or None,
        erased=ErasedView(**structs.asdict(job.counts)),
        remnants=job.remnants,
        error=job.error or None,
        created_at=to_rfc3339(time_of(job.id)),
        finished_at=when(job.finished_at_ms),
    )


class Erasures(Controller):
    """Durable jobs that forget."""

    path = "/v1/erasures"
    tags = ("erasures",)

    @post(status_code=202)
    async def make(self, data: NewErasure, engine: TheEngine, account: AccountId) -> ErasureView:
        """Erases all that is kept of a number or of a call: calls, events, deliveries, attempts, recordings, transcripts. What has
        not gone out by then does not go out. A conversation that has not ended is erased when it has; a call that has not is
        refused."""
        if (data.number is None) == (data.call is None):
            raise InvalidInput("name a number or a call, one of the two", "number")
        return erasure_view(await engine.erasures.make(account, data.number or "", data.call or ""))

    @get()
    async def list_all(self, engine: TheEngine, account: AccountId, limit: Limit = 50, cursor: Cursor = None) -> Page[ErasureView]:
        """Lists erasures, newest first."""
        before = number_behind(cursor)
        jobs = await engine.in_thread(lambda: engine.store.erasures(account, before, limit + 1))
        return numbered_page(jobs, limit, lambda job: job.id, erasure_view)

    @get("/{erasure_id:str}")
    async def show(self, erasure_id: str, engine: TheEngine, account: AccountId) -> ErasureView:
        """Shows how far an erasure is, and what it has taken away."""
        number = number_of("ers", erasure_id, "erasure")
        job = await engine.in_thread(lambda: engine.store.erasure(account, number))
        if job is None:
            raise NotFound("no such erasure")
        return erasure_view(job)
