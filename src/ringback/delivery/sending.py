"""One request on its way, from `send` to its one Outcome.

Sending   new ──dial──▶ on a connection ──▶ over (done called)
           └──kept─────────────▲    │
                               └────┘ once: the kept connection was closed as we wrote
"""

import asyncio
from collections.abc import Callable
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Protocol

from ringback.delivery.egress import SenderSettings
from ringback.delivery.route import Route
from ringback.webhooks.model import ErrorClass, Outcome

if TYPE_CHECKING:
    from ringback.delivery.exchange import Connection


STOPPED = "stopped before an answer came"


class Owner(Protocol):
    """What an exchange asks of the sender."""

    settings: SenderSettings
    loop: asyncio.AbstractEventLoop

    def opened(self, connection: "Connection") -> None:
        """A connection exists."""
        ...

    def idle(self, connection: "Connection") -> None:
        """A connection has done its exchange and may do another."""
        ...

    def lost(self, connection: "Connection") -> None:
        """A connection is gone."""
        ...

    def dial_again(self, sending: "Sending") -> None:
        """A kept connection was closed as we wrote: a fresh one is needed."""
        ...


class Sending:
    """One request on its way. `done` is called once, on the loop, never from within `send` or `abort`."""

    __slots__ = (
        "_done",
        "_owner",
        "address",
        "again",
        "connect_ms",
        "connect_timeout_s",
        "connection",
        "deadline",
        "dial",
        "dns_ms",
        "first_byte_ms",
        "payload",
        "reused",
        "route",
        "started_at_ms",
        "t0",
        "tls_ms",
        "written_at",
    )

    def __init__(
        self, owner: Owner, done: Callable[[Outcome], None], timeout_s: float, connect_timeout_s: float | None = None
    ) -> None:
        self._owner = owner
        self._done: Callable[[Outcome], None] | None = done
        self.started_at_ms = time_ns() // 1_000_000
        self.t0 = perf_counter()
        self.deadline = self.t0 + timeout_s
        self.connect_timeout_s = connect_timeout_s
        self.route: Route | None = None
        self.payload = b""
        self.connection: Connection | None = None
        self.dial: asyncio.Task[None] | None = None
        self.again = False
        self.reused = False
        self.address: str | None = None
        self.dns_ms: float | None = None
        self.connect_ms: float | None = None
        self.tls_ms: float | None = None
        self.first_byte_ms: float | None = None
        self.written_at = 0.0

    @property
    def over(self) -> bool:
        """True once its end is known."""
        return self._done is None

    def elapsed_ms(self) -> float:
        """Milliseconds since it began."""
        return (perf_counter() - self.t0) * 1000.0

    def left_s(self) -> float:
        """Seconds until its time is over."""
        return max(0.0, self.deadline - perf_counter())

    def abort(self) -> None:
        """Stops it: the connection is closed, `done` is called soon with class `reset`. Harmless when it is over."""
        if self._done is not None:
            self._owner.loop.call_soon(self.fail, "reset", STOPPED)

    def fail(self, error: ErrorClass, detail: str) -> None:
        """Ends it with an error class. Harmless when it is over."""
        if self._done is None:
            return
        if self.dial is not None:
            self.dial.cancel()
        if self.connection is not None:
            self.connection.let_go()
        self.end(None, (), b"", False, error, detail)

    def end(
        self, status: int | None, headers: tuple[tuple[str, str], ...], body: bytes, cut: bool, error: ErrorClass, detail: str
    ) -> None:
        """Ends it and tells its owner's caller, once."""
        done, self._done = self._done, None
        if done is None:
            return
        self.connection = None
        self.payload = b""
        outcome = Outcome(
            started_at_ms=self.started_at_ms,
            status=status,
            headers=headers,
            body=body,
            body_cut=cut,
            error=error,
            detail=detail,
            address=self.address,
            reused=self.reused,
            dns_ms=self.dns_ms,
            connect_ms=self.connect_ms,
            tls_ms=self.tls_ms,
            first_byte_ms=self.first_byte_ms,
            total_ms=(perf_counter() - self.t0) * 1000.0,
        )
        try:
            done(outcome)
        except Exception as error_in_done:  # the callback is not ours, and the connection must live on
            self._owner.loop.call_exception_handler({"message": "a sender's callback failed", "exception": error_in_done})
