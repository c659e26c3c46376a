"""The source: stays connected to an Event Socket, hands updates on in order, and notices what it missed.

Nothing that was read is lost while its consumer cannot take it: a batch is handed on when the one before it is kept. At most
`most_waiting` updates are kept (and those of the 256 KiB that were read last); then nothing more is read, the switch queues its
events (100,000 by default) and, when that is full, drops the connection. Then, as after any reconnection, and whenever event
numbers stay away, the switch is asked `show channels`: calls that it no longer has get an inferred end, calls that were not heard
of a start, and what was found goes to `on_gap` in one line without numbers or keys.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from msgspec import Struct

from ringback.errors import SwitchError
from ringback.ids import now_ms
from ringback.switch.freeswitch.channels import Channel, channels_of_reply
from ringback.switch.freeswitch.frames import Frame, event_of
from ringback.switch.freeswitch.link import Connection, Link
from ringback.switch.freeswitch.mapping import EVENTS, EventMapper, Reported
from ringback.switch.freeswitch.watch import SequenceWatch

log = logging.getLogger("ringback.freeswitch")

Accept = Callable[[list[Reported]], Awaitable[None]]

BATCH = 500
LONG_RUN = 5
"""So many numbers in a row are missing only if events were (inside the switch they are used up one at a time)."""
_LAST_S = 5.0
_FAILURES = (OSError, TimeoutError, SwitchError)


class Health(Struct, frozen=True, kw_only=True):
    """How the source is, for the pages: `state` is `connecting`, `connected` or `waiting` (`error` says for what reason)."""

    state: str
    since_ms: int
    error: str = ""
    events: int = 0
    updates: int = 0
    unreadable: int = 0
    gaps: int = 0
    waiting: int = 0


class FreeswitchSource:
    """See the module. `run` it until it is cancelled."""

    def __init__(
        self,
        connection: Connection,
        mapper: EventMapper,
        accept: Accept,
        *,
        on_gap: Callable[[str], None],
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        """`accept` takes updates in order and returns when they are kept, however long that takes."""
        self._connection = connection
        self._mapper = mapper
        self._accept = accept
        self._on_gap = on_gap
        self._clock_ms = clock_ms
        self._watch = SequenceWatch(connection.late_s)
        self._waiting: deque[Reported] = deque()
        self._arrived = asyncio.Event()
        self._stopping = asyncio.Event()
        self._room: asyncio.Future[None] | None = None
        self._state, self._since_ms, self._error = "connecting", clock_ms(), ""
        self._lost: tuple[str, int] | None = None
        self._outage = ""
        self._restarted = self._unsettled = False
        self._unreadable_noted = 0
        self.events = self.updates = self.unreadable = self.gaps = 0

    def health(self) -> Health:
        """How it is now."""
        return Health(
            state=self._state,
            since_ms=self._since_ms,
            error=self._error,
            events=self.events,
            updates=self.updates,
            unreadable=self.unreadable,
            gaps=self.gaps,
            waiting=len(self._waiting),
        )

    async def run(self) -> None:
        """Connects, listens, reconnects; ends when cancelled. What was read until then is handed on if that succeeds within 5 s."""
        delivery = asyncio.create_task(self._deliver(), name="freeswitch-delivery")
        staying = asyncio.create_task(self._stay_connected(), name="freeswitch-connection")
        tasks = {delivery, staying}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            staying.cancel()
            await asyncio.wait({staying})
            if not delivery.done() and self._waiting:
                self._stopping.set()
                await asyncio.wait({delivery}, timeout=_LAST_S)
            delivery.cancel()
            await asyncio.wait({delivery})
        for task in tasks:
            if not task.cancelled():
                task.result()

    # Handing on
    def _put(self, made: Sequence[Reported]) -> None:
        if made:
            self._waiting.extend(made)
            self._arrived.set()

    def _has_room(self) -> asyncio.Future[None] | None:
        if len(self._waiting) < self._connection.most_waiting:
            return None
        if self._room is None or self._room.done():
            self._room = asyncio.get_running_loop().create_future()
        return self._room

    async def _deliver(self) -> None:
        while self._waiting or not self._stopping.is_set():
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            batch = list(islice(self._waiting, BATCH))
            await self._accept(batch)
            for _ in batch:
                self._waiting.popleft()
            self.updates += len(batch)
            if self._room is not None and not self._room.done() and len(self._waiting) < self._connection.most_waiting:
                self._room.set_result(None)

    # Staying connected
    async def _stay_connected(self) -> None:
        wait_s = self._connection.first_wait_s
        while True:
            self._become("connecting")
            try:
                link = await Link.open(self._connection, (*EVENTS, "HEARTBEAT"))
            except _FAILURES as error:
                self._fall(error)
            else:
                wait_s = self._connection.first_wait_s
                self._become("connected")
                if self._lost is not None:
                    why, since_ms = self._lost
                    self._outage = f"no connection for {(self._since_ms - since_ms) / 1000:.1f} s ({why})"
                    self._lost = None
                self._fall(await self._use(link))
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self._connection.most_wait_s)

    async def _use(self, link: Link) -> Exception:
        """Listens and checks until the connection ends, and says why it did."""
        listening = asyncio.create_task(link.listen(self._take, self._has_room))
        checking = asyncio.create_task(self._keep_checking(link))
        try:
            await asyncio.wait({listening, checking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            link.close()
            for task in (listening, checking):
                task.cancel()
            await asyncio.wait({listening, checking})
        for task in (listening, checking):
            error = None if task.cancelled() else task.exception()
            if isinstance(error, _FAILURES):
                return error
            if error is not None:
                raise error
        return SwitchError("the connection to the switch ended")

    def _become(self, state: str, error: str = "") -> None:
        self._state, self._since_ms, self._error = state, self._clock_ms(), error

    def _fall(self, error: Exception) -> None:
        text = str(error) if isinstance(error, SwitchError) else type(error).__name__
        log.warning("freeswitch.disconnected %s: %s", self._connection, text)
        if self._lost is None:
            self._lost = (text, self._clock_ms())
        self._become("waiting", text)

    def _take(self, frame: Frame) -> None:
        self.events += 1
        try:
            event = event_of(frame)
        except SwitchError:
            self.unreadable += 1
            return
        number = event.get("Event-Sequence", "")
        if number.isascii() and number.isdecimal():
            now_s = asyncio.get_running_loop().time()
            self._restarted |= self._watch.feed(event.get("Core-UUID", ""), int(number[:18]), now_s)
        self._put(self._mapper.feed(event))

    # Noticing what was missed
    async def _keep_checking(self, link: Link) -> None:
        """Asks at once after connecting, and then whenever there is a doubt, but not all the time."""
        clock = asyncio.get_running_loop().time
        checked_s, unreadable, connected = 0.0, 0, False
        while True:
            doubt = self._watch.is_doubtful(clock()) or self._restarted or self._unsettled or self.unreadable > unreadable
            if not connected or (doubt and clock() - checked_s >= self._connection.check_every_s):
                unreadable = self.unreadable
                await self._check(link)
                checked_s, connected = clock(), True
            await asyncio.sleep(min(self._connection.late_s, self._connection.check_every_s) / 2)

    async def _check(self, link: Link) -> None:
        """Asks the switch, makes up for what was missed, and says so."""
        # Taken before asking: what comes up meanwhile is the next check's.
        restarted, self._restarted, self._unsettled = self._restarted, False, False
        unreadable = self.unreadable
        run = self._watch.longest_run() if self._connection.everything else 0
        self._watch.clear()
        try:
            ended, began = await self._compare(link)
        except BaseException:
            self._restarted |= restarted  # not settled: the next connection asks again
            raise
        reasons = {
            self._outage: self._outage != "",
            "the switch was restarted": restarted,
            "events could not be read": unreadable > self._unreadable_noted,
            f"{run} events in a row did not arrive": run >= LONG_RUN,
            "events did not arrive": ended > 0 or began > 0,
        }
        self._outage, self._unreadable_noted = "", unreadable
        reason = next((text for text, is_so in reasons.items() if is_so), None)
        if reason is not None:
            self.gaps += 1
            text = f"FreeSWITCH {self._connection.host}:{self._connection.port}: {reason}; "
            text += f"{ended} calls ended unseen, {began} began or moved on unseen"
            self._on_gap(text)

    async def _compare(self, link: Link) -> tuple[int, int]:
        """Looks twice, for the switch's own list lags behind its events by moments. How many calls had ended and begun unseen."""
        began = ended = 0
        gone, behind = await self._look(link)
        if gone or behind:
            await asyncio.sleep(self._connection.confirm_s)
            still_gone, still_behind = await self._look(link)
            now = self._clock_ms()
            for leg_id, heard in gone.items():
                if still_gone.get(leg_id) == heard:
                    self._put(self._mapper.vanish(leg_id, now))
                    ended += 1
                elif leg_id in still_gone:
                    self._unsettled = True  # it was heard of in between: its end may be on its way
            for leg_id, channel in still_behind.items():
                if leg_id in behind:
                    self._put(self._mapper.catch_up(channel, now))
                    began += 1
        return ended, began

    async def _look(self, link: Link) -> tuple[dict[str, int], dict[str, Channel]]:
        """What the switch no longer has, with how often each was heard of; and what it has and was not heard of as far as it is."""
        before = self._mapper.open_legs()
        channels = channels_of_reply(await link.ask("show channels as json"))
        if channels is None:
            raise SwitchError("the switch does not say which channels it has")
        there = {channel.id for channel in channels}
        now = self._mapper.open_legs()
        gone = {leg_id: now[leg_id] for leg_id in before if leg_id not in there and leg_id in now}
        return gone, {channel.id: channel for channel in channels if self._mapper.is_behind(channel)}
