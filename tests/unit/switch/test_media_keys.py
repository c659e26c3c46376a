"""Keys as events: whatever the network does to them, each is told once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.embedded.media.keys import END_PACKETS, KEYS, TONE_SLOTS, KeyReader, event_payload

SLOTS = TONE_SLOTS + END_PACKETS - 1


def packets(keys: str, start: int = 0xFFFFF000) -> list[tuple[int, bytes]]:
    """All packets of keys that are sent one after another, each with its timestamp."""
    return [
        (start + 1_600 * number & 0xFFFFFFFF, event_payload(key, slot)) for number, key in enumerate(keys) for slot in range(SLOTS)
    ]


def told(reader: KeyReader, arrived: list[tuple[int, bytes]], ssrc: int = 1) -> str:
    return "".join(reader.read(ssrc, timestamp, payload) or "" for timestamp, payload in arrived)


def test_what_is_sent() -> None:
    sent = [event_payload("#", slot) for slot in range(SLOTS)]
    assert [payload[0] for payload in sent] == [11] * SLOTS
    assert [payload[1] for payload in sent] == [0x0A] * 4 + [0x8A] * 3
    assert [int.from_bytes(payload[2:], "big") for payload in sent] == [160, 320, 480, 640, 800, 800, 800]


@pytest.mark.parametrize("key", KEYS)
def test_every_key(key: str) -> None:
    assert told(KeyReader(), packets(key)) == key


def test_the_same_key_twice_is_two() -> None:
    assert told(KeyReader(), packets("1111")) == "1111"


def test_another_stream_may_begin_where_the_first_did() -> None:
    reader = KeyReader()
    assert told(reader, packets("1"), ssrc=1) + told(reader, packets("1"), ssrc=2) == "11"


@pytest.mark.parametrize("payload", [b"", b"\1", b"\1\0\0", bytes((16, 0, 0, 160)), bytes((255, 0x8A, 0, 160))])
def test_what_is_no_key(payload: bytes) -> None:
    assert KeyReader().read(1, 1, payload) is None


def test_a_redundant_tail_is_ignored() -> None:
    assert told(KeyReader(), [(5, event_payload("7", 0) + event_payload("8", 0))]) == "7"


def test_a_key_that_is_held_for_long_is_one() -> None:
    whole = 0xFFFF
    arrived = [(1_000, bytes((3, 0x0A)) + duration.to_bytes(2, "big")) for duration in (160, 30_000, whole)]
    arrived += [(1_000 + whole, bytes((3, 0x0A)) + duration.to_bytes(2, "big")) for duration in (160, 30_000, whole)]
    arrived += [(1_000 + 2 * whole, bytes((3, 0x8A, 0, 160)))] * 3
    assert told(KeyReader(), arrived) == "3"


@given(keys=st.text(KEYS, min_size=1, max_size=10), data=st.data())
def test_any_loss_and_any_doubling_gives_each_key_once(keys: str, data: st.DataObject) -> None:
    arrived = []
    for number in range(len(keys)):
        of_key = packets(keys)[number * SLOTS : (number + 1) * SLOTS]
        kept = data.draw(st.lists(st.sampled_from(of_key), min_size=1, max_size=12))  # some lost, some twice, out of order
        arrived += kept
    assert told(KeyReader(), arrived) == keys


@given(keys=st.text(KEYS, min_size=1, max_size=10), rng=st.randoms(use_true_random=False))
def test_any_order_at_all_gives_each_key_once(keys: str, rng: object) -> None:
    arrived = packets(keys)
    rng.shuffle(arrived)  # type: ignore[attr-defined]
    assert sorted(told(KeyReader(), arrived)) == sorted(keys)


@given(arrived=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 0xFFFFFFFF), st.binary(max_size=8)), max_size=50))
def test_anything_may_arrive(arrived: list[tuple[int, int, bytes]]) -> None:
    reader = KeyReader()
    for ssrc, timestamp, payload in arrived:
        key = reader.read(ssrc, timestamp, payload)
        assert key is None or key in KEYS
