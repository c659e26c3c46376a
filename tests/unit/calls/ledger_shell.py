"""What stands around the ledger, in memory: loads the calls that a fold needs, keeps what it gives, refuses an id told twice."""

from typing import Any

from ringback.calls.ledger import Folded, fold, root_wanted
from ringback.calls.model import Call, CallRef, Event, Update
from ringback.ids import EPOCH_MS, IdMaker

ACCOUNT = "7c2d3f0a-52f2-4a57-9f5e-0d8f6a1b2c3d"
T0_MS = 1_795_176_000_000


def told(
    kind: str,
    at_s: float,
    leg: str = "r",
    *,
    id: str | None = None,
    data: dict[str, Any] | None = None,
    inferred: bool = False,
    **call: Any,
) -> Update:
    """An update: `kind` without `call.`, `at_s` seconds after T0."""
    return Update(
        type=f"call.{kind}",
        at_ms=T0_MS + round(at_s * 1000),
        call=CallRef(id=leg, **call),
        data=data or {},
        id=id,
        inferred=inferred,
    )


class Shell:
    """The latest life of each call by id, all events in order, and what each update came to."""

    def __init__(self, now_ms: int = 0) -> None:
        """`now_ms`: when all is heard; 0: long before any watchdog would look."""
        self.calls: dict[str, Call] = {}
        self.lives: list[Call] = []
        self.events: list[Event] = []
        self.seen: set[str] = set()
        self._ids = IdMaker()
        self._now_ms = now_ms or EPOCH_MS

    def tell(self, *updates: Update) -> Folded:
        """Folds them one after the other; the last one's outcome."""
        return [self._fold(update) for update in updates][-1]

    def hear(self, update: Update) -> Folded | None:
        """Folds an update unless its id was heard before."""
        if update.id is not None:
            if update.id in self.seen:
                return None
            self.seen.add(update.id)
        return self._fold(update)

    def _fold(self, update: Update) -> Folded:
        leg = self.calls.get(update.call.id)
        wanted = root_wanted(leg, update)
        known = None if wanted is None else self.calls.get(wanted)
        root = known if known is None or known.parent is None else self.calls[known.root]
        folded = fold(ACCOUNT, leg, root, update, self._new_id)
        if leg is not None and folded.leg.generation > leg.generation:
            self.lives.append(leg)
        self.calls[folded.leg.id] = folded.leg
        self.calls[folded.root.id] = folded.root
        self.events += folded.events
        return folded

    def _new_id(self) -> int:
        return self._ids.next(self._now_ms)

    def sent(self, leg: str | None = None) -> list[str]:
        """The statuses that went out, without `call.`, of one leg or of all."""
        return [event.type[5:] for event in self.events if event.status_changed and leg in (None, event.call.id)]

    def offered(self) -> list[tuple[str, str, int]]:
        """(ringing or ongoing, whom, n) of each offer told, in order."""
        return [(event.type[5:], event.offer.to, event.offer.n) for event in self.events if event.offer is not None]
