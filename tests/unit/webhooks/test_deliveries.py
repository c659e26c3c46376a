"""A delivery's life and what becomes of it after an attempt."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.webhooks.deliveries import (
    FINAL,
    OPEN,
    TRANSITIONS,
    after_attempt,
    cancelled,
    decide,
    retry_after_s,
)
from ringback.webhooks.model import Decision, Delivery, Outcome, RetryPolicy

NOW = 1_763_640_000_000  # Thu, 20 Nov 2025 12:00:00 GMT
PLAIN = RetryPolicy(delays_s=(10, 60, 300))
PATIENT = RetryPolicy(delays_s=(10, 60, 300), retry_after=True, gone_disables=True)
VOC = RetryPolicy(delays_s=(0, 1))


def ok_2xx(status: int) -> bool:
    return 200 <= status < 300


def delivery(attempts: int = 0, **fields: Any) -> Delivery:
    return Delivery(id=1, endpoint=2, event=3, root=4, name="call.ringing", attempts=attempts, **fields)


def answer(status: int, *headers: tuple[str, str]) -> Outcome:
    return Outcome(started_at_ms=NOW, status=status, headers=headers)


def failure(error: Any) -> Outcome:
    return Outcome(started_at_ms=NOW, error=error)


def after(wait_s: float) -> Decision:
    return Decision(state="retrying", next_at_ms=NOW + round(wait_s * 1000))


SUCCEEDED, EXHAUSTED = Decision(state="succeeded"), Decision(state="exhausted")
GONE = Decision(state="exhausted", disable=True)


@pytest.mark.parametrize(
    ("why", "made", "outcome", "policy", "expected"),
    [
        ("a success ends it", delivery(), answer(204), PLAIN, SUCCEEDED),
        ("a success on the last try ends it", delivery(3), answer(200), PLAIN, SUCCEEDED),
        ("a server's error waits the first delay", delivery(), answer(500), PLAIN, after(10)),
        ("the second failure waits the second", delivery(1), answer(500), PLAIN, after(60)),
        ("the third waits the last", delivery(2), failure("timeout"), PLAIN, after(300)),
        ("after the last delay it is given up", delivery(3), answer(500), PLAIN, EXHAUSTED),
        ("no delays at all: one attempt", delivery(), answer(500), RetryPolicy(delays_s=()), EXHAUSTED),
        ("VOC tries again at once", delivery(), answer(500), VOC, after(0)),
        ("then after a second", delivery(1), answer(500), VOC, after(1)),
        ("then it is a failure", delivery(2), answer(500), VOC, EXHAUSTED),
        ("a redirect is a failure", delivery(), answer(302), PLAIN, after(10)),
        ("no answer is a failure", delivery(), failure("connect"), PLAIN, after(10)),
        ("a request that could not be made is a failure", delivery(), failure("request"), PLAIN, after(10)),
        ("an answer cut off is a failure, whatever its status", delivery(), Outcome(started_at_ms=0, status=200, error="reset"),
         PLAIN, after(10)),
        ("410 disables where the platform says so", delivery(), answer(410), PATIENT, GONE),
        ("410 is a failure elsewhere", delivery(), answer(410), PLAIN, after(10)),
        ("a test does not disable", delivery(kind="test"), answer(410), PATIENT, EXHAUSTED),
        ("a test is one attempt", delivery(kind="test"), answer(500), PLAIN, EXHAUSTED),
        ("a test may succeed", delivery(kind="test"), answer(200), PLAIN, SUCCEEDED),
        ("a resend is retried", delivery(kind="resend"), answer(500), PLAIN, after(10)),
        ("a replay is retried", delivery(kind="replay"), answer(500), PLAIN, after(10)),
        ("Retry-After within the bounds is honoured", delivery(), answer(503, ("Retry-After", "15")), PATIENT, after(15)),
        ("on 429 too", delivery(), answer(429, ("retry-after", " 12 ")), PATIENT, after(12)),
        ("less than planned: as planned", delivery(), answer(503, ("Retry-After", "1")), PATIENT, after(10)),
        ("more than twice: twice", delivery(), answer(503, ("Retry-After", "86400")), PATIENT, after(20)),
        ("absurdly much: twice", delivery(), answer(503, ("Retry-After", "9" * 5000)), PATIENT, after(20)),
        ("an HTTP date", delivery(), answer(503, ("Retry-After", "Thu, 20 Nov 2025 12:00:16 GMT")), PATIENT, after(16)),
        ("a date gone by", delivery(), answer(503, ("Retry-After", "Thu, 20 Nov 2025 11:00:00 GMT")), PATIENT, after(10)),
        ("unreadable: as planned", delivery(), answer(503, ("Retry-After", "soon")), PATIENT, after(10)),
        ("negative: as planned", delivery(), answer(503, ("Retry-After", "-5")), PATIENT, after(10)),
        ("on another status it has no meaning", delivery(), answer(500, ("Retry-After", "15")), PATIENT, after(10)),
        ("where the platform ignores it", delivery(), answer(503, ("Retry-After", "15")), PLAIN, after(10)),
    ],
)  # fmt: skip
def test_decide(why: str, made: Delivery, outcome: Outcome, policy: RetryPolicy, expected: Decision) -> None:
    assert decide(made, outcome, policy, ok_2xx, NOW, Random(1)) == expected, why


def test_the_dialect_says_what_succeeded() -> None:
    assert decide(delivery(), answer(204), PLAIN, lambda status: status == 200, NOW, Random(1)) == after(10)


def test_a_redirect_is_a_failure_whatever_the_dialect_says() -> None:
    assert decide(delivery(), answer(301), PLAIN, lambda status: True, NOW, Random(1)) == after(10)


@pytest.mark.parametrize("text", ["", "Thu", "99999999999999999999 Foo", "Thu, 99 Nov 2025 12:00:00 GMT", "٣", "1.5", "0x10"])
def test_an_unreadable_retry_after_is_none(text: str) -> None:
    assert retry_after_s((("Retry-After", text),), NOW) is None


def test_a_date_without_a_zone_is_utc() -> None:
    assert retry_after_s((("Retry-After", "Thu, 20 Nov 2025 12:00:09 -0000"),), NOW) == 9


class TestStates:
    """The table."""

    def test_final_states_lead_nowhere(self) -> None:
        assert {"succeeded", "exhausted", "cancelled", "skipped"} == FINAL
        assert {"pending", "sending", "retrying"} == OPEN

    def test_every_state_is_reached_from_pending(self) -> None:
        reached, ahead = set(), ["pending"]
        while ahead:
            state = ahead.pop()
            if state not in reached:
                reached.add(state)
                ahead.extend(TRANSITIONS[state].values())  # type: ignore[index]
        assert reached == set(TRANSITIONS)

    @pytest.mark.parametrize("state", sorted(FINAL))
    def test_what_has_ended_cannot_be_cancelled(self, state: Any) -> None:
        with pytest.raises(KeyError):
            cancelled(delivery(state=state))

    def test_cancelling_keeps_what_was_done(self) -> None:
        assert cancelled(delivery(2, state="retrying", next_at_ms=5)) == delivery(2, state="cancelled")


def test_an_attempt_is_counted_and_the_first_signature_stays() -> None:
    once = after_attempt(delivery(), after(10), 100)
    assert (once.attempts, once.state, once.next_at_ms, once.signed_at_s) == (1, "retrying", NOW + 10_000, 100)
    twice = after_attempt(once, SUCCEEDED, 200)
    assert (twice.attempts, twice.state, twice.next_at_ms, twice.signed_at_s) == (2, "succeeded", 0, 100)


POLICIES = st.builds(
    RetryPolicy,
    delays_s=st.lists(st.floats(0, 100_000), max_size=40).map(tuple),
    jitter=st.floats(0, 0.5),
    retry_after=st.booleans(),
    gone_disables=st.booleans(),
)
OUTCOMES = st.one_of(
    st.builds(
        answer,
        st.integers(200, 599),
        st.tuples(st.just("Retry-After"), st.one_of(st.integers(-5, 10**9).map(str), st.text(max_size=40))),
    ),
    st.sampled_from(["dns", "blocked", "timeout", "reset", "request"]).map(failure),
)


@given(POLICIES, OUTCOMES, st.integers(0, 45), st.sampled_from(["event", "resend", "test", "replay"]), st.integers())
def test_whatever_comes_the_decision_is_lawful(policy: RetryPolicy, outcome: Outcome, attempts: int, kind: Any, seed: int) -> None:
    made = delivery(attempts, kind=kind)
    decision = decide(made, outcome, policy, ok_2xx, NOW, Random(seed))
    assert decision.state in TRANSITIONS["sending"].values()
    if decision.state == "retrying":
        planned = policy.delays_s[attempts] * 1000
        wait = decision.next_at_ms - NOW
        bound = 2 if policy.retry_after and outcome.status in (429, 503) else 1
        assert planned * (1 - policy.jitter) - 1 <= wait <= planned * (1 + policy.jitter) * bound + 1
    else:
        assert decision.next_at_ms == 0
    if decision.disable:
        assert policy.gone_disables
        assert outcome.status == 410
    assert decision == decide(made, outcome, policy, ok_2xx, NOW, Random(seed)), "the same again: nothing but its arguments counts"


@given(POLICIES, st.lists(OUTCOMES, min_size=50, max_size=50), st.integers())
def test_a_delivery_ends_after_its_schedule_at_the_latest(policy: RetryPolicy, outcomes: list[Outcome], seed: int) -> None:
    rng, made = Random(seed), delivery()
    for outcome in outcomes:
        made = after_attempt(made, decide(made, outcome, policy, ok_2xx, NOW, rng), 1)
        if made.state in FINAL:
            break
    assert made.state in FINAL
    assert made.attempts <= len(policy.delays_s) + 1
