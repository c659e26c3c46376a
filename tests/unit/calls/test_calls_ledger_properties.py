"""Over any shuffle, duplication and delay of a conversation's updates:

safety    a status is sent at most once, nothing is sent behind what was sent before, a leg has one end at most
liveness  a status that was not late when it came is sent; a leg that was told to end has its end; every update has its event
record    the calls as they stand at the end are the same, and are those that the updates by their times describe
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ledger_shell import T0_MS, Shell, told
from msgspec.structs import asdict, replace

from ringback.calls.model import FINAL, Call, Update

LINE = ["accepted", "starting", "ringing", "ongoing"]
ENDS = ["completed", "busy", "no-answer", "cancelled", "failed"]
RANK = {word: min(rank, 4) for rank, word in enumerate([*LINE, *ENDS])}
TIMES = st.integers(0, 40)
"""Seconds; few enough that equal times are common, and near enough that no id is used again."""
NAMES = st.sampled_from(["alice", "bob", "+61288880000"])
EXTENSIONS = ["101", "102"]


@dataclass
class Told:
    """One conversation: its updates in the order in which they were made, and the order in which they arrive."""

    updates: list[Update]
    arrival: list[Update] = field(default_factory=list)


@st.composite
def leg_updates(draw: st.DrawFn, leg: str, fixed: dict[str, Any], *, inbound: bool, root: bool) -> list[Update]:
    updates: list[Update] = []
    for word in draw(st.lists(st.sampled_from(LINE), max_size=6)):
        call = {**fixed, **draw(some_fields(inbound=inbound, root=root))}
        if root and inbound and word in ("ringing", "ongoing") and draw(st.booleans()):
            call["extension"] = draw(st.sampled_from(EXTENSIONS))
        updates.append(told(word, draw(TIMES), leg, **call))
    for word in draw(st.lists(st.sampled_from(ENDS), max_size=3)):
        data = draw(st.fixed_dictionaries({}, optional={"cause": st.integers(16, 19), "sip_status": st.just(486)}))
        inferred = draw(st.booleans())
        updates.append(told(word, draw(TIMES), leg, data=data, inferred=inferred, **fixed))
    for keys in draw(st.lists(st.sampled_from("123"), max_size=3)):
        updates.append(told("ivr-option", draw(TIMES), leg, data={"option": keys}, **fixed))
    return updates


def some_fields(*, inbound: bool, root: bool) -> st.SearchStrategy[dict[str, Any]]:
    optional: dict[str, Any] = {"from_": NAMES, "to": NAMES}
    if root and inbound:
        optional["direction"] = st.just("inbound")
    return st.fixed_dictionaries({}, optional=optional)


@st.composite
def conversations(draw: st.DrawFn) -> Told:
    inbound = draw(st.booleans())
    fixed: dict[str, Any] = {} if inbound else {"direction": "outbound", "extension": "280085"}
    updates = draw(leg_updates("r", fixed, inbound=inbound, root=True))
    for leg in ["a", "b"][: draw(st.integers(0, 2))]:
        updates += draw(leg_updates(leg, {"parent": "r"}, inbound=inbound, root=False))
    facts = [
        told("facts", draw(TIMES), crm_id="lead-55", vars={"a": "1"}),
        told("facts", draw(TIMES), caller_name="Ann", vars={"b": "2"}),
        told("recording", draw(TIMES), data={"status": "in-progress", "channels": 2}),
        told("recording", draw(TIMES), data={"status": "completed", "url": "https://r.example/1.wav"}),
        told("transcription", draw(TIMES), data={"text": "hello"}),
    ]
    updates += [fact for fact in facts if draw(st.booleans())]
    keys_numbered = draw(st.booleans())  # A source numbers what it says of a caller's keys, or it does not.
    numbered = [
        replace(update, id=f"u{i}") if (keys_numbered if update.type == "call.ivr-option" else draw(st.booleans())) else update
        for i, update in enumerate(updates)
    ]
    again = [update for update in numbered if draw(st.booleans())]
    return Told(numbered, list(draw(st.permutations(numbered + again))))


def arrive(updates: Sequence[Update]) -> Shell:
    shell = Shell()
    for update in updates:
        shell.hear(update)
    return shell


def record(call: Call) -> dict[str, Any]:
    """A call without what counts arrivals. A call that was never heard itself (a placeholder, or one of which only an end was
    inferred) borrows its first time from whoever spoke of it first, until it speaks."""
    known = asdict(call)
    for name in ("next_seq", "last_event", "version", *(["first_at_ms"] if call.updated_at_ms == 0 else [])):
        del known[name]
    return known


@given(conversations())
def test_a_status_is_sent_once_unless_it_was_late(conversation: Told) -> None:
    shell = Shell()
    furthest: dict[str, int] = {}
    for update in conversation.arrival:
        folded = shell.hear(update)
        if folded is None:
            continue
        (event,) = folded.events
        word = update.type[5:]
        if word not in RANK:
            assert not event.status_changed
            continue
        news = RANK[word] > furthest.get(update.call.id, -1)
        assert event.status_changed == news
        if news:
            furthest[update.call.id] = RANK[word]
            assert event.type == f"call.{event.call.status}"
            assert not event.late
    for leg in furthest:
        ranks = [RANK[word] for word in shell.sent(leg)]
        assert ranks == sorted(set(ranks))


@given(conversations())
def test_each_leg_that_was_told_to_end_has_exactly_one_end(conversation: Told) -> None:
    shell = arrive(conversation.arrival)
    for leg, call in shell.calls.items():
        was_told = any(update.call.id == leg and update.type[5:] in FINAL for update in conversation.updates)
        assert len([word for word in shell.sent(leg) if word in FINAL]) == was_told
        assert call.is_final == was_told


@given(conversations())
def test_the_record_is_the_same_in_whatever_order_the_updates_come(conversation: Told) -> None:
    first, second = arrive(conversation.updates), arrive(conversation.arrival)
    assert {leg: record(call) for leg, call in first.calls.items()} == {leg: record(call) for leg, call in second.calls.items()}


@given(conversations())
def test_the_record_is_what_the_updates_describe_by_their_times(conversation: Told) -> None:
    shell = arrive(conversation.arrival)
    for leg, call in shell.calls.items():
        mine = [update for update in conversation.updates if update.call.id == leg]
        if not mine:
            continue  # a placeholder: only its children spoke
        times: dict[str, int] = {}
        for update in mine:
            word = update.type[5:]
            if word in LINE:
                times[word] = min(update.at_ms, times.get(word, update.at_ms))
        assert (call.starting_at_ms, call.ringing_at_ms, call.answered_at_ms) == tuple(times.get(word) for word in LINE[1:])
        ends = [update for update in mine if update.type[5:] in FINAL]
        ends = [update for update in ends if not update.inferred] or ends
        if ends:
            end = min(ends, key=lambda update: (update.at_ms, ENDS.index(update.type[5:])))
            assert call.ended_at_ms == end.at_ms
            assert call.status == ("completed" if "ongoing" in times else end.type[5:])
            assert call.inferred == end.inferred
            talk = max(0, end.at_ms - times["ongoing"]) // 1000 if "ongoing" in times else 0
            assert call.answered_duration_s == talk
            assert call.duration_s >= talk
        for name in ("from_", "to"):
            given_values = [(update.at_ms, getattr(update.call, name)) for update in mine if getattr(update.call, name) is not None]
            assert getattr(call, name) == (min(given_values)[1] if given_values else "")


@given(conversations())
def test_every_update_has_one_event_and_a_conversation_counts_them_without_a_gap(conversation: Told) -> None:
    shell = arrive(conversation.arrival)
    ids = [update.id for update in conversation.arrival if update.id is not None]
    assert len(shell.events) == len(conversation.arrival) - (len(ids) - len(set(ids)))
    assert [event.seq for event in shell.events] == list(range(1, len(shell.events) + 1))
    for event in shell.events:
        assert event.root.next_seq == event.seq + 1
        assert event.root.id == "r"
        assert event.late != (event.status_changed or event.offer is not None or event.type[5:] not in RANK) or event.type in (
            "call.ivr-option",
            "call.corrected",
        )


@given(conversations())
def test_an_offer_rings_once_and_answers_once_and_never_after_the_end(conversation: Told) -> None:
    shell = arrive(conversation.arrival)
    ended = False
    for event in shell.events:
        assert not (ended and event.offer is not None)
        ended = event.root.is_final
    by_leg = [(event.type, event.offer.leg) for event in shell.events if event.offer is not None and event.offer.leg]
    assert len(by_leg) == len(set(by_leg))
    for offer in shell.calls["r"].offers if "r" in shell.calls else []:
        assert (offer.ended_at_ms is None) or offer.status in FINAL
        if offer.leg is None:
            assert shell.calls["r"].direction == "inbound"
            assert offer.ringing_at_ms is None or offer.answered_at_ms is None or offer.ringing_at_ms <= offer.answered_at_ms


@given(st.lists(st.tuples(TIMES, st.booleans(), st.sampled_from(EXTENSIONS)), max_size=8), st.randoms(use_true_random=False))
def test_offers_told_on_a_root_come_out_the_same_in_any_order(facts: list[tuple[int, bool, str]], random: Any) -> None:
    updates = [told("ongoing" if answers else "ringing", at, extension=extension) for at, answers, extension in facts]
    shuffled = list(updates)
    random.shuffle(shuffled)
    first, second = arrive(updates), arrive(shuffled)
    if updates:
        assert first.calls["r"].offers == second.calls["r"].offers
        assert first.calls["r"].context == second.calls["r"].context
        assert first.calls["r"].first_at_ms == T0_MS + min(at for at, _, _ in facts) * 1000
