"""What is told of all legs, in one row: in the order in which it happened, and never from within an order."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ringback.calls.live import Happening
from ringback.switch.port import Clock


class Row:
    """See the module. Lives on the loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: Callable[[Happening], None] | None = None
        self._waiting: deque[Happening] = deque()
        self._holding = 0
        self._telling = False
        self._will_flush = False

    def listen(self, told: Callable[[Happening], None]) -> None:
        """Who is told."""
        self._told = told

    def tell(self, happening: Happening) -> None:
        """At once, after what waits, unless an order is being taken or something is being told: then soon after."""
        self._waiting.append(happening)
        if not self._holding:
            self.flush()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While an order is being taken."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
            self._flush_soon()

    def flush(self) -> None:
        """Tells what waits, and what comes of that."""
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                happening = self._waiting.popleft()
                if self._told is not None:
                    self._told(happening)
        finally:
            self._telling = False
            self._flush_soon()  # a listener that raised has not heard the rest yet

    def _flush_soon(self) -> None:
        if self._waiting and not self._telling and not self._will_flush:
            self._will_flush = True
            self._clock.call_later(0, self._flush_now)

    def _flush_now(self) -> None:
        self._will_flush = False
        self.flush()
