"""How long a sound may be played without asking again (RFC 9111)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.embedded.freshness import MOST_AGE_S, Freshness, again, directives, read_freshness

NOW = 1_795_000_000_000
DATE = "Fri, 20 Nov 2026 12:00:00 GMT"
LATER = "Fri, 20 Nov 2026 12:01:00 GMT"


@pytest.mark.parametrize(
    ("headers", "fresh_s"),
    [
        ({}, 0),
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": "public, MAX-AGE = 60"}, 60),
        ({"cache-control": 'max-age="60"'}, 60),
        ({"cache-control": "max-age=60, max-age=90"}, 60),
        ({"cache-control": "max-age=60", "age": "20"}, 40),
        ({"cache-control": "max-age=60", "age": "90"}, 0),
        ({"cache-control": "max-age=-1"}, 0),
        ({"cache-control": "max-age=soon", "expires": LATER}, 0),
        ({"cache-control": "max-age=" + "9" * 40}, MOST_AGE_S),
        ({"cache-control": "no-cache, max-age=60"}, 0),
        ({"expires": LATER, "date": DATE}, 60),
        ({"expires": DATE, "date": LATER}, 0),
        ({"expires": "0", "date": DATE}, 0),
        ({"cache-control": "max-age=5", "expires": LATER, "date": DATE}, 5),
        ({"etag": '"1"'}, 0),
    ],
)
def test_how_long(headers: dict[str, str], fresh_s: int) -> None:
    assert read_freshness(headers, NOW).until_ms == NOW + fresh_s * 1000


def test_what_is_not_kept_and_what_is_not_played_old() -> None:
    assert not read_freshness({"cache-control": "no-store"}, NOW).store
    assert not read_freshness({"vary": "*"}, NOW).store
    assert read_freshness({"vary": "accept"}, NOW).store
    assert read_freshness({}, NOW).stale_ok
    assert not read_freshness({"cache-control": "must-revalidate"}, NOW).stale_ok
    assert not read_freshness({"cache-control": "no-cache"}, NOW).stale_ok


def test_a_304_stands_for_the_answer_before() -> None:
    known = Freshness(until_ms=0, etag='"1"', modified=DATE)
    assert again(known, {"cache-control": "max-age=60"}, NOW) == Freshness(until_ms=NOW + 60_000, etag='"1"', modified=DATE)
    assert again(known, {"etag": '"2"'}, NOW).etag == '"2"'


def test_what_goes_back_into_a_header_is_plain() -> None:
    assert read_freshness({"etag": "a\x00b", "last-modified": "x" * 2_000}, NOW) == Freshness(until_ms=NOW)


@given(st.dictionaries(st.sampled_from(("cache-control", "expires", "date", "age", "etag", "vary", "last-modified")), st.text()))
def test_any_headers(headers: dict[str, str]) -> None:
    fresh = read_freshness(headers, NOW)
    assert NOW <= fresh.until_ms <= NOW + MOST_AGE_S * 1000
    assert directives(headers.get("cache-control", "")).keys() >= set()
