"""A jitter buffer: packets come when they come, a frame leaves each 20 ms.

It keeps frames by their place on a grid of 160 samples, so that packets of 10, 30 or 60 ms do as well. It begins to speak when
`depth` frames wait (40 ms at first; a frame more whenever one came too late, to 100 ms; back again after ten good seconds). A
lost frame is replaced by the one before, once; then there is silence. When nothing waits, it begins anew: a talker who paused is
not held to the old grid. It never holds more than `_MOST` frames: after a stall the oldest go.
"""

from typing import Final

from ringback.switch.embedded.media.g711 import SAMPLES

_SHALLOWEST: Final = 2
_DEEPEST: Final = 5
_MOST: Final = 10
_AHEAD: Final = 25
_BEHIND: Final = 100
"""Frames: a timestamp that leaps further than these (0.5 s, 2 s) is no delay but another clock."""
_PATIENCE: Final = 5
"""So many packets in a row that are too late are right, and we are wrong."""
_GOOD: Final = 500
"""Frames (10 s) without a late one, after which a depth is too deep."""


class Jitter:
    """See the module. What it holds are frames of code; `silence` fills what a short packet leaves open."""

    def __init__(self, silence: bytes) -> None:
        self.silence = silence
        self.late = 0
        self.lost = 0
        self.dropped = 0
        """Frames given up to keep the delay bounded."""
        self._frames: dict[int, bytes | bytearray] = {}
        self._base = 0
        """The timestamp of place 0."""
        self._next = 0
        self._speaking = False
        self._waited = 0
        self._last: bytes | None = None
        self._depth = _SHALLOWEST
        self._good = 0
        self._surplus = 0
        self._too_late = 0

    def reset(self) -> None:
        """Another stream begins."""
        self._frames.clear()
        self._last, self._speaking = None, False
        self._too_late = 0

    def put(self, timestamp: int, payload: bytes) -> None:
        """A packet of sound; `timestamp` is its first sample's."""
        if not self._frames and not self._speaking:
            self._anchor(timestamp)
        offset = (timestamp - self._base + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        place, within = divmod(offset, SAMPLES)
        ahead = place - self._next
        if not -_BEHIND < ahead < _AHEAD:
            self.reset()
            self._anchor(timestamp)
            place = within = ahead = 0
        if ahead < 0 and self._speaking:
            self._was_late(timestamp, payload)
            return
        self._too_late = 0
        if within == 0 and len(payload) == SAMPLES:
            self._frames.setdefault(place, payload)
        else:
            self._pieces(place, within, payload)
        if ahead >= _MOST:
            self._skip_to(place - self._depth + 1)

    def take(self) -> bytes | None:
        """The frame of this slot. None: there is nothing to be heard."""
        frames = self._frames
        if not self._speaking:
            if not frames:
                self._last = None
                return None
            self._waited += 1
            if len(frames) < self._depth and self._waited < self._depth:
                return None
            self._speaking = True
            self._next = min(frames)
        frame = frames.pop(self._next, None)
        if frame is None:
            return self._conceal()
        self._next += 1
        self._last = frame if isinstance(frame, bytes) else bytes(frame)
        self._settle(len(frames))
        return self._last

    def _anchor(self, timestamp: int) -> None:
        """This sample begins a frame."""
        self._base, self._next, self._waited = timestamp, 0, 0

    def _conceal(self) -> bytes | None:
        if self._frames:
            self.lost += 1
            self._next += 1
        else:
            self._speaking = False
        last, self._last = self._last, None
        return last

    def _was_late(self, timestamp: int, payload: bytes) -> None:
        self.late += 1
        self._good = 0
        self._depth = min(_DEEPEST, self._depth + 1)
        self._too_late += 1
        if self._too_late >= _PATIENCE:
            self.reset()
            self.put(timestamp, payload)

    def _pieces(self, place: int, within: int, payload: bytes) -> None:
        """A packet that is not just one frame on the grid."""
        at = 0
        while at < len(payload):
            piece = payload[at : at + SAMPLES - within]
            frame = self._frames.get(place)
            if not isinstance(frame, bytearray):
                frame = self._frames[place] = bytearray(frame or self.silence)
            frame[within : within + len(piece)] = piece
            at += len(piece)
            place, within = place + 1, 0

    def _skip_to(self, place: int) -> None:
        for old in [key for key in self._frames if key < place]:
            del self._frames[old]
            self.dropped += 1
        self._next = max(self._next, place)

    def _settle(self, waiting: int) -> None:
        """After a good frame: a delay that is not needed goes, a frame at a time."""
        self._good += 1
        if self._good >= _GOOD:
            self._good = 0
            self._depth = max(_SHALLOWEST, self._depth - 1)
        # The sender's clock is faster, or a burst left a queue: more than is needed, all through a second.
        self._surplus = self._surplus + 1 if waiting > self._depth else 0
        if self._surplus >= 50:
            self._surplus = 0
            self._skip_to(self._next + 1)
