"""Deliveries that waited for facts of their call (a recording, a survey) are sent with the call as it is now.

The event in the store holds the call as it was when the event was made. Before each attempt of such a delivery the conversation's
root is read again, many at a time.
"""

import logging
from asyncio import AbstractEventLoop, Task
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec.structs import replace

from ringback.calls.model import Event
from ringback.delivery.readings import RunInThread
from ringback.webhooks.records import Job, StoredCall

log = logging.getLogger("ringback.delivery")

AT_ONCE = 200

Owner = TypeVar("Owner")


class CallReader(Protocol):
    """What is read of the store. Raises StoreUnavailable."""

    def calls_by_number(self, numbers: Sequence[int]) -> dict[int, StoredCall]: ...


def with_call_as_it_is(event: Event, root: StoredCall | None) -> Event:
    """The event with its conversation's root as it is now (as it was, if the call is not there any more)."""
    if root is None:
        return event
    return replace(event, root=root.call, call=root.call if event.call.is_root else event.call)


class Facts(Generic[Owner]):
    """Jobs whose call is being read. Lives on the loop."""

    def __init__(
        self,
        *,
        loop: AbstractEventLoop,
        reader: CallReader,
        run_in_thread: RunInThread,
        on_ready: Callable[[Owner, Job, Event], None],
        again_s: float,
    ) -> None:
        """`on_ready` gets the job and the event to send for it. `again_s`: the pause after the store could not answer."""
        self._loop = loop
        self._reader = reader
        self._run_in_thread = run_in_thread
        self._on_ready = on_ready
        self._again_s = again_s
        self._waiting: list[tuple[Owner, Job]] = []
        self._task: Task[None] | None = None
        self._closed = False

    def want(self, owner: Owner, job: Job) -> None:
        """Reads the job's call, then calls `on_ready`."""
        self._waiting.append((owner, job))
        self._go_on()

    def close(self) -> tuple[list[tuple[Owner, Job]], list[Task[None]]]:
        """Stops: the jobs that will not become ready, and the tasks that end with it."""
        self._closed = True
        left, self._waiting = self._waiting, []
        if self._task is None:
            return left, []
        self._task.cancel()
        return left, [self._task]

    def _go_on(self) -> None:
        if self._task is None and self._waiting and not self._closed:
            self._task = self._loop.create_task(self._read())

    async def _read(self) -> None:
        batch = self._waiting[:AT_ONCE]
        numbers = list({job.delivery.root for _, job in batch})
        try:
            calls = await self._run_in_thread(lambda: self._reader.calls_by_number(numbers))
        except Exception as error:  # whatever the store's trouble is, the jobs must not be lost
            log.warning("the store could not be read: %s", error)
            self._loop.call_later(self._again_s, self._again)
            return
        self._task = None
        del self._waiting[: len(batch)]
        for owner, job in batch:
            self._on_ready(owner, job, with_call_as_it_is(job.event, calls.get(job.delivery.root)))
        self._go_on()

    def _again(self) -> None:
        self._task = None
        self._go_on()
