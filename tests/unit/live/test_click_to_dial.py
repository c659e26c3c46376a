"""An extension is called and put through: what is told is a call that the extension has made, whatever its legs do."""

from typing import Any

import pytest
from test_conversation import ACCOUNT, World

from ringback.calls.live import Answered, Bridge, Dial, HangUp, HungUp, Play, Rang
from ringback.calls.model import Call
from ringback.dialects.story import calling_extension
from ringback.engine.placing import click_to_dial
from ringback.live import click_to_dial as told_as
from ringback.live import reports
from ringback.live.conversation import Conversation, Outgoing
from ringback.voxml.document import Document
from ringback.voxml.state import CallFacts

DESK, FAR, SHOWN = "280085", "+61288880000", "+611800111222"
ROOT, SECOND = "leg", "leg-1"


def passes(world: World, seconds: float) -> None:
    """Time goes by."""
    world.clock.call_later(seconds, lambda: None)
    world.clock.advance()


class Story:
    """A click-to-dial, begun."""

    def __init__(self) -> None:
        self.world = World()
        wanted = click_to_dial(DESK, FAR, SHOWN, "lead-55")
        assert wanted.caller is not None
        self.conversation = Conversation(self.world, ACCOUNT, ROOT)
        dial = Dial(ROOT, "", wanted.to, wanted.from_, wanted.timeout_s)
        now = self.world.clock.now_ms()
        self.conversation.announce(reports.accepted(dial, now, "simulated", wanted.context, {}))
        caller = Dial(ROOT, "", wanted.caller.extension, wanted.caller.shown, wanted.caller.timeout_s)
        facts = CallFacts(leg=ROOT, first=wanted.first, from_=wanted.from_, to=wanted.to, answered=True)
        self.conversation.go_out(Outgoing(dial=dial, caller=caller, facts=facts))

    def happens(self, *told: Any) -> "Story":
        for one in told:
            self.conversation.happened(one)
        return self

    @property
    def root(self) -> Call:
        return self.conversation.legs[ROOT]

    def told(self) -> list[str]:
        return [f"{update.type.removeprefix('call.')} {update.call.id}" for update in self.world.updates]

    def orders(self, kind: type) -> list[Any]:
        return [order for order in self.world.orders if isinstance(order, kind)]


BEGUN = ["starting leg"]
REACHED = [*BEGUN, "starting leg-1", "ringing leg-1", "ringing leg", "ongoing leg-1", "ongoing leg"]


def test_it_is_told_as_if_the_extension_had_dialled() -> None:
    story = Story()
    (caller,) = story.orders(Dial)
    assert (caller.to, caller.caller_id, caller.parent) == (DESK, FAR, "")
    root = story.root
    assert (root.from_, root.to, root.direction, root.context.crm_id) == (DESK, FAR, "outbound", "lead-55")
    assert (calling_extension(root), root.status) == (DESK, "starting")
    story.happens(Rang(ROOT))
    assert (story.told(), len(story.orders(Dial))) == (BEGUN, 1)
    story.happens(Answered(ROOT))
    _, second = story.orders(Dial)
    assert (second.leg, second.parent, second.to, second.caller_id) == (SECOND, ROOT, FAR, SHOWN)
    assert len(story.orders(Play)) == 1, "the extension hears that it rings"
    assert story.root.answered_at_ms is None
    story.happens(Rang(SECOND), Answered(SECOND))
    assert story.told() == REACHED
    assert story.orders(Bridge) == [Bridge(ROOT, SECOND)]


@pytest.mark.parametrize("by", ["extension", "destination", "us"])
def test_the_seconds_of_an_answered_call_are_the_destinations(by: str) -> None:
    story = Story().happens(Rang(ROOT))
    passes(story.world, 3)
    story.happens(Answered(ROOT), Rang(SECOND))
    passes(story.world, 4)
    story.happens(Answered(SECOND))
    passes(story.world, 5)
    if by == "destination":
        story.happens(HungUp(SECOND, "completed", "callee", 16, 200))
        assert story.orders(HangUp) == [HangUp(ROOT)]
        story.happens(HungUp(ROOT, "completed", "us", 16, 200))
    else:
        story.happens(HungUp(ROOT, "completed", "callee" if by == "extension" else "us", 16, 200))
        assert story.orders(HangUp) == [HangUp(SECOND)]
        story.happens(HungUp(SECOND, "completed", "us", 16, 200))
    root = story.root
    assert (root.status, root.duration_s, root.answered_duration_s) == ("completed", 12, 5)
    assert root.ended_by == {"extension": "caller", "destination": "callee", "us": "switch"}[by]
    assert story.conversation.is_over
    assert story.world.lets_go == 1


@pytest.mark.parametrize(
    ("end", "by"),
    [
        (HungUp(ROOT, "busy", "callee", 17, 486), "caller"),
        (HungUp(ROOT, "no-answer", "callee", 21, 603), "caller"),
        (HungUp(ROOT, "no-answer", "us", 19, 480), "switch"),
        (HungUp(ROOT, "failed", "us", 41, 503), "switch"),
        (HungUp(ROOT, "cancelled", "us", 16, 487), "switch"),
    ],
)
def test_an_extension_that_does_not_pick_up_is_the_calls_end_and_nobody_is_dialled(end: HungUp, by: str) -> None:
    story = Story().happens(Rang(ROOT), end)
    root = story.root
    assert story.told() == [*BEGUN, f"{end.status} leg"]
    assert (root.ended_by, root.cause, root.sip_status, root.answered_duration_s) == (by, end.cause, end.sip_status, 0)
    assert len(story.orders(Dial)) == 1
    assert story.world.lets_go == 1


@pytest.mark.parametrize(
    ("end", "by"),
    [
        (HungUp(SECOND, "busy", "callee", 17, 486), "callee"),
        (HungUp(SECOND, "no-answer", "us", 19, 480), "switch"),
        (HungUp(SECOND, "failed", "callee", 1, 404), "callee"),
    ],
)
def test_a_destination_that_is_not_reached_is_the_calls_end(end: HungUp, by: str) -> None:
    story = Story().happens(Rang(ROOT), Answered(ROOT), Rang(SECOND), end)
    assert story.orders(HangUp) == [HangUp(ROOT)]
    story.happens(HungUp(ROOT, "completed", "us", 16, 200))
    root = story.root
    assert (root.status, root.ended_by, root.cause, root.sip_status) == (end.status, by, end.cause, end.sip_status)
    assert root.answered_duration_s == 0
    assert story.told()[-2:] == [f"{end.status} leg-1", f"{end.status} leg"]


@pytest.mark.parametrize(("by", "told"), [("callee", "caller"), ("us", "switch")])
def test_who_hangs_up_while_it_rings_has_given_up(by: Any, told: str) -> None:
    story = Story().happens(Answered(ROOT), Rang(SECOND), HungUp(ROOT, "completed", by, 16, 200))
    assert story.orders(HangUp) == [HangUp(SECOND)]
    story.happens(HungUp(SECOND, "cancelled", "us", 16, 487))
    root = story.root
    assert (root.status, root.ended_by, root.sip_status, root.answered_duration_s) == ("cancelled", told, 487, 0)
    assert story.world.lets_go == 1


def test_a_leg_that_is_lost_while_it_rings_is_a_call_that_failed() -> None:
    story = Story().happens(Answered(ROOT), Rang(SECOND), HungUp(ROOT, "completed", "us", 102, 200))
    assert (story.root.status, story.root.ended_by, story.root.cause, story.root.sip_status) == ("failed", "switch", 102, None)


def test_another_document_can_be_given_once_the_destination_has_answered() -> None:
    story = Story().happens(Answered(ROOT), Rang(SECOND))
    assert not story.conversation.instruct("", Document())
    story.happens(Answered(SECOND))
    assert story.conversation.instruct("", Document())
    story.happens(HungUp(SECOND, "completed", "us", 16, 200), HungUp(ROOT, "completed", "us", 16, 200))
    assert (story.root.status, story.root.ended_by) == ("completed", "switch")


def test_a_call_that_the_switch_forgets_has_failed_unless_the_destination_had_answered() -> None:
    lost, answered = Story().happens(Answered(ROOT)), Story().happens(Answered(ROOT), Answered(SECOND))
    for story, status in ((lost, "failed"), (answered, "completed")):
        story.conversation.lose()
        assert (story.root.status, story.root.inferred) == (status, True)


def test_what_was_said_of_the_root_is_said_no_second_time() -> None:
    root = Call(account=ACCOUNT, id=ROOT, root=ROOT, status="ongoing", ringing_at_ms=1, answered_at_ms=2)
    for told in (Rang("leg-2"), Answered("leg-2"), HungUp("leg-2")):
        assert told_as.meant(told, root, [root]) == (told,)
