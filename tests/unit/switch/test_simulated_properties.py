"""Whatever the scripts say and whatever is ordered when: the port's rules hold, and time comes to an end."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_stage import Stage

from ringback.calls.live import (
    Answer,
    Answered,
    Bridge,
    Collect,
    Detection,
    Dial,
    HangUp,
    Happening,
    Heard,
    HungUp,
    Incoming,
    Key,
    Listen,
    Order,
    Play,
    PlayEnded,
    Privacy,
    Rang,
    Record,
    RecordEnded,
    Reject,
    RingTone,
    Silence,
    Speech,
    StopCollect,
    StopListening,
    StopPlay,
    StopRecord,
)
from ringback.switch.simulated.party import Act
from ringback.switch.simulated.script import Leave, PickUp, Press, Refuse, Ring, Script, Speak, parse_script

INPUT = ["digits 12#", "digits! 1w2", "speech 'sales, please'", "speech! 'x'", "say nothing", "hear", "wait 2s", "wait 100ms"]
BEFORE = ["", "ring, ", "ring 3s, ", "wait 1s, ", "ring, hear, "]
ENDS = ["", ", hangup"]
LEGS = ["sim-1", "sim-2", "b", "c", "d", "e"]


@st.composite
def parts(draw: st.DrawFn, ends: list[str]) -> str:
    """What a party does."""
    middle = ["answer", "answer machine", *ends]
    begin = draw(st.sampled_from(BEFORE)) + draw(st.sampled_from(middle))
    if begin.endswith(tuple(ends)) and ends:
        return begin
    return ", ".join([begin, *draw(st.lists(st.sampled_from(INPUT), max_size=5))]) + draw(st.sampled_from(ENDS))


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """A call's."""
    caller = draw(parts([]))
    callees = [f"callee{number}: {draw(parts(['busy', 'reject', 'no answer', 'fail']))}" for number in (" 7000", "")]
    return parse_script("; ".join([caller, *callees[: draw(st.integers(0, 2))]]))


seconds = st.floats(0, 20) | st.sampled_from([0.0, 1.0, -1.0])
legs = st.sampled_from(LEGS)
items = st.lists(st.builds(Silence, seconds) | st.just(Speech("Press one.")) | st.just(RingTone()), max_size=3).map(tuple)
Made = Callable[[int], Order]
"""An order, once the number of its `op` is known."""


def begins(make: Callable[..., Order], *parts: st.SearchStrategy[object]) -> st.SearchStrategy[Made]:
    """Something with an `op` of its own."""
    return st.tuples(legs, *parts).map(lambda drawn: lambda op: make(drawn[0], op, *drawn[1:]))


def ends(make: Callable[[str, int], Order]) -> st.SearchStrategy[Made]:
    """The end of something that perhaps has begun."""
    return st.tuples(legs, st.integers(1, 10)).map(lambda drawn: lambda op: make(drawn[0], op - drawn[1]))


def plain(strategy: st.SearchStrategy[Order]) -> st.SearchStrategy[Made]:
    """An order without an `op`."""
    return strategy.map(lambda order: lambda _: order)


orders = st.one_of(
    plain(st.builds(Answer, legs)),
    plain(st.builds(Reject, legs)),
    plain(st.builds(Privacy, legs, st.booleans())),
    plain(st.builds(Bridge, legs, legs)),
    plain(st.builds(HangUp, legs)),
    plain(
        st.builds(
            Dial, st.sampled_from(LEGS[2:]), legs, st.sampled_from(["7000", "1"]), st.just("1"), seconds,
            st.none() | st.just(Detection()) | st.just(Detection(until_message_end=True, timeout_s=3)),
        )
    ),
    begins(Play, items),
    begins(Collect),
    begins(lambda leg, op, start, end: Listen(leg, op, start_s=start, end_s=end), seconds, st.none() | seconds),
    begins(Record, seconds, seconds, st.booleans(), st.sampled_from([1, 2])),
    ends(StopPlay),
    ends(StopCollect),
    ends(StopListening),
    ends(StopRecord),
)  # fmt: skip
acts: st.SearchStrategy[Act] = st.sampled_from(
    [Ring(), PickUp(), PickUp("machine"), Refuse("busy"), Refuse("no answer"), Press("1w2"), Speak("well, well"), Leave()]
)
doings = st.lists(st.tuples(seconds, st.lists(orders, max_size=4), st.none() | st.tuples(legs, acts)), max_size=25)


class Watch:
    """Gives orders and holds what is told against them. A name is dialled once, and then twice at once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ops = 0
        self.obeying = False
        self.names: set[str] = set()
        self.alive: set[str] = set()
        self.seen: set[tuple[str, type]] = set()
        self.silenced: set[tuple[str, int]] = set()
        self.ended: set[tuple[type, int]] = set()
        self.records: set[int] = set()
        self.wanted: dict[str, set[int]] = {}
        stage.reacts = self.hears

    def gives(self, make: Made) -> None:
        """An order."""
        self.ops += 1
        order = make(self.ops)
        match order:
            case Dial():
                if order.leg in self.names:
                    return
                self.begins(order.leg)
                self.stage.obey(order)
            case StopPlay() | StopListening():
                self.silenced.add((order.leg, order.op))
            case Collect():
                if order.leg in self.alive:
                    self.wanted.setdefault(order.leg, set()).add(order.op)
            case StopCollect():
                self.wanted.get(order.leg, set()).discard(order.op)
            case Record():
                self.records.add(order.op)
        self.obeying = True
        self.stage.obey(order)
        self.obeying = False

    def begins(self, leg: str) -> None:
        """A leg of a new name."""
        self.names.add(leg)
        self.alive.add(leg)

    def hears(self, told: Happening) -> None:
        """Is it allowed now?"""
        assert not self.obeying
        if isinstance(told, RecordEnded):
            assert told.op in self.records
            self.records.remove(told.op)
            return
        assert told.leg in self.alive
        if isinstance(told, Incoming | Rang | Answered | HungUp):
            assert (told.leg, type(told)) not in self.seen
            self.seen.add((told.leg, type(told)))
        if isinstance(told, PlayEnded | Heard):
            assert (told.leg, told.op) not in self.silenced
            assert (type(told), told.op) not in self.ended
            self.ended.add((type(told), told.op))
        if isinstance(told, Key):
            assert self.wanted.get(told.leg)
        if isinstance(told, HungUp):
            self.alive.remove(told.leg)


def lives(stage: Stage, script: Script, wanted: list[tuple[float, list[Made], tuple[str, Act] | None]]) -> None:
    """Two calls of the same script, and what is done to them at its time; then the switch is stopped."""
    watch = Watch(stage)
    for _ in range(2):
        watch.begins(stage.calls(script))
    for at_s, made, act in wanted:
        for make in made:
            stage.clock.call_later(at_s, partial(watch.gives, make))
        if act is not None:
            stage.clock.call_later(at_s, partial(stage.switch.act, *act))
    stage.runs()
    assert stage.clock.next_due() is None
    asyncio.run(stage.switch.stop())
    assert not stage.clock.advance(), "a leg that is gone leaves nothing behind"
    assert not watch.alive
    assert not watch.records, "every recording has an end"
    assert stage.switch.legs == 0
    assert [at for at, _ in stage.told] == sorted(at for at, _ in stage.told)


@given(scripts(), doings)
def test_any_script_and_any_orders(script: Script, wanted: list[tuple[float, list[Made], tuple[str, Act] | None]]) -> None:
    lives(Stage(patience_s=7), script, wanted)


@settings(max_examples=30)
@given(scripts(), doings)
def test_any_recording_can_be_written(
    tmp_path_factory: pytest.TempPathFactory, script: Script, wanted: list[tuple[float, list[Made], tuple[str, Act] | None]]
) -> None:
    stage = Stage(tmp_path_factory.mktemp("recordings"), patience_s=7)
    lives(stage, script, wanted)
    for _, told in stage.of(RecordEnded):
        assert isinstance(told, RecordEnded)
        if told.why != "failed":
            size = Path(told.file).stat().st_size - 44
            assert size // (16_000 * told.channels) == told.duration_s


@given(scripts(), doings)
def test_the_same_is_the_same_each_time(script: Script, wanted: list[tuple[float, list[Made], tuple[str, Act] | None]]) -> None:
    told = []
    for _ in range(2):
        stage = Stage()
        lives(stage, script, wanted)
        told.append((stage.told, stage.notes))
    assert told[0] == told[1]


def test_a_thousand_calls_at_once() -> None:
    stage = Stage()
    script = parse_script("ring, answer, digits 1, speech 'sales', hear")
    legs = [stage.calls(script) for _ in range(1_000)]
    left: dict[str, list[Order]] = {
        leg: [Play(leg, 3, (Speech("Good bye."),)), StopCollect(leg, 2), Listen(leg, 2), Collect(leg, 1), Answer(leg)]
        for leg in legs
    }

    def reacts(told: Happening) -> None:
        match told:
            case Incoming():
                stage.obey(left[told.leg].pop(), left[told.leg].pop())
            case Key():
                stage.obey(left[told.leg].pop(), left[told.leg].pop())
            case Heard():
                stage.obey(left[told.leg].pop())
            case PlayEnded():
                stage.obey(HangUp(told.leg))

    stage.reacts = reacts
    stage.runs()
    assert sorted(told.leg for _, told in stage.of(HungUp)) == sorted(legs)
    assert {told.text for _, told in stage.of(Heard) if isinstance(told, Heard)} == {"sales"}
    assert stage.switch.legs == 0
