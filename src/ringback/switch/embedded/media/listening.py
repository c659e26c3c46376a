"""Hearing one utterance: from its first word to the silence after it, as linear sound for a recogniser."""

from collections import deque
from collections.abc import Callable
from typing import Final

from ringback.switch.embedded.media.g711 import FRAME_S, Law
from ringback.switch.embedded.media.voice import Voice

END_S: Final = 0.8
"""The silence that ends an utterance if nobody said how long."""
LIMIT_S: Final = 60.0
_BEFORE: Final = 15
"""Frames before the onset that belong to it: a soft first consonant (0.3 s)."""

ListenDone = Callable[[bytes], None]
"""What was said, as linear sound; empty: nothing in time."""


class Listening:
    """Fed with each frame. `start_s`: how long a first word is waited for. `end_s`: the silence that ends it."""

    def __init__(self, start_s: float, end_s: float | None, limit_s: float) -> None:
        self._start = round(start_s / FRAME_S)
        self._end = max(1, round((END_S if end_s is None else end_s) / FRAME_S))
        self._limit = round(limit_s / FRAME_S)
        self._voice = Voice()
        self._frames: deque[bytes] | list[bytes] = deque(maxlen=_BEFORE)
        self._begun = False
        self._slots = 0

    def hear(self, frame: bytes | None, law: Law) -> bytes | None:
        """None: not yet. What was said, or nothing in time, once."""
        self._slots += 1
        coded = frame or law.silence
        self._frames.append(law.decode(coded))
        self._voice.feed(0 if frame is None else law.level(coded))
        if not self._begun:
            if self._voice.speaking:
                self._begun, self._frames, self._slots = True, list(self._frames), 0
            return b"" if not self._begun and self._slots >= self._start else None
        if self._voice.quiet_slots >= self._end or self._slots >= self._limit:
            return b"".join(self._frames)
        return None
