"""A caller who pays: runs the machine, answers what it orders, and keeps everything that it gave away."""

import gc
import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from ringback.calls.live import Collect, HungUp, Key, Play, PlayEnded, Privacy, Speech, StopCollect, StopPlay
from ringback.voxml import paying as machine
from ringback.voxml.document import Pay, Prompt, PromptFor, Say
from ringback.voxml.model import Charge, Charged, Command, Event, Notify, Timer, TimeUp
from ringback.voxml.paying import Paid, Paying
from ringback.voxml.payment import Payment

LEG = "c-1"
TODAY = (2026, 11)
BASE = "https://app.example.com/pay/start"
CARD, EXPIRY, CODE, POSTAL = "4111111111111111", "1228", "737", "94109"
ROUTING, ACCOUNT = "121181976", "508862392"
CARD_KEYS = f"{CARD}{EXPIRY}{CODE}{POSTAL}#"
ACCOUNT_KEYS = f"{ROUTING}{ACCOUNT}#"
_APART = re.compile(r"[^0-9a-zA-Z]+")


def prompt(for_: PromptFor, said: str, **how: Any) -> Prompt:
    """A Prompt that says one thing."""
    return Prompt(for_=for_, prompts=(Say(text=said),), **how)


class Caller:
    """One payment and its far end."""

    def __init__(self, pay: Pay | None = None, *, base_url: str = BASE, next_op: int = 7, **attributes: Any) -> None:
        self.pay = pay or Pay(**attributes)
        self.given: list[Command] = []
        self.paid: Paid | None = None
        self.timers: list[Timer] = []
        self.playing: Play | None = None
        self.states: list[Paying] = []
        self.now, commands = machine.begin(self.pay, leg=LEG, next_op=next_op, today=TODAY, base_url=base_url)
        self.payment: Payment = self.now.payment
        self._take(self.now, commands)

    # What happens
    def happens(self, event: Event) -> "Caller":
        assert self.paid is None
        self._take(*machine.step(self.now, event))
        return self

    def press(self, keys: str) -> "Caller":
        for key in keys:
            if self.paid is None:
                self.happens(Key(LEG, key))
        return self

    def listen(self) -> "Caller":
        """To the end of what is played."""
        assert self.playing is not None
        return self.happens(PlayEnded(LEG, self.playing.op))

    def wait(self) -> "Caller":
        """Until the last timer's time has come, having heard everything."""
        if self.playing is not None:
            self.listen()
        return self.happens(TimeUp(self.timers[-1].op))

    def hang_up(self) -> "Caller":
        return self.happens(HungUp(LEG, by="caller"))

    def charged(self, **answer: Any) -> "Caller":
        return self.happens(Charged(self.charge.op, **answer))

    # What came of it
    @property
    def charge(self) -> Charge:
        (charge,) = self.all(Charge)
        return charge

    @property
    def notes(self) -> list[dict[str, str]]:
        """What the statusCallback was told."""
        return [dict(note.parameters) for note in self.all(Notify)]

    @property
    def results(self) -> dict[str, str]:
        assert self.paid is not None
        return dict(self.paid.results)

    @property
    def said(self) -> list[str]:
        """What is being said."""
        assert self.playing is not None
        return [item.text if isinstance(item, Speech) else repr(item) for item in self.playing.items]

    def all(self, kind: type[Any]) -> list[Any]:
        return [command for command in self.given if isinstance(command, kind)]

    def _take(self, now: Paying | Paid, commands: list[Command]) -> None:
        self.given += commands
        for command in commands:
            if isinstance(command, Timer):
                self.timers.append(command)
            elif isinstance(command, Play):
                assert self.playing is None, "one thing is played at a time"
                self.playing = command
            elif isinstance(command, StopPlay):
                assert self.playing is not None
                assert command.op == self.playing.op
                self.playing = None
        if isinstance(now, Paid):
            self.paid = now
        else:
            if self.playing is not None and now.play != self.playing.op:
                self.playing = None
            self.now = now
            self.states.append(now)


def balanced(given: Iterable[Command]) -> bool:
    """Is privacy on before keys are wanted and off at the end, both once, and are keys no longer wanted?"""
    order = [command for command in given if isinstance(command, Privacy | Collect | StopCollect)]
    kinds = [(type(command), getattr(command, "on", None)) for command in order]
    return kinds in ([], [(Privacy, True), (Collect, None), (StopCollect, None), (Privacy, False)])


def shows(held: Any, digits: str) -> bool:
    """Does anything that can be written of this, in whatever way, hold these digits, however they are spaced?"""
    texts = [repr(held), str(held), f"{held}"]
    for write in (msgspec.to_builtins, msgspec.json.encode, json.dumps):
        try:
            texts.append(repr(write(held)))
        except TypeError:
            continue
    return any(digits in text or digits in _APART.sub("", text) for text in texts)


def reachable(root: Any) -> list[Any]:
    """Everything that an object reaches, without what `Payment` holds."""
    seen, found, left = {id(root)}, [root], [root]
    while left:
        held = left.pop()
        if isinstance(held, Payment | type) or type(held).__name__ in ("module", "function"):
            continue
        for other in gc.get_referents(held):
            if id(other) not in seen:
                seen.add(id(other))
                found.append(other)
                left.append(other)
    return found
