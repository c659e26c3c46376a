"""The ledger, rule by rule."""

import pytest
from ledger_shell import ACCOUNT, T0_MS, Shell, told
from msgspec.structs import replace

from ringback.calls.ledger import REUSE_AFTER_MS, fold, root_wanted
from ringback.calls.model import Context, Prompts, Recording, Survey, Transcription
from ringback.errors import InvalidInput

FROM, TO = "+61288880000", "+611800111222"


def test_an_ordinary_call() -> None:
    shell = Shell()
    shell.tell(
        told("starting", 0, direction="inbound", from_=FROM, to=TO),
        told("ringing", 1.25),
        told("ongoing", 5.9),
        told("completed", 95.8, data={"cause": 16, "ended_by": "caller"}),
    )
    call = shell.calls["r"]
    assert (call.account, call.id, call.root, call.is_root) == (ACCOUNT, "r", "r", True)
    assert (call.direction, call.from_, call.to, call.status) == ("inbound", FROM, TO, "completed")
    assert (call.first_at_ms, call.starting_at_ms) == (T0_MS, T0_MS)
    assert (call.ringing_at_ms, call.answered_at_ms, call.ended_at_ms) == (T0_MS + 1250, T0_MS + 5900, T0_MS + 95800)
    assert (call.duration_s, call.answered_duration_s) == (95, 89)
    assert (call.cause, call.ended_by, call.sip_status, call.inferred) == (16, "caller", None, False)
    assert shell.sent() == ["starting", "ringing", "ongoing", "completed"]
    assert [event.seq for event in shell.events] == [1, 2, 3, 4]
    assert call.next_seq == 5


def test_an_event_carries_the_snapshots_after_the_fold() -> None:
    shell = Shell()
    folded = shell.tell(told("starting", 0))
    (event,) = folded.events
    assert event.call is folded.leg
    assert event.root is folded.root is folded.leg
    shell.tell(told("ringing", 1, "c", parent="r", to="101"))
    event = shell.events[-1]
    assert (event.call, event.root) == (shell.calls["c"], shell.calls["r"])
    assert (event.seq, event.root.next_seq) == (2, 3)


def test_a_status_that_was_passed_is_recorded_and_marked_late() -> None:
    shell = Shell()
    shell.tell(told("ongoing", 3))
    folded = shell.tell(told("ringing", 1))
    (event,) = folded.events
    assert folded.late
    assert event.late
    assert not event.status_changed
    assert event.type == "call.ringing"
    assert (folded.leg.status, folded.leg.ringing_at_ms, folded.leg.first_at_ms) == ("ongoing", T0_MS + 1000, T0_MS + 1000)


def test_a_status_told_twice_is_sent_once() -> None:
    shell = Shell()
    shell.tell(told("ringing", 1), told("ringing", 1), told("ringing", 2))
    assert shell.sent() == ["ringing"]
    assert shell.calls["r"].ringing_at_ms == T0_MS + 1000


def test_the_first_time_of_a_status_is_the_earliest_that_was_told() -> None:
    shell = Shell()
    shell.tell(told("ringing", 4), told("ringing", 2), told("ringing", 3))
    assert shell.calls["r"].ringing_at_ms == T0_MS + 2000
    assert shell.calls["r"].reached == {"ringing": T0_MS + 2000}


class TestEnds:
    def test_an_answered_leg_ends_completed_whatever_was_said(self) -> None:
        shell = Shell()
        folded = shell.tell(told("ongoing", 1), told("busy", 9, data={"cause": 17}))
        assert folded.events[0].type == "call.completed"
        assert (folded.leg.status, folded.leg.cause) == ("completed", 17)

    def test_an_answer_that_comes_after_the_end_makes_the_record_completed_and_sends_nothing(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), told("failed", 9))
        folded = shell.tell(told("ongoing", 4))
        assert folded.late
        assert (folded.leg.status, folded.leg.duration_s, folded.leg.answered_duration_s) == ("completed", 9, 5)
        assert shell.sent() == ["starting", "failed"]

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_of_two_ends_the_earlier_stands_in_the_record_and_the_first_sent_stays_sent(self, order: tuple[int, int]) -> None:
        ends = [told("busy", 5, data={"cause": 17}), told("failed", 7, data={"cause": 41, "sip_status": 503})]
        shell = Shell()
        shell.tell(told("starting", 0), *(ends[i] for i in order))
        call = shell.calls["r"]
        assert (call.status, call.ended_at_ms, call.duration_s) == ("busy", T0_MS + 5000, 5)
        assert (call.cause, call.sip_status) == (17, None)
        assert shell.sent() == ["starting", ends[order[0]].type[5:]]

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_a_tie_goes_by_a_fixed_row(self, order: tuple[int, int]) -> None:
        ends = [told("busy", 5, data={"cause": 17}), told("failed", 5, data={"cause": 41})]
        shell = Shell()
        shell.tell(*(ends[i] for i in order))
        assert (shell.calls["r"].status, shell.calls["r"].cause) == ("busy", 17)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_two_words_of_one_end_complete_each_other(self, order: tuple[int, int]) -> None:
        ends = [told("busy", 5, data={"cause": 17}), told("busy", 5, data={"sip_status": 486, "ended_by": "callee"})]
        shell = Shell()
        shell.tell(*(ends[i] for i in order))
        call = shell.calls["r"]
        assert (call.cause, call.sip_status, call.ended_by) == (17, 486, "callee")

    def test_seconds_are_cut_and_never_negative(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 10), told("ongoing", 12), told("completed", 5))
        assert (shell.calls["r"].duration_s, shell.calls["r"].answered_duration_s) == (0, 0)

    def test_the_whole_is_never_shorter_than_its_part(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 4), told("ongoing", 2), told("completed", 8))
        assert (shell.calls["r"].duration_s, shell.calls["r"].answered_duration_s) == (6, 6)

    def test_waiting_before_the_start_is_no_part_of_the_duration(self) -> None:
        shell = Shell()
        shell.tell(told("accepted", 0), told("starting", 30), told("ringing", 31), told("no-answer", 61.9))
        assert (shell.calls["r"].duration_s, shell.calls["r"].first_at_ms) == (31, T0_MS)

    def test_an_end_alone_is_a_call(self) -> None:
        shell = Shell()
        folded = shell.tell(told("cancelled", 3))
        assert (folded.leg.status, folded.leg.duration_s) == ("cancelled", 0)
        assert shell.sent() == ["cancelled"]


class TestInferredEnds:
    def test_a_true_end_replaces_an_inferred_one_and_goes_out_as_a_correction(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), told("failed", 5, inferred=True))
        assert shell.calls["r"].inferred
        folded = shell.tell(told("busy", 20, data={"cause": 17}))
        (event,) = folded.events
        assert (event.type, event.status_changed, event.late) == ("call.corrected", False, False)
        assert (folded.leg.status, folded.leg.ended_at_ms, folded.leg.duration_s) == ("busy", T0_MS + 20000, 20)
        assert (folded.leg.inferred, folded.leg.cause) == (False, 17)
        assert shell.sent() == ["starting", "failed"]

    def test_a_true_end_that_changes_nothing_is_no_correction(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), told("failed", 5, inferred=True))
        folded = shell.tell(told("failed", 5))
        assert folded.late
        assert not folded.leg.inferred

    def test_an_inferred_end_after_a_true_one_changes_nothing(self) -> None:
        shell = Shell()
        before = shell.tell(told("starting", 0), told("busy", 5, data={"cause": 17})).leg
        folded = shell.tell(told("failed", 1, inferred=True))
        assert folded.late
        assert (folded.leg.status, folded.leg.ended_at_ms, folded.leg.updated_at_ms) == (
            "busy",
            before.ended_at_ms,
            before.updated_at_ms,
        )

    def test_after_a_correction_true_ends_are_weighed_among_themselves(self) -> None:
        shell = Shell()
        shell.tell(told("failed", 1, inferred=True), told("busy", 20), told("no-answer", 15))
        assert (shell.calls["r"].status, shell.calls["r"].reached) == (
            "no-answer",
            {"busy": T0_MS + 20000, "no-answer": T0_MS + 15000},
        )
        assert [event.type for event in shell.events] == ["call.failed", "call.corrected", "call.no-answer"]
        assert shell.events[-1].late

    def test_the_offers_of_a_corrected_root_get_the_true_end(self) -> None:
        shell = Shell()
        shell.tell(told("ringing", 1, extension="101"), told("failed", 2, inferred=True), told("busy", 9))
        (offer,) = shell.calls["r"].offers
        assert (offer.status, offer.ended_at_ms) == ("busy", T0_MS + 9000)


class TestFixedFields:
    def test_a_later_value_is_kept_and_changes_nothing(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, from_="alice", to="bob"), told("ringing", 1, from_="alice", to="carol"))
        call = shell.calls["r"]
        assert (call.from_, call.to, call.rewrites) == ("alice", "bob", {"to": ["carol"]})

    def test_the_value_with_the_earliest_time_stands_even_if_it_comes_last(self) -> None:
        shell = Shell()
        shell.tell(told("ringing", 1, to="carol"), told("ongoing", 2, to="dave"), told("starting", 0, to="bob"))
        call = shell.calls["r"]
        assert (call.to, call.rewrites) == ("bob", {"to": ["carol", "dave"]})

    def test_a_field_that_was_not_told_at_first_is_filled_in(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), told("ringing", 1, from_="alice", direction="outbound"))
        call = shell.calls["r"]
        assert (call.from_, call.to, call.direction, call.rewrites) == ("alice", "", "outbound", {})

    def test_an_unknown_direction_is_inbound_for_a_root_and_outbound_for_a_leg_made_to_reach_somebody(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), told("starting", 1, "c", parent="r", to="101"))
        assert (shell.calls["r"].direction, shell.calls["c"].direction) == ("inbound", "outbound")

    def test_a_parent_told_later_changes_nothing(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, "c"), told("ringing", 1, "c", parent="r"))
        call = shell.calls["c"]
        assert (call.is_root, call.root, call.rewrites) == (True, "c", {"parent": ["r"]})

    def test_a_leg_that_names_itself_as_its_parent_is_a_root(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, parent="r"))
        assert shell.calls["r"].is_root

    def test_the_list_of_rewrites_is_bounded(self) -> None:
        shell = Shell()
        shell.tell(*(told("ringing", i, to=f"{i:03d}") for i in range(60)))
        assert len(shell.calls["r"].rewrites["to"]) == 16


class TestSources:
    def test_a_call_keeps_the_first_switch_that_told_of_it(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), replace(told("ringing", 1), source="freeswitch"), replace(told("ongoing", 2), source="x"))
        assert shell.calls["r"].source == "freeswitch"


class TestParents:
    def test_a_child_that_overtakes_its_parent_gets_a_placeholder_which_fills_in_later(self) -> None:
        shell = Shell()
        shell.tell(told("ringing", 5, "c", parent="r", to="101"))
        root = shell.calls["r"]
        assert (root.status, root.next_seq, root.is_root) == (None, 2, True)
        shell.tell(told("starting", 9, direction="inbound", from_=FROM, to=TO))
        root = shell.calls["r"]
        assert (root.status, root.from_, root.to, root.first_at_ms) == ("starting", FROM, TO, T0_MS + 9000)
        assert [(event.seq, event.call.id) for event in shell.events] == [(1, "c"), (2, "r")]
        assert [offer.leg for offer in root.offers] == ["c"]

    def test_the_child_of_a_child_belongs_to_the_same_conversation(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0),
            told("starting", 1, "c", parent="r", to="101"),
            told("ringing", 2, "g", parent="c", to="+61412345678"),
        )
        assert (shell.calls["g"].parent, shell.calls["g"].root) == ("c", "r")
        assert shell.events[-1].root.id == "r"
        assert [offer.leg for offer in shell.calls["r"].offers] == ["c", "g"]

    def test_a_known_child_without_its_root_is_an_error_of_whoever_loads(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), told("starting", 1, "c", parent="r"))
        assert root_wanted(shell.calls["c"], told("ringing", 2, "c")) == "r"
        with pytest.raises(ValueError, match="root"):
            fold(ACCOUNT, shell.calls["c"], None, told("ringing", 2, "c"), lambda: 1)

    def test_a_child_has_its_own_end(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0),
            told("ringing", 1, "c", parent="r", to="101"),
            told("cancelled", 3),
            told("cancelled", 3, "c", parent="r"),
        )
        assert shell.sent("r") == ["starting", "cancelled"]
        assert shell.sent("c") == ["ringing", "cancelled"]


class TestAnIdUsedAgain:
    def test_a_start_a_minute_after_the_end_is_a_new_call(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, to="a"), told("ringing", 1, extension="101"), told("completed", 10))
        folded = shell.tell(told("starting", 70, to="b"))
        call = folded.leg
        assert (call.generation, call.root_generation, call.status, call.to) == (2, 2, "starting", "b")
        assert (call.ended_at_ms, call.offers, call.version, call.first_at_ms) == (None, [], 0, T0_MS + 70000)
        assert (folded.events[0].seq, call.next_seq) == (1, 2)
        shell.tell(told("busy", 75))
        assert (shell.calls["r"].status, shell.lives[0].status) == ("busy", "completed")

    @pytest.mark.parametrize("kind", ["accepted", "starting"])
    def test_both_opening_words_open(self, kind: str) -> None:
        shell = Shell()
        shell.tell(told("completed", 10), told(kind, 70))
        assert shell.calls["r"].generation == 2

    @pytest.mark.parametrize(("kind", "at_s"), [("starting", 69.999), ("ringing", 500), ("completed", 500)])
    def test_an_earlier_start_or_another_word_does_not_open(self, kind: str, at_s: float) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), told("completed", 10))
        assert shell.tell(told(kind, at_s)).late
        assert shell.calls["r"].generation == 1

    def test_a_start_of_a_call_that_has_no_end_is_late(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0))
        assert shell.tell(told("starting", 500)).late

    @pytest.mark.parametrize("kind", ["ringing", "busy", "recording"])
    def test_a_late_word_about_the_life_before_does_not_touch_the_new_one(self, kind: str) -> None:
        shell = Shell()
        new = shell.tell(told("starting", 0), told("completed", 10), told("starting", 100)).leg
        folded = shell.tell(told(kind, 10 + REUSE_AFTER_MS / 1000 - 1, data={"status": "completed"}))
        assert folded.late
        assert folded.events[0].late
        assert (folded.leg.reached, folded.leg.status, folded.leg.context) == (new.reached, "starting", Context())

    def test_a_leg_used_again_finds_the_conversation_that_it_names(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, "r1"),
            told("starting", 1, "c", parent="r1", to="101"),
            told("completed", 5, "c", parent="r1"),
            told("starting", 99, "r2"),
        )
        folded = shell.tell(told("starting", 100, "c", parent="r2", to="102"))
        assert (folded.leg.generation, folded.leg.root, folded.root.id) == (2, "r2", "r2")
        assert [offer.to for offer in folded.root.offers] == ["102"]

    def test_a_root_used_again_as_a_leg_makes_a_placeholder_for_a_parent_that_is_not_known(self) -> None:
        shell = Shell()
        shell.tell(told("completed", 0, "x"))
        folded = shell.tell(told("starting", 100, "x", parent="new", to="101"))
        assert (folded.leg.root, folded.leg.generation, folded.root.status) == ("new", 2, None)


class TestFacts:
    def test_each_makes_an_event_also_after_the_end(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0), told("completed", 9))
        for update in (
            told("ivr-option", 3, data={"option": "#"}),
            told("prompt", 4, data={"keys": "2000", "kind": "postcode"}),
            told("recording", 12, data={"status": "completed", "url": "https://r.example/1.wav", "duration_s": 9}),
            told("transcription", 30, data={"text": "hello"}),
            told("facts", 60, survey=Survey(type="Sale", value=250)),
        ):
            folded = shell.tell(update)
            (event,) = folded.events
            assert (event.type, event.late, event.status_changed, event.data) == (update.type, False, False, update.data)
        context = shell.calls["r"].context
        assert context.prompts == Prompts(keys=["#", "2000"], postcodes=["2000"])
        assert context.recording == Recording(url="https://r.example/1.wav", duration_s=9, status="completed")
        assert context.transcription == Transcription(text="hello")
        assert context.survey == Survey(type="Sale", value=250)
        assert shell.calls["r"].status == "completed"

    def test_a_fact_may_be_the_first_word_of_a_call(self) -> None:
        shell = Shell()
        folded = shell.tell(told("facts", 0, crm_id="lead-55"))
        assert (folded.leg.status, folded.leg.context.crm_id, folded.late) == (None, "lead-55", False)

    def test_keys_stand_in_order_of_time(self) -> None:
        shell = Shell()
        shell.tell(
            told("ivr-option", 5, data={"option": "2"}),
            told("prompt", 9, data={"keys": "3000", "kind": "postcode"}),
            told("ivr-option", 1, data={"option": "1"}),
            told("prompt", 7, data={"keys": "2000", "kind": "postcode"}),
        )
        assert shell.calls["r"].context.prompts == Prompts(keys=["1", "2", "2000", "3000"], postcodes=["2000", "3000"])

    def test_keys_that_spell_a_whole_entry_are_part_of_it(self) -> None:
        # A menu's source may tell each key and, with the time of the last one, the entry: the caller keyed it once.
        shell = Shell()
        for at_s, key in enumerate("21234#"):
            shell.tell(told("ivr-option", at_s, data={"option": key}))
        shell.tell(told("prompt", 5, data={"keys": "1234", "kind": "keys"}), told("ivr-option", 7, data={"option": "9"}))
        assert shell.calls["r"].context.prompts == Prompts(keys=["2", "1234", "9"])
        shell.tell(told("ivr-option", 8, data={"option": "1"}), told("prompt", 9, data={"keys": "2000", "kind": "postcode"}))
        assert shell.calls["r"].context.prompts == Prompts(keys=["2", "1234", "9", "1", "2000"], postcodes=["2000"])

    def test_the_same_key_twice_counts_twice_and_a_repeated_update_once(self) -> None:
        shell = Shell()
        press = {"data": {"option": "1"}}
        shell.tell(told("ivr-option", 1, **press), told("ivr-option", 2, **press))
        folded = shell.tell(told("ivr-option", 2, **press))
        assert folded.late
        assert folded.leg.context.prompts == Prompts(keys=["1", "1"])
        folded = shell.tell(told("ivr-option", 2, id="another", **press))
        assert not folded.late

    def test_entries_given_as_a_whole_stand_before_those_that_follow(self) -> None:
        shell = Shell()
        shell.tell(
            told("ivr-option", 1, data={"option": "1"}),
            told("facts", 2, prompts=Prompts(keys=["9", "2000"], postcodes=["2000"])),
            told("ivr-option", 3, data={"option": "3"}),
        )
        assert shell.calls["r"].context.prompts == Prompts(keys=["9", "2000", "3"], postcodes=["2000"])

    def test_what_is_remembered_of_keys_is_bounded(self) -> None:
        shell = Shell()
        for i in range(300):
            folded = shell.tell(told("ivr-option", i, data={"option": "1"}))
            assert not folded.late
        assert folded.leg.context.prompts is not None
        assert len(folded.leg.context.prompts.keys) == 200

    def test_a_recording_in_progress_that_comes_late_does_not_undo_a_completed_one(self) -> None:
        shell = Shell()
        shell.tell(
            told("recording", 9, data={"status": "completed", "url": "https://r.example/1.wav"}),
            told("recording", 1, data={"status": "in-progress", "channels": 2}),
        )
        assert shell.calls["r"].context.recording == Recording(url="https://r.example/1.wav", channels=2, status="completed")

    def test_an_unknown_type_is_refused(self) -> None:
        with pytest.raises(InvalidInput) as caught:
            Shell().tell(told("exploded", 0))
        assert caught.value.field == "type"
