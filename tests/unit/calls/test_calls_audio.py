"""What a recording's first bytes say."""

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.audio import EXTENSIONS, HEAD_BYTES, WavFacts, known_type, recognise, wav_facts


def wav(seconds: float, channels: int = 1, rate: int = 8000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(int(seconds * rate) * channels * 2))
    return out.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (wav(0.01)[:HEAD_BYTES], "audio/wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
        (b"RIFF\x24\x00\x00\x00AVI LIST", None),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00rest..", "audio/mpeg"),
        (b"\xff\xfb\x90\x64rest of frame", "audio/mpeg"),
        (b"\xff\xf3\x40\xc0", "audio/mpeg"),
        (b"\xff\xf8\x90\x64layer reserved", None),
        (b"\xff\xeb\x90\x64version reserved", None),
        (b"\xff\xfb\xf0\x64bit rate reserved", None),
        (b"\xff\xfb\x9c\x64sampling reserved", None),
        (b"\xff\xfb", None),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"<!DOCTYPE html>", None),
        (b"fLaC\x00\x00\x00\x22", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_the_kind(head: bytes, kind: str | None) -> None:
    assert recognise(head) == kind


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("audio/wav", "audio/wav"),
        ("Audio/X-WAV", "audio/wav"),
        ("audio/mpeg; rate=8000", "audio/mpeg"),
        ("audio/mp3", "audio/mpeg"),
        ("application/ogg", "audio/ogg"),
        ("audio/flac", None),
        ("application/octet-stream", None),
        ("", None),
    ],
)
def test_a_content_type_has_one_name_here(header: str, kind: str | None) -> None:
    assert known_type(header) == kind
    assert kind is None or kind in EXTENSIONS


@pytest.mark.parametrize(("seconds", "channels", "whole"), [(2.0, 1, 2), (2.99, 2, 2), (0.5, 1, 0), (61.0, 2, 61)])
def test_a_wav_file_tells_its_length_and_channels(seconds: float, channels: int, whole: int) -> None:
    file = wav(seconds, channels)
    assert wav_facts(file[:4096], len(file)) == WavFacts(channels, whole)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_wav_file_whose_writer_never_said_its_length_is_as_long_as_the_file(length: int) -> None:
    file = bytearray(wav(3.0))
    file[40:44] = length.to_bytes(4, "little")
    assert wav_facts(bytes(file[:4096]), len(file)) == WavFacts(1, 3)


def test_what_lies_behind_the_head_is_not_known() -> None:
    file = wav(1.0)
    long_list = b"LIST" + (9001).to_bytes(4, "little") + bytes(9002)
    shifted = file[:36] + long_list + file[36:]
    assert wav_facts(shifted[:4096], len(shifted)) == WavFacts(1, None)
    assert wav_facts(shifted, len(shifted)) == WavFacts(1, 1)
    assert wav_facts(file[:20], len(file)) == WavFacts(None, None)


@given(st.binary(max_size=300), st.integers(0, 1000))
def test_any_bytes_are_read_without_harm(head: bytes, size: int) -> None:
    recognise(head)
    wav_facts(b"RIFF\0\0\0\0WAVE" + head, size)
