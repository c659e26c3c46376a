"""Which endpoints are subscriptions, how many alike there may be, and who silences whom."""

from typing import Any

import pytest
from msgspec.structs import replace

from ringback.api.bird.subscriptions import (
    check_alike,
    endpoint_number,
    is_subscription,
    names,
    silenced_by,
    silencers_of,
    subscription_id,
)
from ringback.errors import InvalidInput
from ringback.ids import to_text
from ringback.webhooks.model import Endpoint, Filter

ACCOUNT = "0b1c3a0e-7d0a-4bd0-8c62-000000000001"
INBOUND, OUTBOUND = frozenset({"voice.inbound"}), frozenset({"voice.outbound"})
COMPLETED, BUSY = Filter("status", "completed"), Filter("status", "busy")


def subscription(number: int, *filters: Filter, **fields: Any) -> Endpoint:
    values = {"account": ACCOUNT, "url": "https://example.com", "dialect": "bird", "events": INBOUND, **fields}
    return Endpoint(id=number, filters=filters, **values)


def test_an_id_leads_back_to_the_endpoint_in_its_own_account_alone() -> None:
    shown = subscription_id(subscription(77))
    assert endpoint_number(ACCOUNT, shown) == 77
    assert endpoint_number("0b1c3a0e-7d0a-4bd0-8c62-000000000002", shown) is None
    assert endpoint_number(ACCOUNT, "ep_00000000000001") is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"enabled": False}, True),
        ({"events": None}, False),
        ({"events": INBOUND | OUTBOUND}, False),
        ({"dialect": "standard", "events": frozenset({"call.busy"})}, False),
    ],
)
def test_a_subscription_is_of_the_dialect_and_has_one_event(fields: dict[str, Any], expected: bool) -> None:
    assert is_subscription(subscription(1, **fields)) is expected


def refused(one: Endpoint, others: list[Endpoint]) -> bool:
    try:
        check_alike(one, others)
    except InvalidInput as error:
        return error.field == "filters"
    return False


def test_five_alike_and_no_more() -> None:
    five = [subscription(n, COMPLETED, BUSY) for n in range(5)]
    sixth = subscription(9, BUSY, COMPLETED)
    assert refused(sixth, five)
    assert refused(sixth, [*five[:4], replace(five[4], enabled=False)])
    assert not refused(sixth, five[:4])
    assert not refused(five[0], five)
    assert not refused(replace(sixth, events=OUTBOUND), five)
    assert not refused(replace(sixth, filters=(BUSY,)), five)
    assert not refused(replace(sixth, filters=()), five)
    assert not refused(sixth, [*five[:4], replace(five[4], events=None)])


def test_who_silences_whom() -> None:
    filtered, silent = subscription(1, COMPLETED), subscription(2)
    others = [
        filtered,
        silent,
        subscription(3, enabled=False),
        subscription(4, events=OUTBOUND),
        subscription(5, events=None),
        subscription(6, BUSY),
        subscription(7, BUSY, enabled=False),
        subscription(8, BUSY, events=OUTBOUND),
        subscription(9, dialect="standard", events=None),
    ]
    assert [one.id for one in silenced_by(filtered, others)] == [2, 5]
    assert [one.id for one in silencers_of(silent, others)] == [1, 6]
    assert silenced_by(silent, others) == silencers_of(filtered, others) == []
    assert silenced_by(replace(filtered, enabled=False), others) == []
    assert silencers_of(replace(silent, enabled=False), others) == []


def test_what_only_our_own_api_shows_is_named_as_it_is_there() -> None:
    own, both = subscription(2), subscription(5, events=None)
    assert names([own, both]) == f"{subscription_id(own)}, {to_text('ep', 5)}"
    assert names([own] * 21) == ", ".join([subscription_id(own)] * 20) + " and 1 more"
