"""What a URL's fragment may say, word by word and bound by bound (Twilio's page on connection overrides)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.live.overrides import Overrides, split_overrides

URL = "https://app.example.com/voice?a=1"


def test_without_a_fragment_the_defaults() -> None:
    assert split_overrides(URL) == (URL, Overrides(connect_s=None, read_s=15.0, total_s=15.0, retries=1, policy=frozenset({"ct"})))
    assert split_overrides(URL + "#") == (URL, Overrides())


@pytest.mark.parametrize(
    ("fragment", "wanted"),
    [
        ("ct=100", Overrides(connect_s=0.1)),
        ("ct=10000", Overrides(connect_s=10.0)),
        ("rt=100&tt=15000", Overrides(read_s=0.1)),
        ("rt=15000&tt=100", Overrides(total_s=0.1)),
        ("rc=0", Overrides(retries=0)),
        ("rc=5&rp=all", Overrides(retries=5, policy=frozenset({"4xx", "5xx", "ct", "rt"}))),
        ("rp=4xx,rt", Overrides(policy=frozenset({"4xx", "rt"}))),
        ("rp=5xx%2Cct", Overrides(policy=frozenset({"5xx", "ct"}))),
        ("ct=200&ct=300", Overrides(connect_s=0.3)),
    ],
)
def test_what_is_known_is_taken(fragment: str, wanted: Overrides) -> None:
    assert split_overrides(f"{URL}#{fragment}") == (URL, wanted)


@pytest.mark.parametrize(
    "fragment",
    [
        *("ct=99", "ct=10001", "ct=1e3", "rt=99", "rt=15001", "tt=99", "tt=15001", "tt=99999999999999999"),
        *("rc=-1", "rc=6", "rc=", "rc", "rc=1.0", "rc=١", "rp=", "rp=6xx", "rp=ALL", "section", "e=dublin", "sni=y"),
    ],
)
def test_what_is_not_is_ignored_and_noted(fragment: str) -> None:
    url, overrides = split_overrides(f"{URL}#{fragment}")
    assert (url, overrides) == (URL, Overrides(notes=overrides.notes))
    assert len(overrides.notes) == 1


def test_of_a_list_of_policies_the_known_ones_stand() -> None:
    _, overrides = split_overrides(f"{URL}#rp=5xx,x&rc=2")
    assert (overrides.policy, overrides.retries, len(overrides.notes)) == (frozenset({"5xx"}), 2, 1)


@given(st.text())
def test_any_fragment_leaves_bounds_that_hold(fragment: str) -> None:
    url, overrides = split_overrides(f"{URL}#{fragment}")
    assert url == URL
    assert overrides.connect_s is None or 0.1 <= overrides.connect_s <= 10
    assert 0.1 <= overrides.read_s <= 15
    assert 0.1 <= overrides.total_s <= 15
    assert 0 <= overrides.retries <= 5
