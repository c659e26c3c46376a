"""Which of an account's endpoints are subscriptions, under which ids, and what they do to each other. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from ringback.dialects.bird import DIALECT
from ringback.dialects.shapes import carried_number, carrying_uuid
from ringback.errors import InvalidInput
from ringback.ids import to_text
from ringback.webhooks.matching import is_chosen
from ringback.webhooks.model import Endpoint

MOST_ALIKE: Final = 5
"""Subscriptions with the same service, event and set of filters: the vendor's limit. That inactive ones count is ours."""

MOST_NAMED: Final = 20


def subscription_id(endpoint: Endpoint) -> str:
    """The UUID of an endpoint as a subscription."""
    return carrying_uuid(endpoint.account, "subscription", endpoint.id)


def endpoint_number(account: str, subscription: str) -> int | None:
    """The endpoint behind a subscription's UUID; None: it is not of this account."""
    return carried_number(account, "subscription", subscription)


def is_subscription(endpoint: Endpoint) -> bool:
    """Is it one that Bird's API can show: of its dialect, with exactly one event?"""
    return endpoint.dialect == DIALECT.name and len(endpoint.events or ()) == 1 and event_of(endpoint) in DIALECT.events


def event_of(endpoint: Endpoint) -> str:
    """The event of a subscription."""
    return next(iter(endpoint.events or ()), "")


def check_alike(endpoint: Endpoint, others: Iterable[Endpoint]) -> None:
    """Raises InvalidInput if there are five like it already; itself does not count."""
    alike = sum(
        1
        for other in others
        if other.id != endpoint.id
        and is_subscription(other)
        and other.events == endpoint.events
        and set(other.filters) == set(endpoint.filters)
    )
    if alike >= MOST_ALIKE:
        raise InvalidInput(
            f"there are {MOST_ALIKE} subscriptions of this event with the same filters, and no more are possible", "filters"
        )


def silenced_by(endpoint: Endpoint, others: Iterable[Endpoint]) -> list[Endpoint]:
    """The endpoints without filters that do not get what this one gets, where the catch-all clause is kept (matching's rule 3)."""
    return [other for other in others if _silences(endpoint, other)]


def silencers_of(endpoint: Endpoint, others: Iterable[Endpoint]) -> list[Endpoint]:
    """The endpoints with filters that take events away from this one, where the catch-all clause is kept."""
    return [other for other in others if _silences(other, endpoint)]


def _silences(taker: Endpoint, silent: Endpoint) -> bool:
    both_live = taker.dialect == silent.dialect == DIALECT.name and taker.enabled and silent.enabled
    if not both_live or not taker.filters or silent.filters:
        return False
    return any(is_chosen(taker, event) and is_chosen(silent, event) for event in DIALECT.events)


def names(endpoints: Sequence[Endpoint]) -> str:
    """Their ids for a header: subscriptions by theirs, other endpoints (which only our own API shows) by ours. Of many the first
    few, and how many more there are: clients bound what a header may hold."""
    told = [subscription_id(one) if is_subscription(one) else to_text("ep", one.id) for one in endpoints[:MOST_NAMED]]
    more = len(endpoints) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")
