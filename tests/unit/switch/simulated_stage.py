"""A simulated switch in virtual time, and what was told on it."""

from collections.abc import Callable
from pathlib import Path

from ringback.calls.live import Answer, Happening, Incoming, Order
from ringback.switch.clock import VirtualClock
from ringback.switch.simulated.script import Script, parse_script
from ringback.switch.simulated.switch import SimulatedSwitch
from ringback.switch.simulated.world import Note


class Stage:
    """`told` and `notes` hold what was told so far, each with its time in milliseconds from the start."""

    def __init__(self, recordings: Path | None = None, default: str = "", patience_s: float = 30.0) -> None:
        self.clock = VirtualClock()
        self.told: list[tuple[int, Happening]] = []
        self.notes: list[tuple[int, Note]] = []
        self.reacts: Callable[[Happening], object] = lambda _: None
        self.switch = SimulatedSwitch(
            self.clock,
            prefix="sim",
            default_script=parse_script(default),
            recordings=recordings,
            note=lambda note: self.notes.append((self.clock.now_ms(), note)),
            patience_s=patience_s,
        )
        self.switch.listen(self._told)

    def calls(self, script: str | Script) -> str:
        """Somebody calls."""
        return self.switch.call_in("+1", "+2", parse_script(script) if isinstance(script, str) else script)

    def answered(self, script: str, *orders: Order) -> str:
        """Somebody calls as `sim-1`, is answered, and these orders are given."""
        leg = self.calls(script)
        self.reacts = lambda told: self.obey(Answer(leg), *orders) if isinstance(told, Incoming) else None
        self.runs(0)
        self.reacts = lambda _: None
        return leg

    def obey(self, *orders: Order) -> None:
        """Gives orders."""
        for order in orders:
            self.switch.obey(order)

    def runs(self, until_ms: int = 10**12) -> None:
        """Lets time pass, to its end if no other is given."""
        while (due := self.clock.next_due()) is not None and due <= until_ms:
            self.clock.advance()

    def of(self, kind: type[Happening]) -> list[tuple[int, Happening]]:
        """What was told of a kind, with its times."""
        return [(at, told) for at, told in self.told if isinstance(told, kind)]

    def did(self, leg: str = "sim-1") -> list[str]:
        """What a leg's party did."""
        return [note.text for _, note in self.notes if note.leg == leg]

    def _told(self, told: Happening) -> None:
        self.told.append((self.clock.now_ms(), told))
        self.reacts(told)
