"""The embedded switch against far ends that do what phones seldom do: no sound, no offer, another offer, none that can be spoken.
The far end is our SIP without media, told by hand."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sip_stage import HERE, Engine, settings

from ringback.calls.live import (
    Answer,
    Answered,
    Collect,
    Dial,
    Happening,
    Heard,
    HungUp,
    Incoming,
    Listen,
    Play,
    PlayEnded,
    Rang,
    Record,
    RecordEnded,
    Silence,
    Speech,
)
from ringback.switch.clock import LoopClock
from ringback.switch.embedded import sdp
from ringback.switch.embedded.settings import EmbeddedSettings
from ringback.switch.embedded.signalling import Accepted, Ended, Invited, Offered, Ringing
from ringback.switch.embedded.sip.settings import Trunk
from ringback.switch.embedded.switch import EmbeddedSwitch
from ringback.switch.port import Handle
from ringback.switch.speech.port import Clip

LOCAL = sdp.Local(address=HERE, port=40_100, session=7)
VIDEO = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n"


class Dumb:
    """Has nothing to say."""

    def say(self, speech: Speech, done: Callable[[Clip], None]) -> Handle:
        return asyncio.get_running_loop().call_soon(done, Clip(b"", "nothing can be said"))

    def get(self, account: str, url: str, done: Callable[[Clip], None]) -> Handle:
        return asyncio.get_running_loop().call_soon(done, Clip(b"", f"{account} may not have {url}"))


class Stage:
    """A switch, what it told, and the far end."""

    def __init__(self, switch: EmbeddedSwitch, far: Engine) -> None:
        self.switch, self.far = switch, far
        self.told: list[Happening] = []
        switch.listen(self.told.append)

    async def until(self, reached: Callable[[], Any], within_s: float = 15) -> Any:
        deadline = time.monotonic() + within_s
        while not (value := reached()):
            assert time.monotonic() < deadline, self.told
            await asyncio.sleep(0.01)
        return value

    async def tells(self, kind: type) -> Any:
        """The first of a kind."""
        return await self.until(lambda: next((told for told in self.told if isinstance(told, kind)), None))

    async def called(self, offer: bytes) -> str:
        """The far end calls; the leg."""
        self.far.sip.invite("far-1", f"sip:+13005550199@{HERE}:{self.switch.address[1]}", "+13005550100", offer, None)
        return str((await self.tells(Incoming)).leg)


@asynccontextmanager
async def stage(folder: Path, **changed: Any) -> AsyncIterator[Stage]:
    near = Trunk(name="phones", addresses=(f"{HERE}/32",))
    async with Engine(settings(trunks=(near,), phones=(), strangers="refuse")) as far:
        trunk = Trunk(name="carrier", addresses=(f"{HERE}/32",), host=HERE, port=far.port)
        first = random.randrange(40_200, 48_000, 20)
        wanted = {"port": 0, "trunks": (trunk,), "rtp_ports": (first, first + 19), **changed}
        dumb = Dumb()
        switch = EmbeddedSwitch(
            LoopClock(asyncio.get_running_loop()), EmbeddedSettings(**wanted), speaker=dumb, library=dumb, recordings=folder
        )
        made = Stage(switch, far)
        await switch.start()
        try:
            yield made
        finally:
            await switch.stop()
        assert switch.legs == 0


def test_a_far_end_that_says_nothing_is_hung_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, media_timeout_s=1.0) as on:
            leg = await on.called(sdp.offer(LOCAL))
            on.switch.obey(Answer(leg))
            on.switch.obey(Record(leg, 1, 60))
            ended = await on.tells(HungUp)
            assert ended == HungUp(leg, "completed", "us", 102, 200)
            recorded = await on.tells(RecordEnded)
            assert (recorded.why, recorded.duration_s) == ("hangup", 1)
            await on.far.next(Ringing)
            await on.far.next(Accepted)
            assert (await on.far.next(Ended)).cause == 102

    asyncio.run(story())


def test_a_caller_without_an_offer_gets_ours(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            leg = await on.called(b"")
            on.switch.obey(Play(leg, 1, (Silence(0.1),)))
            assert await on.tells(PlayEnded) == PlayEnded(leg, 1)
            on.switch.obey(Answer(leg))
            await on.tells(Answered)
            await on.far.next(Ringing)
            offered = (await on.far.next(Accepted)).sdp
            assert b"m=audio" in offered

    asyncio.run(story())


def test_an_offer_that_cannot_be_spoken_is_refused_and_nobody_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.far.sip.invite("far-1", f"sip:+1@{HERE}:{on.switch.address[1]}", "+13005550100", VIDEO, None)
            assert (await on.far.next(Ended)).status == 488
            assert on.told == []

    asyncio.run(story())


@pytest.mark.parametrize("answer", [VIDEO, b""])
def test_an_answer_that_cannot_be_spoken_ends_the_call(tmp_path: Path, answer: bytes) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.switch.obey(Dial("leg-1", "", "+13005550199", "+13005550100"))
            invited = await on.far.next(Invited)
            on.far.sip.accept(invited.leg, answer)
            assert await on.tells(HungUp) == HungUp("leg-1", "failed", "us", 65, 488)
            assert (await on.far.next(Ended)).answered

    asyncio.run(story())


def test_another_session_in_the_middle_of_a_call(tmp_path: Path) -> None:
    """A re-INVITE with an offer is answered, one that cannot be spoken is refused and changes nothing."""

    async def story() -> None:
        async with stage(tmp_path) as on:
            on.switch.obey(Dial("leg-1", "", "+13005550199", "+13005550100"))
            invited = await on.far.next(Invited)
            answer, _ = sdp.answer(invited.sdp, LOCAL)
            on.far.sip.ring(invited.leg, answer)
            assert await on.tells(Rang) == Rang("leg-1")
            on.far.sip.accept(invited.leg, answer)
            await on.tells(Answered)
            leg = on.switch._legs["leg-1"]
            before = leg._agreed
            held = sdp.offer(sdp.Local(address=HERE, port=40_100, session=7, direction="sendonly"))
            leg.signalled(Offered("leg-1", held))
            assert leg._agreed is not None
            assert (leg._agreed.direction, before and before.direction) == ("recvonly", "sendrecv")
            leg.signalled(Offered("leg-1", VIDEO))
            assert leg._agreed.direction == "recvonly"
            leg.signalled(Offered("leg-1", b""))
            leg.signalled(Accepted("leg-1", answer))
            assert leg._agreed.direction == "sendrecv"
            assert [type(told) for told in on.told] == [Rang, Answered]

    asyncio.run(story())


def test_without_a_port_for_sound_a_call_fails(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, rtp_ports=(port := random.randrange(48_200, 49_900, 2), port + 1)) as on:
            on.switch.obey(Dial("leg-1", "", "+13005550199", "+13005550100"))
            await on.far.next(Invited)
            on.switch.obey(Dial("leg-2", "", "+13005550199", "+13005550100"))
            assert await on.tells(HungUp) == HungUp("leg-2", "failed", "us", 41, 503)
            leg = await on.called(sdp.offer(LOCAL))
            on.switch.obey(Answer(leg))
            await on.until(lambda: HungUp(leg, "failed", "us", 41, 503) in on.told)
            assert (await on.far.next(Ringing)).status == 180
            assert (await on.far.next(Ended)).status == 503

    asyncio.run(story())


def test_who_listens_without_a_recogniser_hears_nothing_in_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            leg = await on.called(sdp.offer(LOCAL))
            on.switch.obey(Answer(leg))
            with caplog.at_level(logging.WARNING):
                on.switch.obey(Listen(leg, 1, start_s=0.3))
                on.switch.obey(Listen(leg, 2, start_s=0.2))
                await on.until(lambda: Heard(leg, 1) in on.told and Heard(leg, 2) in on.told)
            assert caplog.text.count("switch.deaf") == 1

    asyncio.run(story())


def test_what_cannot_be_said_is_told_with_the_prompts_end(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            leg = await on.called(sdp.offer(LOCAL))
            on.switch.obey(Answer(leg))
            on.switch.obey(Collect(leg, 9))
            on.switch.obey(Play(leg, 1, (Speech("Hello"), Silence(0.1))))
            assert await on.tells(PlayEnded) == PlayEnded(leg, 1, "nothing can be said")

    asyncio.run(story())


def test_a_switch_that_was_stopped_dials_nobody_and_stops_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            await on.switch.stop()
            on.switch.obey(Dial("leg-1", "", "+13005550199", "+13005550100"))
            assert await on.tells(HungUp) == HungUp("leg-1", "failed", "us", 41, 503)
            await on.switch.stop()

    asyncio.run(story())
