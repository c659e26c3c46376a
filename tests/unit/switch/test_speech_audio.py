"""Sound files to telephone sound."""

import contextlib
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.switch.speech.audio import BYTES_PER_S, RATE, decode, notice, wav
from ringback.switch.speech.port import SpeechFailed

MP3 = Path(__file__).parents[2] / "data" / "sounds" / "tone-1000hz-1s.mp3"


def tone(hz: float, seconds: float, rate: int = RATE, channels: int = 1) -> bytes:
    samples = (round(8_000 * math.sin(2 * math.pi * hz * n / rate)) for n in range(round(seconds * rate)))
    return b"".join(struct.pack("<h", sample) * channels for sample in samples)


def file(pcm: bytes, rate: int = RATE, channels: int = 1, kind: int = 1, bits: int = 16, claims: int | None = None) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)
    size = len(pcm) if claims is None else claims
    return struct.pack("<4sI4s4sI16s4sI", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, form, b"data", size) + pcm


def power(pcm: bytes, hz: float) -> float:
    """How much of a tone is in it: Goertzel's filter, 1.0 if it is nothing else."""
    samples = [s for (s,) in struct.iter_unpack("<h", pcm)]
    whole = sum(s * s for s in samples) or 1
    factor, before, last = 2 * math.cos(2 * math.pi * hz / RATE), 0.0, 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    return (last * last + before * before - factor * last * before) / (whole * len(samples) / 2)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (8_000, 2), (11_025, 1), (22_050, 1), (44_100, 2), (48_000, 1)])
def test_wav_of_any_rate_sounds_the_same(rate: int, channels: int) -> None:
    pcm = decode(file(tone(1_000, 1, rate, channels), rate, channels), 2)
    assert abs(len(pcm) - BYTES_PER_S) <= 40
    assert power(pcm, 1_000) > 0.98


def test_mp3() -> None:
    pcm = decode(MP3.read_bytes(), 5)
    assert 0.9 <= len(pcm) / BYTES_PER_S <= 1.2
    assert power(pcm, 1_000) > 0.9


@pytest.mark.parametrize("kind", [6, 7], ids=["A-law", "mu-law"])
def test_the_telephones_own_wav(kind: int) -> None:
    assert len(decode(file(b"\xd5\x55" * 4_000, kind=kind, bits=8), 2)) == BYTES_PER_S


@pytest.mark.parametrize("claims", [0xFFFFFFFF, 0x7FFFF000])
def test_a_length_that_a_stream_did_not_know(claims: int) -> None:
    pcm = tone(500, 0.5)
    assert decode(file(pcm, claims=claims), 2) == pcm


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "neither WAV nor MP3"),
        (b"<html>404</html>", "neither WAV nor MP3"),
        (b"OggS" + b"\0" * 100, "neither WAV nor MP3"),
        (b"RIFF\x24\0\0\0WAVE", "broken"),
        (file(b"", rate=0), "broken"),
        (b"ID3\x04\0\0\0\0\0\0" + b"x" * 200, "broken"),
        (file(tone(500, 3)), "longer than 2 seconds"),
        (file(b"\0\0" * 1_000_000, rate=1), "longer than 2 seconds"),
    ],
)
def test_what_is_not_played(data: bytes, said: str) -> None:
    with pytest.raises(SpeechFailed, match=said):
        decode(data, 2)


def test_a_file_without_sound() -> None:
    assert decode(file(b""), 2) == b""


def test_pcm_as_a_file_and_back() -> None:
    pcm = tone(700, 0.25)
    assert decode(wav(pcm), 1) == pcm


def test_the_notice_tone_can_be_heard() -> None:
    pcm = notice()
    samples = [s for (s,) in struct.iter_unpack("<h", pcm)]
    assert 0.3 < len(pcm) / BYTES_PER_S < 1
    assert max(samples) > 5_000
    assert abs(samples[0]) < 100
    assert abs(samples[-1]) < 100


@settings(max_examples=60, deadline=None)
@given(st.sampled_from((file(tone(500, 0.1, 44_100, 2), 44_100, 2), MP3.read_bytes()[:4_000])), st.data())
def test_a_file_that_was_tampered_with_never_gives_more_than_is_allowed(good: bytes, data: st.DataObject) -> None:
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SpeechFailed):
        assert len(decode(bytes(bad[: data.draw(st.integers(1, len(bad)))]), 3)) <= 3 * BYTES_PER_S
