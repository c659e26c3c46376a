"""What the legs of a simulated switch share: the time, who is told what happens, who is told what a developer wants to see."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from ringback.calls.live import Happening
from ringback.switch.port import Clock, Handle

_LONGEST_S: Final = 1e9
"""What lasts longer lasts for ever."""


class Note(Struct, frozen=True):
    """Something for a person who follows the simulation. `text`: what the leg's party does ("presses 1"), or what went wrong;
    `trouble`: it is probably not what the script's author wanted. While privacy is on it holds nothing that was keyed or said."""

    leg: str
    text: str
    trouble: bool = False


class Timer:
    """Something to come, until it is over or stopped."""

    __slots__ = ("_handle", "_kept", "_work", "_world")

    def __init__(self, world: "World", seconds: float, work: Callable[[], None], kept: set["Timer"]) -> None:
        self._world = world
        self._work: Callable[[], None] | None = work
        self._kept = kept
        kept.add(self)
        self._handle: Handle = world.clock.call_later(seconds, self._due)

    def cancel(self) -> None:
        """Stops it; of no effect when it is over."""
        if self._work is not None:
            self._work = None
            self._kept.discard(self)
            self._handle.cancel()

    def _due(self) -> None:
        # What was told at this very moment comes first, and may stop what was about to happen: then nothing of it is told.
        self._world.flush()
        work, self._work = self._work, None
        if work is not None:
            self._kept.discard(self)
            work()
            self._world.flush()


class World:
    """See the module. Happenings wait in one row, and are told between orders and never within one; what happens next sees that all
    before it was told."""

    def __init__(self, clock: Clock, recordings: Path | None, note: Callable[[Note], None] | None) -> None:
        self.clock = clock
        self.recordings = recordings
        self._note = note
        self._told: Callable[[Happening], None] | None = None
        self._row: deque[Happening] = deque()
        self._telling = False
        self._will_flush = False

    def listen(self, told: Callable[[Happening], None]) -> None:
        """Who is told."""
        self._told = told

    def later(self, seconds: float, work: Callable[[], None], kept: set[Timer]) -> Timer:
        """Calls `work` so many seconds from now; the timer is among `kept` until then."""
        return Timer(self, seconds if seconds < _LONGEST_S else _LONGEST_S, work, kept)

    def tell(self, happening: Happening) -> None:
        """Puts it into the row."""
        self._row.append(happening)

    def note(self, leg: str, text: str, *, trouble: bool = False) -> None:
        """For whoever follows the simulation."""
        if self._note is not None:
            self._note(Note(leg, text, trouble))

    def flush_soon(self) -> None:
        """Tells what is in the row once the caller has returned."""
        if self._row and not self._telling and not self._will_flush:
            self._will_flush = True
            self.clock.call_later(0, self._flush_now)

    def _flush_now(self) -> None:
        self._will_flush = False
        self.flush()

    def flush(self) -> None:
        """Tells what is in the row, and what comes of that."""
        if self._telling:
            return
        self._telling = True
        try:
            while self._row:
                happening = self._row.popleft()
                if self._told is not None:
                    self._told(happening)
        finally:
            self._telling = False
            self.flush_soon()  # a listener that raised has not heard the rest yet
