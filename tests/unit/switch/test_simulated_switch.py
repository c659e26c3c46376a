"""What is the simulated switch's own: calls that are made, whose script counts, detection, and its ends as numbers."""

import asyncio

import pytest
from simulated_stage import Stage

from ringback.calls.disposition import final_status
from ringback.calls.live import (
    Answer,
    Answered,
    Bridge,
    Detection,
    Dial,
    HangUp,
    Heard,
    HungUp,
    Incoming,
    Item,
    Listen,
    Play,
    PlayEnded,
    Rang,
    Record,
    RecordEnded,
    RingTone,
    Silence,
    Sound,
    Speech,
    StopPlay,
    StopRecord,
    Tones,
)
from ringback.errors import InvalidInput, SwitchError
from ringback.switch.clock import LoopClock, VirtualClock
from ringback.switch.port import Switch
from ringback.switch.simulated.durations import item_s
from ringback.switch.simulated.endings import ENDINGS, How
from ringback.switch.simulated.script import Script, parse_script
from ringback.switch.simulated.switch import SimulatedSwitch


def test_it_is_a_switch() -> None:
    switch: Switch = SimulatedSwitch(VirtualClock(), name="another")
    assert switch.name == "another"


# Calls that come in
def test_an_incoming_call_is_told_after_the_one_who_made_it_has_gone_on() -> None:
    stage = Stage()
    leg = stage.switch.call_in("+1", "+2", Script(), caller_name="ACME", trunk="90001")
    assert (leg, stage.told) == ("sim-1", [])
    stage.runs()
    assert stage.told == [(0, Incoming("sim-1", "+1", "+2", "ACME", "90001"))]
    assert stage.calls("") == "sim-2"


def test_ids_are_the_same_each_time_if_a_prefix_is_given_and_never_if_not() -> None:
    made = [SimulatedSwitch(VirtualClock()).call_in("1", "2", Script()) for _ in range(2)]
    assert made[0] != made[1]
    assert Stage().calls("") == Stage().calls("") == "sim-1"


def test_a_leg_may_be_named_once() -> None:
    stage = Stage()
    assert stage.switch.call_in("1", "2", Script(), leg="my-call") == "my-call"
    with pytest.raises(SwitchError, match="there is a leg 'my-call' already"):
        stage.switch.call_in("1", "2", Script(), leg="my-call")
    stage.obey(HangUp("my-call"))
    stage.runs()
    assert stage.switch.call_in("1", "2", Script(), leg="my-call") == "my-call"


def test_a_script_that_a_caller_cannot_follow_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a caller cannot 'busy'"):
        Stage().calls("busy")


def test_a_switch_that_was_stopped_takes_no_call_and_makes_none() -> None:
    stage = Stage()
    stage.calls("hangup")
    asyncio.run(stage.switch.stop())
    assert [told for _, told in stage.told] == [Incoming("sim-1", "+1", "+2"), HungUp("sim-1", "no-answer", "us", 16, 480)]
    with pytest.raises(SwitchError):
        stage.calls("")
    stage.obey(Dial("b", "", "1", "2"))
    assert len(stage.told) == 2
    stage.runs()
    assert stage.told[2:] == [(0, HungUp("b", "failed", "us", 41, 503))]


# Whose script counts
@pytest.mark.parametrize(
    ("own", "default", "to", "end"),
    [
        ("answer; callee 7000: busy", "callee: fail", "7000", "busy"),
        ("answer; callee 7000: busy", "callee: fail", "7001", "failed"),
        ("answer; callee: busy", "callee 7000: fail", "7000", "busy"),
        ("answer", "callee 7000: fail; callee: busy", "7000", "failed"),
        ("answer", "busy", "7000", None),
        ("answer", "", "7000", None),
    ],
)
def test_a_leg_that_is_dialled_in_a_call_follows_the_calls_script_then_the_default(
    own: str, default: str, to: str, end: str | None
) -> None:
    stage = Stage(default=default)
    stage.answered(own, Dial("b", "sim-1", to, "+1"), Dial("c", "b", to, "+1"))
    stage.runs(25_000)
    ends = [(told.leg, told.status) for _, told in stage.of(HungUp) if isinstance(told, HungUp)]
    assert ends == ([("b", end), ("c", end)] if end else [])


def test_a_call_that_we_place_is_with_its_scripts_first_party() -> None:
    stage = Stage(default="busy; callee: reject")
    stage.switch.prepare("a", parse_script("ring 3s, answer; callee: fail"))
    stage.obey(Dial("a", "", "7000", "+1"))
    stage.runs()
    stage.obey(Dial("b", "a", "7001", "+1"), Dial("c", "", "7000", "+1"), Dial("d", "nobody", "7000", "+1"))
    stage.runs()
    assert [told for _, told in stage.told] == [
        Rang("a"),
        Answered("a"),
        HungUp("b", "failed", "callee", 1, 404),
        HungUp("c", "busy", "callee", 17, 486),
        HungUp("d", "no-answer", "callee", 21, 603),
    ]


def test_a_prepared_script_is_used_up() -> None:
    stage = Stage()
    stage.switch.prepare("a", parse_script("busy"))
    for _ in range(2):
        stage.obey(Dial("a", "", "7000", "+1"))
        stage.runs()
    assert [type(told) for _, told in stage.told] == [HungUp, Rang, Answered]


# Answering-machine detection
@pytest.mark.parametrize(
    ("script", "detection", "at_ms", "amd"),
    [
        ("answer", Detection(), 2_000, "human_residence"),
        ("answer human", Detection(until_message_end=True, speech_end_s=2.0), 3_000, "human_residence"),
        ("answer machine", Detection(), 3_400, "machine_start"),
        ("answer machine 8s", Detection(until_message_end=True), 9_200, "machine_end_silence"),
        ("answer machine 8s", Detection(until_message_end=True, timeout_s=5), 5_200, "unknown"),
        ("answer machine", None, 200, ""),
    ],
)
def test_who_answered_is_told_when_it_can_be_known(script: str, detection: Detection | None, at_ms: int, amd: str) -> None:
    stage = Stage(default=f"callee: {script}, hangup")
    stage.obey(Dial("b", "", "7000", "+1", detection=detection))
    stage.runs()
    assert stage.told == [(at_ms, Answered("b", amd)), (at_ms, HungUp("b", "completed", "callee", 16, 200))]


def test_hanging_up_while_it_is_being_found_out_who_answered() -> None:
    stage = Stage()
    stage.obey(Dial("b", "", "7000", "+1", timeout_s=1.5, detection=Detection()))
    stage.runs(1_600)
    stage.obey(HangUp("b"))
    stage.runs()
    assert stage.told[1:] == [(1_200, HungUp("b", "completed", "us", 16, 200))]


# Ends and durations
@pytest.mark.parametrize("how", ENDINGS)
def test_every_end_is_one_that_its_numbers_tell(how: How) -> None:
    ending = ENDINGS[how]
    status = final_status(
        answered=ending.sip_status == 200,
        caller_gave_up=ending.sip_status == 487,
        sip_status=ending.sip_status,
        q850_cause=ending.cause,
        hangup_cause_name=None,
    )
    assert status == ending.status


@pytest.mark.parametrize(
    ("item", "seconds"),
    [
        (Speech("x" * 28), 2.0),
        (Speech("Hi"), 0.3),
        (Speech('<prosody rate="slow">' + "x" * 28 + "</prosody>", ssml=True), 2.0),
        (Sound("https://example.com/a.mp3"), 3.0),
        (Silence(1.5), 1.5),
        (Silence(-1.0), 0.0),
        (Silence(float("inf")), 86_400.0),
        (Tones("12w#"), 1.1),
        (RingTone(), None),
    ],
)
def test_how_long_things_take(item: Item, seconds: float | None) -> None:
    assert item_s(item) == (None if seconds is None else pytest.approx(seconds))


def test_a_ring_tone_after_a_sentence_never_ends() -> None:
    stage = Stage()
    stage.answered("answer", Play("sim-1", 1, (Speech("Wait"), RingTone(), Speech("Never heard"))), Play("sim-1", 2, ()))
    stage.runs()
    assert stage.of(PlayEnded) == []


# What is told, and when
def test_what_is_told_first_may_stop_what_would_be_told_at_the_same_moment() -> None:
    stage = Stage()
    stage.calls("answer")
    stage.clock.call_later(1, lambda: stage.obey(Answer("sim-1")))
    stage.obey(Play("sim-1", 1, (Silence(1),)))
    stage.reacts = lambda told: stage.obey(StopPlay("sim-1", 1)) if isinstance(told, Answered) else None
    stage.runs()
    assert [told for _, told in stage.told[1:]] == [Answered("sim-1")]


def test_a_leg_that_is_gone_leaves_nothing_to_come() -> None:
    stage = Stage()
    stage.answered(
        "say nothing", Play("sim-1", 1, (Silence(60),)), Listen("sim-1", 2, start_s=60), Record("sim-1", 3, 60, 5, beep=True)
    )
    stage.runs(500)
    stage.obey(StopPlay("sim-1", 1))
    stage.runs(2_000)
    stage.obey(HangUp("sim-1"))
    stage.runs(2_000)
    assert (stage.clock.next_due(), len(stage.of(HungUp)), len(stage.of(RecordEnded))) == (None, 1, 1)


def test_a_recording_that_is_over_waits_for_nothing() -> None:
    stage = Stage()
    stage.answered("answer", Record("sim-1", 1, 60, silence_s=5), StopRecord("sim-1", 1))
    stage.runs(0)
    assert stage.clock.next_due() == 60_000  # its limit, of no effect any more
    stage.runs()
    assert stage.of(RecordEnded) == [(0, RecordEnded("sim-1", 1, "stopped"))]


def test_the_same_recording_goes_on_and_the_same_recogniser_begins_anew() -> None:
    stage = Stage()
    stage.answered("answer", Record("sim-1", 1, 5), Listen("sim-1", 2, start_s=3))
    stage.clock.call_later(2, lambda: stage.obey(Record("sim-1", 1, 60), Listen("sim-1", 2, start_s=3)))
    stage.runs()
    assert [(at, type(told)) for at, told in stage.told[2:]] == [(5_000, RecordEnded), (5_000, Heard)]


def test_who_has_not_answered_is_not_connected_and_a_note_says_so() -> None:
    stage = Stage()
    stage.answered("speech 'hello'; callee: no answer", Dial("b", "sim-1", "7000", "+1"))
    stage.obey(Bridge("sim-1", "b"))
    assert stage.notes[-1][1].text == "cannot be connected with b: both must be answered"
    stage.runs()
    assert "says 'hello'" not in stage.did()


def test_a_listener_that_raises_loses_nothing_of_the_rest() -> None:
    stage = Stage()

    def raises(told: object) -> None:
        if isinstance(told, Answered):
            raise RuntimeError("a bug of the listener's")

    stage.calls("answer")
    stage.reacts = raises
    stage.obey(Answer("sim-1"), HangUp("sim-1"))
    with pytest.raises(RuntimeError, match="a bug of the listener's"):
        stage.runs()
    stage.runs()
    assert [type(told) for _, told in stage.told] == [Incoming, Answered, HungUp]


def test_without_a_listener_nothing_happens() -> None:
    clock = VirtualClock()
    SimulatedSwitch(clock).call_in("1", "2", parse_script("hangup"))
    while clock.advance():
        pass


def test_times_that_no_clock_can_count_are_taken_as_for_ever_or_now() -> None:
    stage = Stage()
    stage.answered("hear", Record("sim-1", 1, float("inf")), Record("sim-1", 2, float("nan")), Record("sim-1", 3, -1.0))
    stage.runs(0)
    assert [told for _, told in stage.of(RecordEnded)] == [RecordEnded("sim-1", 3, "limit")]


def test_a_call_in_real_time() -> None:
    async def main() -> list[object]:
        told: list[object] = []
        over = asyncio.Event()
        switch = SimulatedSwitch(LoopClock(asyncio.get_running_loop()), prefix="sim")

        def hear(happening: object) -> None:
            told.append(happening)
            if isinstance(happening, Incoming):
                switch.obey(Answer("sim-1"))
                switch.obey(Play("sim-1", 1, (Silence(0.05),)))
            if isinstance(happening, HungUp):
                over.set()

        switch.listen(hear)
        await switch.start()
        switch.call_in("+1", "+2", parse_script("answer, wait 100ms, hangup"))
        async with asyncio.timeout(10):
            await over.wait()
        await switch.stop()
        return told

    assert asyncio.run(main()) == [
        Incoming("sim-1", "+1", "+2"),
        Answered("sim-1"),
        PlayEnded("sim-1", 1),
        HungUp("sim-1", "completed", "caller", 16, 200),
    ]
