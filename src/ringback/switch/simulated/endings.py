"""How legs end here, as a real switch would tell it: a table.

SIP statuses are those of RFC 3261 §21, causes those of ITU-T Q.850; which go together is RFC 3398 §7.2.4.1 and §8.2.6.1. That the
status follows from them is `calls.disposition`'s rule.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from ringback.calls.live import EndedBy, HungUp, Outcome

How = Literal[
    "caller left", "callee left", "we left", "caller gave up", "we gave up", "we let it ring", "nobody answered",
    "busy", "reject", "fail", "we reject", "we are busy", "cannot dial",
]  # fmt: skip


class Ending(Struct, frozen=True):
    """What is told of an end."""

    status: Outcome
    by: EndedBy
    cause: int
    sip_status: int

    def of(self, leg: str) -> HungUp:
        """Told of a leg."""
        return HungUp(leg, self.status, self.by, self.cause, self.sip_status)


ENDINGS: Final[Mapping[How, Ending]] = {
    # Answered: a BYE from one side or the other
    "caller left": Ending("completed", "caller", 16, 200),
    "callee left": Ending("completed", "callee", 16, 200),
    "we left": Ending("completed", "us", 16, 200),
    # Not answered: a CANCEL from the calling side
    "caller gave up": Ending("cancelled", "caller", 16, 487),
    "we gave up": Ending("cancelled", "us", 16, 487),
    # An incoming leg that we hang up before we answer it
    "we let it ring": Ending("no-answer", "us", 16, 480),
    "we reject": Ending("no-answer", "us", 21, 603),
    "we are busy": Ending("busy", "us", 17, 486),
    # A dialled leg that comes to nothing
    "nobody answered": Ending("no-answer", "us", 19, 480),
    "busy": Ending("busy", "callee", 17, 486),
    "reject": Ending("no-answer", "callee", 21, 603),
    "fail": Ending("failed", "callee", 1, 404),
    "cannot dial": Ending("failed", "us", 41, 503),
}
