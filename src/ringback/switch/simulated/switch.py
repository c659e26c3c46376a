"""A switch behind the port that carries no audio: callers and callees are scripts, time may be virtual, and everything else is as a
real switch would tell it."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ringback.calls.live import (
    Answer,
    Bridge,
    Collect,
    Dial,
    HangUp,
    Happening,
    Incoming,
    Listen,
    Order,
    Play,
    Privacy,
    Record,
    RecordEnded,
    Reject,
    StopCollect,
    StopListening,
    StopPlay,
    StopRecord,
)
from ringback.errors import SwitchError
from ringback.switch.port import Clock
from ringback.switch.simulated.durations import PATIENCE_S, SETUP_S
from ringback.switch.simulated.endings import ENDINGS
from ringback.switch.simulated.leg import Leg
from ringback.switch.simulated.party import Act, Party, of_callee
from ringback.switch.simulated.script import Script, Step, check_caller
from ringback.switch.simulated.world import Note, World

EMPTY: Final = Script()


class SimulatedSwitch:
    """See the module. A `Switch`."""

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "simulated",
        prefix: str | None = None,
        default_script: Script = EMPTY,
        recordings: Path | None = None,
        note: Callable[[Note], None] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`prefix`: of the ids of calls that come in (`sim` makes `sim-1`, `sim-2`), None: one that was never used.
        `default_script`: for legs that are dialled in a call whose script says nothing of them; without that, they ring 1 s and
        answer. `recordings`: a folder for the files of recordings, None: there are none. `note` is told what the parties do.
        `patience_s`: after so long with nothing to hear, a party whose turn does not come hangs up."""
        self.name = name
        self.default_script = default_script
        self._world = World(clock, recordings, note)
        self._prefix = f"sim-{secrets.token_hex(6)}" if prefix is None else prefix
        self._patience_s = patience_s
        self._made = 0
        self._legs: dict[str, Leg] = {}
        self._parties: dict[str, Party] = {}
        self._prepared: dict[str, Script] = {}
        self._stopped = False

    # The port
    def listen(self, told: Callable[[Happening], None]) -> None:
        """Who is told what happens."""
        self._world.listen(told)

    def obey(self, order: Order) -> None:
        """Takes an order; what comes of it is told soon after. An order for a leg that is gone does nothing, but a recording's end
        is told always."""
        leg = self._legs.get(order.leg)
        if isinstance(order, Dial):
            if leg is None:
                self._dial(order)
        elif leg is not None:
            _OBEY[type(order)](self, leg, order)
        elif isinstance(order, Record):
            self._world.tell(RecordEnded(order.leg, order.op, "failed", channels=order.channels))
        self._world.flush_soon()

    async def start(self) -> None:
        """Nothing has to be done: calls are made by `call_in`."""

    async def stop(self) -> None:
        """Hangs up what is left. Whatever is dialled afterwards fails."""
        self._stopped = True
        for leg in list(self._legs.values()):
            leg.hang_up()
        self._world.flush()

    # The other side
    def call_in(
        self, from_: str, to: str, script: Script, *, leg: str | None = None, caller_name: str = "", trunk: str = ""
    ) -> str:
        """Somebody calls, and does what the script says. Returns the leg's id, which is made up if none is given. Raises
        InvalidInput for a script that a caller cannot follow, SwitchError when the switch was stopped or the id is in use."""
        check_caller(script)
        if self._stopped:
            raise SwitchError("the simulated switch was stopped")
        if leg is None:
            self._made += 1
            leg = f"{self._prefix}-{self._made}"
        if leg in self._legs:
            raise SwitchError(f"there is a leg {leg!r} already")
        made = self._add(leg, script, script.steps, incoming=True)
        self._world.tell(Incoming(leg, from_, to, caller_name, trunk))
        self._world.flush_soon()
        made.later(0, self._parties[leg].begin)
        return leg

    def prepare(self, leg: str, script: Script) -> None:
        """The script of a call that Ringback is going to place: to be given before its `Dial`, and used up by it."""
        self._prepared[leg] = script

    def act(self, leg: str, act: Act) -> None:
        """The leg's party does this now, whatever its script says and without waiting for its turn: for whoever plays it by hand.
        Of no effect on a leg that is gone."""
        party = self._parties.get(leg)
        if party is not None:
            party.act(act)
            self._world.flush_soon()

    @property
    def legs(self) -> int:
        """How many legs there are."""
        return len(self._legs)

    # Inside
    def _add(self, id: str, script: Script | None, steps: tuple[Step, ...], *, incoming: bool) -> Leg:
        leg = self._legs[id] = Leg(self._world, id, script, incoming=incoming, over=self._remove)
        self._parties[id] = Party(self._world, leg, steps, self._patience_s)
        return leg

    def _remove(self, leg: Leg) -> None:
        del self._legs[leg.id]
        self._parties.pop(leg.id).over()

    def _dial(self, order: Dial) -> None:
        script, steps = self._callee(order)
        if self._stopped:
            self._world.tell(ENDINGS["cannot dial"].of(order.leg))
            return
        leg = self._add(order.leg, script, of_callee(steps), incoming=False)
        leg.dialled(order.timeout_s, order.detection)
        leg.later(SETUP_S, self._parties[order.leg].begin)

    def _callee(self, order: Dial) -> tuple[Script | None, tuple[Step, ...] | None]:
        """The script of the call that a leg belongs to, and what its party does. The first part is of whom the call begins with."""
        parent = self._legs.get(order.parent)
        script = self._prepared.pop(order.leg, parent.script if parent is not None else None)
        for said in (script, self.default_script):
            if said is not None:
                steps = (None if order.parent else said.steps) or said.at_number(order.to)
                if steps:
                    return script, steps
        return script, None

    def _bridge(self, leg: Leg, order: Bridge) -> None:
        other = self._legs.get(order.other)
        if other is not None:
            leg.bridge(other)


_OBEY: Final[Mapping[type, Callable[[SimulatedSwitch, Leg, Any], None]]] = {
    Answer: lambda _, leg, order: leg.answer(),
    Reject: lambda _, leg, order: leg.reject(order.reason == "busy"),
    Play: lambda _, leg, order: leg.play(order),
    StopPlay: lambda _, leg, order: leg.stop_play(order.op),
    Collect: lambda _, leg, order: leg.collect(order.op),
    StopCollect: lambda _, leg, order: leg.stop_collect(order.op),
    Listen: lambda _, leg, order: leg.listen(order),
    StopListening: lambda _, leg, order: leg.stop_listening(order.op),
    Record: lambda _, leg, order: leg.record(order),
    StopRecord: lambda _, leg, order: leg.stop_record(order.op),
    Privacy: lambda _, leg, order: leg.set_privacy(order.on),
    Bridge: lambda switch, leg, order: switch._bridge(leg, order),
    HangUp: lambda _, leg, order: leg.hang_up(),
}
