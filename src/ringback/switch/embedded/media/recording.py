"""A recording of a leg: what came from it and what it heard, slot by slot, to a WAV file.

In the slot only references are kept. Once a second they go to a thread, one for all recordings, which decodes, mixes and writes; a
slot never waits for the disk. Recordings that began together do not go there together: a thread that has much to do at once would
hold up the slots. If the disk stands still for half a minute, the recording fails rather than eat the memory.
"""

import random
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Final, Literal

from ringback.calls.live import RecordEnd, Track
from ringback.switch.embedded.media.g711 import FRAME_S, RATE, SAMPLES, Law
from ringback.switch.embedded.media.voice import Voice
from ringback.switch.embedded.media.wav import WavWriter

_CHUNK: Final = 50
_MOST_WAITING: Final = 30

RecordDone = Callable[[RecordEnd, float], None]
"""Why it ended, and its length in seconds. `failed`: the file was not written, or not to its end."""


class Recording:
    """One in progress. `post` brings a call from the thread to the loop."""

    def __init__(
        self,
        path: Path,
        worker: Executor,
        post: Callable[[Callable[[], None]], None],
        done: RecordDone,
        *,
        limit_s: float,
        silence_s: float = 0.0,
        channels: Literal[1, 2] = 1,
        track: Track = "both",
    ) -> None:
        self._file = _File(path, channels, track)
        self._worker = worker
        self._post = post
        self._done = done
        self._limit = max(1, round(limit_s / FRAME_S))
        self._silence = round(silence_s / FRAME_S)
        self._voice = Voice()
        self._law: Law | None = None
        self._said: list[bytes] = []
        self._heard: list[bytes] = []
        self._slots = 0
        self._chunk = random.randrange(_CHUNK // 2, _CHUNK * 3 // 2)
        self._given = 0
        self._written = 0
        """Chunks; each counted by one thread alone."""
        self._ended = False

    def slot(self, said: bytes | None, heard: bytes | None, law: Law) -> bool:
        """One slot of it, in code; None: nothing. False: it has ended."""
        if self._ended:
            return False
        if law is not self._law:
            self._flush()
            self._law = law
        self._said.append(said or law.silence)
        self._heard.append(heard or law.silence)
        self._slots += 1
        if len(self._said) >= self._chunk:
            self._chunk = _CHUNK
            self._flush()
            if self._given - self._written > _MOST_WAITING:
                self._file.failed = True
        if self._file.failed:
            self.end("failed")
        elif self._slots >= self._limit:
            self.end("limit")
        elif self._silence:
            self._voice.feed(0 if said is None else law.level(said))
            if self._voice.quiet_slots >= self._silence:
                self.end("silence")
        return not self._ended

    def end(self, why: RecordEnd) -> None:
        """Once; its end is told when the file is written."""
        if self._ended:
            return
        self._ended = True
        self._flush()
        self._worker.submit(self._close, why)

    def _flush(self) -> None:
        law, said, heard = self._law, self._said, self._heard
        if law is not None and said:
            self._said, self._heard = [], []
            self._given += 1
            self._worker.submit(self._write, law, said, heard)

    # On the thread
    def _write(self, law: Law, said: list[bytes], heard: list[bytes]) -> None:
        self._file.write(law, b"".join(said), b"".join(heard))
        self._written += 1

    def _close(self, why: RecordEnd) -> None:
        seconds = self._file.close()
        self._post(lambda: self._done("failed" if self._file.failed else why, seconds))


class _File:
    """The thread's part."""

    def __init__(self, path: Path, channels: Literal[1, 2], track: Track) -> None:
        self.failed = False
        self._path = path
        self._channels = channels
        self._track = track
        self._writer: WavWriter | None = None
        self._slots = 0

    def write(self, law: Law, said: bytes, heard: bytes) -> None:
        """A chunk, in code."""
        if self.failed:
            return
        try:
            writer = self._writer = self._writer or WavWriter(self._path, self._channels)
            writer.append(self._linear(law, said, heard))
        except OSError:
            self.failed = True
            return
        self._slots += len(said) // len(law.silence)

    def _linear(self, law: Law, said: bytes, heard: bytes) -> bytes:
        if self._channels == 1:
            if self._track == "both":
                return law.mix(said, heard)
            return law.decode(said if self._track == "inbound" else heard)
        nothing = law.silence[:1] * len(said)
        left = law.decode(nothing if self._track == "outbound" else said)
        right = law.decode(nothing if self._track == "inbound" else heard)
        both = bytearray(2 * len(left))
        both[0::4], both[1::4], both[2::4], both[3::4] = left[::2], left[1::2], right[::2], right[1::2]
        return bytes(both)

    def close(self) -> float:
        """The seconds that were written. A recording of nothing is a file too."""
        try:
            if self._writer is None and not self.failed:
                self._writer = WavWriter(self._path, self._channels)
            if self._writer is not None:
                self._writer.close()
        except OSError:
            self.failed = True
        return self._slots * SAMPLES / RATE
