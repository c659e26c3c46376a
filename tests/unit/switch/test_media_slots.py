"""The clock of all sessions, the ports, and whose packets are heard."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.embedded.media.latch import Latch
from ringback.switch.embedded.media.ports import NoPort, Ports
from ringback.switch.embedded.media.slots import Lateness, Slots


# The clock
class Loop:
    """Timers of a loop whose time is told by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.timers: list[tuple[float, Callable[[], object], list[bool]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        alive = [True]
        self.timers.append((when, callback, alive))

        class _Handle:
            def cancel(self) -> None:
                alive[0] = False

        handle: Any = _Handle()
        return handle  # type: ignore[no-any-return]

    def fire(self, late_s: float = 0.0) -> None:
        """The next timer, so late."""
        when, callback, alive = self.timers.pop(0)
        if alive[0]:
            self.now = max(self.now, when + late_s)
            callback()


def clock() -> tuple[Loop, Slots, list[int]]:
    loop, passed = Loop(), list[int]()
    return loop, Slots(loop, passed.append), passed


def test_slots_do_not_drift() -> None:
    loop, slots, passed = clock()
    slots.start()
    for _ in range(500):
        loop.fire(0.004)
    assert passed == [1] * 500
    assert loop.now == pytest.approx(1_010.004)
    assert slots.lateness.late == 0
    assert slots.lateness.percentile_ms(0.99) in (4, 5)
    assert slots.lateness.punctual_share == 1.0


def test_a_stall_is_made_up_for_a_little_and_the_rest_is_skipped() -> None:
    loop, slots, passed = clock()
    slots.start()
    loop.fire()
    loop.fire(0.050)
    assert passed == [1, 1, 1, 1]
    assert slots.lateness.late == 2
    loop.fire(1.0)
    assert passed[4:] == [49, 1, 1]
    assert sum(passed) == 55
    loop.fire()
    assert passed[-1] == 1
    assert slots.lateness.skipped == 48
    assert slots.lateness.slots == 56
    assert loop.now == pytest.approx(1_000 + 56 * 0.02)


def test_a_clock_that_is_stopped_or_begun_anew_in_a_slot() -> None:
    loop = Loop()
    passed: list[int] = []

    def work(count: int) -> None:
        passed.append(count)
        slots.stop()
        if len(passed) == 1:
            slots.start()

    slots = Slots(loop, work)
    slots.start()
    slots.start()
    loop.fire(0.05)
    assert passed == [1]
    assert len(loop.timers) == 1
    loop.fire()
    assert passed == [1, 1]
    assert loop.timers == []
    assert not slots.running


def test_a_loop_that_wakes_a_moment_early() -> None:
    loop, slots, passed = clock()
    slots.start()
    for _ in range(10):
        loop.fire(-0.000_9)
    assert passed == [1] * 10
    assert slots.lateness.worst_ms == 0


def test_lateness_of_nothing() -> None:
    assert Lateness().punctual_share == 1.0
    assert Lateness().percentile_ms(0.99) == 1


# Whose packets are heard
PHONE, OTHER_PORT, STRANGER, THIRD = ("192.0.2.1", 4_000), ("192.0.2.1", 4_002), ("198.51.100.7", 4_000), ("203.0.113.9", 4_000)


def aimed(strangers: bool = False, also: tuple[str, ...] = ()) -> Latch:
    latch = Latch(strangers)
    latch.aim(PHONE, also)
    return latch


def hears(latch: Latch, source: tuple[str, int], slot: int = 0, sequence: int = 1, ssrc: int = 1) -> bool:
    return latch.admits(source, sequence, ssrc, slot)


def test_media_go_where_they_come_from_if_it_is_the_same_host() -> None:
    latch = aimed()
    assert latch.target == PHONE
    assert hears(latch, OTHER_PORT)
    assert latch.target == OTHER_PORT


def test_a_second_port_waits_until_the_first_is_quiet() -> None:
    latch = aimed()
    assert hears(latch, PHONE, 0)
    assert not hears(latch, OTHER_PORT, 49)
    assert hears(latch, PHONE, 49)
    assert not hears(latch, OTHER_PORT, 98)
    assert hears(latch, OTHER_PORT, 99)
    assert latch.target == OTHER_PORT


@given(packets=st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 3), st.integers(0, 5_000))))
def test_a_stranger_never_moves_a_session(packets: list[tuple[int, int, int]]) -> None:
    latch = aimed()
    for sequence, ssrc, slot in packets:
        assert not latch.admits(STRANGER, sequence, ssrc, slot)
    assert latch.target == PHONE


def test_where_the_sip_comes_from_may_send_too() -> None:
    latch = aimed(also=(STRANGER[0],))
    assert hears(latch, STRANGER)
    assert latch.target == STRANGER


def test_a_stranger_that_is_allowed_must_send_a_stream() -> None:
    latch = aimed(strangers=True)
    assert [hears(latch, STRANGER, sequence=n) for n in (1, 2, 4, 5, 6)] == [False] * 5
    assert [hears(latch, STRANGER, sequence=7, ssrc=n) for n in (2, 3)] == [False] * 2
    assert [hears(latch, STRANGER, sequence=n) for n in (65_534, 65_535, 0, 1)] == [False, False, False, True]
    assert latch.target == STRANGER
    assert not any(hears(latch, THIRD, sequence=n) for n in range(10))
    assert hears(latch, PHONE)
    assert latch.target == PHONE
    assert not any(hears(latch, STRANGER, slot=500 + n, sequence=n) for n in range(10))


def test_a_new_description_begins_anew_and_the_same_one_changes_nothing() -> None:
    latch = aimed()
    assert hears(latch, OTHER_PORT)
    latch.aim(PHONE)
    assert latch.target == OTHER_PORT
    latch.aim(STRANGER)
    assert latch.target == STRANGER
    assert not hears(latch, OTHER_PORT)


@pytest.mark.parametrize("nowhere", [None, ("0.0.0.0", 4_000), ("::", 4_000)])
def test_on_the_oldest_kind_of_hold_nothing_is_sent(nowhere: tuple[str, int] | None) -> None:
    latch = aimed()
    latch.aim(nowhere, (PHONE[0],))
    assert latch.target is None
    assert hears(latch, PHONE)
    assert latch.target is None
    latch.aim(PHONE)
    assert latch.target == PHONE


@pytest.mark.parametrize(
    "remote",
    [
        ("phone.example", 4_000),
        ("224.0.0.1", 4_000),
        ("255.255.255.255", 4_000),
        ("192.0.2.1", 0),
        ("192.0.2.1", 65_536),
        ("", 4_000),
    ],
)
def test_what_is_no_phone_is_refused(remote: tuple[str, int]) -> None:
    latch = aimed()
    with pytest.raises(ValueError):
        latch.aim(remote)
    assert latch.target == PHONE


# Ports
def test_a_port_rests_after_its_use() -> None:
    now = [0.0]
    ports = Ports("127.0.0.1", 23_000, 23_003, lambda: now[0], 5.0)
    taken = [ports.take(), ports.take()]
    assert sorted(port for _, port in taken) == [23_000, 23_002]
    with pytest.raises(NoPort):
        ports.take()
    sock, port = taken[0]
    sock.close()
    ports.give_back(port)
    now[0] = 4.9
    with pytest.raises(NoPort):
        ports.take()
    now[0] = 5.0
    again, number = ports.take()
    assert number == port
    again.close()
    taken[1][0].close()


def test_a_port_that_another_has_is_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 23_010))
        ports = Ports("127.0.0.1", 23_009, 23_013, lambda: 0.0, 5.0)
        for _ in range(2):
            sock, port = ports.take()
            assert port == 23_012
            sock.close()
            ports.give_back(port)
            ports = Ports("127.0.0.1", 23_009, 23_013, lambda: 0.0, 5.0)


@pytest.mark.parametrize("span", [(23_001, 23_001), (23_004, 23_000), (0, 10), (65_000, 70_000)])
def test_a_range_without_a_port_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        Ports("127.0.0.1", *span, lambda: 0.0, 5.0)


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(OSError):
        Ports("192.0.2.1", 23_000, 23_010, lambda: 0.0, 5.0).take()
