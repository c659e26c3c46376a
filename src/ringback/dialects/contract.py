"""What a dialect is: how one platform writes an event as an HTTP request, and which rules it keeps.

A dialect is a module-level object that satisfies `Dialect`; a package may add one by the entry point `ringback.dialects`.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from ringback.calls.directory import Place
from ringback.calls.model import Event
from ringback.webhooks.model import Delivery, Endpoint, Method, Order, RetryPolicy


class Fact(NamedTuple):
    """One row of the docs' table "documented, inferred, ours". Each dialect module holds a tuple of them named `FACTS`.

    `topic` names the rule in a few words; `mark` says how well it stands: `documented` by the platform, `inferred` from its samples
    or from what integrators rely on, or `ours` where it is silent and we chose; `how` is what we do, in one sentence.
    """

    topic: str
    mark: Literal["documented", "inferred", "ours"]
    how: str


class HttpRequest(Struct, frozen=True, gc=False):
    """One request, exactly as it goes out. `url` is absolute with its query. `headers` are those that the dialect sets (never Host,
    Content-Length, User-Agent, Connection: the sender's own); names as they are written on the wire."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


class Dialect(Protocol):
    """One platform's way. All methods are pure: time and identity come in as arguments."""

    name: str
    """The word in an endpoint's `dialect`."""
    events: tuple[str, ...]
    """Every event name that a person may choose, in the platform's own words."""
    filter_keys: frozenset[str]
    """The filter keys that an endpoint of this dialect may carry."""
    methods: tuple[Method, ...]
    """HTTP methods that an endpoint may choose; the first is the default."""
    default_order: Order
    retry: RetryPolicy
    timeout_s: float
    """Total time for one attempt, connect included."""

    def event_name(self, event: Event, place: Place) -> str | None:
        """The platform's name for this event, or None if it has none (then nothing is sent, and `why_not` says why)."""
        ...

    def why_not(self, event: Event, place: Place) -> str:
        """Why the platform has no name for this event: one short sentence for the account's owner; empty if it has one."""
        ...

    def filter_value(self, key: str, event: Event, place: Place) -> str | None:
        """The value that a filter of that key is compared with (case-sensitively); None matches no filter."""
        ...

    def check_endpoint(self, endpoint: Endpoint, *, allow_http: bool, allow_network: bool) -> None:
        """The platform's own rules for an endpoint (URL pattern, filters, method, secret's form).

        Raises InvalidInput with the field's path. `allow_http` and `allow_network` lift the platform's URL rules as far as they go.
        """
        ...

    def new_secret(self, random_bytes: bytes) -> str | None:
        """The secret for an endpoint that was made without one, from 32 random bytes; None: it stays unsigned."""
        ...

    def hold_until_ms(self, event: Event, endpoint: Endpoint) -> int | None:
        """When a delivery that waits for announced facts is due at the latest; None: it does not wait."""
        ...

    def complete(self, root_now: Event) -> bool:
        """For a held delivery: True if the facts that it waited for are all there (root_now carries the call as it is now)."""
        ...

    def render(self, event: Event, endpoint: Endpoint, delivery: Delivery, place: Place, now_ms: int) -> HttpRequest:
        """The request for one attempt. `delivery.attempts` tells retries from first tries; a retry that must keep its signature
        uses `delivery.signed_at_s`, a first try signs at `now_ms`. Deterministic: same arguments, same bytes."""
        ...

    def succeeded(self, status: int) -> bool:
        """Does this HTTP status count as delivered?"""
        ...

    def samples(self) -> Mapping[str, Event]:
        """A sample event per event name: the vendor's static test values where it has them. Times are to be replaced by the
        caller where the vendor says `now`."""
        ...
