"""Events that stand alone: a test's sample, a notice. They belong to no call, so no list of calls shows them; their deliveries go
the way of all others, through guard, signature, schedule and log."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ringback.calls.model import Event
from ringback.dialects.trial import sample, sample_of
from ringback.errors import OurError
from ringback.ids import now_ms
from ringback.webhooks.health import Notice
from ringback.webhooks.model import Delivery, Endpoint, Kind
from ringback.webhooks.notices import notice_event, takers
from ringback.webhooks.records import Batch, Fold, Job

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.alone")


class Alone:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    async def test(self, endpoint: Endpoint, name: str) -> Delivery:
        """Sends the dialect's sample of an event to an endpoint, once, as if it had happened now. Raises InvalidInput (no such
        event), StoreUnavailable."""
        dialect = self._engine.dialects[endpoint.dialect]
        event = sample_of(sample(dialect, name), endpoint.account, self._engine.writer.new_id(), now_ms())
        jobs = self._jobs(event, [endpoint], name, "test")
        fold = _fold(endpoint.account, event, jobs)
        committed = await self._engine.in_thread(lambda: self._engine.store.commit(Batch((fold,))))
        if committed.failed:
            raise OurError(committed.failed[0])
        self._engine.dispatcher.offer(jobs)
        return jobs[0].delivery

    def tell(self, notice: Notice) -> None:
        """Sends a notice to whoever of its account wants it."""
        about = self._engine.book.endpoint(notice.endpoint)
        told = takers(self._engine.book.endpoints.values(), notice)
        if about is not None and told:
            event = notice_event(notice, about, self._engine.writer.new_id())
            self._engine.spawn(self._tell(notice.account, event, self._jobs(event, told, notice.kind, "notice")))

    async def _tell(self, account: str, event: Event, jobs: Sequence[Job]) -> None:
        fold = _fold(account, event, jobs)
        await self._engine.insist(lambda: self._engine.store.commit(Batch((fold,))))
        self._engine.dispatcher.offer(jobs)

    def _jobs(self, event: Event, endpoints: Sequence[Endpoint], name: str, kind: Kind) -> list[Job]:
        now = now_ms()
        new_id = self._engine.writer.new_id
        return [
            Job(
                Delivery(id=new_id(), endpoint=endpoint.id, event=event.id, root=event.id, name=name, kind=kind, created_at_ms=now),
                event,
            )
            for endpoint in endpoints
        ]


def _fold(account: str, event: Event, jobs: Sequence[Job]) -> Fold:
    """No call moves; the event's own number stands for the call that it does not have."""
    return Fold(
        account=account,
        calls=(),
        events=(event,),
        event_calls=((event.id, event.id),),
        deliveries=tuple(job.delivery for job in jobs),
        call_id=event.call.id,
    )
