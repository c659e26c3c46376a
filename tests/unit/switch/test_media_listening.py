"""When somebody speaks, and what one utterance is."""

import pytest
from media_sounds import frames, mixed, needs_espeak, noise, said, samples, silence, talk

from ringback.switch.embedded.media.g711 import PCMU
from ringback.switch.embedded.media.listening import Listening
from ringback.switch.embedded.media.voice import Voice


def levels(sound: bytes) -> list[int]:
    return [PCMU.level(frame) for frame in frames(sound, PCMU)]


def spoken(sound: bytes) -> list[bool]:
    voice = Voice()
    return [voice.feed(level) for level in levels(sound)]


def test_a_voice_begins_and_ends() -> None:
    speaking = spoken(silence(1) + talk(1, 2) + silence(1))
    assert not any(speaking[:50])
    assert all(speaking[60:95])
    assert not any(speaking[115:])


def test_how_long_was_spoken_and_how_long_not() -> None:
    voice = Voice()
    for level in levels(silence(1) + talk(1.5, 2) + silence(0.7)):
        voice.feed(level)
    assert voice.spoken_slots == pytest.approx(75, abs=5)
    assert voice.quiet_slots == pytest.approx(35, abs=5)


def test_a_click_is_no_voice() -> None:
    assert not any(spoken(silence(1) + b"\xff\x7f" * 300 + silence(1)))


@pytest.mark.parametrize("rms", [10, 60, 130])
def test_a_line_may_hum(rms: int) -> None:
    assert not any(spoken(noise(6, rms)))
    speaking = spoken(mixed(silence(3) + talk(1, 2) + silence(3), noise(7, rms)))
    assert not any(speaking[:148])
    assert any(speaking[150:200])
    assert not any(speaking[220:])


def test_loud_noise_is_silence_once_it_is_known() -> None:
    speaking = spoken(noise(6, 400))
    assert not any(speaking[130:])


def test_what_is_loud_is_a_voice_however_long() -> None:
    assert all(spoken(talk(20, 3))[10:])
    assert all(spoken(noise(20, 6_000))[10:])


def heard(sound: bytes, start_s: float = 5.0, end_s: float | None = None, limit_s: float = 60.0) -> tuple[bytes | None, float]:
    listening = Listening(start_s, end_s, limit_s)
    for slot, frame in enumerate(frames(sound, PCMU)):
        said = listening.hear(frame, PCMU)
        if said is not None:
            return said, (slot + 1) / 50
    return None, len(sound) / 16_000


def test_an_utterance_is_given_with_what_was_just_before_it() -> None:
    sound, at = heard(silence(1) + talk(1.5, 2) + silence(3), end_s=1.0)
    assert at == pytest.approx(3.5, abs=0.1)
    assert sound is not None
    values = samples(sound)
    assert len(values) / 8_000 == pytest.approx(2.75, abs=0.15)
    assert max(map(abs, values[:1_600])) < 300
    assert max(map(abs, values[2_400:14_000])) > 3_000


def test_it_ends_by_itself() -> None:
    assert heard(talk(1.5, 2) + silence(3))[1] == pytest.approx(2.3, abs=0.1)


def test_nothing_in_time_is_nothing() -> None:
    assert heard(silence(10), start_s=2) == (b"", pytest.approx(2.0, abs=0.05))
    assert heard(silence(3) + talk(1, 2), start_s=2)[0] == b""


def test_whoever_speaks_on_and_on_is_cut() -> None:
    sound, at = heard(talk(10, 2), limit_s=4)
    assert at == pytest.approx(4.1, abs=0.2)
    assert len(sound or b"") / 16_000 == pytest.approx(4.1, abs=0.2)


def test_lost_frames_are_silence() -> None:
    listening = Listening(5.0, 0.5, 60.0)
    for frame in frames(talk(1, 2), PCMU):
        assert listening.hear(frame, PCMU) is None
    said = [listening.hear(None, PCMU) for _ in range(30)]
    assert any(said)


@needs_espeak
def test_a_spoken_answer_is_one_utterance() -> None:
    sound, _ = heard(silence(0.5) + said("I would like to speak to somebody in sales, please.") + silence(3))
    assert sound is not None
    assert 2.5 <= len(sound) / 16_000 <= 5.0
