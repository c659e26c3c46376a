"""What a leg is played, one thing after another, each with a name and an end that is told."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from ringback.switch.embedded.media.g711 import Law
from ringback.switch.embedded.media.sources import Clip, Cursor, Frames, Pressed, Source

Playable = Source | bytes | Iterator[bytes]
"""A source; linear sound; or an iterator of linear frames, that never blocks."""
Done = Callable[[str], None]
"""Everything was played; the errors of what was not, joined, or empty."""


def as_source(playable: Playable) -> Source:
    """What `play` takes, as what it plays."""
    if isinstance(playable, bytes):
        return Clip(playable)
    return Frames(playable) if isinstance(playable, Iterator) else playable


class _Playing:
    def __init__(self, op: int, sources: Sequence[Source], done: Done) -> None:
        self.op = op
        self.sources = deque(sources)
        self.done = done
        self.stopped = False
        self.errors: list[str] = []
        self._cursor: Cursor | None = None

    def take(self, law: Law) -> bytes | Pressed | None:
        while True:
            if self._cursor is None:
                if not self.sources:
                    return None
                self._cursor = self.sources[0].begin()
            frame = self._cursor.take(law)
            if frame is not None:
                return frame
            self._cursor = None
            source = self.sources.popleft()
            if source.error:
                self.errors.append(source.error)

    def tell(self) -> None:
        if not self.stopped:
            self.done("; ".join(self.errors))


class Player:
    """A leg's queue. What has ended is told by `tell`, which is given something to be called soon, never called at once."""

    def __init__(self, tell: Callable[[Callable[[], None]], None]) -> None:
        self._tell = tell
        self._queue: deque[_Playing] = deque()
        self._ended: list[_Playing] = []

    def play(self, op: int, sources: Sequence[Playable], done: Done) -> None:
        """After what is played already. Nothing at all ends at the next slot."""
        self._queue.append(_Playing(op, [as_source(source) for source in sources], done))

    def stop(self, op: int) -> None:
        """At once, and nothing more is told of it. The next begins."""
        for playing in (*self._queue, *self._ended):
            if playing.op == op:
                playing.stopped = True
        self._queue = deque(playing for playing in self._queue if not playing.stopped)

    def stop_all(self) -> None:
        """Nothing is told."""
        for playing in (*self._queue, *self._ended):
            playing.stopped = True
        self._queue.clear()

    @property
    def busy(self) -> bool:
        """Is something played?"""
        return bool(self._queue)

    def take(self, law: Law) -> bytes | Pressed | None:
        """The frame of this slot; None: nothing is played."""
        if self._ended:
            self._ended.clear()
        while self._queue:
            frame = self._queue[0].take(law)
            if frame is not None:
                return frame
            over = self._queue.popleft()
            self._ended.append(over)
            self._tell(over.tell)
        return None
