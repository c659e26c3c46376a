"""Was an event missed? The switch numbers its events; a number that never comes is a doubt. Pure.

The numbers alone prove nothing: some are used up inside the switch (one for each dialplan lookup, in every recording), all that
was not subscribed to is missing, and threads deliver out of order. So a number that stays away for a moment is a reason to ask
the switch what it has, and only what that shows is a loss. A long run of missing numbers is one by itself where everything was
subscribed to.
"""

MOST_MISSING = 10_000


class SequenceWatch:
    """Follows Event-Sequence of one run of the switch (Core-UUID)."""

    def __init__(self, grace_s: float) -> None:
        """`grace_s`: how long a number may be late."""
        self._grace_s = grace_s
        self._core = ""
        self._high = 0
        self._missing: dict[int, float] = {}

    def feed(self, core: str, number: int, now_s: float) -> bool:
        """Takes an event's number. True if the switch was restarted since the last one: its numbers begin anew."""
        restarted = self._core not in ("", core)
        if self._core != core:
            self._core, self._high = core, number
            self._missing.clear()
            return restarted
        if number > self._high:
            first = max(self._high + 1, number - MOST_MISSING)
            self._missing.update(dict.fromkeys(range(first, number), now_s))
            self._high = number
            while len(self._missing) > MOST_MISSING:
                del self._missing[next(iter(self._missing))]
        else:
            self._missing.pop(number, None)
        return False

    def is_doubtful(self, now_s: float) -> bool:
        """True if a number has stayed away for longer than it may."""
        oldest = next(iter(self._missing.values()), None)
        return oldest is not None and now_s - oldest >= self._grace_s

    def longest_run(self) -> int:
        """The most numbers in a row that are missing."""
        longest = run = 0
        last = None
        for number in sorted(self._missing):
            run = run + 1 if last is not None and number == last + 1 else 1
            longest = max(longest, run)
            last = number
        return longest

    def clear(self) -> None:
        """The switch was asked: what is missing now is settled."""
        self._missing.clear()
