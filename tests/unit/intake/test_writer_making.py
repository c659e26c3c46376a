"""What a person has sent again goes through the writer like all else: on disk first, each for itself, then to the lanes."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from writer_bench import UPDATE, Bench, on_bench

from ringback.errors import StoreUnavailable
from ringback.webhooks.model import Delivery
from ringback.webhooks.records import Batch, Committed, Job


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
