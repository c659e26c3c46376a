"""The embedded switch in processes of its own, so that sound never waits for webhooks, nor one hundred calls for another.

It is a `Switch` like any other. What its processes tell comes by here, what they are told goes to the one that has the leg
(`legs.py`). Of a process that is lost everything is ended at once, and it is begun again (`process.py`); there are no calls by it
meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ringback.calls.live import Dial, Happening, Order, Play, PlayEnded, Record, RecordEnded
from ringback.errors import OurError
from ringback.switch.apart.frames import TooLong
from ringback.switch.apart.legs import Legs
from ringback.switch.apart.messages import Begin, Pulse, Take, Told
from ringback.switch.apart.process import PATIENT, Patience, Process
from ringback.switch.embedded.row import Row
from ringback.switch.port import Clock
from ringback.switch.simulated.endings import ENDINGS

log = logging.getLogger("ringback.switch")

NAME: Final = "embedded"


class ApartSwitch:
    """See the module. Lives on the loop. It is started once."""

    def __init__(
        self,
        clock: Clock,
        begins: Sequence[Begin],
        command: Sequence[str],
        *,
        account_of: Callable[[str], str] = lambda _: "",
        note: Callable[[str], None] = lambda _: None,
        patience: Patience = PATIENT,
    ) -> None:
        """`begins`: what each process is to be. `command`: what runs one (`child.run`). `account_of`: whose a leg is; it is told
        with each order. `note`: a line for the operator."""
        self.name = NAME
        self._account_of = account_of
        self._row = Row(clock)
        self._legs = Legs()
        self._recordings = Path(begins[0].recordings)
        self._settings = begins[0].sip  # who the phones are is the same for all
        self.processes: Final = tuple(
            Process(begin, command, partial(self._told, number), partial(self._lost, number), note, patience)
            for number, begin in enumerate(begins)
        )

    # The port
    def listen(self, told: Callable[[Happening], None]) -> None:
        """Who is told what happens."""
        self._row.listen(told)

    def obey(self, order: Order) -> None:
        """Takes an order; what comes of it is told soon after."""
        with self._row.held():
            number = self._legs.ordered(order, self._open_for(order))
            if number is None:
                self._for_nobody(order)
                return
            try:
                self.processes[number].take(Take(order, self._account_of(order.leg)))
            except TooLong as error:
                log.warning("switch.order leg=%s %s: %s", order.leg, type(order).__name__, error)
                if isinstance(order, Play):
                    self._row.tell(PlayEnded(order.leg, order.op, "it is too much to be played"))

    def _open_for(self, order: Order) -> list[int]:
        """The processes that take calls; of a dial to a phone, those that it has registered with, if any."""
        open_ = [number for number, process in enumerate(self.processes) if process.is_open]
        phone = self._settings.phone(order.to) if isinstance(order, Dial) else None
        known = [] if phone is None else [number for number in open_ if phone.user in self.processes[number].pulse.phones]
        return known or open_

    def _for_nobody(self, order: Order) -> None:
        if isinstance(order, Dial):
            self._row.tell(ENDINGS["cannot dial"].of(order.leg))
        elif isinstance(order, Record):
            self._row.tell(RecordEnded(order.leg, order.op, "failed", channels=order.channels))

    async def start(self) -> None:
        """Begins all processes; calls may come in from now on. Raises OurError, BadSettings: why one of them cannot."""
        results = await asyncio.gather(*(process.start() for process in self.processes), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            await self.stop()
            raise next((error for error in failures if isinstance(error, OurError)), failures[0])

    async def stop(self) -> None:
        """Hangs up what is left, tells of it, waits for what was recorded, and ends the processes. Whatever is dialled afterwards
        fails."""
        await asyncio.gather(*(process.stop() for process in self.processes))
        for number in range(len(self.processes)):
            self._lost(number)

    # What can be seen of it
    @property
    def address(self) -> tuple[str, int]:
        """Where the first process listens for SIP; the port is known when it was started."""
        return self.processes[0].address

    @property
    def legs(self) -> int:
        """How many legs there are."""
        return len(self._legs)

    def account_of(self, leg: str) -> str | None:
        """Whose a leg that came in is by the settings: its trunk's or its phone's account. None: they say nothing."""
        return self._legs.account_of(leg)

    @property
    def lateness(self) -> Pulse:
        """How punctual the media of all processes were, as of a second ago; when it was stopped, in the end."""
        pulses = [process.pulse for process in self.processes]
        return Pulse(
            slots=sum(pulse.slots for pulse in pulses),
            late=sum(pulse.late for pulse in pulses),
            skipped=sum(pulse.skipped for pulse in pulses),
            worst_ms=max(pulse.worst_ms for pulse in pulses),
        )

    # Inside
    def _told(self, number: int, told: Told) -> None:
        self._legs.told(number, told.happening, told.account)
        happening = told.happening
        if isinstance(happening, RecordEnded) and happening.file:
            happening = self._taken(happening)
        self._row.tell(happening)

    def _taken(self, ended: RecordEnded) -> RecordEnded:
        """A recording out of its process' folder, which goes when the process does."""
        file = Path(ended.file)
        kept = self._recordings / file.name
        try:
            file.rename(kept)
        except OSError as error:
            log.error("switch.recording_failed leg=%s: %s", ended.leg, error.strerror)
            return replace(ended, why="failed", file="", duration_s=0)
        return replace(ended, file=str(kept))

    def _lost(self, number: int) -> int:
        """Ends what a process had; how many legs."""
        before = len(self._legs)
        ends = self._legs.lost(number)
        lost = before - len(self._legs)
        for end in ends:
            self._row.tell(end)
        return lost
