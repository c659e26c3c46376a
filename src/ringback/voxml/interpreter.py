"""Runs VoXML documents on a call: `(state, event) → (state, commands)`. It knows no switch, no clock and no network.

The verbs stand in modules by what they do (`control`, `prompting`, `gathering`, …); each brings tables that are joined here: how a
verb starts, what an activity does when something happens, how it is stopped, and what its leg's end means for it. What stands in no
table is of no consequence: ends of what was stopped, keys that nobody asked for, answers that came too late.

How a call ends (ours where the vendor is silent): off the end of a document the leg is hung up, or refused if nobody answered it.
Once the call's leg is gone, what a verb still owes is asked (Dial's and Record's action, Pay's), answers are ignored, and when
nothing is left open there is one `Finish`.
"""

from collections.abc import Callable
from typing import Any, Final

from ringback.calls.live import Answered, HungUp
from ringback.voxml import control, dialling, gathering, prompting, recording, taking_payment
from ringback.voxml.model import Charged, Command, Event, Instructed, NewDocument, TimeUp
from ringback.voxml.state import OVER, Asking, CallFacts, Dialling, Ending, Finished, Frame, Over, Ready, State, Thread
from ringback.voxml.turn import Turn

MAX_STEPS: Final = 10_000
"""Steps of one document's run. Ours, like the next: a call whose document goes on and on is ended."""
MAX_IDLE_STEPS: Final = 1_000
"""Steps without anything that takes time."""


def begin(call: CallFacts, now_ms: int) -> tuple[State, list[Command]]:
    """A call begins: an incoming one that nobody has answered, or an outgoing one that its callee has. See `CallFacts`."""
    thread = Thread(call.leg, answered=call.answered)
    turn = Turn(State(call=call, thread=thread, variables=call.variables), now_ms)
    if isinstance(call.first, NewDocument):
        turn.load(call.first.document, call.first.url)
        _run(turn)
    else:
        turn.ask(call.first.url, call.first.method, "start")
    return turn.close()


def step(state: State, event: Event, now_ms: int) -> tuple[State, list[Command]]:
    """Something happened; what is to be done. `now_ms`: Unix milliseconds, for durations."""
    turn = Turn(state, now_ms)
    _happen(turn, event)
    return turn.close()


def _happen(turn: Turn, event: Event) -> None:
    if getattr(event, "op", 1) < 1:  # 0 stands for nothing here; it, and less, is free for orders that are not ours
        return
    match event:
        case Instructed(op=op):
            if op not in turn.asked:
                return
            turn.asked = tuple(other for other in turn.asked if other != op)
        case HungUp(leg=leg) if leg == turn.leg:
            if not turn.gone:
                turn.gone = True
                _LEFT.get(type(turn.doing), _left)(turn, turn.doing)
        case NewDocument():
            _interrupt(turn, event)
        case Answered(leg=leg) if leg == turn.leg:
            turn.answered = True
    _tell(turn, event)


def _tell(turn: Turn, event: Event) -> None:
    """The activity is told of it, and the thread runs on."""
    if type(turn.doing) is Dialling and _is_for_callees(turn, turn.doing, event):
        return
    handler = _HANDLERS.get((type(turn.doing), type(event)))
    if handler is not None:
        handler(turn, turn.doing, event)
    _run(turn)


def _is_for_callees(turn: Turn, doing: Dialling, event: Event) -> bool:
    """Does it concern documents that callees hear? They are told of it: the one whose leg it is, or all, who know their `op`s."""
    if isinstance(event, Instructed | TimeUp | Charged):
        legs = [reaching.leg for reaching in doing.tries if reaching.whisper is not None]
    elif isinstance(event, HungUp | NewDocument):
        return False
    else:
        legs = [event.leg]
    found = False
    for leg in legs:
        reaching = dialling.reached_at(turn.doing, leg) if type(turn.doing) is Dialling else None
        if reaching is not None and reaching.whisper is not None:
            found = True
            own = turn.thread()
            turn.enter(reaching.whisper)
            _tell(turn, event)
            whisper = turn.thread()
            turn.enter(own)
            dialling.whispered(turn, leg, whisper)
    return found


def _run(turn: Turn) -> None:
    """Runs verbs until one takes time, or none is left."""
    first = turn.steps
    while type(turn.doing) is Ready:
        if turn.gone or not turn.frames:
            _off_the_end(turn)
            return
        turn.steps += 1
        if turn.steps > MAX_STEPS or turn.steps - first > MAX_IDLE_STEPS:
            turn.problem("the document runs without end; the call is ended", ends_call=True)
            turn.end()
            return
        frame = turn.frames[-1]
        if frame.at == len(frame.body):
            control.leave_frame(turn)
            continue
        verb = frame.body[frame.at]
        turn.frames = (*turn.frames[:-1], Frame(frame.body, frame.at + 1, frame.loop, frame.turn))
        turn.remember(verb)
        _STARTS[type(verb)](turn, verb)


def _off_the_end(turn: Turn) -> None:
    if turn.gone or turn.whisper:
        turn.doing = OVER
    else:
        turn.end()


def _instructed(turn: Turn, asking: Asking, event: Instructed) -> None:
    if event.op != asking.op:
        return
    if turn.gone:
        turn.doing = OVER
    else:
        turn.load(event.document, event.url)


def _interrupt(turn: Turn, event: NewDocument) -> None:
    """Stops what is going on and runs another document; too late for a call that ends."""
    if turn.gone or isinstance(turn.doing, Ending | Over | Finished):
        return
    stop = _STOPS.get(type(turn.doing))
    if stop is not None:
        stop(turn, turn.doing)
    turn.load(event.document, event.url)


def _left(turn: Turn, _: Any) -> None:
    """The leg is gone, and what went on owes nobody anything."""
    turn.doing = OVER


_STARTS: Final[dict[type, Callable[[Turn, Any], None]]] = {
    **control.STARTS,
    **prompting.STARTS,
    **gathering.STARTS,
    **recording.STARTS,
    **dialling.STARTS,
    **taking_payment.STARTS,
}
_HANDLERS: Final[dict[tuple[type, type], Callable[[Turn, Any, Any], None]]] = {
    (Asking, Instructed): _instructed,
    **prompting.HANDLERS,
    **gathering.HANDLERS,
    **recording.HANDLERS,
    **dialling.HANDLERS,
    **taking_payment.HANDLERS,
}
_STOPS: Final[dict[type, Callable[[Turn, Any], None]]] = {
    **prompting.STOPS,
    **gathering.STOPS,
    **recording.STOPS,
    **dialling.STOPS,
    **taking_payment.STOPS,
}
_LEFT: Final[dict[type, Callable[[Turn, Any], None]]] = {**recording.LEFT, **dialling.LEFT, **taking_payment.LEFT}
