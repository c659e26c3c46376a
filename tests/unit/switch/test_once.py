"""Work that several ask for is done once; a cache that knows its bytes."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.once import ByteCache, Once


def on_a_loop(test: Callable[[asyncio.AbstractEventLoop], Any]) -> None:
    async def main() -> None:
        await test(asyncio.get_running_loop())

    asyncio.run(main())


class Work:
    """Ends when it is told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.stopped: list[str] = []
        self.ready = asyncio.Event()

    async def __call__(self, key: str) -> str:
        self.begun.append(key)
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.stopped.append(key)
            raise
        return key.upper()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_it_is_done_once_for_all_who_wait() -> None:
    async def test(loop: asyncio.AbstractEventLoop) -> None:
        work, told = Work(), []
        once = Once(loop, work)
        for n in range(3):
            once.ask("a", lambda value, n=n: told.append((n, value)))
        once.ask("b", lambda value: told.append((9, value)))
        await turns()
        assert (work.begun, told) == (["a", "b"], [])
        work.ready.set()
        await turns()
        assert sorted(told) == [(0, "A"), (1, "A"), (2, "A"), (9, "B")]
        once.ask("a", lambda value: told.append((3, value)))
        assert len(told) == 4
        await turns()
        assert work.begun == ["a", "b", "a"]

    on_a_loop(test)


def test_it_is_stopped_when_nobody_waits_any_more() -> None:
    async def test(loop: asyncio.AbstractEventLoop) -> None:
        work, told = Work(), []
        once = Once(loop, work)
        first, second = once.ask("a", told.append), once.ask("a", told.append)
        await turns()
        first.cancel()
        first.cancel()
        await turns()
        assert work.stopped == []
        second.cancel()
        once.ask("a", told.append)
        await turns()
        assert (work.begun, work.stopped) == (["a", "a"], ["a"])
        work.ready.set()
        await turns()
        assert told == ["A"]
        second.cancel()

    on_a_loop(test)


def test_one_may_give_up_for_another_and_one_who_fails_harms_nobody() -> None:
    async def test(loop: asyncio.AbstractEventLoop) -> None:
        work, told, wrong = Work(), [], []
        loop.set_exception_handler(lambda _, context: wrong.append(context["exception"]))
        once = Once(loop, work)
        handles: list[Any] = []
        once.ask("a", lambda _: handles[0].cancel())
        once.ask("a", lambda _: 1 / 0)
        handles.append(once.ask("a", told.append))
        once.ask("a", lambda value: told.append(f"last {value}"))
        work.ready.set()
        await turns()
        assert (told, [type(one) for one in wrong]) == (["last A"], [ZeroDivisionError])

    on_a_loop(test)


def test_after_the_end_nobody_is_told() -> None:
    async def test(loop: asyncio.AbstractEventLoop) -> None:
        work, told = Work(), []
        once = Once(loop, work)
        once.ask("a", told.append)
        await turns()
        await once.close()
        work.ready.set()
        await turns()
        assert (told, work.stopped) == ([], ["a"])

    on_a_loop(test)


def test_what_was_used_last_stays() -> None:
    cache: ByteCache[str, bytes] = ByteCache(100, len)
    for name in "abcd":
        cache.put(name, b"x" * 25)
    assert cache.get("a") is not None
    cache.put("e", b"x" * 25)
    assert [name for name in "abcde" if cache.get(name) is not None] == ["a", "c", "d", "e"]
    cache.put("large", b"x" * 26)
    assert cache.get("large") is None
    cache.put("a", b"y")
    assert (cache.size, cache.get("a")) == (76, b"y")


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60))))
def test_a_cache_never_holds_more_than_it_may(puts: list[tuple[str, int]]) -> None:
    cache: ByteCache[str, bytes] = ByteCache(100, len)
    for key, size in puts:
        cache.put(key, b"x" * size)
        assert cache.size == sum(len(cache.get(one) or b"") for one in "abcdef") <= 100
