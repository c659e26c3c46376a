"""The status line: which word may follow which, and which end stands."""

import pytest

from ringback.calls.model import FINAL, STATUSES
from ringback.calls.statuses import ENDS, EVENT_TYPE, NEXT, WORD, standing_end, step

LINE = ["accepted", "starting", "ringing", "ongoing"]


def test_the_table_has_a_row_for_every_status_and_for_nothing_yet() -> None:
    assert set(NEXT) == {None, *STATUSES}
    assert set(ENDS) == FINAL


@pytest.mark.parametrize("current", STATUSES)
def test_no_status_follows_itself_and_nothing_leads_back(current: str) -> None:
    assert current not in NEXT[current]
    if current in LINE:
        assert not set(LINE[: LINE.index(current)]) & set(NEXT[current])


@pytest.mark.parametrize("current", sorted(FINAL))
def test_nothing_follows_an_end(current: str) -> None:
    assert NEXT[current] == ()
    assert all(step(current, word) is None for word in STATUSES)


@pytest.mark.parametrize("word", STATUSES)
def test_any_word_may_be_the_first(word: str) -> None:
    assert step(None, word) == word


@pytest.mark.parametrize("word", sorted(FINAL))
def test_an_answered_leg_ends_completed_whatever_the_word(word: str) -> None:
    assert step("ongoing", word) == "completed"


@pytest.mark.parametrize(
    ("current", "word", "taken"),
    [
        ("accepted", "starting", "starting"),
        ("accepted", "ongoing", "ongoing"),
        ("starting", "accepted", None),
        ("starting", "busy", "busy"),
        ("ringing", "ringing", None),
        ("ringing", "starting", None),
        ("ringing", "no-answer", "no-answer"),
        ("ongoing", "ringing", None),
    ],
)
def test_steps(current: str, word: str, taken: str | None) -> None:
    assert step(current, word) == taken


def test_of_two_ends_the_earlier_stands_and_a_tie_goes_by_the_row() -> None:
    assert standing_end({"ringing": 1}) is None
    assert standing_end({"failed": 5, "busy": 7}) == ("failed", 5)
    assert standing_end({"failed": 7, "busy": 7, "no-answer": 7}) == ("busy", 7)


def test_event_types_and_words_are_inverse() -> None:
    assert {EVENT_TYPE[word]: word for word in STATUSES} == WORD
