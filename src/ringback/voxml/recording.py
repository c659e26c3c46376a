"""Record: a message of the leg's party.

Documented: silence of `timeout` ends it (0: none does), any key of `finishOnKey` does, `maxLength` does. Ours, where the vendor is
silent: what came from the leg is recorded, in one channel; a recording that failed asks the action all the same, without an URL,
since the verbs after it are out of reach; of a caller who hangs up the action is asked with `hangup` for the key, as in TwiML.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ringback.calls import live
from ringback.voxml import results
from ringback.voxml.document import Record, RecordingCallback
from ringback.voxml.model import NotifyRecording, TimeUp
from ringback.voxml.state import Recording
from ringback.voxml.turn import FILING_S, Turn


def _start(turn: Turn, step: Record) -> None:
    turn.answer()
    op = turn.op()
    follow(turn, op, step.callback)
    turn.give(
        live.Record(turn.leg, op, limit_s=step.max_length, silence_s=step.timeout, beep=step.play_beep, channels=1, track="inbound")
    )
    collect = turn.op() if step.finish_on_key else 0
    if collect:
        turn.give(live.Collect(turn.leg, collect))
    turn.doing = Recording(step, op, collect)


def follow(turn: Turn, op: int, callback: RecordingCallback | None) -> None:
    """Says who is to be told of recording `op`, before it begins."""
    if callback is not None:
        turn.give(NotifyRecording(turn.leg, op, turn.absolute(callback.url), callback.method, callback.events))


def _key(turn: Turn, recording: Recording, event: live.Key) -> None:
    if event.leg != turn.leg or not recording.collect or event.key not in recording.step.finish_on_key:
        return
    turn.give(live.StopCollect(turn.leg, recording.collect))
    turn.give(live.StopRecord(turn.leg, recording.op))
    turn.doing = replace(recording, collect=0, key=event.key, timer=turn.timer(FILING_S))


def _ended(turn: Turn, recording: Recording, event: live.RecordEnded) -> None:
    if event.op == recording.op:
        if event.why == "failed":
            turn.problem("the recording failed", recording.step)
        _finish(turn, recording, event.url, event.duration_s)


def _time_up(turn: Turn, recording: Recording, event: TimeUp) -> None:
    if event.op == recording.timer:
        turn.problem("the recording's end was not told in time", recording.step)
        _finish(turn, recording, "", 0)


def _finish(turn: Turn, recording: Recording, url: str, duration_s: int) -> None:
    step = recording.step
    if recording.collect:
        turn.give(live.StopCollect(turn.leg, recording.collect))
    ended_by = "hangup" if turn.gone and not recording.key else recording.key
    turn.act(step.action, step.method, "record", results.of_record(url, duration_s, ended_by))


def _stop(turn: Turn, recording: Recording) -> None:
    if recording.collect:
        turn.give(live.StopCollect(turn.leg, recording.collect))
    if not recording.key:
        turn.give(live.StopRecord(turn.leg, recording.op))


def _left(turn: Turn, recording: Recording) -> None:
    """The leg's end ends the recording too, and is told of it."""
    turn.doing = replace(recording, collect=0, timer=recording.timer or turn.timer(FILING_S))


STARTS: Final[dict[type, Callable[[Turn, Any], None]]] = {Record: _start}
HANDLERS: Final[dict[tuple[type, type], Callable[[Turn, Any, Any], None]]] = {
    (Recording, live.Key): _key,
    (Recording, live.RecordEnded): _ended,
    (Recording, TimeUp): _time_up,
}
STOPS: Final[dict[type, Callable[[Turn, Any], None]]] = {Recording: _stop}
LEFT: Final[dict[type, Callable[[Turn, Any], None]]] = {Recording: _left}
