"""Speech and sounds on a loop: real subprocesses, real HTTP, threads for what blocks."""

import asyncio
import math
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sender_harness import LOOPBACK
from sender_harness import settings as sender_settings

from ringback.calls.live import Speech
from ringback.delivery.sender import Sender
from ringback.switch.embedded.sounds import MOST_BYTES, Sounds
from ringback.switch.speech.audio import wav
from ringback.switch.speech.port import Clip
from ringback.switch.speech.speaker import CachingSpeaker, Voice

RATE = 8_000


class Pool:
    """`InThread` for tests."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2)

    def __call__(self, work: Callable[[], Any]) -> Any:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        self._threads.shutdown()


def run(test: Callable[[], Coroutine[Any, Any, None]], loop_factory: Any = None) -> None:
    """Runs a test on a loop; what is left of it is a failure."""

    async def main() -> None:
        async with asyncio.timeout(30):
            await test()
        assert len(asyncio.all_tasks()) == 1

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


@asynccontextmanager
async def speaking(voice: Voice, **more: Any) -> AsyncIterator[CachingSpeaker]:
    pool = Pool()
    speaker = CachingSpeaker(voice, **{"loop": asyncio.get_running_loop(), "in_thread": pool, "at_once": 4, **more})
    try:
        yield speaker
    finally:
        await speaker.close()
        pool.close()


async def said(speaker: CachingSpeaker, speech: Speech | str) -> Clip:
    future: asyncio.Future[Clip] = asyncio.get_running_loop().create_future()
    speaker.say(Speech(speech) if isinstance(speech, str) else speech, future.set_result)
    assert not future.done()
    return await future


@asynccontextmanager
async def sounding(folder: Path, **more: Any) -> AsyncIterator[Sounds]:
    loop = asyncio.get_running_loop()
    allowed = more.pop("allow_networks", LOOPBACK)
    sender = Sender(sender_settings(max_response_bytes=MOST_BYTES, allow_networks=allowed), loop)
    pool = Pool()
    sounds = Sounds(sender, loop=loop, in_thread=pool, folder=folder, **more)
    try:
        yield sounds
    finally:
        await sounds.close()
        await sender.close()
        pool.close()


async def got(sounds: Sounds, url: str, account: str = "a") -> Clip:
    future: asyncio.Future[Clip] = asyncio.get_running_loop().create_future()
    sounds.get(account, url, future.set_result)
    assert not future.done()
    return await future


def tone(hz: float = 600, seconds: float = 0.2) -> bytes:
    """PCM."""
    return b"".join(struct.pack("<h", round(8_000 * math.sin(2 * math.pi * hz * n / RATE))) for n in range(round(seconds * RATE)))


def tone_file(hz: float = 600, seconds: float = 0.2) -> bytes:
    return wav(tone(hz, seconds))


def loudest(pcm: bytes) -> int:
    return max((abs(s) for (s,) in struct.iter_unpack("<h", pcm)), default=0)
