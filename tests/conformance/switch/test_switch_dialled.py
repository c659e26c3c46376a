"""Calling somebody, connecting two, and the end of everything."""

from typing import Literal

import pytest
from switch_benches import CALLED, CALLER, Bench

from ringback.calls.live import (
    Answer,
    Answered,
    Bridge,
    Collect,
    Detection,
    Dial,
    HangUp,
    HungUp,
    Incoming,
    Key,
    Listen,
    Order,
    Play,
    PlayEnded,
    Privacy,
    Rang,
    Reject,
    Silence,
    StopCollect,
    StopListening,
    StopPlay,
    StopRecord,
)

SECOND = (Silence(1.0),)


# Calling somebody
async def test_a_callee_rings_and_answers(bench: Bench) -> None:
    callee = await bench.dial("leg-1")
    await callee.ring()
    await bench.tells("leg-1", Rang("leg-1"))
    await callee.answer()
    await bench.tells("leg-1", Rang("leg-1"), Answered("leg-1"))


async def test_a_callee_answers_without_ringing(bench: Bench) -> None:
    callee = await bench.dial("leg-1")
    await callee.answer()
    await bench.tells("leg-1", Answered("leg-1"))


async def test_a_callee_hangs_up(bench: Bench) -> None:
    callee = await bench.dialled("leg-1")
    await callee.hang_up()
    await bench.tells("leg-1", HungUp("leg-1", "completed", "callee"))


async def test_we_hang_up_a_callee(bench: Bench) -> None:
    await bench.dialled("leg-1")
    bench.obey(HangUp("leg-1"))
    await bench.tells("leg-1", HungUp("leg-1", "completed", "us"))


@pytest.mark.parametrize("rings", [True, False])
@pytest.mark.parametrize(("how", "status"), [("busy", "busy"), ("reject", "no-answer"), ("fail", "failed")])
async def test_a_callee_does_not_take_the_call(
    bench: Bench,
    how: Literal["busy", "reject", "fail"],
    status: Literal["busy", "no-answer", "failed"],
    rings: bool,
) -> None:
    callee = await bench.dial("leg-1")
    if rings:
        await callee.ring()
        await bench.tells("leg-1", Rang("leg-1"))
    await callee.refuse(how)
    await bench.tells("leg-1", *([Rang("leg-1")] if rings else []), HungUp("leg-1", status, "callee"))


async def test_nobody_answers_in_time(bench: Bench) -> None:
    begun = bench.seconds()
    callee = await bench.dial("leg-1", timeout_s=3.0)
    await callee.ring()
    await bench.until(lambda: len(bench.of("leg-1")) == 2)
    assert 2.9 <= bench.seconds() - begun <= 5.0
    await bench.tells("leg-1", Rang("leg-1"), HungUp("leg-1", "no-answer", "us"))


@pytest.mark.parametrize("rings", [True, False])
async def test_we_take_a_call_back(bench: Bench, rings: bool) -> None:
    callee = await bench.dial("leg-1")
    if rings:
        await callee.ring()
        await bench.tells("leg-1", Rang("leg-1"))
    bench.obey(HangUp("leg-1"))
    await bench.tells("leg-1", *([Rang("leg-1")] if rings else []), HungUp("leg-1", "cancelled", "us"))


async def test_we_take_a_call_back_at_once(bench: Bench) -> None:
    bench.obey(Dial("leg-1", "", CALLED, CALLER), HangUp("leg-1"))
    await bench.tells("leg-1", HungUp("leg-1", "cancelled", "us"))


async def test_a_name_is_dialled_once(bench: Bench) -> None:
    callee = await bench.dial("leg-1")
    bench.obey(Dial("leg-1", "", CALLED, CALLER))
    await callee.answer()
    await bench.tells("leg-1", Answered("leg-1"))


@pytest.mark.parametrize(("who", "word"), [("human", "human_"), ("machine", "machine_start")])
async def test_answering_machine_detection_says_who_answered(bench: Bench, who: Literal["human", "machine"], word: str) -> None:
    callee = await bench.dial("leg-1", detection=Detection())
    await callee.answer(who)
    await bench.until(lambda: bool(bench.of("leg-1")))
    (told,) = bench.of("leg-1")
    assert isinstance(told, Answered)
    assert told.amd.startswith(word)


async def test_a_machine_may_be_heard_out(bench: Bench) -> None:
    callee = await bench.dial("leg-1", detection=Detection(until_message_end=True))
    begun = bench.seconds()
    await callee.answer("machine")
    await bench.until(lambda: bool(bench.of("leg-1")))
    assert bench.seconds() - begun > Detection().business_speech_s
    (told,) = bench.of("leg-1")
    assert isinstance(told, Answered)
    assert told.amd.startswith("machine_end")


async def test_of_two_the_first_to_answer_wins(bench: Bench) -> None:
    caller = await bench.incoming()
    first = await bench.dial("leg-1", caller.leg, to="+13005550111")
    second = await bench.dial("leg-2", caller.leg, to="+13005550122")
    await first.ring()
    await second.ring()
    await bench.tells("leg-2", Rang("leg-2"))
    bench.when_told(Answered, HangUp("leg-1"), Bridge(caller.leg, "leg-2"))
    await second.answer()
    await bench.tells("leg-1", Rang("leg-1"), HungUp("leg-1", "cancelled", "us"))
    await bench.tells("leg-2", Rang("leg-2"), Answered("leg-2"))
    await bench.tells(caller.leg)


async def test_a_callee_hears_and_presses_like_a_caller(bench: Bench) -> None:
    callee = await bench.dialled("leg-1")
    bench.obey(Play("leg-1", 1, SECOND), Collect("leg-1", 2))
    await callee.press("5")
    await bench.tells("leg-1", Key("leg-1", "5"), PlayEnded("leg-1", 1))


async def test_a_caller_who_hangs_up_leaves_a_ringing_callee_to_us(bench: Bench) -> None:
    caller = await bench.incoming()
    callee = await bench.dial("leg-1", caller.leg)
    await callee.ring()
    await caller.hang_up()
    await bench.tells(caller.leg, HungUp(caller.leg, "completed", "caller"))
    await bench.tells("leg-1", Rang("leg-1"))


# Connecting two
async def test_connecting_tells_nothing_and_the_other_stays_when_the_callee_hangs_up(bench: Bench) -> None:
    caller, callee = await bench.connected()
    await bench.tells(caller.leg)
    await callee.hang_up()
    await bench.tells(callee.leg, HungUp(callee.leg, "completed", "callee"))
    bench.obey(Play(caller.leg, 1, SECOND))
    await bench.tells(caller.leg, PlayEnded(caller.leg, 1))


async def test_the_callee_stays_when_the_caller_hangs_up(bench: Bench) -> None:
    caller, callee = await bench.connected()
    await caller.hang_up()
    await bench.tells(caller.leg, HungUp(caller.leg, "completed", "caller"))
    bench.obey(Play(callee.leg, 1, SECOND))
    await bench.tells(callee.leg, PlayEnded(callee.leg, 1))


async def test_we_hang_up_one_of_two_who_are_connected(bench: Bench) -> None:
    caller, callee = await bench.connected()
    bench.obey(HangUp(callee.leg))
    await bench.tells(callee.leg, HungUp(callee.leg, "completed", "us"))
    await bench.tells(caller.leg)


async def test_one_who_stays_can_be_connected_again(bench: Bench) -> None:
    caller, callee = await bench.connected()
    await callee.hang_up()
    other = await bench.dialled("leg-2")
    bench.obey(Bridge(caller.leg, "leg-2"))
    await other.hang_up()
    await bench.tells("leg-2", HungUp("leg-2", "completed", "callee"))
    await bench.tells(caller.leg)


async def test_keys_are_told_while_two_are_connected(bench: Bench) -> None:
    caller, _ = await bench.connected()
    bench.obey(Collect(caller.leg, 1))
    await caller.press("*")
    await bench.tells(caller.leg, Key(caller.leg, "*"))


async def test_who_has_not_answered_is_not_connected(bench: Bench) -> None:
    caller = await bench.incoming()
    await bench.dial("leg-1", caller.leg)
    bench.obey(Bridge(caller.leg, "leg-1"), Bridge(caller.leg, "nobody"), Bridge(caller.leg, caller.leg))
    await bench.tells(caller.leg)


# The end of everything
GONE = "leg-1"
ORDERS: list[Order] = [
    Answer(GONE),
    Reject(GONE),
    Play(GONE, 1, SECOND),
    StopPlay(GONE, 1),
    Collect(GONE, 1),
    StopCollect(GONE, 1),
    Listen(GONE, 1, start_s=0.1),
    StopListening(GONE, 1),
    StopRecord(GONE, 1),
    Privacy(GONE, on=True),
    Bridge(GONE, "nobody"),
    HangUp(GONE),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
async def test_an_order_for_a_leg_that_is_gone_is_harmless(bench: Bench, order: Order) -> None:
    callee = await bench.dialled(GONE)
    await callee.hang_up()
    await bench.tells(GONE, HungUp(GONE, "completed", "callee"))
    bench.obey(order)
    await bench.passes(2.0)
    await bench.tells(GONE, HungUp(GONE, "completed", "callee"))


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
async def test_an_order_for_a_leg_that_never_was_is_harmless(bench: Bench, order: Order) -> None:
    bench.obey(order)
    await bench.passes(2.0)
    await bench.tells(GONE)


async def test_stopping_hangs_up_whatever_is_left(bench: Bench) -> None:
    waiting = await bench.call_in(CALLER, CALLED)
    caller, callee = await bench.connected()
    await bench.dial("ringing-1", caller.leg)
    await bench.switch.stop()
    assert bench.of(waiting.leg) == [HungUp(waiting.leg, "no-answer", "us")]
    assert bench.of(caller.leg) == [HungUp(caller.leg, "completed", "us")]
    assert bench.of(callee.leg) == [HungUp(callee.leg, "completed", "us")]
    assert bench.of("ringing-1") == [HungUp("ringing-1", "cancelled", "us")]


async def test_two_callers_have_nothing_to_do_with_each_other(bench: Bench) -> None:
    first, second = await bench.call_in(CALLER, CALLED), await bench.call_in(CALLER, CALLED)
    assert first.leg != second.leg
    bench.obey(Answer(first.leg), Reject(second.leg))
    await bench.tells(first.leg, Incoming(first.leg, CALLER, CALLED), Answered(first.leg))
    await bench.tells(second.leg, Incoming(second.leg, CALLER, CALLED), HungUp(second.leg, "no-answer", "us"))
