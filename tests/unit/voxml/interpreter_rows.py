"""Rows of a table: verbs, what happens, and the commands that are to come of it. Ten seconds pass from one event to the next."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from ringback.calls.live import HangUp, Happening, HungUp, Play, PlayEnded, Reject, Speech
from ringback.voxml import interpreter
from ringback.voxml.document import Document, Say, Verb
from ringback.voxml.model import Command, Event, Instructed, NewDocument, Report
from ringback.voxml.state import CallFacts, State

LEG = "c-1"
CALLER = "+14025550100"
URL = "https://app.example/a/doc"
END = [HangUp(LEG)]
REFUSED = [Reject(LEG)]
GONE = HungUp(LEG, "completed", "caller")
NEXT = Say(text="next")
"""A verb that shows that execution went on."""


def given(*verbs: Verb, url: str = URL) -> NewDocument:
    """A document of these verbs."""
    return NewDocument(url, Document(verbs))


def answer(op: int, *verbs: Verb, url: str = "https://app.example/b/next") -> Instructed:
    """What the application answered to `op`."""
    return Instructed(op, url, Document(verbs))


def says_next(op: int) -> list[Command]:
    """What NEXT comes to."""
    return [Play(LEG, op, (Speech("next"),))]


def problem(text: str, leg: str = LEG, *, ends_call: bool = False) -> Report:
    """A note for the document's author."""
    return Report(leg, "call.facts", {"problem": text, "ends_call": True} if ends_call else {"problem": text})


def variables(**values: str) -> Report:
    """The variables as they are reported; `__` stands for a dot."""
    return Report(LEG, "call.facts", context={"vars": {name.replace("__", "."): value for name, value in values.items()}})


def ended(op: int, error: str = "") -> PlayEnded:
    """What was played is over."""
    return PlayEnded(LEG, op, error)


Step = tuple[Event | Happening | None, list[Command]]


class Row(NamedTuple):
    """`steps`: an event (None: the beginning) and its commands. `answered`: an outgoing call, which begins answered."""

    why: str
    verbs: tuple[Verb, ...]
    steps: tuple[Step, ...]
    answered: bool = True
    flows: dict[str, str] = {}


class Run:
    """A call in progress."""

    def __init__(self, *verbs: Verb, answered: bool = True, flows: dict[str, str] | None = None) -> None:
        facts = CallFacts(
            leg=LEG, first=given(*verbs), from_=CALLER, to="+17015550123", answered=answered, flows=flows or {}, today=(2026, 11)
        )
        self.now_ms = 0
        self.state: State
        self.state, self.begun = interpreter.begin(facts, 0)

    def __call__(self, event: Event) -> list[Command]:
        self.now_ms += 10_000
        self.state, commands = interpreter.step(self.state, event, self.now_ms)
        return commands


def play(row: Row) -> None:
    """Runs a row and compares."""
    run = Run(*row.verbs, answered=row.answered, flows=row.flows)
    for number, (event, expected) in enumerate(row.steps):
        got = run.begun if event is None else run(event)
        assert got == expected, f"step {number}: {event}"


def table(*rows: Row) -> Callable[[Callable[[Row], None]], Callable[[Row], None]]:
    """Parametrizes a test by rows."""
    assert len({row.why for row in rows}) == len(rows)
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.why)
