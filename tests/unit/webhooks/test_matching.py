"""Who gets an event: filters, chosen events, the catch-all clause."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Call, Event
from ringback.webhooks.matching import Matcher, conditions, is_chosen, passes
from ringback.webhooks.model import Endpoint, Filter

ACCOUNT = "0b6a1f0e-3c57-4b1e-9f6a-2d1f5f0c7a11"
PLACE = Place(organization_id="o", account=ACCOUNT, number=default_number(ACCOUNT, "+611800111222"))


class Plain:
    """A dialect as matching sees one: `call.*` by its own name, filters on three keys; counts how often it is asked for a name."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.asked = 0

    def event_name(self, event: Event, place: Place) -> str | None:
        self.asked += 1
        return None if event.type == "call.facts" else self.prefix + event.type

    def filter_value(self, key: str, event: Event, place: Place) -> str | None:
        return {"status": event.call.status, "number": place.number.number, "extension": event.call.context.extension}.get(key)


def event(status: str = "ringing", kind: str | None = None) -> Event:
    call = Call(account=ACCOUNT, id="c1", root="c1", status=status)  # type: ignore[arg-type]
    return Event(id=1, type=kind or f"call.{status}", at_ms=0, seq=1, call=call, root=call, status_changed=True)


def endpoint(number: int, *filters: tuple[str, str], dialect: str = "plain", **fields: object) -> Endpoint:
    return Endpoint(
        id=number,
        account=ACCOUNT,
        url="https://example.com/",
        dialect=dialect,
        filters=tuple(Filter(key, value) for key, value in filters),
        **fields,  # type: ignore[arg-type]
    )


def ids(matched: list[tuple[Endpoint, str]]) -> list[int]:
    return [found.id for found, _ in matched]


@pytest.mark.parametrize(
    ("why", "filters", "gets"),
    [
        ("no filter takes all", [], True),
        ("one value that is the event's", [("status", "ringing")], True),
        ("one value that is not", [("status", "busy")], False),
        ("OR within a key", [("status", "busy"), ("status", "ringing")], True),
        ("AND across keys, both hold", [("status", "ringing"), ("number", "+611800111222")], True),
        ("AND across keys, one does not", [("status", "ringing"), ("number", "+61280001111")], False),
        ("values are compared case-sensitively", [("status", "Ringing")], False),
        ("a key that the event has no value for", [("extension", "7000")], False),
        ("a key that the dialect does not know", [("colour", "red")], False),
        ("the same filter twice", [("status", "ringing"), ("status", "ringing")], True),
    ],
)
def test_filters(why: str, filters: list[tuple[str, str]], gets: bool) -> None:
    assert ids(Matcher([endpoint(1, *filters)], {"plain": Plain()}).match(event(), PLACE)) == ([1] if gets else []), why


def test_chosen_events_are_the_dialects_own_names() -> None:
    all_events, one, other = (
        endpoint(1),
        endpoint(2, events=frozenset({"call.ringing"})),
        endpoint(3, events=frozenset({"call.busy"})),
    )
    assert ids(Matcher([all_events, one, other], {"plain": Plain()}).match(event(), PLACE)) == [1, 2]
    assert is_chosen(one, "call.ringing")
    assert not is_chosen(other, "call.ringing")


def test_the_name_is_the_dialects_and_asked_for_once_per_dialect() -> None:
    here, there = Plain("here."), Plain("there.")
    endpoints = [endpoint(n, dialect="here" if n % 2 else "there") for n in range(1, 7)]
    matched = Matcher(endpoints, {"here": here, "there": there}).match(event(), PLACE)
    assert {(found.id, name) for found, name in matched} == {
        (n, "here.call.ringing" if n % 2 else "there.call.ringing") for n in range(1, 7)
    }
    assert (here.asked, there.asked) == (1, 1)


def test_an_event_that_a_dialect_has_no_name_for_goes_to_nobody() -> None:
    assert Matcher([endpoint(1)], {"plain": Plain()}).match(event(kind="call.facts"), PLACE) == []


def test_a_disabled_endpoint_gets_nothing() -> None:
    assert Matcher([endpoint(1, enabled=False)], {"plain": Plain()}).match(event(), PLACE) == []


def test_an_endpoint_whose_dialect_is_not_installed_gets_nothing() -> None:
    assert ids(Matcher([endpoint(1, dialect="gone"), endpoint(2)], {"plain": Plain()}).match(event(), PLACE)) == [2]


def test_conditions_gather_values_by_key() -> None:
    found = conditions(endpoint(1, ("status", "a"), ("number", "n"), ("status", "b")))
    assert found == (("status", frozenset({"a", "b"})), ("number", frozenset({"n"})))


class TestCatchAll:
    """An unfiltered Bird endpoint yields to filtered ones that match, unless the account switched that off."""

    unfiltered = endpoint(1, dialect="bird")
    matching = endpoint(2, ("status", "ringing"), dialect="bird")
    other = endpoint(3, ("status", "busy"), dialect="bird")

    @pytest.mark.parametrize(
        ("why", "others", "literal", "expected"),
        [
            ("alone it gets everything", [], True, [1]),
            ("a filtered one that matches takes the event away", [matching], True, [2]),
            ("a filtered one that does not match takes nothing", [other], True, [1]),
            ("switched off, both get it", [matching], False, [1, 2]),
            ("a disabled one takes nothing", [endpoint(2, ("status", "ringing"), dialect="bird", enabled=False)], True, [1]),
            (
                "one for another event takes nothing",
                [endpoint(2, ("status", "ringing"), dialect="bird", events=frozenset({"call.busy"}))],
                True,
                [1],
            ),
            ("another platform's filtered endpoint takes nothing", [endpoint(2, ("status", "ringing"))], True, [1, 2]),
        ],
    )
    def test_clause(self, why: str, others: list[Endpoint], literal: bool, expected: list[int]) -> None:
        matcher = Matcher([self.unfiltered, *others], {"bird": Plain(), "plain": Plain()}, catch_all_literal=literal)
        assert sorted(ids(matcher.match(event(), PLACE))) == expected, why

    def test_who_is_silenced_is_told(self) -> None:
        endpoints = [self.unfiltered, self.matching, endpoint(4, dialect="bird", events=frozenset({"call.busy"})), endpoint(5)]
        dialects = {"bird": Plain(), "plain": Plain()}
        matched, silenced = Matcher(endpoints, dialects).sort_out(event(), PLACE)
        assert (sorted(ids(matched)), ids(silenced)) == ([2, 5], [1])
        matched, silenced = Matcher(endpoints, dialects, catch_all_literal=False).sort_out(event(), PLACE)
        assert (sorted(ids(matched)), ids(silenced)) == ([1, 2, 5], [])

    def test_other_platforms_have_no_such_clause(self) -> None:
        assert ids(Matcher([endpoint(1), endpoint(2, ("status", "ringing"))], {"plain": Plain()}).match(event(), PLACE)) == [1, 2]


FILTERS = st.lists(
    st.tuples(
        st.sampled_from(["status", "number", "extension", "colour"]),
        st.sampled_from(["ringing", "busy", "+611800111222", "+1", "7000"]),
    ),
    max_size=4,
)


@given(
    st.lists(st.tuples(FILTERS, st.none() | st.frozensets(st.sampled_from(["call.ringing", "call.busy"]))), max_size=12),
    st.sampled_from(["ringing", "busy"]),
)
def test_the_index_finds_exactly_what_the_rules_say(
    wishes: list[tuple[list[tuple[str, str]], frozenset[str] | None]], status: str
) -> None:
    dialect = Plain()
    endpoints = [endpoint(n, *filters, events=events) for n, (filters, events) in enumerate(wishes, 1)]
    happened = event(status)
    by_the_rules = [
        one.id for one in endpoints if is_chosen(one, happened.type) and passes(conditions(one), dialect, happened, PLACE)
    ]
    matched = ids(Matcher(endpoints, {"plain": dialect}).match(happened, PLACE))
    assert sorted(matched) == by_the_rules
    assert len(set(matched)) == len(matched)


def test_with_one_endpoint_per_number_only_that_endpoint_is_looked_at() -> None:
    looked = itertools.count()

    class Watched(Plain):
        def filter_value(self, key: str, event: Event, place: Place) -> str | None:
            next(looked)
            return super().filter_value(key, event, place)

    endpoints = [endpoint(n, ("number", f"+4930{n:06}"), ("status", "ringing")) for n in range(199)]
    endpoints.append(endpoint(500, ("number", "+611800111222"), ("status", "ringing")))
    assert ids(Matcher(endpoints, {"plain": Watched()}).match(event(), PLACE)) == [500]
    assert next(looked) == 2  # the number, to find it; the status, to be sure
