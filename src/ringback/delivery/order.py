"""Which delivery of a conversation may go: the gate that keeps an endpoint's order.

Per conversation (root) one delivery holds the gate, the rest wait behind it in the order in which they came. What makes a delivery
let go is the endpoint's order and its lane's business: its first attempt is over (`call`), or it has ended (`strict`).

Waiting deliveries are kept with their events up to a number, beyond it as ids alone: the store has them.
"""

from collections import deque

from ringback.webhooks.records import Job


class Gates:
    """One endpoint's conversations. Pure bookkeeping; ids are deliveries'."""

    __slots__ = ("_holder", "_waiting", "ids", "jobs")

    def __init__(self) -> None:
        self._holder: dict[int, int] = {}
        self._waiting: dict[int, deque[Job | int]] = {}
        self.jobs = 0
        """Deliveries that wait with their events."""
        self.ids = 0
        """Deliveries that wait as ids alone."""

    def __len__(self) -> int:
        """Holders and waiting deliveries: what a lane's memory has to pay for."""
        return len(self._holder) + self.jobs + self.ids

    def enter(self, job: Job, most_jobs: int) -> bool:
        """True: it may go, and holds the gate until `leave`. False: it waits, with its event if fewer than `most_jobs` do so."""
        root, number = job.delivery.root, job.delivery.id
        holder = self._holder.setdefault(root, number)
        if holder == number:
            return True
        queue = self._waiting.get(root)
        if queue is None:
            queue = self._waiting[root] = deque()
        if self.jobs < most_jobs:
            queue.append(job)
            self.jobs += 1
        else:
            queue.append(number)
            self.ids += 1
        return False

    def leave(self, root: int, number: int) -> Job | int | None:
        """The holder lets go: the one whose turn it is now, which holds the gate already (an id: its event is to be read). None if
        nobody waits, or if that delivery does not hold the gate."""
        if self._holder.get(root) != number:
            return None
        queue = self._waiting.get(root)
        if queue is None:
            del self._holder[root]
            return None
        entry = queue.popleft()
        if not queue:
            del self._waiting[root]
        if isinstance(entry, int):
            self.ids -= 1
            self._holder[root] = entry
        else:
            self.jobs -= 1
            self._holder[root] = entry.delivery.id
        return entry

    def open_all(self) -> list[tuple[int, Job | int]]:
        """No order any more: everything that waited, with its root, conversation by conversation."""
        waited = [(root, entry) for root, queue in self._waiting.items() for entry in queue]
        self._holder.clear()
        self._waiting.clear()
        self.jobs = self.ids = 0
        return waited
