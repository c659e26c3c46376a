"""The switches that the suite runs against, each with phones at the far ends that do what a story says. Another one plugs in with a
class like SimulatedBench and a line in BENCHES: its phones are real ones (sipp, pjsua2) that call the switch and can be called."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from msgspec.structs import replace

from ringback.calls.disposition import final_status
from ringback.calls.live import (
    Answer,
    Answered,
    Bridge,
    Detection,
    Dial,
    Happening,
    Heard,
    HungUp,
    Incoming,
    Order,
    PlayEnded,
    RecordEnded,
)
from ringback.switch.clock import VirtualClock
from ringback.switch.port import Switch
from ringback.switch.simulated.party import Act
from ringback.switch.simulated.script import Callee, Leave, PickUp, Press, Refuse, Ring, Script, Speak, Wait
from ringback.switch.simulated.switch import SimulatedSwitch

START_MS = 1_795_190_400_000
"""2026-11-20T16:00:00Z."""
LONGEST_S = 60.0
"""No story waits longer for anything."""
CALLER, CALLED = "+13005550100", "+13005550199"


class Phone(Protocol):
    """A phone at the far end of a leg."""

    leg: str

    async def ring(self) -> None: ...

    async def answer(self, who: Literal["human", "machine"] = "human") -> None: ...

    async def refuse(self, how: Literal["busy", "reject", "fail"]) -> None: ...

    async def press(self, keys: str) -> None: ...

    async def speak(self, text: str) -> None:
        """Begins to; it takes a second for 14 characters."""
        ...

    async def hang_up(self) -> None:
        """Also before an answer: a caller gives up."""
        ...


class Bench:
    """A switch, its listener, and what a story does with them; every story is held to the port's rules. What each switch does in
    its own way is at the end."""

    switch: Switch

    def __init__(self) -> None:
        self._all: list[Happening] = []
        self._fresh: list[Happening] = []
        self._reactions: dict[type, tuple[Order, ...]] = {}
        self._obeying = False

    async def __aenter__(self) -> Self:
        self.switch.listen(self._told)
        await self.switch.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.switch.stop()
        if error is None:
            self._hold_to_the_rules()

    # Orders
    def obey(self, *orders: Order) -> None:
        """Gives them one after another. Nothing may be told meanwhile."""
        for order in orders:
            self._obeying = True
            self.switch.obey(order)
            self._obeying = False

    def when_told(self, kind: type, *orders: Order) -> None:
        """Gives these orders when the next such thing is told, before the listener has returned."""
        self._reactions[kind] = orders

    async def incoming(self) -> Phone:
        """Somebody has called, and we have answered; nothing of that is looked at any more."""
        phone = await self.call_in(CALLER, CALLED)
        self.obey(Answer(phone.leg))
        await self.until(lambda: Answered(phone.leg) in self._fresh)
        self._fresh.clear()
        return phone

    async def dialled(self, leg: str) -> Phone:
        """We have called somebody, who has answered; nothing of that is looked at any more."""
        phone = await self.dial(leg)
        await phone.answer()
        await self.until(lambda: Answered(leg) in self._fresh)
        self._fresh.clear()
        return phone

    async def connected(self) -> tuple[Phone, Phone]:
        """A caller and a callee who hear each other."""
        caller, callee = await self.incoming(), await self.dialled("callee-1")
        self.obey(Bridge(caller.leg, callee.leg))
        return caller, callee

    # What was told
    async def tells(self, leg: str, *expected: Happening) -> None:
        """Waits for as many things as these of a leg, and a while for others; then they are exactly these. Ends of recordings are
        looked at by `takes`, since they may come before the leg's end or after it."""
        await self.until(lambda: len(self.of(leg)) >= len(expected), or_else=lambda: f"{expected}, and told is {self.of(leg)}")
        await self.passes(0.5)
        assert self.of(leg) == list(expected)

    async def takes(self, leg: str, *expected: RecordEnded) -> list[RecordEnded]:
        """The same for ends of recordings; returns them with files and durations, which are not compared."""
        await self.until(
            lambda: len(self._takes(leg)) >= len(expected), or_else=lambda: f"{expected}, and told is {self._takes(leg)}"
        )
        await self.passes(0.5)
        told = self._takes(leg)
        assert [replace(take, file="", url="", duration_s=0) for take in told] == list(expected)
        return told

    def of(self, leg: str) -> list[Happening]:
        """What was told of a leg, ends of recordings apart, as far as it is the same on every switch."""
        return [_plain(told) for told in self._fresh if told.leg == leg and not isinstance(told, RecordEnded)]

    def _takes(self, leg: str) -> list[RecordEnded]:
        return [told for told in self._fresh if told.leg == leg and isinstance(told, RecordEnded)]

    def _told(self, told: Happening) -> None:
        assert not self._obeying, f"told from within an order: {told}"
        self._all.append(told)
        self._fresh.append(told)
        self.obey(*self._reactions.pop(type(told), ()))

    def _hold_to_the_rules(self) -> None:
        for leg in {told.leg for told in self._all}:
            told = [happening for happening in self._all if happening.leg == leg]
            ends = [index for index, happening in enumerate(told) if isinstance(happening, HungUp)]
            assert len(ends) == 1, f"every leg ends once: {told}"
            assert all(isinstance(happening, RecordEnded) for happening in told[ends[0] + 1 :]), f"nothing after the end: {told}"
            ops = [(type(h), h.op) for h in told if isinstance(h, PlayEnded | Heard | RecordEnded)]
            assert len(set(ops)) == len(ops), f"everything ends once: {told}"
            singles = [h for h in told if isinstance(h, Answered | Incoming)]
            assert len({type(h) for h in singles}) == len(singles), f"answered once: {told}"

    # What each switch does in its own way
    async def call_in(self, from_: str, to: str) -> Phone:
        """Somebody calls; returns when the switch has told so."""
        raise NotImplementedError

    async def dial(
        self, leg: str, parent: str = "", timeout_s: float = 30.0, detection: Detection | None = None, to: str = CALLED
    ) -> Phone:
        """Orders a call to a phone that does nothing by itself; returns when the phone has got it."""
        raise NotImplementedError

    async def until(self, happens: Callable[[], bool], or_else: Callable[[], str] = lambda: "something") -> None:
        """Waits for it, LONGEST_S at most."""
        raise NotImplementedError

    async def passes(self, seconds: float) -> None:
        """So much time passes."""
        raise NotImplementedError

    def seconds(self) -> float:
        """The time, from some moment on."""
        raise NotImplementedError


def _plain(told: Happening) -> Happening:
    """Without what may differ: the numbers that tell why a leg ended, if its status follows from them, and a recogniser's
    confidence."""
    if isinstance(told, HungUp):
        status = final_status(
            answered=told.status == "completed",
            caller_gave_up=told.status == "cancelled",
            sip_status=told.sip_status,
            q850_cause=told.cause,
            hangup_cause_name=None,
        )
        assert status == told.status, told
        return replace(told, cause=None, sip_status=None)
    return replace(told, confidence=0.0) if isinstance(told, Heard) else told


class SimulatedPhone:
    """One that is played by hand, on the simulated switch."""

    def __init__(self, switch: SimulatedSwitch, leg: str) -> None:
        self.leg = leg
        self._switch = switch

    async def ring(self) -> None:
        self._act(Ring())

    async def answer(self, who: Literal["human", "machine"] = "human") -> None:
        self._act(PickUp(who))

    async def refuse(self, how: Literal["busy", "reject", "fail"]) -> None:
        self._act(Refuse(how))

    async def press(self, keys: str) -> None:
        self._act(Press(keys))

    async def speak(self, text: str) -> None:
        self._act(Speak(text))

    async def hang_up(self) -> None:
        self._act(Leave())

    def _act(self, act: Act) -> None:
        self._switch.act(self.leg, act)


class SimulatedBench(Bench):
    """The simulated switch in virtual time: a story takes none."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._clock = VirtualClock(START_MS)
        idle = Script(callees=(Callee("", (Wait(86_400.0),)),))
        self.switch: SimulatedSwitch = SimulatedSwitch(self._clock, prefix="sim", default_script=idle, recordings=folder)

    async def call_in(self, from_: str, to: str) -> Phone:
        leg = self.switch.call_in(from_, to, Script())
        await self.until(lambda: any(told.leg == leg for told in self._all))
        return SimulatedPhone(self.switch, leg)

    async def dial(
        self, leg: str, parent: str = "", timeout_s: float = 30.0, detection: Detection | None = None, to: str = CALLED
    ) -> Phone:
        self.obey(Dial(leg, parent, to, CALLER, timeout_s, detection))
        await self.passes(0.3)
        return SimulatedPhone(self.switch, leg)

    async def until(self, happens: Callable[[], bool], or_else: Callable[[], str] = lambda: "something") -> None:
        until_ms = self._clock.now_ms() + LONGEST_S * 1000
        while not happens():
            assert (self._clock.next_due() or until_ms) < until_ms, f"waited for {or_else()}"
            self._clock.advance()

    async def passes(self, seconds: float) -> None:
        passed: list[bool] = []
        self._clock.call_later(seconds, lambda: passed.append(True))
        await self.until(lambda: bool(passed))

    def seconds(self) -> float:
        return self._clock.now_ms() / 1000


BENCHES: Mapping[str, Callable[[Path], Bench]] = {"simulated": SimulatedBench}
