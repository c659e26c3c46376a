"""What an endpoint has missed: by what it takes now, block by block, and not counted for ever."""

from typing import Any

import pytest
from msgspec.structs import replace

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Event
from ringback.dialects import load_dialects
from ringback.engine.missed import BLOCK, MOST_LOOKED_AT, Count, count_missed, missed, missed_since
from ringback.ids import first_id_at
from ringback.webhooks.health import Health
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Endpoint, Filter

NOW = 1_763_640_000_000
ACCOUNT = "0a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
SAMPLES = load_dialects()["standard"].samples()
MINE = Endpoint(id=7, account=ACCOUNT, url="https://a.example/", dialect="standard")
OTHER = replace(MINE, id=8)


class Events:
    """A store in which an event is as good as another, `empty` blocks of other accounts' between."""

    def __init__(self, kinds: list[str], empty: int = 0) -> None:
        self.events = [replace(SAMPLES[kind], id=number) for number, kind in enumerate(kinds, 1)]
        self.empty = empty
        self.asked: list[tuple[Any, ...]] = []

    def unreceived(self, *asked: Any) -> tuple[list[Event], int | None]:
        self.asked.append(asked)
        after, limit = asked[4:]
        if self.empty:
            self.empty -= 1
            return [], after
        found = [event for event in self.events if event.id > after][:limit]
        return found, found[-1].id if found else None

    def first_lost(self, account: str, endpoint: int, since_ms: int) -> int | None:
        return first_id_at(since_ms - 7) + 1 if self.events else None


def place(event: Event) -> Place:
    return Place(organization_id="o", account=ACCOUNT, number=default_number(ACCOUNT, "+1"))


def count(store: Events, endpoint: Endpoint) -> Count:
    return count_missed(store, Matcher([endpoint, OTHER], load_dialects()), place, endpoint, 5, 9)


def test_what_it_takes_is_counted() -> None:
    kinds = ["call.ringing", "call.completed", "call.ringing", "call.facts"]
    assert count(Events(kinds), MINE) == Count(4, True)
    assert count(Events(kinds), replace(MINE, events=frozenset({"call.ringing"}))) == Count(2, True)
    assert count(Events(kinds), replace(MINE, filters=(Filter("status", "completed"),))) == Count(1, True)
    assert count(Events(kinds), replace(MINE, enabled=False)) == Count(0, True)
    assert count(Events([]), MINE) == Count(0, True)


def test_it_begins_with_the_failures_or_with_the_first_event_that_they_cost() -> None:
    failing, off = Health("disabled", 5, NOW - 90, NOW - 50, "x"), Health("disabled", 0, 0, NOW - 50, "x")
    assert missed_since(Events([]), MINE, failing, NOW) == NOW - 90
    assert missed_since(Events([]), MINE, off, NOW) == NOW - 50
    assert missed_since(Events([]), MINE, Health(), NOW) == NOW
    assert missed_since(Events(["call.ringing"]), MINE, failing, NOW) == NOW - 97


def test_the_store_is_asked_for_its_span_block_by_block() -> None:
    store = Events(["call.ringing"] * (BLOCK + 1))
    assert count(store, MINE) == Count(BLOCK + 1, True)
    assert store.asked == [(ACCOUNT, 7, 5, 9, after, BLOCK) for after in (0, BLOCK, BLOCK + 1)]


def test_others_events_do_not_end_it() -> None:
    assert count(Events(["call.ringing"], empty=3), MINE) == Count(1, True)


def test_it_is_not_counted_for_ever() -> None:
    assert count(Events(["call.ringing"] * (MOST_LOOKED_AT + 1)), MINE) == Count(MOST_LOOKED_AT, False)
    assert count(Events(["call.ringing"], empty=10**9), MINE) == Count(0, False)


@pytest.mark.parametrize("kind", ["call.ringing", "call.completed"])
def test_each_comes_with_its_name(kind: str) -> None:
    store = Events([kind])
    blocks = list(missed(store, Matcher([MINE], load_dialects()), place, MINE, 5, 9))
    assert blocks[0] == [(store.events[0], kind)]
