"""Endpoints, deliveries, attempts: the things that the delivery engine moves, as values.

Ids are `ringback.ids` numbers; people see `ep_…`, `dlv_…`, `evt_…`. Times are Unix milliseconds.
"""

from typing import Literal

from msgspec import Struct

Order = Literal["call", "strict", "none"]
Method = Literal["POST", "GET"]
State = Literal["pending", "sending", "succeeded", "retrying", "exhausted", "cancelled", "skipped"]
Kind = Literal["event", "resend", "test", "replay", "notice", "instruction"]
ErrorClass = Literal[
    "",  # an answer came and it counts as success
    "status",  # an answer came and it does not count as success
    "dns",  # the name did not resolve
    "blocked",  # the guard refused the address or the scheme
    "connect",  # refused, unreachable
    "connect_timeout",  # no connection in time (names that never resolve included)
    "tls",  # handshake failed
    "certificate",  # expired, wrong name, unknown issuer
    "reset",  # closed or reset before a whole answer came
    "timeout",  # connected, and no whole answer in time
    "protocol",  # what came is not HTTP/1.1
    "too_large",  # headers over the cap
    "proxy",  # the operator's own proxy failed or refused
    "request",  # the request could not be made (over the size cap, the dialect refused)
    "document",  # a whole answer came to an instruction request, and it is no VoXML document
]


class Filter(Struct, frozen=True, forbid_unknown_fields=True):
    """One wish of an endpoint: AND across keys, OR within one key."""

    key: str
    value: str


class Secret(Struct, frozen=True, kw_only=True):
    """One live secret, in clear, in memory only. `until_ms`: when an old one stops being used (None: current)."""

    value: str
    until_ms: int | None = None

    def __repr__(self) -> str:
        return "Secret(***)"


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an account wants events. `events` None: all that the dialect knows. `secrets`: newest first; empty: unsigned.

    `url` is the URL as configured, byte for byte, except that credentials were moved to `basic` (already `user:pass`).
    `hold_s`: how long Call.Complete may wait for announced facts. `headers` are the account's own extra headers; a bearer token is
    one of them. `omit_null` is VOC's switch: leave absent values out instead of sending them empty. `ca_pem`: the certificates that
    are trusted instead of the system's. `template` is Bird's, whose meaning is not published: kept and shown, no more.
    `only_replays`: made for one replay, it takes no events and stands in no list. `of_calls` (an `only_replays` too): made for what
    calls asked for, their requests in the log and their callbacks, and found again by its URL.
    """

    id: int
    account: str
    url: str
    dialect: str
    events: frozenset[str] | None = None
    filters: tuple[Filter, ...] = ()
    secrets: tuple[Secret, ...] = ()
    method: Method = "POST"
    order: Order = "call"
    description: str = ""
    enabled: bool = True
    hold_s: int = 30
    omit_null: bool = False
    basic: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    ca_pem: str | None = None
    template: str | None = None
    max_in_flight: int = 64
    rate_per_s: float | None = None
    only_replays: bool = False
    of_calls: bool = False
    created_at_ms: int = 0
    updated_at_ms: int = 0
    version: int = 0


class Delivery(Struct, frozen=True, kw_only=True, gc=False):
    """One event for one endpoint. `attempts` counts those that are over. `signed_at_s` is the moment of the first signature, for
    dialects that reuse it on every retry. `root` is the store's number of the conversation, for order. Of a `test` and a `notice`
    the event stands alone: it belongs to no call, and `root` is the event's own number."""

    id: int
    endpoint: int
    event: int
    root: int
    name: str
    kind: Kind = "event"
    state: State = "pending"
    attempts: int = 0
    next_at_ms: int = 0
    signed_at_s: int | None = None
    held: bool = False
    created_at_ms: int = 0
    job: int = 0
    """The bulk resend that made it, 0: none. Written with it, not read with it."""


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    """How one HTTP exchange ended. `error` is "" when a whole answer came (whatever its status), else an error class; `detail` one
    line in plain words, without secrets. Times are milliseconds from `started_at_ms` (float); None: not reached, or not needed
    because the connection was kept. `body` is decoded and cut at 64 KiB."""

    started_at_ms: int
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    body_cut: bool = False
    error: ErrorClass = ""
    detail: str = ""
    address: str | None = None
    reused: bool = False
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float = 0.0


class Decision(Struct, frozen=True, kw_only=True, gc=False):
    """What becomes of a delivery after an attempt. `disable`: the endpoint is to be disabled with notice (410, `standard`)."""

    state: State
    next_at_ms: int = 0
    disable: bool = False


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """When to try again. `delays_s[i]` is the wait after the (i+1)th failed attempt; after the last one it is given up.
    `jitter`: 0.2 means ±20 %. `retry_after`: honour Retry-After on 429 and 503 between the planned delay and twice that."""

    delays_s: tuple[float, ...]
    jitter: float = 0.0
    retry_after: bool = False
    gone_disables: bool = False
