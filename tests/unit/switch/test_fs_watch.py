"""Event numbers that stay away are a doubt; single ones, late ones and a new run of the switch are told apart."""

from ringback.switch.freeswitch import watch
from ringback.switch.freeswitch.watch import SequenceWatch


def test_numbers_in_order_and_a_little_out_of_order_are_no_doubt() -> None:
    seen = SequenceWatch(grace_s=1)
    for at_s, number in enumerate([1, 2, 4, 3, 5]):
        assert not seen.feed("core", number, at_s / 10)
    assert not seen.is_doubtful(100)


def test_a_number_that_stays_away_is_a_doubt_after_a_moment_until_the_switch_was_asked() -> None:
    seen = SequenceWatch(grace_s=1)
    seen.feed("core", 1, 0)
    seen.feed("core", 3, 0)
    assert not seen.is_doubtful(0.9)
    assert seen.is_doubtful(1)
    seen.clear()
    assert not seen.is_doubtful(100)


def test_the_longest_run_of_missing_numbers_is_known() -> None:
    seen = SequenceWatch(grace_s=1)
    for number in (1, 3, 5, 12, 14):
        seen.feed("core", number, 0)
    assert seen.longest_run() == 6
    assert SequenceWatch(1).longest_run() == 0


def test_a_restart_of_the_switch_is_noticed_and_its_numbers_begin_anew() -> None:
    seen = SequenceWatch(grace_s=1)
    seen.feed("core", 1_000, 0)
    assert seen.feed("other", 1, 0)
    assert not seen.feed("other", 2, 0)
    assert not seen.is_doubtful(100)


def test_a_jump_of_any_size_is_followed_in_bounded_memory() -> None:
    seen = SequenceWatch(grace_s=1)
    seen.feed("core", 1, 0)
    seen.feed("core", 10**12, 0)
    seen.feed("core", 10**13, 0)
    assert seen.is_doubtful(1)
    assert seen.longest_run() <= watch.MOST_MISSING
