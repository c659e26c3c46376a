"""Which deliveries a lane has in memory, and which left it a moment ago: what is read from the store may be older than either."""

import itertools
import math

from ringback.delivery.limits import Budget
from ringback.webhooks.deliveries import FINAL
from ringback.webhooks.model import Delivery


class Memory:
    """One lane's ids. A lane with any counts among the busy ones, which share the budget."""

    __slots__ = ("_budget", "_busy", "_here", "_left")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._busy = False
        self._here: set[int] = set()
        self._left: dict[int, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._here)

    def __contains__(self, number: int) -> bool:
        return number in self._here

    def add(self, number: int) -> None:
        """A delivery is here from now on."""
        if number not in self._here:
            self._here.add(number)
            self._budget.known += 1
            if not self._busy:
                self.expect()

    def drop(self, number: int) -> None:
        """It is not here any more."""
        if number in self._here:
            self._here.discard(number)
            self._budget.known -= 1
            if not self._here:
                self.expect(False)

    def expect(self, work: bool = True) -> None:
        """The lane counts as busy before its work is read, until it has none."""
        if self._busy != work:
            self._busy = work
            self._budget.busy += 1 if work else -1

    def settle(self, after: Delivery, now_ms: int) -> None:
        """It has a new state, which is committed a little later: until then its row shows an older one."""
        self._left.pop(after.id, None)
        self._left[after.id] = (now_ms, math.inf if after.state in FINAL else after.attempts)

    def is_outdated(self, row: Delivery) -> bool:
        """Does a row show a delivery as it was before an attempt that is over?"""
        left = self._left.get(row.id)
        return left is not None and row.attempts < left[1]

    def prune(self, now_ms: int) -> None:
        """Forgets what settled long ago."""
        oldest_ms = now_ms - self._budget.limits.settle_ms
        for number in list(itertools.takewhile(lambda number: self._left[number][0] <= oldest_ms, self._left)):
            del self._left[number]
