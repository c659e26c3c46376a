"""A call of the customer's own phone: outbound for the customer, a call that comes in for the application of the number."""

import pytest
from test_conversation import ACCOUNT, NUMBER, World

from ringback.calls.live import Answered, HungUp, Incoming
from ringback.live import reports
from ringback.live.conversation import Conversation
from ringback.voxml.state import CallFacts, Start

OURS, OUTSIDE = Incoming("leg", "7001", NUMBER, inside=True), Incoming("leg", "7001", NUMBER)


@pytest.mark.parametrize(("told", "direction", "extension"), [(OURS, "outbound", "7001"), (OUTSIDE, "inbound", None)])
def test_the_direction_is_the_customers(told: Incoming, direction: str, extension: str | None) -> None:
    starting, ringing = reports.incoming(told, 1, "embedded")
    assert (starting.call.direction, starting.call.from_, starting.call.extension) == (direction, "7001", extension)
    assert (ringing.call.direction, ringing.call.extension) == (None, None)


def test_who_calls_without_a_name_is_anonymous_and_no_extension() -> None:
    starting, _ = reports.incoming(Incoming("leg", "", NUMBER, inside=True), 1, "embedded")
    assert (starting.call.from_, starting.call.extension) == ("anonymous", None)


def test_the_application_is_asked_about_it_as_about_any_call_that_comes_in() -> None:
    world = World()
    conversation = Conversation(world, ACCOUNT, "leg")
    conversation.come_in(OURS, CallFacts(leg="leg", first=Start("https://app.example.com/v"), from_="7001", to=NUMBER))
    ((view, ask, _),) = world.asked
    assert ask.purpose == "start"
    assert (view.root.direction, view.leg.direction, view.leg.status) == ("inbound", "inbound", "ringing")
    root = conversation.legs["leg"]
    assert (root.direction, root.context.extension) == ("outbound", "7001")
    conversation.happened(Answered("leg"))
    assert conversation.legs["leg"].context.answered_by == "ivr"


def test_it_is_turned_away_as_any_other_and_told_as_outbound() -> None:
    world = World()
    conversation = Conversation(world, ACCOUNT, "leg")
    conversation.turn_away(OURS, "rejected", "the number has no voice URL: nobody is asked about its calls")
    conversation.happened(HungUp("leg", "no-answer", "us", 21, 603))
    root = conversation.legs["leg"]
    assert (root.direction, root.status, root.context.extension) == ("outbound", "no-answer", "7001")
