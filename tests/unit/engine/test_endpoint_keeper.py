"""Changes of endpoints that meet, a store that is away, and health that is written a moment later."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from msgspec.structs import replace

from ringback.engine import endpoints as module
from ringback.engine.endpoints import EndpointKeeper
from ringback.errors import InvalidInput, NotFound, StoreUnavailable
from ringback.webhooks.health import HEALTHY, SWITCHED_OFF, Health
from ringback.webhooks.model import Endpoint

MADE = Endpoint(id=7, account="a", url="https://a.example/", dialect="standard", created_at_ms=5, updated_at_ms=5)
FAILING = Health("failing", 6, 50, 60, "5 attempts in a row failed")
GONE = Health("disabled", 1, 70, 70, "it answered 410 Gone")


class House:
    """What the keeper asks of the engine, and of its store, book and dispatcher; the store may be away, or take its time."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.store = self.book = self.dispatcher = self
        self.endpoints: dict[int, Endpoint] = {}
        self.replays: dict[int, Endpoint] = {}
        self.rows: dict[int, Endpoint] = {}
        self.health_rows: dict[int, Health] = {}
        self.lanes: dict[int, tuple[Endpoint, Health | None]] = {}
        self.fares: dict[int, Health] = {}
        self.forgotten: list[int] = []
        self.away = False
        self.taken = asyncio.Event()
        self.taken.set()
        self.writes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        await asyncio.sleep(0)
        await self.taken.wait()
        self.writes += 1
        if self.away:
            raise StoreUnavailable("away")
        return work()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def prepare(self, dialect: str) -> None:
        """Whatever a dialect needs is there."""

    # The store
    def put_endpoint(self, endpoint: Endpoint, health: Health | None = None) -> None:
        if endpoint.id in self.forgotten:
            raise NotFound("deleted")
        self.rows[endpoint.id] = endpoint
        if health is not None:
            self.health_rows[endpoint.id] = health

    def put_healths(self, healths: dict[int, Health]) -> None:
        self.health_rows.update(healths)

    def healths(self) -> dict[int, Health]:
        return self.health_rows

    def delete_endpoint(self, endpoint: int) -> None:
        self.rows.pop(endpoint, None)

    # The book and the dispatcher
    def endpoint(self, number: int) -> Endpoint | None:
        return self.endpoints.get(number)

    def set_endpoint(self, endpoint: Endpoint, *health: Health | None) -> None:
        if health:
            self.lanes[endpoint.id] = (endpoint, health[0])
            if health[0] is not None:
                self.fares[endpoint.id] = health[0]
        else:
            self.endpoints[endpoint.id] = endpoint

    def health(self, number: int) -> Health:
        return self.fares.get(number, HEALTHY)

    def forget_endpoint(self, endpoint: Endpoint) -> None:
        self.forgotten.append(endpoint.id)
        self.endpoints.pop(endpoint.id, None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_AFTER_S", 0.001)
    monkeypatch.setattr(module, "AGAIN_S", 0.001)


def played(scene: Callable[[House, EndpointKeeper], Awaitable[None]]) -> None:
    async def main() -> None:
        house = House()
        keeper = EndpointKeeper(house)  # type: ignore[arg-type]
        house.endpoints[7] = house.rows[7] = MADE
        await scene(house, keeper)

    asyncio.run(main())


def renamed(text: str) -> Callable[[Endpoint], Endpoint]:
    return lambda endpoint: replace(endpoint, description=endpoint.description + text)


def test_two_changes_build_on_each_other() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        await asyncio.gather(*(keeper.change("a", 7, renamed(text)) for text in "xyz"))
        assert house.rows[7].description == house.endpoints[7].description == house.lanes[7][0].description == "xyz"
        assert house.rows[7].version == 3

    played(scene)


@pytest.mark.parametrize("trouble", ["the store is away", "the edit is refused", "another's", "none such"])
def test_what_cannot_be_written_has_not_happened(trouble: str) -> None:
    def refuse(_: Endpoint) -> Endpoint:
        raise InvalidInput("no")

    async def scene(house: House, keeper: EndpointKeeper) -> None:
        house.away = trouble == "the store is away"
        edit = refuse if trouble == "the edit is refused" else renamed("x")
        with pytest.raises((StoreUnavailable, InvalidInput, NotFound)):
            await keeper.change("b" if trouble == "another's" else "a", 8 if trouble == "none such" else 7, edit)
        assert (house.rows[7], house.endpoints[7], house.lanes) == (MADE, MADE, {})

    played(scene)


def test_what_changes_nothing_is_not_written() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        assert await keeper.change("a", 7, lambda endpoint: endpoint) == (MADE, MADE, HEALTHY)
        assert house.writes == 0

    played(scene)


@pytest.mark.parametrize(
    ("why", "before", "after", "health"),
    [
        ("a new URL", {}, {"url": "https://b.example/"}, HEALTHY),
        ("enabled again", {"enabled": False}, {"enabled": True}, HEALTHY),
        ("disabled", {}, {"enabled": False}, replace(FAILING, condition="disabled", reason=SWITCHED_OFF)),
        ("a new URL of a disabled one", {"enabled": False}, {"url": "https://b.example/"}, None),
        ("anything else", {}, {"rate_per_s": 2.0}, None),
    ],
)
def test_what_a_change_does_to_health(why: str, before: Any, after: Any, health: Health | None) -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        house.endpoints[7] = replace(MADE, **before)
        house.fares[7] = FAILING
        _, _, fared = await keeper.change("a", 7, lambda endpoint: replace(endpoint, **after))
        assert fared == FAILING, why
        told = house.lanes[7][1]
        assert (told and replace(told, changed_at_ms=0)) == (health and replace(health, changed_at_ms=0)), why
        assert house.health_rows.get(7) == told

    played(scene)


@pytest.mark.usefixtures("quick")
def test_health_is_written_a_moment_later_all_together() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        for failures in range(1, 50):
            keeper.heard(7, Health("healthy", failures, 50))
            keeper.heard(8, Health("healthy", failures, 60))
        assert house.writes == 0
        await until(lambda: house.health_rows == {7: Health("healthy", 49, 50), 8: Health("healthy", 49, 60)})
        assert house.writes == 1

    played(scene)


@pytest.mark.usefixtures("quick")
def test_health_outlives_a_store_that_was_away_and_the_newest_is_kept() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        house.away = True
        keeper.heard(7, Health("healthy", 1, 50))
        keeper.heard(8, Health("healthy", 1, 50))
        house.taken.clear()
        await asyncio.sleep(0.01)
        keeper.heard(7, Health("healthy", 2, 50))
        house.taken.set()
        await until(lambda: house.writes > 2)
        house.away = False
        await until(lambda: house.health_rows == {7: Health("healthy", 2, 50), 8: Health("healthy", 1, 50)})

    played(scene)


def test_the_last_of_it_is_written_at_the_end() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        keeper.heard(7, FAILING)
        await keeper.close()
        assert house.health_rows == {7: FAILING}
        house.away = True
        keeper.heard(7, HEALTHY)
        await keeper.close()

    played(scene)


def test_what_an_answer_said_before_a_change_does_not_undo_it() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        keeper.heard(7, FAILING)
        await keeper.change("a", 7, lambda endpoint: replace(endpoint, url="https://b.example/"))
        await keeper.close()
        assert house.health_rows == {7: HEALTHY}

    played(scene)


def test_stopped_by_its_receiver() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        await keeper.stop(7, GONE)
        for kept in (house.rows[7], house.endpoints[7], house.lanes[7][0]):
            assert not kept.enabled
        assert (house.lanes[7][1], house.health_rows) == (GONE, {7: GONE})
        await keeper.stop(7, FAILING)
        await keeper.stop(8, GONE)
        assert house.health_rows == {7: GONE}, "it is, or there is none"

    played(scene)


@pytest.mark.usefixtures("quick")
def test_stopped_while_the_store_is_away() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        house.away = True
        stopping = asyncio.create_task(keeper.stop(7, GONE))
        await until(lambda: house.writes > 2)
        assert not house.endpoints[7].enabled, "it gets nothing all the same"
        house.away = False
        await stopping
        assert not house.rows[7].enabled

    played(scene)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_stopped_while_the_store_is_away_and_then_a_person_comes(how: str) -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        house.away = True
        stopping = asyncio.create_task(keeper.stop(7, GONE))
        await until(lambda: house.writes > 2)
        house.away = False
        if how == "changed":
            await keeper.change("a", 7, lambda endpoint: replace(endpoint, enabled=True))
        else:
            await keeper.drop(house.endpoints[7])
        await stopping
        assert (house.rows[7].enabled if how == "changed" else 7 not in house.rows) is True

    played(scene)


def test_stopped_in_the_middle_of_a_change_it_stays_stopped() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        house.taken.clear()
        changing = asyncio.create_task(keeper.change("a", 7, renamed("x")))
        await asyncio.sleep(0)
        stopping = asyncio.create_task(keeper.stop(7, GONE))
        house.taken.set()
        await asyncio.gather(changing, stopping)
        assert (house.rows[7].enabled, house.rows[7].description) == (False, "x")
        assert house.lanes[7] == (house.rows[7], GONE)

    played(scene)


def test_made_and_dropped() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        await keeper.make(replace(MADE, id=9))
        await keeper.make(replace(MADE, id=10, enabled=False))
        assert (house.lanes[9][1], house.health_rows.get(9)) == (None, None)
        assert house.health_rows[10].reason == SWITCHED_OFF
        keeper.heard(9, FAILING)
        await keeper.drop(house.endpoints[9])
        await keeper.close()
        assert 9 not in house.rows
        assert 9 not in house.health_rows

    played(scene)


def test_at_the_start_everybody_fares_as_before() -> None:
    async def scene(house: House, keeper: EndpointKeeper) -> None:
        house.endpoints[8] = replace(MADE, id=8, enabled=False)
        house.endpoints[9] = replace(MADE, id=9)
        house.health_rows = {7: FAILING}
        keeper.start()
        assert house.lanes[7] == (MADE, FAILING)
        assert house.lanes[8][1] == Health("disabled", 0, 0, 5, SWITCHED_OFF)
        assert house.lanes[9][1] is None

    played(scene)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what happens is not one event
            await asyncio.sleep(0.001)
