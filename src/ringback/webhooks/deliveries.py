"""A delivery's life, and what becomes of it after an attempt.

**Theory.** A delivery is made `pending` together with its event, in one transaction. It is `sending` while its request is on the
wire; that state lives in memory alone: the row stays what it was, so a kill in that moment sends it again and counts nothing. An
attempt ends it (`succeeded`), or plans another (`retrying`, with a due time), or gives it up (`exhausted`: the schedule is used
up). `cancelled`: its endpoint was deleted or disabled first. `skipped`: it was decided not to send it at all. The last four are
final; a resend is a new delivery.

`TRANSITIONS` is all of it; the diagram in the docs is made from the table.
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random
from typing import Literal

from msgspec.structs import replace

from ringback.calls.model import to_ms
from ringback.webhooks.model import Decision, Delivery, Endpoint, Outcome, RetryPolicy, State

Step = Literal["send", "succeed", "fail", "give_up", "cancel", "skip"]

TRANSITIONS: Mapping[State, Mapping[Step, State]] = {
    "pending": {"send": "sending", "cancel": "cancelled", "skip": "skipped"},
    "sending": {"succeed": "succeeded", "fail": "retrying", "give_up": "exhausted", "cancel": "cancelled"},
    "retrying": {"send": "sending", "cancel": "cancelled"},
    "succeeded": {},
    "exhausted": {},
    "cancelled": {},
    "skipped": {},
}
FINAL: frozenset[State] = frozenset(state for state, steps in TRANSITIONS.items() if not steps)
OPEN: frozenset[State] = frozenset(TRANSITIONS) - FINAL

_SENDING = TRANSITIONS["sending"]
_SUCCEEDED = Decision(state=_SENDING["succeed"])
_EXHAUSTED = Decision(state=_SENDING["give_up"])
_GONE = Decision(state=_SENDING["give_up"], disable=True)
_ASKS_FOR_TIME = (429, 503)


def decide(
    delivery: Delivery,
    outcome: Outcome,
    policy: RetryPolicy,
    succeeded: Callable[[int], bool],
    now_ms: int,
    rng: Random,
) -> Decision:
    """What becomes of a delivery after the attempt that `outcome` tells of.

    `delivery` is as it was before the attempt (`attempts` counts earlier ones). `succeeded` is the dialect's word on a status; a
    redirect is a failure whatever it says, since none is followed. A `test` is one attempt. 410 disables the endpoint where the
    policy says so (Standard Webhooks), but not by a test. `Retry-After` on 429 or 503 moves the next attempt, where the policy
    allows it, to between the planned wait and twice that: a receiver may ask for patience, not stop its own deliveries.
    """
    status = outcome.status
    if not outcome.error and status is not None:
        if succeeded(status) and not 300 <= status < 400:
            return _SUCCEEDED
        if status == 410 and policy.gone_disables and delivery.kind != "test":
            return _GONE
    if delivery.kind == "test" or delivery.attempts >= len(policy.delays_s):
        return _EXHAUSTED
    wait_s = policy.delays_s[delivery.attempts]
    if policy.jitter:
        wait_s *= 1.0 + policy.jitter * (2.0 * rng.random() - 1.0)
    if policy.retry_after and not outcome.error and status in _ASKS_FOR_TIME:
        asked_s = retry_after_s(outcome.headers, now_ms)
        if asked_s is not None:
            wait_s = min(max(wait_s, asked_s), 2.0 * wait_s)
    return Decision(state=_SENDING["fail"], next_at_ms=now_ms + round(wait_s * 1000))


def retry_after_s(headers: tuple[tuple[str, str], ...], now_ms: int) -> float | None:
    """The seconds that a `Retry-After` asks for (RFC 9110 §10.2.3: seconds, or an HTTP date); None: absent or unreadable.

    Negative for a date that has passed.
    """
    for name, value in headers:
        if name.lower() == "retry-after":
            text = value.strip()
            if text.isascii() and text.isdigit():
                return float(text[:12])
            try:
                at = parsedate_to_datetime(text)
                return (to_ms(at if at.tzinfo else at.replace(tzinfo=UTC)) - now_ms) / 1000
            except (ValueError, TypeError, IndexError, OverflowError):
                return None
    return None


def after_attempt(delivery: Delivery, decision: Decision, signed_at_s: int) -> Delivery:
    """The delivery once an attempt is over. `signed_at_s`: when this attempt's request was made; the first one's stays."""
    return replace(
        delivery,
        state=decision.state,
        attempts=delivery.attempts + 1,
        next_at_ms=decision.next_at_ms,
        signed_at_s=signed_at_s if delivery.signed_at_s is None else delivery.signed_at_s,
    )


def may_go(delivery: Delivery, endpoint: Endpoint) -> bool:
    """May it be sent to its endpoint? A disabled one may still be tested: that is how a person finds out whether it can be enabled
    again."""
    return endpoint.enabled or delivery.kind == "test"


def cancelled(delivery: Delivery) -> Delivery:
    """The delivery whose endpoint was deleted or disabled before it was sent. Raises KeyError if it had ended already."""
    return replace(delivery, state=TRANSITIONS[delivery.state]["cancel"], next_at_ms=0)
