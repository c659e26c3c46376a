"""Whom an account may call, and how often."""

import pytest

from ringback.engine.call_limits import Minute, why_not_called
from ringback.store.port import Account

EVERYBODY = None
HERE = ("+61", "112", "*97")


def account(prefixes: tuple[str, ...] | None = EVERYBODY, *, extensions: bool = False, country: str | None = None) -> Account:
    return Account(
        id="5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11",
        name="x",
        created_at_ms=0,
        country=country,
        call_prefixes=prefixes,
        call_extensions=extensions,
    )


@pytest.mark.parametrize(
    ("to", "of", "limit"),
    [
        # Without a list: every number of the E.164 plan, and nothing else
        ("+61298765432", account(), ""),
        ("+14025550100", account(), ""),
        ("tel:+14025550100", account(), ""),
        ("911", account(), "call_prefixes"),
        ("000", account(), "call_prefixes"),
        ("112", account(), "call_prefixes"),
        ("*97", account(), "call_prefixes"),
        ("1223", account(country="AU"), "call_prefixes"),
        ("280085", account(), "call_extensions"),
        ("alice", account(), "call_extensions"),
        ("sip:alice@example.com", account(), "call_extensions"),
        ("alice@example.com", account(), "call_extensions"),
        ("anonymous", account(), "nothing that can be called"),
        ("", account(), "nothing that can be called"),
        ("01234567", account(), "nothing that can be called"),
        # With one: what it names
        ("+61298765432", account(HERE), ""),
        ("+14025550100", account(HERE), "call_prefixes"),
        ("112", account(HERE), ""),
        ("*97", account(HERE), ""),
        ("000", account(HERE), "call_prefixes"),
        ("1123", account(HERE), "call_extensions"),
        ("+14025550100", account(("+", "911")), ""),
        ("911", account(("+", "911")), ""),
        ("+61298765432", account(()), "call_prefixes"),
        # A prefix is no short number, and a short number no prefix
        ("61", account(HERE), "call_extensions"),
        ("+112555010000", account(("112",)), "call_prefixes"),
        # Extensions and SIP addresses
        ("280085", account(extensions=True), ""),
        ("sip:alice@example.com", account(extensions=True), ""),
        ("sip:+14025550100@example.com", account(HERE, extensions=True), ""),
        ("911", account(extensions=True), "call_prefixes"),
        ("280085", account(("280085",)), ""),
    ],
)
def test_whom_an_account_may_call(to: str, of: Account, limit: str) -> None:
    why = why_not_called(to, of)
    assert bool(why) == bool(limit), why
    assert limit in why


def test_a_minutes_worth_at_once_then_one_after_the_other() -> None:
    minute = Minute(3, now=100.0)
    assert [minute.take(100.0) for _ in range(4)] == [0, 0, 0, 20]
    assert minute.take(119.0) == 1
    assert minute.take(120.0) == 0
    assert minute.take(120.0) == 20
    assert [minute.take(1_000.0) for _ in range(4)] == [0, 0, 0, 20]


@pytest.mark.parametrize("per_min", [1, 7, 60, 600])
def test_in_any_minute_after_the_first_there_are_no_more_than_that(per_min: int) -> None:
    minute = Minute(per_min, now=0.0)
    taken = [at / 10 for at in range(2_400) if minute.take(at / 10) == 0]
    assert sum(1 for at in taken if at < 0.05) == 1
    assert len(taken) <= 5 * per_min
    assert sum(1 for at in taken if 120 <= at < 180) <= per_min + 1
