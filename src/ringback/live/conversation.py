"""One conversation that is going on: what the switch tells goes to the ledger and to the interpreter, and what the interpreter
wants is done.

switch ──happening──▶ update ──▶ world.tell (the ledger, everybody's webhooks)
                 └──▶ interpreter ──command──▶ world.obey · ask · notify · charge · timer

The world that it lives in is a server's or a simulation's; nothing here waits, everything calls back, on one thread. The ledger's
own fold keeps the legs as they are now, so that a request to the application shows the call as it is at that moment, whether or not
the store has written it yet.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from ringback.calls.ledger import fold
from ringback.calls.live import Answered, Dial, HangUp, Happening, HungUp, Incoming, Order, Rang, Record, RecordEnded, Reject
from ringback.calls.model import Call, Update
from ringback.live import click_to_dial, reports
from ringback.live.dialled import as_dialled
from ringback.switch.port import Clock, Handle
from ringback.voxml import interpreter, model
from ringback.voxml.document import Document
from ringback.voxml.state import CallFacts, State

log = logging.getLogger("ringback.live")


class View(Struct, frozen=True):
    """A leg and its root as they are now, and the call's variables: what a request to the application shows."""

    leg: Call
    root: Call
    variables: Mapping[str, str]


class World(Protocol):
    """What a conversation lives in. Nothing raises, and nothing calls back before it has returned. A `Dial` that the account may
    not make is told soon after as the leg's end, with `happened` and why."""

    clock: Clock
    source: str
    """The switch's name, as the updates' source."""

    def obey(self, order: Order) -> None:
        """Has the switch do it."""
        ...

    def tell(self, update: Update) -> None:
        """An update for the ledger, in order."""
        ...

    def tell_of_recording(self, update: Update, followers: tuple[model.NotifyRecording, ...]) -> None:
        """An update of a recording, and who wants to know of its states beside the account's endpoints."""
        ...

    def keep(self, ended: RecordEnded, followers: tuple[model.NotifyRecording, ...], done: Callable[[RecordEnded], None]) -> None:
        """Takes a finished recording's file over, tells the ledger and the followers, and says where it can be fetched."""
        ...

    def ask(self, view: View, ask: model.Ask, done: Callable[[str, Document], None]) -> None:
        """Asks the application; `done` gets the document in the end, and its URL."""
        ...

    def notify(self, view: View, notify: model.Notify) -> None:
        """Tells the application something that it cannot answer."""
        ...

    def charge(self, view: View, charge: model.Charge, done: Callable[[model.Charged], None]) -> None:
        """Has a payment made."""
        ...

    def over(self, conversation: "Conversation") -> None:
        """Nothing more comes of it."""
        ...


class Outgoing(Struct, frozen=True, kw_only=True):
    """A call that the account places: who is called, what is known of it from the start, and what is done once it is answered.
    `record`: the whole call, from the answer on. `caller`: click-to-dial, whom the switch calls instead; `dial` is how it is told,
    and the document puts the one through to the other."""

    dial: Dial
    caller: Dial | None = None
    facts: CallFacts
    context: dict[str, Any] = {}
    record: Record | None = None
    followers: tuple[model.NotifyRecording, ...] = ()


class Conversation:
    """See the module."""

    def __init__(self, world: World, account: str, leg: str, country: str | None = None) -> None:
        """`leg`: the root's id. `country`: ISO 3166 alpha-2, whose national numbers the account's documents may dial."""
        self.account = account
        self.leg = leg
        self.legs: dict[str, Call] = {}
        self._world = world
        self._country = country
        self._state: State | None = None
        self._outgoing: Outgoing | None = None
        self._came_in = False
        self._click_to_dial = False
        self._whys: dict[str, str] = {}
        self._variables: Mapping[str, str] = {}
        self._followers: dict[tuple[str, int], tuple[model.NotifyRecording, ...]] = {}
        self._recording: set[tuple[str, int]] = set()
        self._timers: dict[int, Handle] = {}
        self._events: deque[model.Event] = deque()
        self._busy = False
        self._finished = False
        self._let_go = False
        self._next_event = 0

    # How it begins
    def come_in(self, told: Incoming, facts: CallFacts) -> None:
        """Somebody calls: the application is asked."""
        self._tell_incoming(told)
        self._begin(facts)

    def turn_away(self, told: Incoming, reason: Literal["rejected", "busy"], why: str) -> None:
        """Somebody calls, and nobody is asked. `why`: for the call's record."""
        self._tell_incoming(told)
        self._whys[told.leg] = why
        self._world.obey(Reject(told.leg, reason))

    def announce(self, update: Update) -> None:
        """The ledger has been told of the call already: this is what it knows."""
        self._fold(update)

    def go_out(self, outgoing: Outgoing) -> None:
        """Somebody is called; the application is asked once it answers."""
        self._outgoing = outgoing
        self._click_to_dial = outgoing.caller is not None
        self._tell(reports.dialled(outgoing.dial, self._now(), self._world.source, outgoing.context))
        self._world.obey(outgoing.caller or outgoing.dial)

    # What happens to it
    def happened(self, told: Happening, why: str = "") -> None:
        """A switch tells something of one of the legs. `why`: of a leg's end that was our doing, for the record."""
        if isinstance(told, RecordEnded):
            self._recording_ended(told)
            return
        if isinstance(told, HungUp):
            self._tell_variables()
        now = self._now()
        for meant in self._meant(told):
            update = self._update_of(meant, now, why)
            if update is not None:
                self._tell(update)
        if self._state is None:
            self._of_undirected(told)
        elif not self._finished:
            self._happens(told)
        self._look_if_over()

    def instruct(self, url: str, document: Document) -> bool:
        """Gives the call another document to run. False: it is over, or not answered yet."""
        if self._state is None or self._finished:
            return False
        if self._click_to_dial and self.legs[self.leg].answered_at_ms is None:
            return False
        self._happens(model.NewDocument(url, document))
        return True

    def hang_up(self, leg: str = "") -> None:
        """Ends one of the legs from our side; without one, the call."""
        if not self._finished:
            self._world.obey(HangUp(leg or self.leg))

    def lose(self) -> None:
        """Nothing more will be heard of the call: what has no end gets an inferred one, and that is that."""
        for call in sorted(self.legs.values(), key=lambda call: call.is_root):
            if not call.is_final and not self._finished:
                told = HungUp(call.id, "failed" if call.answered_at_ms is None else "completed")
                self._tell(reports.lost(told, self._now(), self._world.source))
                if self._state is not None:
                    self._happens(told)
        self._recording.clear()
        self._finish()

    @property
    def is_over(self) -> bool:
        """Has it ended, with all its legs, and everything that was recorded of them?"""
        return self._finished and not self._recording and all(leg.is_final for leg in self.legs.values())

    # Inside
    def _now(self) -> int:
        return self._world.clock.now_ms()

    def _by_document(self, leg: str) -> bool:
        """Nobody whom the caller could talk to has answered yet: the document has."""
        others = (other for other in self.legs.values() if other.id != self.leg)
        return leg == self.leg and self._came_in and not any(other.status == "ongoing" for other in others)

    def _meant(self, told: Happening) -> tuple[Happening, ...]:
        """What the ledger is to be told of a happening."""
        if not self._click_to_dial:
            return (told,)
        return click_to_dial.meant(told, self.legs[self.leg], self.legs.values())

    def _update_of(self, told: Happening, now: int, why: str) -> Update | None:
        """What a happening means for the ledger; None: nothing."""
        source = self._world.source
        match told:
            case Rang():
                return reports.rang(told, now, source)
            case Answered():
                return reports.answered(told, now, source, by_document=self._by_document(told.leg))
            case HungUp():
                return reports.hung_up(told, now, source, why or self._whys.pop(told.leg, ""))
        return None

    def _tell_incoming(self, told: Incoming) -> None:
        self._came_in = True
        for update in reports.incoming(told, self._now(), self._world.source):
            self._tell(update)

    def _of_undirected(self, told: Happening) -> None:
        """A call without a document: one that goes out and is not answered yet, one that was turned away, one that we failed."""
        if isinstance(told, Answered) and self._outgoing is not None:
            outgoing, self._outgoing = self._outgoing, None
            if outgoing.record is not None:
                self._begin_recording(outgoing.record, outgoing.followers)
            self._begin(outgoing.facts)
        elif isinstance(told, HungUp) and told.leg == self.leg:
            self._finish()

    def _begin(self, facts: CallFacts) -> None:
        self._variables = facts.variables
        self._work(partial(interpreter.begin, facts, self._now()))

    def _happens(self, event: model.Event) -> None:
        """One event after another: what a command brings about waits until its siblings are done."""
        self._events.append(event)
        if not self._busy:
            self._work(None)

    def _work(self, begin: Callable[[], tuple[State, list[model.Command]]] | None) -> None:
        """Everything that waits, and what comes of it."""
        self._busy = True
        try:
            if begin is not None:
                self._carry_out(*begin())
            while self._events:
                assert self._state is not None
                self._carry_out(*interpreter.step(self._state, self._events.popleft(), self._now()))
        except Exception:  # a fault of ours: a caller must not be left on a line that nobody minds
            log.exception("call %s of account %s is ended by a fault of ours", self.leg, self.account)
            self._give_up()
        finally:
            self._busy = False

    def _give_up(self) -> None:
        """Nobody directs the call any more: its legs are hung up, their ends are told, and nothing else."""
        self._events.clear()
        self._state = None
        for call in self.legs.values():
            if not call.is_final:
                self._whys[call.id] = "a fault of ours: it has been logged"
                self._world.obey(HangUp(call.id))

    def _carry_out(self, state: State, commands: list[model.Command]) -> None:
        self._state = state
        for command in commands:
            self._do(command)

    def _do(self, command: model.Command) -> None:
        world = self._world
        match command:
            case model.Ask():
                world.ask(self._view(command.leg), command, partial(self._instructed, command.op))
            case model.Timer():
                self._timers[command.op] = world.clock.call_later(command.seconds, partial(self._time_up, command.op))
            case model.Report():
                self._report(command)
            case model.Notify():
                world.notify(self._view(command.leg), command)
            case model.NotifyRecording():
                key = (command.leg, command.op)
                self._followers[key] = (*self._followers.get(key, ()), command)
            case model.Charge():
                world.charge(self._view(self.leg), command, self._happens_later)
            case model.Finish():
                self._finish()
            case Record():
                self._begin_recording(command, self._followers.get((command.leg, command.op), ()))
            case Dial():
                order = replace(command, to=as_dialled(command.to, self._country))
                self._tell(reports.dialled(order, self._now(), world.source))
                world.obey(order)
            case _:
                world.obey(command)

    def _report(self, report: model.Report) -> None:
        """Something for the record; variables that it has already are no news."""
        if "vars" in report.context:
            if report.context == {"vars": self._variables} and not report.data:
                return
            self._variables = report.context["vars"]
        self._tell(reports.reported(report, self._now(), self._world.source))

    def _tell_variables(self) -> None:
        """What was set since the application was asked last: an end is told with the variables that the call has then."""
        if self._state is not None and self._state.variables != self._variables:
            self._report(model.Report(self.leg, "call.facts", context={"vars": dict(self._state.variables)}))

    def _time_up(self, op: int) -> None:
        self._timers.pop(op, None)
        self._happens_later(model.TimeUp(op))

    def _happens_later(self, event: model.Event) -> None:
        """Something that was waited for; of no interest once the call is over."""
        if self._state is not None and not self._finished:
            self._happens(event)

    def _instructed(self, op: int, url: str, document: Document) -> None:
        self._happens_later(model.Instructed(op, url, document))

    def _begin_recording(self, order: Record, followers: tuple[model.NotifyRecording, ...]) -> None:
        key = (order.leg, order.op)
        self._recording.add(key)
        self._followers[key] = followers
        update = reports.recording_begun(order, self._now(), self._world.source)
        self._fold(update)
        self._world.tell_of_recording(update, followers)
        self._world.obey(order)

    def _recording_ended(self, told: RecordEnded) -> None:
        key = (told.leg, told.op)
        if key not in self._recording:
            return
        followers = self._followers.get(key, ())
        if told.why == "failed":
            update = reports.recording_ended(told, self._now(), self._world.source)
            self._fold(update)
            self._world.tell_of_recording(update, followers)
            self._recorded(told)
        else:
            self._world.keep(told, followers, self._recorded)

    def _recorded(self, told: RecordEnded) -> None:
        """A recording is in its place."""
        self._recording.discard((told.leg, told.op))
        if told.why != "failed":
            self._fold(reports.recording_ended(told, self._now(), self._world.source))
        self._happens_later(told)
        self._look_if_over()

    def _finish(self) -> None:
        self._finished = True
        self._look_if_over()

    def _look_if_over(self) -> None:
        if not self._let_go and self.is_over:
            self._let_go = True
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
            self._world.over(self)

    def _tell(self, update: Update) -> None:
        self._fold(update)
        self._world.tell(update)

    def _fold(self, update: Update) -> None:
        """Keeps the legs as the ledger will have them."""
        leg = self.legs.get(update.call.id)
        parent = update.call.parent if leg is None else leg.parent
        folded = fold(self.account, leg, self.legs.get(parent or ""), update, self._event_id)
        self.legs[folded.root.id] = folded.root
        self.legs[folded.leg.id] = folded.leg

    def _event_id(self) -> int:
        self._next_event += 1
        return self._next_event

    def _view(self, leg: str) -> View:
        """The leg with exactly the variables that are set now (the record keeps those that were removed). To the application that
        is asked about a call, it came in, also where it is the customer's own phone that calls."""

        def seen(call: Call) -> Call:
            context = replace(call.context, vars=dict(self._variables))
            direction = "inbound" if self._came_in and call.id == self.leg else call.direction
            return replace(call, context=context, direction=direction)

        return View(seen(self.legs[leg]), seen(self.legs[self.leg]), self._variables)
