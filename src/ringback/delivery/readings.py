"""What the lanes read from the store: what a lane may ask for, how it is read, and who reads next.

Readings run in threads, a few at a time, lane by lane in the order in which they asked, so that one lane with a million rows in the
store holds up no other, and a start with a million rows reads only what can be sent soon.
"""

import logging
from asyncio import AbstractEventLoop, Task
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from ringback.webhooks.records import Job, StoredCall

log = logging.getLogger("ringback.delivery")

T = TypeVar("T")
Waiting = tuple[int, int]
"""(delivery, root) of one whose event is to be read."""


class Need(Struct, frozen=True):
    """What a lane wants to be read: `open_limit` rows past `cursor`, `due_limit` due ones up to it, and single deliveries: `turns`
    (whose conversation lets them go now) and `bulk` (sent again by a person, more than there was room for). 0, empty: none."""

    endpoint: int
    cursor: int = 0
    open_limit: int = 0
    due_limit: int = 0
    turns: tuple[Waiting, ...] = ()
    bulk: tuple[Waiting, ...] = ()


class Read(Struct, frozen=True):
    """What was read for a Need. `single`: the deliveries asked for one by one, None: it is not there any more."""

    open: Sequence[Job] = ()
    due: Sequence[Job] = ()
    single: Mapping[int, Job | None] = {}


class Reader(Protocol):
    """What the dispatcher reads of a store, in threads (ringback.store.port.Store has it). All raise StoreUnavailable."""

    def open_deliveries(self, endpoint: int, after: int, limit: int) -> list[Job]: ...
    def endpoints_with_open(self) -> list[int]: ...
    def due(self, until_ms: int, limit: int, endpoint: int | None = None, up_to: int | None = None) -> list[Job]: ...
    def job(self, delivery: int) -> Job | None: ...
    def calls_by_number(self, numbers: Sequence[int]) -> dict[int, StoredCall]: ...


class RunInThread(Protocol):
    """Runs blocking work beside the loop."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


def read(reader: Reader, need: Need, until_ms: int) -> Read:
    """Answers a need; `until_ms`: what is due until then. Raises what the store raises."""
    due = reader.due(until_ms, need.due_limit, need.endpoint, need.cursor) if need.due_limit else ()
    open_ = reader.open_deliveries(need.endpoint, need.cursor, need.open_limit) if need.open_limit else ()
    return Read(open_, due, {number: reader.job(number) for number, _ in need.turns + need.bulk})


class Asker(Protocol):
    """A lane, as far as reading goes."""

    reading: bool
    """It is queued, or being read for."""

    def wants(self) -> bool: ...
    def begin(self) -> Need | None: ...
    def absorb(self, need: Need, read: Read, now_ms: int) -> None: ...
    def failed(self, need: Need) -> None: ...


Lane = TypeVar("Lane", bound=Asker)


class Readings(Generic[Lane]):
    """The queue of lanes that want to read. Lives on the loop."""

    def __init__(
        self,
        *,
        loop: AbstractEventLoop,
        reader: Reader,
        run_in_thread: RunInThread,
        clock_ms: Callable[[], int],
        on_read: Callable[[Lane], None],
        at_once: int,
        horizon_ms: int,
        again_s: float,
    ) -> None:
        """`on_read`: a lane has new work. `again_s`: the pause after the store could not answer."""
        self._loop = loop
        self._reader = reader
        self._run_in_thread = run_in_thread
        self._clock_ms = clock_ms
        self._on_read = on_read
        self._at_once = at_once
        self._horizon_ms = horizon_ms
        self._again_s = again_s
        self._queue: deque[Lane] = deque()
        self._tasks: set[Task[None]] = set()
        self._open = False

    def open(self) -> None:
        """Starts to read."""
        self._open = True
        self._go_on()

    def close(self) -> list[Task[None]]:
        """Reads no more; what is being read is dropped. The tasks that end with it."""
        self._open = False
        self._queue.clear()
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)

    def want(self, lane: Lane) -> None:
        """Queues a lane, if it wants anything and is not queued or being read for."""
        if not lane.reading and lane.wants():
            lane.reading = True
            self._queue.append(lane)
            self._go_on()

    def _go_on(self) -> None:
        while self._open and self._queue and len(self._tasks) < self._at_once:
            task = self._loop.create_task(self._read_for(self._queue.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("what was read could not be taken", exc_info=task.exception())
        self._go_on()

    async def _read_for(self, lane: Lane) -> None:
        need = lane.begin()
        if need is None:
            lane.reading = False
            return
        now_ms = self._clock_ms()
        try:
            answer = await self._run_in_thread(partial(read, self._reader, need, now_ms + self._horizon_ms))
        except Exception as error:  # whatever the store's trouble is, the lane must ask again
            log.warning("endpoint %s: the store could not be read: %s", need.endpoint, error)
            lane.failed(need)
            self._loop.call_later(self._again_s, self._again, lane)
            return
        lane.reading = False
        if self._open:
            lane.absorb(need, answer, self._clock_ms())
            self._on_read(lane)

    def _again(self, lane: Lane) -> None:
        lane.reading = False
        self.want(lane)
