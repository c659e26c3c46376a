"""Whom an account's live calls may reach, how many at once, and how many a minute: asked before every leg that is begun, whether
the API, a document's Dial, or a forward begins it.

A call that comes in counts as one that is going on, and is refused as busy when there are as many as there may be; it does not
count as one that was begun. What the limits are is the operator's to say, for each account (`PATCH /v1/accounts/{id}`).
"""

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from ringback.calls.numbers import classify
from ringback.errors import Forbidden, TooMany
from ringback.store.port import Account

if TYPE_CHECKING:
    from ringback.engine.server import Engine

WAIT_FOR_END_S: Final = 5
"""What is said to whoever has as many calls as there may be: nobody knows when one ends."""
_MINUTE_S: Final = 60.0
_OUTSIDE: Final = ("sip", "extension")


def why_not_called(to: str, account: Account) -> str:
    """Why an account may not call somebody; empty: it may. Pure.

    Numbers of emergency and other services are called only if they are listed as they are dialled, and are then dialled so.
    """
    address = classify(to, account.country)
    prefixes = account.call_prefixes
    if address.kind == "e164" and address.e164 is not None:
        if prefixes is None or any(prefix[:1] == "+" and address.e164.startswith(prefix) for prefix in prefixes):
            return ""
        return f"call_prefixes: the account may not call {to}"
    if prefixes is not None and address.text in prefixes:
        return ""
    if address.kind == "short":
        return f"call_prefixes: {to} is an emergency or service number, and not among those that the account may call"
    if address.kind in _OUTSIDE:
        return "" if account.call_extensions else "call_extensions: the account may not call extensions and SIP addresses"
    return f"{to or 'nothing'} is nothing that can be called"


class Minute:
    """How many may be begun now: a minute's worth at once, from then on one after the other. Times are seconds of any clock."""

    def __init__(self, per_min: int, now: float) -> None:
        """`per_min`: at least 1."""
        self.per_min = per_min
        self._held = float(per_min)
        self._at = now

    def take(self, now: float) -> int:
        """Takes one: 0; or says in how many whole seconds there is one."""
        self._held = min(float(self.per_min), self._held + (now - self._at) * self.per_min / _MINUTE_S)
        self._at = now
        missing = round(1 - self._held, 9)  # or a third of a call, three times, would not be one
        if missing <= 0:
            self._held -= 1
            return 0
        return max(1, math.ceil(round(missing * _MINUTE_S / self.per_min, 6)))


class CallLimits:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._minutes: dict[str, Minute] = {}
        self._live: Counter[str] = Counter()

    def admit(self, account: str, to: str) -> None:
        """A leg that the account wants to begin; it is counted by `begun`. Raises Forbidden, TooMany."""
        settings = self._engine.book.accounts[account]
        why = why_not_called(to, settings)
        if why:
            raise Forbidden(why)
        self.admit_incoming(account)
        wait_s = self._wait_s(account, settings.calls_per_min)
        if wait_s:
            raise TooMany(f"calls_per_min: the account may begin {settings.calls_per_min} calls a minute", wait_s)

    def admit_incoming(self, account: str) -> None:
        """A leg that comes in. Raises TooMany."""
        most = self._engine.book.accounts[account].calls_at_once
        if most is not None and self._live[account] >= most:
            raise TooMany(f"calls_at_once: the account may have {most} calls going on", WAIT_FOR_END_S)

    def begun(self, account: str) -> None:
        """One more leg is going on."""
        self._live[account] += 1

    def ended(self, account: str) -> None:
        """One less."""
        self._live[account] -= 1
        if self._live[account] <= 0:
            del self._live[account]

    def _wait_s(self, account: str, per_min: int | None) -> int:
        """Seconds until the account may begin a call; 0: now, and it is counted."""
        if not per_min:
            self._minutes.pop(account, None)
            return 0 if per_min is None else int(_MINUTE_S)
        now = self._engine.loop.time()
        minute = self._minutes.get(account)
        if minute is None or minute.per_min != per_min:
            minute = self._minutes[account] = Minute(per_min, now)
        return minute.take(now)
