"""What is due within the next seconds, for all lanes in one heap. Everything later is the store's."""

import heapq
from typing import Generic, TypeVar

from ringback.webhooks.records import Job

Owner = TypeVar("Owner")


class Timers(Generic[Owner]):
    """Jobs by due time (`delivery.next_at_ms`). An entry that was moved or removed stays in the heap until its time, and is then
    passed over."""

    __slots__ = ("_heap", "_jobs", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int]] = []
        self._jobs: dict[int, tuple[int, Owner, Job]] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, owner: Owner, job: Job) -> None:
        """Waits for the job's time; one that waited already gets the new time."""
        self._sequence += 1
        self._jobs[job.delivery.id] = (self._sequence, owner, job)
        heapq.heappush(self._heap, (job.delivery.next_at_ms, self._sequence, job.delivery.id))

    def get(self, number: int) -> tuple[Owner, Job] | None:
        """The waiting job of that delivery, and whose it is."""
        entry = self._jobs.get(number)
        return None if entry is None else entry[1:]

    def remove(self, number: int) -> Job | None:
        """Takes a job out before its time."""
        entry = self._jobs.pop(number, None)
        return None if entry is None else entry[2]

    def remove_all(self, owner: Owner) -> list[Job]:
        """Takes out all jobs of one owner (walks over everybody's: for rare occasions)."""
        mine = [job for _, of, job in self._jobs.values() if of is owner]
        for job in mine:
            del self._jobs[job.delivery.id]
        return mine

    def next_at_ms(self) -> int | None:
        """When something is due next; None: nothing waits."""
        heap = self._heap
        while heap:
            at_ms, sequence, number = heap[0]
            entry = self._jobs.get(number)
            if entry is not None and entry[0] == sequence:
                return at_ms
            heapq.heappop(heap)
        return None

    def pop(self, now_ms: int) -> tuple[Owner, Job] | None:
        """One job whose time has come, with its owner."""
        at_ms = self.next_at_ms()
        if at_ms is None or at_ms > now_ms:
            return None
        _, owner, job = self._jobs.pop(heapq.heappop(self._heap)[2])
        return owner, job
