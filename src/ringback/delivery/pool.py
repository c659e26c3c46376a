"""Connections that are kept: per endpoint, origin, account and trust, to an address that is vetted now.

A route never lends a connection to another endpoint, and lends none whose address is no longer among the name's vetted addresses:
a pin that the pool could bypass would be none. The number of idle connections and the memory that they hold are capped over all
routes; the one that has been idle longest goes first.
"""

from collections import OrderedDict

from ringback.delivery.exchange import Connection
from ringback.delivery.route import Route, RouteKey
from ringback.delivery.shares import Shares


class Pool:
    """The routes and the idle connections. Not thread-safe."""

    def __init__(self, max_idle: int, max_idle_bytes: int) -> None:
        self._max_idle = max_idle
        self._max_bytes = max_idle_bytes
        self._routes: dict[RouteKey, Route] = {}
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._bytes = 0
        self.shares = Shares(max_idle, max_idle_bytes)
        """How many requests each endpoint may have in flight, as far as connections are concerned."""

    @property
    def idle(self) -> int:
        """How many connections wait for work."""
        return len(self._idle)

    @property
    def routes(self) -> int:
        """How many routes have connections or dials."""
        return len(self._routes)

    def find(self, key: RouteKey) -> Route | None:
        """The route of (endpoint, origin, account, trust) if it is in use."""
        return self._routes.get(key)

    def enter(self, route: Route) -> None:
        """A connection or a dial of this route begins."""
        route.users += 1
        self.shares.enter(route.key[0], route.weight)
        self._routes.setdefault(route.key, route)

    def leave(self, route: Route) -> None:
        """A connection or a dial of this route is over."""
        route.users -= 1
        self.shares.leave(route.key[0], route.weight)
        if route.users == 0 and self._routes.get(route.key) is route:
            del self._routes[route.key]

    def opened(self, connection: Connection) -> None:
        """A connection exists."""
        self.enter(connection.route)
        self.shares.opened(connection.route.key[0])

    def lost(self, connection: Connection) -> None:
        """A connection is gone, idle or not."""
        self.forget(connection)
        self.leave(connection.route)
        self.shares.lost(connection.route.key[0])

    def vet(self, route: Route, addresses: tuple[str, ...]) -> None:
        """The guard has passed these addresses for the route: what is connected elsewhere is closed."""
        if route.vetted is addresses:
            return
        route.vetted = addresses
        for connection in [kept for kept in route.idle if kept.address not in addresses]:
            self.forget(connection)
            connection.close()

    def refuse(self, route: Route) -> None:
        """The guard has refused the route's addresses: nothing stays open."""
        self.vet(route, ())
        route.vetted = None

    def take(self, route: Route) -> Connection | None:
        """The connection that was used last: the least likely to have been closed by the receiver."""
        while route.idle:
            connection = route.idle.pop()
            del self._idle[connection]
            self._bytes -= route.weight
            if connection.usable():
                return connection
        return None

    def give_back(self, connection: Connection) -> None:
        """Keeps a connection for later, or closes it where its address is no longer vetted."""
        route = connection.route
        if route.vetted is None or connection.address not in route.vetted:
            connection.close()
            return
        route.idle.append(connection)
        self._idle[connection] = None
        self._bytes += route.weight
        while len(self._idle) > self._max_idle or self._bytes > self._max_bytes:
            oldest = next(iter(self._idle))
            self.forget(oldest)
            oldest.close()

    def forget(self, connection: Connection) -> None:
        """An idle connection is gone. Harmless for one that is not idle."""
        if connection in self._idle:
            del self._idle[connection]
            self._bytes -= connection.route.weight
            connection.route.idle.remove(connection)
