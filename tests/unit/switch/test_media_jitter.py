"""The jitter buffer, slot by slot."""

from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.embedded.media.g711 import PCMU
from ringback.switch.embedded.media.jitter import Jitter

START = 0xFFFFFF00  # timestamps wrap soon


def packet(number: int) -> tuple[int, bytes]:
    """A timestamp and 20 ms that tell which they are."""
    return START + 160 * number & 0xFFFFFFFF, bytes([number & 0x7F]) * 160


def put(jitter: Jitter, *numbers: int) -> None:
    for number in numbers:
        jitter.put(*packet(number))


def heard(frame: bytes | None) -> int | None:
    if frame is None:
        return None
    assert len(frame) == 160
    return frame[0]


def through(jitter: Jitter, *arrivals: tuple[int, ...]) -> list[int | None]:
    """What is heard in slots before each of which these arrive."""
    said = []
    for numbers in arrivals:
        put(jitter, *numbers)
        said.append(heard(jitter.take()))
    return said


def test_a_steady_stream_is_heard_a_frame_behind() -> None:
    assert through(Jitter(PCMU.silence), (0,), (1,), (2,), (3,), (4,)) == [None, 0, 1, 2, 3]


def test_order_is_restored_and_doubles_are_one() -> None:
    jitter = Jitter(PCMU.silence)
    assert through(jitter, (0,), (1,), (2,), (4,), (3,), (5,), (5, 6)) == [None, 0, 1, 2, 3, 4, 5]
    assert (jitter.lost, jitter.late) == (0, 0)


def test_a_lost_frame_is_the_one_before_again_and_two_are_silence() -> None:
    jitter = Jitter(PCMU.silence)
    assert through(jitter, (0,), (1,), (2,), (4,), (5,), (6,)) == [None, 0, 1, 2, 2, 4]
    assert jitter.lost == 1
    jitter = Jitter(PCMU.silence)
    assert through(jitter, (0, 1, 2), (5,), (6,), (7,), (8,), (9,)) == [0, 1, 2, 2, None, 5]
    assert jitter.lost == 2


def test_a_pause_is_silence_and_speech_goes_on_after_it() -> None:
    jitter = Jitter(PCMU.silence)
    assert through(jitter, (0,), (1,), (), (), (), (), (30,), (31,), (32,)) == [None, 0, 1, 1, None, None, None, 30, 31]


def test_a_single_packet_is_heard() -> None:
    assert through(Jitter(PCMU.silence), (0,), (), (), ()) == [None, 0, 0, None]


def test_late_packets_make_it_more_patient_and_good_times_less() -> None:
    jitter = Jitter(PCMU.silence)
    put(jitter, 0, 1)
    assert heard(jitter.take()) == 0
    put(jitter, 3)
    assert [heard(jitter.take()) for _ in range(3)] == [1, 1, 3]
    put(jitter, 2)
    assert jitter.late == 1
    for _ in range(3):
        jitter.take()
    assert through(jitter, (40,), (41,), (42,), (43,)) == [None, None, 40, 41]
    number = 44
    for _ in range(600):
        assert through(jitter, (number,)) != [None]
        number += 1
    for _ in range(3):
        jitter.take()
    assert through(jitter, (number + 50,), (number + 51,)) == [None, number + 50 & 0x7F]


def test_a_burst_after_a_stall_is_cut_to_its_end() -> None:
    jitter = Jitter(PCMU.silence)
    put(jitter, 0, 1)
    jitter.take()
    put(jitter, *range(2, 60))
    frames = [heard(jitter.take()) for _ in range(12)]
    assert frames[-1] is None
    assert frames[0] is not None
    assert frames[0] >= 50
    assert jitter.dropped > 40


def test_a_clock_that_is_faster_is_followed() -> None:
    jitter = Jitter(PCMU.silence)
    number = 0
    waiting = []
    for slot in range(3_000):
        put(jitter, number)
        number += 1
        if slot % 100 == 0:  # 1 % faster
            put(jitter, number)
            number += 1
        frame = heard(jitter.take())
        if frame is not None:
            waiting.append((number - 1 - frame) & 0x7F)
    assert max(waiting) <= 10
    assert jitter.late == 0


def test_another_clock_begins_anew() -> None:
    jitter = Jitter(PCMU.silence)
    put(jitter, 0, 1, 2)
    jitter.take()
    jitter.put(12_345, b"\x55" * 160)
    jitter.put(12_505, b"\x56" * 160)
    assert [heard(jitter.take()), heard(jitter.take())] == [0x55, 0x56]


def test_a_clock_that_jumped_back_a_little_is_believed_in_the_end() -> None:
    jitter = Jitter(PCMU.silence)
    said = through(jitter, (50, 51), *((number,) for number in range(52, 60)), *((number,) for number in range(20, 32)))
    assert said[-1] is not None
    assert 28 <= said[-1] <= 31


def test_packets_of_other_lengths() -> None:
    jitter = Jitter(PCMU.silence)
    stream = bytes(n // 10 & 0x7F for n in range(160 * 12))
    said = b""
    for n in range(8):  # 30 ms each
        jitter.put(START + 240 * n & 0xFFFFFFFF, stream[240 * n : 240 * n + 240])
        for _ in range(1 + n % 2):
            said += jitter.take() or b""
    assert stream.startswith(said[: 160 * 6])
    assert len(said) >= 160 * 10
    jitter = Jitter(PCMU.silence)
    for n in range(12):  # 10 ms each
        jitter.put(START + 80 * n & 0xFFFFFFFF, stream[80 * n : 80 * n + 80])
    said = b"".join(jitter.take() or b"" for _ in range(6))
    assert said == stream[:960]


@given(
    arrivals=st.lists(
        st.lists(st.tuples(st.integers(0, 0xFFFFFFFF) | st.integers(0, 4_000), st.integers(0, 1_280)), max_size=6), max_size=40
    )
)
def test_anything_may_arrive(arrivals: list[list[tuple[int, int]]]) -> None:
    jitter = Jitter(PCMU.silence)
    for packets in arrivals:
        for timestamp, size in packets:
            jitter.put(timestamp, b"\x42" * size)
        frame = jitter.take()
        assert frame is None or len(frame) == 160


@given(order=st.permutations(range(20)), lost=st.sets(st.integers(0, 19), max_size=10))
def test_whatever_is_heard_is_heard_in_order_and_the_buffer_stays_small(order: list[int], lost: set[int]) -> None:
    jitter = Jitter(PCMU.silence)
    said = [heard(frame) for frame in _taken(jitter, [number for number in order if number not in lost])]
    numbers = [number for number, before in zip(said, [None, *said], strict=False) if number is not None and number != before]
    assert numbers == sorted(numbers) or jitter.late > 0


def _taken(jitter: Jitter, numbers: list[int]) -> list[bytes | None]:
    frames = []
    for number in numbers:
        put(jitter, number)
        frames.append(jitter.take())
    return [*frames, *(jitter.take() for _ in range(25))]
