"""A writer over a real store, with one endpoint, for the tests of what it hands over and when."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ringback.calls.directory import Place, default_number
from ringback.calls.model import CallRef, Event, Update
from ringback.dialects import load_dialects
from ringback.errors import OurError
from ringback.ids import now_ms
from ringback.intake.turn import Answer
from ringback.intake.writer import Writer
from ringback.store.open import open_store
from ringback.store.port import Account, Store
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Endpoint
from ringback.webhooks.records import Job

ACCOUNT = "0b1c3a0e-7d0a-4bd0-8c62-000000000001"
UPDATE = Update(type="call.starting", at_ms=1_700_000_000_000, call=CallRef(id="c-1", direction="inbound"))


class Bench:
    """A writer over a store, one standard endpoint, and what was handed over."""

    def __init__(self, data: Path, is_live: Callable[[], bool]) -> None:
        self.dialects = load_dialects()
        self.store: Store = open_store(data, [])
        self.store.put_account(Account(id=ACCOUNT, name="an account", created_at_ms=1))
        self.endpoint_ = Endpoint(id=7, account=ACCOUNT, url="https://example.com/", dialect="standard")
        self.loop = asyncio.get_running_loop()
        self.jobs: list[Job] = []
        self.handed: list[int] = []
        """How many jobs came at a time."""
        self.writer = Writer(
            store=self.store,
            routing=self,
            dialects=self.dialects,
            loop=self.loop,
            clock_ms=now_ms,
            last_id=0,
            on_jobs=self._on_jobs,
            on_release=lambda _: None,
            is_live=is_live,
        )

    def _on_jobs(self, jobs: Sequence[Job]) -> None:
        self.jobs += jobs
        self.handed.append(len(jobs))

    def matcher(self, account: str) -> Matcher:
        return Matcher([self.endpoint_], self.dialects)

    def place(self, event: Event) -> Place:
        return Place(organization_id=ACCOUNT, account=ACCOUNT, number=default_number(ACCOUNT, "+61288880000"))

    def endpoint(self, number: int) -> Endpoint | None:
        return self.endpoint_

    async def submit(self, *updates: Update) -> list[Answer] | OurError:
        future: asyncio.Future[list[Answer] | OurError] = self.loop.create_future()
        self.writer.submit([(ACCOUNT, update) for update in updates], future.set_result)
        return await future

    def make(self, *jobs: Job) -> "asyncio.Future[list[str] | OurError]":
        future: asyncio.Future[list[str] | OurError] = self.loop.create_future()
        self.writer.make(ACCOUNT, jobs, future.set_result)
        return future

    def again(self, job: Job, **changed: Any) -> Job:
        return Job(replace(job.delivery, id=self.writer.new_id(), kind="resend", **changed), job.event)


def on_bench(tmp_path: Path, work: Callable[[Bench], Awaitable[None]], is_live: Callable[[], bool] = lambda: False) -> None:
    """Runs a test's coroutine beside a writer that works."""

    async def main() -> None:
        bench = Bench(tmp_path, is_live)
        bench.writer.start()
        try:
            await work(bench)
        finally:
            await bench.loop.run_in_executor(None, bench.writer.stop)
            bench.store.close()

    asyncio.run(main())
