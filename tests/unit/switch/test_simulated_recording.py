"""The files of simulated recordings: real ones, that sound when somebody is to be heard."""

import wave
from functools import partial
from pathlib import Path

from simulated_stage import Stage

from ringback.calls.audio import recognise, wav_facts
from ringback.calls.live import (
    Bridge,
    Dial,
    HangUp,
    Play,
    Privacy,
    Record,
    RecordEnded,
    RingTone,
    Silence,
    Sound,
    StopPlay,
    StopRecord,
    Track,
)
from ringback.switch.simulated.script import Speak

TEN_SECONDS = "x" * 140


def recorded(stage: Stage) -> list[RecordEnded]:
    """What was recorded, all of it to the end."""
    stage.runs()
    return [told for _, told in stage.of(RecordEnded) if isinstance(told, RecordEnded)]


def sounds(file: str) -> list[str]:
    """For each whole second of a channel: is there sound in it?"""
    with wave.open(file, "rb") as read:
        assert (read.getframerate(), read.getsampwidth()) == (8_000, 2)
        count, channels = read.getnframes(), read.getnchannels()
        samples = memoryview(read.readframes(count)).cast("h")
    seconds = [samples[at * channels : (at + 8_000) * channels] for at in range(0, count - 7_999, 8_000)]
    return ["".join("x" if any(second[channel::channels]) else "." for second in seconds) for channel in range(channels)]


def test_both_sides_in_their_channels(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered(f"wait 2s, speech! '{TEN_SECONDS}'", Record("sim-1", 1, 20, silence_s=30, channels=2))
    stage.clock.call_later(9, lambda: stage.obey(Play("sim-1", 2, (Sound("https://example.com/a.wav"), Silence(2), Sound("b")))))
    (take,) = recorded(stage)
    assert (take.why, take.duration_s, take.channels) == ("limit", 20, 2)
    assert sounds(take.file) == ["..xxxxxxxxxxx.......", ".........xxx..xxx..."]


def test_one_channel_holds_the_sides_that_were_wanted(tmp_path: Path) -> None:
    expected: dict[Track, str] = {"inbound": "xxx.....", "outbound": "....xxx.", "both": "xxx.xxx."}
    for track, heard in expected.items():
        stage = Stage(tmp_path)
        stage.answered(f"speech '{'x' * 28}'", Record("sim-1", 1, 8, silence_s=30, track=track))
        stage.clock.call_later(4, partial(stage.obey, Play("sim-1", 2, (Sound("a"),))))
        (take,) = recorded(stage)
        assert sounds(take.file) == [heard]


def test_a_file_is_what_its_head_says(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered(f"speech '{TEN_SECONDS}'", Record("sim-1", 1, 2.505, silence_s=9, channels=2))
    (take,) = recorded(stage)
    content = Path(take.file).read_bytes()
    facts = wav_facts(content, len(content))
    assert (recognise(content), facts.channels, facts.duration_s, len(content)) == ("audio/wav", 2, 2, 44 + 2_505 * 8 * 4)


def test_a_recording_that_begins_in_the_middle_of_things(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered("digits! 1", Play("sim-1", 1, (Silence(2), RingTone())))
    stage.clock.call_later(1, lambda: stage.obey(Record("sim-1", 2, 60, channels=2)))
    stage.clock.call_later(5, lambda: stage.obey(StopPlay("sim-1", 1)))
    stage.clock.call_later(7, lambda: stage.obey(HangUp("sim-1")))
    (take,) = recorded(stage)
    assert sounds(take.file) == ["......", ".xxx.."]


def test_two_who_talk_are_heard_by_each_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered(
        f"answer, wait 3s, speech '{'x' * 28}', wait 1s, hangup; callee: answer, speech '{TEN_SECONDS}'",
        Dial("b", "sim-1", "7000", "+1"),
        Record("sim-1", 1, 60, channels=2),
        Record("b", 1, 60, channels=2),
    )
    stage.clock.call_later(1, lambda: stage.obey(Bridge("sim-1", "b")))
    (caller, callee) = recorded(stage)
    assert (caller.leg, caller.why, caller.duration_s) == ("sim-1", "hangup", 6)
    assert sounds(caller.file) == ["...xxx", ".xxxxx"]
    assert sounds(callee.file)[0][:15] == ".xxxxxxxxxxx..."
    assert sounds(callee.file)[1][:15] == "...xxx........."


def test_what_is_being_said_when_a_recording_or_a_conversation_begins_is_in_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered("answer; callee: answer", Dial("b", "sim-1", "7000", "+1"), Record("sim-1", 1, 9, channels=2))
    stage.clock.call_later(2, lambda: stage.switch.act("b", Speak(TEN_SECONDS)))
    stage.clock.call_later(4, lambda: stage.obey(Bridge("sim-1", "b"), Record("b", 1, 5, silence_s=2, channels=2)))
    stage.clock.call_later(6, lambda: stage.obey(Record("sim-1", 2, 3, channels=2)))
    stage.clock.call_later(7, lambda: stage.switch.act("b", Speak("x")))
    (callee, caller, later) = sorted(recorded(stage), key=lambda take: take.leg + str(take.op))[:3]
    assert (callee.leg, callee.why, callee.duration_s) == ("b", "limit", 5)
    assert sounds(callee.file) == ["xxxx.", "....."]
    assert sounds(caller.file) == [".........", "....xxxx."]
    assert sounds(later.file) == ["...", "xx."]


def test_one_who_is_connected_with_somebody_else_hears_the_first_no_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered("answer; callee: answer", *(Dial(leg, "sim-1", "7000", "+1") for leg in "bc"), Record("sim-1", 1, 9, channels=2))
    stage.clock.call_later(2, lambda: stage.obey(Bridge("sim-1", "b"), Record("b", 1, 7, channels=2)))
    stage.clock.call_later(3, lambda: stage.switch.act("b", Speak("x" * 28)))
    stage.clock.call_later(4, lambda: stage.obey(Bridge("sim-1", "c")))
    stage.clock.call_later(7, lambda: stage.switch.act("sim-1", Speak("x" * 14)))
    assert [sounds(take.file) for take in recorded(stage)] == [[".......x.", "...x....."], [".xx....", "......."]]


def test_what_is_left_of_a_conversation_is_not_private_any_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered("answer, wait 3s, hangup; callee: answer", Privacy("sim-1", on=True), Dial("b", "sim-1", "7000", "+1"))
    stage.clock.call_later(2, lambda: stage.obey(Bridge("sim-1", "b"), Record("b", 1, 4, channels=2), Play("b", 2, (RingTone(),))))
    (take,) = recorded(stage)
    assert sounds(take.file) == ["....", ".xxx"]


def test_what_one_side_says_in_private_is_in_neither_sides_recording(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered(
        f"answer, wait 2s, speech '{TEN_SECONDS}'; callee: answer",
        Dial("b", "sim-1", "7000", "+1"),
        Record("sim-1", 1, 10, channels=2),
        Record("b", 1, 10, channels=2),
    )
    stage.clock.call_later(1, lambda: stage.obey(Bridge("sim-1", "b")))
    stage.clock.call_later(5, lambda: stage.obey(Privacy("sim-1", on=True), Privacy("sim-1", on=True)))
    stage.clock.call_later(8, lambda: stage.obey(Privacy("sim-1", on=False)))
    (caller, callee) = recorded(stage)
    assert sounds(caller.file) == ["..xxx...xx", ".........."]
    assert sounds(callee.file) == ["..........", "..xxx...xx"]


def test_a_recording_that_begins_in_private_holds_nothing_of_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered(f"speech '{TEN_SECONDS}'", Privacy("sim-1", on=True), Record("sim-1", 1, 5, silence_s=9))
    (take,) = recorded(stage)
    assert sounds(take.file) == ["....."]


def test_silence_takes_no_room(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.answered("answer", Record("sim-1", 1, 14_400, channels=2))
    (take,) = recorded(stage)
    state = Path(take.file).stat()
    assert (state.st_size, take.duration_s) == (44 + 14_400 * 8_000 * 4, 14_400)
    assert state.st_blocks * 512 < 1_000_000


def test_names_are_of_the_folder_and_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "when needed"
    stage = Stage(folder)
    for leg in ("../../a", "______a", "é" * 128, ""):
        stage.obey(Dial(leg, "", "1", "2"), Record(leg, 1, 0.0), Record(leg, 2, 0.0))
    files = [Path(take.file) for take in recorded(stage)]
    assert len(set(files)) == 8
    assert all(file.parent == folder and file.suffix == ".wav" for file in files)


def test_a_file_that_cannot_be_written_is_a_recording_that_failed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    stage = Stage(tmp_path / "file")
    stage.answered("answer", Record("sim-1", 1, 5))
    (take,) = recorded(stage)
    assert take == RecordEnded("sim-1", 1, "failed")
    assert stage.notes[-1][1].trouble
    assert "the recording cannot be written" in stage.notes[-1][1].text


def test_without_a_folder_there_is_no_file_and_the_rest_is_true() -> None:
    stage = Stage()
    stage.answered("answer", Record("sim-1", 1, 60, channels=2))
    stage.clock.call_later(7.999, lambda: stage.obey(StopRecord("sim-1", 1)))
    assert recorded(stage) == [RecordEnded("sim-1", 1, "stopped", duration_s=7, channels=2)]
