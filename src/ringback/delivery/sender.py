"""The sender: one HTTP request to one receiver, bounded in time and size, ending in exactly one Outcome.

send ──▶ kept connection ───────────────▶ exchange ──▶ done(Outcome)
  └────▶ resolve ─▶ guard ─▶ connect ─▶ TLS ──┘
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ringback.delivery.addresses import AllowedNetwork, read_allowed_network
from ringback.delivery.dial import Dialer, DialFailed
from ringback.delivery.egress import SenderSettings
from ringback.delivery.exchange import Connection
from ringback.delivery.guard import Guard, check_url
from ringback.delivery.head import Headers, check_headers, check_user_agent, fixed_block, logged_headers, request_bytes
from ringback.delivery.pool import Pool
from ringback.delivery.resolver import Resolver
from ringback.delivery.route import Route, RouteKey
from ringback.delivery.sending import STOPPED, Sending
from ringback.delivery.target import Origin, read_origin, split_url
from ringback.delivery.tls import check_ca_pem
from ringback.dialects.contract import HttpRequest
from ringback.errors import Blocked, InvalidInput
from ringback.webhooks.model import ErrorClass, Outcome

__all__ = [
    "AllowedNetwork",
    "Resolver",
    "Sender",
    "SenderSettings",
    "Sending",
    "check_ca_pem",
    "check_headers",
    "check_url",
    "read_allowed_network",
]

# How long close waits for farewells before it cuts.
_CLOSE_S = 1.0


class Sender:
    """Sends requests over connections of its own. Everything happens on one loop; nothing here is thread-safe."""

    def __init__(self, settings: SenderSettings, loop: asyncio.AbstractEventLoop, resolver: Resolver | None = None) -> None:
        """A resolver that is given stays the giver's to close. Raises BadSettings for settings that do not hold together."""
        check_user_agent(settings.user_agent)
        self.settings = settings
        self.loop = loop
        self._owns_resolver = resolver is None
        self._resolver = resolver or Resolver(loop, give_up_s=settings.connect_timeout_s)
        self._guard = Guard(settings)
        self._dialer = Dialer(settings, self._guard, self._resolver, loop)
        self._pool = Pool(settings.max_idle, settings.max_idle_bytes)
        self._connections: set[Connection] = set()
        self._dials: set[asyncio.Task[None]] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        self._closed = False

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
        ca_pem: str | None = None,
        connect_timeout_s: float | None = None,
    ) -> Sending:
        """Sends `request` for endpoint `key` of `account`, with its credentials (`user:pass`) and its own extra headers. `ca_pem`:
        the certificates that are trusted instead of the system's. `connect_timeout_s`: instead of the settings'.

        `done` is called once, always, later on the loop; `timeout_s` bounds everything up to the last byte of the answer. Never
        raises: a request that cannot be made ends with class `request`, a forbidden one with `blocked`. Redirects are answers
        like any other.
        """
        sending = Sending(self, done, timeout_s, connect_timeout_s)
        try:
            route = self._prepare(sending, request, (key, account, ca_pem), basic, headers)
        except InvalidInput as error:
            self._fail_soon(sending, "request", str(error))
        except Blocked as error:
            self._fail_soon(sending, "blocked", str(error))
        except Exception as error:  # a caller must never lose its place to one request
            self._fail_soon(sending, "request", f"the request could not be made: {type(error).__name__}")
        else:
            if self._closed or not self._start_kept(route, sending):
                self._dial(route, sending)
        return sending

    def sent_headers(self, request: HttpRequest, basic: str | None, headers: Headers) -> Headers:
        """The request's headers in the order of the wire, for the log: credentials and what looks like a secret are masked."""
        try:
            authority = read_origin(split_url(request.url)[0]).authority
        except InvalidInput:
            authority = ""
        return logged_headers(request, authority, self.settings.user_agent, headers, basic)

    def share(self, key: int) -> int | None:
        """How many requests endpoint `key` may have in flight, at least two: more would be connections that are dialled for one
        request and closed again. None: there is room for any number."""
        return self._pool.shares.of(key)

    def gauges(self) -> dict[str, int]:
        """How much is open now: connections, those of them that are idle, and routes."""
        return {"connections": len(self._connections), "idle": self._pool.idle, "routes": self._pool.routes}

    async def close(self) -> None:
        """Stops everything: what is under way ends with class `reset`, connections are closed, threads ended."""
        self._closed = True
        dials = list(self._dials)
        for dial in dials:
            dial.cancel()
        await asyncio.gather(*dials, return_exceptions=True)
        for farewell in (Connection.stop, Connection.abort):
            for connection in list(self._connections):
                farewell(connection)
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._all_gone.wait()
        if self._owns_resolver:
            await self._resolver.close()

    # What exchanges ask of their owner (exchange.Owner)

    def opened(self, connection: Connection) -> None:
        """A connection exists."""
        self._connections.add(connection)
        self._all_gone.clear()
        self._pool.opened(connection)

    def idle(self, connection: Connection) -> None:
        """A connection has done its exchange and may do another."""
        self._pool.give_back(connection)

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()
        self._pool.lost(connection)

    def dial_again(self, sending: Sending) -> None:
        """A kept connection was closed as we wrote: a fresh one is needed."""
        assert sending.route is not None
        self._dial(sending.route, sending)

    # Inside

    def _prepare(
        self, sending: Sending, request: HttpRequest, whose: tuple[int, str, str | None], basic: str | None, headers: Headers
    ) -> Route:
        """The route, and the request's bytes in `sending`. `whose`: endpoint, account, trust. Raises InvalidInput, Blocked."""
        if len(request.body) > self.settings.max_request_bytes:
            raise InvalidInput(f"the request's body is larger than {self.settings.max_request_bytes} bytes", "body")
        origin, target = split_url(request.url)
        key = (whose[0], origin, whose[1], whose[2])
        route = self._pool.find(key)
        if route is None:
            route = self._new_route(key, read_origin(origin))
        if route.headers is not headers or route.basic is not basic:
            route.fixed = fixed_block(route.origin.authority, self.settings.user_agent, headers, basic)
            route.headers, route.basic = headers, basic
        sending.route = route
        sending.payload = request_bytes(request, target, route.fixed)
        return route

    def _new_route(self, key: RouteKey, origin: Origin) -> Route:
        self._guard.check_scheme(origin.scheme)
        route = Route(key, origin)
        if origin.literal is not None:
            self._guard.check_addresses((origin.literal,), origin.port, route.account)
            route.vetted = (origin.literal,)
        return route

    def _start_kept(self, route: Route, sending: Sending) -> bool:
        """Sends on an idle connection to an address that is vetted now, if there is one."""
        if not route.idle or (route.origin.literal is None and self._resolver.cached(route.origin.host) is not route.vetted):
            return False
        connection = self._pool.take(route)
        if connection is None:
            return False
        connection.start(sending)
        return True

    def _dial(self, route: Route, sending: Sending) -> None:
        if self._closed:
            self._fail_soon(sending, "reset", STOPPED)
            return
        self._pool.enter(route)
        sending.dial = dial = self.loop.create_task(self._dialled(route, sending))
        self._dials.add(dial)
        dial.add_done_callback(partial(self._dial_over, route, sending))

    async def _dialled(self, route: Route, sending: Sending) -> None:
        """One dial from name to connection, within the connect time-out and the total. Raises nothing but CancelledError."""
        timeout_s = min(sending.connect_timeout_s or self.settings.connect_timeout_s, sending.left_s())
        ends_at = self.loop.time() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                addresses = await self._dialer.addresses(route, sending)
                self._pool.vet(route, addresses)
                if sending.again or not self._start_kept(route, sending):
                    await self._dialer.connect(self, route, addresses, sending, ends_at - self.loop.time())
        except DialFailed as failed:
            if failed.error == "blocked":
                self._pool.refuse(route)
            sending.fail(failed.error, str(failed))
        except TimeoutError:
            sending.fail("connect_timeout", f"no connection to {route.origin.host} in time")
        except Exception as unforeseen:  # nothing may leave a sending without its end
            self.loop.call_exception_handler({"message": "a dial failed", "exception": unforeseen})
            sending.fail("connect", f"no connection to {route.origin.host}")

    def _dial_over(self, route: Route, sending: Sending, dial: "asyncio.Task[None]") -> None:
        """Called for every dial, even one that was cancelled before it began."""
        self._dials.discard(dial)
        self._pool.leave(route)
        if sending.dial is dial:
            sending.dial = None
            sending.fail("reset", STOPPED)

    def _fail_soon(self, sending: Sending, error: ErrorClass, detail: str) -> None:
        self.loop.call_soon(sending.fail, error, detail)
