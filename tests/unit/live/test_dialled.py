"""Whom a document means by a number that it dials."""

import pytest

from ringback.live.dialled import as_dialled


@pytest.mark.parametrize(
    ("text", "country", "meant"),
    [
        ("+13005550100", None, "+13005550100"),
        ("13005550100", None, "+13005550100"),
        (" +1 (300) 555-0100 ", None, "+13005550100"),
        ("1 300 555 0100", None, "+13005550100"),
        ("tel:+13005550100", None, "+13005550100"),
        ("13005550100", "AU", "+13005550100"),
        ("0298765432", "AU", "+61298765432"),
        ("(02) 9876 5432", "AU", "+61298765432"),
        ("0298765432", None, "0298765432"),
        ("280085", None, "280085"),
        ("280085", "AU", "280085"),
        ("alice", None, "alice"),
        ("sip:alice@example.com", None, "sip:alice@example.com"),
        ("911", None, "911"),
        ("000", "AU", "000"),
        ("*97", None, "*97"),
        ("1234567890123456", None, "1234567890123456"),
        ("", None, ""),
    ],
)
def test_a_number_with_or_without_its_plus(text: str, country: str | None, meant: str) -> None:
    assert as_dialled(text, country) == meant
