"""One process of a switch, as the server sees it: begun, heard, ended, and begun again when it is lost.

    start ──▶ open ──▶ stop
               │ ▲
       (lost)  ▼ │
              paused        0.1 s, doubling to 10 s for as long as it is lost again soon

It is lost when the pipe breaks (killed, crashed), or when nothing was heard of it for so long that it must be stuck; then it is
killed. It ends by itself when its server is gone, since that breaks the pipe too.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ringback.errors import BadSettings, OurError
from ringback.switch.apart import messages
from ringback.switch.apart.messages import Begin, Ended, FromProcess, Opened, Pulse, Refused, Told
from ringback.switch.apart.pipe import Pipe

log = logging.getLogger("ringback.switch")

EXIT_S: Final = 3.0
"""After its last word."""
STEADY_S: Final = 30.0
"""Who was open for so long begins with the first pause again."""
SILENT: Final = 6
"""Looks. Counted, not timed: where the whole machine stood still, one look has passed."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long is waited, in seconds. `start_s`: until calls may come in. `stop_s`: until everything has hung up (SIP waits 2 s for
    far ends at the most) and recordings are written. `pause_s`, `most_pause_s`: before a lost one is begun again, at first and at
    the most. `look_s`: from one look whether it has said anything to the next; it says something each second."""

    start_s: float = 30.0
    stop_s: float = 15.0
    pause_s: float = 0.1
    most_pause_s: float = 10.0
    look_s: float = 5.0


PATIENT: Final = Patience()


class Process:
    """See the module. Lives on the loop."""

    def __init__(
        self,
        begin: Begin,
        command: Sequence[str],
        told: Callable[[Told], None],
        lost: Callable[[], int],
        note: Callable[[str], None],
        patience: Patience,
    ) -> None:
        """`command` is run with one more word, the number of its end of the pipe (`child.run`). `lost` is called at once whenever
        it is lost, and says how many legs it had. `note`: a line for the operator."""
        self.pulse = Pulse()
        """Of the one that is open, or was last."""
        self.address = (begin.sip.host, begin.sip.port)
        self.is_open = False
        self._begin = begin
        self._command = tuple(command)
        self._told, self._lost, self._note = told, lost, note
        self._patience = patience
        self._pause_s = patience.pause_s
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Pipe[FromProcess] | None = None
        self._first: asyncio.Future[None] | None = None
        self._over: asyncio.Event = asyncio.Event()
        self._ended = False
        self._opened_at = 0.0
        self._silent = 0
        self._look: asyncio.TimerHandle | None = None
        self._again: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Its number; None: it does not run."""
        return None if self._process is None else self._process.pid

    # What the switch does with it
    async def start(self) -> None:
        """Returns when calls may come in. Raises BadSettings, OurError: in its own words why it cannot."""
        loop = asyncio.get_running_loop()
        self._first, self._over, self._ended = loop.create_future(), asyncio.Event(), False
        ours, theirs = socket.socketpair()
        try:
            process = self._process = _spawned(self._command, theirs)
        except OSError as error:
            ours.close()
            raise OurError(f"the switch's process cannot be begun: {error.strerror}") from None
        finally:
            theirs.close()
        pipe = self._pipe = Pipe(messages.from_process, self._heard, partial(self._broken, process))
        try:
            await pipe.open(ours)
            pipe.send(self._begin)
            async with asyncio.timeout(self._patience.start_s):
                await self._first
        except (TimeoutError, OurError) as error:
            status = await self._gone(EXIT_S if isinstance(error, OurError) else 0)
            if isinstance(error, _NoWord):
                raise OurError(f"the switch's process ended before it was ready ({_how(status)})") from None
            if isinstance(error, OurError):
                raise
            raise OurError(f"the switch's process was not ready within {self._patience.start_s:.0f} s") from None
        except BaseException:
            await self._gone(0)
            raise

    def take(self, take: messages.Take) -> None:
        """Hands an order on. Raises TooLong."""
        if self._pipe is not None:
            self._pipe.send(take)

    async def stop(self) -> None:
        """Has it hang up, and waits for its end."""
        self._stopping = True
        if self._again is not None:
            self._again.cancel()
            await asyncio.wait({self._again})
        if self._process is None:
            return
        if self.is_open and self._pipe is not None:
            self._pipe.send(messages.End())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience.stop_s):
                    await self._over.wait()
        status = await self._gone(EXIT_S if self._ended else 0)
        if status:
            log.error("switch.process address=%s:%s: %s when it was stopped", *self.address, _how(status))

    # What it says
    def _heard(self, message: FromProcess) -> None:
        self._silent = 0
        match message:
            case Told():
                self._told(message)
            case Pulse():
                self.pulse = message
            case Ended():
                self.pulse, self._ended = message.pulse, True
            case Opened():
                self._opened(message)
            case Refused():
                self._failed((BadSettings if message.settings else OurError)(message.message))

    def _opened(self, opened: Opened) -> None:
        loop = asyncio.get_running_loop()
        self.is_open, self._opened_at = True, loop.time()
        self.address = (opened.host, opened.port)
        # Whoever calls it knows this port: it is to have the same when it is begun again.
        self._begin = replace(self._begin, sip=replace(self._begin.sip, port=opened.port))
        self._look = loop.call_later(self._patience.look_s, self._looked)
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    def _failed(self, why: OurError) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_exception(why)

    def _looked(self) -> None:
        self._silent += 1
        if self._silent > SILENT and self._process is not None:
            log.error("switch.process address=%s:%s: nothing is heard of it, it is killed", *self.address)
            self._process.kill()
        elif self.is_open:
            self._look = asyncio.get_running_loop().call_later(self._patience.look_s, self._looked)

    # Its end
    def _broken(self, process: "subprocess.Popen[bytes]") -> None:
        """The pipe to it is."""
        if process is not self._process:
            return
        was_open = self._closed()
        self._over.set()
        self._failed(_NoWord())
        if was_open and not self._stopping:
            log.error("switch.process address=%s:%s pid=%d is lost", *self.address, process.pid)
            self._again = asyncio.get_running_loop().create_task(self._revive(self._lost()), name="switch process")

    def _closed(self) -> bool:
        """It takes nothing from now on. Did it until now?"""
        was_open, self.is_open = self.is_open, False
        if self._look is not None:
            self._look.cancel()
        return was_open

    async def _revive(self, legs: int) -> None:
        """Begins it again, as often as it takes. `legs`: so many were lost."""
        if asyncio.get_running_loop().time() - self._opened_at > STEADY_S:
            self._pause_s = self._patience.pause_s
        where = f"the embedded switch at {self.address[0]}:{self.address[1]}"
        how = _how(await self._gone(EXIT_S))
        self._say(f"{where} was lost with {legs} legs ({how}); it is begun again")
        failed = False
        while not self.is_open:
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(self._patience.most_pause_s, self._pause_s * 2)
            try:
                await self.start()
            except OurError as error:
                if failed:
                    log.error("%s cannot be begun again: %s", where, error)
                else:
                    self._say(f"{where} cannot be begun again: {error}")
                failed = True

    def _say(self, text: str) -> None:
        log.error("%s", text)
        self._note(text)

    async def _gone(self, wait_s: float) -> int:
        """Its exit status (negative: the signal that ended it), once it is gone; it is killed if that takes longer than so long.
        What it was writing goes with it."""
        process = self._process
        assert process is not None
        status = await asyncio.to_thread(_waited, process, wait_s)
        self._closed()
        self._process = None
        if self._pipe is not None:
            self._pipe.abort()
        await asyncio.to_thread(shutil.rmtree, Path(self._begin.recordings) / str(process.pid), ignore_errors=True)
        return status


class _NoWord(OurError):
    """It was gone before it said anything."""


def _spawned(command: Sequence[str], pipe: socket.socket) -> "subprocess.Popen[bytes]":
    """The process. It logs where we do; our settings, and the secrets among them, are not in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
    number = pipe.fileno()
    return subprocess.Popen(  # noqa: S603 - our own command
        [*command, str(number)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(number,),
        env=environment,
    )


def _waited(process: "subprocess.Popen[bytes]", wait_s: float) -> int:
    """Blocks."""
    try:
        return process.wait(wait_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"
