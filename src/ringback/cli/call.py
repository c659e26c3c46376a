"""`ringback call`: one SIP call from the terminal, told as it goes."""

import asyncio
import shutil
import signal
import time
from pathlib import Path
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from ringback.calls.live import Answered, Happening, HungUp, Item, Key, PlayEnded, Rang, RecordEnded, Tones
from ringback.cli.phone import Phone, sounds_of
from ringback.errors import InvalidInput

EXIT: Final[dict[str, int]] = {"completed": 0, "failed": 1, "busy": 3, "no-answer": 4, "cancelled": 130}
"""The exit code by how the call ended; 2 is for what cannot be understood."""
_KEYS: Final = frozenset("0123456789*#ABCDabcdwW")
_BY: Final = {"callee": "the other side", "us": "this side", "caller": "this side", "": "nobody"}


class Placed(Struct, frozen=True, kw_only=True):
    """What the command was told. `wait_s`: how long to stay when all was played."""

    to: str
    from_: str = "ringback"
    digits: str = ""
    play: tuple[Path, ...] = ()
    record: Path | None = None
    wait_s: float = 10.0
    timeout_s: float = 30.0


async def call(told: Placed) -> int:
    """Calls and tells. The exit code: see EXIT. Raises InvalidInput, OurError."""
    if not _KEYS.issuperset(told.digits):
        raise InvalidInput("digits: expected 0-9 * # A-D, and w for half a second", "digits")
    if told.record is not None and not told.record.resolve().parent.is_dir():
        raise InvalidInput(f"record: there is no folder {told.record.resolve().parent}", "record")
    sounds, items = await asyncio.to_thread(sounds_of, told.play)
    console, begun = Console(highlight=False, soft_wrap=True), time.monotonic()

    def say(text: str, style: str = "") -> None:
        console.print(Text(f"{time.monotonic() - begun:6.2f}  {text}", style))

    def happened(_: int, happening: Happening) -> None:
        text, style = _words(happening)
        if text:
            say(text, style)

    async with Phone(told.to, told.from_, happened, sounds) as phone:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, phone.hang_up)
        say(f"calling {told.to}")
        phone.dial(told.timeout_s)
        if await phone.answered():
            await _talk(phone, told, items)
        ended = await phone.over()
        recorded = await phone.recording() if told.record is not None else None
        if recorded is not None and told.record is not None:
            await asyncio.to_thread(shutil.move, recorded, told.record)
            say(f"recorded in {told.record}: what was heard left, what was played right", "dim")
    return EXIT[ended.status]


async def _talk(phone: Phone, told: Placed, items: list[Item]) -> None:
    """What is done on the line, until it ends."""
    if told.record is not None:
        phone.record()
    wanted: list[Item] = [Tones(told.digits)] if told.digits else []
    if not (wanted or items) or await phone.play([*wanted, *items]):
        await phone.stays(told.wait_s)
    phone.hang_up()


def _words(told: Happening) -> tuple[str, str]:
    """What happened, in words, and how they are shown."""
    match told:
        case Rang():
            return "it rings", ""
        case Answered():
            return "answered", "green"
        case Key():
            return f"hears the key {told.key}", ""
        case PlayEnded():
            return f"played{f': {told.error}' if told.error else ''}", "red" if told.error else ""
        case RecordEnded() if told.why == "failed":
            return "the recording could not be written", "red"
        case HungUp():
            numbers = f"SIP {told.sip_status}, cause {told.cause}"
            return f"{told.status}: ended by {_BY[told.by]} ({numbers})", "green" if told.status == "completed" else "red"
        case _:
            return "", ""
