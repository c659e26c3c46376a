"""What is written down: calls as the store keeps them, what one update came to, deliveries and their attempts.

The values that intake, delivery and store hand each other; none of the three knows the others.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from ringback.calls.model import Call, Event
from ringback.webhooks.model import Delivery, ErrorClass, Outcome
from ringback.webhooks.resends import BulkResend

CallKey = tuple[str, str]
"""(account UUID, the source's call id)"""


class StoredCall(Struct, frozen=True, gc=False):
    """A call and its number in the store. `root_n` is the number of its root leg (its own for a root)."""

    n: int
    root_n: int
    call: Call


class Loaded(Struct, frozen=True, gc=False):
    """`calls`: the latest generation of each call that exists. `seen`: for each update id that was taken before, the answer that
    was given then: (event id or 0 if it made none, call id)."""

    calls: Mapping[CallKey, StoredCall]
    seen: Mapping[CallKey, tuple[int, str]]


class Fold(Struct, frozen=True, kw_only=True, gc=False):
    """What one update came to: the unit that is committed or refused as a whole.

    `calls`: the new states (the leg, and its root if that moved); `call.version` is the version it was folded from, 0 for a new
    call; the store writes version + 1. `events` and `deliveries` are new rows. `update_id`: the dedupe key, if any.
    `release`: held deliveries of this root become due now.
    """

    account: str
    calls: tuple[StoredCall, ...]
    events: tuple[Event, ...]
    event_calls: tuple[tuple[int, int], ...]
    """(n, root_n) of each event's call, in the order of `events`."""
    deliveries: tuple[Delivery, ...]
    update_id: str | None = None
    call_id: str = ""
    release: tuple[int, ...] = ()
    """Delivery ids that are due at once."""


class Attempt(Struct, frozen=True, kw_only=True, gc=False):
    """One HTTP exchange for the log: the request as it was sent (secrets masked), and how it ended."""

    delivery: int
    number: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    outcome: Outcome


class Packed(Struct, frozen=True, gc=False):
    """An attempt on its way into the log: its bytes, so that the dozens of small values that it is made of are gone at once."""

    delivery: int
    number: int
    body: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Attempt).decode


def pack(attempt: Attempt) -> Packed:
    """For the log."""
    return Packed(attempt.delivery, attempt.number, _encode(attempt))


def unpack(body: bytes | msgspec.Raw) -> Attempt:
    """What `pack` made bytes of."""
    return _decode(body)


class Result(Struct, frozen=True, gc=False):
    """A delivery's new state (attempts, next_at_ms, state, signed_at_s are written) and what it ended with."""

    delivery: Delivery
    finished_at_ms: int
    status: int | None
    error: ErrorClass


class Batch(Struct, frozen=True, gc=False):
    """One group commit. `resends`: how far bulk resends have come with it (`cursor`, `made`, `unmade` are written)."""

    folds: Sequence[Fold] = ()
    results: Sequence[Result] = ()
    resends: Sequence[BulkResend] = ()


class Committed(Struct, frozen=True, gc=False):
    """`stale`: indices of folds whose calls moved meanwhile (fold again). `failed`: indices of folds that the store cannot take,
    with one line why. All other folds and all results are durable."""

    stale: tuple[int, ...] = ()
    failed: Mapping[int, str] = {}


class Job(Struct, frozen=True, gc=False):
    """A delivery with the event that it sends."""

    delivery: Delivery
    event: Event
