"""Cookies of one call, by RFC 6265."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.live.cookies import MOST, MOST_BYTES, MOST_SENT, Jar

NOW = 1_795_176_000.0
"""2026-11-20T12:00:00Z."""
AT = "https://app.example.com/voice/start?x=1"


def sent(*cookies: str, to: str = AT, at: str = AT, after_s: float = 0) -> str | None:
    jar = Jar()
    jar.keep(at, tuple(("Set-Cookie", cookie) for cookie in cookies), NOW)
    return jar.header(to, NOW + after_s)


@pytest.mark.parametrize(
    ("cookie", "to", "wanted"),
    [
        ("a=1", AT, "a=1"),
        (" a = 1 ; HttpOnly; SameSite=Lax", AT, "a=1"),
        ('a="x y"', AT, 'a="x y"'),
        ("a=", AT, "a="),
        ("a=1=2", AT, "a=1=2"),
        # the host that set it, and no other, on any port
        ("a=1", "https://app.example.com:8443/voice/x", "a=1"),
        ("a=1", "https://www.example.com/voice/x", None),
        ("a=1; Domain=example.com", AT, "a=1"),
        ("a=1; Domain=.EXAMPLE.com", AT, "a=1"),
        ("a=1; Domain=example.com", "https://www.example.com/voice/x", None),
        ("a=1; Domain=other.com", AT, None),
        ("a=1; Domain=ample.com", AT, None),
        # the path's folder unless it says another
        ("a=1", "https://app.example.com/voice", "a=1"),
        ("a=1", "https://app.example.com/voicemail", None),
        ("a=1", "https://app.example.com/", None),
        ("a=1; Path=/", "https://app.example.com", "a=1"),
        ("a=1; Path=/other", AT, None),
        ("a=1; Path=relative", AT, "a=1"),
        # encrypted ways only
        ("a=1; Secure", "http://app.example.com/voice/x", None),
        ("a=1; secure", AT, "a=1"),
        # none
        ("", AT, None),
        ("=1", AT, None),
        ("a", AT, None),
        ("a=\x01", AT, None),
        ("naïve=1", AT, None),
        (f"a={'x' * MOST_BYTES}", AT, None),
    ],
)
def test_where_a_cookie_goes(cookie: str, to: str, wanted: str | None) -> None:
    assert sent(cookie, to=to) == wanted


@pytest.mark.parametrize(
    ("cookie", "after_s", "there"),
    [
        ("a=1; Max-Age=60", 59, True),
        ("a=1; Max-Age=60", 60, False),
        ("a=1; Max-Age=0", 0, False),
        ("a=1; Max-Age=-1", 0, False),
        ("a=1; Max-Age=soon", 10_000_000, True),
        ("a=1; Expires=Fri, 20 Nov 2026 12:01:00 GMT", 59, True),
        ("a=1; Expires=Fri, 20-Nov-26 12:01:00 GMT", 60, False),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0, False),
        ("a=1; Expires=some day", 10_000_000, True),
        ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 30, True),
    ],
)
def test_how_long_a_cookie_lives(cookie: str, after_s: float, there: bool) -> None:
    assert sent(cookie, after_s=after_s) == ("a=1" if there else None)


def test_a_cookie_of_the_same_place_and_name_replaces_the_one_before() -> None:
    assert sent("a=1; Path=/", "b=2; Path=/", "a=3; Path=/") == "a=3; b=2"
    assert sent("a=1; Path=/", "a=; Path=/; Max-Age=0") is None


def test_longer_paths_come_first() -> None:
    assert sent("a=1; Path=/", "b=2; Path=/voice/start", "c=3; Path=/voice") == "b=2; c=3; a=1"


def test_a_jar_is_small() -> None:
    many = [f"c{n}={n}" for n in range(MOST + 10)]
    pairs = (sent(*many) or "").split("; ")
    assert (len(pairs), pairs[0]) == (MOST, "c10=10")
    large = sent(*(f"c{n}={'x' * 3_000}" for n in range(5)))
    assert large is not None
    assert len(large) <= MOST_SENT


@given(st.lists(st.text()), st.text(), st.text())
def test_whatever_is_set_a_header_is_one_line_of_ascii(cookies: list[str], at: str, to: str) -> None:
    value = sent(*cookies, at=at, to=to)
    assert value is None or (value.isascii() and value.isprintable())
