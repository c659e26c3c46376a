"""Values as the ledger, the router and the sender make them."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from store_backends import START_MS

from ringback.calls.model import Call, Event
from ringback.ids import IdMaker
from ringback.store.port import Store
from ringback.webhooks.model import Delivery, ErrorClass, State
from ringback.webhooks.records import Batch, Committed, Fold, Result, StoredCall

ACCOUNT = "0b1c3a0e-7d0a-4bd0-8c62-000000000001"
OTHER = "0b1c3a0e-7d0a-4bd0-8c62-000000000002"
FROM = "+61288880000"
TO = "+611800111222"


class Maker:
    """Makes folds with growing ids. `now_ms` is the moment that the ids carry."""

    def __init__(self, now_ms: int = START_MS, last: int = 0) -> None:
        self.now_ms = now_ms
        self._ids = IdMaker(last=last)

    def id(self) -> int:
        return self._ids.next(self.now_ms)

    def begin(self, call_id: str, *, root: StoredCall | None = None, account: str = ACCOUNT, **fields: Any) -> StoredCall:
        """A new call, before any status; with `root`, a leg of that conversation."""
        n = self.id()
        call = Call(
            account=account,
            id=call_id,
            root=root.call.root if root else call_id,
            parent=root.call.id if root else None,
            first_at_ms=self.now_ms,
            **{"from_": FROM, "to": TO, **fields},
        )
        return StoredCall(n, root.n if root else n, call)

    def fold(
        self,
        before: StoredCall,
        status: str = "starting",
        endpoints: Sequence[int] = (),
        *,
        update_id: str | None = None,
        root: StoredCall | None = None,
        **fields: Any,
    ) -> Fold:
        """`before` takes a status and an event says so, for each endpoint a delivery. `root`: the leg's root, moved with it."""
        seq = (root or before).call.next_seq
        number = self.id()
        if root is None:
            call = replace(before.call, status=status, updated_at_ms=self.now_ms, next_seq=seq + 1, **fields)
            states: tuple[StoredCall, ...] = (StoredCall(before.n, before.root_n, call),)
            root_call = call
        else:
            call = replace(before.call, status=status, updated_at_ms=self.now_ms, **fields)
            root_call = replace(root.call, next_seq=seq + 1)
            states = (StoredCall(root.n, root.n, root_call), StoredCall(before.n, before.root_n, call))
        event = Event(
            id=number,
            type=f"call.{status}",
            at_ms=self.now_ms,
            seq=seq,
            call=call,
            root=root_call,
            status_changed=True,
            data={"a": [1]},
        )
        return Fold(
            account=before.call.account,
            calls=states,
            events=(event,),
            event_calls=((before.n, before.root_n),),
            deliveries=tuple(self.delivery(event, before.root_n, endpoint) for endpoint in endpoints),
            update_id=update_id,
            call_id=before.call.id,
        )

    def delivery(self, event: Event, root: int, endpoint: int, **fields: Any) -> Delivery:
        """A delivery of an event, waiting to be sent."""
        made = {"name": event.type, "created_at_ms": self.now_ms, **fields}
        return Delivery(id=self.id(), endpoint=endpoint, event=event.id, root=root, **made)


def after(fold: Fold, call_id: str | None = None) -> StoredCall:
    """A fold's call as it is loaded once the fold is committed."""
    stored = next(stored for stored in fold.calls if stored.call.id == (call_id or fold.call_id))
    return StoredCall(stored.n, stored.root_n, replace(stored.call, version=stored.call.version + 1))


def commit(store: Store, *folds: Fold, results: Sequence[Result] = ()) -> None:
    """Commits what nothing is wrong with."""
    assert store.commit(Batch(folds, results)) == Committed()


def done(
    delivery: Delivery,
    state: State = "succeeded",
    *,
    at_ms: int = START_MS + 5,
    status: int | None = 200,
    error: ErrorClass = "",
    **fields: Any,
) -> Result:
    """How an attempt of a delivery ended."""
    return Result(replace(delivery, state=state, attempts=delivery.attempts + 1, **fields), at_ms, status, error)
