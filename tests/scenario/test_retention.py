"""What is older than its account's retention goes: rows, recordings, attempts, what served a replay. A whole engine is asked."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness import Receiver
from msgspec.structs import replace

from ringback.calls.model import CallRef, Update
from ringback.engine import housekeeping
from ringback.engine.recordings import Upload
from ringback.engine.server import Engine
from ringback.settings import Settings
from ringback.store.port import Account, DeliveryFilter
from ringback.webhooks.model import Endpoint

MINE, THEIRS = "0b1c3a0e-7d0a-4bd0-8c62-000000000001", "0b1c3a0e-7d0a-4bd0-8c62-000000000002"
DAY_MS = 86_400_000
WAV = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x08\0\0\0" + b"\0" * 8


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Engine]:
    """An engine with two accounts."""
    settings = Settings(data=data, allow_http=True, allow_network=("127.0.0.0/8",), drain_s=1.0)
    engine = Engine(settings, "operator-key", [("127.0.0.1", 1)])
    for account in (MINE, THEIRS):
        engine.store.put_account(Account(id=account, name="a", created_at_ms=1))
    engine.book.read_accounts()
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def call(engine: Engine, name: str, account: str = MINE, *, ends: bool = True) -> None:
    now = int(time.time() * 1000)
    for kind in ("starting", "completed")[: 1 + ends]:
        ref = CallRef(id=name, direction="inbound", from_="+61288880000", to="+611800111222")
        (answer,) = await engine.accept([(account, Update(type=f"call.{kind}", at_ms=now, call=ref))])
        assert not answer.error


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def names(engine: Engine, account: str = MINE) -> list[str]:
    return [stored.call.id for stored in engine.store.calls(account, None, 100)]


def endpoint(engine: Engine, url: str, **fields: object) -> Endpoint:
    made = {"id": engine.writer.new_id(), "account": MINE, "url": url, "dialect": "standard", "created_at_ms": 1, **fields}
    return Endpoint(**made)  # type: ignore[arg-type]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PAUSE_S", 0.0)
    monkeypatch.setattr(housekeeping, "BATCH", 2)


@pytest.mark.usefixtures("quick")
def test_after_its_retention_a_conversation_is_gone_with_all_that_belongs_to_it(tmp_path: Path, receiver: Receiver) -> None:
    async def work() -> None:
        async with running(tmp_path / "data") as engine:
            await engine.endpoints.make(endpoint(engine, receiver.url))
            for number in range(5):
                await call(engine, f"c-{number}")
            await call(engine, "running", ends=False)
            await call(engine, "theirs", THEIRS)

            async def chunks() -> AsyncIterator[bytes]:
                yield WAV

            taken = await engine.recordings.take_recording(MINE, "c-2", Upload("audio/wav", len(WAV)), chunks())
            await until(lambda: engine.store.count_open(MINE, 100) == 0)
            await until(lambda: bool(list((tmp_path / "data").glob("attempts-*.db"))))
            engine.store.tidy()
            now = int(time.time() * 1000)
            deliveries = engine.store.deliveries(DeliveryFilter(account=MINE))
            assert len(deliveries) == 12
            assert await engine.housekeeping.tidy(now + 29 * DAY_MS) == 0
            assert len(names(engine)) == 6
            assert taken.kept.path.exists()
            assert await engine.housekeeping.tidy(now + 31 * DAY_MS) == 6
            assert names(engine) == ["running"]
            assert names(engine, THEIRS) == []
            assert not taken.kept.path.exists()
            assert not list((tmp_path / "data").glob("attempts-*.db"))
            left = engine.store.deliveries(DeliveryFilter(account=MINE))
            assert [row.call_id for row in left] == ["running"]
            assert engine.store.attempts(deliveries[-1].delivery.id) == []

    asyncio.run(work())


@pytest.mark.usefixtures("quick")
def test_each_account_has_its_own_retention(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path / "data") as engine:
            engine.store.put_account(replace(engine.book.accounts[MINE], retention_days=90))
            engine.store.put_account(replace(engine.book.accounts[THEIRS], retention_days=1))
            engine.book.read_accounts()
            await call(engine, "mine")
            await call(engine, "theirs", THEIRS)
            engine.store.tidy()
            now = int(time.time() * 1000)
            assert await engine.housekeeping.tidy(now + 2 * DAY_MS) == 1
            assert (names(engine), names(engine, THEIRS)) == (["mine"], [])
            assert await engine.housekeeping.tidy(now + 80 * DAY_MS) == 0
            assert await engine.housekeeping.tidy(now + 91 * DAY_MS) == 1
            assert names(engine) == []

    asyncio.run(work())


@pytest.mark.usefixtures("quick")
def test_what_was_made_for_a_replay_goes_when_it_is_over(tmp_path: Path, receiver: Receiver) -> None:
    async def work() -> None:
        async with running(tmp_path / "data") as engine:
            await call(engine, "c-1")
            receiver.answer = lambda got: 500
            made = endpoint(engine, receiver.url, only_replays=True, max_in_flight=1, order="none", dialect="voc")
            assert len(await engine.replay(made, "c-1")) == 2
            now = int(time.time() * 1000)
            await engine.housekeeping.tidy(now)
            assert engine.book.endpoint(made.id) == made
            await until(lambda: engine.store.count_open(MINE, 100) == 0)
            await engine.housekeeping.tidy(now)
            assert engine.book.endpoint(made.id) is None
            assert len(engine.store.deliveries(DeliveryFilter(account=MINE, endpoint=made.id))) == 2

    asyncio.run(work())


def test_tests_and_bulk_resends_are_forgotten_too(tmp_path: Path, receiver: Receiver) -> None:
    async def work() -> None:
        async with running(tmp_path / "data") as engine:
            made = endpoint(engine, receiver.url)
            await engine.endpoints.make(made)
            await engine.alone.test(made, "call.ringing")
            from ringback.webhooks.resends import Wanted

            job = await engine.resends.make(MINE, Wanted(), None)
            await until(lambda: engine.store.count_open(MINE, 100) == 0 and engine.resends.running(job.id) is None)
            now = int(time.time() * 1000)
            assert await engine.housekeeping.tidy(now + 31 * DAY_MS) == 1
            assert engine.store.deliveries(DeliveryFilter(account=MINE)) == []
            assert engine.store.resends(MINE, None, 10) == []

    asyncio.run(work())
