"""What can be played, as sources of the media: what is there at once, and what has to be spoken or fetched first.

Sound that is not there yet is silence until it comes; everything of a `Play` is asked for when it is ordered, so that a second text
is made while the first is heard.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from ringback.calls.live import Item, RingTone, Silence, Sound, Speech, Tones
from ringback.switch.embedded.media.g711 import FRAME_BYTES, Law
from ringback.switch.embedded.media.sources import Clip, Cursor, Dialled, Pressed, Quiet, Source, ring_tone
from ringback.switch.once import ByteCache
from ringback.switch.port import Handle
from ringback.switch.speech.port import Clip as Sounding
from ringback.switch.speech.port import Speaker

CACHE_BYTES: Final = 64 * 1024 * 1024
"""Of linear sound whose code is kept: what a hundred legs hear is coded once."""
_LONGEST_S: Final = 3_600.0


class Library(Protocol):
    """Sounds by URL, in an account's name (`sounds.Sounds`)."""

    def get(self, account: str, url: str, done: Callable[[Sounding], None]) -> Handle: ...


class Awaited:
    """A source whose sound is still being made."""

    def __init__(self) -> None:
        self.error = ""
        self.clip: Clip | None = None

    def begin(self) -> Cursor:
        """Once."""
        return _Awaiting(self)


class _Awaiting:
    __slots__ = ("_awaited", "_cursor")

    def __init__(self, awaited: Awaited) -> None:
        self._awaited = awaited
        self._cursor: Cursor | None = None

    def take(self, law: Law) -> bytes | Pressed | None:
        if self._cursor is None:
            if self._awaited.clip is None:
                return law.silence
            self._cursor = self._awaited.clip.begin()
        return self._cursor.take(law)


class Repertoire:
    """See the module."""

    def __init__(self, speaker: Speaker, library: Library) -> None:
        self._speaker = speaker
        self._library = library
        # By the sound itself: those who make it keep it and hand out the same bytes again.
        self._clips: ByteCache[bytes, Clip] = ByteCache(CACHE_BYTES, lambda clip: len(clip) * FRAME_BYTES)

    def sources(self, items: Sequence[Item], account: str) -> tuple[list[Source], list[Handle]]:
        """What a `Play` plays; the handles stop what is still being made for it."""
        handles: list[Handle] = []
        return [self._source(item, account, handles) for item in items], handles

    def _source(self, item: Item, account: str, handles: list[Handle]) -> Source:
        match item:
            case Speech():
                spoken = Awaited()
                handles.append(self._speaker.say(item, partial(self._have, spoken)))
                return spoken
            case Sound():
                fetched = Awaited()
                handles.append(self._library.get(account, item.url, partial(self._have, fetched)))
                return fetched
            case Silence():
                return Quiet(min(max(0.0, item.seconds), _LONGEST_S))
            case Tones():
                return Dialled(item.digits)
            case RingTone():
                return ring_tone(item.country)

    def _have(self, awaited: Awaited, sounding: Sounding) -> None:
        clip = self._clips.get(sounding.pcm)
        if clip is None:
            clip = Clip(sounding.pcm)
            self._clips.put(sounding.pcm, clip)
        awaited.error = sounding.error
        awaited.clip = clip
