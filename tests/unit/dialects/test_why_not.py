"""Every event that a platform has no name for says why, in its own words; one that it has a name for says nothing."""

from typing import Any

import pytest
from factory_forms import CALLER, TRACKED, call, context, ended, event, offer, place
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.model import STATUSES, Event
from ringback.dialects import load_dialects

LATE = "It came late"
LEG = {"id": "leg-b", "parent": "c-9f31", "root": "c-9f31", "direction": "outbound"}
ROOT = call(status="ongoing")
OUT = {"direction": "outbound", "from_": "280085", "to": CALLER}
RING = offer("280085", "ringing", 2, leg=None)


def late(kind: str, leg: Any = ROOT, **values: Any) -> Event:
    return event(kind, leg, status_changed=False, late=True, **values)


def of_leg(kind: str, to: str = "280085", **values: Any) -> Event:
    return event(kind, call(to=to, status=kind[5:], **LEG), root=ROOT, **values)


def key(option: str, **fields: Any) -> Event:
    return event("call.ivr-option", call(status="ongoing", **fields), data={"option": option})


def recording(status: str, **fields: Any) -> Event:
    return event("call.recording", call(status="ongoing", **fields), data={"status": status})


TABLE: list[tuple[str, Event, str]] = [
    ("standard", late("call.ringing"), LATE),
    ("standard", late("call.ivr-option"), LATE),
    ("standard", event("call.unheard-of", ROOT), "no event for call.unheard-of"),
    ("bird", late("call.ringing"), LATE),
    ("bird", event("call.recording", ROOT, data={"status": "completed"}), "no event for call.recording"),
    ("bird", event("call.corrected", ROOT), "no event for call.corrected"),
    ("bird", event("call.ringing", ROOT, status_changed=False, offer=RING), "who was tried"),
    ("bird", of_leg("call.ringing"), "a leg to an extension"),
    ("bird", of_leg("call.completed", "sip:ann@pbx.example"), "only roots and legs to phone numbers"),
    ("bird", event("call.accepted", call(status="accepted")), "an inbound call that is accepted"),
    ("fonedynamics", event("call.starting", call(status="starting", **OUT)), "this one is outbound"),
    ("fonedynamics", event("call.ringing", call(status="ringing")), "call.ringing is neither"),
    ("fonedynamics", event("call.facts", ROOT), "call.facts is neither"),
    ("fonedynamics", event("call.corrected", ROOT), "call.corrected is neither"),
    ("fonedynamics", of_leg("call.starting"), "a single leg's"),
    ("fonedynamics", of_leg("call.busy"), "a single leg's"),
    ("fonedynamics", late("call.starting"), LATE),
    ("fonedynamics", late("call.completed", ended("completed")), LATE),
    ("voc", late("call.ringing"), LATE),
    ("voc", key("A"), "0 to 9, * and #"),
    ("voc", key("1", **OUT), "keys in inbound calls only"),
    ("voc", event("call.ringing", call(status="ringing")), "an extension that rings or answers"),
    ("voc", event("call.ongoing", call(status="ongoing", context=context(answered_by="ivr"))), "an IVR, a queue, voicemail"),
    ("voc", event("call.ongoing", ROOT, offer=offer("+61298765432", "ongoing", 2, answered_s=3)), "a number outside is none"),
    ("voc", of_leg("call.starting"), "a single leg's"),
    ("voc", of_leg("call.busy"), "a single leg's"),
    ("voc", recording("in-progress"), "once the recording is completed; this one is in-progress"),
    ("voc", event("call.accepted", call(status="accepted")), "no event for call.accepted of an inbound call"),
    ("voc", event("call.ringing", call(status="ringing", **OUT)), "no event for call.ringing of an outbound call"),
    ("voc", event("call.facts", ROOT), "no event for call.facts"),
    ("voc", event("call.starting", call(status="starting", **{**OUT, "to": "*98"})), "an internal service"),
    ("voc", event("call.starting", call(status="starting", **{**OUT, "to": ""})), "or nowhere"),
    ("voxtelesys", late("call.completed", ended("completed", **OUT)), LATE),
    ("voxtelesys", late("call.recording"), LATE),
    ("voxtelesys", recording("paused"), "this one is paused"),
    ("voxtelesys", event("call.ringing", call(status="ringing", **OUT)), "call.ringing is neither"),
    ("voxtelesys", event("call.facts", ROOT), "call.facts is neither"),
    ("voxtelesys", event("call.completed", ended("completed")), "this one is inbound"),
    ("voxtelesys", of_leg("call.busy"), "a leg to an extension"),
]


@pytest.mark.parametrize(("dialect", "told", "says"), TABLE)
def test_says_why_there_is_no_event(dialect: str, told: Event, says: str) -> None:
    spoken = load_dialects()[dialect]
    assert spoken.event_name(told, place()) is None
    reason = spoken.why_not(told, place())
    assert says in reason
    assert reason.endswith(".")
    assert len(reason) <= 120, "one short sentence"


def test_voc_says_that_the_numbers_webhooks_are_off() -> None:
    begun = event("call.starting", call(status="starting"))
    voc = load_dialects()["voc"]
    assert "switched off for the number" in voc.why_not(begun, place(webhooks_enabled=False))
    assert voc.why_not(begun, place()) == ""


KINDS = [f"call.{status}" for status in STATUSES]
KINDS += ["call.ivr-option", "call.recording", "call.transcription", "call.facts", "call.corrected", "call.new-one"]


@st.composite
def events(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(KINDS))
    direction = draw(st.sampled_from(["inbound", "outbound"]))
    numbers = {name: draw(st.sampled_from([TRACKED, CALLER, "280085", "*98", "", "anonymous"])) for name in ("from_", "to")}
    root = call(status="ongoing", direction=direction, **numbers)
    leg = root if draw(st.booleans()) else call(**{**LEG, **numbers})
    offered = draw(st.sampled_from([None, RING, offer("+61298765432", "ringing", 2)]))
    data = draw(st.sampled_from([{}, {"option": "1"}, {"option": "D"}, {"status": "completed"}, {"status": "lost"}]))
    late = draw(st.booleans())
    changed = not late and draw(st.booleans())
    return event(kind, leg, root=root, offer=offered, data=data, late=late, status_changed=changed)


@given(told=events(), enabled=st.booleans(), name=st.sampled_from(sorted(load_dialects())))
def test_there_is_a_reason_exactly_if_there_is_no_name(told: Event, enabled: bool, name: str) -> None:
    spot, dialect = place(webhooks_enabled=enabled), load_dialects()[name]
    assert (dialect.event_name(told, spot) is None) == bool(dialect.why_not(told, spot))
