"""The two clocks: one that jumps, and the loop's."""

import asyncio
import time
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.clock import LoopClock, VirtualClock


def test_time_stands_still_until_it_jumps() -> None:
    clock, done = VirtualClock(1_000), list[str]()
    clock.call_later(2.5, lambda: done.append("later"))
    clock.call_later(0.5, lambda: done.append("sooner"))
    assert (clock.now_ms(), clock.next_due(), done) == (1_000, 1_500, [])
    assert clock.advance()
    assert (clock.now_ms(), clock.next_due(), done) == (1_500, 3_500, ["sooner"])
    assert clock.advance()
    assert (clock.now_ms(), clock.next_due(), done) == (3_500, None, ["sooner", "later"])
    assert not clock.advance()
    assert clock.now_ms() == 3_500


def test_what_is_due_at_once_is_done_in_the_order_in_which_it_was_asked_for_with_what_comes_of_it() -> None:
    clock, done = VirtualClock(), list[int]()

    def first() -> None:
        done.append(1)
        clock.call_later(0, lambda: done.append(4))

    clock.call_later(1, first)
    clock.call_later(0.9999, lambda: done.append(2))
    clock.call_later(1.0, lambda: done.append(3))
    clock.advance()
    assert done == [1, 2, 3, 4]


def test_what_is_stopped_is_not_done_and_not_waited_for() -> None:
    clock, done = VirtualClock(), list[int]()
    first, second = clock.call_later(1, lambda: done.append(1)), clock.call_later(2, lambda: done.append(2))
    first.cancel()
    first.cancel()
    assert clock.next_due() == 2_000
    assert clock.advance()
    second.cancel()
    assert (done, clock.next_due(), clock.advance()) == ([2], None, False)


def test_something_may_stop_what_is_due_at_the_same_moment() -> None:
    clock, done = VirtualClock(), list[int]()
    clock.call_later(1, lambda: handle.cancel())  # noqa: PLW0108
    handle = clock.call_later(1, lambda: done.append(2))
    clock.advance()
    assert (done, clock.next_due()) == ([], None)


def test_the_past_is_now() -> None:
    clock, done = VirtualClock(5), list[int]()
    clock.call_later(-3, lambda: done.append(1))
    assert clock.next_due() == 5
    clock.advance()
    assert done == [1]


def test_what_was_stopped_does_not_pile_up() -> None:
    clock = VirtualClock()
    kept = clock.call_later(7, lambda: None)
    for _ in range(10_000):
        clock.call_later(14_400, lambda: None).cancel()
    assert len(clock._queue) < 200
    assert clock.next_due() == 7_000
    kept.cancel()
    assert clock.next_due() is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=200))
def test_everything_that_was_not_stopped_is_done_once_in_order(wanted: list[tuple[int, bool]]) -> None:
    clock, done = VirtualClock(), list[tuple[int, int]]()
    for number, (seconds, stopped) in enumerate(wanted):
        handle = clock.call_later(seconds, partial(done.append, (seconds, number)))
        if stopped:
            handle.cancel()
    while clock.advance():
        pass
    assert done == sorted((seconds, number) for number, (seconds, stopped) in enumerate(wanted) if not stopped)


def test_a_loops_clock_tells_the_time_and_does_at_once_what_is_wanted_at_once() -> None:
    async def main() -> None:
        clock, done, over = LoopClock(asyncio.get_running_loop()), list[str](), asyncio.Event()
        assert abs(clock.now_ms() - time.time() * 1000) < 1_000
        clock.call_later(0.02, lambda: done.append("later"))
        clock.call_later(0.04, over.set)
        clock.call_later(0, lambda: done.append("first"))
        clock.call_later(-1, lambda: done.append("second"))
        clock.call_later(0.01, lambda: done.append("never")).cancel()
        async with asyncio.timeout(5):
            await over.wait()
        assert done == ["first", "second", "later"]

    asyncio.run(main())
