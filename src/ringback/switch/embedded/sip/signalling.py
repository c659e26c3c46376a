"""The border: `Signalling` by sippy, in a thread of its own. Orders go in and signals come out through the two loops."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ringback.errors import OurError
from ringback.switch.embedded.signalling import Peer, Signal
from ringback.switch.embedded.sip.settings import SipSettings, checked

if TYPE_CHECKING:
    from ringback.switch.embedded.sip.stack import Stack

log = logging.getLogger("ringback.sip")


class SipSignalling:
    """A `Signalling`. May be started and stopped again and again; several live in one process."""

    def __init__(self, settings: SipSettings, *, pace: float = 1.0) -> None:
        """`pace`: how long one of RFC 3261's seconds takes; the tests' 32 s are shorter. Raises BadSettings."""
        self.settings = checked(settings)
        self._pace = pace
        self._told: Callable[[Signal], None] = lambda _: None
        self._here: asyncio.AbstractEventLoop
        self._there: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stack: Stack | None = None
        self._given_up = False
        self._end: asyncio.Event
        self._address = (settings.host, settings.port)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port is known when it was started."""
        return self._address

    @property
    def registered(self) -> tuple[str, ...]:
        """The phones that have registered, by user."""
        stack = self._stack
        return () if stack is None else stack.registered

    async def start(self, told: Callable[[Signal], None]) -> None:
        """Listens. Raises OurError (the port is taken)."""
        if self._thread is not None:
            raise OurError("SIP was started already")
        self._told, self._here, self._given_up = told, asyncio.get_running_loop(), False
        started: asyncio.Future[tuple[str, int]] = self._here.create_future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="sip", daemon=True)
        self._thread.start()
        try:
            self._address = await started
        except BaseException:
            self._given_up = True
            await self.stop()
            raise
        log.info("sip.listening host=%s port=%s transports=%s", *self._address, ",".join(self.settings.transports))

    async def stop(self) -> None:
        """Ends what is left, politely, and lets go of the port."""
        if self._there is not None:
            self._there.call_soon_threadsafe(self._end.set)
        await self._join()

    def invite(self, leg: str, to: str, from_: str, sdp: bytes, peer: Peer | None) -> None:
        """Calls: a SIP URI, or a number at `peer`; a registered phone by its name."""
        self._order(lambda stack: stack.invite(leg, to, from_, sdp, peer))

    def ring(self, leg: str, sdp: bytes = b"") -> None:
        """180, or 183 if there is early media."""
        self._order(lambda stack: stack.ring(leg, sdp))

    def accept(self, leg: str, sdp: bytes) -> None:
        """200 to the INVITE."""
        self._order(lambda stack: stack.accept(leg, sdp))

    def refuse(self, leg: str, status: int) -> None:
        """A final answer that is none: 486, 603, 488, …"""
        self._order(lambda stack: stack.refuse(leg, status))

    def answer_offer(self, leg: str, sdp: bytes) -> None:
        """200 to a re-INVITE; empty: 488, everything stays as it was."""
        self._order(lambda stack: stack.answer_offer(leg, sdp))

    def hang_up(self, leg: str, cause: int | None = None) -> None:
        """Whatever ends it now: CANCEL, BYE, or a refusal. `cause`: Q.850, for a Reason header; 16 in a BYE."""
        self._order(lambda stack: stack.hang_up(leg, cause))

    # Between the threads
    def _order(self, order: "Callable[[Stack], None]") -> None:
        there = self._there
        if there is not None:
            there.call_soon_threadsafe(self._obey, order)

    def _obey(self, order: "Callable[[Stack], None]") -> None:
        if self._stack is not None:
            try:
                order(self._stack)
            except Exception:  # the leg's; the others go on
                log.exception("sip.order_failed")

    def _signal(self, signal: Signal) -> None:
        with suppress(RuntimeError):  # the loop that is told is closed: nobody listens any more
            self._here.call_soon_threadsafe(self._told, signal)

    async def _join(self) -> None:
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _run(self, started: "asyncio.Future[tuple[str, int]]") -> None:
        try:
            asyncio.run(self._live(started))
        except Exception as error:
            log.exception("sip.thread_failed")
            self._here.call_soon_threadsafe(_fail, started, error)

    async def _live(self, started: "asyncio.Future[tuple[str, int]]") -> None:
        from ringback.switch.embedded.sip.stack import Stack

        stack = Stack(self.settings, self._signal, self._pace)
        self._end = asyncio.Event()
        try:
            address = await stack.open()
        except OurError as error:
            self._here.call_soon_threadsafe(_fail, started, error)
            return
        self._stack, self._there = stack, asyncio.get_running_loop()
        if self._given_up:
            self._end.set()
        self._here.call_soon_threadsafe(_succeed, started, address)
        try:
            await self._end.wait()
            await stack.close()
        finally:
            self._there = self._stack = None


def _succeed(future: "asyncio.Future[tuple[str, int]]", address: tuple[str, int]) -> None:
    if not future.done():
        future.set_result(address)


def _fail(future: "asyncio.Future[tuple[str, int]]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
