"""Shares of connections: whatever the others do, each endpoint has its own, and together they keep to what is kept."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ringback.delivery.shares import LEAST_SHARE, Shares

WEIGHT = 10


def connect(shares: Shares, endpoint: int) -> None:
    shares.enter(endpoint, WEIGHT)
    shares.opened(endpoint)


def disconnect(shares: Shares, endpoint: int) -> None:
    shares.lost(endpoint)
    shares.leave(endpoint, WEIGHT)


def test_while_there_is_room_anybody_may_have_any_number() -> None:
    shares = Shares(4, 1_000)
    for _ in range(3):
        assert shares.of(1) is None
        connect(shares, 1)
    assert (shares.of(1), shares.of(2)) == (None, None)
    connect(shares, 1)
    assert shares.of(1) == 4, "as many as it has"
    assert shares.of(2) == 4, "the only other one may have as many"
    disconnect(shares, 1)
    assert shares.of(1) is None


def test_memory_is_scarce_as_well() -> None:
    shares = Shares(100, 4 * WEIGHT)
    for endpoint in (1, 2, 3, 4):
        connect(shares, endpoint)
    assert shares.of(1) == LEAST_SHARE
    disconnect(shares, 4)
    assert shares.of(1) is None


def test_who_only_dials_counts_among_the_others_and_has_its_share() -> None:
    shares = Shares(8, 1_000)
    for _ in range(60):
        shares.enter(1, WEIGHT)
    assert shares.of(1) == 8, "none of the sixty is a connection yet"
    for endpoint in (2, 3, 4):
        connect(shares, endpoint)
    assert (shares.of(1), shares.of(2), shares.of(5)) == (2, 2, 2)
    for _ in range(60):
        shares.leave(1, WEIGHT)
    assert shares.of(1) is None


@given(
    most=st.integers(0, 40),
    steps=st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["send", "send", "send", "end", "hang up"])), max_size=200),
)
def test_together_endpoints_keep_to_what_is_kept(most: int, steps: list[tuple[int, str]]) -> None:
    shares = Shares(most, 1_000_000)
    connections: Counter[int] = Counter()
    in_flight: Counter[int] = Counter()
    for endpoint, step in steps:
        if step == "send":
            share = shares.of(endpoint)
            assert (share is None) == (connections.total() < most)
            if share is not None:
                assert share >= max(LEAST_SHARE, connections[endpoint]), "what it has it may use"
            if share is None or in_flight[endpoint] < share:
                in_flight[endpoint] += 1
                if in_flight[endpoint] > connections[endpoint]:
                    connections[endpoint] += 1
                    connect(shares, endpoint)
        elif step == "end" and in_flight[endpoint]:
            in_flight[endpoint] -= 1
        elif step == "hang up" and connections[endpoint] > in_flight[endpoint]:
            connections[endpoint] -= 1
            disconnect(shares, endpoint)
        # The last that grow may do so to what their share was, before the others were there.
        assert connections.total() <= most + sum(max(LEAST_SHARE, most // n) for n in range(1, 7))
