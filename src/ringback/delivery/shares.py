"""How many requests an endpoint may have in flight, as far as connections are concerned. Pure bookkeeping.

Endpoints that drain a backlog take turns, since their rows are read a window at a time. Each could open as many connections in its
turn as it may have requests in flight, and have them closed in the others' turns, since only so many are kept: a dial for every
request or two, which costs more than the request. So while there are as many connections as are kept, an endpoint gets no more
than its share of them, or than it has. Endpoints that hang cannot take what others need: each may always have its share.
"""

from typing import Final

LEAST_SHARE: Final = 2
"""Requests that an endpoint may always have: with one alone, none would be on its way while an answer is being read."""


class Shares:
    """Counts connections and dials (`enter`, `leave`), and the connections alone (`opened`, `lost`), by endpoint. `most`:
    connections that are kept, `most_bytes`: the memory that they hold at the most."""

    __slots__ = ("_bytes", "_most", "_most_bytes", "_open", "_users", "_users_of")

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._users = 0
        self._bytes = 0
        self._users_of: dict[int, int] = {}
        self._open: dict[int, int] = {}

    def of(self, endpoint: int) -> int | None:
        """How many requests an endpoint may have in flight; None: there are fewer connections than are kept, so any number."""
        if self._users < self._most and self._bytes < self._most_bytes:
            return None
        share = min(self._users, self._most) // max(1, len(self._users_of))
        return max(LEAST_SHARE, share, self._open.get(endpoint, 0))

    def enter(self, endpoint: int, weight: int) -> None:
        """A connection or a dial of an endpoint begins; `weight`: the bytes of memory that a connection takes."""
        self._users += 1
        self._bytes += weight
        self._users_of[endpoint] = self._users_of.get(endpoint, 0) + 1

    def leave(self, endpoint: int, weight: int) -> None:
        """A connection or a dial is over."""
        self._users -= 1
        self._bytes -= weight
        _take_one(self._users_of, endpoint)

    def opened(self, endpoint: int) -> None:
        """A connection of an endpoint exists."""
        self._open[endpoint] = self._open.get(endpoint, 0) + 1

    def lost(self, endpoint: int) -> None:
        """A connection of an endpoint is gone."""
        _take_one(self._open, endpoint)


def _take_one(counts: dict[int, int], endpoint: int) -> None:
    left = counts[endpoint] - 1
    if left:
        counts[endpoint] = left
    else:
        del counts[endpoint]
