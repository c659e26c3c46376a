"""What a caller may do, and what we may do to one."""

from typing import Literal

import pytest
from switch_benches import CALLED, CALLER, Bench

from ringback.calls.live import Answer, Answered, HangUp, HungUp, Incoming, Play, PlayEnded, Reject, Silence


async def test_a_call_comes_in_and_is_answered(bench: Bench) -> None:
    caller = await bench.call_in(CALLER, CALLED)
    bench.obey(Answer(caller.leg))
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), Answered(caller.leg))


async def test_answering_twice_answers_once(bench: Bench) -> None:
    caller = await bench.call_in(CALLER, CALLED)
    bench.obey(Answer(caller.leg), Answer(caller.leg))
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), Answered(caller.leg))
    bench.obey(Answer(caller.leg))
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), Answered(caller.leg))


@pytest.mark.parametrize(("reason", "status"), [("rejected", "no-answer"), ("busy", "busy")])
async def test_a_call_is_refused(bench: Bench, reason: Literal["rejected", "busy"], status: Literal["no-answer", "busy"]) -> None:
    caller = await bench.call_in(CALLER, CALLED)
    bench.obey(Reject(caller.leg, reason))
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), HungUp(caller.leg, status, "us"))


async def test_what_was_answered_cannot_be_refused(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Reject(caller.leg))
    await bench.tells(caller.leg)
    await caller.hang_up()
    await bench.tells(caller.leg, HungUp(caller.leg, "completed", "caller"))


async def test_a_caller_gives_up_before_the_answer(bench: Bench) -> None:
    caller = await bench.call_in(CALLER, CALLED)
    await caller.hang_up()
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), HungUp(caller.leg, "cancelled", "caller"))


async def test_an_answer_comes_too_late(bench: Bench) -> None:
    caller = await bench.call_in(CALLER, CALLED)
    await caller.hang_up()
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), HungUp(caller.leg, "cancelled", "caller"))
    bench.obey(Answer(caller.leg))
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), HungUp(caller.leg, "cancelled", "caller"))


async def test_a_caller_hangs_up_in_a_prompt_which_then_has_no_end(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Play(caller.leg, 1, (Silence(2.0),)))
    await bench.passes(0.5)
    await caller.hang_up()
    await bench.passes(3.0)
    await bench.tells(caller.leg, HungUp(caller.leg, "completed", "caller"))


async def test_we_hang_up_a_call_that_we_have_answered(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(HangUp(caller.leg))
    await bench.tells(caller.leg, HungUp(caller.leg, "completed", "us"))


async def test_we_hang_up_a_call_that_we_have_not_answered(bench: Bench) -> None:
    caller = await bench.call_in(CALLER, CALLED)
    bench.obey(HangUp(caller.leg))
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), HungUp(caller.leg, "no-answer", "us"))


async def test_both_sides_hang_up_at_once_and_one_end_is_told(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(HangUp(caller.leg))
    await caller.hang_up()
    await bench.passes(1.0)
    assert [type(told) for told in bench.of(caller.leg)] == [HungUp]


async def test_hanging_up_from_within_being_told_something(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.when_told(PlayEnded, HangUp(caller.leg), Play(caller.leg, 2, (Silence(0.1),)))
    bench.obey(Play(caller.leg, 1, (Silence(0.2),)))
    await bench.tells(caller.leg, PlayEnded(caller.leg, 1), HungUp(caller.leg, "completed", "us"))
