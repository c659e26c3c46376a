"""Who is told how an endpoint fares, and what."""

import pytest
from msgspec.structs import replace

from ringback.webhooks.health import Notice
from ringback.webhooks.model import Endpoint
from ringback.webhooks.notices import NOTICES, notice_event, takers

NOW = 1_763_640_000_000
ABOUT = Endpoint(id=1, account="a", url="https://crm.example/hook?x=1", dialect="voc", basic="ada:s3cret", description="CRM")
NOTICE = Notice(kind="endpoint.failing", endpoint=1, account="a", at_ms=NOW, reason="5 attempts in a row failed", since_ms=NOW - 9)
TAKER = Endpoint(id=2, account="a", url="https://ops.example/", dialect="standard", events=frozenset(NOTICES))


@pytest.mark.parametrize(
    ("why", "endpoint", "told"),
    [
        ("it names the notice", TAKER, True),
        ("beside events of calls", replace(TAKER, events=frozenset({"call.ringing", "endpoint.failing"})), True),
        ("another notice", replace(TAKER, events=frozenset({"endpoint.disabled"})), False),
        ("everything about calls is no notice", replace(TAKER, events=None), False),
        ("disabled", replace(TAKER, enabled=False), False),
        ("another account's", replace(TAKER, account="b"), False),
        ("itself", replace(TAKER, id=1), False),
        ("another dialect", replace(TAKER, dialect="voc"), False),
    ],
)
def test_who_is_told(why: str, endpoint: Endpoint, told: bool) -> None:
    assert takers([endpoint], NOTICE) == ([endpoint] if told else []), why


def test_what_is_told() -> None:
    event = notice_event(NOTICE, ABOUT, 77)
    assert (event.id, event.type, event.at_ms, event.call.account, event.call.id) == (77, "endpoint.failing", NOW, "a", "")
    assert event.call is event.root
    assert event.data["endpoint"] == {
        "id": "ep_00000000000001",
        "url": "https://ada:***@crm.example/hook?x=1",
        "dialect": "voc",
        "description": "CRM",
    }
    assert event.data["reason"] == "5 attempts in a row failed"
    assert event.data["failing_since"] == "2025-11-20T11:59:59.991Z"
    assert notice_event(replace(NOTICE, since_ms=0), ABOUT, 77).data["failing_since"] is None
