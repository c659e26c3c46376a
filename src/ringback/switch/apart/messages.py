"""What goes between a server and the process of a switch: msgpack of tagged structs, in frames (`frames.py`)."""

from typing import Final

import msgspec
from msgspec import Struct

from ringback.calls.live import Happening, Order
from ringback.switch.embedded.settings import EmbeddedSettings


# To the process
class Begin(Struct, frozen=True, kw_only=True, tag=True):
    """The first: what the switch is to be. `recordings`: a folder; the process writes into one of its own in there, named by its
    number (`pid`). `log_level`: of `logging`. `uvloop`: which loop it runs on. `more`: what whoever makes the switch needs beside
    this, in a form of his own (speech, sounds). Passwords and keys come this way, so that no list of processes shows them."""

    sip: EmbeddedSettings
    recordings: str
    log_level: int
    uvloop: bool = False
    more: bytes = b""

    def __repr__(self) -> str:
        return "Begin(***)"


class Take(Struct, frozen=True, tag=True):
    """An order. `account`: whose the leg is, empty if nobody knows."""

    order: Order
    account: str


class End(Struct, frozen=True, tag=True):
    """Hang up, let go, say `Ended`, and be gone."""


# From the process
class Opened(Struct, frozen=True, tag=True):
    """Calls may come in. Where SIP is listened for."""

    host: str
    port: int


class Refused(Struct, frozen=True, tag=True):
    """It cannot begin. `settings`: because these do not hold (BadSettings)."""

    message: str
    settings: bool = False


class Told(Struct, frozen=True, tag=True):
    """What happened on a leg. `account`: of one that came in, whose its trunk or phone is by the settings."""

    happening: Happening
    account: str | None = None


class Pulse(Struct, frozen=True, tag=True):
    """It lives; how punctual its media were so far: 20 ms slots, those more than 20 ms late, those never made, the worst. `phones`:
    those that have registered with it, by user."""

    slots: int = 0
    late: int = 0
    skipped: int = 0
    worst_ms: float = 0.0
    phones: tuple[str, ...] = ()


class Ended(Struct, frozen=True, tag=True):
    """The last: everything that was to be told was told."""

    pulse: Pulse


ToProcess = Begin | Take | End
FromProcess = Opened | Refused | Told | Pulse | Ended

encode: Final = msgspec.msgpack.Encoder().encode
to_process: Final = msgspec.msgpack.Decoder(ToProcess)
from_process: Final = msgspec.msgpack.Decoder(FromProcess)
"""Raise msgspec.DecodeError for anything else."""
