"""What live switches tell reaches the ledger in order, whatever the store does meanwhile."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.calls.model import CallRef, Update
from ringback.engine import live_spool
from ringback.engine.live_spool import LiveSpool, spool_file
from ringback.errors import BadSettings, OurError, StoreUnavailable
from ringback.intake.turn import Answer
from ringback.settings import Settings
from ringback.store.spool import SpoolFile, Waiting

Items = Sequence[tuple[str, Update]]


class Ledger:
    """A store's side of the port: takes what comes, or does what it is told to do instead."""

    def __init__(self, *instead: OurError | None) -> None:
        self.taken: list[str] = []
        self.calls = 0
        self.poisonous: set[str] = set()
        self._instead = list(instead)

    async def accept(self, items: Items) -> list[Answer]:
        self.calls += 1
        await asyncio.sleep(0)
        error = self._instead.pop(0) if self._instead else None
        if error is not None:
            raise error
        ids = [update.call.id for _, update in items]
        if self.poisonous & set(ids) and len(ids) > 1:
            raise OurError("internal error")
        if self.poisonous & set(ids):
            return [Answer(0, ids[0], error="cannot be stored")]
        self.taken += ids
        return [Answer(int(name), name) for name in ids]


def update(number: int) -> Update:
    return Update(type="call.facts", at_ms=0, call=CallRef(id=str(number)))


def run(scenario: Callable[[LiveSpool, list[str]], Awaitable[None]], ledger: Ledger) -> list[str]:
    """The operator's notes."""
    notes: list[str] = []

    async def whole() -> None:
        spool = LiveSpool(ledger.accept, notes.append, retry_s=0.001)
        await scenario(spool, notes)
        await spool.stop(1)

    asyncio.run(whole())
    return notes


def test_everything_arrives_in_order_many_at_once() -> None:
    ledger = Ledger()
    told: list[int] = []

    async def scenario(spool: LiveSpool, _: list[str]) -> None:
        for number in range(2_500):
            spool.put("a", update(number), lambda answer: told.append(answer.event))
        await spool.start()
        await spool.settled()
        assert spool.waiting == 0

    run(scenario, ledger)
    assert ledger.taken == [str(number) for number in range(2_500)]
    assert told == list(range(2_500))
    assert ledger.calls == 3


def test_while_the_store_is_away_nothing_is_lost_and_nothing_overtakes() -> None:
    ledger = Ledger(None, *([StoreUnavailable("away")] * 5))

    async def scenario(spool: LiveSpool, _: list[str]) -> None:
        await spool.start()
        for number in range(10):
            spool.put("a", update(number))
            await asyncio.sleep(0)
        await spool.settled()

    assert run(scenario, ledger) == []
    assert ledger.taken == [str(number) for number in range(10)]


def test_one_bad_update_does_not_take_the_others_with_it() -> None:
    ledger = Ledger()
    ledger.poisonous = {"3"}
    told: list[str] = []

    async def scenario(spool: LiveSpool, _: list[str]) -> None:
        for number in range(6):
            spool.put("a", update(number), lambda answer: told.append(answer.call_id))
        await spool.start()
        await spool.settled()

    run(scenario, ledger)
    assert ledger.taken == ["0", "1", "2", "4", "5"]
    assert told == ledger.taken, "nobody is told of what was refused"


def test_there_is_an_end_to_what_is_kept_and_the_operator_hears_of_it() -> None:
    ledger = Ledger(*([StoreUnavailable("away")] * 10_000))
    most, full = live_spool.MOST, live_spool.FULL

    async def scenario(spool: LiveSpool, notes: list[str]) -> None:
        for number in range(full):
            assert not spool.is_full
            spool.put("a", update(number))
        assert spool.is_full, "no new call is begun"
        for number in range(full, most + 3):
            spool.put("a", update(number))
        assert (spool.waiting, spool.lost) == (most, 3)
        assert len(notes) == 1

    asyncio.run(_without_stop(scenario, ledger))


def test_what_was_lost_while_nothing_could_be_noted_is_noted_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_spool, "MOST", 5)
    ledger = Ledger(StoreUnavailable("away"))

    async def scenario(spool: LiveSpool, notes: list[str]) -> None:
        for number in range(8):
            spool.put("a", update(number))
        notes.clear()
        await spool.start()
        await spool.settled()

    (note,) = run(scenario, ledger)
    assert note.endswith("5 of them waited, and are stored now; 3 were lost, for there was no room")


async def _without_stop(scenario: Callable[[LiveSpool, list[str]], Awaitable[None]], ledger: Ledger) -> None:
    notes: list[str] = []
    await scenario(LiveSpool(ledger.accept, notes.append), notes)


def test_a_stop_waits_for_so_long_and_no_longer() -> None:
    ledger = Ledger(*([StoreUnavailable("away")] * 10_000))

    async def scenario() -> None:
        spool = LiveSpool(ledger.accept, print, retry_s=0.001)
        await spool.start()
        spool.put("a", update(1))
        await asyncio.wait_for(spool.stop(0.05), 5)
        assert ledger.taken == []

    asyncio.run(scenario())


# With a file
class Store(Ledger):
    """A ledger that knows ids, and is away when it is told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.ids: dict[str, int] = {}
        self.duplicates = 0

    async def accept(self, items: Items) -> list[Answer]:
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("away")
        answers = []
        for _, one in items:
            assert one.id is not None
            self.duplicates += one.id in self.ids
            if one.id not in self.ids:
                self.taken.append(one.call.id)
            answers.append(Answer(self.ids.setdefault(one.id, int(one.call.id)), one.call.id))
        return answers


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a thread writes the file
            await asyncio.sleep(0.001)


async def killed(spool: LiveSpool) -> None:
    """Nothing of it goes on, and what it would do at its end it does not do. A thread is waited for: it would be gone."""
    spool._tasks[-1].cancel()
    spool._ending = True
    spool._stir.set()
    await asyncio.wait(spool._tasks, timeout=10)
    assert spool._file is not None
    spool._file.close()


def test_while_the_store_takes_updates_there_is_no_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "spool"
        spool = LiveSpool(Store().accept, print, SpoolFile(path))
        await spool.start()
        for number in range(2 * live_spool.AT_ONCE):
            spool.put("a", update(number))
        await spool.settled()
        await spool.stop(1)
        assert not os.listdir(tmp_path)

    asyncio.run(scenario())


def test_what_waits_survives_a_kill_and_comes_before_what_is_newer(tmp_path: Path) -> None:
    async def scenario() -> None:
        path, store = tmp_path / "spool", Store()
        spool = LiveSpool(store.accept, print, SpoolFile(path), retry_s=0.001)
        assert await spool.start() == 0
        spool.put("a", update(0))
        await spool.settled()
        store.away = True
        for number in range(1, 2_500):
            spool.put("a", update(number))
        await asyncio.wait_for(spool._until_safe(), 10)
        await killed(spool)
        told: list[int] = []
        again = LiveSpool(store.accept, print, SpoolFile(path), retry_s=0.001)
        assert await again.start(lambda account, one: lambda answer: told.append(answer.event)) == 2_499
        again.put("a", update(2_500))
        assert again.waiting == 2_500
        store.away = False
        await asyncio.wait_for(again.settled(), 10)
        assert store.taken == [str(number) for number in range(2_501)]
        assert told == list(range(1, 2_500)), "who the answers are for is heard of what was left"
        await until(lambda: not path.exists())
        await again.stop(1)

    asyncio.run(scenario())


def test_what_was_handed_on_just_before_a_kill_changes_nothing_the_second_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        path, store = tmp_path / "spool", Store()
        spool = LiveSpool(store.accept, print, SpoolFile(path), retry_s=0.001)
        await spool.start()
        store.away = True
        for number in range(10):
            spool.put("a", update(number))
        await asyncio.wait_for(spool._until_safe(), 10)
        kept = path.read_bytes(), path.with_name("spool-wal").read_bytes()
        store.away = False
        await asyncio.wait_for(spool.settled(), 10)
        await spool.stop(1)
        # As if the end had come between the ledger's commit and the file's
        path.write_bytes(kept[0])
        path.with_name("spool-wal").write_bytes(kept[1])
        again = LiveSpool(store.accept, print, SpoolFile(path), retry_s=0.001)
        assert await again.start() == 10
        await asyncio.wait_for(again.settled(), 10)
        await again.stop(1)
        assert (store.taken, store.duplicates) == ([str(number) for number in range(10)], 10)
        assert not os.listdir(tmp_path)

    asyncio.run(scenario())


def test_a_stop_without_a_store_leaves_what_waits_to_the_next_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Store()
        store.away = True
        spool = LiveSpool(store.accept, print, SpoolFile(tmp_path / "spool"), retry_s=0.001)
        await spool.start()
        for number in range(3):
            spool.put("a", update(number))
        await asyncio.wait_for(spool.stop(0.05), 5)
        store.away = False
        again = LiveSpool(store.accept, print, SpoolFile(tmp_path / "spool"))
        assert await again.start() == 3
        await asyncio.wait_for(again.settled(), 10)
        await again.stop(1)
        assert store.taken == ["0", "1", "2"]

    asyncio.run(scenario())


def test_what_nobody_has_read_stays(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "spool")
    file.append([Waiting(1, "a", update(1))])
    file.close()
    asyncio.run(LiveSpool(Store().accept, print, file).stop(1))
    assert [one.update for one in file.read().waiting] == [update(1)]
    file.close()


def test_what_waits_where_the_spool_was_before_is_not_left_there(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    before = spool_file(Settings(data=data), "o")
    assert spool_file(Settings(data=data, spool=data), "o").path == before.path
    before.append([Waiting(1, "a", update(1))])
    before.close()
    assert spool_file(Settings(data=data, spool=data), "o").path == before.path
    with pytest.raises(BadSettings, match=r"move spool-o.db\* there"):
        spool_file(Settings(data=data, spool=other), "o")
    before.path.rename(other / before.path.name)
    after = spool_file(Settings(data=data, spool=other), "o")
    assert [one.place for one in after.read().waiting] == [1]
    after.close()


def test_what_the_ledger_refuses_for_good_leaves_the_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        ledger = Ledger(StoreUnavailable("away"), StoreUnavailable("away"))
        ledger.poisonous = {"1"}
        spool = LiveSpool(ledger.accept, print, SpoolFile(tmp_path / "spool"), retry_s=0.05)
        await spool.start()
        for number in range(3):
            spool.put("a", update(number))
        await until((tmp_path / "spool").exists)
        await asyncio.wait_for(spool.settled(), 10)
        assert ledger.taken == ["0", "2"]
        await until(lambda: not os.listdir(tmp_path))
        await spool.stop(1)

    asyncio.run(scenario())


def test_a_file_that_cannot_be_written_costs_nothing_as_long_as_the_process_lives(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Store()
        folder = tmp_path / "folder"
        spool = LiveSpool(store.accept, print, SpoolFile(folder / "spool"), retry_s=0.001)
        await spool.start()
        folder.write_text("a file")
        store.away = True
        for number in range(5):
            spool.put("a", update(number))
        await until(lambda: spool._is_broken)
        # It is tried again, and then all of it is in there
        folder.unlink()
        await asyncio.wait_for(spool._until_safe(), 10)
        assert spool._file is not None
        assert [one.update.call.id for one in spool._file.read().waiting] == [str(number) for number in range(5)]
        store.away = False
        await asyncio.wait_for(spool.settled(), 10)
        await spool.stop(1)
        assert store.taken == [str(number) for number in range(5)]

    asyncio.run(scenario())


def test_a_store_that_does_not_answer_is_as_good_as_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_spool, "SLOW_S", 0.01)

    async def scenario() -> None:
        store, answers = Store(), asyncio.Event()

        async def slow(items: Items) -> list[Answer]:
            await answers.wait()
            return await store.accept(items)

        spool = LiveSpool(slow, print, SpoolFile(tmp_path / "spool"))
        await spool.start()
        spool.put("a", update(0))
        await until((tmp_path / "spool").exists)
        await asyncio.wait_for(spool._until_safe(), 10)
        answers.set()
        await asyncio.wait_for(spool.settled(), 10)
        await spool.stop(1)
        assert not os.listdir(tmp_path)

    asyncio.run(scenario())


def test_a_source_that_can_wait_goes_on_once_it_is_safe_and_leaves_room_for_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_spool, "FULL", 20)

    async def scenario() -> None:
        store = Store()
        spool = LiveSpool(store.accept, print, SpoolFile(tmp_path / "spool"), retry_s=0.001)
        await spool.start()
        await asyncio.wait_for(spool.take([("a", update(0))]), 10)
        assert store.taken == ["0"]
        store.away = True
        await asyncio.wait_for(spool.take([("a", update(number)) for number in range(1, 16)]), 10)
        assert (store.taken, spool.waiting) == (["0"], 15)
        more = asyncio.create_task(spool.take([("a", update(number)) for number in range(16, 60)]))
        await until(lambda: spool.is_full)
        spool.put("a", update(100))
        assert (spool.lost, more.done()) == (0, False)
        store.away = False
        await asyncio.wait_for(more, 10)
        await spool.stop(1)
        assert sorted(map(int, store.taken)) == [*range(60), 100]

    asyncio.run(scenario())


def test_those_who_cannot_wait_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_spool, "PATIENCE_S", 0.01)

    async def scenario() -> None:
        store = Store()
        spool = LiveSpool(store.accept, print, retry_s=0.001)
        await spool.start()
        await spool.caught_up()
        store.away = True
        spool.put("a", update(0))
        with pytest.raises(StoreUnavailable):
            await spool.caught_up()
        store.away = False
        await spool.settled()
        await spool.caught_up()
        await spool.stop(1)

    asyncio.run(scenario())


def test_a_batch_of_which_only_some_were_taken_is_offered_again() -> None:
    async def scenario() -> None:
        store, rounds = Store(), [0]

        async def torn(items: Items) -> list[Answer]:
            rounds[0] += 1
            if rounds[0] > 1:
                return await store.accept(items)
            taken = await store.accept(items[:2])
            return [*taken, *(Answer(0, one.call.id, error="away", again=True) for _, one in items[2:])]

        told: list[int] = []
        spool = LiveSpool(torn, print, retry_s=0.001)
        for number in range(4):
            spool.put("a", update(number), lambda answer: told.append(answer.event))
        await spool.start()
        await asyncio.wait_for(spool.settled(), 10)
        await spool.stop(1)
        assert (store.taken, told) == (["0", "1", "2", "3"], [0, 1, 2, 3])

    asyncio.run(scenario())


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.sampled_from(["put", "put", "put", "away", "back", "kill", "turn"]), max_size=40))
def test_whatever_happens_all_that_was_safe_arrives_once_and_in_order(steps: list[str]) -> None:
    async def scenario(path: Path) -> None:
        store, count = Store(), 0
        spool = LiveSpool(store.accept, lambda _: None, SpoolFile(path), retry_s=0.0005)
        await spool.start()
        for step in [*steps, "back"]:
            if step == "put":
                spool.put("a", update(count))
                count += 1
            elif step in ("away", "back"):
                store.away = step == "away"
            elif step == "kill":
                await asyncio.wait_for(spool._until_safe(), 10)
                await killed(spool)
                spool = LiveSpool(store.accept, lambda _: None, SpoolFile(path), retry_s=0.0005)
                await spool.start()
            else:
                await asyncio.sleep(0.001)
        await asyncio.wait_for(spool.settled(), 10)
        await spool.stop(1)
        assert store.taken == [str(number) for number in range(count)]
        assert not os.listdir(path.parent)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(scenario(Path(folder) / "spool"))
