"""Values as rows, and rows as values. Codes are append-only: they are on disk.

A result must overwrite its delivery row in place: a row that grows would have to leave its full page. SQLite stores small integers
in fewer bytes, so "none" is written as a number as wide as what will come: a moment in 2004, a second in 1970, status 1000, and
codes start at 2.
"""

from typing import Any, Final, get_args

import msgspec
from msgspec import Struct

from ringback import ids
from ringback.calls.model import Call, Event, Offer
from ringback.store.port import DeliveryRow
from ringback.webhooks.model import Delivery, ErrorClass, Kind, State
from ringback.webhooks.records import Result, StoredCall

Row = tuple[Any, ...]

HELD: Final = 3
STATE_CODES: Final[dict[str, int]] = {
    "pending": 2,
    "sending": 2,  # lives in memory alone: after a kill it is pending again
    "retrying": 4,
    "succeeded": 5,
    "exhausted": 6,
    "cancelled": 7,
    "skipped": 8,
}
STATES: Final[dict[int, State]] = {
    2: "pending",
    HELD: "pending",
    4: "retrying",
    5: "succeeded",
    6: "exhausted",
    7: "cancelled",
    8: "skipped",
}
OPEN: Final = 4
"""The largest code of a delivery that is not done."""
END_CODES: Final[dict[str, int]] = {"completed": 1, "no-answer": 2, "busy": 3, "failed": 4, "cancelled": 5}
"""The state that a call ended in; 0: it runs."""
LAST_END: Final = 5

_FIRST_CODE: Final = 2
_KINDS: Final[tuple[Kind, ...]] = ("event", "resend", "test", "replay", "notice", "instruction")
_KIND_CODES: Final = {kind: code for code, kind in enumerate(_KINDS, _FIRST_CODE)}
_ERRORS: Final[tuple[ErrorClass, ...]] = (
    "",
    "status",
    "dns",
    "blocked",
    "connect",
    "connect_timeout",
    "tls",
    "certificate",
    "reset",
    "timeout",
    "protocol",
    "too_large",
    "proxy",
    "request",
    "document",
)
_ERROR_CODES: Final = {error: code for code, error in enumerate(_ERRORS, _FIRST_CODE)}
assert set(_ERRORS) == set(get_args(ErrorClass))
assert set(_KINDS) == set(get_args(Kind))

END: Final = (1 << 63) - 1
"""The largest id that there can be."""
NO_TIME: Final = 1 << 40
NO_SECOND: Final = 1 << 24
NO_STATUS: Final = 1000


class _BodyOut(Struct, array_like=True, gc=False):
    """An event as it is written: `root` is None where the call is its own root. Calls are encoded already."""

    call: msgspec.Raw
    root: msgspec.Raw | None
    type: str
    at_ms: int
    seq: int
    status_changed: bool
    offer: Offer | None
    data: dict[str, Any]
    late: bool


class _BodyIn(Struct, array_like=True, gc=False):
    """An event as it is read. What was added later stands at the end, with a default for older rows."""

    call: Call
    root: Call | None
    type: str
    at_ms: int
    seq: int
    status_changed: bool
    offer: Offer | None
    data: dict[str, Any]
    late: bool = False


class _CallId(Struct, gc=False):
    id: str


class _BodyHead(Struct, array_like=True, gc=False):
    """As much of an event as a list needs."""

    call: _CallId


_encode = msgspec.msgpack.Encoder().encode
_decode_call = msgspec.msgpack.Decoder(Call).decode
_decode_body = msgspec.msgpack.Decoder(_BodyIn).decode
_decode_head = msgspec.msgpack.Decoder(_BodyHead).decode


def call_body(call: Call) -> bytes:
    """A call as it is stored: its version stands in a column of its own."""
    return _encode(call)


def stored_call(n: int, root: int, version: int, told: int, body: bytes) -> StoredCall:
    """A call as it is now, from the first columns of `call_line`."""
    if told == 0:
        call = _decode_call(body)
    else:
        teller = _decode_body(body)
        call = teller.call if told > 0 or teller.root is None else teller.root
    return StoredCall(n, root, msgspec.structs.replace(call, version=version))


def event_body(event: Event, call: bytes, root: bytes | None) -> bytes:
    """`call` and `root` as `call_body` made them; `root` None: the same as the call."""
    return _encode(
        _BodyOut(
            msgspec.Raw(call),
            None if root is None else msgspec.Raw(root),
            event.type,
            event.at_ms,
            event.seq,
            event.status_changed,
            event.offer,
            event.data,
            event.late,
        )
    )


def event(number: int, body: bytes) -> Event:
    """An event as it was committed."""
    b = _decode_body(body)
    return Event(
        id=number,
        type=b.type,
        at_ms=b.at_ms,
        seq=b.seq,
        call=b.call,
        root=b.call if b.root is None else b.root,
        status_changed=b.status_changed,
        offer=b.offer,
        data=b.data,
        late=b.late,
    )


def call_id_of(body: bytes) -> str:
    """The id of an event's call."""
    return _decode_head(body).call.id


def delivery_state(delivery: Delivery) -> int:
    """The code of a delivery's state; waiting for announced facts is a state of its own on disk."""
    code = STATE_CODES[delivery.state]
    return HELD if delivery.held and code < HELD else code


def new_delivery(delivery: Delivery, account: int, call: int, name: int) -> Row:
    """A row of `delivery`."""
    state = delivery_state(delivery)
    return (
        delivery.id,
        account,
        delivery.endpoint,
        delivery.event,
        delivery.root,
        call,
        name,
        _KIND_CODES[delivery.kind],
        state,
        delivery.attempts,
        delivery.next_at_ms or NO_TIME,
        NO_SECOND if delivery.signed_at_s is None else delivery.signed_at_s,
        NO_TIME if state <= OPEN else ids.time_of(delivery.id),
        NO_STATUS,
        _FIRST_CODE,
        delivery.job or None,
    )


def end_code(call: Call) -> int:
    """The code of the state that a call ended in, 0 if it runs."""
    return END_CODES[call.status] if call.is_final and call.status is not None else 0


def result(done: Result) -> Row:
    """What a result writes into its delivery's row."""
    delivery = done.delivery
    state = STATE_CODES[delivery.state]
    return (
        delivery.id,
        state,
        delivery.attempts,
        delivery.next_at_ms or NO_TIME,
        NO_SECOND if delivery.signed_at_s is None else delivery.signed_at_s,
        NO_TIME if state <= OPEN else done.finished_at_ms,
        NO_STATUS if done.status is None else done.status,
        _ERROR_CODES[done.error],
    )


def delivery(row: Row, name: str) -> Delivery:
    """The delivery of a row of `delivery_line`. `created_at_ms` is its id's time."""
    number, _, endpoint, event_id, root, _, _, kind, state, attempts, next_at, signed_at, *_ = row
    return Delivery(
        id=number,
        endpoint=endpoint,
        event=event_id,
        root=root,
        name=name,
        kind=_KINDS[kind - _FIRST_CODE],
        state=STATES[state],
        attempts=attempts,
        next_at_ms=0 if next_at == NO_TIME else next_at,
        signed_at_s=None if signed_at == NO_SECOND else signed_at,
        held=state == HELD,
        created_at_ms=ids.time_of(number),
    )


def delivery_row(row: Row, name: str) -> DeliveryRow:
    """A row of `delivery_line` as lists show it."""
    finished_at, status, error, body = row[12:16]
    return DeliveryRow(
        delivery(row, name),
        call_id_of(body),
        None if finished_at == NO_TIME else finished_at,
        None if status == NO_STATUS else status,
        _ERRORS[error - _FIRST_CODE],
    )


def event_of(row: Row) -> Event:
    """The event of a row of `delivery_line`."""
    return event(row[3], row[15])
