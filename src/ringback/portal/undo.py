"""Deletions that can be undone: an endpoint that was deleted by a page goes half a minute later, and until then works as before.

What waits for it could not be brought back, so nothing is taken away early. The waiting is in memory: a stop or a kill within the
half minute leaves the endpoint as it was, which is what an undo would have done.
"""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Coroutine
from typing import Any, Final

from msgspec import Struct

AFTER_S: Final = 30.0


class _Going(Struct, frozen=True):
    timer: TimerHandle
    at: float


class Deletions:
    """What is about to go, by account and id. Lives on the loop."""

    def __init__(
        self, loop: AbstractEventLoop, spawn: Callable[[Coroutine[Any, Any, None]], None], after_s: float = AFTER_S
    ) -> None:
        """`spawn` runs the deletion when its time has come."""
        self._loop = loop
        self._spawn = spawn
        self._after_s = after_s
        self._going: dict[tuple[str, str], _Going] = {}

    def begin(self, account: str, name: str, delete: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """It will be deleted; a second time changes nothing."""
        key = (account, name)
        if key not in self._going:
            self._going[key] = _Going(
                self._loop.call_later(self._after_s, self._now, key, delete), self._loop.time() + self._after_s
            )

    def undo(self, account: str, name: str) -> bool:
        """It stays. False: it was not going, or has gone."""
        going = self._going.pop((account, name), None)
        if going is None:
            return False
        going.timer.cancel()
        return True

    def left_s(self, account: str, name: str) -> int | None:
        """Seconds until it goes; None: it stays."""
        going = self._going.get((account, name))
        return None if going is None else max(0, round(going.at - self._loop.time()))

    def _now(self, key: tuple[str, str], delete: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._going.pop(key, None)
        self._spawn(delete())
