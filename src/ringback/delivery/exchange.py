"""One HTTP/1.1 exchange, and the connection that carries one after the other.

Callback style on httptools (llhttp): a request on a kept connection costs no task and no future. The parser's callbacks only note
what came; an exchange is finished after `feed_data` has returned, so that bytes of a second, unasked answer in the same packet
can never complete the next exchange: they end the connection instead. Pitfalls of the parser that are handled here: a 1xx answer
completes a message; a body that ends with the connection never does; headers have no bound of their own.
"""

import asyncio
import ssl
from time import perf_counter
from typing import cast

import httptools

from ringback.delivery.body import Body
from ringback.delivery.route import Route
from ringback.delivery.sending import STOPPED, Owner, Sending
from ringback.delivery.tls import classify
from ringback.webhooks.model import ErrorClass

# A kept connection that ends later than this after our write was not closed as we wrote: the receiver has had our request for
# longer than any round trip takes, so it may well have acted on it.
_STALE_S = 1.0
# uvloop's timers may fire up to a millisecond early.
_EARLY_S = 0.0015
# What a status line counts against the cap of the head.
_STATUS_LINE_BYTES = 16
_NO_BODY = frozenset((204, 304))
_TELLING_LENGTHS = frozenset(map(len, ("content-encoding", "content-length", "transfer-encoding")))
"""Of the names of headers that tell how the body is to be read."""


class _Stop(Exception):
    """Stops the parser from within a callback; `_stopped` says why."""


class Connection(asyncio.Protocol):
    """One connection to a vetted address; asyncio's protocol and the parser's at once. Made for its first exchange."""

    __slots__ = (
        "_body",
        "_by_close",
        "_complete",
        "_deadline",
        "_got",
        "_head",
        "_headers",
        "_in_body",
        "_keep",
        "_max_body",
        "_max_head",
        "_owner",
        "_parser",
        "_raw_head",
        "_sending",
        "_status",
        "_stopped",
        "_timer",
        "_timer_at",
        "_transport",
        "address",
        "route",
    )

    def __init__(self, owner: Owner, route: Route, address: str, sending: Sending) -> None:
        self._owner = owner
        self.route = route
        self.address = address
        self._sending: Sending | None = sending
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._max_head = owner.settings.max_head_bytes
        self._max_body = owner.settings.max_response_bytes
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._deadline = 0.0
        self._reset()

    def _reset(self) -> None:
        self._got = False
        self._stopped: tuple[ErrorClass, str] | None = None
        self._head = 0
        self._raw_head = 0
        self._body = Body(self._max_body)
        self._headers: list[tuple[str, str]] = []
        self._status = 0
        self._in_body = False
        self._by_close = False
        self._complete = False
        self._keep = False

    # For the sender and the pool

    def usable(self) -> bool:
        """False once it is closing."""
        return self._transport is not None and not self._transport.is_closing()

    def start(self, sending: Sending) -> None:
        """Sends a request on this kept connection."""
        self._sending = sending
        sending.reused = True
        self._write(sending)

    def let_go(self) -> None:
        """Cuts the connection without a word to its exchange."""
        self._sending = None
        self.abort()

    def close(self) -> None:
        """Closes the connection; what is under way on it ends with class `reset`."""
        if self._transport is not None:
            self._transport.close()

    def stop(self) -> None:
        """Closes the connection; an exchange under way ends as one that was stopped."""
        if self._sending is not None:
            self._sending.fail("reset", STOPPED)
        self.close()

    def abort(self) -> None:
        """Cuts the connection, without TLS' farewell."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and TLS is up: the request goes out before anything else can happen."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._parser = httptools.HttpResponseParser(self)
        self._owner.opened(self)
        sending = self._sending
        if sending is None or sending.over:
            self.let_go()
            return
        if self.route.origin.tls:
            sending.tls_ms = sending.elapsed_ms()
        self._write(sending)

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer, or of something that nobody asked for."""
        sending = self._sending
        if sending is None or self._parser is None:
            self.close()
            return
        if not self._got:
            self._got = True
            sending.first_byte_ms = (perf_counter() - sending.t0) * 1000.0
        try:
            self._parser.feed_data(data)
        except Exception as error:  # httptools' own, or what a callback raised
            self._keep = False
            if not (self._complete or self._body.cut):
                self._fail(*(self._stopped or ("protocol", f"not HTTP/1.1: {error or type(error).__name__}")))
                return
        if self._complete:
            self._finish()
        elif self._body.cut:
            self._keep = False
            self._finish()
        elif not self._in_body:
            self._raw_head += len(data)
            if self._raw_head > self._max_head:
                self._fail(*self._head_too_large())

    def eof_received(self) -> None:
        """The receiver says no more: a body without a length ends so."""
        if self._sending is not None and self._in_body and self._by_close:
            self._keep = False
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """Over, by whomever. Harmless when it never began, or is known."""
        if self._transport is None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sending is not None:
            self._broken_off(exc)
        self._transport = None
        self._parser = None
        self._owner.lost(self)

    # The parser's callbacks: they note, nothing more

    def on_message_begin(self) -> None:
        """A message begins. A second one after a whole answer was not asked for."""
        if self._complete:
            self._keep = False
            raise _Stop

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer (counted, and left out)."""
        self._head += len(name) + len(value) + 4
        if self._head > self._max_head:
            self._stopped = self._head_too_large()
            raise _Stop
        if not self._in_body:
            self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The head is whole: of the answer, or of a 1xx before it."""
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                # We never ask for an upgrade, so what follows a 101 is nothing that we speak.
                self._stopped = ("protocol", f"an answer of status {status} was not asked for")
                raise _Stop
            self._headers = []
            self._head += _STATUS_LINE_BYTES
            return
        self._status = status
        self._in_body = True
        coding = ""
        self._by_close = status not in _NO_BODY
        for name, value in self._headers:
            if len(name) not in _TELLING_LENGTHS:
                continue
            lower = name.lower()
            if lower == "content-encoding":
                coding = value
            elif lower == "content-length" or (lower == "transfer-encoding" and value.lower().endswith("chunked")):
                self._by_close = False
        if coding:
            self._body = Body(self._max_body, coding)

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self._body.feed(data)

    def on_message_complete(self) -> None:
        """The message is whole; of a 1xx nobody takes notice. Only here does the parser know whether the connection may be kept."""
        if self._in_body:
            assert self._parser is not None
            self._complete = True
            self._keep = self._parser.should_keep_alive()

    # Inside

    def _write(self, sending: Sending) -> None:
        sending.connection = self
        sending.address = self.address
        # The dial is done with, though its task has not been told: to cancel it now would tear the connection down.
        sending.dial = None
        sending.written_at = perf_counter()
        self._wake_at(sending.deadline)
        try:
            assert self._transport is not None
            self._transport.write(sending.payload)
        except Exception as error:  # uvloop raises on a closed transport where asyncio only warns
            self._broken_off(error)

    def _finish(self) -> None:
        """A whole answer came, or as much of it as we want."""
        sending, self._sending = self._sending, None
        assert sending is not None
        status, headers, body, whole = self._status, tuple(self._headers), self._body, self._complete
        transport = self._transport
        # A request that was answered before it was sent whole leaves a connection in no known state.
        if self._keep and transport is not None and not transport.is_closing() and transport.get_write_buffer_size() == 0:
            # An idle connection holds nothing of the answer that it brought.
            self._reset()
            self._wake_at(perf_counter() + self._owner.settings.idle_s)
            self._owner.idle(self)
        elif whole:
            self.close()
        else:
            # More was to come: a receiver that never stops would not answer a farewell either.
            self.abort()
        sending.end(status, headers, body.text(), body.cut, "", "")

    def _head_too_large(self) -> tuple[ErrorClass, str]:
        return "too_large", f"the answer's head is larger than {self._max_head} bytes"

    def _fail(self, error: ErrorClass, detail: str) -> None:
        sending, self._sending = self._sending, None
        self.abort()
        if sending is not None:
            sending.connection = None
            sending.fail(error, detail)

    def _broken_off(self, exc: BaseException | None) -> None:
        """The connection ended before its exchange did."""
        sending = self._sending
        if sending is None:
            return
        if exc is None and self._in_body and self._by_close:
            self._keep = False
            self._finish()
        elif sending.reused and not self._got and not sending.again and perf_counter() - sending.written_at < _STALE_S:
            self._sending = None
            self.close()
            sending.connection = None
            sending.again = True
            sending.reused = False
            self._owner.dial_again(sending)
        elif isinstance(exc, ssl.SSLError):
            self._fail(*classify(exc))
        elif isinstance(exc, TimeoutError):
            self._fail("timeout", "no answer came in time")
        elif self._got:
            seen = f" (status {self._status})" if self._status else ""
            self._fail("reset", f"the connection broke off in the middle of the answer{seen}")
        else:
            self._fail("reset", "the connection was closed before an answer came")

    def _wake_at(self, deadline: float) -> None:
        """One timer per connection, moved only when it would ring too late: exchanges that end in time never touch it."""
        self._deadline = deadline
        if self._timer is None or deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = deadline
            self._timer = self._owner.loop.call_later(max(0.0, deadline - perf_counter()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        if perf_counter() < self._deadline - _EARLY_S:
            self._wake_at(self._deadline)
        elif self._sending is None:
            self.close()
        else:
            seen = "no answer came" if not self._got else "the answer was not whole"
            self._fail("timeout", f"{seen} in time")
