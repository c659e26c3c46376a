"""Whoever watches a simulated call: orders, happenings and updates become entries of its transcript, each when it happens.

What is played is written down when it begins to be heard, so that a prompt which a key cut short does not count as heard out, and
one behind it not as heard at all. While privacy is on, keys are hidden and speech is not written down.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from ringback.calls.live import (
    Answered,
    Bridge,
    Dial,
    Happening,
    Heard,
    HungUp,
    Incoming,
    Item,
    Key,
    Order,
    Play,
    PlayEnded,
    Privacy,
    Rang,
    RecordEnded,
    Reject,
    RingTone,
    Silence,
    Sound,
    Speech,
    StopPlay,
    Tones,
)
from ringback.calls.model import CallRef, Direction, Update, to_rfc3339
from ringback.live.folder import page_of
from ringback.live.transcript import (
    HIDDEN,
    Began,
    Entry,
    Leg,
    Played,
    Pressed,
    Problem,
    Recorded,
    Spoke,
    Transcript,
    Variable,
)
from ringback.switch.port import Clock, Handle
from ringback.switch.simulated.durations import item_s
from ringback.switch.simulated.world import Note

Told = Callable[[Entry], None]


class Watcher:
    """See the module."""

    def __init__(self, clock: Clock, leg: str, direction: Direction, told: Told | None) -> None:
        """`leg`: the call's. `told` gets each entry as soon as it is whole."""
        self.transcript = Transcript()
        self.variables: Mapping[str, str] = {}
        self._clock = clock
        self._began_ms = clock.now_ms()
        self._leg = leg
        self._direction: Direction = direction
        self._told = told
        self._numbers: dict[str, str] = {}
        self._private: set[str] = set()
        self._gone: set[str] = set()
        self._plays: dict[str, deque[_Playing]] = {}
        self._pressed: Pressed | None = None

    # Entries
    @property
    def at_ms(self) -> int:
        """Milliseconds since the call began."""
        return self._clock.now_ms() - self._began_ms

    def add(self, entry: Entry) -> None:
        """Writes one down; keys that were pressed before it come first."""
        self.flush()
        self._add(entry)

    def flush(self) -> None:
        """No more keys come at once."""
        if self._pressed is not None:
            pressed, self._pressed = self._pressed, None
            self._add(pressed)

    def problem(self, message: str, **more: Any) -> None:
        """Something that is not as it should be; a warning if nothing else is said."""
        self.add(Problem(at_ms=self.at_ms, message=message, **{"severity": "warning", **more}))

    def began(self, from_: str, to: str) -> None:
        """The call begins."""
        at = to_rfc3339(self._clock.now_ms())
        self.add(Began(at_ms=self.at_ms, call=self._leg, direction=self._direction, from_=from_, to=to, at=at))

    # What is ordered, what happens, what the switch notes
    def ordered(self, order: Order) -> None:
        """Before the switch gets it."""
        watch = _ORDERED.get(type(order))
        if watch is not None:
            watch(self, order)

    def happened(self, told: Happening) -> None:
        """Before the conversation gets it."""
        watch = _HAPPENED.get(type(told))
        if watch is not None:
            watch(self, told)

    def noted(self, note: Note) -> None:
        """What the script's author should know."""
        if note.trouble:
            self.problem(f"{self.who(note.leg)} {note.text}")

    def updated(self, update: Update) -> None:
        """What the interpreter reports, the variables, and why a leg was not let be."""
        if update.type != "call.facts":
            if "why" in update.data:
                self.problem(str(update.data["why"]), severity="error")
            return
        if "problem" in update.data:
            data = update.data
            severity = "error" if data.get("ends_call") else "warning"
            self.problem(str(data["problem"]), severity=severity, line=data.get("line", 0), column=data.get("column", 0))
        elif update.call.vars or (not update.data and update.call == CallRef(id=update.call.id)):
            self.know(update.call.vars)

    def know(self, variables: Mapping[str, str]) -> None:
        """The variables are these now."""
        before, self.variables = self.variables, dict(variables)
        for name, value in variables.items():
            if before.get(name) != value:
                self.add(Variable(at_ms=self.at_ms, name=name, value=value))
        for name in before:
            if name not in variables:
                self.add(Variable(at_ms=self.at_ms, name=name, value=None))

    def recording(self, leg: str) -> None:
        """A recording begins."""
        self.add(Recorded(at_ms=self.at_ms, leg=leg, who=self.who(leg), state="in-progress"))

    def recorded(self, ended: RecordEnded) -> None:
        """A recording is over: it is in its place, or there is none."""
        self.add(
            Recorded(
                at_ms=self.at_ms,
                leg=ended.leg,
                who=self.who(ended.leg),
                state="failed" if ended.why == "failed" else "completed",
                why=ended.why,
                url=ended.url,
                duration_s=ended.duration_s,
                channels=ended.channels,
            )
        )

    def who(self, leg: str) -> str:
        """Whose leg it is: the call's own, or the number that was dialled."""
        if leg == self._leg:
            return "caller" if self._direction == "inbound" else "callee"
        return self._numbers.get(leg, leg)

    # Inside
    def _add(self, entry: Entry) -> None:
        self.transcript.add(entry)
        if self._told is not None:
            self._told(entry)

    def _line(self, leg: str, state: Any, **more: Any) -> None:
        self.add(Leg(at_ms=self.at_ms, leg=leg, who=self.who(leg), to=self._numbers.get(leg, ""), state=state, **more))

    def _dial(self, order: Dial) -> None:
        self._numbers[order.leg] = order.to
        self._line(order.leg, "dialled", caller_id=order.caller_id)

    def _bridge(self, order: Bridge) -> None:
        self._line(order.leg if order.other == self._leg else order.other, "bridged")

    def _privacy(self, order: Privacy) -> None:
        (self._private.add if order.on else self._private.discard)(order.leg)

    def _key(self, told: Key) -> None:
        key = HIDDEN if told.leg in self._private else told.key
        pressed = self._pressed
        if pressed is not None and pressed.leg == told.leg:
            self._pressed = Pressed(at_ms=pressed.at_ms, leg=told.leg, who=pressed.who, keys=pressed.keys + key)
            return
        self.flush()
        self._pressed = Pressed(at_ms=self.at_ms, leg=told.leg, who=self.who(told.leg), keys=key)

    def _heard(self, told: Heard) -> None:
        text = HIDDEN if told.text and told.leg in self._private else told.text
        self.add(Spoke(at_ms=self.at_ms, leg=told.leg, who=self.who(told.leg), text=text, confidence=told.confidence))

    def _hung_up(self, told: HungUp) -> None:
        self._gone.add(told.leg)
        for playing in self._plays.pop(told.leg, ()):
            playing.stop()
        self._line(told.leg, "ended", status=told.status, by=told.by, cause=told.cause, sip_status=told.sip_status)

    # What is heard: plays of a leg are heard one after another
    def _play(self, order: Play) -> None:
        if order.leg in self._gone:
            return
        plays = self._plays.setdefault(order.leg, deque())
        plays.append(_Playing(self, order))
        if len(plays) == 1:
            plays[0].begin_soon()

    def _play_over(self, over: StopPlay | PlayEnded) -> None:
        plays = self._plays.get(over.leg, deque())
        for index, playing in enumerate(plays):
            if playing.order.op == over.op:
                playing.stop()
                del plays[index]
                if index == 0 and plays:
                    plays[0].begin()
                return

    def hear(self, leg: str, item: Item) -> None:
        """A leg begins to hear something."""
        what, value = _PLAYED[type(item)](item)
        voice, language, ssml = (item.voice, item.language, item.ssml) if isinstance(item, Speech) else ("", "", False)
        self.add(
            Played(
                at_ms=self.at_ms,
                leg=leg,
                who=self.who(leg),
                what=what,
                value=value,
                voice=voice,
                language=language,
                ssml=ssml,
            )
        )


class _Playing:
    """One order to play. Its items are told of as their time comes."""

    def __init__(self, watcher: Watcher, order: Play) -> None:
        self.order = order
        self._watcher = watcher
        self._at = 0
        self._timer: Handle | None = None

    def begin_soon(self) -> None:
        """What was told before it comes first: that the call was answered."""
        self._timer = self._watcher._clock.call_later(0, self.begin)

    def begin(self) -> None:
        """Its first item is heard now, the others when those before them are over."""
        self._timer = None
        while self._at < len(self.order.items):
            item = self.order.items[self._at]
            self._at += 1
            self._watcher.hear(self.order.leg, item)
            seconds = item_s(item)
            if seconds is None:
                return
            if seconds > 0 and self._at < len(self.order.items):
                self._timer = self._watcher._clock.call_later(seconds, self.begin)
                return

    def stop(self) -> None:
        """What has not begun is not heard."""
        self._at = len(self.order.items)
        if self._timer is not None:
            self._timer.cancel()


_PLAYED: Final[Mapping[type, Callable[[Any], tuple[Any, str]]]] = {
    Speech: lambda item: ("speech", item.text),
    Sound: lambda item: ("sound", page_of(item.url)),
    Silence: lambda item: ("silence", f"{item.seconds:g}"),
    Tones: lambda item: ("tones", item.digits),
    RingTone: lambda item: ("ringing", item.country),
}
_ORDERED: Final[Mapping[type, Callable[[Watcher, Any], None]]] = {
    Play: Watcher._play,
    StopPlay: Watcher._play_over,
    Privacy: Watcher._privacy,
    Dial: Watcher._dial,
    Bridge: Watcher._bridge,
    Reject: lambda watcher, order: watcher._line(order.leg, "rejected"),
}
_HAPPENED: Final[Mapping[type, Callable[[Watcher, Any], None]]] = {
    Incoming: lambda watcher, told: watcher.began(told.from_, told.to),
    Rang: lambda watcher, told: watcher._line(told.leg, "rang"),
    Answered: lambda watcher, told: watcher._line(told.leg, "answered", amd=told.amd),
    Key: Watcher._key,
    PlayEnded: Watcher._play_over,
    Heard: Watcher._heard,
    HungUp: Watcher._hung_up,
}
