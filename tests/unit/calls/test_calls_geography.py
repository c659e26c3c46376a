"""Where a number is."""

import pytest

from ringback.calls.geography import geo_for, locate
from ringback.calls.model import Geo


@pytest.mark.parametrize(
    ("number", "geo"),
    [
        ("+12125550100", Geo(country="US", region="NY", city="New York")),
        ("+16502530000", Geo(country="US", region="CA", city="Mountain View")),
        ("+14035550100", Geo(country="CA", region="AB")),
        ("+442079460018", Geo(country="GB", city="London")),
        ("+61731234567", Geo(country="AU", city="Brisbane")),
        ("+551122334455", Geo(country="BR", region="SP", city="São Paulo")),
        ("+611800111222", Geo(country="AU")),
        ("+61411111111", Geo(country="AU")),
        ("+919812345678", Geo(country="IN")),
        ("+80012345678", Geo()),
        ("+999999999", Geo()),
        ("not a number", Geo()),
    ],
)
def test_what_the_tables_know(number: str, geo: Geo) -> None:
    assert locate(number) == geo


def test_what_was_given_wins_field_by_field() -> None:
    assert geo_for(Geo(city="Parramatta", postal_code="2150"), "+61731234567") == Geo(
        country="AU", city="Parramatta", postal_code="2150"
    )
    assert geo_for(Geo(region=""), "+14035550100") == Geo(country="CA", region="")
    assert geo_for(None, "+14035550100") == Geo(country="CA", region="AB")
    whole = Geo(country="AU", region="NSW", city="Sydney")
    assert geo_for(whole, "+14035550100") is whole


@pytest.mark.parametrize("address", ["", "anonymous", "7000", "alice", "sip:alice@x", "0288880000", "odd \x00 text"])
def test_who_is_no_number_is_nowhere(address: str) -> None:
    assert geo_for(None, address) == Geo()
    assert geo_for(Geo(country="AU"), address) == Geo(country="AU")


def test_a_number_behind_a_sip_address_is_found() -> None:
    assert geo_for(None, "sip:+14035550100@trunk.example").country == "CA"


def test_a_postal_code_is_never_made_up() -> None:
    assert locate("+16502530000").postal_code is None
