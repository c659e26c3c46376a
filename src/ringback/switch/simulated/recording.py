"""What is recorded of a simulated call: when somebody spoke, and a WAV file that sounds then and is silent otherwise.

Format: RIFF/WAVE, 16-bit linear PCM at 8 kHz, as a telephone's ear has it.
"""

import math
import struct
from collections.abc import Iterable
from contextlib import suppress
from itertools import count, pairwise
from pathlib import Path
from typing import BinaryIO, Final

from ringback.calls.live import Record

RATE: Final = 8_000
_SAMPLE_BYTES: Final = 2
_PER_MS: Final = RATE // 1000
_LOUD: Final = 8_000
_PERIOD: Final = 80
"""Samples after which every tone that is used here begins anew (10 ms)."""
SAID_HZ: Final = 400
HEARD_HZ: Final = 700
_LONGEST_NAME: Final = 100


class Span:
    """A time in which a side is to be heard, in Unix milliseconds. Whoever stops earlier than planned sets `end_ms`."""

    __slots__ = ("begin_ms", "end_ms")

    def __init__(self, begin_ms: int, end_ms: int) -> None:
        self.begin_ms = begin_ms
        self.end_ms = end_ms


class Take:
    """One recording in progress. `begin_ms` None: its beep is not over."""

    def __init__(self, order: Record) -> None:
        self.order = order
        self.begin_ms: int | None = None
        self.said: list[Span] = []
        self.heard: list[Span] = []
        self.hidden: list[Span] = []
        """When privacy was on."""

    @property
    def wants_words(self) -> bool:
        """Is it a message that somebody is to speak now? Whole calls are recorded without a beep, and no silence ends them."""
        return self.begin_ms is not None and (self.order.beep or self.order.silence_s > 0)

    def duration_ms(self, end_ms: int) -> int:
        """How long it is if it ends then."""
        return 0 if self.begin_ms is None else max(0, end_ms - self.begin_ms)

    def write(self, folder: Path, end_ms: int) -> Path:
        """Writes the file, under a name that is not there yet. Raises OSError."""
        path, file = _new_file(folder, f"{_safe(self.order.leg)}-{self.order.op}")
        try:
            with file:
                self._write(file, end_ms)
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
        return path

    def _write(self, file: BinaryIO, end_ms: int) -> None:
        begin_ms, channels = self.begin_ms or 0, self.order.channels
        frame = _SAMPLE_BYTES * channels
        size = self.duration_ms(end_ms) * _PER_MS * frame
        file.write(_header(channels, size))
        for from_ms, to_ms, said, heard in self._stretches(begin_ms, begin_ms + self.duration_ms(end_ms)):
            file.seek(_HEADER_BYTES + (from_ms - begin_ms) * _PER_MS * frame)
            pattern = _pattern(channels, said, heard)
            for at_ms in range(from_ms, to_ms, 1000):
                file.write(pattern * ((min(1000, to_ms - at_ms) + 9) // 10))
        # Silence is never written: it is what lies between, and the file is cut where a pattern went over its end.
        file.truncate(_HEADER_BYTES + size)

    def _stretches(self, begin_ms: int, end_ms: int) -> Iterable[tuple[int, int, bool, bool]]:
        """(from, to, did the leg speak, did it hear something), where something is to be heard."""
        track = self.order.track
        said = self.said if track != "outbound" else []
        heard = self.heard if track != "inbound" else []
        edges = {edge for span in (*said, *heard, *self.hidden) for edge in (span.begin_ms, span.end_ms)}
        times = sorted({begin_ms, end_ms, *(edge for edge in edges if begin_ms < edge < end_ms)})
        for from_ms, to_ms in pairwise(times):
            if not _covers(self.hidden, from_ms):
                sounds = _covers(said, from_ms), _covers(heard, from_ms)
                if any(sounds):
                    yield from_ms, to_ms, *sounds


def _covers(spans: list[Span], at_ms: int) -> bool:
    return any(span.begin_ms <= at_ms < span.end_ms for span in spans)


_HEADER_BYTES: Final = 44


def _header(channels: int, size: int) -> bytes:
    frame = _SAMPLE_BYTES * channels
    form = struct.pack("<HHIIHH", 1, channels, RATE, RATE * frame, frame, 8 * _SAMPLE_BYTES)
    # A size that does not fit its 32 bits stands at its largest, which readers take for "the rest of the file".
    return struct.pack(
        "<4sI4s4sI16s4sI", b"RIFF", min(size + 36, 0xFFFFFFFF), b"WAVE", b"fmt ", 16, form, b"data", min(size, 0xFFFFFFFF)
    )


def _tone(hz: int, on: bool) -> list[int]:
    return [round(_LOUD * math.sin(2 * math.pi * hz * n / RATE)) if on else 0 for n in range(_PERIOD)]


def _pattern(channels: int, said: bool, heard: bool) -> bytes:
    """10 ms of sound."""
    left, right = _tone(SAID_HZ, said), _tone(HEARD_HZ, heard)
    samples = (
        [s for pair in zip(left, right, strict=True) for s in pair] if channels == 2 else map(sum, zip(left, right, strict=True))
    )
    return b"".join(struct.pack("<h", sample) for sample in samples)


def _safe(name: str) -> str:
    """A leg's id as part of a file's name: it may hold anything."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)[:_LONGEST_NAME]


def _new_file(folder: Path, stem: str) -> tuple[Path, BinaryIO]:
    """Never another recording's: two ids may look alike once they are made safe."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = folder / (f"{stem}.wav" if number == 1 else f"{stem}-{number}.wav")
        with suppress(FileExistsError):
            return path, path.open("xb")
    raise AssertionError
