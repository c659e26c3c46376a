"""Which process an order goes to, and what is told of one that is lost."""

from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.live import Answer, Answered, Dial, Happening, HungUp, Incoming, Record, RecordEnded
from ringback.switch.apart.legs import LOST, LOST_UP, Legs

BOTH = (0, 1)


def dial(leg: str, parent: str = "") -> Dial:
    return Dial(leg, parent, "+61255500199", "+61255500100")


def test_a_leg_stays_where_it_came_in() -> None:
    legs = Legs()
    legs.told(1, Incoming("a", "+1", "+2"), "us")
    assert legs.ordered(Answer("a"), BOTH) == 1
    assert legs.account_of("a") == "us"
    legs.told(1, HungUp("a"))
    assert legs.ordered(Answer("a"), BOTH) is None
    assert legs.account_of("a") is None


def test_who_is_dialled_for_a_leg_is_where_that_is() -> None:
    legs = Legs()
    legs.told(1, Incoming("a", "+1", "+2"))
    assert legs.ordered(dial("b", "a"), BOTH) == 1
    assert legs.ordered(dial("c", "b"), BOTH) == 1


def test_a_call_that_is_placed_goes_to_where_the_fewest_are() -> None:
    legs = Legs()
    assert [legs.ordered(dial(name), BOTH) for name in "abc"] == [0, 1, 0]
    legs.told(0, HungUp("a"))
    legs.told(0, HungUp("c"))
    assert [legs.ordered(dial(name), BOTH) for name in "def"] == [0, 0, 1]
    assert legs.ordered(dial("g"), (1,)) == 1
    assert legs.ordered(dial("h"), ()) is None
    assert legs.ordered(Answer("h"), BOTH) is None


def test_a_parent_that_is_gone_decides_nothing() -> None:
    legs = Legs()
    legs.told(0, Incoming("a", "+1", "+2"))
    assert legs.ordered(dial("b", "gone"), BOTH) == 1


def test_a_name_that_is_dialled_twice_is_one_leg() -> None:
    legs = Legs()
    assert [legs.ordered(dial("a"), BOTH), legs.ordered(dial("a"), BOTH), len(legs)] == [0, 0, 1]


def test_what_a_lost_process_had_ends_and_nothing_else() -> None:
    legs = Legs()
    legs.told(1, Incoming("a", "+1", "+2"))
    legs.told(0, Incoming("other", "+1", "+2"))
    legs.ordered(dial("b", "a"), BOTH)
    legs.told(1, Answered("a"))
    for op in (1, 2, 3):
        legs.ordered(Record("a", op, 60.0, channels=2), BOTH)
    legs.told(1, RecordEnded("a", 2, "stopped"))
    legs.ordered(Record("other", 1, 60.0), BOTH)
    assert legs.lost(1) == [
        LOST_UP.of("a"),
        LOST.of("b"),
        RecordEnded("a", 1, "failed", channels=2),
        RecordEnded("a", 3, "failed", channels=2),
    ]
    assert (legs.lost(1), len(legs), legs.ordered(Answer("a"), BOTH)) == ([], 1, None)


def test_a_recording_of_a_leg_that_has_ended_is_still_owed() -> None:
    legs = Legs()
    legs.told(0, Incoming("a", "+1", "+2"))
    legs.ordered(Record("a", 1, 60.0), BOTH)
    legs.told(0, HungUp("a"))
    assert legs.lost(0) == [RecordEnded("a", 1, "failed")]


STEPS = st.lists(st.tuples(st.sampled_from("idarh"), st.sampled_from("abcd"), st.integers(0, 1)), max_size=40)


@given(STEPS)
def test_every_leg_and_every_recording_ends_once(steps: list[tuple[str, str, int]]) -> None:
    legs, up, recording, told = Legs(), set[str](), set[tuple[str, int]](), list[Happening]()
    for op, (what, leg, process) in enumerate(steps):
        match what:
            case "i" if leg not in up:
                legs.told(process, Incoming(leg, "+1", "+2"))
                up.add(leg)
            case "d":
                assert legs.ordered(dial(leg), BOTH) is not None
                up.add(leg)
            case "r" if legs.ordered(Record(leg, op, 60.0), BOTH) is not None:
                recording.add((leg, op))
            case "h" if leg in up:
                legs.told(process, HungUp(leg))
                up.discard(leg)
        assert len(legs) == len(up)
    told = [*legs.lost(0), *legs.lost(1)]
    assert sorted(end.leg for end in told if isinstance(end, HungUp)) == sorted(up)
    assert sorted((end.leg, end.op) for end in told if isinstance(end, RecordEnded)) == sorted(recording)
    assert len(legs) == 0
