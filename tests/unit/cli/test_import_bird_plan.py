"""What a saved answer of Bird's comes to, one subscription at a time."""

import json
from typing import Any

import pytest

from ringback.cli.import_bird import planned, read_subscriptions, remarks
from ringback.errors import InvalidInput

ONE: dict[str, Any] = {
    "id": "4c6a8ff9-1f4b-44cc-8e8c-9d8fb0a5c2a1",
    "organizationId": "7f8a2a5e-0000-4000-8000-000000000001",
    "workspaceId": "7f8a2a5e-0000-4000-8000-000000000002",
    "service": "channels",
    "event": "voice.inbound",
    "eventFilters": [{"key": "status", "value": "completed"}, {"key": "status", "value": "completed"}],
    "url": "https://example.com/hook?x=1",
    "signingKey": "mysecretkey",
    "status": "active",
    "createdAt": "2023-10-24T12:52:27.483Z",
    "updatedAt": "2023-10-24T12:52:27.483Z",
}


def text(*documents: Any) -> bytes:
    return "\n".join(json.dumps(document) for document in documents).encode()


@pytest.mark.parametrize(
    "data",
    [
        text({"results": [ONE, ONE], "nextPageToken": "x"}),
        text({"results": [ONE]}, {"results": [ONE]}),
        text({"results": [ONE]}) + text({"results": [ONE]}),
        text([ONE, ONE]),
        text(ONE, ONE),
        b"\xef\xbb\xbf" + text({"results": [ONE, ONE]}),
    ],
    ids=["a list reply", "two pages", "two pages without a line between", "an array", "one a line", "with a byte order mark"],
)
def test_what_a_file_may_be(data: bytes) -> None:
    assert read_subscriptions(data) == [ONE, ONE]


@pytest.mark.parametrize("data", [b"{", b"<html>", b"\xff", b"5", text({"message": "no"}), b"[" * 100_000])
def test_what_is_no_answer_of_birds(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_subscriptions(data)


def test_one_becomes_an_endpoint() -> None:
    item = planned(ONE, 1, unsigned=False)
    assert (item.problem, item.active) == ("", True)
    assert item.endpoint() == {
        "url": "https://example.com/hook?x=1",
        "dialect": "bird",
        "events": ["voice.inbound"],
        "filters": [{"key": "status", "value": "completed"}],
        "enabled": True,
        "description": "Bird subscription 4c6a8ff9-1f4b-44cc-8e8c-9d8fb0a5c2a1",
        "secret": "mysecretkey",
    }


def test_an_inactive_one_stays_so_and_an_unsigned_one_has_no_secret() -> None:
    bare = {name: value for name, value in ONE.items() if name not in ("signingKey", "eventFilters", "id")}
    item = planned({**bare, "status": "inactive"}, 1, unsigned=True)
    assert (item.problem, item.filters) == ("", ())
    assert item.endpoint()["enabled"] is False
    assert "secret" not in item.endpoint()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"signingKey": None}, "has no signingKey"),
        ({"signingKey": ""}, "has no signingKey"),
        ({"service": "numbers"}, "service 'numbers'"),
        ({"event": "sms.outbound"}, "event 'sms.outbound': only voice.inbound and voice.outbound"),
        ({"eventFilters": [{"key": "messageStatus", "value": "x"}]}, "eventFilters[0].key: must be status or channelId"),
        ({"eventFilters": [{"key": "status", "value": "started"}]}, "eventFilters[0].value: no such status"),
        ({"eventFilters": "all"}, "Expected `array | null`, got `str` - at `$.eventFilters`"),
        ({"url": "example.com"}, "url: must be"),
        ({"url": 5}, "Expected `str`, got `int` - at `$.url`"),
    ],
)
def test_what_cannot_be_taken_over_says_why(wrong: dict[str, Any], said: str) -> None:
    assert planned({**ONE, **wrong}, 1, unsigned=False).problem.startswith(said)


@pytest.mark.parametrize("raw", [None, 5, "x", [], {}])
def test_what_is_no_subscription_is_told_too(raw: Any) -> None:
    assert planned(raw, 3, unsigned=False).problem
    assert planned(raw, 3, unsigned=False).place == 3


def test_what_somebody_should_know() -> None:
    plain = {name: value for name, value in ONE.items() if name != "eventFilters"}
    both = [planned(one, 1, unsigned=True) for one in (ONE, plain, {**plain, "signingKey": None, "template": "twilio"})]
    catch_all, unsigned, template = remarks(both)
    assert catch_all.startswith("voice.inbound: 2 without filters get no event that one with filters takes, as")
    assert unsigned.startswith("1 will be sent unsigned")
    assert "template" in template
    assert remarks(both[:1]) == remarks(both[1:2]) == []
    assert remarks([both[0], planned({**plain, "status": "inactive"}, 2, unsigned=False)]) == []
    assert remarks([both[0], planned({**plain, "event": "voice.outbound"}, 2, unsigned=False)]) == []
