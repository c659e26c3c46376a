"""Work that nobody waits for goes faster while nobody is slowed down, and slower as soon as somebody is."""

from threading import Event

from ringback.engine.limits import Purse
from ringback.engine.pace import (
    BURST_S,
    FIRST_PER_S,
    LAG_ALONE_S,
    LAG_S,
    LEAST_PER_S,
    LEAST_S,
    LIVE_S,
    MOST_PER_S,
    SHARE_S,
    Pace,
    counted,
)
from ringback.engine.resends import MOST_AT_ONCE


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.used = 5.0

    def __call__(self) -> float:
        return self.now


class Live:
    """Updates that came in so far."""

    def __init__(self) -> None:
        self.taken = 0

    def __call__(self) -> int:
        return self.taken


def made(pressed: bool = False, live: Live | None = None) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(clock, lambda: clock.used, lambda: pressed, live or Live()), clock


def test_the_rate_grows_while_the_loop_has_time() -> None:
    pace, _ = made()
    assert pace.per_s == FIRST_PER_S
    for _ in range(1000):
        pace.felt(LAG_S)
    assert pace.per_s == MOST_PER_S


def test_while_updates_come_in_a_little_lag_is_enough() -> None:
    live = Live()
    pace, clock = made(live=live)
    pace.felt(LAG_ALONE_S)
    assert pace.per_s > FIRST_PER_S
    before = pace.per_s
    live.taken = 1
    pace.felt(LAG_S * 1.1)
    assert pace.per_s < before
    before = pace.per_s
    clock.now += LIVE_S * 0.9
    pace.felt(LAG_S * 1.1)
    assert pace.per_s < before
    clock.now += LIVE_S * 0.2
    before = pace.per_s
    pace.felt(LAG_S * 1.1)
    assert pace.per_s > before


def test_while_updates_come_in_a_processor_without_time_is_enough() -> None:
    live = Live()
    pace, clock = made(live=live)
    for busy, grows in ((0.5, True), (0.95, False), (0.5, True)):
        live.taken += 1
        clock.now += SHARE_S * 1.01
        clock.used += SHARE_S * busy
        before = pace.per_s
        pace.felt(0.0)
        assert (pace.per_s > before) == grows
    # Alone it may take all of it.
    clock.now += LIVE_S
    clock.used += LIVE_S
    before = pace.per_s
    pace.felt(0.0)
    assert pace.per_s > before


def test_it_falls_when_the_loop_lags_but_never_to_nothing() -> None:
    pace, _ = made()
    pace.felt(LAG_ALONE_S * 2)
    assert pace.per_s < FIRST_PER_S
    for _ in range(1000):
        pace.felt(1.0)
    assert pace.per_s == LEAST_PER_S


def test_intake_that_is_pressed_is_lag_enough() -> None:
    pace, _ = made(pressed=True)
    pace.felt(0.0)
    assert pace.per_s < FIRST_PER_S


def test_beside_live_traffic_reading_rests_most_of_the_time() -> None:
    live = Live()
    pace, _ = made(live=live)
    assert pace.rest_s(0.01) < 0.01
    live.taken = 1
    pace.felt(0.0)
    assert pace.rest_s(0.01) > 0.08


def test_only_time_on_a_processor_counts_as_work() -> None:
    never = Event()
    found, worked_s = counted(lambda: never.wait(0.2))
    assert not found
    assert worked_s < 0.1


def test_a_slow_rate_takes_fewer_turns() -> None:
    pace, _ = made()
    assert pace.tick_s == 0.05
    for _ in range(1000):
        pace.felt(0.0)
    assert pace.tick_s == 0.01
    for _ in range(1000):
        pace.felt(1.0)
    assert pace.tick_s == 0.1


def test_permits_come_with_time_and_are_not_hoarded() -> None:
    pace, clock = made()
    assert pace.take(100) == 0
    clock.now += 0.0205
    assert pace.take(100) == 10
    assert pace.take(100) == 0
    clock.now += 60
    assert pace.take(1000) == int(FIRST_PER_S * BURST_S) + 1
    clock.now += 0.0205
    assert [pace.take(4), pace.take(100)] == [4, 6]


def test_the_least_rate_holds_however_long_a_turn_takes() -> None:
    pace, clock = made(pressed=True)
    for _ in range(100):
        pace.felt(1.0)
    assert pace.per_s == LEAST_PER_S
    pace.take(1000)
    for turn_s in (0.1, 0.5, 1.0, LEAST_S):
        began, taken = clock.now, 0
        while clock.now - began < 20:
            clock.now += turn_s
            pace.felt(1.0)
            taken += pace.take(MOST_AT_ONCE)
        assert taken >= LEAST_PER_S * 20 - 1, turn_s
    clock.now += 60
    assert pace.take(1000) == LEAST_PER_S * LEAST_S, "not hoarded"


def test_a_purse_fills_with_time_up_to_a_second_s_worth() -> None:
    clock = Clock()
    purse = Purse(4.0, clock)
    assert purse.wait_s() == 0
    purse.take(4)
    assert purse.wait_s() == 1
    clock.now += 0.25
    assert purse.wait_s() == 0
    clock.now += 60
    purse.wait_s()
    purse.take(4)
    assert purse.wait_s() == 1


def test_a_purse_that_was_overdrawn_is_waited_for() -> None:
    clock = Clock()
    purse = Purse(10.0, clock)
    purse.take(50)
    assert purse.wait_s() == 4
    clock.now += 3.9
    assert purse.wait_s() == 1
    clock.now += 0.2
    assert purse.wait_s() == 0


def test_a_slow_purse_holds_one() -> None:
    clock = Clock()
    purse = Purse(0.1, clock)
    assert purse.wait_s() == 0
    purse.take(1)
    assert purse.wait_s() >= 1
    clock.now += 10
    assert purse.wait_s() == 0
