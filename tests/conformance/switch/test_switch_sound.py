"""Playing, keys, listening, recording."""

import wave
from pathlib import Path

import pytest
from switch_benches import CALLED, CALLER, Bench

from ringback.calls.live import (
    Collect,
    Heard,
    HungUp,
    Incoming,
    Key,
    Listen,
    Play,
    PlayEnded,
    Privacy,
    Record,
    RecordEnded,
    RingTone,
    Silence,
    Speech,
    StopCollect,
    StopListening,
    StopPlay,
    StopRecord,
    Tones,
)

SECOND = (Silence(1.0),)
SENTENCE = "a sentence of three seconds, or nearly"


# Playing
async def test_everything_is_played_one_after_another_and_its_end_is_told_once(bench: Bench) -> None:
    caller = await bench.incoming()
    begun = bench.seconds()
    bench.obey(Play(caller.leg, 7, (Silence(0.5), Speech("Welcome."), Tones("1w2"), Silence(0.5))))
    await bench.until(lambda: bool(bench.of(caller.leg)))
    assert bench.seconds() - begun >= 1.4
    await bench.tells(caller.leg, PlayEnded(caller.leg, 7))


async def test_playing_nothing_ends_soon(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Play(caller.leg, 1, ()))
    await bench.tells(caller.leg, PlayEnded(caller.leg, 1))


async def test_a_second_prompt_waits_for_the_first(bench: Bench) -> None:
    caller = await bench.incoming()
    begun = bench.seconds()
    bench.obey(Play(caller.leg, 1, SECOND), Play(caller.leg, 2, SECOND))
    await bench.until(lambda: len(bench.of(caller.leg)) == 2)
    assert bench.seconds() - begun >= 1.9
    await bench.tells(caller.leg, PlayEnded(caller.leg, 1), PlayEnded(caller.leg, 2))


async def test_a_stopped_prompt_has_no_end_and_the_next_begins(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Play(caller.leg, 1, (Silence(30.0),)), Play(caller.leg, 2, SECOND))
    await bench.passes(0.2)
    bench.obey(StopPlay(caller.leg, 1))
    await bench.tells(caller.leg, PlayEnded(caller.leg, 2))


async def test_a_prompt_that_is_stopped_before_its_turn_is_never_played(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Play(caller.leg, 1, SECOND), Play(caller.leg, 2, SECOND), StopPlay(caller.leg, 2))
    await bench.passes(2.0)
    await bench.tells(caller.leg, PlayEnded(caller.leg, 1))


async def test_stopping_at_once_what_would_end_at_once(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Play(caller.leg, 1, ()), StopPlay(caller.leg, 1))
    await bench.passes(1.0)
    await bench.tells(caller.leg)


async def test_stopping_what_is_over_is_harmless(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Play(caller.leg, 1, ()))
    await bench.tells(caller.leg, PlayEnded(caller.leg, 1))
    bench.obey(StopPlay(caller.leg, 1), StopPlay(caller.leg, 99))
    await bench.tells(caller.leg, PlayEnded(caller.leg, 1))


async def test_a_ring_tone_sounds_until_it_is_stopped(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Play(caller.leg, 1, (RingTone("uk"),)))
    await bench.passes(4.0)
    bench.obey(StopPlay(caller.leg, 1), Play(caller.leg, 2, ()))
    await bench.tells(caller.leg, PlayEnded(caller.leg, 2))


async def test_early_media_before_the_answer(bench: Bench) -> None:
    caller = await bench.call_in(CALLER, CALLED)
    bench.obey(Play(caller.leg, 1, SECOND))
    await bench.tells(caller.leg, Incoming(caller.leg, CALLER, CALLED), PlayEnded(caller.leg, 1))


# Keys
async def test_keys_are_told_as_they_are_pressed_whatever_is_played(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Play(caller.leg, 1, (Silence(5.0),)), Collect(caller.leg, 2))
    await caller.press("1*#")
    await bench.tells(caller.leg, *(Key(caller.leg, key) for key in "1*#"), PlayEnded(caller.leg, 1))


@pytest.mark.parametrize("keys", ["0123456789", "*#ABCD", "11"])
async def test_every_key_is_known_and_the_same_one_twice_is_two(bench: Bench, keys: str) -> None:
    caller = await bench.incoming()
    bench.obey(Collect(caller.leg, 1))
    await caller.press(keys)
    await bench.tells(caller.leg, *(Key(caller.leg, key) for key in keys))


async def test_keys_that_nobody_wants_are_not_told(bench: Bench) -> None:
    caller = await bench.incoming()
    await caller.press("1")
    await bench.passes(1.0)
    bench.obey(Collect(caller.leg, 1))
    await caller.press("2")
    await bench.tells(caller.leg, Key(caller.leg, "2"))
    bench.obey(StopCollect(caller.leg, 1))
    await caller.press("3")
    await bench.passes(1.0)
    await bench.tells(caller.leg, Key(caller.leg, "2"))


async def test_a_key_that_ends_a_prompt(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.when_told(Key, StopPlay(caller.leg, 1), StopCollect(caller.leg, 2))
    bench.obey(Play(caller.leg, 1, (Silence(5.0),)), Collect(caller.leg, 2))
    await caller.press("12")
    await bench.passes(6.0)
    await bench.tells(caller.leg, Key(caller.leg, "1"))


async def test_keys_under_privacy_are_told_to_whoever_wants_them(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Privacy(caller.leg, on=True), Collect(caller.leg, 1))
    await caller.press("4")
    await bench.tells(caller.leg, Key(caller.leg, "4"))


async def test_a_key_shows_nothing_of_itself(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Collect(caller.leg, 1))
    await caller.press("7")
    await bench.tells(caller.leg, Key(caller.leg, "7"))
    assert "7" not in repr(Key("leg", "7"))


# Listening
async def test_what_is_said_is_heard(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Listen(caller.leg, 1))
    await caller.speak("sales")
    await bench.tells(caller.leg, Heard(caller.leg, 1, "sales"))


async def test_nothing_is_said_and_nothing_is_heard(bench: Bench) -> None:
    caller = await bench.incoming()
    begun = bench.seconds()
    bench.obey(Listen(caller.leg, 1, start_s=2.0))
    await bench.until(lambda: bool(bench.of(caller.leg)))
    assert 1.9 <= bench.seconds() - begun <= 4.0
    await bench.tells(caller.leg, Heard(caller.leg, 1, ""))


async def test_stopping_a_recogniser_silences_it(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Listen(caller.leg, 1, start_s=1.0))
    bench.obey(StopListening(caller.leg, 1))
    await caller.speak("sales")
    await bench.passes(4.0)
    await bench.tells(caller.leg)


async def test_a_caller_hangs_up_while_speaking(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Listen(caller.leg, 1))
    await caller.speak(SENTENCE)
    await bench.passes(0.5)
    await caller.hang_up()
    await bench.passes(6.0)
    assert [told for told in bench.of(caller.leg) if isinstance(told, HungUp)] == [HungUp(caller.leg, "completed", "caller")]


# Recording
async def test_a_recording_is_ended_by_silence(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Record(caller.leg, 1, limit_s=60, silence_s=2))
    await caller.speak(SENTENCE)
    (take,) = await bench.takes(caller.leg, RecordEnded(caller.leg, 1, "silence"))
    assert 3 <= take.duration_s <= 6


async def test_a_recording_of_nobody_is_ended_by_silence_too(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Record(caller.leg, 1, limit_s=60, silence_s=2))
    (take,) = await bench.takes(caller.leg, RecordEnded(caller.leg, 1, "silence"))
    assert take.duration_s in (2, 3)


async def test_a_recording_is_ended_by_its_limit(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Record(caller.leg, 1, limit_s=2))
    (take,) = await bench.takes(caller.leg, RecordEnded(caller.leg, 1, "limit"))
    assert take.duration_s in (1, 2)


async def test_a_recording_is_stopped_once(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Record(caller.leg, 1, limit_s=60, beep=True, channels=2))
    await bench.passes(2.5)
    bench.obey(StopRecord(caller.leg, 1), StopRecord(caller.leg, 1))
    (take,) = await bench.takes(caller.leg, RecordEnded(caller.leg, 1, "stopped", channels=2))
    assert take.duration_s in (1, 2)


async def test_a_recording_is_ended_by_the_caller_hanging_up(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Record(caller.leg, 1, limit_s=60, silence_s=5))
    await caller.speak(SENTENCE)
    await bench.passes(2.0)
    await caller.hang_up()
    (take,) = await bench.takes(caller.leg, RecordEnded(caller.leg, 1, "hangup"))
    assert take.duration_s in (1, 2)
    await bench.tells(caller.leg, HungUp(caller.leg, "completed", "caller"))


async def test_two_recordings_of_one_leg_have_an_end_each(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Record(caller.leg, 1, limit_s=3600, channels=2), Record(caller.leg, 2, limit_s=1))
    await bench.takes(caller.leg, RecordEnded(caller.leg, 2, "limit"))
    await caller.hang_up()
    await bench.takes(caller.leg, RecordEnded(caller.leg, 2, "limit"), RecordEnded(caller.leg, 1, "hangup", channels=2))


async def test_a_recording_of_a_leg_that_is_gone_fails(bench: Bench) -> None:
    caller = await bench.incoming()
    await caller.hang_up()
    await bench.tells(caller.leg, HungUp(caller.leg, "completed", "caller"))
    bench.obey(Record(caller.leg, 1, limit_s=60))
    (take,) = await bench.takes(caller.leg, RecordEnded(caller.leg, 1, "failed"))
    assert (take.file, take.duration_s) == ("", 0)


async def test_a_file_holds_both_sides_apart_and_nothing_of_what_is_private(bench: Bench) -> None:
    caller = await bench.incoming()
    bench.obey(Record(caller.leg, 1, limit_s=60, channels=2))
    await caller.speak(SENTENCE)
    await bench.passes(4.0)
    bench.obey(Privacy(caller.leg, on=True))
    await caller.speak(SENTENCE)
    await bench.passes(4.0)
    bench.obey(Privacy(caller.leg, on=False), Play(caller.leg, 2, (Speech(SENTENCE),)))
    await bench.passes(4.0)
    bench.obey(StopRecord(caller.leg, 1))
    (take,) = await bench.takes(caller.leg, RecordEnded(caller.leg, 1, "stopped", channels=2))
    said, heard = channels(take.file)
    assert loud(said, 0, 4)
    assert not loud(heard, 0, 4)
    assert not loud(said, 4, 8)
    assert not loud(said, 8, 12)
    assert loud(heard, 8, 12)


def channels(file: str) -> tuple[list[int], list[int]]:
    """Left and right, a sample every 10 ms."""
    with wave.open(str(Path(file)), "rb") as read:
        assert (read.getnchannels(), read.getsampwidth()) == (2, 2)
        step = read.getframerate() // 100
        samples = memoryview(read.readframes(read.getnframes())).cast("h")
    # A sample in the middle of a wave may be zero: the loudest of each 10 ms tells.
    frames = [samples[at : at + 2 * step] for at in range(0, len(samples) - 2 * step + 1, 2 * step)]
    return [max(map(abs, frame[::2])) for frame in frames], [max(map(abs, frame[1::2])) for frame in frames]


def loud(samples: list[int], from_s: int, to_s: int) -> bool:
    """Is there sound, the quarter of a second at both edges apart?"""
    return max(samples[from_s * 100 + 25 : to_s * 100 - 25]) > 500
