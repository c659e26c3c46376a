"""An endpoint's health: is it worth many requests at a time, one, or none?

**Theory.** One failed attempt says little about an endpoint, an unbroken row of them a lot. `healthy` turns `failing` after
FAILURES_TO_FAIL failed attempts without a success between, over whichever deliveries; then the endpoint gets one request at a time
(the retry schedule stands), so that a dead receiver costs little. One success makes it `healthy` again. An endpoint that has been
failing, and had nothing but failures, for a whole period (five days for `standard`; other platforms do not say that they disable)
is `disabled`, and so is one that answers 410 where its platform gives that a meaning. Only a person enables it again. Each change
is a notice to the account. What was not the endpoint's doing (our request could not be made, our own proxy failed) is not observed.

`TRANSITIONS` is all of it; the diagram in the docs is made from the table.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Condition = Literal["healthy", "failing", "disabled"]
Sight = Literal["ok", "failure", "row", "worn_out", "gone"]
NoticeKind = Literal["endpoint.failing", "endpoint.recovered", "endpoint.disabled"]

FAILURES_TO_FAIL = 5
DISABLE_AFTER_MS = 5 * 86_400_000
SWITCHED_OFF = "it was switched off by a person"

TRANSITIONS: Mapping[tuple[Condition, Sight], tuple[Condition, NoticeKind | None]] = {
    ("healthy", "ok"): ("healthy", None),
    ("healthy", "failure"): ("healthy", None),
    ("healthy", "row"): ("failing", "endpoint.failing"),
    ("healthy", "worn_out"): ("failing", "endpoint.failing"),  # a long silence between two failures is not five days of failing
    ("healthy", "gone"): ("disabled", "endpoint.disabled"),
    ("failing", "ok"): ("healthy", "endpoint.recovered"),
    ("failing", "failure"): ("failing", None),
    ("failing", "row"): ("failing", None),
    ("failing", "worn_out"): ("disabled", "endpoint.disabled"),
    ("failing", "gone"): ("disabled", "endpoint.disabled"),
    ("disabled", "ok"): ("disabled", None),
    ("disabled", "failure"): ("disabled", None),
    ("disabled", "row"): ("disabled", None),
    ("disabled", "worn_out"): ("disabled", None),
    ("disabled", "gone"): ("disabled", None),
}


class Health(Struct, frozen=True):
    """`failures`: failed attempts since the last success. `since_ms`: when the first of them ended; 0 when there is none.
    `changed_at_ms`: when the condition became what it is, and `reason` why, in one plain line; 0 and empty if it never changed."""

    condition: Condition = "healthy"
    failures: int = 0
    since_ms: int = 0
    changed_at_ms: int = 0
    reason: str = ""


HEALTHY = Health()


class Notice(Struct, frozen=True, kw_only=True):
    """What the account is told of a change. `reason` is one plain line. `since_ms`: when the first failure of the row ended (of a
    recovery: when it began; 0 if unknown)."""

    kind: NoticeKind
    endpoint: int
    account: str
    at_ms: int
    reason: str
    since_ms: int = 0


def observe(health: Health, ok: bool, now_ms: int, disable_after_ms: int | None = None) -> tuple[Health, NoticeKind | None]:
    """An attempt ended: the health after it, and the notice that is due, if any.

    `disable_after_ms`: how long nothing but failures may last before the endpoint is disabled; None: for ever.
    """
    if ok:
        if health is HEALTHY:
            return health, None
        return _move(health, "ok", replace(health, failures=0, since_ms=0))
    failed = _failed(health, now_ms)
    if failed.failures < FAILURES_TO_FAIL:
        sight: Sight = "failure"
    elif disable_after_ms is not None and now_ms - failed.since_ms >= disable_after_ms:
        sight = "worn_out"
    else:
        sight = "row"
    return _move(health, sight, failed)


def gone(health: Health, now_ms: int) -> tuple[Health, NoticeKind | None]:
    """The endpoint answered that it is gone for good (410)."""
    return _move(health, "gone", _failed(health, now_ms))


def switched_off(health: Health, now_ms: int) -> Health:
    """A person disabled the endpoint. How long it had been failing stays known."""
    return replace(health, condition="disabled", changed_at_ms=now_ms, reason=SWITCHED_OFF)


def _failed(health: Health, now_ms: int) -> Health:
    return replace(health, failures=health.failures + 1, since_ms=health.since_ms if health.failures else now_ms)


def _move(health: Health, sight: Sight, counted: Health) -> tuple[Health, NoticeKind | None]:
    condition, notice = TRANSITIONS[health.condition, sight]
    if condition == "healthy" and not counted.failures:
        return HEALTHY, notice
    return replace(counted, condition=condition), notice
