"""Whoever is at the far end of a leg, and does what its script says, each thing when its turn has come.

A turn is a question about the leg (are keys wanted, and is the prompt over?) that is asked again whenever the leg changes. It has
come when the answer was yes for a moment, so that the pause between two prompts is not taken for the end of both. A party whose
turn does not come hangs up after a while in which there is nothing to hear, and a note says which step was never reached: so a
simulation ends, and its author sees why.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from ringback.switch.simulated.durations import REACTION_S, RING_S, key_s, speech_s
from ringback.switch.simulated.leg import Leg
from ringback.switch.simulated.script import (
    INPUT,
    Hear,
    Leave,
    PickUp,
    Press,
    Refuse,
    Ring,
    SayNothing,
    Speak,
    Step,
    Wait,
)
from ringback.switch.simulated.world import Timer, World

Act = Ring | PickUp | Refuse | Press | Speak | Leave
"""Steps that can be done at once."""


class _Turn(Struct, frozen=True):
    """What is waited for, and what is done then. `patient`: it comes by itself, however long it takes."""

    ready: Callable[[], bool]
    then: Callable[[], None]
    reaction_s: float = REACTION_S
    patient: bool = False


def of_callee(steps: tuple[Step, ...] | None) -> tuple[Step, ...]:
    """What a callee does. One of whom nothing is said rings and answers; so does, first, one who presses or says something."""
    for index, step in enumerate(steps or (PickUp(),)):
        if isinstance(step, PickUp | Refuse | Leave):
            break
        if isinstance(step, INPUT):
            return (*(steps or ())[:index], Ring(), PickUp(), *(steps or ())[index:])
    return steps or (Ring(), PickUp())


class Party:
    """See the module."""

    def __init__(self, world: World, leg: Leg, steps: tuple[Step, ...], patience_s: float) -> None:
        self._world = world
        self._leg = leg
        self._steps = steps
        self._at = 0
        self._patience_s = patience_s
        self._patience: Timer | None = None
        self._quiet_ms = 0
        self._turn: _Turn | None = None
        self._reacting: Timer | None = None
        leg.changed = self.look

    def begin(self) -> None:
        """Does step after step, until one has to wait; its end goes on from there."""
        while self._at < len(self._steps):
            step = self._steps[self._at]
            if not _BEGIN[type(step)](self, step):
                return
            self._at += 1

    def act(self, act: Act) -> None:
        """Does something at once, whatever the script says."""
        match act:
            case Press():
                self._press(act.keys, _nothing)
            case Speak():
                self._leg.speak(act.text, act.confidence)
            case Ring():
                self._leg.ring()
            case PickUp():
                self._leg.pick_up(act)
            case Refuse():
                self._refuse(act)
            case Leave():
                self._leg.leave()

    def look(self) -> None:
        """The leg has changed: has the turn come?"""
        turn = self._turn
        if turn is None:
            return
        if turn.ready():
            if self._reacting is None:
                self._reacting = self._leg.later(turn.reaction_s, self._turn_comes)
            return
        if self._reacting is not None:
            self._reacting.cancel()
            self._reacting = None
        self._quiet_ms = self._world.clock.now_ms()
        if self._patience is None and not turn.patient:
            self._patience = self._leg.later(self._patience_s, self._patience_ends)

    def over(self) -> None:
        """The leg is gone. What its party was still going to key or to say is noted: its author believes that it was."""
        begun = 0 if self._turn is not None else 1
        left = [step for step in self._steps[self._at + begun :] if isinstance(step, Press | Speak)]
        if left:
            count = f"{len(left)} step{'s' if len(left) > 1 else ''}"
            self._world.note(
                self._leg.id, f"is off the line before {count} of its script (script, character {left[0].at})", trouble=True
            )

    # One for each step: True if it is over at once
    def _ring(self, step: Ring) -> bool:
        self._leg.ring()
        seconds = step.seconds
        if seconds is None:
            seconds = 0.0 if self._leg.incoming else RING_S
        return self._pause(seconds)

    def _pick_up(self, step: PickUp) -> bool:
        leg = self._leg
        leg.pick_up(step)
        if not leg.answered:
            self._await(_Turn(lambda: leg.answered, self._done, reaction_s=0.0, patient=not leg.incoming))
        return leg.answered

    def _refuse(self, step: Refuse) -> bool:
        if self._leg.incoming:
            return True
        if step.how == "no answer":
            self._leg.ring()
        else:
            self._world.note(self._leg.id, _REFUSALS[step.how])
            self._leg.end("reject" if step.how == "reject" else "busy" if step.how == "busy" else "fail")
        return False

    def _begin_press(self, step: Press) -> bool:
        leg = self._leg
        self._await(
            _Turn(lambda: bool(leg.collects) and (step.over or not leg.playing), lambda: self._press(step.keys, self._done))
        )
        return False

    def _speak(self, step: Speak) -> bool:
        leg = self._leg
        self._await(_Turn(lambda: leg.heeded and (step.over or not leg.playing), lambda: self._say(step)))
        return False

    def _say_nothing(self, _: SayNothing) -> bool:
        leg = self._leg
        self._await(_Turn(lambda: bool(leg.questions()) and not leg.playing, self._let_go_by))
        return False

    def _hear(self, _: Hear) -> bool:
        leg = self._leg
        until_over = _Turn(lambda: not leg.playing, self._done, patient=True)
        if leg.playing:
            self._await(until_over)
        else:
            self._await(_Turn(lambda: leg.playing, lambda: self._await(until_over), reaction_s=0.0))
        return False

    def _wait(self, step: Wait) -> bool:
        return self._pause(step.seconds)

    def _leave(self, _: Leave) -> bool:
        self._leg.leave()
        return False

    # Inside
    def _await(self, turn: _Turn) -> None:
        self._turn = turn
        self.look()

    def _turn_comes(self) -> None:
        turn, self._turn, self._reacting = self._turn, None, None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        assert turn is not None
        turn.then()

    def _done(self) -> None:
        self._at += 1
        self.begin()

    def _pause(self, seconds: float) -> bool:
        if seconds > 0:
            self._leg.later(seconds, self._done)
        return seconds <= 0

    def _press(self, keys: str, then: Callable[[], None]) -> None:
        """One key after another, whatever comes of the first: that is how people dial."""
        if not keys:
            then()
            return
        if keys[0] != "w":
            self._leg.press(keys[0])
        self._leg.later(key_s(keys[0]), lambda: self._press(keys[1:], then))

    def _say(self, step: Speak) -> None:
        self._leg.speak(step.text, step.confidence)
        self._leg.later(speech_s(step.text), self._done)

    def _let_go_by(self) -> None:
        leg, open_now = self._leg, self._leg.questions()
        self._await(_Turn(lambda: not open_now & leg.questions(), self._done, reaction_s=0.0, patient=True))

    def _patience_ends(self) -> None:
        self._patience = None
        if self._leg.playing or self._leg.peer is not None:
            return  # there is something to hear; `look` comes when it ends
        rest_s = self._patience_s - (self._world.clock.now_ms() - self._quiet_ms) / 1000
        if rest_s > 0:
            self._patience = self._leg.later(rest_s, self._patience_ends)
            return
        step = self._steps[self._at]
        text = f"gives up: {self._patience_s:g} s with nothing to hear, and {_AWAITED[type(step)]} (script, character {step.at})"
        self._world.note(self._leg.id, text, trouble=True)
        self._steps = self._steps[: self._at]  # that says it all
        self._leg.leave()


def _nothing() -> None:
    """What follows an act: nothing."""


_BEGIN: Final[Mapping[type, Callable[[Party, Any], bool]]] = {
    Ring: Party._ring,
    PickUp: Party._pick_up,
    Refuse: Party._refuse,
    Press: Party._begin_press,
    Speak: Party._speak,
    SayNothing: Party._say_nothing,
    Hear: Party._hear,
    Wait: Party._wait,
    Leave: Party._leave,
}
_REFUSALS: Final = {"busy": "is busy", "reject": "declines", "fail": "cannot be reached"}
_AWAITED: Final[Mapping[type, str]] = {
    PickUp: "it was not answered",
    Press: "no keys were wanted",
    Speak: "nobody listened",
    SayNothing: "nothing was asked",
    Hear: "nothing was played",
}
