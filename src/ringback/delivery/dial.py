"""From an origin to a connection: resolve, vet, connect, tunnel, TLS. The slow path, one task per dial.

The guard sees every address before anything is dialled, and the address that the socket is really connected to before a byte is
sent, so that neither a name that changes in between nor a redirecting network can lead a request astray. Host and SNI stay the
URL's.
"""

import asyncio
import socket
from contextlib import suppress

from ringback.delivery.addresses import read_literal
from ringback.delivery.egress import SenderSettings
from ringback.delivery.exchange import Connection
from ringback.delivery.guard import Guard
from ringback.delivery.proxy import Proxy, ProxyFailed, open_tunnel, read_proxy
from ringback.delivery.resolver import Resolver, Unresolved
from ringback.delivery.route import Route
from ringback.delivery.sending import Owner, Sending
from ringback.delivery.tls import Trusts, classify
from ringback.errors import BadSettings, Blocked
from ringback.webhooks.model import ErrorClass

# How long TLS' farewell may take; a receiver that does not answer it loses nothing.
_FAREWELL_S = 1.0


class DialFailed(Exception):
    """No connection, with the error class and one line."""

    def __init__(self, error: ErrorClass, detail: str) -> None:
        super().__init__(detail)
        self.error: ErrorClass = error


class Dialer:
    """Opens connections as the settings say. Raises BadSettings when made with a proxy or a source address that cannot be read."""

    def __init__(self, settings: SenderSettings, guard: Guard, resolver: Resolver, loop: asyncio.AbstractEventLoop) -> None:
        self._guard = guard
        self._resolver = resolver
        self._loop = loop
        self._trusts = Trusts(settings.ca_file)
        self._proxy = None if settings.proxy is None else read_proxy(settings.proxy)
        self._source = settings.source_address
        self._source_family: int | None = None
        if self._source is not None:
            with suppress(ValueError):
                self._source_family = _family(self._source)
            if self._source_family is None:
                raise BadSettings("source-address: an IP address of this machine")

    async def addresses(self, route: Route, sending: Sending) -> tuple[str, ...]:
        """Where the route's origin is, all of it passed by the guard. Raises DialFailed (`dns`, `connect_timeout`, `blocked`)."""
        origin = route.origin
        if origin.literal is not None:
            found: tuple[str, ...] = route.vetted or (origin.literal,)
        else:
            asked = self._resolver.cached(origin.host) is None
            found = await self._resolve(origin.host)
            if asked:
                sending.dns_ms = sending.elapsed_ms()
        if found is not route.vetted:
            try:
                self._guard.check_addresses(found, origin.port, route.account)
            except Blocked as refused:
                raise DialFailed("blocked", str(refused)) from None
        return found

    async def connect(self, owner: Owner, route: Route, addresses: tuple[str, ...], sending: Sending, timeout_s: float) -> None:
        """Connects to the first address that answers; the connection starts `sending` by itself. Each address has its share of
        `timeout_s`, so that one that swallows packets does not cost the others their turn. Raises DialFailed."""
        ends_at = self._loop.time() + timeout_s
        failed = DialFailed("connect", "no address can be reached from the source address")
        for index, address in enumerate(addresses):
            share_s = max(0.0, ends_at - self._loop.time()) / (len(addresses) - index)
            try:
                async with asyncio.timeout(share_s):
                    sock = await self._reach(address, route.origin.port)
                    sending.address = address
                    sending.connect_ms = sending.elapsed_ms()
                    await self._open(owner, route, address, sending, sock)
                return
            except TimeoutError:
                failed = DialFailed("connect_timeout", f"no connection to {address} port {route.origin.port} in time")
            except ProxyFailed as error:
                raise DialFailed("proxy", str(error)) from None
            except OSError as error:
                failed = DialFailed("connect", f"no connection to {address} port {route.origin.port}: {error.strerror or error}")
        raise failed

    async def _resolve(self, host: str) -> tuple[str, ...]:
        try:
            return await self._resolver.resolve(host)
        except Unresolved as error:
            raise DialFailed("connect_timeout" if error.timed_out else "dns", f"{host}: {error}") from None

    async def _reach(self, address: str, port: int) -> socket.socket:
        """A connected socket to that address, through the proxy if there is one. Raises OSError, ProxyFailed, DialFailed."""
        if self._proxy is not None:
            return await self._tunnel(self._proxy, address, port)
        sock = await self._tcp(address, port)
        peer = sock.getpeername()[0]
        if read_literal(peer) != read_literal(address):
            sock.close()
            raise DialFailed("blocked", f"connected to {peer} instead of {address}")
        return sock

    async def _tunnel(self, proxy: Proxy, address: str, port: int) -> socket.socket:
        try:
            at = proxy.host if read_literal(proxy.host) is not None else (await self._resolver.resolve(proxy.host))[0]
            sock = await self._tcp(at, proxy.port)
        except Unresolved as error:
            raise ProxyFailed(f"the proxy's name: {error}") from None
        except OSError as error:
            raise ProxyFailed(f"the proxy cannot be reached: {error.strerror or error}") from None
        try:
            await open_tunnel(self._loop, sock, proxy, address, port)
        except BaseException:
            sock.close()
            raise
        return sock

    async def _tcp(self, address: str, port: int) -> socket.socket:
        family = _family(address)
        if self._source_family not in (None, family):
            raise OSError("the source address is of the other family")
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if self._source is not None:
                sock.bind((self._source, 0))
            await self._loop.sock_connect(sock, (address, port))
        except BaseException:
            sock.close()
            raise
        return sock

    async def _open(self, owner: Owner, route: Route, address: str, sending: Sending, sock: socket.socket) -> None:
        """Hands the socket to a Connection, after TLS where the URL wants it. Raises DialFailed (`tls`, `certificate`)."""
        origin = route.origin

        connection = Connection(owner, route, address, sending)
        try:
            context = self._trusts.context(route.ca_pem) if origin.tls else None
        except OSError:
            sock.close()
            whose = "operator" if route.ca_pem is None else "endpoint"
            raise DialFailed("tls", f"the {whose}'s own certificates cannot be read") from None
        try:
            if context is None:
                await self._loop.create_connection(lambda: connection, sock=sock)
                return
            await self._loop.create_connection(
                lambda: connection, sock=sock, ssl=context, server_hostname=origin.host, ssl_shutdown_timeout=_FAREWELL_S
            )
        except BaseException as error:
            # Out of time between connection_made and here: uvloop drops the transport without a word to its protocol.
            connection.connection_lost(TimeoutError())
            if context is None or isinstance(error, TimeoutError) or not isinstance(error, OSError):
                raise
            raise DialFailed(*classify(error)) from None


def _family(address: str) -> int:
    """AF_INET or AF_INET6. Raises ValueError for what is no address."""
    literal = read_literal(address)
    if literal is None:
        raise ValueError(address)
    return socket.AF_INET if literal.version == 4 else socket.AF_INET6
