"""Origins and request targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.delivery.target import Origin, read_origin, split_url


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://a.example", "https://a.example", "/"),
        ("https://a.example/", "https://a.example", "/"),
        ("https://a.example?x=/1", "https://a.example", "/?x=/1"),
        ("https://a.example#/x", "https://a.example", "/"),
        ("https://a.example?a#b?c", "https://a.example", "/?a"),
        ("https://a.example/x/y?q=a+b%20c&d=%2B61#f", "https://a.example", "/x/y?q=a+b%20c&d=%2B61"),
        ("http://a/x", "http://a", "/x"),
        ("https://a.example//x", "https://a.example", "//x"),
        ("https://a.example/ü?ü=日", "https://a.example", "/%C3%BC?%C3%BC=%E6%97%A5"),
        ('https://a.example/"<>^`{|}', "https://a.example", '/"<>^`{|}'),
        ("https:///x", "https://", "/x"),
    ],
)
def test_a_url_is_split(url: str, origin: str, target: str) -> None:
    assert split_url(url) == (origin, target)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://A.Example", Origin("https", "a.example", 443, "a.example", None)),
        ("https://a.example:443", Origin("https", "a.example", 443, "a.example", None)),
        ("http://a.example:443", Origin("http", "a.example", 443, "a.example:443", None)),
        ("https://a.example.", Origin("https", "a.example", 443, "a.example.", None)),
        ("https://bücher.example", Origin("https", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", None)),
        ("https://straße.example", Origin("https", "xn--strae-oqa.example", 443, "xn--strae-oqa.example", None)),
        ("https://127.1:8443", Origin("https", "127.0.0.1", 8443, "127.1:8443", "127.0.0.1")),
        ("https://[::0:1]", Origin("https", "::1", 443, "[::0:1]", "::1")),
        ("http://[::1]:8080", Origin("http", "::1", 8080, "[::1]:8080", "::1")),
    ],
)
def test_an_origin_is_read(text: str, origin: Origin) -> None:
    assert read_origin(text) == origin
    assert read_origin(text).tls == (origin.scheme == "https")


@given(st.text(alphabet=st.characters(min_codepoint=0x21, exclude_characters="\x7f#", exclude_categories=("Cs",)), max_size=30))
def test_a_target_is_what_may_stand_in_a_request_line(path: str) -> None:
    _, target = split_url(f"https://a.example/{path}")
    assert target.startswith("/")
    assert all("!" <= char <= "~" for char in target)
    assert path not in target or target == f"/{path}"
