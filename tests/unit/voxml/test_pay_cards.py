"""What keyed digits are: sums, card types, dates, lengths, masks."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.voxml import cards

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "data" / "vectors" / "payment_numbers.json").read_text()
)
TODAY = (2026, 11)


def named(rows: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(row, id=f"{row['number']} {row['why']}") for row in rows]


@pytest.mark.parametrize("row", named(VECTORS["cards"]))
def test_a_card_has_its_type_and_its_sum(row: dict[str, Any]) -> None:
    number = row["number"].encode()
    assert (cards.card_type(number), cards.luhn_holds(number)) == (row["type"], row["luhn"])
    assert cards.is_card_number(number)


@pytest.mark.parametrize("row", named(VECTORS["no_cards"]))
def test_what_is_no_card_number(row: dict[str, Any]) -> None:
    assert not cards.is_card_number(row["number"].encode())


@pytest.mark.parametrize("row", named(VECTORS["routing_numbers"]))
def test_routing_numbers(row: dict[str, Any]) -> None:
    assert cards.routing_number_holds(row["number"].encode()) is row["good"]


@pytest.mark.parametrize(
    ("digits", "type_"),
    [
        ("4", "visa"),
        ("3", None),
        ("34", "amex"),
        ("35", None),
        ("3527", None),
        ("3528", "jcb"),
        ("3589", "jcb"),
        ("3590", None),
        ("300", "diners-club"),
        ("305", "diners-club"),
        ("306", None),
        ("3095", "diners-club"),
        ("3094", None),
        ("50", "maestro"),
        ("51", "mastercard"),
        ("55", "mastercard"),
        ("56", "maestro"),
        ("58", "maestro"),
        ("59", None),
        ("2220", None),
        ("2221", "mastercard"),
        ("2720", "mastercard"),
        ("2721", None),
        ("2014", "enroute"),
        ("2149", "enroute"),
        ("6011", "discover"),
        ("6010", None),
        ("643", None),
        ("644", "discover"),
        ("649", "discover"),
        ("65", "discover"),
        ("622125", None),
        ("622126", "discover"),
        ("622925", "discover"),
        ("622926", None),
        ("6304", "maestro"),
        ("6390", "maestro"),
        ("66", None),
        ("67", "maestro"),
        ("0", None),
        ("", None),
    ],
)
def test_the_edges_of_the_ranges(digits: str, type_: str | None) -> None:
    assert cards.card_type(digits.encode()) == type_


def test_no_two_brands_share_a_range_of_one_length() -> None:
    ranges = [(len(str(low)), low, high) for brand in cards.BRANDS for low, high in brand.prefixes]
    for index, (length, low, high) in enumerate(ranges):
        assert len(str(high)) == length
        assert not [other for other in ranges[index + 1 :] if other[0] == length and other[1] <= high and low <= other[2]]


@pytest.mark.parametrize(
    ("digits", "whole"),
    [
        ("411111111111111", False),
        ("4111111111111111", True),
        ("4111111111111112", False),  # perhaps one of 19
        ("4222222222222", False),  # perhaps one of 16
        ("4111111111111112000", True),
        ("5555555555554444", True),
        ("5555555555554445", True),  # no longer one exists
        ("378282246310005", True),
        ("378282246310006", True),
        ("30569309025904", False),  # Diners Club has many lengths
        ("6759649826438453", False),  # so has Maestro
        ("6799990100000000019", True),
        ("6200000000000005", False),
        ("6200000000000000000", True),  # nothing is longer
        ("201400000000009", True),
        ("", False),
    ],
)
def test_when_a_card_number_ends_by_itself(digits: str, whole: bool) -> None:
    assert cards.card_number_ends(digits.encode()) is whole


@pytest.mark.parametrize(
    ("digits", "good"),
    [
        ("1126", True),  # to the end of its month
        ("1026", False),
        ("1226", True),
        ("0127", True),
        ("1125", False),
        ("1227", True),
        ("0027", False),
        ("1327", False),
        ("9927", False),
        ("1146", True),
        ("1246", False),
        ("1199", False),
        ("2612", False),  # year first
        ("112", False),
        ("11266", False),
        ("", False),
    ],
)
def test_expiry_at_the_edges(digits: str, good: bool) -> None:
    assert cards.expiry_holds(digits.encode(), TODAY) is good


@pytest.mark.parametrize(("today", "good"), [((2026, 12), True), ((2027, 1), False), ((2026, 1), True)])
def test_expiry_at_the_turn_of_the_year(today: tuple[int, int], good: bool) -> None:
    assert cards.expiry_holds(b"1226", today) is good


@pytest.mark.parametrize("brand", cards.BRANDS, ids=lambda brand: brand.type)
def test_security_codes(brand: cards.Brand) -> None:
    assert cards.security_code_length(brand.type) == (4 if brand.type == "amex" else 3)
    assert cards.security_code_length(None) == 3


@pytest.mark.parametrize(
    ("digits", "keep", "sign", "shown"),
    [
        ("4111111111111111", 4, "x", "xxxxxxxxxxxx1111"),
        ("378282246310005", 4, "x", "xxxxxxxxxxx0005"),
        ("508862392", 2, "*", "*******92"),
        ("123", 0, "x", "xxx"),
        ("12", 4, "x", "12"),
        ("", 4, "x", ""),
    ],
)
def test_masks(digits: str, keep: int, sign: str, shown: str) -> None:
    assert cards.masked(memoryview(digits.encode()), keep, sign) == shown


@given(st.text("0123456789", min_size=1, max_size=18))
def test_one_last_digit_in_ten_makes_luhns_sum(digits: str) -> None:
    good = [last for last in "0123456789" if cards.luhn_holds((digits + last).encode())]
    assert len(good) == 1


@given(st.text("0123456789", max_size=20))
def test_any_digits_have_answers(digits: str) -> None:
    keys = memoryview(digits.encode())
    assert cards.is_card_number(keys) in (True, False)
    assert cards.card_number_ends(keys) in (True, False)
    assert cards.expiry_holds(keys, TODAY) in (True, False)
    assert cards.routing_number_holds(keys) in (True, False)
