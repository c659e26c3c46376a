"""Calls that the writer has met lately, so that a running call costs no read."""

from collections import OrderedDict
from collections.abc import Container

from ringback.webhooks.records import CallKey, StoredCall


class CallCache:
    """The newest life of at most `size` calls; the least lately used goes first, and calls that ended go before all others."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._calls: OrderedDict[CallKey, StoredCall] = OrderedDict()

    def get(self, key: CallKey) -> StoredCall | None:
        """A call as it was last seen."""
        found = self._calls.get(key)
        if found is not None and not found.call.is_final:
            self._calls.move_to_end(key)
        return found

    def put(self, key: CallKey, stored: StoredCall) -> None:
        """A call as it is now: the newest life of its key."""
        self._calls[key] = stored
        self._calls.move_to_end(key, last=not stored.call.is_final)
        if len(self._calls) > self._size:
            self._calls.popitem(last=False)

    def forget(self, numbers: Container[int]) -> None:
        """Calls that are not there any more."""
        for key in [key for key, stored in self._calls.items() if stored.n in numbers]:
            del self._calls[key]

    def clear(self) -> None:
        """Everything: somebody else has written."""
        self._calls.clear()
