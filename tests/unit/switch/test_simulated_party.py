"""When the turn of each step of a script has come."""

import pytest
from simulated_stage import Stage

from ringback.calls.live import (
    Answer,
    Answered,
    Bridge,
    Collect,
    Dial,
    Heard,
    HungUp,
    Incoming,
    Key,
    Listen,
    Play,
    PlayEnded,
    Privacy,
    Rang,
    Record,
    RecordEnded,
    RingTone,
    Silence,
    StopCollect,
    StopPlay,
    StopRecord,
)
from ringback.switch.simulated.script import Press

PROMPT = (Silence(3.0),)


def test_digits_wait_until_they_are_wanted_and_the_prompt_is_heard_out() -> None:
    stage = Stage()
    stage.answered("answer, digits 12#", Play("sim-1", 1, PROMPT), Collect("sim-1", 2))
    stage.runs(10_000)
    assert stage.of(PlayEnded)[0][0] == 3_000
    assert stage.of(Key) == [(3_300, Key("sim-1", "1")), (3_500, Key("sim-1", "2")), (3_700, Key("sim-1", "#"))]


def test_digits_over_a_prompt() -> None:
    stage = Stage()
    stage.answered("digits! 1w2", Play("sim-1", 1, PROMPT), Collect("sim-1", 2))
    stage.runs(3_000)
    assert stage.of(Key) == [(300, Key("sim-1", "1")), (1_000, Key("sim-1", "2"))]


def test_the_pause_between_two_prompts_is_no_turn() -> None:
    stage = Stage()
    stage.answered("digits 1", Play("sim-1", 1, PROMPT), Collect("sim-1", 2))
    stage.reacts = lambda told: (
        stage.clock.call_later(0.25, lambda: stage.obey(Play("sim-1", 3, PROMPT))) if told == PlayEnded("sim-1", 1) else None
    )
    stage.runs(10_000)
    assert [at for at, _ in stage.of(Key)] == [6_550]


def test_keys_that_are_not_wanted_any_more_do_not_come() -> None:
    stage = Stage()
    stage.answered("digits 1, wait 1s, hangup", Collect("sim-1", 1))
    stage.clock.call_later(0.2, lambda: stage.obey(StopCollect("sim-1", 1)))
    stage.clock.call_later(5, lambda: stage.obey(Collect("sim-1", 2)))
    stage.runs()
    assert [at for at, _ in stage.of(Key)] == [5_300]


def test_more_keys_than_were_wanted_are_pressed_all_the_same() -> None:
    stage = Stage()
    stage.answered("digits 12, hangup", Collect("sim-1", 1))
    stage.reacts = lambda told: stage.obey(StopCollect("sim-1", 1)) if isinstance(told, Key) else None
    stage.runs()
    assert stage.did() == ["presses 1", "presses a key that nobody wants", "hangs up"]
    assert [note.trouble for _, note in stage.notes] == [False, True, False]


def test_speech_waits_for_a_recogniser_and_takes_its_time() -> None:
    stage = Stage()
    stage.answered("speech 'twenty-eight characters long' confidence 0.5", Play("sim-1", 1, PROMPT), Listen("sim-1", 2, start_s=4))
    stage.runs()
    assert stage.of(Heard) == [(3_300 + 2_000 + 800, Heard("sim-1", 2, "twenty-eight characters long", 0.5))]


def test_speech_over_a_prompt_and_the_silence_that_ends_it() -> None:
    stage = Stage()
    stage.answered("speech! 'yes'", Play("sim-1", 1, PROMPT), Listen("sim-1", 2, end_s=2.0))
    stage.runs()
    assert stage.of(Heard) == [(300 + 300 + 2_000, Heard("sim-1", 2, "yes", 0.95))]


def test_a_second_answer_is_for_the_second_question() -> None:
    stage = Stage()
    stage.answered("speech 'one', speech 'two'", Listen("sim-1", 1, end_s=3.0))
    stage.reacts = lambda told: stage.obey(Listen("sim-1", 2)) if told == Heard("sim-1", 1, "one", 0.95) else None
    stage.runs()
    assert [told for _, told in stage.of(Heard)] == [Heard("sim-1", 1, "one", 0.95), Heard("sim-1", 2, "two", 0.95)]


def test_a_message_is_spoken_after_the_beep() -> None:
    stage = Stage()
    stage.answered("speech 'a message'", Record("sim-1", 1, 60, silence_s=5, beep=True))
    stage.runs()
    spoken = next(at for at, note in stage.notes if note.text == "says 'a message'")
    assert spoken == 600
    assert stage.of(RecordEnded) == [(600 + 643 + 5_000, RecordEnded("sim-1", 1, "silence", duration_s=5))]


def test_a_whole_calls_recording_is_nobody_to_speak_to() -> None:
    stage = Stage()
    stage.answered("speech 'hello'", Record("sim-1", 1, 3_600, channels=2))
    stage.clock.call_later(5, lambda: stage.obey(Listen("sim-1", 2)))
    stage.runs(10_000)
    assert [at for at, _ in stage.notes] == [5_300]


def test_somebody_on_the_line_is_somebody_to_speak_to() -> None:
    stage = Stage()
    stage.answered("answer; callee: answer, speech 'hello', hangup", Dial("b", "sim-1", "7000", "+1"))
    stage.clock.call_later(2, lambda: stage.obey(Bridge("sim-1", "b")))
    stage.runs()
    assert [(at, note.text) for at, note in stage.notes if note.leg == "b"] == [
        (200, "answers"),
        (2_300, "says 'hello'"),
        (2_657, "hangs up"),
    ]


def test_saying_nothing_lets_one_question_go_by() -> None:
    stage = Stage()
    stage.answered("say nothing, digits 1", Play("sim-1", 1, PROMPT), Collect("sim-1", 2), Listen("sim-1", 3, start_s=60))
    stage.clock.call_later(8, lambda: stage.obey(StopCollect("sim-1", 2), Collect("sim-1", 4)))
    stage.clock.call_later(9, lambda: stage.switch.obey(Play("sim-1", 5, PROMPT)))
    stage.reacts = lambda told: stage.obey(Collect("sim-1", 6)) if isinstance(told, Heard) else None
    stage.runs(59_000)
    assert stage.of(Key) == []
    stage.runs(70_000)
    assert [at for at, _ in stage.of(Heard)] == [60_000]
    assert [at for at, _ in stage.of(Key)] == [60_300]


def test_hearing_a_prompt_out() -> None:
    stage = Stage()
    stage.answered("hear, hear, hangup")
    stage.clock.call_later(1, lambda: stage.obey(Play("sim-1", 1, PROMPT)))
    stage.clock.call_later(10, lambda: stage.obey(Play("sim-1", 2, PROMPT)))
    stage.runs()
    assert stage.of(HungUp)[0][0] == 13_300


def test_a_caller_who_hangs_up_after_a_while_whether_answered_or_not() -> None:
    stage = Stage()
    stage.calls("ring 2s, hangup")
    stage.runs()
    assert stage.told == [(0, Incoming("sim-1", "+1", "+2")), (2_000, HungUp("sim-1", "cancelled", "caller", 16, 487))]


def test_a_caller_who_waits_for_the_answer() -> None:
    stage = Stage()
    stage.calls("ring, answer, hangup")
    stage.clock.call_later(3, lambda: stage.obey(Answer("sim-1")))
    stage.runs()
    assert stage.told[1:] == [(3_000, Answered("sim-1")), (3_000, HungUp("sim-1", "completed", "caller", 16, 200))]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("wait 1s, digits 1", "no keys were wanted (script, character 10)"),
        ("speech 'a'", "nobody listened (script, character 1)"),
        ("say nothing", "nothing was asked (script, character 1)"),
        ("hear", "nothing was played (script, character 1)"),
    ],
)
def test_a_party_whose_turn_does_not_come_gives_up_and_says_why(script: str, reason: str) -> None:
    stage = Stage()
    stage.answered(script)
    stage.runs()
    assert stage.notes[-2][1].text == f"gives up: 30 s with nothing to hear, and {reason}"
    assert stage.notes[-2][1].trouble
    assert stage.of(HungUp)[0][1] == HungUp("sim-1", "completed", "caller", 16, 200)


def test_a_caller_who_is_not_answered_gives_up() -> None:
    stage = Stage(patience_s=5)
    stage.calls("answer, digits 1")
    stage.runs()
    assert stage.told[-1] == (5_000, HungUp("sim-1", "cancelled", "caller", 16, 487))
    assert "it was not answered" in stage.did()[0]


def test_patience_begins_anew_whenever_something_happens() -> None:
    stage = Stage()
    stage.answered("digits 1", Play("sim-1", 1, (Silence(100),)))
    stage.clock.call_later(125, lambda: stage.obey(Play("sim-1", 2, ())))
    stage.runs()
    assert stage.of(HungUp)[0][0] == 155_000


def test_nobody_loses_patience_while_it_rings_or_while_somebody_is_on_the_line() -> None:
    stage = Stage()
    stage.answered(
        "digits 1; callee: ring 50s, answer, wait 70s, hangup", Play("sim-1", 1, (RingTone(),)), Dial("b", "sim-1", "7", "1", 60)
    )
    stage.reacts = lambda told: stage.obey(StopPlay("sim-1", 1), Bridge("sim-1", "b")) if told == Answered("b") else None
    stage.runs()
    assert [(at, told.leg) for at, told in stage.of(HungUp)] == [(120_200, "b"), (150_200, "sim-1")]


def test_a_script_that_ends_leaves_its_party_on_the_line() -> None:
    stage = Stage()
    stage.answered("answer")
    stage.runs()
    assert (stage.switch.legs, stage.of(HungUp)) == (1, [])


# Callees
def test_who_is_called_rings_a_second_and_answers_if_nothing_is_said() -> None:
    stage = Stage()
    stage.obey(Dial("b", "", "7000", "+1"))
    stage.runs()
    assert stage.told == [(200, Rang("b")), (1_200, Answered("b"))]


def test_a_callee_who_has_something_to_say_answers_first() -> None:
    stage = Stage(default="callee: wait 1s, digits 1; callee 7: ring 3s, speech 'a'")
    stage.obey(Dial("b", "", "7000", "+1"), Dial("c", "", "7", "+1"))
    stage.runs(10_000)
    assert [(at, told) for at, told in stage.told if told.leg == "b"] == [(1_200, Rang("b")), (2_200, Answered("b"))]
    assert [(at, told) for at, told in stage.told if told.leg == "c"] == [(200, Rang("c")), (4_200, Answered("c"))]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("busy", [(200, HungUp("b", "busy", "callee", 17, 486))]),
        ("ring 2s, reject", [(200, Rang("b")), (2_200, HungUp("b", "no-answer", "callee", 21, 603))]),
        ("ring 2s, hangup", [(200, Rang("b")), (2_200, HungUp("b", "no-answer", "callee", 21, 603))]),
        ("wait 1s, fail", [(1_200, HungUp("b", "failed", "callee", 1, 404))]),
        ("no answer", [(200, Rang("b")), (20_000, HungUp("b", "no-answer", "us", 19, 480))]),
        ("ring 5s", [(200, Rang("b")), (20_000, HungUp("b", "no-answer", "us", 19, 480))]),
        ("ring 25s, answer", [(200, Rang("b")), (20_000, HungUp("b", "no-answer", "us", 19, 480))]),
        ("answer, wait 1s, hangup", [(200, Answered("b")), (1_200, HungUp("b", "completed", "callee", 16, 200))]),
    ],
)
def test_what_callees_do(script: str, told: list[tuple[int, object]]) -> None:
    stage = Stage(default=f"callee: {script}")
    stage.obey(Dial("b", "", "7000", "+1", timeout_s=20))
    stage.runs()
    assert stage.told == told


# What is private
def test_notes_tell_nothing_of_what_is_keyed_or_said_in_private() -> None:
    stage = Stage()
    stage.answered("digits 4242, speech 'my secret', hangup", Privacy("sim-1", on=True), Collect("sim-1", 1), Listen("sim-1", 2))
    stage.runs()
    assert len(stage.of(Key)) == 4
    assert stage.did() == ["presses a key"] * 4 + ["says something", "hangs up"]


def test_a_step_that_was_given_up_is_named_without_what_was_to_be_keyed() -> None:
    stage = Stage()
    stage.answered("digits 4242424242424242", StopRecord("sim-1", 1))
    stage.runs()
    assert not any("42" in text for text in stage.did())


def test_keys_can_be_pressed_by_hand_whatever_the_script_says() -> None:
    stage = Stage()
    stage.answered("wait 10s, hangup", Collect("sim-1", 1))
    stage.switch.act("sim-1", Press("12"))
    stage.runs(1_000)
    assert stage.of(Key) == [(0, Key("sim-1", "1")), (200, Key("sim-1", "2"))]
    stage.switch.act("nobody", Press("1"))
