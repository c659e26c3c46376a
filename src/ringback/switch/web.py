"""HTTP as the parts of a switch need it: one request, one answer, awaited. Who sends is given (`delivery.sender.Sender` fits)."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ringback.dialects.contract import HttpRequest
from ringback.webhooks.model import Outcome

Headers = tuple[tuple[str, str], ...]


class Sending(Protocol):
    """A request on its way."""

    def abort(self) -> None: ...


class Sender(Protocol):
    """Sends one request and calls `done` exactly once, later on the loop."""

    def send(
        self,
        request: HttpRequest,
        *,
        key: int,
        account: str,
        timeout_s: float,
        basic: str | None,
        headers: Headers,
        done: Callable[[Outcome], None],
    ) -> Sending: ...


async def exchange(
    sender: Sender, request: HttpRequest, *, account: str, timeout_s: float, basic: str | None = None, headers: Headers = ()
) -> Outcome:
    """One request and what became of it; a cancellation stops it. `account`: in whose name the guard is asked. `basic` and
    `headers`: what is shown in no log."""
    ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def done(outcome: Outcome) -> None:
        if not ended.done():
            ended.set_result(outcome)

    # No endpoint has this number: connections are shared by what one account asks of one host.
    sending = sender.send(request, key=0, account=account, timeout_s=timeout_s, basic=basic, headers=headers, done=done)
    try:
        return await ended
    finally:
        if not ended.done() or ended.cancelled():
            sending.abort()
