"""An account's own headers: what may not be set, and what the log shows of them."""

import pytest

from ringback.delivery.head import check_headers, logged_headers
from ringback.dialects.contract import HttpRequest
from ringback.errors import InvalidInput

REQUEST = HttpRequest("POST", "https://a.example/", (("webhook-id", "msg_1"),), b"{}")


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "HOST", "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authorization"),
        *("Proxy-Connection", "Expect", "User-Agent", "Content-Length", "Content-Type", "content-encoding", "Content-MD5"),
        *("", "a b", "a:b", "ä", "a\r\nb", "a\0"),
    ],
)
def test_names_that_may_not_be_set(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_headers(((name, "x"),))


@pytest.mark.parametrize("value", ["a\r\nHost: b", "a\n", "\ra", "a\0b"])
def test_a_value_starts_no_line(value: str) -> None:
    with pytest.raises(InvalidInput, match="line end"):
        check_headers((("X-A", value),))


def test_the_log_shows_the_names_alone() -> None:
    own = (("X-Tenant", "acme"), ("Authorization", "Bearer t0k3n"), ("X-Key", "k3y"))
    shown = logged_headers(REQUEST, "a.example", "Ringback/1", own, None)
    assert shown[2:5] == (("X-Tenant", "***"), ("Authorization", "Bearer ***"), ("X-Key", "***"))
    assert ("webhook-id", "msg_1") in shown
    assert logged_headers(REQUEST, "a", "b", (("Authorization", "ApiKey k3y"),), None)[2] == ("Authorization", "***")
