"""SIP as the embedded switch sees it: about a dozen orders and as many words of what happens. Who speaks SIP stands behind it and
can be replaced.

Legs are named by the ids of `calls.live`: the switch names those that it dials, the signalling those that come in. A session
description travels as its bytes (`application/sdp`); what it means is `sdp.py`'s business. Orders are given on the loop's thread
and return at once; signals come on the loop's thread too, of one leg in order, `Ended` once and last. Orders for a leg that is gone
are harmless.
"""

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct


class Peer(Struct, frozen=True, kw_only=True):
    """Where calls to numbers go, or who may call in: a trunk, or a registered phone. `user` and `password` answer a challenge."""

    name: str
    host: str
    port: int = 5060
    transport: Literal["udp", "tcp"] = "udp"
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"Peer({self.name!r})"


class Invited(Struct, frozen=True, tag=True):
    """Somebody calls: a dialogue begins, 100 was sent. `source`: the address that it came from. `peer`: the trunk or the phone that
    this is, whose right to call was checked. `sdp` empty: the caller offers nothing yet."""

    leg: str
    from_: str
    to: str
    name: str
    sdp: bytes
    source: tuple[str, int]
    peer: str


class Ringing(Struct, frozen=True, tag=True):
    """The far end rings: 180, or 183 with early media in `sdp`."""

    leg: str
    status: int
    sdp: bytes = b""


class Accepted(Struct, frozen=True, tag=True):
    """The far end answered a call of ours; `sdp` is that of its 183 if the 200 has none. Or, of a leg or a re-INVITE that came
    without an offer: its answer to ours, which came with the ACK."""

    leg: str
    sdp: bytes


class Offered(Struct, frozen=True, tag=True):
    """The far end wants another session (a re-INVITE or UPDATE: hold, another address). `sdp` empty: it wants our offer."""

    leg: str
    sdp: bytes


class Ended(Struct, frozen=True, tag=True):
    """A leg is over. `status`: the SIP status of its end, if there was one. `by`: who ended it. `cause`: Q.850, from a Reason
    header. `answered`: it had been."""

    leg: str
    by: Literal["far", "us"]
    status: int | None = None
    cause: int | None = None
    answered: bool = False


Signal = Invited | Ringing | Accepted | Offered | Ended


class Signalling(Protocol):
    """See the module."""

    async def start(self, told: Callable[[Signal], None]) -> None:
        """Listens. Raises OurError (the port is taken)."""
        ...

    async def stop(self) -> None:
        """Ends what is left, politely, and lets go of the port."""
        ...

    def invite(self, leg: str, to: str, from_: str, sdp: bytes, peer: Peer | None) -> None:
        """Calls: a SIP URI, or a number at `peer`; a registered phone by its name."""
        ...

    def ring(self, leg: str, sdp: bytes = b"") -> None:
        """180, or 183 if there is early media."""
        ...

    def accept(self, leg: str, sdp: bytes) -> None:
        """200 to the INVITE."""
        ...

    def refuse(self, leg: str, status: int) -> None:
        """A final answer that is none: 486, 603, 488, …"""
        ...

    def answer_offer(self, leg: str, sdp: bytes) -> None:
        """200 to a re-INVITE; empty: 488, everything stays as it was."""
        ...

    def hang_up(self, leg: str, cause: int | None = None) -> None:
        """Whatever ends it now: CANCEL, BYE, or a refusal (480). `cause`: Q.850, for a Reason header; a BYE has 16 without it."""
        ...
