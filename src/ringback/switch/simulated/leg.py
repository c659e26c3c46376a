"""One leg of a simulated call: what it was told to do, what its party does, and what is told of it.

Its state changes at once, and what it has to tell goes into the world's row. Whoever plays the party is told of every change by
`changed`, and never acts from within it.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

from ringback.calls.live import (
    Answered,
    Detection,
    Heard,
    Key,
    Listen,
    Play,
    PlayEnded,
    Rang,
    Record,
    RecordEnd,
    RecordEnded,
)
from ringback.switch.simulated.durations import BEEP_S, END_OF_SPEECH_S, speech_s
from ringback.switch.simulated.endings import ENDINGS, How
from ringback.switch.simulated.recording import Span, Take
from ringback.switch.simulated.script import PickUp, Script
from ringback.switch.simulated.underway import NEVER_MS, Listening, Playing, detected
from ringback.switch.simulated.world import Timer, World


class Leg:
    """See the module."""

    def __init__(self, world: World, id: str, script: Script | None, *, incoming: bool, over: Callable[["Leg"], None]) -> None:
        """`script`: the call's, for legs that are dialled in it. `over` is called once, when it is gone."""
        self.id = id
        self.incoming = incoming
        self.script = script
        self.changed: Callable[[], None] = _nobody
        self.answered = False
        """Was it told?"""
        self.private = False
        self.peer: Leg | None = None
        self.collects: set[int] = set()
        self.listens: dict[int, Listening] = {}
        self.takes: dict[int, Take] = {}
        self._world = world
        self._over = over
        self._timers: set[Timer] = set()
        self._plays: deque[Playing] = deque()
        self._silences: dict[int, Timer] = {}
        self._voice: Span | None = None
        self._voice_timer: Timer | None = None
        self._overheard: Span | None = None
        """What the other end of a bridge is saying, from when it could be heard here."""
        self._rang = False
        self._picked_up = False
        self._no_answer: Timer | None = None
        self._detection: Detection | None = None

    def later(self, seconds: float, work: Callable[[], None]) -> Timer:
        """Calls `work` so many seconds from now, unless the leg is gone by then."""
        return self._world.later(seconds, work, self._timers)

    # What can be seen of it
    @property
    def playing(self) -> bool:
        """Does it hear something that is played?"""
        return bool(self._plays) or any(take.begin_ms is None for take in self.takes.values())

    @property
    def heeded(self) -> bool:
        """Is it its party's turn to speak: does a recogniser wait, a machine take a message, is a person on the line?"""
        return (
            self.peer is not None
            or any(listening.text is None for listening in self.listens.values())
            or any(take.wants_words for take in self.takes.values())
        )

    def questions(self) -> set[int]:
        """The `op`s of all that waits for something of its party."""
        return {*self.collects, *self.listens, *(op for op, take in self.takes.items() if take.wants_words)}

    # Orders
    def answer(self) -> None:
        """Of an incoming leg, once."""
        if self.incoming and not self.answered:
            self._tell_answered("")

    def reject(self, busy: bool) -> None:
        """Of an incoming leg that is not answered."""
        if self.incoming and not self.answered:
            self.end("we are busy" if busy else "we reject")

    def hang_up(self) -> None:
        """From our side."""
        self.end("we left" if self._is_up() else "we let it ring" if self.incoming else "we gave up")

    def play(self, order: Play) -> None:
        """After what is played already."""
        self._plays.append(Playing(order))
        if len(self._plays) == 1:
            self._begin_play()
        self.changed()

    def stop_play(self, op: int) -> None:
        """The next that waits begins."""
        for index, playing in enumerate(self._plays):
            if playing.order.op == op:
                playing.stop(self._now())
                del self._plays[index]
                if index == 0:
                    self._begin_play()
                self.changed()
                return

    def collect(self, op: int) -> None:
        """Keys are wanted."""
        self.collects.add(op)
        self.changed()

    def stop_collect(self, op: int) -> None:
        """Keys are not wanted for this any more."""
        self.collects.discard(op)
        self.changed()

    def listen(self, order: Listen) -> None:
        """Hears the next thing that is said."""
        self.stop_listening(order.op)
        listening = self.listens[order.op] = Listening(order)
        listening.timer = self.later(order.start_s, partial(self._heard, listening))
        self.changed()

    def stop_listening(self, op: int) -> None:
        """Nothing is told."""
        listening = self.listens.pop(op, None)
        if listening is not None:
            listening.stop()
            self.changed()

    def record(self, order: Record) -> None:
        """Begins when its beep is over. An `op` that is recording goes on."""
        if order.op in self.takes:
            return
        take = self.takes[order.op] = Take(order)
        if order.beep:
            self.later(BEEP_S, partial(self._begin_take, take))
        else:
            self._begin_take(take)
        self.changed()

    def stop_record(self, op: int) -> None:
        """Its end is told."""
        take = self.takes.get(op)
        if take is not None:
            self._end_take(take, "stopped")

    def set_privacy(self, on: bool) -> None:
        """What is recorded is silent from now on, or no longer."""
        self.private = on
        self._veil()

    def bridge(self, other: "Leg") -> None:
        """Both must be answered: else nothing happens."""
        if self is other or not (self.answered and other.answered):
            self._world.note(self.id, f"cannot be connected with {other.id}: both must be answered", trouble=True)
            return
        for leg in (self, other):
            leg.part()
        self.peer, other.peer = other, self
        for leg, speaker in ((self, other), (other, self)):
            if speaker._voice is not None:
                leg._overhear(speaker._voice.end_ms)
        self._veil()
        self.changed()
        other.changed()

    def part(self) -> None:
        """Is not connected any more."""
        peer = self.peer
        if peer is not None:
            self.peer = peer.peer = None
            for leg in (self, peer):
                leg._overhear_no_more()
                leg._veil()
            peer.changed()

    # The party
    def dialled(self, timeout_s: float, detection: Detection | None) -> None:
        """The leg is a callee's from now on."""
        self._detection = detection
        self._no_answer = self.later(timeout_s, partial(self.end, "nobody answered"))

    def ring(self) -> None:
        """The callee rings; told once."""
        if not (self.incoming or self._rang or self._picked_up):
            self._rang = True
            self._note("rings")
            self._world.tell(Rang(self.id))

    def pick_up(self, step: PickUp) -> None:
        """The callee answers. Detection, if asked for, takes its time, and the answer is told with what it found."""
        if self.incoming or self._picked_up:
            return
        self._picked_up = True
        self._note("answers" if step.who == "human" else "answers: a machine")
        if self._no_answer is not None:
            self._no_answer.cancel()
        if self._detection is None:
            self._tell_answered("")
        else:
            seconds, found = detected(self._detection, step)
            self.later(seconds, partial(self._tell_answered, found))

    def press(self, key: str) -> None:
        """Told if keys are wanted."""
        if not self.collects:
            self._note("presses a key that nobody wants", trouble=True)
            return
        self._note("presses a key" if self.private else f"presses {key}")
        self._world.tell(Key(self.id, key))

    def speak(self, text: str, confidence: float) -> None:
        """Says something, for as long as it takes."""
        self._hush()
        seconds, now = speech_s(text), self._now()
        self._voice = span = Span(now, now + round(seconds * 1000))
        self._note("says something" if self.private else f"says {text!r}")
        for listening in self.listens.values():
            if listening.text is None:
                listening.stop()
                listening.text, listening.confidence = text, confidence
        for timer in self._silences.values():
            timer.cancel()
        for take in self.takes.values():
            take.said.append(span)
        if self.peer is not None:
            self.peer._overhear(span.end_ms)
        self._voice_timer = self.later(seconds, self._hush)

    def leave(self) -> None:
        """The party hangs up."""
        self._note("hangs up")
        if self.incoming:
            self.end("caller left" if self.answered else "caller gave up")
        else:
            self.end("callee left" if self._picked_up else "reject")

    def end(self, how: How) -> None:
        """The leg is over, once; what was recorded of it ends after it. Nothing of it is left to come."""
        self.changed = _nobody
        for timer in list(self._timers):
            timer.cancel()
        now = self._now()
        if self._voice is not None:
            self._voice.end_ms = min(self._voice.end_ms, now)
        for playing in self._plays:
            playing.stop(now)
        self.part()
        self._world.tell(ENDINGS[how].of(self.id))
        for take in list(self.takes.values()):
            self._end_take(take, "hangup")
        self._over(self)

    # Inside
    def _now(self) -> int:
        return self._world.clock.now_ms()

    def _is_up(self) -> bool:
        return self.answered or self._picked_up

    def _note(self, text: str, *, trouble: bool = False) -> None:
        self._world.note(self.id, text, trouble=trouble)

    def _tell_answered(self, found: str) -> None:
        self.answered = True
        self._world.tell(Answered(self.id, found))
        self.changed()

    def _begin_play(self) -> None:
        if self._plays:
            playing = self._plays[0]
            seconds = playing.begin(self._now())
            for take in self.takes.values():
                take.heard.extend(playing.spans)
            if seconds is not None:
                playing.timer = self.later(seconds, self._end_play)

    def _end_play(self) -> None:
        playing = self._plays.popleft()
        self._world.tell(PlayEnded(self.id, playing.order.op))
        self._begin_play()
        self.changed()

    def _heard(self, listening: Listening) -> None:
        op = listening.order.op
        del self.listens[op]
        self._world.tell(Heard(self.id, op, listening.text or "", listening.confidence))
        self.changed()

    def _hush(self) -> None:
        """What is being said is over."""
        if self._voice is None or self._voice_timer is None:
            return
        self._voice.end_ms = min(self._voice.end_ms, self._now())
        self._voice_timer.cancel()
        self._voice = None
        if self.peer is not None:
            self.peer._overhear_no_more()
        for listening in self.listens.values():
            if listening.text is not None:
                seconds = listening.order.end_s
                listening.stop()
                listening.timer = self.later(END_OF_SPEECH_S if seconds is None else seconds, partial(self._heard, listening))
        for take in self.takes.values():
            self._await_silence(take)
        self.changed()

    def _overhear(self, end_ms: int) -> None:
        self._overheard = Span(self._now(), end_ms)
        for take in self.takes.values():
            take.heard.append(self._overheard)

    def _overhear_no_more(self) -> None:
        if self._overheard is not None:
            self._overheard.end_ms = min(self._overheard.end_ms, self._now())
            self._overheard = None

    def _begin_take(self, take: Take) -> None:
        take.begin_ms = self._now()
        for playing in self._plays:
            take.heard.extend(playing.spans)
        if self._voice is not None:
            take.said.append(self._voice)
        if self._overheard is not None:
            take.heard.append(self._overheard)
        self._veil()
        self.later(take.order.limit_s, partial(self._end_take, take, "limit"))
        self._await_silence(take)
        self.changed()

    def _await_silence(self, take: Take) -> None:
        if take.order.silence_s > 0 and take.begin_ms is not None and self._voice is None:
            self._silences[take.order.op] = self.later(take.order.silence_s, partial(self._end_take, take, "silence"))

    def _end_take(self, take: Take, why: RecordEnd) -> None:
        order, now = take.order, self._now()
        if self.takes.pop(order.op, None) is None:
            return
        silence = self._silences.pop(order.op, None)
        if silence is not None:
            silence.cancel()
        file = ""
        if self._world.recordings is not None:
            try:
                file = str(take.write(self._world.recordings, now))
            except OSError as error:
                self._note(f"the recording cannot be written: {error.strerror or error}", trouble=True)
                why = "failed"
        seconds = 0 if why == "failed" else take.duration_ms(now) // 1000
        self._world.tell(RecordEnded(self.id, order.op, why, file, "", seconds, order.channels))
        self.changed()

    def _veil(self) -> None:
        """Recordings hold silence while privacy is on, here or at whoever the leg is connected with."""
        now = self._now()
        for leg in (self, self.peer):
            if leg is not None:
                on = leg.private or (leg.peer is not None and leg.peer.private)
                for take in leg.takes.values():
                    if take.hidden and take.hidden[-1].end_ms > now:
                        take.hidden[-1].end_ms = now
                    if on:
                        take.hidden.append(Span(now, NEVER_MS))


def _nobody() -> None:
    """Nobody looks."""
