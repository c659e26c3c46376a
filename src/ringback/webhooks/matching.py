"""Who gets an event: one account's endpoints, their chosen events and their filters.

Three rules, one function each, so that "nothing was sent because …" can be told rule by rule:

1. `is_chosen`: the endpoint takes events of that name (`events` None: all that its dialect knows).
2. `passes`: every key among its filters has a value that is the event's (AND across keys, OR within one, case-sensitive).
3. `YIELDS`: where a platform says so, an endpoint without filters yields to those whose filters match (Bird's catch-all clause:
   "Voice webhooks" page, read literally; an account may switch it off).

A disabled endpoint gets nothing; the event is stored all the same and can be replayed.

The hot path does not walk the endpoints: those with filters are found by the value of their most telling key in a dict, so that an
account with two hundred endpoints, one per number, costs what an account with one does.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ringback.calls.directory import Place
from ringback.calls.model import Event
from ringback.webhooks.model import Endpoint
from ringback.webhooks.notices import NOTICES

Condition = tuple[str, frozenset[str]]
"""A filter key and the values of which the event must have one."""

YIELDS: frozenset[str] = frozenset({"bird"})
"""Dialects whose endpoints without filters get an event only if no filtered one of theirs takes it (providers' rule 5)."""


class Names(Protocol):
    """What matching asks of a dialect (ringback.dialects.contract.Dialect has it)."""

    def event_name(self, event: Event, place: Place) -> str | None:
        """The platform's name for the event, None if it has none."""
        ...

    def filter_value(self, key: str, event: Event, place: Place) -> str | None:
        """The event's value under a filter key, None matches no filter."""
        ...


def conditions(endpoint: Endpoint) -> tuple[Condition, ...]:
    """An endpoint's filters by key, in the order in which the keys first appear."""
    by_key: dict[str, set[str]] = {}
    for wish in endpoint.filters:
        by_key.setdefault(wish.key, set()).add(wish.value)
    return tuple((key, frozenset(values)) for key, values in by_key.items())


def is_chosen(endpoint: Endpoint, name: str) -> bool:
    """Rule 1: does the endpoint take events of that name? A notice only if it names it."""
    return name not in NOTICES if endpoint.events is None else name in endpoint.events


def passes(wanted: Iterable[Condition], dialect: Names, event: Event, place: Place) -> bool:
    """Rule 2: does the event have one of the values under every key?"""
    return all(dialect.filter_value(key, event, place) in values for key, values in wanted)


class _Rule(Struct, frozen=True):
    """An endpoint with filters; `rest`: its conditions without the one that it is found by."""

    endpoint: Endpoint
    rest: tuple[Condition, ...]


class _Plan(Struct, frozen=True):
    """The endpoints of one dialect that take one event name: those without filters, and, by key, those with."""

    unfiltered: tuple[Endpoint, ...]
    tables: tuple[tuple[str, dict[str, list[_Rule]]], ...]


def _plan(endpoints: Sequence[Endpoint], name: str) -> _Plan:
    """Files each endpoint under its most telling key: the one that splits this account's endpoints into the most values."""
    chosen = [(endpoint, conditions(endpoint)) for endpoint in endpoints if is_chosen(endpoint, name)]
    spread: dict[str, set[str]] = {}
    for _, wanted in chosen:
        for key, values in wanted:
            spread.setdefault(key, set()).update(values)
    tables: dict[str, dict[str, list[_Rule]]] = {}
    for endpoint, wanted in chosen:
        if not wanted:
            continue
        found_by = max(wanted, key=lambda condition: len(spread[condition[0]]) / len(condition[1]))
        rule = _Rule(endpoint, tuple(condition for condition in wanted if condition is not found_by))
        table = tables.setdefault(found_by[0], {})
        for value in found_by[1]:
            table.setdefault(value, []).append(rule)
    return _Plan(tuple(endpoint for endpoint, wanted in chosen if not wanted), tuple(tables.items()))


class _Group:
    """One dialect's endpoints. Plans are made when a name first occurs and kept: a dialect has a handful of names."""

    __slots__ = ("dialect", "endpoints", "plans", "yields")

    def __init__(self, dialect: Names, endpoints: Sequence[Endpoint], yields: bool) -> None:
        self.dialect = dialect
        self.endpoints = endpoints
        self.yields = yields
        self.plans: dict[str, _Plan] = {}

    def plan(self, name: str) -> _Plan:
        plan = self.plans.get(name)
        if plan is None:
            plan = self.plans[name] = _plan(self.endpoints, name)
        return plan


class Matcher:
    """Who of ONE account gets an event. A value: made anew when an endpoint changes; may be asked from any thread."""

    def __init__(self, endpoints: Sequence[Endpoint], dialects: Mapping[str, Names], *, catch_all_literal: bool = True) -> None:
        """`endpoints`: the account's, disabled ones included (they are left out here). An endpoint whose dialect is not installed
        gets nothing. `catch_all_literal`: the account's switch for rule 3."""
        self.catch_all_literal = catch_all_literal
        by_dialect: dict[str, list[Endpoint]] = {}
        for endpoint in sorted(endpoints, key=lambda endpoint: endpoint.id):
            if endpoint.enabled and endpoint.dialect in dialects:
                by_dialect.setdefault(endpoint.dialect, []).append(endpoint)
        self._groups = tuple(
            _Group(dialects[name], members, catch_all_literal and name in YIELDS) for name, members in by_dialect.items()
        )

    def match(self, event: Event, place: Place) -> list[tuple[Endpoint, str]]:
        """The endpoints that get the event, each with its dialect's name for it. Within a dialect the unfiltered ones come first,
        then by age."""
        return self.sort_out(event, place)[0]

    def sort_out(self, event: Event, place: Place) -> tuple[list[tuple[Endpoint, str]], list[tuple[Endpoint, str]]]:
        """`match`, and beside it the endpoints that rule 3 alone keeps from getting the event: the log says so of each."""
        matched: list[tuple[Endpoint, str]] = []
        silenced: list[tuple[Endpoint, str]] = []
        for group in self._groups:
            dialect = group.dialect
            name = dialect.event_name(event, place)
            if name is None:
                continue
            plan = group.plans.get(name) or group.plan(name)
            filtered: list[Endpoint] = []
            for key, table in plan.tables:
                value = dialect.filter_value(key, event, place)
                if value is None:
                    continue
                rules = table.get(value)
                if rules is not None:
                    filtered += [rule.endpoint for rule in rules if not rule.rest or passes(rule.rest, dialect, event, place)]
            if plan.unfiltered:
                yielding = filtered and group.yields
                (silenced if yielding else matched).extend((endpoint, name) for endpoint in plan.unfiltered)
            if len(filtered) > 1:
                filtered.sort(key=lambda endpoint: endpoint.id)
            matched += [(endpoint, name) for endpoint in filtered]
        return matched, silenced
