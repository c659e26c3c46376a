"""What a person has sent again goes through the writer like all else: on disk first, each for itself, then to the lanes."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ringback.calls.directory import Place, default_number
from ringback.calls.model import CallRef, Event, Update
from ringback.dialects import load_dialects
from ringback.errors import OurError, StoreUnavailable
from ringback.ids import now_ms
from ringback.intake.turn import Answer
from ringback.intake.writer import Writer
from ringback.store.open import open_store
from ringback.store.port import Account, Store
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Batch, Committed, Job

ACCOUNT = "0b1c3a0e-7d0a-4bd0-8c62-000000000001"
UPDATE = Update(type="call.starting", at_ms=1_700_000_000_000, call=CallRef(id="c-1", direction="inbound"))


class Bench:
    """A writer over a store, one standard endpoint, and what was handed over."""

    def __init__(self, data: Path) -> None:
        self.dialects = load_dialects()
        self.store: Store = open_store(data, [])
        self.store.put_account(Account(id=ACCOUNT, name="an account", created_at_ms=1))
        self.endpoint_ = Endpoint(id=7, account=ACCOUNT, url="https://example.com/", dialect="standard")
        self.loop = asyncio.get_running_loop()
        self.jobs: list[Job] = []
        self.writer = Writer(
            store=self.store,
            routing=self,
            dialects=self.dialects,
            loop=self.loop,
            clock_ms=now_ms,
            last_id=0,
            on_jobs=self.jobs.extend,
            on_release=lambda _: None,
        )

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


def on_bench(tmp_path: Path, work: Any) -> None:
    async def main() -> None:
        bench = Bench(tmp_path)
        bench.writer.start()
        try:
            await work(bench)
        finally:
            await bench.loop.run_in_executor(None, bench.writer.stop)
            bench.store.close()

    asyncio.run(main())


def states(bench: Bench, jobs: Sequence[Job]) -> list[Delivery | None]:
    found = [bench.store.job(job.delivery.id) for job in jobs]
    return [None if job is None else job.delivery for job in found]


def test_what_is_made_is_on_disk_when_it_is_told_and_is_handed_over(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.submit(UPDATE)
        (first,) = bench.jobs
        again = [bench.again(first), bench.again(first)]
        assert await bench.make(*again) == ["", ""]
        assert bench.jobs == [first, *again]
        stored = states(bench, again)
        assert [(one.kind, one.state, one.event) for one in stored if one] == [("resend", "pending", first.event.id)] * 2

    on_bench(tmp_path, work)


def test_one_that_the_store_cannot_take_fails_alone(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.submit(UPDATE)
        (first,) = bench.jobs
        good, bad, other = bench.again(first), bench.again(first, event=12345), bench.again(first)
        # In one turn with an update, before it and behind it in the queue.
        made, answered, later = bench.make(good, bad), bench.submit(replace(UPDATE, type="call.ringing")), bench.make(other)
        answers = await answered
        assert isinstance(answers, list)
        assert answers[0].deliveries == 1
        assert await made == ["", "there is no such event"]
        assert await later == [""]
        assert [one is None for one in states(bench, [good, bad, other])] == [False, True, False]
        assert [job.delivery.id for job in bench.jobs if job.delivery.kind == "resend"] == [good.delivery.id, other.delivery.id]

    on_bench(tmp_path, work)


def test_a_store_that_cannot_write_takes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(bench: Bench) -> None:
        await bench.submit(UPDATE)
        (first,) = bench.jobs

        def full(batch: Batch) -> Committed:
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(bench.store, "commit", full)
        answer = await bench.make(bench.again(first))
        assert isinstance(answer, StoreUnavailable)
        assert bench.jobs == [first]
        monkeypatch.undo()
        assert await bench.make(bench.again(first)) == [""]

    on_bench(tmp_path, work)
