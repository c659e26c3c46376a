"""Many calls: how many a second, that none fails, and that nothing of them stays."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest
from sip_stage import OURS, Engine, needs_sipp, sipp, things

from ringback.switch.embedded.signalling import Ended, Invited

pytestmark = needs_sipp
PACE = 0.05


async def calls(engine: Engine, folder: Path, number: int, rate: int) -> float:
    """Calls in, each is answered and hung up; calls a second."""
    engine.all.clear()
    engine.told.clear()
    started = time.monotonic()
    async with sipp(folder, "caller_hangs_up", engine, "-r", str(rate), "-l", "400", calls=number) as callers:
        await callers.done()
    took = time.monotonic() - started
    ends = await engine.ends(number)
    assert all(ended == Ended(ended.leg, "far", None, 31, True) for ended in ends)
    return number / took


def answering(engine: Engine) -> None:
    engine.behaves = lambda signal: engine.answer(signal) if isinstance(signal, Invited) else None


async def load(folder: Path, number: int, rate: int) -> None:
    async with Engine(pace=PACE) as engine:
        answering(engine)
        await calls(engine, folder, 20, 20)
        before = await settled(engine)
        cpu = time.process_time()
        per_s = await calls(engine, folder, number, rate)
        cpu = time.process_time() - cpu
        after = await settled(engine)
        print(f"\nsip: {number} calls, {per_s:.0f} a second, {1000 * cpu / number:.1f} ms CPU a call")
        assert per_s > rate * 0.7
        assert {name: after[name] - before[name] for name in OURS if after[name] > before[name]} == {}


async def settled(engine: Engine) -> Counter[str]:
    """What there is when the transactions have forgotten the last call (RFC 3261's 32 s, at our pace)."""
    engine.all.clear()
    engine.told.clear()
    await asyncio.sleep(70 * PACE)
    return things()


def test_200_calls_and_nothing_stays(tmp_path: Path) -> None:
    asyncio.run(load(tmp_path, 200, 50))


@pytest.mark.slow
def test_1000_calls_and_nothing_stays(tmp_path: Path) -> None:
    asyncio.run(load(tmp_path, 1_000, 150))


def test_200_calls_one_after_another(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine:
            answering(engine)
            async with sipp(tmp_path, "caller_hangs_up", engine, "-r", "100", "-l", "1", calls=200) as callers:
                await callers.done()
            assert len(await engine.ends(200)) == 200

    asyncio.run(story())


def test_100_calls_out(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "callee_is_hung_up", calls=100) as callees:

            def hang_up(signal: object) -> None:
                if type(signal).__name__ == "Accepted":
                    engine.sip.hang_up(signal.leg)

            engine.behaves = hang_up
            for number in range(100):
                engine.call(callees.port, leg=f"out-{number}")
            await callees.done()
            assert all(ended.answered and ended.by == "us" for ended in await engine.ends(100))

    asyncio.run(story())
