"""Which process has which leg, and what of it has to be ended when the process is lost. Pure.

A leg belongs to the process that it came in by, or was dialled in. Legs that are to hear each other must be in one process, so a
dial goes to where its parent is; one without a parent goes to where the fewest are.
"""

from collections.abc import Collection
from typing import Final

from ringback.calls.live import Answered, Dial, Happening, HungUp, Incoming, Order, Record, RecordEnded
from ringback.switch.simulated.endings import Ending

LOST: Final = Ending("failed", "us", 41, 503)
"""A leg that was not answered when its process was lost (Q.850: temporary failure)."""
LOST_UP: Final = Ending("completed", "us", 41, 200)
"""One that was: an answered leg ends `completed`, whatever ends it (`calls.disposition`)."""


class _Leg:
    __slots__ = ("account", "process", "up")

    def __init__(self, process: int, account: str | None = None) -> None:
        self.process = process
        self.account = account
        self.up = False


class Legs:
    """See the module. Processes are numbered from 0."""

    def __init__(self) -> None:
        self._legs: dict[str, _Leg] = {}
        self._recordings: dict[tuple[str, int], tuple[int, Record]] = {}

    def __len__(self) -> int:
        return len(self._legs)

    def account_of(self, leg: str) -> str | None:
        """Whose the trunk or the phone is that a leg came in by; None: nobody's."""
        return self._legs[leg].account if leg in self._legs else None

    def ordered(self, order: Order, open_: Collection[int]) -> int | None:
        """The process that an order is for. `open_`: those that take calls. None: no process has the leg, or (a dial) none is
        open."""
        leg = self._legs.get(order.leg)
        if leg is None and isinstance(order, Dial):
            process = self._for(order, open_)
            leg = None if process is None else _Leg(process)
            if leg is not None:
                self._legs[order.leg] = leg
        if leg is None:
            return None
        if isinstance(order, Record):
            self._recordings[order.leg, order.op] = leg.process, order
        return leg.process

    def _for(self, dial: Dial, open_: Collection[int]) -> int | None:
        parent = self._legs.get(dial.parent)
        if parent is not None:
            return parent.process
        counts = dict.fromkeys(sorted(open_), 0)
        for leg in self._legs.values():
            if leg.process in counts:
                counts[leg.process] += 1
        return min(counts, key=counts.__getitem__, default=None)

    def told(self, process: int, happening: Happening, account: str | None = None) -> None:
        """A process has told something. `account`: of a leg that came in, whose its trunk or phone is."""
        match happening:
            case Incoming():
                self._legs[happening.leg] = _Leg(process, account)
            case Answered() if happening.leg in self._legs:
                self._legs[happening.leg].up = True
            case RecordEnded():
                self._recordings.pop((happening.leg, happening.op), None)
            case HungUp():
                self._legs.pop(happening.leg, None)

    def lost(self, process: int) -> list[Happening]:
        """A process is gone: the ends of all that it had, the legs in the order in which they began: a call's root before those
        that were dialled for it."""
        legs = {name: leg for name, leg in self._legs.items() if leg.process == process}
        recordings = [record for of, record in self._recordings.values() if of == process]
        for name in legs:
            del self._legs[name]
        for record in recordings:
            del self._recordings[record.leg, record.op]
        return [
            *((LOST_UP if leg.up else LOST).of(name) for name, leg in legs.items()),
            *(RecordEnded(record.leg, record.op, "failed", channels=record.channels) for record in recordings),
        ]
