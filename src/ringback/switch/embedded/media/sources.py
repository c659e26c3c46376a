"""What can be played: sources, and the cursors that give their frames to one leg.

A source may be played to many legs at once (`Clip`, tones, silence) or to one (`Growing`, an iterator). A cursor gives code, since
that is what is sent: a clip is coded frame by frame when it is first needed, and once for all legs.
"""

from collections.abc import Iterator
from functools import cache
from typing import Protocol

from ringback.switch.embedded.media import tones
from ringback.switch.embedded.media.g711 import FRAME_BYTES, FRAME_S, Law
from ringback.switch.embedded.media.keys import END_PACKETS, KEYS, TONE_SLOTS


class Pressed:
    """The slot of a key that is being sent: as an event, or as its tone where the far end knows no events."""

    __slots__ = ("key", "slot")

    def __init__(self, key: str, slot: int) -> None:
        self.key = key
        self.slot = slot


class Cursor(Protocol):
    """Where one leg is in a source."""

    def take(self, law: Law) -> bytes | Pressed | None:
        """The next frame. None: it is over."""
        ...


class Source(Protocol):
    """`error`: why it was not played as it should, in plain words, once it is over."""

    error: str

    def begin(self) -> Cursor: ...


class Clip:
    """Linear sound, 16-bit little-endian mono at 8 kHz; `again`: without end, from its beginning."""

    error = ""

    def __init__(self, linear: bytes, again: bool = False) -> None:
        self.again = again and bool(linear)
        whole = -(-len(linear) // FRAME_BYTES) * FRAME_BYTES
        self._linear = linear.ljust(whole, b"\0")
        self._coded: dict[str, list[bytes | None]] = {}

    def __len__(self) -> int:
        """In frames."""
        return len(self._linear) // FRAME_BYTES

    def begin(self) -> Cursor:
        """Any number of times."""
        return _InClip(self)

    def frame(self, law: Law, number: int) -> bytes:
        """One of its frames, as code."""
        frames = self._coded.get(law.name)
        if frames is None:
            frames = self._coded[law.name] = [None] * len(self)
        frame = frames[number]
        if frame is None:
            frame = frames[number] = law.encode(self._linear[number * FRAME_BYTES : (number + 1) * FRAME_BYTES])
        return frame


class _InClip:
    __slots__ = ("_at", "_clip")

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._at = 0

    def take(self, law: Law) -> bytes | None:
        if self._at == len(self._clip):
            if not self._clip.again:
                return None
            self._at = 0
        self._at += 1
        return self._clip.frame(law, self._at - 1)


class Quiet:
    """Silence, for so many seconds."""

    error = ""

    def __init__(self, seconds: float) -> None:
        self._slots = round(seconds / FRAME_S)

    def begin(self) -> Cursor:
        """Any number of times."""
        return _Steps(iter([None] * self._slots))


class Dialled:
    """Keys: 100 ms each and 100 ms between them; `w` waits half a second. What is no key is left out."""

    error = ""

    def __init__(self, keys: str) -> None:
        self._keys = keys.upper()

    def begin(self) -> Cursor:
        """Any number of times."""
        return _Steps(self._steps())

    def _steps(self) -> Iterator[Pressed | None]:
        for key in self._keys:
            if key == "W":
                yield from [None] * round(0.5 / FRAME_S)
            elif key in KEYS:
                yield from (Pressed(key, slot) for slot in range(TONE_SLOTS + END_PACKETS - 1))
                yield from [None] * (TONE_SLOTS - END_PACKETS + 1)


class _Steps:
    """None is a slot of silence."""

    __slots__ = ("_steps",)

    def __init__(self, steps: Iterator[Pressed | None]) -> None:
        self._steps = steps

    def take(self, law: Law) -> bytes | Pressed | None:
        for step in self._steps:
            return law.silence if step is None else step
        return None


class Growing:
    """Linear sound that is still being made, for one leg: silence while it is behind. Fed and ended on the loop's thread."""

    def __init__(self) -> None:
        self.error = ""
        self._waiting = bytearray()
        self._ended = False

    def feed(self, linear: bytes) -> None:
        """More of it, in pieces of any size."""
        self._waiting += linear

    def end(self, error: str = "") -> None:
        """That was all."""
        self._ended = True
        self.error = error

    def begin(self) -> Cursor:
        """Once."""
        return self

    def take(self, law: Law) -> bytes | None:
        """The next frame."""
        waiting = self._waiting
        if len(waiting) < FRAME_BYTES:
            if not self._ended:
                return law.silence
            if not waiting:
                return None
        frame = bytes(waiting[:FRAME_BYTES])
        del waiting[:FRAME_BYTES]
        return law.encode(frame.ljust(FRAME_BYTES, b"\0"))


class Frames:
    """Linear frames from an iterator that never blocks, for one leg."""

    error = ""

    def __init__(self, frames: Iterator[bytes]) -> None:
        self._frames = frames

    def begin(self) -> Cursor:
        """Once."""
        return self

    def take(self, law: Law) -> bytes | None:
        """The next frame; a short one is filled with silence."""
        frame = next(self._frames, None)
        return None if frame is None else law.encode(frame[:FRAME_BYTES].ljust(FRAME_BYTES, b"\0"))


@cache
def _ringing(country: str) -> Clip:
    return Clip(tones.ringing(country), again=True)


def ring_tone(country: str) -> Clip:
    """What a caller hears while it rings there; one that is unknown is `us`."""
    return _ringing(country if country in tones.RINGING else "us")


@cache
def beep() -> Clip:
    """What is heard before a recording."""
    return Clip(tones.beep())


@cache
def _key_clip(key: str) -> Clip:
    return Clip(tones.key_tone(key, TONE_SLOTS))


def key_frame(pressed: Pressed, law: Law) -> bytes:
    """A slot of a key as it sounds."""
    return _key_clip(pressed.key).frame(law, pressed.slot) if pressed.slot < TONE_SLOTS else law.silence
