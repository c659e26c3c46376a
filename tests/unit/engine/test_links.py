"""Signed links: what opens a file, and what does not."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.engine.links import Links, number_in, own_url
from ringback.errors import Forbidden, Unauthorized
from ringback.ids import to_text

NOW = 1_795_190_400_000
NUMBER = 0x1A2B3C4D5E6F
SHA = "5f0e3a52" + 56 * "0"
OLD, NEW = b"o" * 32, b"n" * 32
LINKS = Links([NEW], "https://calls.example.com/", 3600)


def parts(url: str) -> tuple[str, str, str]:
    found = urlsplit(url)
    query = parse_qs(found.query)
    return found.path, query["expires"][0], query["signature"][0]


def test_a_link_opens_its_file_until_its_moment() -> None:
    url = LINKS.to_file("recordings", NUMBER, SHA, "wav", NOW)
    assert url.startswith(
        f"https://calls.example.com/recordings/{to_text('rec', NUMBER)}-5f0e3a52.wav?expires={NOW // 1000 + 3600}&"
    )
    path, expires, signature = parts(url)
    assert number_in(path.rpartition("/")[2]) == NUMBER
    LINKS.check(path, expires, signature, NOW)
    LINKS.check(path, expires, signature, NOW + 3_599_999)
    with pytest.raises(Forbidden, match="expired"):
        LINKS.check(path, expires, signature, NOW + 3_600_000)


def test_without_a_signature_nothing_is_told() -> None:
    path, expires, signature = parts(LINKS.to_file("recordings", NUMBER, SHA, "wav", NOW))
    for given_expires, given_signature in ((None, None), (expires, None), (None, signature), ("", ""), (expires, "")):
        with pytest.raises(Unauthorized):
            LINKS.check(path, given_expires, given_signature, NOW)


@pytest.mark.parametrize(
    ("path", "expires"),
    [
        (None, "9999999999"),
        (None, "0"),
        (None, "-5"),
        (None, "²"),
        (None, "9" * 400),
        ("/recordings/rec_00000000000001-5f0e3a52.wav", None),
        ("/recordings/rec_00000000000001-5f0e3a52.mp3", None),
        ("/transcriptions/rec_0000000000000k-5f0e3a52.json", None),
    ],
)
def test_a_link_that_was_changed_opens_nothing(path: str | None, expires: str | None) -> None:
    own_path, own_expires, signature = parts(LINKS.to_file("recordings", NUMBER, SHA, "wav", NOW))
    with pytest.raises(Forbidden, match="signature"):
        LINKS.check(path or own_path, expires or own_expires, signature, NOW)


@given(st.text(min_size=1, max_size=60))
def test_no_other_text_is_a_signature(signature: str) -> None:
    path, expires, right = parts(LINKS.to_file("recordings", NUMBER, SHA, "wav", NOW))
    if signature != right:
        with pytest.raises(Forbidden):
            LINKS.check(path, expires, signature, NOW)


def test_an_old_key_still_opens_and_a_dropped_one_does_not() -> None:
    path, expires, signature = parts(Links([OLD], "https://x.example", 60).to_file("recordings", NUMBER, SHA, "wav", NOW))
    Links([NEW, OLD], "https://x.example", 60).check(path, expires, signature, NOW)
    with pytest.raises(Forbidden):
        Links([NEW], "https://x.example", 60).check(path, expires, signature, NOW)


def test_a_link_is_renewed_at_the_present_address() -> None:
    old = Links([OLD], "http://127.0.0.1:8080", 60).to_file("recordings", NUMBER, SHA, "wav", NOW - 10_000_000)
    fresh = LINKS.renewed(old, {NUMBER}.__contains__, NOW)
    assert fresh == LINKS.to_file("recordings", NUMBER, SHA, "wav", NOW)
    prefixed = Links([NEW], "https://a.example/calls", 60)
    assert LINKS.renewed(prefixed.to_file("recordings", NUMBER, SHA, "wav", NOW), {1, NUMBER}.__contains__, NOW) == fresh


def test_a_link_to_another_call_is_not_renewed() -> None:
    foreign = LINKS.to_file("recordings", NUMBER, SHA, "wav", NOW - 10_000_000)
    assert LINKS.renewed(foreign, {NUMBER + 1}.__contains__, NOW) == foreign


@pytest.mark.parametrize(
    "url",
    [
        "https://recordings.example.com/5f0e3a52.wav",
        "https://calls.example.com/recordings/rec_00000000000001-5f0e3a52.wav",
        "https://calls.example.com/recordings/rec_00000000000001-5f0e3a52.wav?expires=9999999999&signature=AAAA",
        "",
        "no url",
        "https://[broken",
    ],
)
def test_what_does_not_look_like_ours_stays(url: str) -> None:
    assert LINKS.renewed(url, {1}.__contains__, NOW) == url


@pytest.mark.parametrize("name", ["", "rec_", "rec_123.wav", "dlv_00000000000001.wav", "..", "rec_0000000000000l-0.wav"])
def test_other_names_name_nothing(name: str) -> None:
    assert number_in(name) is None


@pytest.mark.parametrize(
    ("public_url", "listener", "base"),
    [
        ("https://calls.example.com/x", ("0.0.0.0", 80), "https://calls.example.com/x"),
        (None, ("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        (None, ("0.0.0.0", 8080), "http://127.0.0.1:8080"),
        (None, ("::", 8080), "http://[::1]:8080"),
        (None, ("2001:db8::1", 80), "http://[2001:db8::1]:80"),
    ],
)
def test_where_links_lead(public_url: str | None, listener: tuple[str, int], base: str) -> None:
    assert own_url(public_url, [listener]) == base
