"""What an endpoint has missed: events that it takes, of which it has no delivery, or only such as were given up or cancelled.

That is what came while it was disabled, what was cancelled when it was, and what its receiver's failures cost before. It is judged
by the endpoint as it is now, for that is what a resend would send to.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from msgspec import Struct

from ringback.calls.directory import Place
from ringback.calls.model import Event
from ringback.ids import time_of
from ringback.webhooks.health import Health
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Endpoint

BLOCK: Final = 1_000
MOST_LOOKED_AT: Final = 20_000
"""Events, of whichever account: a fifth of a second of counting. Whoever must know it whole asks for a resend's preview."""


class Events(Protocol):
    """What is asked of the store."""

    def unreceived(
        self, account: str, endpoint: int, since_ms: int, until_ms: int, after: int, limit: int
    ) -> tuple[list[Event], int | None]: ...
    def first_lost(self, account: str, endpoint: int, since_ms: int) -> int | None: ...


class Count(Struct, frozen=True):
    """`complete` False: there are at least as many."""

    count: int
    complete: bool


def missed(
    store: Events, matcher: Matcher, place: Callable[[Event], Place], endpoint: Endpoint, since_ms: int, until_ms: int
) -> Iterator[Sequence[tuple[Event, str]]]:
    """Blocks of missed events, each with the dialect's name for it, in the order in which they came; a block may be empty. Blocks
    (reads the store). Raises StoreUnavailable."""
    after: int | None = 0
    while after is not None:
        events, after = store.unreceived(endpoint.account, endpoint.id, since_ms, until_ms, after, BLOCK)
        yield [(event, name) for event in events for taker, name in matcher.match(event, place(event)) if taker.id == endpoint.id]


def missed_since(store: Events, endpoint: Endpoint, fared: Health, now_ms: int) -> int:
    """From when on an endpoint that fared so has missed something: when it was disabled, or began to fail, or when the first event
    came of which a delivery was given up or cancelled then. Blocks. Raises StoreUnavailable."""
    since_ms = fared.since_ms or fared.changed_at_ms or now_ms
    lost = store.first_lost(endpoint.account, endpoint.id, since_ms)
    return since_ms if lost is None else min(since_ms, time_of(lost))


def count_missed(
    store: Events, matcher: Matcher, place: Callable[[Event], Place], endpoint: Endpoint, since_ms: int, until_ms: int
) -> Count:
    """How many an endpoint has missed in a span of time, as far as it is worth to look now. Blocks. Raises StoreUnavailable."""
    count = 0
    for looked_at, block in enumerate(missed(store, matcher, place, endpoint, since_ms, until_ms), 1):
        count += len(block)
        if looked_at * BLOCK >= MOST_LOOKED_AT:
            return Count(count, False)
    return Count(count, True)
