"""While calls are live, what a commit brought is handed to the loop piece by piece: in its order, and nothing twice or never."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from writer_bench import ACCOUNT, UPDATE, Bench, on_bench

from ringback.calls.model import Call, CallRef, Event, Update
from ringback.errors import OurError, StoreUnavailable
from ringback.intake.turn import Answer
from ringback.intake.writer import PIECE, _steps
from ringback.webhooks.model import Delivery
from ringback.webhooks.records import Batch, Committed, Job


def updates(first: int, count: int) -> list[Update]:
    """The beginnings of calls, each its own."""
    return [replace(UPDATE, call=CallRef(id=f"c-{number}", direction="inbound")) for number in range(first, first + count)]


def submit(bench: Bench, wanted: list[Update], told: Callable[[list[Answer] | OurError], None]) -> None:
    """Each in a request of its own."""
    for update in wanted:
        bench.writer.submit([(ACCOUNT, update)], told)


async def answered(bench: Bench, answers: list[Answer], count: int) -> None:
    """Waits for so many answers."""
    async with asyncio.timeout(20):
        while len(answers) < count:  # noqa: ASYNC110 - each turn of the loop is what is looked at
            await asyncio.sleep(0)


def test_pieces_keep_the_order_of_the_commits(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        answers: list[Answer] = []
        known: list[bool] = []

        def told(answer: list[Answer] | OurError) -> None:
            assert isinstance(answer, list)
            answers.extend(answer)
            # On disk, and its delivery is with the lanes.
            known.append(bench.store.job(bench.jobs[-1].delivery.id) is not None and len(bench.jobs) >= len(answers))

        for turn in range(10):
            submit(bench, updates(turn * 50, 50), told)
            # The next ones are committed while these are handed over.
            await answered(bench, answers, turn * 50 + 10)
        await answered(bench, answers, 500)
        assert bench.writer.commits > 1
        numbers = [job.delivery.id for job in bench.jobs]
        assert numbers == sorted(numbers)
        assert len(set(numbers)) == 500
        assert max(bench.handed) <= PIECE // 2
        assert all(known)
        assert bench.writer.waiting == 0

    on_bench(tmp_path, work, lambda: True)


def test_without_a_live_call_a_commit_is_handed_over_at_once(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        answers: list[Answer] = []
        submit(bench, updates(0, 200), partial(_keep, answers))
        await answered(bench, answers, 200)
        assert sum(bench.handed) == 200
        assert len(bench.handed) == bench.writer.commits

    on_bench(tmp_path, work)


def test_when_the_last_call_ends_the_rest_goes_at_once(tmp_path: Path) -> None:
    benches: list[Bench] = []

    async def work(bench: Bench) -> None:
        benches.append(bench)
        answers: list[Answer] = []
        submit(bench, updates(0, 200), partial(_keep, answers))
        await answered(bench, answers, 200)
        assert bench.handed == [PIECE // 2, PIECE // 2, 200 - PIECE]

    on_bench(tmp_path, work, lambda: not benches or len(benches[0].handed) < 2)


@pytest.mark.skipif(sys.platform != "linux", reason="the policy of one thread is Linux's")
def test_the_thread_stands_back_while_a_call_is_live(tmp_path: Path) -> None:
    live = [False]

    async def work(bench: Bench) -> None:
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "ringback-writer"]
        assert thread.native_id is not None
        policies = []
        for live[0] in (False, True, False):
            await bench.submit(UPDATE)
            policies.append(os.sched_getscheduler(thread.native_id))
        assert policies == [os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_OTHER]

    on_bench(tmp_path, work, lambda: live[0])


def test_a_batch_is_answered_behind_its_last_delivery(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.submit(*updates(0, 100))
        assert len(bench.jobs) == 100
        assert max(bench.handed) <= PIECE

    on_bench(tmp_path, work, lambda: True)


def test_a_stop_hands_over_everything(tmp_path: Path) -> None:
    answers: list[Answer] = []
    benches: list[Bench] = []

    async def work(bench: Bench) -> None:
        benches.append(bench)
        submit(bench, updates(0, 300), partial(_keep, answers))
        await answered(bench, answers, 1)
        submit(bench, updates(300, 300), partial(_keep, answers))

    on_bench(tmp_path, work, lambda: True)
    assert len(answers) == len(benches[0].jobs) == 600


def test_what_cannot_be_written_is_refused_and_nothing_of_it_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(bench: Bench) -> None:
        def full(batch: Batch) -> Committed:
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(bench.store, "commit", full)
        assert isinstance(await bench.submit(*updates(0, 50)), StoreUnavailable)
        assert bench.jobs == []
        monkeypatch.undo()
        assert len(await _answers(bench, 50)) == len(bench.jobs) == 50

    on_bench(tmp_path, work, lambda: True)


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(0, 30))
def test_nobody_is_told_before_what_is_theirs(after: list[int], count: int) -> None:
    jobs = [made_job(number) for number in range(count)]
    ends: list[int] = []
    tells: list[tuple[int, Callable[[], None]]] = [(min(number, count), partial(ends.append, number)) for number in after]
    steps: Sequence[object] = _steps(jobs, tells)
    assert [step for step in steps if isinstance(step, Job)] == jobs
    assert len(steps) == len(jobs) + len(tells)
    # In the order in which they came: what is told to one holds for all before.
    handed = [sum(isinstance(step, Job) for step in steps[:at]) for at, step in enumerate(steps) if not isinstance(step, Job)]
    assert handed == list(accumulate((number for number, _ in tells), max))
    assert [step for step in steps if not isinstance(step, Job)] == [tell for _, tell in tells]


def made_job(number: int) -> Job:
    """A delivery that nobody stores."""
    call = Call(account=ACCOUNT, id="c-1", root="c-1", direction="inbound", status="starting")
    event = Event(id=1, type="call.starting", at_ms=1, seq=1, call=call, root=call)
    return Job(Delivery(id=number, endpoint=7, event=1, root=1, name="call.starting", kind="event", created_at_ms=1), event)


def _keep(answers: list[Answer], answer: list[Answer] | OurError) -> None:
    assert isinstance(answer, list)
    answers.extend(answer)


async def _answers(bench: Bench, count: int) -> list[Answer]:
    answer = await bench.submit(*updates(0, count))
    assert isinstance(answer, list)
    return answer
