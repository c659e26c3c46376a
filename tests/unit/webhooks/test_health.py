"""An endpoint's health."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.webhooks.health import DISABLE_AFTER_MS, FAILURES_TO_FAIL, HEALTHY, TRANSITIONS, Health, gone, observe, switched_off

NOW = 1_763_640_000_000
DAY = 86_400_000
FAILING = Health("failing", FAILURES_TO_FAIL, NOW)


@pytest.mark.parametrize(
    ("why", "health", "ok", "at_ms", "after", "notice"),
    [
        ("a success changes nothing", HEALTHY, True, NOW, HEALTHY, None),
        ("one failure is not a row", HEALTHY, False, NOW, Health("healthy", 1, NOW), None),
        ("the next is counted from the first", Health("healthy", 1, NOW), False, NOW + 9, Health("healthy", 2, NOW), None),
        ("the fifth in a row", Health("healthy", 4, NOW), False, NOW + 9, Health("failing", 5, NOW), "endpoint.failing"),
        ("a success ends a row", Health("healthy", 4, NOW), True, NOW, HEALTHY, None),
        ("a success recovers", FAILING, True, NOW + 9, HEALTHY, "endpoint.recovered"),
        ("more failures are no news", FAILING, False, NOW + DAY, Health("failing", 6, NOW), None),
        ("five days less a moment", FAILING, False, NOW + 5 * DAY - 1, Health("failing", 6, NOW), None),
        ("five days", FAILING, False, NOW + 5 * DAY, Health("disabled", 6, NOW), "endpoint.disabled"),
        ("a row that took days is failing first", Health("healthy", 4, NOW), False, NOW + 9 * DAY, Health("failing", 5, NOW),
         "endpoint.failing"),
        ("disabled stays so: only a person enables", Health("disabled", 6, NOW), True, NOW, Health("disabled", 0, 0), None),
        ("a last failure of a disabled one", Health("disabled", 6, NOW), False, NOW + 9, Health("disabled", 7, NOW), None),
    ],
)  # fmt: skip
def test_observe(why: str, health: Health, ok: bool, at_ms: int, after: Health, notice: str | None) -> None:
    assert observe(health, ok, at_ms, DISABLE_AFTER_MS) == (after, notice), why


def test_what_stood_before_stays_until_the_condition_changes() -> None:
    why = Health("failing", 5, NOW, NOW + 3, "5 attempts in a row failed")
    assert observe(why, False, NOW + 9) == (Health("failing", 6, NOW, NOW + 3, why.reason), None)
    assert observe(why, True, NOW + 9) == (HEALTHY, "endpoint.recovered")


def test_a_person_disables_it_and_the_row_of_failures_is_not_forgotten() -> None:
    off = switched_off(FAILING, NOW + 9)
    assert (off.condition, off.failures, off.since_ms, off.changed_at_ms) == ("disabled", FAILING.failures, NOW, NOW + 9)
    assert off.reason


def test_where_the_platform_does_not_disable_it_fails_for_ever() -> None:
    assert observe(FAILING, False, NOW + 1000 * DAY) == (Health("failing", 6, NOW), None)


@pytest.mark.parametrize("health", [HEALTHY, Health("healthy", 3, NOW), FAILING])
def test_gone_disables_at_once(health: Health) -> None:
    after, notice = gone(health, NOW)
    assert (after.condition, notice) == ("disabled", "endpoint.disabled")


def test_gone_again_is_no_news() -> None:
    assert gone(Health("disabled", 1, NOW), NOW)[1] is None


def test_the_table_is_whole() -> None:
    conditions = {condition for condition, _ in TRANSITIONS}
    sights = {sight for _, sight in TRANSITIONS}
    assert len(TRANSITIONS) == len(conditions) * len(sights)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, DAY)), max_size=300))
def test_notices_tell_every_change_once(sights: list[tuple[bool, int]]) -> None:
    health, now, row = HEALTHY, NOW, 0
    for ok, passed in sights:
        now += passed
        before = health
        health, notice = observe(health, ok, now, DISABLE_AFTER_MS)
        row = 0 if ok else row + 1
        assert (notice is not None) == (health.condition != before.condition)
        if health.condition == "disabled":
            if before.condition != "disabled":
                assert now - health.since_ms >= DISABLE_AFTER_MS
                assert health.failures == row > FAILURES_TO_FAIL
        else:
            assert health.failures == row
            assert (health.condition == "failing") == (row >= FAILURES_TO_FAIL)
