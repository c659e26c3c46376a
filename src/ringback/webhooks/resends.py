"""Bulk resends: which deliveries one is about, and how far it has come.

**What is sent again.** A resend is made of what the filter names, oldest first, once for each event and endpoint. It is left out
where another delivery of the same event to the same endpoint has arrived or is still under way: what was resent before, by hand or
by another job, is not sent twice. Without a state the filter means what did not arrive: `exhausted` and `cancelled`. `succeeded`
sends again what did arrive, for a receiver that has lost it; `skipped` what a rule between endpoints kept back. `missed`, for one
endpoint, is also what it would have got and has no delivery of: events that came while it was disabled. Tests, replays and
instruction requests are never sent again.

The set ends where the job was made: what comes later is none of its business, its own resends least of all.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from ringback.webhooks.model import State

JobState = Literal["running", "done", "cancelled"]
Missing = Literal["exhausted", "cancelled", "skipped", "succeeded", "missed"]

STATES: Final[Mapping[Missing | None, tuple[State, ...]]] = {
    None: ("exhausted", "cancelled"),
    "exhausted": ("exhausted",),
    "cancelled": ("cancelled",),
    "skipped": ("skipped",),
    "succeeded": ("succeeded",),
}
"""The states of the deliveries that a filter's state means; `missed` is found by events."""


class Wanted(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Every field narrows. `call`: a root's conversation, or one leg's own. `number`: the conversation or the leg is from or to
    it."""

    state: Missing | None = None
    endpoint: int | None = None
    call: str | None = None
    event: str | None = None
    number: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class BulkResend(Struct, frozen=True, kw_only=True):
    """A job. `total`: how many there were to resend when it was made. `cursor`: the last delivery (`missed`: event) that was looked
    at; `bound`: the last that will be. `made`: resends that were made; `unmade`: those that could not be, since the endpoint was
    gone or disabled by then. `rate_per_s` None: as fast as it slows nobody down. `by`: who made it, in words for a list."""

    id: int
    account: str
    wanted: Wanted
    rate_per_s: float | None = None
    state: JobState = "running"
    total: int = 0
    cursor: int = 0
    bound: int = 0
    made: int = 0
    unmade: int = 0
    finished_at_ms: int | None = None
    by: str = ""
