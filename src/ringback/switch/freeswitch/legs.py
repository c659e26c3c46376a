"""What is remembered of a switch's channels: the open ones, and the last that ended.

A leg is open from CHANNEL_CREATE to CHANNEL_HANGUP_COMPLETE. The last 5,000 that ended stay known, so that a late or repeated event
finds its leg and makes nothing twice, and a leg made for one that ended finds its conversation. Bounded: 100,000 open legs, the
oldest falls out (only a recording without ends gets there; a live switch is asked what it still has).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator

from msgspec import Struct

from ringback.switch.freeswitch.channels import Identity
from ringback.switch.freeswitch.ending import PeerEnd
from ringback.switch.freeswitch.settings import AnsweredBy

MOST_OPEN = 100_000
MOST_ENDED = 5_000


class Leg(Struct, kw_only=True):
    """A channel as it is remembered.

    `root`: the conversation's leg (its own id for a root). `hidden`: nobody's leg (loopback), kept for the chain of who was made
    for whom. `made`: when it was created, as the switch writes it: it tells two lives of one id apart. `rank`: how far it came
    (`channels.RANK`). `last_ms`: the time of its latest event; `heard`: how many there were. `peer`: the channel that it was last
    connected with. `gone`: its end was inferred.
    """

    id: str
    root: str
    identity: Identity
    outgoing: bool
    hidden: bool = False
    made: str = ""
    rank: int = 0
    last_ms: int = 0
    heard: int = 1
    hung_up: PeerEnd | None = None
    peer: str | None = None
    peer_end: PeerEnd | None = None
    answered_by: AnsweredBy | None = None
    menus: frozenset[str] = frozenset()
    menu_announced: bool = False
    gone: bool = False

    @property
    def parent(self) -> str | None:
        """The root that a leg was made for, None for a root."""
        return None if self.root == self.id else self.root

    @property
    def key(self) -> str:
        """One text for one life of this leg."""
        return life_key(self.id, self.made)


def life_key(leg_id: str, made: str) -> str:
    """One text for one life of a leg, at most 60 characters; `made` as the switch writes it."""
    return f"{leg_id if len(leg_id) <= 40 else hashlib.sha256(leg_id.encode()).hexdigest()[:32]}-{made[:19]}"


def status_id(key: str, what: str) -> str:
    """The dedupe id of a status in one life of a leg, whoever tells it. `what`: a status that is no end, `end`, or `gone` for an
    inferred one."""
    return f"fs-{key}-{what}"


class Legs:
    """The table."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Leg] = OrderedDict()
        self._ended: OrderedDict[str, Leg] = OrderedDict()

    def __iter__(self) -> Iterator[Leg]:
        return iter(self._open.values())

    def open(self, leg_id: str | None) -> Leg | None:
        """An open leg."""
        return self._open.get(leg_id or "")

    def ended(self, leg_id: str) -> Leg | None:
        """One of the last that ended."""
        return self._ended.get(leg_id)

    def find(self, leg_id: str | None) -> Leg | None:
        """A leg, open or ended."""
        return self._open.get(leg_id or "") or self._ended.get(leg_id or "")

    def keep(self, leg: Leg) -> None:
        """A leg begins, or lives after all."""
        self._ended.pop(leg.id, None)
        leg.gone = False
        self._open[leg.id] = leg
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)

    def end(self, leg: Leg) -> None:
        """A leg is over."""
        self._open.pop(leg.id, None)
        self._ended[leg.id] = leg
        if len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)

    def peer_end(self, leg: Leg) -> PeerEnd | None:
        """The end of the channel that a leg was connected with; of its maker, for a leg that is still being tried."""
        if leg.peer_end is not None:
            return leg.peer_end
        maker = self.find(leg.parent)
        return maker.hung_up if maker is not None and leg.peer in (None, maker.id) else None

    def tell_peer(self, leg: Leg, end: PeerEnd) -> None:
        """The channel that a leg is connected with, or else its maker, learns of its end: it may be the reason of its own."""
        peer = self._open.get(leg.peer or leg.parent or "")
        if peer is not None and peer.hung_up is None and (leg.peer is None or peer.peer == leg.id):
            peer.peer_end = end
