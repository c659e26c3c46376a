"""The three percent-encodings, against their standards' own lists and against other implementations."""

from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.dialects.encoding import DOTNET, FORM, RFC3986, with_query, without_fragment

TEXT = " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"


def test_rfc3986_keeps_only_the_unreserved() -> None:
    assert RFC3986.quote(TEXT) == (
        "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F09%3A%3B%3C%3D%3E%3F%40AZ%5B%5C%5D%5E_%60az%7B%7C%7D~"
    )


def test_dotnet_keeps_what_webutility_keeps() -> None:
    assert DOTNET.quote(TEXT) == "+!%22%23%24%25%26%27()*%2B%2C-.%2F09%3A%3B%3C%3D%3E%3F%40AZ%5B%5C%5D%5E_%60az%7B%7C%7D%7E"


def test_form_keeps_what_browsers_keep() -> None:
    assert FORM.quote(TEXT) == "+%21%22%23%24%25%26%27%28%29*%2B%2C-.%2F09%3A%3B%3C%3D%3E%3F%40AZ%5B%5C%5D%5E_%60az%7B%7C%7D%7E"


@pytest.mark.parametrize("encoding", [RFC3986, DOTNET, FORM])
def test_unicode_goes_as_utf8_in_capital_hex(encoding: object) -> None:
    assert encoding.quote("Zoë 🎉".replace(" ", "")) == "Zo%C3%AB%F0%9F%8E%89"  # type: ignore[attr-defined]
    assert encoding.quote("٣") == "%D9%A3"  # type: ignore[attr-defined]
    assert encoding.quote("\x00\r\n") == "%00%0D%0A"  # type: ignore[attr-defined]


def test_half_a_surrogate_pair_is_replaced_and_does_not_raise() -> None:
    assert RFC3986.quote("a\ud800") == "a%3F"


@given(st.text())
def test_the_tables_agree_with_pythons(text: str) -> None:
    assert RFC3986.quote(text) == quote(text, safe="")
    assert FORM.quote(text) == quote_plus(text, safe="*").replace("~", "%7E")
    assert unquote(RFC3986.quote(text)) == text
    assert unquote_plus(DOTNET.quote(text)) == text


@given(st.lists(st.tuples(st.text(), st.text())))
def test_pairs_keep_their_order(items: list[tuple[str, str]]) -> None:
    assert RFC3986.pairs(items) == urlencode(items, quote_via=quote, safe="")


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://h/p", "https://h/p?x=1"),
        ("https://h", "https://h?x=1"),
        ("https://h/p?", "https://h/p?x=1"),
        ("https://h/p?a=1", "https://h/p?a=1&x=1"),
        ("https://h/p?a=1&", "https://h/p?a=1&x=1"),
        ("https://h/p?a=%2f+b%20&c", "https://h/p?a=%2f+b%20&c&x=1"),
        ("https://h/p#top", "https://h/p?x=1"),
        ("https://h/p?a=1#top?b=2", "https://h/p?a=1&x=1"),
        ("https://h/p#a?b", "https://h/p?x=1"),
    ],
)
def test_a_query_is_added_to_what_stands(url: str, wanted: str) -> None:
    assert with_query(url, "x=1") == wanted


def test_a_fragment_does_not_travel() -> None:
    assert without_fragment("https://h/p?a=1#top") == "https://h/p?a=1"
