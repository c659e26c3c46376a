"""Several processes of one switch: each has an address, and ports of its own."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.errors import BadSettings
from ringback.switch.apart.shares import shares
from ringback.switch.embedded.settings import EmbeddedSettings

TOLD = EmbeddedSettings(host="127.0.0.5", port=5070, sip_uris=("127.0.0.0/8",))


def test_without_addresses_there_is_one_process_as_the_file_says() -> None:
    assert shares(TOLD, []) == (TOLD,)


def test_one_address_has_all_ports() -> None:
    (only,) = shares(TOLD, [("127.0.0.1", 5060)])
    assert (only.host, only.port, only.rtp_ports, only.sip_uris) == ("127.0.0.1", 5060, TOLD.rtp_ports, TOLD.sip_uris)


def test_several_share_the_ports() -> None:
    parts = shares(TOLD, [("127.0.0.1", 5060), ("127.0.0.1", 5062), ("127.0.0.2", 5060)])
    assert [(part.host, part.port) for part in parts] == [("127.0.0.1", 5060), ("127.0.0.1", 5062), ("127.0.0.2", 5060)]
    assert [part.rtp_ports for part in parts] == [(20_000, 20_665), (20_666, 21_331), (21_332, 21_997)]


@given(st.integers(1_024, 65_534), st.integers(2, 3_000), st.integers(2, 8))
def test_parts_are_apart_and_even(first: int, ports: int, count: int) -> None:
    last = min(65_535, first + ports)
    told = EmbeddedSettings(rtp_ports=(first, last))
    try:
        parts = [part.rtp_ports for part in shares(told, [("127.0.0.1", 0)] * count)]
    except BadSettings:
        assert last - first < 2 * count + 1
        return
    for begin, end in parts:
        assert first <= begin < end <= last
        assert begin % 2 == 0
        assert end % 2 == 1
    assert all(before[1] < after[0] for before, after in pairwise(parts))


@pytest.mark.parametrize(
    ("told", "listen", "why"),
    [
        (TOLD, [("127.0.0.1", 5060), ("127.0.0.1", 5060)], "sip_listen: an address is given twice"),
        (EmbeddedSettings(rtp_ports=(20_000, 20_003)), [("127.0.0.1", 0)] * 3, "rtp_ports 20000 to 20003 are too few for 3"),
        (EmbeddedSettings(public_port=5060), [("127.0.0.1", 0), ("127.0.0.2", 0)], "public_port is one port"),
        (TOLD, [("::1", 5060)], "host must be an IPv4 address"),
    ],
)
def test_what_cannot_be_shared(told: EmbeddedSettings, listen: list[tuple[str, int]], why: str) -> None:
    with pytest.raises(BadSettings, match=why):
        shares(told, listen)
