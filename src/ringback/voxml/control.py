"""Verbs that take no time: answering and ending, going on elsewhere, variables, and the two that decide what runs.

Ours, where the vendor says nothing: a Reject of a call that is answered hangs it up; Unset of `menu` also removes `menu.digits` and
the like; a flow that the account's settings do not know is reported and passed over, so that the document can go on without it; an
expression that cannot be read is reported and does not hold.
"""

from collections.abc import Callable
from typing import Any, Final

from ringback.calls import live
from ringback.errors import InvalidInput
from ringback.voxml import expressions, results
from ringback.voxml.document import Answer, Connect, Do, Hangup, If, Redirect, Reject, Set, Unset
from ringback.voxml.history import flow_entry
from ringback.voxml.state import ENDING, Frame
from ringback.voxml.turn import MAX_NAME, Turn

_EXPRESSION_STEP: Final = 100
"""So many characters of an expression count as a step: evaluating it takes time too."""


def _answer(turn: Turn, _: Answer) -> None:
    turn.answer()


def _hangup(turn: Turn, _: Hangup) -> None:
    turn.end()


def _reject(turn: Turn, step: Reject) -> None:
    if turn.answered:
        turn.end()
        return
    turn.report_news()
    turn.give(live.Reject(turn.leg, step.reason))
    turn.doing = ENDING


def _redirect(turn: Turn, step: Redirect) -> None:
    turn.ask(step.url, step.method, "redirect")


def _connect(turn: Turn, step: Connect) -> None:
    turn.remember_as(flow_entry(step), step.flow_history)
    url = turn.call.flows.get(step.flow)
    if url is None:
        turn.problem(f"the account's settings know no flow {step.flow}", step)
    else:
        turn.ask(url, "POST", "flow", results.of_flow(step.flow, resume=step.resume))


def _set(turn: Turn, step: Set) -> None:
    if not step.output or len(step.output) > MAX_NAME:
        turn.problem(f"a variable's name has 1 to {MAX_NAME} characters; nothing is set", step)
    else:
        turn.set(step.output, step.value, step)


def _unset(turn: Turn, step: Unset) -> None:
    inside = f"{step.output}."
    kept = {name: value for name, value in turn.variables.items() if name != step.output and not name.startswith(inside)}
    if len(kept) < len(turn.variables):
        turn.variables = kept
        turn.new_variables = True


def _if(turn: Turn, step: If) -> None:
    if _holds(turn, step):
        turn.frames = (*turn.frames, Frame(step.body))


def _do(turn: Turn, step: Do) -> None:
    # As if a pass before the first had just ended.
    turn.frames = (*turn.frames, Frame(step.body, at=len(step.body), loop=step, turn=-1))


def leave_frame(turn: Turn) -> None:
    """The innermost frame's verbs have all run: a Do begins its next pass if its expression holds; otherwise the frame is left."""
    frame = turn.frames[-1]
    turn.frames = turn.frames[:-1]
    if frame.loop is None or frame.turn + 1 >= frame.loop.max_loops:
        return
    outer = turn.frames
    turn.frames = (*outer, Frame(frame.body, 0, frame.loop, frame.turn + 1))
    if not _holds(turn, frame.loop):
        turn.frames = outer


def _holds(turn: Turn, step: If | Do) -> bool:
    turn.steps += len(step.expression) // _EXPRESSION_STEP
    try:
        expression = expressions.compile(step.expression)
    except InvalidInput as error:
        turn.problem(f"the expression cannot be read: {error}", step)
        return False
    variables = turn.variables
    for frame in reversed(turn.frames):
        if frame.loop is not None:
            variables = {**variables, "do.n": str(frame.turn)}
            break
    broken: list[str] = []
    held = expressions.evaluate(expression, variables, broken)
    for why in broken:
        turn.problem(why, step)
    return held


STARTS: Final[dict[type, Callable[[Turn, Any], None]]] = {
    Answer: _answer,
    Connect: _connect,
    Do: _do,
    Hangup: _hangup,
    If: _if,
    Redirect: _redirect,
    Reject: _reject,
    Set: _set,
    Unset: _unset,
}
