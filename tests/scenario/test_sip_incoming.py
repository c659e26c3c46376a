"""Somebody calls: sipp, at the address of a trunk."""

import asyncio
from pathlib import Path

import pytest
from sip_stage import LOCAL, OFFER, TRUNK, Engine, needs_sipp, settings, sipp

from ringback.switch.embedded import sdp
from ringback.switch.embedded.signalling import Accepted, Ended, Invited, Offered

pytestmark = needs_sipp


def test_a_caller_hangs_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "caller_hangs_up", engine) as caller:
            invited = await engine.next(Invited)
            assert (invited.from_, invited.to, invited.name, invited.peer) == (
                "+13005550100",
                "+13005550199",
                "Sippy Phone",
                "carrier",
            )
            assert invited.source == (TRUNK, caller.port)
            assert sdp.answer(invited.sdp, LOCAL)[1].codec == "PCMU"
            engine.sip.ring(invited.leg)
            engine.answer(invited)
            assert await engine.next(Ended) == Ended(invited.leg, "far", None, 31, True)
            await caller.done()

    asyncio.run(story())


def test_early_media_then_we_hang_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "callee_hangs_up", engine) as caller:
            invited = await engine.next(Invited)
            engine.sip.ring(invited.leg, sdp.answer(invited.sdp, LOCAL)[0])
            engine.answer(invited)
            await asyncio.sleep(0.05)
            engine.sip.hang_up(invited.leg)
            assert await engine.next(Ended) == Ended(invited.leg, "us", None, None, True)
            await caller.done()

    asyncio.run(story())


@pytest.mark.parametrize("status", [486, 603, 488, 480])
def test_a_caller_is_refused(tmp_path: Path, status: int) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "caller_is_refused", engine, STATUS=str(status)) as caller:
            invited = await engine.next(Invited)
            if status == 480:
                engine.sip.hang_up(invited.leg)
            else:
                engine.sip.refuse(invited.leg, status)
            assert await engine.next(Ended) == Ended(invited.leg, "us", status, None, False)
            await caller.done()

    asyncio.run(story())


def test_a_caller_gives_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "caller_cancels", engine) as caller:
            invited = await engine.next(Invited)
            engine.sip.ring(invited.leg)
            assert await engine.next(Ended) == Ended(invited.leg, "far", 487, 16, False)
            engine.answer(invited)  # too late, and harmless
            await caller.done()

    asyncio.run(story())


def test_what_is_lost_is_sent_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine:
            engine.behaves = lambda signal: engine.answer(signal) if isinstance(signal, Invited) else None
            async with sipp(tmp_path, "caller_hangs_up", engine, "-lost", "10", "-r", "20", calls=20) as callers:
                await callers.done()
                ends = await engine.ends(20)
                assert all(ended.answered and ended.cause == 31 for ended in ends), ends

    asyncio.run(story())


def test_a_call_that_is_never_acknowledged_ends(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine(pace=0.05) as engine, sipp(tmp_path, "caller_never_acknowledges", engine) as caller:
            invited = await engine.next(Invited)
            engine.answer(invited)
            assert await engine.next(Ended) == Ended(invited.leg, "far", 408, None, True)
            await caller.done()

    asyncio.run(story())


def test_hold_and_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "caller_holds", engine) as caller:
            invited = await engine.next(Invited)
            ours, _ = sdp.answer(invited.sdp, LOCAL)
            engine.sip.accept(invited.leg, ours)
            for direction in ("recvonly", "sendrecv"):
                offered = await engine.next(Offered)
                ours, session = sdp.answer(offered.sdp, LOCAL, ours)
                assert session.direction == direction
                engine.sip.answer_offer(offered.leg, ours)
            assert (await engine.next(Ended)).answered
            await caller.done()

    asyncio.run(story())


def test_an_offer_that_comes_late(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "caller_offers_late", engine) as caller:
            invited = await engine.next(Invited)
            assert invited.sdp == b""
            engine.sip.accept(invited.leg, OFFER)
            accepted = await engine.next(Accepted)
            assert sdp.accept(accepted.sdp, LOCAL).codec == "PCMU"
            assert (await engine.next(Ended)).answered
            await caller.done()

    asyncio.run(story())


def test_a_re_invite_that_wants_our_offer(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "caller_asks_for_an_offer", engine) as caller:
            invited = await engine.next(Invited)
            engine.answer(invited)
            offered = await engine.next(Offered)
            assert offered.sdp == b""
            engine.sip.answer_offer(offered.leg, OFFER)
            assert sdp.accept((await engine.next(Accepted)).sdp, LOCAL).codec == "PCMU"
            assert (await engine.next(Ended)).answered
            await caller.done()

    asyncio.run(story())


def test_update_is_an_offer_too(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "caller_updates", engine) as caller:
            engine.answer(await engine.next(Invited))
            offered = await engine.next(Offered)
            engine.sip.answer_offer(offered.leg, sdp.answer(offered.sdp, LOCAL)[0])
            assert (await engine.next(Ended)).answered
            await caller.done()

    asyncio.run(story())


def test_over_tcp(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "caller_holds", engine, "-t", "t1") as caller:
            engine.answer(await engine.next(Invited))
            for _ in range(2):
                offered = await engine.next(Offered)
                engine.sip.answer_offer(offered.leg, sdp.answer(offered.sdp, LOCAL)[0])
            assert (await engine.next(Ended)).answered
            await caller.done()

    asyncio.run(story())


def test_a_phone_calls_with_its_password(tmp_path: Path) -> None:
    async def story() -> None:
        words = {"USER": "alice", "PASSWORD": "wonderland"}
        config = settings()
        async with Engine(config) as engine, sipp(tmp_path, "phone_calls", engine, host="127.0.0.3", **words) as caller:
            invited = await engine.next(Invited)
            assert (invited.from_, invited.peer) == ("7000", "alice")
            engine.answer(invited)
            assert (await engine.next(Ended)).answered
            await caller.done()

    asyncio.run(story())
