"""Dial: numbers are called, one of them is put through.

           ┌─ each number ─────────────────────────────────────────────────────────────┐
    Dial ─▶│ rings ─▶ answered ─▶ (keys are sent) ─▶ (a document is run on its leg)     │─▶ put through ─▶ over ─▶ action
           │   └────────── hung up, not answered in time: lost ──────────┘             │
           └─ all are lost ────────────────────────────────────────────────────────────┘──────────────▶ over

Documented: the attributes, `<output>.status`, and that `action` is asked when the dialled call is over. Ours or TwiML's, where the
vendor says nothing:

- Several numbers ring at once, ten at most; the first to answer is put through and the others are hung up. A number with a document
  has to hear it to its end first, and the others ring on meanwhile: so a callee can be asked, and a voice mail does not win.
- `DialCallStatus` is `completed` if somebody was put through. Otherwise the first that applies of: `busy`, `no-answer` (also for
  whoever answered and was not put through), `canceled` (also if the caller hung up first), `failed`.
- A caller who is answered hears ringing; one who is not (`answerOnBridge`) hears the network's.
- What is recorded is the caller's leg, both directions: left what the caller says, right what the caller hears. From ringing means
  from the Dial on, but not before the caller is answered.
- `*` (`hangupOnStar`) counts once they are put through. A document that runs on a callee's leg cannot dial.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ringback.calls import live
from ringback.voxml import results
from ringback.voxml.document import Dial
from ringback.voxml.history import number_entry
from ringback.voxml.model import TimeUp
from ringback.voxml.recording import follow
from ringback.voxml.state import Dialling, Filing, Over, Reaching, Thread
from ringback.voxml.turn import FILING_S, Turn

MAX_NUMBERS: Final = 10
"""TwiML's."""
_CANCELED: Final = "canceled"
_STATUS: Final[dict[live.Outcome, str]] = {
    "completed": "no-answer",  # of one who was not put through
    "busy": "busy",
    "no-answer": "no-answer",
    "cancelled": _CANCELED,
    "failed": "failed",
}
_BEST_FIRST: Final = ("busy", "no-answer", _CANCELED, "failed")


def _start(turn: Turn, step: Dial) -> None:
    if turn.whisper:
        turn.problem("a document that a callee hears cannot dial; the Dial is passed over", step)
        return
    if not step.answer_on_bridge:
        turn.answer()
    if len(step.numbers) > MAX_NUMBERS:
        turn.problem(f"a Dial calls {MAX_NUMBERS} numbers at once; the others are not called", step)
    dialling = Dialling(step)
    if not step.numbers:
        _finish(turn, dialling, "failed", "", None)
        return
    if turn.answered:
        if step.record.startswith("record-from-ringing"):
            dialling = _recorded(turn, dialling)
        dialling = replace(dialling, ring=turn.op())
        turn.give(live.Play(turn.leg, dialling.ring, (live.RingTone(step.ring_tone),)))
    caller_id = turn.call.from_ if step.caller_id is None else step.caller_id
    tries = []
    for number in step.numbers[:MAX_NUMBERS]:
        turn.dialled += 1
        turn.remember_as(number_entry(number), number.history)
        tries.append(Reaching(f"{turn.leg}-{turn.dialled}", number))
        turn.give(live.Dial(tries[-1].leg, turn.leg, number.number, caller_id, step.timeout))
    turn.doing = replace(dialling, tries=tuple(tries))


def _recorded(turn: Turn, dialling: Dialling) -> Dialling:
    """Recording begins."""
    step, op = dialling.step, turn.op()
    follow(turn, op, step.callback)
    limit_s = step.time_limit + step.timeout
    channels: Any = 2 if step.record.endswith("-dual") else 1
    turn.give(live.Record(turn.leg, op, limit_s, channels=channels, track=step.recording_track))
    return replace(dialling, record=op)


# A number on its way
def _answered(turn: Turn, dialling: Dialling, event: live.Answered) -> None:
    reaching = reached_at(dialling, event.leg)
    if reaching is None or reaching.answered_ms is not None:
        return
    reaching = replace(reaching, answered_ms=turn.now_ms)
    if reaching.number.url is None:
        dialling = _only(turn, dialling, reaching)
    if reaching.number.send_digits:
        reaching = replace(reaching, play=turn.op())
        turn.give(live.Play(reaching.leg, reaching.play, (live.Tones(reaching.number.send_digits),)))
        turn.doing = _with(dialling, reaching)
    else:
        _keyed(turn, dialling, reaching)


def _played(turn: Turn, dialling: Dialling, event: live.PlayEnded) -> None:
    for reaching in dialling.tries:
        if reaching.play and reaching.play == event.op:
            _keyed(turn, dialling, replace(reaching, play=0))


def _keyed(turn: Turn, dialling: Dialling, reaching: Reaching) -> None:
    """Answered, and all keys are sent."""
    number = reaching.number
    if number.url is None:
        _bridge(turn, dialling, reaching)
        return
    own = turn.thread()
    turn.enter(Thread(reaching.leg, base_url=own.base_url, answered=True, whisper=True))
    turn.ask(number.url, number.method, "whisper")
    whisper = turn.thread()
    turn.enter(own)
    turn.doing = _with(dialling, replace(reaching, whisper=whisper))


def whispered(turn: Turn, leg: str, whisper: Thread) -> None:
    """A callee's document has gone on: to its end, perhaps, and then the callee is put through."""
    dialling = turn.doing
    assert isinstance(dialling, Dialling)
    reaching = reached_at(dialling, leg)
    assert reaching is not None
    if type(whisper.doing) is Over:
        _bridge(turn, dialling, replace(reaching, whisper=None))
    else:
        turn.doing = _with(dialling, replace(reaching, whisper=whisper))


def _bridge(turn: Turn, dialling: Dialling, reaching: Reaching) -> None:
    dialling = _only(turn, dialling, reaching)
    step = dialling.step
    if dialling.ring:
        turn.give(live.StopPlay(turn.leg, dialling.ring))
    turn.answer()
    if step.record != "do-not-record" and not dialling.record and not dialling.recording_url:
        dialling = _recorded(turn, dialling)
    turn.give(live.Bridge(turn.leg, reaching.leg))
    collect = turn.op() if step.hangup_on_star else 0
    if collect:
        turn.give(live.Collect(turn.leg, collect))
    limit = turn.timer(step.time_limit)
    turn.doing = replace(dialling, tries=(), bridged=reaching, ring=0, collect=collect, limit=limit)


def _hung_up(turn: Turn, dialling: Dialling, event: live.HungUp) -> None:
    bridged = dialling.bridged
    if bridged is not None:
        if event.leg == bridged.leg:
            _completed(turn, dialling, bridged)
        return
    if reached_at(dialling, event.leg) is None:
        return
    status = _STATUS[event.status]
    if not dialling.lost or _BEST_FIRST.index(status) < _BEST_FIRST.index(dialling.lost):
        dialling = replace(dialling, lost=status, lost_leg=event.leg)
    left = tuple(other for other in dialling.tries if other.leg != event.leg)
    dialling = replace(dialling, tries=left)
    if left:
        turn.doing = dialling
    else:
        _finish(turn, dialling, dialling.lost, dialling.lost_leg, None)


def reached_at(dialling: Dialling, leg: str) -> Reaching | None:
    """The try on this leg, unless it is lost."""
    return next((reaching for reaching in dialling.tries if reaching.leg == leg), None)


def _with(dialling: Dialling, reaching: Reaching) -> Dialling:
    tries = (reaching if other.leg == reaching.leg else other for other in dialling.tries)
    return replace(dialling, tries=tuple(tries))


def _only(turn: Turn, dialling: Dialling, reaching: Reaching) -> Dialling:
    """The others are hung up."""
    for other in dialling.tries:
        if other.leg != reaching.leg:
            turn.give(live.HangUp(other.leg))
    return replace(dialling, tries=(reaching,))


# Put through
def _key(turn: Turn, dialling: Dialling, event: live.Key) -> None:
    if event.leg == turn.leg and event.key == "*" and dialling.collect and dialling.bridged is not None:
        turn.give(live.StopCollect(turn.leg, dialling.collect))
        turn.give(live.HangUp(dialling.bridged.leg))
        turn.doing = replace(dialling, collect=0)


def _time_up(turn: Turn, dialling: Dialling, event: TimeUp) -> None:
    if event.op == dialling.limit and dialling.bridged is not None:
        turn.give(live.HangUp(dialling.bridged.leg))
        turn.doing = replace(dialling, limit=0)


def _record_ended(turn: Turn, dialling: Dialling, event: live.RecordEnded) -> None:
    if event.op == dialling.record:
        turn.doing = replace(dialling, record=0, recording_url=event.url)


# Over
def _completed(turn: Turn, dialling: Dialling, bridged: Reaching) -> None:
    began_ms = turn.now_ms if bridged.answered_ms is None else bridged.answered_ms
    _finish(turn, dialling, "completed", bridged.leg, max(0, turn.now_ms - began_ms) // 1000)


def _finish(turn: Turn, dialling: Dialling, status: str, leg: str, duration_s: int | None) -> None:
    """Nobody is called or put through any more."""
    step = dialling.step
    _quiet(turn, dialling)
    turn.output(step.output, {"status": status}, step)
    told = results.of_dial(status, leg, duration_s)
    if dialling.record and step.action is not None:
        turn.doing = Filing(step, told, dialling.record, turn.timer(FILING_S))
    else:
        turn.act(step.action, step.method, "dial", results.with_recording(told, dialling.recording_url))


def _quiet(turn: Turn, dialling: Dialling) -> None:
    """What the caller's leg was told for the Dial ends."""
    if dialling.ring:
        turn.give(live.StopPlay(turn.leg, dialling.ring))
    if dialling.collect:
        turn.give(live.StopCollect(turn.leg, dialling.collect))
    if dialling.record:
        turn.give(live.StopRecord(turn.leg, dialling.record))


def _filed(turn: Turn, filing: Filing, event: live.RecordEnded) -> None:
    if event.op == filing.record:
        _act(turn, filing, event.url)


def _not_filed(turn: Turn, filing: Filing, event: TimeUp) -> None:
    if event.op == filing.timer:
        turn.problem("the recording's end was not told in time", filing.step)
        _act(turn, filing, "")


def _act(turn: Turn, filing: Filing, url: str) -> None:
    turn.act(filing.step.action, filing.step.method, "dial", results.with_recording(filing.results, url))


def _release(turn: Turn, dialling: Dialling) -> None:
    """Everybody who was called is hung up."""
    for reaching in dialling.tries:
        turn.give(live.HangUp(reaching.leg))
    if dialling.bridged is not None:
        turn.give(live.HangUp(dialling.bridged.leg))


def _stop(turn: Turn, dialling: Dialling) -> None:
    _quiet(turn, dialling)
    _release(turn, dialling)


def _left(turn: Turn, dialling: Dialling) -> None:
    """The caller has hung up."""
    _release(turn, dialling)
    if dialling.bridged is not None:
        _completed(turn, dialling, dialling.bridged)
    else:
        first = dialling.tries[0].leg if dialling.tries else ""
        _finish(turn, dialling, _CANCELED, first, None)


def _stay(_turn: Turn, _filing: Filing) -> None:
    """The recording's end is told all the same."""


STARTS: Final[dict[type, Callable[[Turn, Any], None]]] = {Dial: _start}
HANDLERS: Final[dict[tuple[type, type], Callable[[Turn, Any, Any], None]]] = {
    (Dialling, live.Answered): _answered,
    (Dialling, live.PlayEnded): _played,
    (Dialling, live.HungUp): _hung_up,
    (Dialling, live.Key): _key,
    (Dialling, TimeUp): _time_up,
    (Dialling, live.RecordEnded): _record_ended,
    (Filing, live.RecordEnded): _filed,
    (Filing, TimeUp): _not_filed,
}
STOPS: Final[dict[type, Callable[[Turn, Any], None]]] = {Dialling: _stop}
LEFT: Final[dict[type, Callable[[Turn, Any], None]]] = {Dialling: _left, Filing: _stay}
