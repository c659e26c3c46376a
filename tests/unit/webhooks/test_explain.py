"""Why nothing was sent: a case per rule, before and after the rule is changed; and the explanation agrees with the router."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringback.calls.directory import Place, default_number
from ringback.calls.ledger import fold, root_wanted
from ringback.calls.model import STATUSES, Call, CallRef, Event, Offer, Update
from ringback.dialects import load_dialects
from ringback.ids import first_id_at
from ringback.webhooks.explain import SETTLING_MS, Case, Explanation, Reason, Rule, explain, reasons_now, untold
from ringback.webhooks.health import Notice
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Delivery, Endpoint, Filter
from ringback.webhooks.notices import notice_event, takers

ACCOUNT = "0b6a1f0e-3c57-4b1e-9f6a-2d1f5f0c7a11"
NUMBER = "+611800111222"
MADE_MS, CAME_MS, LATER_MS = 1_795_176_000_000, 1_795_176_060_000, 1_795_176_120_000
"""When endpoints were made, when the event came, when somebody changed something afterwards."""


def place(**number: Any) -> Place:
    return Place(organization_id="o", account=ACCOUNT, number=replace(default_number(ACCOUNT, NUMBER), **number))


def call(status: str = "ringing", **fields: Any) -> Call:
    values = {"account": ACCOUNT, "id": "c1", "root": "c1", "status": status, "from_": "+61288880000", "to": NUMBER, **fields}
    return Call(**values)


def event(kind: str = "call.ringing", at_ms: int = CAME_MS, **fields: Any) -> Event:
    leg = fields.pop("call", None) or call(kind[5:] if kind[5:] in STATUSES else "ongoing")
    return Event(
        id=first_id_at(at_ms),
        type=kind,
        at_ms=at_ms,
        seq=1,
        call=leg,
        root=fields.pop("root", leg),
        **{"status_changed": True, **fields},
    )


def endpoint(
    number: int = 1, dialect: str = "standard", *filters: tuple[str, str], made_ms: int = MADE_MS, **fields: Any
) -> Endpoint:
    wishes = tuple(Filter(key, value) for key, value in filters)
    dates = {"created_at_ms": made_ms, "updated_at_ms": made_ms}
    identity = first_id_at(made_ms) + number
    return Endpoint(id=identity, account=ACCOUNT, url="https://e.example/", dialect=dialect, filters=wishes, **{**dates, **fields})


def delivery(to: Endpoint | int, of: Event, name: str = "call.ringing", kind: Any = "event") -> Delivery:
    number = to if isinstance(to, int) else to.id
    return Delivery(id=of.id + 1, endpoint=number, event=of.id, root=1, name=name, kind=kind)


def asked(told: Event, one: Endpoint, *others: Endpoint, deliveries: Sequence[Delivery] = (), **more: Any) -> Explanation:
    where = more.pop("place", place())
    case = Case(
        event=told, place=where, endpoint=one, endpoints=[one, *others], dialects=load_dialects(), deliveries=deliveries, **more
    )
    return explain(case)


def marks(explanation: Explanation) -> list[tuple[str, bool | None, bool]]:
    return [(reason.rule, reason.then, reason.now) for reason in explanation.reasons]


def only(explanation: Explanation) -> Reason:
    assert not explanation.sent
    (reason,) = explanation.reasons
    return reason


RING = event()
BIRD_RING = {"name": "voice.inbound"}
FILTERED = endpoint(2, "bird", ("status", "ringing"))
VOC_START = event("call.starting")


class TestEachRule:
    """What kept an event out, for certain, as long as nothing was changed since."""

    def test_nothing_kept_it_out(self) -> None:
        one = endpoint()
        found = asked(RING, one, deliveries=[delivery(one, RING)])
        assert (found.sent, found.reasons, found.sent_now, found.name) == (True, (), True, "call.ringing")

    def test_event_not_chosen(self) -> None:
        reason = only(asked(RING, endpoint(events=frozenset({"call.busy", "call.completed"}))))
        assert (reason.rule, reason.then, reason.now) == ("not-chosen", True, True)
        assert (reason.actual, reason.wanted) == ("call.ringing", ("call.busy", "call.completed"))
        assert reason.text == "The endpoint takes call.busy or call.completed, not call.ringing."

    def test_filter_names_key_wanted_and_actual_value(self) -> None:
        reason = only(asked(RING, endpoint(1, "standard", ("status", "busy"), ("status", "failed"), ("direction", "inbound"))))
        assert (reason.rule, reason.then, reason.key) == ("filter", True, "status")
        assert (reason.wanted, reason.actual) == (("busy", "failed"), "ringing")
        assert reason.text == "A filter wants status busy or failed, and this event's is ringing."

    def test_filter_on_what_the_event_has_not(self) -> None:
        reason = only(asked(RING, endpoint(1, "standard", ("extension", "7000"))))
        assert (reason.key, reason.actual) == ("extension", None)
        assert reason.text.endswith("this event has none.")

    def test_every_filter_that_fails_is_named(self) -> None:
        found = asked(RING, endpoint(1, "standard", ("status", "busy"), ("direction", "outbound"), ("number", NUMBER)))
        assert [reason.key for reason in found.reasons] == ["status", "direction"]

    def test_disabled(self) -> None:
        assert only(asked(RING, endpoint(enabled=False))).rule == "disabled"

    def test_catch_all_names_who_silenced_it(self) -> None:
        silent = endpoint(1, "bird")
        reason = only(asked(RING, silent, FILTERED, deliveries=[delivery(FILTERED, RING, "voice.inbound")]))
        assert (reason.rule, reason.then, reason.now, reason.by) == ("catch-all", True, True, (FILTERED.id,))
        assert "ep_" in reason.text

    @pytest.mark.parametrize(
        "other",
        [
            replace(FILTERED, enabled=False),
            replace(FILTERED, dialect="standard"),
            replace(FILTERED, events=frozenset({"voice.outbound"})),
            replace(FILTERED, filters=(Filter("status", "busy"),)),
            replace(FILTERED, filters=()),
        ],
        ids=["disabled", "another platform's", "for another event", "does not match", "without filters"],
    )
    def test_who_does_not_silence(self, other: Endpoint) -> None:
        assert asked(RING, endpoint(1, "bird"), other).sent_now

    def test_catch_all_switched_off(self) -> None:
        silent = endpoint(1, "bird")
        found = asked(RING, silent, FILTERED, deliveries=[delivery(silent, RING, "voice.inbound")], catch_all_literal=False)
        assert (found.sent, found.reasons) == (True, ())

    def test_number_without_webhooks(self) -> None:
        reason = only(asked(VOC_START, endpoint(1, "voc"), place=place(webhooks_enabled=False)))
        assert (reason.rule, reason.then) == ("number-webhooks-off", True)
        assert "switched off for the number" in reason.text

    def test_late_status(self) -> None:
        late = event(late=True, status_changed=False)
        found = asked(late, endpoint())
        assert ("late", True, True) in marks(found)
        assert "reached or passed" in found.reasons[0].text

    def test_a_fact_told_twice_is_no_late_status(self) -> None:
        assert "told before" in asked(event("call.ivr-option", late=True), endpoint()).reasons[0].text

    @pytest.mark.parametrize(
        ("dialect", "told", "says"),
        [
            ("fonedynamics", event("call.starting", call=call("starting", direction="outbound")), "this one is outbound"),
            ("bird", event(call=call(id="b", parent="c1", to="280085"), root=call()), "a leg to an extension"),
            ("voc", event("call.ongoing"), "an IVR, a queue"),
            ("voxtelesys", event(), "call.ringing is neither"),
            ("voc", event("call.accepted"), "no event for call.accepted"),
        ],
    )
    def test_no_such_event_in_this_dialect(self, dialect: str, told: Event, says: str) -> None:
        reason = only(asked(told, endpoint(1, dialect)))
        assert (reason.rule, reason.then, reason.now) == ("no-event", True, True)
        assert says in reason.text

    def test_a_silent_number_does_not_hide_that_there_is_no_event(self) -> None:
        found = asked(event("call.accepted"), endpoint(1, "voc"), place=place(webhooks_enabled=False))
        assert only(found).rule == "no-event"

    def test_endpoint_made_after_the_event(self) -> None:
        reason = only(asked(RING, endpoint(made_ms=LATER_MS)))
        assert (reason.rule, reason.then, reason.now) == ("made-after", True, False)
        assert "2026-11-20T12:02:00" in reason.text

    def test_made_after_the_event_and_filtered_too(self) -> None:
        found = asked(RING, endpoint(1, "standard", ("status", "busy"), made_ms=LATER_MS))
        assert marks(found) == [("made-after", True, False), ("filter", False, True)]
        assert not found.sent_now

    def test_dialect_that_is_not_installed(self) -> None:
        assert marks(asked(RING, endpoint(1, "gone"))) == [("dialect-missing", None, True)]

    def test_all_rules_that_hold_are_told(self) -> None:
        found = asked(RING, endpoint(1, "standard", ("status", "busy"), enabled=False, events=frozenset({"call.busy"})))
        assert [reason.rule for reason in found.reasons] == ["disabled", "not-chosen", "filter"]


BEFORE_AND_AFTER: Mapping[str, tuple[Endpoint, dict[str, Any]]] = {
    "not-chosen": (endpoint(events=frozenset({"call.busy"})), {"events": None}),
    "filter": (endpoint(1, "standard", ("status", "busy")), {"filters": ()}),
    "disabled": (endpoint(enabled=False), {"enabled": True}),
}


class TestChangedSince:
    """The same questions after the rule was changed: what held then is not guessed."""

    @pytest.mark.parametrize("rule", BEFORE_AND_AFTER)
    def test_a_rule_that_was_lifted(self, rule: str) -> None:
        before, change = BEFORE_AND_AFTER[rule]
        assert marks(asked(RING, before)) == [(rule, True, True)]
        found = asked(RING, replace(before, **change, updated_at_ms=LATER_MS))
        assert marks(found) == [("changed-since", None, False)]
        assert "the endpoint was changed at 2026-11-20T12:02:00" in only(found).text
        assert found.sent_now
        assert [(item.what, item.at_ms) for item in found.changed] == [("endpoint", LATER_MS)]
        again = event(at_ms=LATER_MS + 1000)
        assert asked(again, replace(before, **change, updated_at_ms=LATER_MS), deliveries=[delivery(before, again)]).sent

    @pytest.mark.parametrize("rule", BEFORE_AND_AFTER)
    def test_a_rule_that_was_set_after_the_event_was_sent(self, rule: str) -> None:
        after, change = BEFORE_AND_AFTER[rule]
        sent = [delivery(after, RING)]
        assert asked(RING, replace(after, **change), deliveries=sent).reasons == ()
        found = asked(RING, replace(after, updated_at_ms=LATER_MS), deliveries=sent)
        assert (found.sent, marks(found), found.sent_now) == (True, [(rule, False, True)], False)

    @pytest.mark.parametrize("rule", BEFORE_AND_AFTER)
    def test_a_rule_that_holds_now_of_an_endpoint_that_was_changed_is_the_rule_as_it_is_now(self, rule: str) -> None:
        found = asked(RING, replace(BEFORE_AND_AFTER[rule][0], updated_at_ms=LATER_MS))
        assert marks(found) == [(rule, None, True)]
        assert [item.what for item in found.changed] == ["endpoint"]

    def test_what_rests_on_the_event_alone_is_certain_whatever_was_changed(self) -> None:
        changed = endpoint(1, "voxtelesys", updated_at_ms=LATER_MS)
        assert marks(asked(RING, changed)) == [("no-event", True, True)]
        late = event(late=True, status_changed=False)
        assert ("late", True, True) in marks(asked(late, changed))

    def test_a_change_in_the_same_moment_counts_as_after(self) -> None:
        moment = endpoint(1, "standard", ("status", "busy"), updated_at_ms=CAME_MS - SETTLING_MS + 1)
        assert marks(asked(RING, moment)) == [("filter", None, True)]
        assert marks(asked(RING, replace(moment, updated_at_ms=CAME_MS - SETTLING_MS))) == [("filter", True, True)]

    def test_an_endpoint_made_just_before_has_had_no_other_rules(self) -> None:
        assert marks(asked(RING, endpoint(1, "standard", ("status", "busy"), made_ms=CAME_MS - 1))) == [("filter", True, True)]

    def test_number_whose_webhooks_were_switched_on(self) -> None:
        found = asked(VOC_START, endpoint(1, "voc"), place=place(updated_at_ms=LATER_MS))
        assert marks(found) == [("changed-since", None, False)]
        assert "the number was changed at" in only(found).text

    def test_number_whose_webhooks_were_switched_off_later(self) -> None:
        one = endpoint(1, "voc")
        off = place(webhooks_enabled=False, updated_at_ms=LATER_MS)
        found = asked(VOC_START, one, place=off, deliveries=[delivery(one, VOC_START, "inboundCallStart")])
        assert (found.sent, marks(found)) == (True, [("number-webhooks-off", False, True)])
        assert marks(asked(VOC_START, one, place=off)) == [("number-webhooks-off", None, True)]

    def test_the_silencing_endpoint_was_deleted(self) -> None:
        silent = endpoint(1, "bird")
        reason = only(asked(RING, silent, deliveries=[delivery(FILTERED, RING, "voice.inbound")]))
        assert (reason.rule, reason.then, reason.now, reason.by) == ("catch-all", True, False, (FILTERED.id,))

    def test_the_silencing_endpoint_was_given_another_filter(self) -> None:
        silent, other = endpoint(1, "bird"), replace(FILTERED, filters=(Filter("status", "busy"),), updated_at_ms=LATER_MS)
        assert marks(asked(RING, silent, other, deliveries=[delivery(other, RING, "voice.inbound")])) == [
            ("catch-all", True, False)
        ]

    def test_another_platforms_delivery_is_no_witness(self) -> None:
        silent, other = endpoint(1, "bird"), endpoint(3, "standard")
        assert marks(asked(RING, silent, other, deliveries=[delivery(other, RING)])) == [("changed-since", None, False)]

    def test_a_resend_is_no_witness(self) -> None:
        again = [delivery(FILTERED, RING, "voice.inbound", kind="resend")]
        assert marks(asked(RING, endpoint(1, "bird"), deliveries=again)) == [("changed-since", None, False)]
        found = asked(RING, endpoint(1, "bird"), FILTERED, deliveries=again)
        assert marks(found) == [("catch-all", False, True), ("changed-since", None, False)]

    def test_a_silencing_endpoint_that_was_made_later_did_not_silence_then(self) -> None:
        silent, younger = endpoint(1, "bird"), endpoint(2, "bird", ("status", "ringing"), made_ms=LATER_MS)
        found = asked(RING, silent, younger, deliveries=[delivery(silent, RING, "voice.inbound")])
        assert (found.sent, marks(found)) == (True, [("catch-all", False, True)])
        assert marks(asked(RING, silent, younger)) == [("catch-all", False, True), ("changed-since", None, False)]

    def test_the_catch_all_endpoint_itself_was_changed(self) -> None:
        silent = endpoint(1, "bird", updated_at_ms=LATER_MS)
        took = [delivery(FILTERED, RING, "voice.inbound")]
        assert marks(asked(RING, silent, FILTERED, deliveries=took)) == [("catch-all", None, True)]
        assert marks(asked(RING, silent, deliveries=took)) == [("catch-all", None, False)]

    def test_what_the_log_says_was_skipped_is_certain_whatever_was_changed(self) -> None:
        silent = endpoint(1, "bird", updated_at_ms=LATER_MS)
        log = [delivery(FILTERED, RING, "voice.inbound"), replace(delivery(silent, RING, "voice.inbound"), state="skipped")]
        found = asked(RING, silent, FILTERED, deliveries=log)
        assert (found.sent, marks(found)) == (False, [("catch-all", True, True)])
        assert marks(asked(RING, silent, deliveries=log)) == [("catch-all", True, False)]
        now_filtered = replace(silent, filters=(Filter("status", "busy"),), enabled=False)
        assert marks(asked(RING, now_filtered, FILTERED, deliveries=log)) == [
            ("disabled", False, True),
            ("filter", False, True),
            ("catch-all", True, False),
        ]

    def test_nothing_that_is_known_was_changed(self) -> None:
        assert "a setting that is gone" in only(asked(RING, endpoint())).text

    def test_a_resend_is_no_sending_when_it_came_and_a_test_is(self) -> None:
        one = endpoint(enabled=False)
        assert not asked(RING, one, deliveries=[delivery(one, RING, kind="resend")]).sent
        assert asked(RING, one, deliveries=[delivery(one, RING, kind="test")]).sent

    def test_a_test_of_another_endpoint(self) -> None:
        found = asked(RING, endpoint(1), endpoint(2), deliveries=[delivery(endpoint(2), RING, kind="test")])
        assert marks(found) == [("others-test", True, True)]


class TestSkipped:
    """The log has a row for what the catch-all clause alone kept back: that is certain, whatever was changed since."""

    silent = endpoint(1, "bird")
    log = [delivery(FILTERED, RING, "voice.inbound"), replace(delivery(silent, RING, "voice.inbound"), state="skipped")]

    def test_it_was_not_sent(self) -> None:
        found = asked(RING, self.silent, FILTERED, deliveries=self.log)
        assert (found.sent, marks(found)) == (False, [("catch-all", True, True)])

    @pytest.mark.parametrize("change", [{}, {"filters": (Filter("status", "busy"),)}, {"enabled": False}])
    def test_it_stays_certain_when_the_endpoint_is_changed(self, change: dict[str, Any]) -> None:
        found = asked(RING, replace(self.silent, **change, updated_at_ms=LATER_MS), deliveries=self.log)
        assert ("catch-all", True, False) in marks(found)
        assert [reason.rule for reason in found.reasons if reason.then] == ["catch-all"]
        (clause,) = (reason for reason in found.reasons if reason.rule == "catch-all")
        assert clause.by == (FILTERED.id,)

    def test_a_skipped_delivery_is_no_witness_against_others(self) -> None:
        other = endpoint(4, "bird")
        skipped = [replace(delivery(self.silent, RING, "voice.inbound"), state="skipped")]
        assert marks(asked(RING, other, deliveries=skipped)) == [("changed-since", None, False)]


class TestNotices:
    """What an endpoint is told about another one: rules of their own (webhooks.notices)."""

    about = endpoint(9)
    notice = Notice(kind="endpoint.failing", endpoint=about.id, account=ACCOUNT, at_ms=CAME_MS, reason="5 failures in a row")
    told = notice_event(notice, about, first_id_at(CAME_MS))

    @pytest.mark.parametrize(
        ("one", "rules"),
        [
            (endpoint(1, events=frozenset({"endpoint.failing"})), []),
            (endpoint(1, "standard", ("direction", "outbound"), events=frozenset({"endpoint.failing"})), []),
            (endpoint(1), ["not-chosen"]),
            (endpoint(1, events=frozenset({"call.busy"})), ["not-chosen"]),
            (endpoint(1, events=frozenset({"endpoint.failing"}), enabled=False), ["disabled"]),
            (endpoint(9, events=frozenset({"endpoint.failing"})), ["own-notice"]),
            (endpoint(1, "bird"), ["no-event"]),
            (endpoint(1, "voc"), ["no-event"]),
        ],
    )
    def test_rules(self, one: Endpoint, rules: list[str]) -> None:
        assert takers([one], self.notice) == ([] if rules else [one])
        assert [reason.rule for reason in asked(self.told, one).reasons if reason.now] == rules
        sent = asked(self.told, one, deliveries=[delivery(one, self.told, "endpoint.failing", kind="notice")])
        assert (sent.sent, [reason.then for reason in sent.reasons]) == (True, [False] * len(rules))

    def test_no_conversation_lacks_one(self) -> None:
        standard = load_dialects()["standard"]
        assert untold(endpoint(events=frozenset({"endpoint.failing"})), standard, [RING], ["call.ringing"]) == []


class TestUntold:
    """What the endpoint takes and nobody reported: there is no event to ask about."""

    def names(self, dialect: str, *events: Event, **fields: Any) -> dict[str, str]:
        spoken = load_dialects()[dialect]
        named = [spoken.event_name(one, place()) for one in events]
        return {item.name: item.text for item in untold(endpoint(1, dialect, **fields), spoken, events, named)}

    def test_a_key_outside_a_menu_is_no_event(self) -> None:
        found = self.names("voc", VOC_START)
        assert "only while a menu is announced" in found["ivrOption"]
        assert "inboundCallStart" not in found

    def test_a_call_that_goes_on_has_no_end_yet(self) -> None:
        assert "No end was reported so far." in self.names("fonedynamics", event("call.starting")).values()
        ended = event("call.busy", call=call("busy", ended_at_ms=CAME_MS))
        assert self.names("fonedynamics", event("call.starting"), ended) == {}

    def test_only_what_the_endpoint_takes(self) -> None:
        assert self.names("standard", RING, events=frozenset({"call.recording"})) == {
            "call.recording": "No recording was reported."
        }

    def test_what_was_reported_is_explained_by_its_event(self) -> None:
        recording = event("call.recording", data={"status": "in-progress"}, status_changed=False)
        assert "callRecordingAvailable" not in self.names("voc", recording)

    def test_other_statuses_are_named(self) -> None:
        assert self.names("standard", RING)["call.accepted"] == "No call.accepted was reported."


def test_the_docs_name_every_rule() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "why-was-nothing-sent.md").read_text()
    table = page.partition("## The rules")[2].partition("## Then and now")[0]
    told = {rule for row in table.splitlines() if row.startswith("| `") for rule in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
    assert told - {"rule", "account-not-known"} == set(get_args(Rule))


# The explanation and the router
NAMES = sorted(load_dialects())
VALUES = [
    "ringing",
    "completed",
    "busy",
    "no-answer",
    "inbound",
    "outbound",
    NUMBER,
    "101",
    default_number(ACCOUNT, NUMBER).channel_id,
]


@st.composite
def endpoints(draw: st.DrawFn) -> list[Endpoint]:
    made: list[Endpoint] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        dialect = draw(st.sampled_from(["bird", "bird", "bird", *NAMES, "gone"]))
        known = load_dialects().get(dialect, load_dialects()["standard"])
        keys = st.tuples(st.sampled_from([*sorted(known.filter_keys), "colour"]), st.sampled_from(VALUES))
        chosen = draw(st.none() | st.frozensets(st.sampled_from(known.events), min_size=1))
        filters = draw(st.lists(keys, max_size=3))
        made.append(endpoint(number, dialect, *filters, events=chosen, enabled=draw(st.integers(0, 4)) > 0))
    return made


@st.composite
def conversations(draw: st.DrawFn) -> list[Event]:
    """Events as the ledger makes them, of a root and a leg of it, in any order and with repeats."""
    direction = draw(st.sampled_from(["inbound", "outbound"]))
    legs = {
        "r": {"direction": direction, "from_": draw(st.sampled_from(["+61288880000", "101"])), "to": NUMBER},
        "b": {"parent": "r", "to": draw(st.sampled_from(["101", "+61298765432"]))},
    }
    kinds = [*STATUSES, "ivr-option", "recording", "facts"]
    data = {"ivr-option": {"option": "1"}, "recording": {"status": "completed"}}
    calls: dict[str, Call] = {}
    events: list[Event] = []
    for number, (leg, kind) in enumerate(draw(st.lists(st.tuples(st.sampled_from("rb"), st.sampled_from(kinds)), max_size=8)), 1):
        ref = {"id": leg, **legs[leg], **({"extension": "101"} if leg == "r" and draw(st.booleans()) else {})}
        update = Update(type=f"call.{kind}", at_ms=CAME_MS + number, call=CallRef(**ref), data=data.get(kind, {}))
        known = calls.get(leg)
        wanted = root_wanted(known, update)
        folded = fold(
            ACCOUNT, known, None if wanted is None else calls.get(wanted), update, lambda n=number: first_id_at(CAME_MS) + n
        )
        calls |= {folded.leg.id: folded.leg, folded.root.id: folded.root}
        events += folded.events
    return events


@given(mine=endpoints(), told=conversations(), webhooks=st.booleans(), literal=st.booleans())
def test_an_endpoint_gets_an_event_exactly_if_there_is_no_reason_against_it(
    mine: list[Endpoint], told: list[Event], webhooks: bool, literal: bool
) -> None:
    dialects, where = load_dialects(), place(webhooks_enabled=webhooks)
    matcher = Matcher(mine, dialects, catch_all_literal=literal)
    for one in told:
        gets = {} if one.late else {found.id: name for found, name in matcher.match(one, where)}
        assert not (one.late and matcher.match(one, where)), "what is late has no name in any dialect"
        deliveries = [delivery(number, one, name) for number, name in gets.items()]
        for mind in mine:
            case = Case(
                event=one,
                place=where,
                endpoint=mind,
                endpoints=mine,
                dialects=dialects,
                deliveries=deliveries,
                catch_all_literal=literal,
            )
            reasons = reasons_now(case)
            assert (mind.id in gets) == (not reasons)
            found = explain(case)
            assert found.sent == (mind.id in gets) == found.sent_now
            certain = {reason.rule for reason in found.reasons if reason.then}
            assert found.sent or certain or mind.dialect == "gone", "nothing was changed, so the reason is certain"
            assert "changed-since" not in certain
            if found.sent:
                assert found.name == gets[mind.id]


@given(told=st.sampled_from([RING, event(offer=Offer(to="101"))]), mine=endpoints())
def test_texts_are_sentences(told: Event, mine: list[Endpoint]) -> None:
    for reason in asked(told, mine[0], *mine[1:]).reasons:
        assert reason.text[0].isupper()
        assert reason.text.endswith(".")
