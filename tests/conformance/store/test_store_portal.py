"""Who is in the portal, links that work once, and counters of what went out."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from store_values import ACCOUNT, OTHER, Maker, after, commit, done

from ringback.store.portal import EVERYBODY, HOUR_S, MINUTE_S, Count, PortalLink, PortalSession

SESSION = PortalSession(
    id=7, hash=b"h" * 32, account=ACCOUNT, role="viewer", way="link", name="Kim", seen_at_ms=1_000, began_at_ms=900
)
LINK = PortalLink(id=9, account=ACCOUNT, role="developer", key=3, proof=b"p", expires_at_ms=5_000)


def test_sessions_stay_until_they_are_deleted(opens: Callable[[], Any], store: Any) -> None:
    second = replace(SESSION, id=8, hash=b"i" * 32)
    store.put_session(SESSION)
    store.put_session(second)
    store.touch_sessions({7: 2_000, 99: 5})
    again = opens()
    assert again.sessions() == [replace(SESSION, seen_at_ms=2_000), second]
    store.delete_sessions([7, 99])
    assert again.sessions() == [second]


def test_a_link_lets_one_in_and_only_in_time(store: Any) -> None:
    store.put_link(LINK)
    assert store.link(9, 4_999) == LINK
    assert store.link(9, 5_000) is None
    assert store.link(10, 0) is None
    assert not store.use_link(9, 5_000)
    assert store.use_link(9, 4_999)
    assert not store.use_link(9, 4_999)
    assert store.link(9, 0) is None


def test_links_are_told_until_they_expire_or_are_ended(store: Any) -> None:
    second = replace(LINK, id=11, expires_at_ms=6_000, name="Kim")
    store.put_link(LINK)
    store.put_link(second)
    assert store.use_link(9, 4_000)
    assert store.links(4_500) == [second, replace(LINK, used_at_ms=4_000)]
    assert store.links(5_000) == [second]
    store.delete_link(11)
    store.delete_link(99)
    assert store.links(5_000) == []
    assert store.link(11, 0) is None


def test_links_that_expired_are_forgotten_and_others_stay(store: Any) -> None:
    store.put_link(LINK)
    store.put_link(replace(LINK, id=11, expires_at_ms=5_001))
    store.forget_links(5_000)
    assert store.link(9, 0) is None
    assert store.link(11, 0) is not None


def test_ids_of_sessions_and_links_are_not_given_again(store: Any) -> None:
    big = 1 << 60
    store.put_link(replace(LINK, id=big))
    assert store.last_id() == big
    store.put_session(replace(SESSION, id=big + 1))
    assert store.last_id() == big + 1


def test_counts_add_up_by_subject_and_span(store: Any) -> None:
    endpoint = 1 << 50
    store.add_activity({(endpoint, MINUTE_S, 60): Count(1, 2, 3), (ACCOUNT, HOUR_S, 0): Count(delivered=5)})
    store.add_activity(
        {(endpoint, MINUTE_S, 60): Count(1, 0, 0), (EVERYBODY, HOUR_S, 0): Count(gave_up=1), ("nobody", 60, 0): Count(1)}
    )
    assert store.activity([endpoint], MINUTE_S, 60) == {endpoint: {60: Count(2, 2, 3)}}
    assert store.activity([endpoint], MINUTE_S, 61) == {endpoint: {}}
    hours = store.activity([ACCOUNT, OTHER, EVERYBODY, "nobody"], HOUR_S, 0)
    assert hours == {ACCOUNT: {0: Count(delivered=5)}, OTHER: {}, EVERYBODY: {0: Count(gave_up=1)}, "nobody": {}}
    store.forget_activity(MINUTE_S, 61)
    assert store.activity([endpoint], MINUTE_S, 0) == {endpoint: {}}
    assert store.activity([ACCOUNT], HOUR_S, 0)[ACCOUNT]


def test_of_much_that_was_sent_again_only_the_last_is_looked_at(store: Any) -> None:
    make = Maker()
    first = make.fold(make.begin("lost"), "starting", range(7, 19), update_id="lost-1")
    commit(store, first)
    commit(store, results=[done(delivery, "exhausted") for delivery in first.deliveries])
    again = [replace(delivery, id=make.id(), kind="resend") for delivery in first.deliveries[2:]]
    commit(store, replace(first, calls=(), events=(), event_calls=(), deliveries=tuple(again), update_id=None))
    assert sum(one.count for one in store.given_up(ACCOUNT, 0, 2)) == 0  # the last ten were
    assert sum(one.count for one in store.given_up(ACCOUNT, 0, 3)) == 2


@pytest.mark.parametrize("state", ["succeeded", "pending"])
def test_what_was_given_up_is_told_until_it_has_arrived_or_is_on_its_way(store: Any, state: str) -> None:
    make = Maker()
    first = make.fold(make.begin("lost"), "starting", [7], update_id="lost-1")
    second = make.fold(after(first), "completed", [7, 8], update_id="lost-2")
    commit(store, first, second)
    lost = [delivery for fold in (first, second) for delivery in fold.deliveries]
    results = [done(delivery, "exhausted") for delivery in lost]
    commit(store, results=results)
    found = {one.endpoint: one for one in store.given_up(ACCOUNT, 0, 100)}
    assert {number: one.count for number, one in found.items()} == {7: 2, 8: 1}
    assert found[8].since_ms == results[-1].finished_at_ms
    assert store.given_up(OTHER, 0, 100) == []
    assert sum(one.count for one in store.given_up(ACCOUNT, 0, 2)) == 2
    again = replace(lost[0], id=lost[-1].id + 50, kind="resend")
    commit(store, replace(first, calls=(), events=(), event_calls=(), deliveries=(again,), update_id=None))
    if state == "succeeded":
        commit(store, results=[done(again)])
    assert {one.endpoint: one.count for one in store.given_up(ACCOUNT, 0, 100)} == {7: 1, 8: 1}
