"""What live switches tell reaches the ledger in order, whatever the store does meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ringback.calls.model import CallRef, Update
from ringback.engine import live_spool
from ringback.engine.live_spool import LiveSpool
from ringback.errors import OurError, StoreUnavailable
from ringback.intake.turn import Answer

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
        spool.start()
        await spool.settled()
        assert spool.waiting == 0

    run(scenario, ledger)
    assert ledger.taken == [str(number) for number in range(2_500)]
    assert told == list(range(2_500))
    assert ledger.calls == 3


def test_while_the_store_is_away_nothing_is_lost_and_nothing_overtakes() -> None:
    ledger = Ledger(None, *([StoreUnavailable("away")] * 5))

    async def scenario(spool: LiveSpool, _: list[str]) -> None:
        spool.start()
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
        spool.start()
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


async def _without_stop(scenario: Callable[[LiveSpool, list[str]], Awaitable[None]], ledger: Ledger) -> None:
    notes: list[str] = []
    await scenario(LiveSpool(ledger.accept, notes.append), notes)


def test_a_stop_waits_for_so_long_and_no_longer() -> None:
    ledger = Ledger(*([StoreUnavailable("away")] * 10_000))

    async def scenario() -> None:
        spool = LiveSpool(ledger.accept, print, retry_s=0.001)
        spool.start()
        spool.put("a", update(1))
        await asyncio.wait_for(spool.stop(0.05), 5)
        assert ledger.taken == []

    asyncio.run(scenario())
