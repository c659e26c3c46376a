"""Gather: keys, speech, or whichever comes first.

Documented: `finishOnKey` is not part of the digits; without input the next verb runs unless `actionOnEmptyResult`; the outputs.
Ours, where the vendor says nothing: the first key stops the prompts; `timeout` runs from the end of the prompts and anew from each
key; speech is listened for once the prompts are over, until a key is pressed; `*` and `#` are digits unless they finish; `A` to `D`
are not.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ringback.calls import live
from ringback.voxml import results
from ringback.voxml.document import Gather
from ringback.voxml.model import Report, TimeUp
from ringback.voxml.prompting import items_of, note_error
from ringback.voxml.state import READY, Gathering
from ringback.voxml.turn import Turn

MAX_DIGITS: Final = 128
"""Keys that one Gather takes, where the document sets no number. Ours."""
_KEYS: Final = frozenset("0123456789*#")


def _start(turn: Turn, step: Gather) -> None:
    turn.answer()
    collect = turn.op() if step.dtmf else 0
    if collect:
        turn.give(live.Collect(turn.leg, collect))
    items = items_of(turn, step.prompts)
    if not items:
        _wait(turn, Gathering(step, collect=collect))
        return
    play = turn.op()
    turn.give(live.Play(turn.leg, play, items))
    turn.doing = Gathering(step, play=play, collect=collect)


def _wait(turn: Turn, gathering: Gathering) -> None:
    """The prompts are over: the time runs."""
    step = gathering.step
    listen = turn.op() if step.speech else 0
    if listen:
        end_s = step.timeout if step.speech_timeout is None else step.speech_timeout
        turn.give(
            live.Listen(
                turn.leg,
                listen,
                language=step.language,
                start_s=step.timeout,
                end_s=None if end_s == "auto" else end_s,
                profanity_filter=step.profanity_filter,
            )
        )
    timer = turn.timer(step.timeout) if step.dtmf or not listen else 0
    turn.doing = replace(gathering, play=0, listen=listen, timer=timer)


def _prompted(turn: Turn, gathering: Gathering, event: live.PlayEnded) -> None:
    if event.op == gathering.play:
        note_error(turn, event)
        _wait(turn, gathering)


def _key(turn: Turn, gathering: Gathering, event: live.Key) -> None:
    step = gathering.step
    if event.leg != turn.leg or not gathering.collect or event.key not in _KEYS:
        return
    if gathering.play:
        turn.give(live.StopPlay(turn.leg, gathering.play))
    if gathering.listen:
        turn.give(live.StopListening(turn.leg, gathering.listen))
    gathering = replace(gathering, play=0, listen=0)
    if event.key in step.finish_on_key:
        _end(turn, gathering, gathering.digits)
        return
    digits = gathering.digits + event.key
    if len(digits) >= (step.num_digits or MAX_DIGITS):
        _end(turn, gathering, digits)
    else:
        turn.doing = replace(gathering, digits=digits, timer=turn.timer(step.timeout))


def _heard(turn: Turn, gathering: Gathering, event: live.Heard) -> None:
    if event.op != gathering.listen or not gathering.listen:
        return
    gathering = replace(gathering, listen=0)
    if event.text or not gathering.timer:
        _end(turn, gathering, "", event.text, event.confidence)
    else:
        turn.doing = gathering


def _time_up(turn: Turn, gathering: Gathering, event: TimeUp) -> None:
    if event.op != gathering.timer:
        return
    if gathering.listen:  # somebody may be speaking: the recogniser says when that is over
        turn.doing = replace(gathering, timer=0)
    else:
        _end(turn, gathering, gathering.digits)


def _end(turn: Turn, gathering: Gathering, digits: str, speech: str = "", confidence: float = 0.0) -> None:
    step = gathering.step
    _stop(turn, gathering)
    turn.output(step.output, {"digits": digits, "speech": speech}, step)
    # A menu's key is an event of its own. Longer entries may be secrets, and what a callee presses is not the caller's choice.
    if step.num_digits == 1 and digits and not turn.whisper:
        turn.give(Report(turn.leg, "call.ivr-option", {"option": digits}))
    if step.action is not None and (digits or speech or step.action_on_empty_result):
        turn.ask(step.action, step.method, "gather", results.of_gather(digits, speech, confidence))
    else:
        turn.doing = READY


def _stop(turn: Turn, gathering: Gathering) -> None:
    if gathering.play:
        turn.give(live.StopPlay(turn.leg, gathering.play))
    if gathering.listen:
        turn.give(live.StopListening(turn.leg, gathering.listen))
    if gathering.collect:
        turn.give(live.StopCollect(turn.leg, gathering.collect))


STARTS: Final[dict[type, Callable[[Turn, Any], None]]] = {Gather: _start}
HANDLERS: Final[dict[tuple[type, type], Callable[[Turn, Any, Any], None]]] = {
    (Gathering, live.PlayEnded): _prompted,
    (Gathering, live.Key): _key,
    (Gathering, live.Heard): _heard,
    (Gathering, TimeUp): _time_up,
}
STOPS: Final[dict[type, Callable[[Turn, Any], None]]] = {Gathering: _stop}
