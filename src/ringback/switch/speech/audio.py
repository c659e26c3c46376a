"""Sound files to telephone sound, and back: what `miniaudio` does, bounded.

Files come from strangers. How long a file claims to be is not asked: it is decoded piece by piece, and given up where it is longer
than it may be. Everything here blocks: for threads.
"""

import math
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from sys import byteorder
from typing import Final

import miniaudio

from ringback.calls.audio import HEAD_BYTES, recognise
from ringback.switch.speech.port import SpeechFailed

RATE: Final = 8_000
BYTES_PER_S: Final = 2 * RATE
_PIECE_FRAMES: Final = 4 * RATE
_PLAYED: Final = ("audio/wav", "audio/mpeg")
_HIGH: Final = 6_000
_NOTICE: Final = ((480, 0.18), (0, 0.08), (380, 0.3))
"""(Hz, seconds) of the notice tone: falling, so that it is taken for no ringing and for no beep to speak after."""


def decode(data: bytes, most_s: float) -> bytes:
    """A WAV or MP3 file as PCM, empty if there is no sound in it.

    Raises SpeechFailed: it is neither, it is broken, it is longer than `most_s`.
    """
    pieces: list[bytes] = []
    left = int(most_s * BYTES_PER_S)
    for piece in pieces_of(data):
        left -= len(piece)
        if left < 0:
            raise SpeechFailed(f"the sound is longer than {_spoken(most_s)}")
        pieces.append(piece)
    return b"".join(pieces)


def pieces_of(source: bytes | Path) -> Iterator[bytes]:
    """A WAV or MP3 file, by its bytes or its place, as PCM, some seconds at a time.

    Raises SpeechFailed: it is neither, it is broken, it cannot be read.
    """
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                head = file.read(HEAD_BYTES)
        else:
            head = source[:HEAD_BYTES]
    except OSError:
        raise SpeechFailed("the file cannot be read") from None
    if recognise(head) not in _PLAYED:
        raise SpeechFailed("the file is neither WAV nor MP3")
    form = (miniaudio.SampleFormat.SIGNED16, 1, RATE, _PIECE_FRAMES)
    try:
        is_file = isinstance(source, Path)
        stream = miniaudio.stream_file(str(source), *form) if is_file else miniaudio.stream_memory(source, *form)
        for samples in stream:
            yield _bytes_of(samples)
    except miniaudio.MiniaudioError:
        raise SpeechFailed("the sound file is broken") from None


def loudest(pcm: bytes) -> int:
    """The largest sample's size."""
    samples = _samples(pcm)
    return max(map(abs, samples), default=0)


def energy(pcm: bytes) -> int:
    """How much of a sound it is: the sum of its samples' sizes."""
    return sum(map(abs, _samples(pcm)))


def wav(pcm: bytes) -> bytes:
    """PCM as a WAV file."""
    form = struct.pack("<HHIIHH", 1, 1, RATE, BYTES_PER_S, 2, 16)
    return struct.pack("<4sI4s4sI16s4sI", b"RIFF", len(pcm) + 36, b"WAVE", b"fmt ", 16, form, b"data", len(pcm)) + pcm


def notice() -> bytes:
    """What is heard in place of a text that cannot be said."""
    return b"".join(_tone(hz, seconds) for hz, seconds in _NOTICE)


def _tone(hz: int, seconds: float) -> bytes:
    """It swells and fades for 10 ms, so that it does not click."""
    length, edge = round(seconds * RATE), RATE // 100
    levels = (min(1.0, n / edge, (length - n) / edge) for n in range(length))
    return _bytes_of(array("h", (round(_HIGH * level * math.sin(2 * math.pi * hz * n / RATE)) for n, level in enumerate(levels))))


def _samples(pcm: bytes) -> "array[int]":
    samples = array("h", pcm)
    if byteorder == "big":
        samples.byteswap()
    return samples


def _bytes_of(samples: "array[int]") -> bytes:
    if byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
