"""Pay, as one of the verbs: hands what happens to `paying`, which asks, checks and charges, and takes over what it came to."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ringback.calls import live
from ringback.voxml import paying
from ringback.voxml.document import Pay
from ringback.voxml.model import Charged, Command, TimeUp
from ringback.voxml.state import READY, TakingPayment
from ringback.voxml.turn import Turn


def _start(turn: Turn, step: Pay) -> None:
    turn.answer()
    machine, commands = paying.begin(step, leg=turn.leg, next_op=turn.next_op, today=turn.call.today, base_url=turn.base_url)
    _take(turn, commands, machine.next_op)
    turn.doing = TakingPayment(step, machine)


def _happens(turn: Turn, taking: TakingPayment, event: live.Happening | TimeUp | Charged) -> None:
    came_to, commands = paying.step(replace(taking.machine, next_op=turn.next_op), event)
    _take(turn, commands, came_to.next_op)
    if isinstance(came_to, paying.Paying):
        turn.doing = replace(taking, machine=came_to)
        return
    step = taking.step
    for name, value in came_to.variables.items():
        turn.set(name, value, step)
    for written in came_to.history:
        turn.remember_as({"verb": "Prompt" if "for" in written["payload"] else "Pay", **written}, "full")
    turn.doing = READY
    turn.act(step.action, step.method, "pay", came_to.results)


def _take(turn: Turn, commands: list[Command], next_op: int) -> None:
    turn.next_op = next_op
    for command in commands:
        turn.give(command)


def _stop(turn: Turn, taking: TakingPayment) -> None:
    for command in paying.stop(taking.machine):
        turn.give(command)


def _left(turn: Turn, taking: TakingPayment) -> None:
    _happens(turn, taking, live.HungUp(turn.leg))


STARTS: Final[dict[type, Callable[[Turn, Any], None]]] = {Pay: _start}
HANDLERS: Final[dict[tuple[type, type], Callable[[Turn, Any, Any], None]]] = {
    (TakingPayment, event): _happens for event in (live.Key, live.PlayEnded, TimeUp, Charged)
}
STOPS: Final[dict[type, Callable[[Turn, Any], None]]] = {TakingPayment: _stop}
LEFT: Final[dict[type, Callable[[Turn, Any], None]]] = {TakingPayment: _left}
