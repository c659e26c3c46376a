"""Documents of all kinds, good and bad, as a hypothesis strategy; and a switch, an application and a clock that play along with a
call in any order, and notice when the interpreter breaks its word."""

from collections.abc import Callable
from random import Random
from typing import Any, get_args

from hypothesis import strategies as st

from ringback.calls import live
from ringback.voxml import document as d
from ringback.voxml import interpreter
from ringback.voxml.model import (
    Ask,
    Charge,
    Charged,
    Command,
    Event,
    Finish,
    Instructed,
    NewDocument,
    NotifyRecording,
    Timer,
    TimeUp,
)
from ringback.voxml.state import Asking, CallFacts, Dialling, Ending, Finished, Pausing, Speaking, Start, TakingPayment

LEG = "c-1"
ORDERS = frozenset(get_args(live.Order))

URLS = st.sampled_from(["/next", "https://app.example/x?y=1", "./deep/er", "", "http://[", "//other.example/z", "mailto:a@b"])
ACTIONS = st.none() | URLS
OUTPUTS = st.none() | st.sampled_from(["menu", "_x", "", "n" * 51])
METHODS = st.sampled_from(["GET", "POST"])
HISTORY = st.sampled_from(["disable", "compact", "full"])
CALLBACKS = st.none() | st.builds(d.RecordingCallback, url=URLS)
EXPRESSIONS = st.sampled_from(
    [
        "",
        "${menu.digits}==''",
        "${menu.digits}!~'(1|2)'",
        "${do.n}!='2'",
        "1==1",
        "1==2",
        "${a}=~${menu.speech}",
        "${a}=~'${a}('",
        "((",
        "'unclosed",
    ]
)
SAYS = st.builds(
    d.Say, text=st.sampled_from(["Hello.", "", " ", "<break/>"]), ssml=st.booleans(), loop=st.integers(1, 3), history=HISTORY
)
PLAYS = st.builds(d.Play, url=URLS, digits=st.sampled_from(["", "1w2"]), loop=st.integers(1, 2_000_000))
PAUSES = st.builds(d.Pause, length=st.integers(1, 60))
GATHERS = st.builds(
    d.Gather,
    action=ACTIONS,
    action_on_empty_result=st.booleans(),
    finish_on_key=st.sampled_from(["#", "", "*", "0123"]),
    dtmf=st.booleans(),
    speech=st.booleans(),
    num_digits=st.none() | st.integers(1, 3),
    output=OUTPUTS,
    speech_timeout=st.sampled_from([None, 3, "auto"]),
    prompts=st.lists(SAYS | PLAYS | PAUSES, max_size=2).map(tuple),
    history=HISTORY,
)
RECORDS = st.builds(d.Record, action=ACTIONS, finish_on_key=st.sampled_from(["1234567890*#", "", "#"]), callback=CALLBACKS)
NUMBERS = st.builds(
    d.Number,
    number=st.sampled_from(["+13005550100", "+13005550101", "", "alice"]),
    send_digits=st.sampled_from(["", "ww1"]),
    url=ACTIONS,
    history=HISTORY,
)
DIALS = st.builds(
    d.Dial,
    action=ACTIONS,
    answer_on_bridge=st.booleans(),
    caller_id=st.sampled_from([None, "+14025550100"]),
    hangup_on_star=st.booleans(),
    output=OUTPUTS,
    record=st.sampled_from(get_args(d.RecordWhen)),
    callback=CALLBACKS,
    numbers=st.lists(NUMBERS, max_size=12).map(tuple),
)
PAYS = st.builds(
    d.Pay,
    action=ACTIONS,
    charge_amount=st.sampled_from(["0", "12.50", "x"]),
    max_attempts=st.integers(1, 3),
    output=OUTPUTS,
    payment_method=st.sampled_from(["credit-card", "ach-debit"]),
    postal_code=st.booleans(),
    security_code=st.booleans(),
    status_callback=st.sampled_from([None, "/status"]),
    prompts=st.lists(st.builds(d.Prompt, for_=st.sampled_from(get_args(d.PromptFor)), prompts=st.tuples(SAYS)), max_size=2).map(
        tuple
    ),
    history=HISTORY,
)
SETS = st.builds(
    d.Set, output=st.sampled_from(["a", "b", "", "n" * 51]), value=st.sampled_from(["", "1", "(", "v" * 60]), history=HISTORY
)
SIMPLE = st.one_of(
    st.builds(d.Answer, history=HISTORY),
    SAYS,
    PLAYS,
    PAUSES,
    GATHERS,
    RECORDS,
    DIALS,
    PAYS,
    SETS,
    st.builds(d.Unset, output=st.sampled_from(["a", "menu", "absent"])),
    st.builds(d.Redirect, url=URLS, method=METHODS, history=HISTORY),
    st.builds(d.Connect, flow=st.sampled_from(["known", "unknown"]), resume=st.booleans(), flow_history=HISTORY),
    st.builds(d.Reject, reason=st.sampled_from(["rejected", "busy"])),
    st.builds(d.Hangup),
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    body = st.lists(inner, max_size=3).map(tuple)
    return st.builds(d.If, expression=EXPRESSIONS, body=body, history=HISTORY) | st.builds(
        d.Do, expression=EXPRESSIONS, max_loops=st.sampled_from([1, 3, 10**9]), body=body
    )


VERBS = st.recursive(SIMPLE, _nested, max_leaves=6)
DOCUMENTS = st.builds(d.Document, st.lists(VERBS, max_size=5).map(tuple))
FACTS = st.builds(
    CallFacts,
    leg=st.just(LEG),
    first=st.builds(Start, URLS, METHODS) | st.builds(NewDocument, url=URLS, document=DOCUMENTS),
    from_=st.just("+14025550100"),
    answered=st.booleans(),
    flows=st.just({"known": "https://app.example/flow"}),
    today=st.just((2026, 11)),
)


class World:
    """One call. Asserts what must hold after each step."""

    def __init__(self, facts: CallFacts, documents: list[d.Document], seed: int) -> None:
        """`documents`: what the application answers with. `seed`: of what happens."""
        chance = Random(seed)
        self.choose: Callable[[list[Any]], Any] = chance.choice
        self.document = lambda: chance.choice(documents)
        self.gone: set[str] = set()
        self.legs = [LEG]
        self.asks: set[int] = set()
        self.charges: set[int] = set()
        self.timers: set[int] = set()
        self.plays: dict[int, str] = {}
        self.listens: dict[int, str] = {}
        self.collects: dict[int, str] = {}
        self.records: dict[int, str] = {}
        self.stopping: set[int] = set()
        self.ops: set[int] = set()
        self.finished = 0
        self.asked = 0
        self.now_ms = 0
        self.state, commands = interpreter.begin(facts, 0)
        self.carry_out(commands)

    # What the interpreter wants
    def carry_out(self, commands: list[Command]) -> None:
        assert len(commands) <= 2_500, "commands without end"
        for command in commands:
            assert not self.finished, f"{command} after Finish"
            if type(command) in ORDERS:
                assert command.leg not in self.gone, f"{command} for a leg that is gone"
            getattr(self, "_" + type(command).__name__.lower(), lambda _: None)(command)
        self.check()

    def _fresh(self, op: int) -> int:
        assert op > 0
        assert op not in self.ops, "an op was used twice"
        self.ops.add(op)
        return op

    def _ask(self, ask: Ask) -> None:
        self.asked += 1
        assert self.asked <= 100
        self.asks.add(self._fresh(ask.op))

    def _charge(self, charge: Charge) -> None:
        self.charges.add(self._fresh(charge.op))

    def _timer(self, timer: Timer) -> None:
        assert timer.seconds >= 0
        self.timers.add(self._fresh(timer.op))

    def _play(self, play: live.Play) -> None:
        assert play.items
        self.plays[self._fresh(play.op)] = play.leg

    def _stopplay(self, stop: live.StopPlay) -> None:
        assert self.plays.pop(stop.op, stop.leg) == stop.leg

    def _listen(self, listen: live.Listen) -> None:
        self.listens[self._fresh(listen.op)] = listen.leg

    def _stoplistening(self, stop: live.StopListening) -> None:
        assert self.listens.pop(stop.op) == stop.leg

    def _collect(self, collect: live.Collect) -> None:
        assert collect.leg not in self.collects.values(), "collects twice"
        self.collects[self._fresh(collect.op)] = collect.leg

    def _stopcollect(self, stop: live.StopCollect) -> None:
        assert self.collects.pop(stop.op) == stop.leg

    def _notifyrecording(self, notify: NotifyRecording) -> None:
        assert notify.op not in self.records

    def _record(self, record: live.Record) -> None:
        self.records[self._fresh(record.op)] = record.leg

    def _stoprecord(self, stop: live.StopRecord) -> None:
        assert self.records[stop.op] == stop.leg
        assert stop.op not in self.stopping
        self.stopping.add(stop.op)

    def _dial(self, dial: live.Dial) -> None:
        assert dial.leg not in self.legs
        assert dial.parent == LEG
        self.legs.append(dial.leg)

    def _bridge(self, bridge: live.Bridge) -> None:
        assert bridge.leg == LEG
        assert bridge.other not in self.gone

    def _finish(self, finish: Finish) -> None:
        assert finish.leg == LEG
        assert LEG in self.gone
        assert not self.asks
        assert not self.charges
        self.finished += 1

    def check(self) -> None:
        """Nothing is left on that the thread does not wait for."""
        doing = self.state.thread.doing if hasattr(self, "state") else None
        if LEG not in self.gone and isinstance(doing, Asking | Speaking | Pausing | Ending):
            assert LEG not in self.collects.values(), f"keys are wanted by nobody: {doing}"
            assert LEG not in self.listens.values()
            assert all(op in self.stopping for op, leg in self.records.items() if leg == LEG), "a recording goes on"
            playing = {op for op, leg in self.plays.items() if leg == LEG}
            assert playing <= ({doing.op} if isinstance(doing, Speaking) else set()), "something plays on"

    # What happens
    def happens(self, event: Event) -> None:
        if isinstance(event, live.HungUp):
            self.gone.add(event.leg)
            for open_ in (self.plays, self.listens, self.collects):
                for op in [op for op, leg in open_.items() if leg == event.leg]:
                    del open_[op]
        self.now_ms += 700
        before = self.state.thread.doing
        state = self.state
        self.state, commands = interpreter.step(state, event, self.now_ms)
        if not isinstance(before, TakingPayment) and not isinstance(self.state.thread.doing, TakingPayment | Dialling):
            # What is keyed for a payment is kept aside and changes in place; all else is values.
            assert interpreter.step(state, event, self.now_ms) == (self.state, commands)
        if isinstance(event, Instructed) and isinstance(before, Asking) and before.op == event.op:
            assert self.state.thread.doing != before, "an answer led nowhere"
        self.carry_out(commands)

    def due(self) -> list[Event]:
        """What may happen next: ends that were promised."""
        events: list[Event] = [Instructed(op, "https://app.example/a/b", self.document()) for op in sorted(self.asks)[:1]]
        events += [Charged(op, token="t") for op in self.charges]
        events += [TimeUp(op) for op in sorted(self.timers)[:3]]
        events += [live.PlayEnded(leg, op, error) for op, leg in self.plays.items() for error in ("", "no such file")]
        events += [live.Heard(leg, op, text, 0.5) for op, leg in self.listens.items() for text in ("", "s" * 60)]
        for op, leg in self.records.items():
            why = "stopped" if op in self.stopping else "hangup" if leg in self.gone else "silence"
            events += [live.RecordEnded(leg, op, why, url="https://r.example/1"), live.RecordEnded(leg, op, "failed")]
        return events

    def act(self) -> None:
        """One thing happens: something that was promised, a person does something, or something stale comes in."""
        up = [leg for leg in self.legs if leg not in self.gone]
        people: list[Event] = [live.Key(leg, key) for leg in up for key in ("1", "#", "*", "A")]
        people += [live.Answered(leg) for leg in up] + [live.Rang(leg) for leg in up if leg != LEG]
        ends = ["completed", "busy", "failed", "no-answer"]
        people += [live.HungUp(leg, self.choose(ends)) for leg in up if leg != LEG or self.choose(range(5)) == 0]
        stale: list[Event] = []
        for op in (0, 1, self.choose([3, 5, 9])):
            if op not in self.asks:
                stale.append(Instructed(op, "", self.document()))
            stale += [TimeUp(op), Charged(op, error="x")] if op not in self.charges else []
            stale += [live.PlayEnded(LEG, op)] if op not in self.plays else []
            stale += (
                [live.RecordEnded(LEG, op, "silence"), live.Heard(LEG, op, "x")] if op not in self.records | self.listens else []
            )
        stale = [event for event in stale if not isinstance(event, TimeUp) or event.op not in self.timers]
        due = self.due()
        kind = self.choose(["due", "due", "due", "people", "people", "stale", "new"])
        events = {"due": due or people, "people": people, "stale": stale, "new": [NewDocument("", self.document())]}[kind]
        event = self.choose(events) if events else None
        if event is not None:
            self.take(event)

    def take(self, event: Event) -> None:
        if isinstance(event, Instructed | Charged | TimeUp):
            {Instructed: self.asks, Charged: self.charges, TimeUp: self.timers}[type(event)].discard(event.op)
        elif isinstance(event, live.PlayEnded):
            self.plays.pop(event.op, None)
        elif isinstance(event, live.Heard):
            self.listens.pop(event.op, None)
        elif isinstance(event, live.RecordEnded):
            self.records.pop(event.op, None)
        self.happens(event)

    def hang_up_and_drain(self) -> None:
        """The caller goes; all that was promised comes."""
        if LEG not in self.gone:
            self.happens(live.HungUp(LEG))
        for _ in range(300):
            for leg in self.legs:
                if leg not in self.gone:
                    self.happens(live.HungUp(leg, "cancelled"))
            due = self.due()
            if not due:
                break
            self.take(self.choose(due))
        assert self.finished == 1, f"not finished: {self.state.thread.doing}, asked {self.state.asked}"
        assert isinstance(self.state.thread.doing, Finished)
        for event in (live.HungUp(LEG), TimeUp(1), NewDocument("", self.document()), live.Key(LEG, "1")):
            self.state, commands = interpreter.step(self.state, event, self.now_ms)
            assert commands == []
