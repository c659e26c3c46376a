"""Keys and single tones in sound: all of them found in noise, none in speech."""

import math
import random

import pytest
from media_sounds import frames, linear, mixed, needs_espeak, noise, said, silence, talk

from ringback.switch.embedded.media.g711 import PCMA, PCMU, Law
from ringback.switch.embedded.media.inband import KeyListener, single_tone
from ringback.switch.embedded.media.keys import KEYS
from ringback.switch.embedded.media.tones import PAIRS, key_tone, tone

LAWS = pytest.mark.parametrize("law", [PCMU, PCMA], ids=lambda law: law.name)


def heard(sound: bytes, law: Law = PCMU) -> str:
    listener = KeyListener()
    return "".join(listener.hear(frame, law) or "" for frame in frames(sound, law))


def dial(keys: str, tone_ms: int = 100, pause_ms: int = 100) -> bytes:
    pause = silence(pause_ms / 1000)
    return pause + b"".join(key_tone(key, tone_ms // 20) + pause for key in keys)


@LAWS
def test_every_key(law: Law) -> None:
    assert heard(dial(KEYS), law) == KEYS


@LAWS
def test_the_same_key_twice_is_two(law: Law) -> None:
    assert heard(dial("1100##", 60, 60), law) == "1100##"


def test_a_key_that_is_held_is_one() -> None:
    assert heard(dial("5", 3_000)) == "5"


def test_a_dropped_frame_does_not_double_a_key() -> None:
    listener = KeyListener()
    sound: list[bytes | None] = [*frames(dial("5", 200), PCMU)]
    sound[8] = None
    assert "".join(listener.hear(frame, PCMU) or "" for frame in sound) == "5"


@pytest.mark.parametrize("ms", [50, 60, 100])
@pytest.mark.parametrize("snr", [30, 15])
def test_keys_in_noise(ms: int, snr: int) -> None:
    """Any phase against our frames, 1 % off in frequency, 6 dB of twist, from loud to soft."""
    rng = random.Random(ms + snr)
    found = 0
    for _ in range(48):
        key, loud, twist = rng.choice(KEYS), rng.choice((1_000, 4_000, 8_000)), 10 ** (rng.uniform(-6, 6) / 20)
        row, column = (f * (1 + rng.uniform(-0.01, 0.01)) for f in PAIRS[key])
        begin, count, spread = 400 + rng.randrange(160), ms * 8, loud * math.hypot(1, twist) / math.sqrt(2) / 10 ** (snr / 20)
        values = [rng.gauss(0, spread) for _ in range(begin + count + 800)]
        for n in range(count):
            values[begin + n] += loud * (math.sin(row * n * math.tau / 8_000) + twist * math.sin(1 + column * n * math.tau / 8_000))
        got = heard(linear(values))
        assert got in ("", key)
        found += got == key
    assert found >= 47


@LAWS
def test_no_keys_in_noise_alone(law: Law) -> None:
    assert heard(noise(20.0, 1_500), law) == ""


@LAWS
@pytest.mark.parametrize("seed", range(1, 9))
def test_no_keys_in_speech_like_sound(law: Law, seed: int) -> None:
    assert heard(talk(4.0, seed), law) == ""
    assert heard(mixed(talk(4.0, seed), talk(4.0, seed + 8)), law) == ""


@needs_espeak
@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-gb+m3", "de+f2", "fr", "es+f4"])
def test_no_keys_in_what_is_said(voice: str) -> None:
    text = "The quick brown fox jumps over the lazy dog. One two three four five six seven eight nine zero, star and hash. " * 2
    assert heard(said(text, voice)) == ""


def test_no_keys_in_tones_that_are_none() -> None:
    for waves in (
        [440, 480],
        [350, 440],
        [425],
        [1_000],
        [697],
        [1_336],
        [697, 770],
        [1_209, 1_336],
        [697, 770, 1_209],
        [733, 1_209],
    ):
        assert heard(tone([(hz, 1.0) for hz in waves], 0.5, 4_000)) == "", waves


def test_keys_over_a_faint_prompt() -> None:
    assert heard(mixed(dial("42"), linear([value * 0.1 for value in memoryview(talk(0.5)).cast("h")]))) == "42"


# Single tones
@LAWS
@pytest.mark.parametrize("hz", [320, 440, 697, 1_000, 1_100, 1_633, 2_100, 2_800])
@pytest.mark.parametrize("loud", [700, 6_000, 25_000])
def test_a_single_tone_is_known_by_its_frequency(law: Law, hz: int, loud: int) -> None:
    found = [single_tone(frame, law) for frame in frames(tone(((hz, 1.0),), 0.2, loud), law)]
    assert all(told is not None and abs(told - hz) < 8 for told in found)


@LAWS
@pytest.mark.parametrize(
    "sound",
    [
        silence(0.5),
        noise(0.5, 2_000),
        talk(4.0, 3),
        tone(((400, 1), (600, 1)), 0.5, 4_000),
        tone(((120, 1),), 0.5, 4_000),
        dial("159"),
    ],
    ids=["silence", "noise", "speech", "two tones", "hum", "keys"],
)
def test_what_is_no_single_tone(law: Law, sound: bytes) -> None:
    assert not any(single_tone(frame, law) for frame in frames(sound, law))
