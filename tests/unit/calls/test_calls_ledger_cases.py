"""Calls as they happen, from the first ring to the end: what is told, and what stays on record."""

import pytest
from ledger_shell import T0_MS, Shell, told

from ringback.calls.model import Offer, Prompts, Recording

CALLER, NUMBER, MOBILE = "+61288880000", "+611800111222", "+61412345678"
INBOUND = {"direction": "inbound", "from_": CALLER, "to": NUMBER}


def legs_and_sent(shell: Shell) -> list[tuple[str, str]]:
    return [(event.call.id, event.type[5:]) for event in shell.events if event.status_changed]


class TestAnIvrThatAnswersBeforeARingGroup:
    def test_told_on_the_root(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ongoing", 1, answered_by="ivr", extension="7000"),
            told("ivr-option", 4, data={"option": "2"}),
            told("ringing", 6, extension="280085"),
            told("ringing", 6, extension="280086"),
            told("ongoing", 12, extension="280086", answered_by="extension"),
            told("completed", 60),
        )
        assert shell.offered() == [("ringing", "280085", 1), ("ringing", "280086", 1), ("ongoing", "280086", 1)]
        assert shell.sent() == ["starting", "ongoing", "completed"]
        assert not any(event.late for event in shell.events)
        call = shell.calls["r"]
        assert (call.context.extension, call.context.answered_by) == ("280086", "extension")
        assert call.context.prompts == Prompts(keys=["2"])
        assert [(o.to, o.status, o.ended_at_ms) for o in call.offers] == [
            ("280085", "cancelled", T0_MS + 12000),
            ("280086", "completed", T0_MS + 60000),
        ]

    def test_told_by_child_legs(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ongoing", 1, answered_by="ivr"),
            told("starting", 6, "a", parent="r", from_=CALLER, to="280085"),
            told("ringing", 6.1, "a"),
            told("starting", 6, "b", parent="r", from_=CALLER, to="280086"),
            told("ringing", 6.1, "b"),
            told("ongoing", 12, "b"),
            told("cancelled", 12.1, "a"),
            told("completed", 60),
            told("completed", 60, "b"),
        )
        assert shell.offered() == [("ringing", "280085", 1), ("ringing", "280086", 1), ("ongoing", "280086", 1)]
        assert shell.sent("r") == ["starting", "ongoing", "completed"]
        root = shell.calls["r"]
        assert root.context.extension == "280086"
        assert root.offers == [
            Offer(
                to="280085",
                leg="a",
                status="cancelled",
                at_ms=T0_MS + 6000,
                ringing_at_ms=T0_MS + 6100,
                ended_at_ms=T0_MS + 12100,
            ),
            Offer(
                to="280086",
                leg="b",
                status="completed",
                at_ms=T0_MS + 6000,
                ringing_at_ms=T0_MS + 6100,
                answered_at_ms=T0_MS + 12000,
                ended_at_ms=T0_MS + 60000,
            ),
        ]

    def test_nobody_answers_after_the_ivr(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ongoing", 1, answered_by="ivr"),
            told("ringing", 6, extension="280085"),
            told("completed", 30),
        )
        call = shell.calls["r"]
        assert (call.status, call.context.extension) == ("completed", None)
        assert [(o.status, o.answered_at_ms) for o in call.offers] == [("no-answer", None)]


class TestSecondAndThirdOffers:
    def test_a_hunt_group_told_on_the_root(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ringing", 1, extension="101"),
            told("ringing", 16, extension="102"),
            told("ringing", 31, extension="103"),
            told("ongoing", 35, extension="103"),
            told("completed", 95, extension="103"),
        )
        assert shell.offered() == [("ringing", "101", 1), ("ringing", "102", 1), ("ringing", "103", 1), ("ongoing", "103", 1)]
        assert shell.sent() == ["starting", "ringing", "ongoing", "completed"]
        assert [event.status_changed for event in shell.events if event.offer] == [True, False, False, True]
        assert shell.calls["r"].context.extension == "103"

    def test_a_repeated_ringing_of_an_open_offer_makes_nothing(self) -> None:
        shell = Shell()
        shell.tell(told("ringing", 1, extension="101"))
        for at_s in (1, 2, 0.5):
            folded = shell.tell(told("ringing", at_s, extension="101"))
            assert folded.late
            assert folded.events[0].offer is None
        (offer,) = shell.calls["r"].offers
        assert (offer.n, offer.ringing_at_ms) == (1, T0_MS + 500)

    def test_an_extension_that_answered_and_rings_anew_is_a_new_offer(self) -> None:
        shell = Shell()
        shell.tell(
            told("ringing", 1, extension="101"),
            told("ongoing", 3, extension="101"),
            told("ringing", 60, extension="101"),
            told("ongoing", 65, extension="101"),
        )
        assert shell.offered() == [("ringing", "101", 1), ("ongoing", "101", 1), ("ringing", "101", 2), ("ongoing", "101", 2)]
        assert [offer.n for offer in shell.calls["r"].offers] == [1, 2]

    def test_an_extension_whose_ringing_ended_with_anothers_answer_may_ring_anew(self) -> None:
        shell = Shell()
        shell.tell(
            told("ringing", 1, extension="101"),
            told("ringing", 1, extension="102"),
            told("ongoing", 3, extension="101"),
            told("ringing", 60, extension="102"),
            told("ongoing", 62, extension="102"),
        )
        assert shell.offered()[3:] == [("ringing", "102", 2), ("ongoing", "102", 2)]

    def test_an_answer_without_its_ringing_is_an_offer_too(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND), told("ongoing", 3, extension="101"))
        assert shell.offered() == [("ongoing", "101", 1)]
        folded = shell.tell(told("ringing", 1, extension="101"))
        assert folded.late
        (offer,) = shell.calls["r"].offers
        assert (offer.ringing_at_ms, offer.answered_at_ms) == (T0_MS + 1000, T0_MS + 3000)

    def test_a_second_answer_of_the_same_extension_makes_nothing(self) -> None:
        shell = Shell()
        shell.tell(told("ringing", 1, extension="101"), told("ongoing", 3, extension="101"))
        assert shell.tell(told("ongoing", 9, extension="101")).late

    def test_late_words_find_their_offer(self) -> None:
        shell = Shell()
        shell.tell(
            told("ongoing", 65, extension="101"),
            told("ringing", 1, extension="101"),
            told("ongoing", 3, extension="101"),
            told("ringing", 60, extension="101"),
        )
        assert [(o.n, o.ringing_at_ms, o.answered_at_ms) for o in shell.calls["r"].offers] == [
            (1, T0_MS + 1000, T0_MS + 3000),
            (2, T0_MS + 60000, T0_MS + 65000),
        ]

    def test_what_rings_after_the_end_is_recorded_and_not_told(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND), told("cancelled", 9))
        folded = shell.tell(told("ringing", 4, extension="101"))
        assert folded.late
        assert [(o.to, o.status) for o in folded.root.offers] == [("101", "cancelled")]
        folded = shell.tell(told("ringing", 5, "c", parent="r", to="102"))
        assert (folded.late, folded.events[0].status_changed, folded.events[0].offer) == (False, True, None)
        assert [o.to for o in folded.root.offers] == ["101", "102"]

    def test_a_ringing_told_by_a_leg_and_on_the_root_is_told_once(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ringing", 2, "a", parent="r", to="101"),
            told("ringing", 2.1, extension="101"),
            told("ongoing", 8, extension="101"),
            told("ongoing", 8.02, "a"),
        )
        assert shell.offered() == [("ringing", "101", 1), ("ongoing", "101", 1)]
        assert legs_and_sent(shell) == [("r", "starting"), ("a", "ringing"), ("r", "ringing"), ("r", "ongoing"), ("a", "ongoing")]

    def test_offers_of_a_queue_that_tries_for_hours_are_bounded_and_answers_are_kept(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND), told("ongoing", 1, answered_by="queue"))
        shell.tell(told("ongoing", 2, "first", parent="r", to="99"), told("completed", 3, "first"))
        for i in range(200):
            shell.tell(told("ringing", 10 + i, f"q{i}", parent="r", to="101"), told("no-answer", 10.5 + i, f"q{i}"))
        offers = shell.calls["r"].offers
        assert len(offers) == 64
        assert (offers[0].leg, offers[-1].leg) == ("first", "q199")


class TestTransfers:
    def test_a_blind_transfer(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("starting", 0.1, "bob", parent="r", from_=CALLER, to="bob"),
            told("ringing", 0.2, "bob"),
            told("ringing", 0.3),
            told("ongoing", 2, "bob"),
            told("ongoing", 2.1),
            told("completed", 10, "bob", data={"cause": 16}),
            told("starting", 10, "carol", parent="r", from_=CALLER, to="carol"),
            told("ringing", 10.1, "carol"),
            told("ringing", 10.1, to="carol"),
            told("ongoing", 12, "carol"),
            told("completed", 70),
            told("completed", 70, "carol"),
        )
        assert shell.offered() == [("ringing", "bob", 1), ("ongoing", "bob", 1), ("ringing", "carol", 1), ("ongoing", "carol", 1)]
        assert shell.sent("r") == ["starting", "ringing", "ongoing", "completed"]
        root = shell.calls["r"]
        assert (root.to, root.rewrites, root.context.extension) == (NUMBER, {"to": ["carol"]}, "carol")
        assert [(o.to, o.status) for o in root.offers] == [("bob", "completed"), ("carol", "completed")]

    def test_a_blind_transfer_told_on_the_root(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ringing", 1, extension="101"),
            told("ongoing", 3, extension="101"),
            told("ringing", 20, extension="102"),
            told("ongoing", 24, extension="102"),
            told("completed", 60),
        )
        assert shell.offered() == [("ringing", "101", 1), ("ongoing", "101", 1), ("ringing", "102", 1), ("ongoing", "102", 1)]
        assert shell.calls["r"].context.extension == "102"

    def test_an_attended_transfer(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("starting", 0.1, "bob", parent="r", to="101"),
            told("ringing", 0.2, "bob"),
            told("ongoing", 2, "bob"),
            told("ongoing", 2),
            # Bob asks Carol, then leaves: the leg to Carol was made by Bob's and stays in the conversation.
            told("starting", 20, "carol", parent="bob", to="102"),
            told("ringing", 20.5, "carol", parent="bob"),
            told("ongoing", 23, "carol", parent="bob"),
            told("completed", 30, "bob"),
            told("completed", 90, data={"ended_by": "caller"}),
            told("completed", 90, "carol"),
        )
        assert {shell.calls[leg].root for leg in ("r", "bob", "carol")} == {"r"}
        assert shell.offered() == [("ringing", "101", 1), ("ongoing", "101", 1), ("ringing", "102", 1), ("ongoing", "102", 1)]
        assert [event.seq for event in shell.events] == list(range(1, 12))
        assert shell.calls["r"].duration_s == 90

    def test_a_transfer_to_a_number_outside_is_an_offer_and_no_extension(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ongoing", 1, answered_by="ivr"),
            told("starting", 5, "out", parent="r", from_=NUMBER, to=MOBILE),
            told("ringing", 6, "out"),
            told("ongoing", 9, "out"),
            told("completed", 60),
        )
        assert shell.offered() == [("ringing", MOBILE, 1), ("ongoing", MOBILE, 1)]
        assert shell.calls["r"].context.extension is None


class TestExtensionToExtension:
    def test_told_by_legs(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, direction="outbound", from_="280085", to="280090", extension="280085"),
            told("ringing", 1, "b", parent="r", to="280090"),
            told("ringing", 1, extension="280085"),
            told("ongoing", 4, "b", parent="r"),
            told("ongoing", 4, extension="280085"),
            told("completed", 30),
        )
        root = shell.calls["r"]
        assert (root.direction, root.context.extension) == ("outbound", "280085")
        assert shell.offered() == [("ringing", "280090", 1), ("ongoing", "280090", 1)]
        assert [offer.to for offer in root.offers] == ["280090"]

    def test_an_outbound_root_makes_no_offer_of_its_own_extension(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, direction="outbound", extension="280085"),
            told("ringing", 1, extension="280085"),
            told("ongoing", 4, extension="280085"),
        )
        assert (shell.offered(), shell.calls["r"].offers) == ([], [])

    def test_a_root_that_turns_out_outbound_gives_its_offers_back(self) -> None:
        shell = Shell()
        shell.tell(told("ringing", 1, extension="280085"), told("ongoing", 4, extension="280085"))
        shell.tell(told("starting", 0, direction="outbound"))
        assert (shell.calls["r"].offers, shell.calls["r"].context.extension) == ([], "280085")

    def test_a_placeholder_that_turns_out_outbound_does_not_keep_who_answered(self) -> None:
        shell = Shell()
        shell.tell(told("ongoing", 4, "b", parent="r", to="280090"))
        assert shell.calls["r"].context.extension == "280090"
        shell.tell(told("starting", 0, direction="outbound"))
        assert shell.calls["r"].context.extension is None
        assert [offer.to for offer in shell.calls["r"].offers] == ["280090"]


class TestACallerWhoGivesUp:
    @pytest.mark.parametrize("by_leg", [True, False])
    def test_while_it_rings(self, by_leg: bool) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND))
        if by_leg:
            shell.tell(told("ringing", 1, "b", parent="r", to="101"), told("ringing", 1))
        else:
            shell.tell(told("ringing", 1, extension="101"))
        shell.tell(told("cancelled", 8, data={"ended_by": "caller", "sip_status": 487}))
        if by_leg:
            shell.tell(told("cancelled", 8, "b", parent="r"))
        root = shell.calls["r"]
        assert (root.status, root.duration_s, root.answered_duration_s, root.ended_by) == ("cancelled", 8, 0, "caller")
        assert root.context.extension is None
        assert [(o.to, o.status, o.ended_at_ms) for o in root.offers] == [("101", "cancelled", T0_MS + 8000)]
        assert shell.sent("r") == ["starting", "ringing", "cancelled"]

    def test_in_the_ivr(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND), told("ongoing", 1, answered_by="ivr"), told("cancelled", 4))
        assert (shell.calls["r"].status, shell.calls["r"].offers) == ("completed", [])


class TestConflictingEnds:
    def test_a_leg_and_its_root_end_each_by_their_own_word(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ringing", 1, "b", parent="r", to="101"),
            told("busy", 2, "b", data={"sip_status": 486}),
            told("failed", 2.5),
            told("no-answer", 2.2, "b"),
        )
        assert legs_and_sent(shell) == [("r", "starting"), ("b", "ringing"), ("b", "busy"), ("r", "failed")]
        assert [offer.status for offer in shell.calls["r"].offers] == ["busy"]

    def test_an_earlier_end_that_comes_later_moves_the_offer_too(self) -> None:
        shell = Shell()
        shell.tell(
            told("starting", 0, **INBOUND),
            told("ringing", 1, "b", parent="r", to="101"),
            told("failed", 5, "b"),
            told("no-answer", 3, "b"),
        )
        (offer,) = shell.calls["r"].offers
        assert (offer.status, offer.ended_at_ms) == ("no-answer", T0_MS + 3000)


class TestWhoAnswered:
    def test_extension_on_a_ringing_does_not_say_who_answered(self) -> None:
        shell = Shell()
        shell.tell(told("ringing", 1, extension="101"), told("no-answer", 20, extension="101"))
        assert shell.calls["r"].context.extension is None

    def test_without_an_offer_the_word_of_the_end_counts(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND), told("ongoing", 1), told("completed", 20, extension="101"))
        assert shell.calls["r"].context.extension == "101"

    def test_a_child_leg_keeps_its_own_extension_and_lends_it_to_the_offer(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND), told("ringing", 1, "b", parent="r", to="sip:bob@10.0.0.1", extension="101"))
        assert shell.offered() == [("ringing", "101", 1)]
        assert shell.calls["b"].context.extension == "101"
        shell.tell(told("ongoing", 2, "b"))
        assert shell.calls["r"].context.extension == "101"

    def test_a_leg_of_which_nobody_knows_whom_it_reaches_is_no_offer_yet(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND), told("ringing", 1, "b", parent="r"))
        assert (shell.offered(), shell.calls["r"].offers) == ([], [])
        shell.tell(told("ongoing", 2, "b", to="101"))
        assert shell.offered() == [("ongoing", "101", 1)]

    def test_an_extension_that_turns_out_to_be_a_number_outside_is_forgotten_as_who_answered(self) -> None:
        shell = Shell()
        shell.tell(told("starting", 0, **INBOUND), told("ongoing", 2, "b", parent="r", to="101"))
        assert shell.calls["r"].context.extension == "101"
        shell.tell(told("starting", 1, "b", parent="r", to=MOBILE))
        assert shell.calls["r"].context.extension is None


def test_a_recording_of_a_child_leg_is_the_conversations() -> None:
    shell = Shell()
    shell.tell(
        told("starting", 0, **INBOUND),
        told("starting", 1, "leg", parent="r", from_=CALLER, to="7001"),
        told("recording", 5, "leg", data={"status": "completed", "url": "https://x.example/1.wav", "duration_s": 4}),
    )
    assert shell.calls["r"].context.recording == Recording(url="https://x.example/1.wav", duration_s=4, status="completed")
    assert shell.calls["leg"].context.recording == shell.calls["r"].context.recording
