"""`POST /v1/events` served in front of the framework: uvicorn's HTTP protocol with that one route taken out of the ASGI path.

What costs at intake is per-request framework work (PERFORMANCE.md §2), so this route has none: no scope, no task, no coroutine. All
other requests, and events that are pipelined behind another request, take the ordinary way to the same door. It leans on uvicorn's
`HttpToolsProtocol`; the version is pinned and tests/scenario/test_intake_http.py holds it.
"""

from asyncio import Transport
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ringback import problems
from ringback.errors import TooLarge
from ringback.intake.door import Door, Reply, refusal

PATH = b"/v1/events"
_REASONS = {
    202: b"Accepted",
    401: b"Unauthorized",
    403: b"Forbidden",
    413: b"Content Too Large",
    422: b"Unprocessable Content",
    429: b"Too Many Requests",
    500: b"Internal Server Error",
    503: b"Service Unavailable",
}
_HEADS = {
    status: b"HTTP/1.1 " + str(status).encode() + b" " + reason + b"\r\ncontent-type: " for status, reason in _REASONS.items()
}


_OFFERS = (b"upgrade", b"http2-settings")


class _Event:
    """Stands where uvicorn keeps the event that wakes a request's coroutine; there is none here."""

    def set(self) -> None:
        """Nothing waits."""


class _HotCycle:
    """One request on the fast path, with the attributes that uvicorn's protocol looks at."""

    __slots__ = ("body", "disconnected", "hot", "keep_alive", "message_event", "more_body", "response_complete")

    def __init__(self, keep_alive: bool) -> None:
        self.body = bytearray()
        self.keep_alive = keep_alive
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        self.message_event = _Event()


class HotProtocol(HttpToolsProtocol):
    """See the module. `door` is set on a subclass by the server."""

    door: Door
    _used_at = 0.0
    _offered = False
    """Is the request that is being read an offer to speak another protocol?"""

    # Keep-alive: one timer a connection that looks when it was last used, instead of one made and cancelled for every request.
    def _unset_keepalive_if_required(self) -> None:
        self._used_at = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """Closes the connection if it was idle long enough, else looks again when that may be."""
        self.timeout_keep_alive_task = None
        if self.transport.is_closing():
            return
        left_s = self._used_at + self.timeout_keep_alive - self.loop.time()
        if self.cycle is not None and not self.cycle.response_complete:
            left_s = self.timeout_keep_alive
        if left_s <= 0:
            self.transport.close()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        """After a response: what is pipelined goes on, else the connection waits."""
        if self.pipeline or self.timeout_keep_alive_task is None:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self._used_at = self.loop.time()
            self.flow.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and its timer with it."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def data_received(self, data: bytes) -> None:
        """Reads on. A client that offers another protocol with its request (Java's offers HTTP/2) is answered in this one, as
        RFC 9110 §7.8 allows."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP, by a problem document too, and closes. Whose API was meant is not known."""
        body = problems.encode(problems.problem(400, msg))
        own = b"".join(b"%b: %b\r\n" % pair for pair in self.server_state.default_headers)
        head = b"HTTP/1.1 400 Bad Request\r\n%bcontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (own, problems.CONTENT_TYPE.encode(), len(body)) + body)
        self.transport.close()

    def _decline(self, rest: bytes) -> None:
        """Reads the request once more without its offer: the parser takes what follows the headers for the other protocol."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.send_400_response("No tunnels here.")
            return
        lines = [b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                kept = b",".join(token for token in value.split(b",") if token.strip().lower() not in _OFFERS)
                lines.append(b"connection: %b" % kept)
            elif name not in _OFFERS:
                lines.append(b"%b: %b" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def on_message_begin(self) -> None:
        """Starts a request; the ASGI scope is only built if it is needed."""
        self._offered = False
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._hot: _HotCycle | None = None

    def on_headers_complete(self) -> None:
        """Chooses the way: fast if it is the events route and nothing is under way on this connection."""
        self._offered = self.parser.should_upgrade()
        if self._offered:
            return
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.url == PATH and self.parser.get_method() == b"POST":
            self._begin_hot()
            return
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)
        super().on_headers_complete()

    def _begin_hot(self) -> None:
        self._hot = cycle = _HotCycle(self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive())
        self.cycle: Any = cycle
        for name, value in self.headers:
            if name == b"content-length" and int(value) > self.door.max_body_bytes:
                self._refuse(cycle)
                return
        if self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Collects the body, up to the cap."""
        cycle = self._hot
        if cycle is None:
            super().on_body(body)
        elif not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > self.door.max_body_bytes:
                self._refuse(cycle)

    def _refuse(self, cycle: _HotCycle) -> None:
        """Answers without reading on; the connection ends, because the rest of the body would be taken for a request."""
        cycle.keep_alive = False
        self._reply(cycle, refusal(TooLarge(f"the body may have {self.door.max_body_bytes} bytes")))

    def on_message_complete(self) -> None:
        """Hands the body to the door; the answer comes when it is on disk."""
        if self._offered:
            return
        cycle = self._hot
        if cycle is None:
            super().on_message_complete()
            return
        if cycle.response_complete:
            return
        cycle.more_body = False
        authorization = content_type = b""
        for name, value in self.headers:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                content_type = value
        body = bytes(cycle.body)
        self.door.take(authorization, content_type.decode("latin-1"), body, lambda reply: self._reply(cycle, reply))

    def _reply(self, cycle: _HotCycle, reply: Reply) -> None:
        if cycle.response_complete:
            return
        cycle.response_complete = True
        transport: Transport = self.transport
        if cycle.disconnected or transport.is_closing():
            return
        tail = b"" if reply.retry_after_s is None else b"retry-after: %d\r\n" % reply.retry_after_s
        if not cycle.keep_alive:
            tail += b"connection: close\r\n"
        transport.write(
            b"%b%b\r\ncontent-length: %d\r\n%b\r\n%b"
            % (_HEADS[reply.status], reply.content_type.encode(), len(reply.body), tail, reply.body)
        )
        if cycle.keep_alive:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            transport.close()
