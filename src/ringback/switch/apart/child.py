"""The process that a switch lives in, from its side: `run` is all that its program does.

It ends when it is told to, and when its server is gone; either way it hangs up before. Signals that end a server from a terminal or
a service manager reach it too, and it leaves them alone: the server says when.
"""

import asyncio
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from ringback.calls.live import Dial, Happening, HungUp, Incoming
from ringback.errors import BadSettings, OurError
from ringback.process import hand_over_soon, log_to_stderr, settle
from ringback.switch.apart import messages
from ringback.switch.apart.frames import Framing
from ringback.switch.apart.messages import Begin, Ended, Opened, Pulse, Refused, Take, Told, ToProcess
from ringback.switch.apart.pipe import Pipe
from ringback.switch.embedded.switch import EmbeddedSwitch

log = logging.getLogger("ringback.switch")

PULSE_S: Final = 1.0
ALONE_S: Final = 10.0
"""After the server is gone: whoever has not hung up by then never will."""
FLUSH_S: Final = 2.0
_CHUNK: Final = 64 * 1024


class Hosted(Struct, frozen=True):
    """What was made: the switch, and what lets go of all that it used."""

    switch: EmbeddedSwitch
    close: Callable[[], Awaitable[None]]


Make = Callable[[Begin, Path, Callable[[str], str]], Hosted]
"""Makes the switch on its loop: as it is to be, with a folder for its recordings, and who knows whose a leg is. Raises OurError."""


class Accounts:
    """Whose the legs are, as far as orders told: of those that there are."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def get(self, leg: str) -> str:
        """Empty: nobody knows."""
        return self._of.get(leg, "")

    def ordered(self, take: Take) -> None:
        """An order says it."""
        leg = take.order.leg
        if leg in self._of or isinstance(take.order, Dial):
            self._of[leg] = take.account or self._of.get(leg, "")

    def told(self, happening: Happening) -> None:
        """A leg begins, or ends."""
        if isinstance(happening, Incoming):
            self._of[happening.leg] = ""
        elif isinstance(happening, HungUp):
            self._of.pop(happening.leg, None)


def run(make: Make) -> int:
    """The program's work: its last word is the number of its end of the pipe. The exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Not SIG_IGN, which the programs that speak would inherit.
        signal.signal(number, lambda _number, _frame: None)
    end = socket.socket(fileno=int(sys.argv[-1]))
    end.set_inheritable(False)
    threading.Thread(target=_ends_alone, args=(end.fileno(),), name="server", daemon=True).start()
    begin = _first(end)
    if begin is None:
        return 0
    log_to_stderr(begin.log_level)
    hand_over_soon()
    factory = None
    if begin.uvloop:
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_Host(begin, make).live(end))


def _ends_alone(pipe: int) -> None:
    """Ends this process some time after its server has, should its loop stand still."""
    poll = select.poll()
    poll.register(pipe, 0)  # nothing but its end, which is always told
    poll.poll()
    time.sleep(ALONE_S)
    os._exit(1)


def _first(end: socket.socket) -> Begin | None:
    """The first message. None: the server is gone already."""
    framing = Framing()
    while True:
        data = end.recv(_CHUNK)
        if not data:
            return None
        for message in framing.feed(data):
            begin = messages.to_process.decode(message)
            if not isinstance(begin, Begin):
                raise msgspec.ValidationError(f"expected Begin, got {type(begin).__name__}")
            return begin


class _Host:
    """Carries a switch from its start to its end."""

    def __init__(self, begin: Begin, make: Make) -> None:
        self._begin = begin
        self._make = make
        self._accounts = Accounts()
        self._ending = asyncio.Event()
        self._broken = asyncio.Event()
        self._pipe: Pipe[ToProcess] = Pipe(messages.to_process, self._heard, self._gone)
        self._hosted: Hosted | None = None

    async def live(self, end: socket.socket) -> int:
        """Until it is told to end, or the server is gone."""
        await self._pipe.open(end)
        try:
            hosted = await self._opened()
        except OurError as error:
            self._ending.set()
            self._pipe.send(Refused(str(error), isinstance(error, BadSettings)))
            status = 1
        else:
            pulse = asyncio.create_task(self._beat(hosted.switch))
            await self._ending.wait()
            pulse.cancel()
            await hosted.switch.stop()
            await hosted.close()
            self._pipe.send(Ended(_pulse(hosted.switch)))
            status = 0
        self._pipe.close()
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._broken.wait()
        except TimeoutError:
            status = 1
        return status

    async def _opened(self) -> Hosted:
        """The switch, once calls may come in. Raises OurError."""
        hosted = self._make(self._begin, Path(self._begin.recordings) / str(os.getpid()), self._accounts.get)
        self._hosted = hosted
        hosted.switch.listen(self._told)
        try:
            await hosted.switch.start()
        except OSError as error:
            await hosted.close()
            raise OurError(f"the switch cannot start: {error.strerror or error}") from None
        except OurError:
            await hosted.close()
            raise
        settle()
        self._pipe.send(Opened(*hosted.switch.address))
        return hosted

    async def _beat(self, switch: EmbeddedSwitch) -> None:
        while True:
            self._pipe.send(_pulse(switch))
            await asyncio.sleep(PULSE_S)

    def _heard(self, message: ToProcess) -> None:
        match message:
            case Take() if self._hosted is not None:
                self._accounts.ordered(message)
                self._hosted.switch.obey(message.order)
            case messages.End():
                self._ending.set()

    def _told(self, happening: Happening) -> None:
        account = None
        if isinstance(happening, Incoming) and self._hosted is not None:
            account = self._hosted.switch.account_of(happening.leg)
        self._accounts.told(happening)
        self._pipe.send(Told(happening, account))

    def _gone(self) -> None:
        if not self._ending.is_set():
            log.error("switch.process pid=%d: the server is gone, so this ends too", os.getpid())
        self._ending.set()
        self._broken.set()


def _pulse(switch: EmbeddedSwitch) -> Pulse:
    late = switch.lateness
    return Pulse(late.slots, late.late, late.skipped, late.worst_ms, switch.registered)
