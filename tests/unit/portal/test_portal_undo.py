"""What is deleted by a page goes later, and stays if somebody says so in time."""

import asyncio

from ringback.portal.undo import Deletions


def run(after_s: float, work: "list[str]", *, undo: bool) -> tuple[int | None, bool]:
    async def inside() -> tuple[int | None, bool]:
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()

        async def delete() -> None:
            work.append("deleted")
            gone.set()

        tasks: list[asyncio.Task[None]] = []
        deletions = Deletions(loop, lambda coroutine: tasks.append(loop.create_task(coroutine)), after_s)
        deletions.begin("a", "ep_1", delete)
        deletions.begin("a", "ep_1", delete)
        left = deletions.left_s("a", "ep_1")
        undone = deletions.undo("a", "ep_1") if undo else False
        assert not deletions.undo("b", "ep_1")
        if not undo:
            async with asyncio.timeout(10):
                await gone.wait()
        assert deletions.left_s("a", "ep_1") is None
        return left, undone

    return asyncio.run(inside())


def test_it_goes_once_when_its_time_has_come() -> None:
    work: list[str] = []
    assert run(0.01, work, undo=False) == (0, False)
    assert work == ["deleted"]


def test_it_stays_if_it_is_undone() -> None:
    work: list[str] = []
    assert run(30, work, undo=True) == (30, True)
    assert work == []
