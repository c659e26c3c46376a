"""Say, Play and Pause, and when a call is answered without an `Answer`.

VoXML has a verb to answer with, TwiML answers by itself. Both kinds of documents are served (ours; the vendor does not say what an
unanswered caller hears):

- Gather, Record, Pay, and Dial without `answerOnBridge` answer: they need the caller.
- Say and Play answer, so that nobody speaks to a caller whose network passes no early media; unless the rest of the document shows
  that it decides later (an Answer, a Reject, or a Dial with `answerOnBridge` is still to come): then they are early media.
- Pause, Redirect and all that takes no time leave the call as it is.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from ringback.calls import live
from ringback.voxml.document import Answer, Dial, Do, If, Pause, Play, Prompting, Reject, Say, Verb
from ringback.voxml.model import TimeUp
from ringback.voxml.state import READY, Pausing, Speaking
from ringback.voxml.turn import Turn

MAX_ITEMS: Final = 1000
"""Things that one order plays, its repetitions counted. Ours: more of them are not played."""


def _say_or_play(turn: Turn, step: Say | Play) -> None:
    if not turn.answered and not _decides_later(turn):
        turn.answer()
    items = items_of(turn, (step,))
    if items:
        op = turn.op()
        turn.give(live.Play(turn.leg, op, items))
        turn.doing = Speaking(op)


def _pause(turn: Turn, step: Pause) -> None:
    turn.doing = Pausing(turn.timer(step.length))


def items_of(turn: Turn, steps: Iterable[Prompting]) -> tuple[live.Item, ...]:
    """What is to be played, each as often as it says. Texts and digits that are empty are left out."""
    items: list[live.Item] = []
    for step in steps:
        item = _item(turn, step)
        if item is not None:
            loop = 1 if isinstance(step, Pause) else step.loop
            items += [item] * min(loop, MAX_ITEMS - len(items))
    return tuple(items)


def _item(turn: Turn, step: Prompting) -> live.Item | None:
    match step:
        case Say():
            return live.Speech(step.text, step.voice, step.language, step.ssml) if step.text.strip() else None
        case Pause():
            return live.Silence(step.length)
        case Play(digits=digits) if digits:
            return live.Tones(digits)
        case Play():
            return live.Sound(turn.absolute(step.url)) if step.url else None


def note_error(turn: Turn, ended: live.PlayEnded) -> None:
    """What could not be played is reported; the call goes on."""
    if ended.error:
        turn.problem(ended.error)


def _decides_later(turn: Turn) -> bool:
    return any(_decides(frame.body[frame.at :]) for frame in turn.frames)


def _decides(body: Iterable[Verb]) -> bool:
    return any(
        isinstance(verb, Answer | Reject)
        or (isinstance(verb, Dial) and verb.answer_on_bridge)
        or (isinstance(verb, If | Do) and _decides(verb.body))
        for verb in body
    )


def _played(turn: Turn, speaking: Speaking, event: live.PlayEnded) -> None:
    if event.op == speaking.op:
        note_error(turn, event)
        turn.doing = READY


def _paused(turn: Turn, pausing: Pausing, event: TimeUp) -> None:
    if event.op == pausing.op:
        turn.doing = READY


def _stop(turn: Turn, speaking: Speaking) -> None:
    turn.give(live.StopPlay(turn.leg, speaking.op))


STARTS: Final[dict[type, Callable[[Turn, Any], None]]] = {Say: _say_or_play, Play: _say_or_play, Pause: _pause}
HANDLERS: Final[dict[tuple[type, type], Callable[[Turn, Any, Any], None]]] = {
    (Speaking, live.PlayEnded): _played,
    (Pausing, TimeUp): _paused,
}
STOPS: Final[dict[type, Callable[[Turn, Any], None]]] = {Speaking: _stop}
