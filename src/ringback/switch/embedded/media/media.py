"""All media of the process: the clock, the ports, the thread that writes, and the sessions."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final

from ringback.switch.embedded.media.ports import Ports
from ringback.switch.embedded.media.session import MediaSession
from ringback.switch.embedded.media.slots import Lateness, Slots

DEAD_S: Final = 30.0
REST_S: Final = 5.0
"""A port that was used is not used again for so long."""


class Media:
    """Made and used on the loop's thread. The clock runs while there are sessions."""

    def __init__(
        self,
        ip: str,
        ports: tuple[int, int],
        *,
        dead_s: float = DEAD_S,
        comfort: bool = True,
        strangers: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`ip`: where packets are awaited. `ports`: first and last of the range; even ones are used. `dead_s`: without any packet
        for so long, a leg that is not on hold is dead. `comfort`: silence is sent when there is nothing else, which keeps NATs
        open and simple phones content. `strangers`: media may come from hosts that signalling never named (`latch`). Raises
        ValueError."""
        self._loop = loop or asyncio.get_running_loop()
        self.dead_s = dead_s
        self.comfort = comfort
        self.worker: Executor = ThreadPoolExecutor(1, "recordings")
        self._ip = ip
        self._strangers = strangers
        self._ports = Ports(ip, *ports, self._loop.time, REST_S)
        self._slots = Slots(self._loop, self._slot)
        self._sessions: list[MediaSession] = []
        self._told: deque[Callable[[], None]] = deque()
        self._closed = False

    @property
    def lateness(self) -> Lateness:
        """How punctual the clock was."""
        return self._slots.lateness

    def __len__(self) -> int:
        """Sessions that are open."""
        return len(self._sessions)

    def session(self, on_key: Callable[[str], None], on_dead: Callable[[], None]) -> MediaSession:
        """A session on a port of its own. `on_key`: its party pressed a key. `on_dead`: nothing comes of it any more; once per
        `connect`. Raises NoPort, OSError (the address is not this machine's)."""
        sock, port = self._ports.take()
        session = MediaSession(self, sock, (self._ip, port), self._strangers, on_key, on_dead)
        self._sessions.append(session)
        self._slots.start()
        return session

    async def close(self) -> None:
        """Closes all sessions and waits until their recordings are written and told. Twice is once."""
        if self._closed:
            return
        self._closed = True
        for session in list(self._sessions):
            session.close()
        self._slots.stop()
        await asyncio.wrap_future(self.worker.submit(int))
        self.worker.shutdown()

    def _slot(self, slots: int) -> None:
        for session in tuple(self._sessions):
            try:
                session.hear()
            except Exception as error:  # one session's fault must not silence a hundred others
                self._report("hearing a leg failed", error)
                session.fail()
        for session in tuple(self._sessions):
            try:
                session.speak(slots)
            except Exception as error:  # the same
                self._report("speaking to a leg failed", error)
                session.fail()
        while self._told:
            self._call(self._told.popleft())

    def _call(self, told: Callable[[], None]) -> None:
        try:
            told()
        except Exception as error:  # nor must a listener's
            self._report("a listener of media failed", error)

    def _report(self, message: str, error: Exception) -> None:
        self._loop.call_exception_handler({"message": message, "exception": error})

    # What sessions need
    def tell(self, told: Callable[[], None]) -> None:
        """At the end of the slot."""
        self._told.append(told)

    def post(self, told: Callable[[], None]) -> None:
        """Soon, from any thread."""
        self._loop.call_soon_threadsafe(told)

    def left(self, session: MediaSession) -> None:
        """Its port may be used again, later."""
        self._sessions.remove(session)
        self._ports.give_back(session.local[1])
        if not self._sessions:
            self._slots.stop()
