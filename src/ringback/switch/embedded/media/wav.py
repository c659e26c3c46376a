"""A WAV file that is whole at every moment: 16-bit linear PCM at 8 kHz (RIFF/WAVE, Microsoft and IBM, 1991).

Sound is appended and only then promised by the header, so that a process which is killed leaves a file that says less than it
holds, by one append at most; readers play it as it is. `mend` makes the header say all.
"""

import os
import struct
from pathlib import Path
from typing import Final

from ringback.switch.embedded.media.g711 import RATE

HEADER_BYTES: Final = 44
_LARGEST: Final = 0xFFFFFFFF
"""A size that does not fit its 32 bits stands so: readers take it for the rest of the file."""


class WavWriter:
    """Of a new file. Raises OSError, FileExistsError if it is there. Not for the loop's thread: it waits for the disk."""

    def __init__(self, path: Path, channels: int) -> None:
        self._channels = channels
        self._file = path.open("xb", buffering=0)
        self._size = 0
        self._file.write(header(channels, 0))

    def append(self, linear: bytes) -> None:
        """Whole samples of all channels."""
        view = memoryview(linear)
        while view:
            view = view[self._file.write(view) :]
        self._size += len(linear)
        self._file.seek(0)
        self._file.write(header(self._channels, self._size))
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Twice is once."""
        self._file.close()


def header(channels: int, size: int) -> bytes:
    """What stands before `size` bytes of sound."""
    frame = 2 * channels
    form = struct.pack("<HHIIHH", 1, channels, RATE, RATE * frame, frame, 16)
    riff, data = min(size + HEADER_BYTES - 8, _LARGEST), min(size, _LARGEST)
    return struct.pack("<4sI4s4sI16s4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16, form, b"data", data)


def mend(path: Path) -> int:
    """Makes the header of a file that was left behind say all that it holds; the bytes of sound that are now promised. What is no
    whole sample is cut off. Raises OSError, ValueError if it is none of ours."""
    with path.open("r+b") as file:
        head = file.read(HEADER_BYTES)
        channels = int.from_bytes(head[22:24], "little")
        ours = header(channels, 0)
        if len(head) < HEADER_BYTES or channels not in (1, 2) or (head[:4], head[8:40]) != (ours[:4], ours[8:40]):
            raise ValueError(f"no recording of ours: {path.name}")
        held = file.seek(0, os.SEEK_END) - HEADER_BYTES
        size = held - held % (2 * channels)
        file.truncate(HEADER_BYTES + size)
        file.seek(0)
        file.write(header(channels, size))
    return size
