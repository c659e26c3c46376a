"""What can be played: tones, sources, and the queue that plays them."""

from collections.abc import Callable
from itertools import groupby

import pytest
from media_sounds import samples, share

from ringback.switch.embedded.media.g711 import PCMA, PCMU, Law
from ringback.switch.embedded.media.player import Player
from ringback.switch.embedded.media.sources import Clip, Dialled, Frames, Growing, Pressed, Quiet, beep, key_frame, ring_tone
from ringback.switch.embedded.media.tones import PAIRS, RINGING, key_tone, ringing, tone

COUNTRIES = "au be cn cz de dk es fi fr hu il in jp pl uk us"


@pytest.mark.parametrize("country", COUNTRIES.split())
def test_every_country_rings(country: str) -> None:
    waves, cadence = RINGING[country]
    sound = samples(ringing(country))
    assert len(sound) == round(sum(cadence) * 8_000)
    loud = [max(map(abs, sound[at : at + 80])) > 500 for at in range(0, len(sound), 80)]
    runs = [(on, len(list(run)) / 100) for on, run in groupby(loud)]
    assert [seconds for _, seconds in runs] == pytest.approx(cadence, abs=0.02)
    assert [on for on, _ in runs] == [True, False] * (len(cadence) // 2)
    assert sum(share(sound[:3_200], hz) for hz, _ in waves) > 0.95


def test_an_unknown_country_rings_as_the_us() -> None:
    assert ring_tone("xx") is ring_tone("us")


@pytest.mark.parametrize("key", PAIRS)
def test_a_key_sounds_as_its_two_tones(key: str) -> None:
    sound = samples(key_tone(key, 5))
    assert len(sound) == 800
    assert [share(sound, hz) for hz in PAIRS[key]] == pytest.approx([0.5, 0.5], abs=0.05)


def test_a_tone_of_no_whole_frequency_and_one_that_is_too_loud() -> None:
    assert share(samples(tone(((440.5, 1.0),), 1.0, 4_000)), 440.5) > 0.99
    assert max(samples(tone(((1_000, 1.0), (500, 1.0)), 0.1, 30_000))) == 32_767
    assert tone(((1_000, 1.0),), 0.0, 4_000) == b""


def test_the_beep() -> None:
    cursor = beep().begin()
    frames = list(iter(lambda: cursor.take(PCMU), None))
    assert len(frames) == 10
    assert share(samples(PCMU.decode(b"".join(f for f in frames if isinstance(f, bytes)))), 1_000) > 0.95


def taken(source: Clip | Quiet | Dialled | Growing | Frames, most: int = 1_000, law: Law = PCMU) -> list[bytes | Pressed]:
    cursor = source.begin()
    frames = []
    while len(frames) < most and (frame := cursor.take(law)) is not None:
        frames.append(frame)
    return frames


def test_a_clip_is_coded_once_for_all_legs_and_for_each_law() -> None:
    clip = Clip(tone(((400, 1.0),), 0.05, 4_000))
    first, again, other = taken(clip), taken(clip), taken(clip, law=PCMA)
    assert len(first) == len(clip) == 3
    assert all(a is b for a, b in zip(first, again, strict=True))
    assert first != other
    assert isinstance(first[2], bytes)
    assert first[2].endswith(PCMU.silence[:80])


def test_clips_of_nothing_and_without_end() -> None:
    assert taken(Clip(b"")) == []
    assert taken(Clip(b"", again=True)) == []
    assert len(taken(Clip(bytes(640), again=True), most=7)) == 7


def test_keys_and_what_is_none() -> None:
    steps = taken(Dialled("1wx#"))
    assert [(step.key, step.slot) if isinstance(step, Pressed) else "" for step in steps] == [
        *(("1", slot) for slot in range(7)), "", "", "", *[""] * 25, *(("#", slot) for slot in range(7)), "", "", "",
    ]  # fmt: skip
    assert key_frame(Pressed("1", 0), PCMU) != PCMU.silence
    assert key_frame(Pressed("1", 5), PCMA) == PCMA.silence
    assert taken(Dialled("a"))[0].key == "A"  # type: ignore[union-attr]


def test_silence_and_frames() -> None:
    assert taken(Quiet(0.1)) == [PCMU.silence] * 5
    assert taken(Quiet(-1)) == []
    assert taken(Frames(iter([b"\0\x10" * 200, b""]))) == [PCMU.encode(b"\0\x10" * 160), PCMU.silence]


def test_sound_that_grows() -> None:
    growing = Growing()
    cursor = growing.begin()
    assert cursor.take(PCMU) == PCMU.silence
    growing.feed(b"\0\x10" * 200)
    assert cursor.take(PCMU) == PCMU.encode(b"\0\x10" * 160)
    assert cursor.take(PCMU) == PCMU.silence
    growing.end("lost")
    assert cursor.take(PCMU) == PCMU.encode((b"\0\x10" * 40).ljust(320, b"\0"))
    assert cursor.take(PCMU) is None
    assert growing.error == "lost"


class Desk:
    """A player, what it told, and what it is to tell at the end of the slot."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.told: list[tuple[int, str]] = []
        self.player = Player(self.soon.append)

    def play(self, op: int, *sources: object) -> None:
        self.player.play(op, sources, lambda error: self.told.append((op, error)))  # type: ignore[arg-type]

    def slot(self) -> bytes | Pressed | None:
        frame = self.player.take(PCMU)
        while self.soon:
            self.soon.pop(0)()
        return frame


def test_things_are_played_one_after_another() -> None:
    desk = Desk()
    one, two = b"\0\x10" * 160, b"\0\x20" * 160
    desk.play(1, one, Quiet(0.0), two)
    desk.play(2, two)
    assert desk.slot() == PCMU.encode(one)
    assert desk.slot() == PCMU.encode(two)
    assert desk.told == []
    assert desk.slot() == PCMU.encode(two)
    assert desk.told == [(1, "")]
    assert desk.slot() is None
    assert desk.told == [(1, ""), (2, "")]
    assert not desk.player.busy


def test_nothing_ends_soon_but_not_at_once() -> None:
    desk = Desk()
    desk.play(1)
    assert desk.told == []
    assert desk.slot() is None
    assert desk.told == [(1, "")]


def test_errors_are_told_together() -> None:
    desk = Desk()
    failed = Growing()
    failed.end("no voice")
    broken = Growing()
    broken.end("no file")
    desk.play(1, failed, Quiet(0.02), broken)
    assert desk.slot() == PCMU.silence
    assert desk.slot() is None
    assert desk.told == [(1, "no voice; no file")]


def test_what_is_stopped_tells_nothing_though_it_has_just_ended() -> None:
    desk = Desk()
    desk.play(1, Quiet(0.02))
    desk.play(2, Quiet(0.02))
    desk.player.take(PCMU)
    desk.player.take(PCMU)  # 1 has ended, and is about to be told
    desk.player.stop(1)
    desk.player.stop(2)
    desk.player.stop(3)
    assert desk.slot() is None
    assert desk.told == []
    desk.play(4, Quiet(0.02))
    desk.player.stop_all()
    assert desk.slot() is None
    assert desk.told == []
