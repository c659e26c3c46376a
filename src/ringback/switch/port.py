"""The port of a switch that Ringback commands: it obeys orders and tells what happens (`ringback.calls.live`).

Everything is called on one thread, the loop's. Nothing raises: what cannot be done is told as its end (`PlayEnded` with an error,
`RecordEnded` with `failed`, `HungUp` with `failed`), never from within `obey` but soon after, so that an order has returned before
its end is told. Of one leg, happenings come in the order in which they happened; `HungUp` comes once and nothing after it but
recordings that end.

What `calls.live` leaves open, and tests/conformance/switch asks of each: a leg's plays are played one after another. A `Record` is
always ended by a `RecordEnded`, at once and `failed` if its leg is gone; the end by a hang-up is told before or after `HungUp`. A
`Dial` under the name of a leg that there is does nothing. A `Reject` of what was answered, and a `Bridge` of what was not, do
nothing. Hanging up an incoming leg that was not answered ends it `no-answer`, taking back a dial `cancelled`.
"""

from collections.abc import Callable
from typing import Protocol

from ringback.calls.live import Happening, Order


class Handle(Protocol):
    """A timer that can be stopped."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """The time that calls live in: a server's is the loop's, a simulation's jumps."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        ...

    def call_later(self, seconds: float, work: Callable[[], None]) -> Handle:
        """Calls `work` once, so many seconds from now."""
        ...


class Switch(Protocol):
    """See the module."""

    name: str
    """`simulated`, `embedded`, …: the source of its calls' updates."""

    def listen(self, told: Callable[[Happening], None]) -> None:
        """Who is told what happens on any leg. Called once, before `start`."""
        ...

    def obey(self, order: Order) -> None:
        """Takes an order."""
        ...

    async def start(self) -> None:
        """Begins to take calls. Raises OurError."""
        ...

    async def stop(self) -> None:
        """Hangs up what is left and lets go."""
        ...
