"""Work that several ask for while it is under way is done once, and stopped when nobody waits for it any more."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, Protocol, TypeVar

from ringback.switch.port import Handle

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
V = TypeVar("V")


class InThread(Protocol):
    """Runs what blocks beside the loop."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class _Waiter(Generic[T]):
    """One who waits. `done` None: no more."""

    __slots__ = ("_gone", "done")

    def __init__(self, done: Callable[[T], None], gone: Callable[[], None]) -> None:
        self.done: Callable[[T], None] | None = done
        self._gone = gone

    def cancel(self) -> None:
        """Waits no more; of no effect when it is over."""
        if self.done is not None:
            self.done = None
            self._gone()


class _Work(Generic[T]):
    """What is under way, and who waits for it."""

    __slots__ = ("task", "waiters")

    def __init__(self) -> None:
        self.waiters: list[_Waiter[T]] = []
        self.task: asyncio.Task[None] | None = None


class Once(Generic[K, T]):
    """See the module. Lives on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[[K], Awaitable[T]]) -> None:
        """`work` ends in a value, whatever happens: it raises nothing."""
        self._loop = loop
        self._work = work
        self._under_way: dict[K, _Work[T]] = {}

    def ask(self, key: K, done: Callable[[T], None]) -> Handle:
        """`done` is called once, later, unless the handle is cancelled before."""
        work = self._under_way.get(key)
        if work is None:
            work = self._under_way[key] = _Work()
            work.task = self._loop.create_task(self._run(key, work))
        waiter = _Waiter(done, partial(self._left, key, work))
        work.waiters.append(waiter)
        return waiter

    def _left(self, key: K, work: _Work[T]) -> None:
        if self._under_way.get(key) is work and not any(waiter.done for waiter in work.waiters):
            # Who asks from now on begins anew: this one is being torn down.
            del self._under_way[key]
            assert work.task is not None
            work.task.cancel()

    async def _run(self, key: K, work: _Work[T]) -> None:
        value = await self._work(key)
        del self._under_way[key]
        for waiter in work.waiters:
            done, waiter.done = waiter.done, None
            try:
                if done is not None:
                    done(value)
            except Exception as error:  # one's fault must not be another's
                self._loop.call_exception_handler({"message": "what waited for a sound failed", "exception": error})

    async def close(self) -> None:
        """Stops what is under way; nobody is told."""
        tasks = [work.task for work in self._under_way.values() if work.task is not None]
        self._under_way.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class ByteCache(Generic[K, V]):
    """What was used last, up to so many bytes in all."""

    def __init__(self, most_bytes: int, size_of: Callable[[V], int]) -> None:
        """`size_of`: a value's bytes."""
        self._most_bytes = most_bytes
        self._size_of = size_of
        self._kept: OrderedDict[K, V] = OrderedDict()
        self.size = 0
        """Bytes that it holds."""

    def get(self, key: K) -> V | None:
        """What is kept under a key; it was used now."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: K, value: V) -> None:
        """Keeps a value, unless it is so large that it would push out most of the others."""
        self.drop(key)
        if self._size_of(value) > self._most_bytes // 4:
            return
        self._kept[key] = value
        self.size += self._size_of(value)
        while self.size > self._most_bytes:
            self.size -= self._size_of(self._kept.popitem(last=False)[1])

    def drop(self, key: K) -> None:
        """Forgets what is kept under a key."""
        found = self._kept.pop(key, None)
        if found is not None:
            self.size -= self._size_of(found)
