"""A route: one endpoint's way to one origin, with its connections and what is the same for all its requests."""

from typing import TYPE_CHECKING

from ringback.delivery.target import Origin

if TYPE_CHECKING:
    from ringback.delivery.exchange import Connection

RouteKey = tuple[int, str, str, str | None]
"""(endpoint, the origin as its URL writes it, account, the certificates that are trusted instead of the system's)"""

_PLAIN_BYTES = 8_000
_TLS_BYTES = 100_000


class Route:
    """Kept in the pool while it has connections or dials."""

    __slots__ = ("account", "basic", "ca_pem", "fixed", "headers", "idle", "key", "origin", "users", "vetted", "weight")

    def __init__(self, key: RouteKey, origin: Origin) -> None:
        self.key = key
        self.origin = origin
        self.account = key[2]
        self.ca_pem = key[3]
        self.idle: list[Connection] = []
        """Used last stands last."""
        self.users = 0
        """Connections and dials."""
        self.vetted: tuple[str, ...] | None = None
        """The addresses (the resolver's very tuple) that the guard has passed."""
        self.weight = _TLS_BYTES if origin.tls else _PLAIN_BYTES
        """What an idle connection costs in memory, in bytes; measured."""
        self.headers: tuple[tuple[str, str], ...] | None = None
        self.basic: str | None = None
        self.fixed = ""
        """What head.fixed_block made of `headers` and `basic`."""
