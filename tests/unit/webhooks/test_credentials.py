"""Credentials in a URL, and a bearer token among the headers: what is kept, and what is shown."""

import pytest

from ringback.errors import InvalidInput
from ringback.webhooks.credentials import (
    has_bearer,
    is_bearer,
    joined_url,
    shown_url,
    split_credentials,
    with_bearer,
    with_password_kept,
    without_bearer,
)


@pytest.mark.parametrize(
    ("url", "bare", "basic"),
    [
        ("https://a.example/x?b=%20", "https://a.example/x?b=%20", None),
        ("https://u:p@a.example/x", "https://a.example/x", "u:p"),
        ("https://u%40x:p%3Aw@a.example:8443?q#f", "https://a.example:8443?q#f", "u@x:p:w"),
        ("https://u@a.example", "https://a.example", "u:"),
        ("https://a.example/x@y", "https://a.example/x@y", None),
        ("nonsense", "nonsense", None),
    ],
)
def test_taken_apart(url: str, bare: str, basic: str | None) -> None:
    assert split_credentials(url) == (bare, basic)


@pytest.mark.parametrize("basic", [None, "u:p", "u@x:p:w/?#", "u:", "ann:s\u00e9cret %"])
def test_put_together_again_it_is_the_same(basic: str | None) -> None:
    url = "https://a.example:8443/x@y?b=%20"
    assert split_credentials(joined_url(url, basic)) == (url, basic)


def test_the_password_is_never_shown() -> None:
    assert shown_url("https://a.example/x", "u@x:p:w") == "https://u%40x:***@a.example/x"


@pytest.mark.parametrize(
    ("why", "sent", "before", "kept"),
    [
        ("none was sent", None, "u:p", None),
        ("another one", "u:q", "u:p", "u:q"),
        ("sent as it is shown", "u:***", "u:p", "u:p"),
        ("a colon in the password", "u:***", "u:p:q", "u:p:q"),
    ],
)
def test_a_masked_password_means_the_one_that_stands(why: str, sent: str | None, before: str | None, kept: str | None) -> None:
    assert with_password_kept(sent, before) == kept, why


@pytest.mark.parametrize("before", [None, "v:p"])
def test_a_masked_password_of_nobody_is_refused(before: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        with_password_kept("u:***", before)
    assert refused.value.field == "url"


def test_a_token_is_one_of_the_headers() -> None:
    own = (("X-Tenant", "acme"),)
    signed = with_bearer(own, "t0k3n")
    assert signed == (("X-Tenant", "acme"), ("Authorization", "Bearer t0k3n"))
    assert has_bearer(signed)
    assert not has_bearer(own)
    assert with_bearer(signed, "n3w")[1:] == (("Authorization", "Bearer n3w"),)
    assert with_bearer(signed, None) == without_bearer(signed) == own
    assert without_bearer((("Authorization", "ApiKey x"),)) == (("Authorization", "ApiKey x"),)
    assert is_bearer("AUTHORIZATION", "bearer x")
    assert not is_bearer("X-Authorization", "Bearer x")
