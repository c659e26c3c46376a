"""A conversation between switch, interpreter and ledger: how it begins, what ends it, and that it always ends."""

from collections.abc import Callable
from typing import Any

import pytest

from ringback.calls.live import Answered, Dial, HangUp, HungUp, Incoming, Order, Rang, Record, RecordEnded, Reject
from ringback.calls.model import Update
from ringback.live import reports
from ringback.live.conversation import Conversation, Outgoing, View
from ringback.switch.clock import VirtualClock
from ringback.voxml import interpreter, model
from ringback.voxml.document import Document
from ringback.voxml.parse import parse
from ringback.voxml.state import CallFacts, Start

ACCOUNT = "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
CALLER, NUMBER = "+14025550100", "+17015550123"
INCOMING = Incoming("leg", CALLER, NUMBER)


class World:
    """What a conversation lives in, kept as lists."""

    def __init__(self) -> None:
        self.clock = VirtualClock(1_700_000_000_000)
        self.source = "simulated"
        self.orders: list[Order] = []
        self.updates: list[Update] = []
        self.asked: list[tuple[View, model.Ask, Callable[[str, Document], None]]] = []
        self.kept: list[Callable[[RecordEnded], None]] = []
        self.lets_go = 0

    def obey(self, order: Order) -> None:
        self.orders.append(order)

    def tell(self, update: Update) -> None:
        self.updates.append(update)

    def tell_of_recording(self, update: Update, followers: tuple[model.NotifyRecording, ...]) -> None:
        self.updates.append(update)

    def keep(self, ended: RecordEnded, followers: tuple[model.NotifyRecording, ...], done: Callable[[RecordEnded], None]) -> None:
        self.kept.append(done)

    def ask(self, view: View, ask: model.Ask, done: Callable[[str, Document], None]) -> None:
        self.asked.append((view, ask, done))

    def notify(self, view: View, notify: model.Notify) -> None:
        raise AssertionError(notify)

    def charge(self, view: View, charge: model.Charge, done: Callable[[model.Charged], None]) -> None:
        raise AssertionError(charge)

    def over(self, conversation: Conversation) -> None:
        self.lets_go += 1

    def told(self) -> list[tuple[str, str]]:
        return [(update.call.id, update.type.removeprefix("call.")) for update in self.updates]

    def end(self, leg: str) -> Update:
        (update,) = [
            one for one in self.updates if one.call.id == leg and one.type[5:] in ("completed", "failed", "no-answer", "busy")
        ]
        return update


def facts(first: Start | model.NewDocument, **more: Any) -> CallFacts:
    return CallFacts(leg="leg", first=first, from_=CALLER, to=NUMBER, **more)


def given(text: str) -> model.NewDocument:
    return model.NewDocument("", parse(f"<Response>{text}</Response>"))


def incoming(first: Start | model.NewDocument) -> tuple[World, Conversation]:
    world = World()
    conversation = Conversation(world, ACCOUNT, "leg")
    conversation.come_in(INCOMING, facts(first))
    return world, conversation


def outgoing(first: Start | model.NewDocument, record: Record | None = None, **more: Any) -> tuple[World, Conversation]:
    world = World()
    conversation = Conversation(world, ACCOUNT, "leg")
    dial = Dial("leg", "", CALLER, NUMBER)
    conversation.go_out(Outgoing(dial=dial, facts=facts(first, answered=True, **more), record=record))
    return world, conversation


def test_nobody_is_asked_about_a_call_that_is_turned_away_and_its_record_says_why() -> None:
    world = World()
    conversation = Conversation(world, ACCOUNT, "leg")
    conversation.turn_away(INCOMING, "busy", "calls_at_once: the account may have 2 calls going on")
    assert world.orders == [Reject("leg", "busy")]
    assert not conversation.is_over
    conversation.happened(HungUp("leg", "busy", "us", 17, 486))
    assert world.told() == [("leg", "starting"), ("leg", "ringing"), ("leg", "busy")]
    assert world.end("leg").data["why"] == "calls_at_once: the account may have 2 calls going on"
    assert (conversation.is_over, world.lets_go, world.asked) == (True, 1, [])


def test_a_placed_call_asks_once_it_is_answered_and_not_before() -> None:
    world, conversation = outgoing(Start("https://app.example.com/v"), variables={"who": "Kim"})
    conversation.happened(Rang("leg"))
    assert world.asked == []
    assert not conversation.instruct("", Document()), "there is nobody to hear it"
    conversation.happened(Answered("leg", "human_residence"))
    ((view, ask, _),) = world.asked
    assert (ask.url, ask.purpose, view.variables) == ("https://app.example.com/v", "start", {"who": "Kim"})
    assert view.leg.context.amd == "human_residence"
    assert world.told() == [("leg", "starting"), ("leg", "ringing"), ("leg", "ongoing")]


@pytest.mark.parametrize("how", ["busy", "no-answer", "failed", "cancelled"])
def test_a_placed_call_that_comes_to_nothing_asks_nobody(how: Any) -> None:
    world, conversation = outgoing(Start("https://app.example.com/v"))
    conversation.happened(HungUp("leg", how))
    assert (world.asked, conversation.is_over, world.lets_go) == ([], True, 1)
    assert world.told() == [("leg", "starting"), ("leg", how)]


def test_what_was_told_before_is_known_and_told_no_more() -> None:
    world = World()
    conversation = Conversation(world, ACCOUNT, "leg")
    dial = Dial("leg", "", CALLER, NUMBER)
    conversation.announce(reports.accepted(dial, world.clock.now_ms(), "simulated", {"crm_id": "lead-55"}, {"byoc": "x"}))
    conversation.go_out(Outgoing(dial=dial, facts=facts(given("<Hangup/>"), answered=True)))
    assert world.told() == [("leg", "starting")]
    call = conversation.legs["leg"]
    assert (call.status, call.context.crm_id, set(call.reached)) == ("starting", "lead-55", {"accepted", "starting"})


def test_a_dial_that_is_refused_is_a_leg_that_failed_and_the_call_goes_on() -> None:
    world, conversation = incoming(given("<Dial output='x'>13005550100</Dial><Say>Nobody.</Say>"))
    (dial,) = [order for order in world.orders if isinstance(order, Dial)]
    assert dial.to == "+13005550100"
    conversation.happened(HungUp(dial.leg, "failed", "us"), "call_prefixes: the account may not call +13005550100")
    assert world.end(dial.leg).data == {"ended_by": "switch", "why": "call_prefixes: the account may not call +13005550100"}
    assert conversation.legs["leg"].status == "ringing"
    assert not conversation.is_over
    assert type(world.orders[-1]).__name__ == "Play"


def test_it_is_over_when_its_last_leg_is() -> None:
    world, conversation = incoming(given("<Dial>+13005550100</Dial>"))
    child = next(order.leg for order in world.orders if isinstance(order, Dial))
    conversation.happened(HungUp("leg", "cancelled", "caller"))
    assert HangUp(child) in world.orders
    assert (conversation.is_over, world.lets_go) == (False, 0), "the end of the other leg is still to be told"
    conversation.happened(HungUp(child, "cancelled", "us"))
    assert (conversation.is_over, world.lets_go) == (True, 1)
    conversation.happened(HungUp(child, "cancelled", "us"))
    assert world.lets_go == 1


def test_it_is_not_over_while_its_recording_is_on_its_way() -> None:
    record = Record("leg", -1, 60.0)
    world, conversation = outgoing(given("<Say>Hello.</Say>"), record)
    conversation.happened(Answered("leg"))
    assert record in world.orders
    conversation.happened(HungUp("leg", "completed", "callee"))
    conversation.happened(RecordEnded("leg", -1, "hangup", file="x.wav", duration_s=3))
    assert (conversation.is_over, len(world.kept)) == (False, 1)
    world.kept[0](RecordEnded("leg", -1, "hangup", url="https://example.com/x.wav", duration_s=3))
    assert (conversation.is_over, world.lets_go) == (True, 1)
    recording = conversation.legs["leg"].context.recording
    assert recording is not None
    assert (recording.url, recording.duration_s) == ("https://example.com/x.wav", 3)


def test_another_document_stops_what_is_going_on() -> None:
    world, conversation = incoming(given("<Answer/><Say>Long.</Say>"))
    conversation.happened(Answered("leg"))
    assert conversation.instruct("", parse("<Response><Redirect>https://app.example.com/new</Redirect></Response>"))
    assert [ask.url for _, ask, _ in world.asked] == ["https://app.example.com/new"]
    assert [type(order).__name__ for order in world.orders][-1] == "StopPlay"


def test_a_call_of_which_nothing_more_is_heard_gets_inferred_ends_legs_first() -> None:
    world, conversation = incoming(given("<Dial>+13005550100</Dial>"))
    child = next(order.leg for order in world.orders if isinstance(order, Dial))
    conversation.happened(Rang(child))
    conversation.lose()
    ends = [update for update in world.updates if update.inferred]
    assert [(update.call.id, update.type) for update in ends] == [(child, "call.failed"), ("leg", "call.failed")]
    assert (conversation.is_over, world.lets_go) == (True, 1)
    conversation.lose()
    assert world.lets_go == 1


def test_what_was_answered_and_lost_is_inferred_to_be_completed() -> None:
    world, conversation = outgoing(given("<Say>Hello.</Say>"), Record("leg", -1, 60.0))
    conversation.happened(Answered("leg"))
    conversation.lose()
    assert (world.end("leg").type, world.end("leg").inferred, conversation.is_over) == ("call.completed", True, True)


def test_a_fault_of_ours_hangs_up_and_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    world, conversation = incoming(given("<Answer/><Say>Hello.</Say>"))

    def broken(*_: object) -> object:
        raise KeyError("broken")

    monkeypatch.setattr(interpreter, "step", broken)
    conversation.happened(Answered("leg"))
    assert "is ended by a fault of ours" in caplog.text
    assert world.orders[-1] == HangUp("leg")
    assert not conversation.instruct("", Document())
    conversation.happened(HungUp("leg", "completed", "us"))
    assert world.end("leg").data["why"] == "a fault of ours: it has been logged"
    assert (conversation.is_over, world.lets_go) == (True, 1)
