"""What the operator decides about everything that leaves this machine."""

from msgspec import Struct

from ringback import __version__
from ringback.delivery.addresses import AllowedNetwork


class SenderSettings(Struct, frozen=True, kw_only=True):
    """Bounds and permissions of outgoing requests. Sizes are bytes, times seconds.

    `allow_http`: plain http too. `allow_networks` lift the guard. `refused_listeners`: (address, port) of Ringback's own
    listeners, its database and its switches, refused even where a network is allowed; an address of 0.0.0.0 or :: stands for
    every address of this machine. `connect_timeout_s` covers name, TCP and TLS. `max_response_bytes`: body kept after decoding;
    `max_head_bytes`: status lines and headers of an answer, 1xx included. Connections stay open for `idle_s`, at most `max_idle`
    of them, whose memory is estimated at `max_idle_bytes` at most. `source_address`: the local address to connect from. `proxy`:
    `http://user:pass@host:port`. `nat64_deny` refuses 64:ff9b::/96 as a whole. `ca_file`: certificates (PEM) that are trusted
    beside the system's.
    """

    allow_http: bool = False
    allow_networks: tuple[AllowedNetwork, ...] = ()
    refused_listeners: tuple[tuple[str, int], ...] = ()
    connect_timeout_s: float = 5.0
    max_response_bytes: int = 65_536
    max_head_bytes: int = 65_536
    max_request_bytes: int = 262_144
    idle_s: float = 60.0
    max_idle: int = 2_048
    max_idle_bytes: int = 100_000_000
    source_address: str | None = None
    proxy: str | None = None
    user_agent: str = f"Ringback/{__version__}"
    nat64_deny: bool = False
    ca_file: str | None = None
