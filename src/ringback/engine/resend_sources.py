"""Where a bulk resend finds what it is to send again: deliveries that the filter names, or events that an endpoint has missed.

A source is read a block at a time, in the order of ids. Where a job stands is an id of its source, so it goes on after a restart.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from ringback.ids import time_of
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Job
from ringback.webhooks.resends import BulkResend

if TYPE_CHECKING:
    from ringback.calls.model import Event
    from ringback.engine.server import Engine

BLOCK: Final = 1_000
"""Rows looked at in one reading: some ten milliseconds."""


class Item(Struct, frozen=True):
    """One thing to send again. `at`: its id in the source."""

    at: int
    endpoint: int
    event: "Event | None" = None
    name: str = ""


class Source(Protocol):
    """See the module. Both block, since they read the store; both raise StoreUnavailable."""

    def read(self, after: int) -> tuple[list[Item], int | None]:
        """The next items behind an id; the second value is how far was looked, None: nothing was left."""
        ...

    def jobs(self, items: Sequence[Item]) -> list[Job]:
        """Fresh deliveries for items; what is not there any more, or whose endpoint is gone or disabled, is left out."""
        ...


def source_of(engine: "Engine", job: BulkResend) -> Source:
    """The source of a job."""
    return MissedEvents(engine, job) if job.wanted.state == "missed" else Deliveries(engine, job)


def is_ready(engine: "Engine", account: str, endpoint: int) -> Endpoint | None:
    """An endpoint of the account that deliveries may be made for."""
    found = engine.book.endpoint(endpoint)
    return found if found is not None and found.account == account and found.enabled else None


class Deliveries:
    """Deliveries that are there (webhooks.resends has the rule)."""

    def __init__(self, engine: "Engine", job: BulkResend) -> None:
        self._engine = engine
        self._job = job

    def read(self, after: int) -> tuple[list[Item], int | None]:
        """See Source."""
        job = self._job
        found, looked = self._engine.store.to_resend(job.account, job.wanted, after, job.bound, BLOCK)
        return [Item(number, endpoint) for number, endpoint in found], looked

    def jobs(self, items: Sequence[Item]) -> list[Job]:
        """See Source."""
        made: list[Job] = []
        for old in self._engine.store.jobs([item.at for item in items]):
            if is_ready(self._engine, self._job.account, old.delivery.endpoint) is not None:
                delivery = old.delivery
                fresh = _fresh(self._engine, self._job, delivery.endpoint, old.event.id, delivery.root, delivery.name)
                made.append(Job(fresh, old.event))
        return made


class MissedEvents:
    """Events that one endpoint takes, as it is now, and has not got: given up, cancelled, or never made while it was disabled."""

    def __init__(self, engine: "Engine", job: BulkResend) -> None:
        self._engine = engine
        self._job = job

    def read(self, after: int) -> tuple[list[Item], int | None]:
        """See Source."""
        engine, wanted = self._engine, self._job.wanted
        endpoint = is_ready(engine, self._job.account, wanted.endpoint or 0)
        if endpoint is None:
            return [], None
        since_ms = endpoint.created_at_ms if wanted.since_ms is None else wanted.since_ms
        until_ms = time_of(self._job.bound) + 1 if wanted.until_ms is None else wanted.until_ms
        events, looked = engine.store.unreceived(endpoint.account, endpoint.id, since_ms, until_ms, after, BLOCK)
        fits = partial(_fits, self._job)
        matcher = engine.book.matcher(endpoint.account)
        items = [
            Item(event.id, endpoint.id, event, name)
            for event in events
            if fits(event)
            for taker, name in matcher.match(event, engine.book.place(event))
            if taker.id == endpoint.id and wanted.event in (None, name)
        ]
        return items, looked

    def jobs(self, items: Sequence[Item]) -> list[Job]:
        """See Source."""
        made: list[Job] = []
        for item in items:
            root = None if item.event is None else self._engine.store.root_of_event(item.at)
            if item.event is not None and root is not None and is_ready(self._engine, self._job.account, item.endpoint) is not None:
                made.append(Job(_fresh(self._engine, self._job, item.endpoint, item.at, root, item.name), item.event))
        return made


def _fits(job: BulkResend, event: "Event") -> bool:
    wanted = job.wanted
    if event.id > job.bound or event.late:
        return False
    if wanted.call is not None and wanted.call not in (event.call.id, event.root.id):
        return False
    legs = (event.root, event.call)
    return wanted.number is None or any(wanted.number in (leg.from_, leg.to) for leg in legs)


def _fresh(engine: "Engine", job: BulkResend, endpoint: int, event: int, root: int, name: str) -> Delivery:
    number = engine.writer.new_id()
    return Delivery(
        id=number,
        endpoint=endpoint,
        event=event,
        root=root,
        name=name,
        kind="resend",
        created_at_ms=time_of(number),
        job=job.id,
    )
