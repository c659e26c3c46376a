"""How long a Say takes until it can be heard: a sentence, the same again, and twenty callers at once.

python bench/saying.py [--say espeak-ng|command:…|http(s)://…]       the key is taken from RINGBACK_SAY_KEY
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from ringback.calls.live import Speech
from ringback.delivery.egress import SenderSettings
from ringback.delivery.sender import Sender
from ringback.engine.speech import service_egress
from ringback.switch.speech.audio import BYTES_PER_S
from ringback.switch.speech.make import SpeechSettings, make_speaker
from ringback.switch.speech.port import Clip

T = TypeVar("T")

RUNS: Final = 30
CALLERS: Final = 20
SENTENCE: Final = "Welcome, caller number {}. For sales press one, for support press two."


async def main(say: str) -> None:
    """Prints a line for each figure."""
    loop = asyncio.get_running_loop()
    threads = ThreadPoolExecutor(2)

    def in_thread(work: Callable[[], T], /) -> Awaitable[T]:
        return loop.run_in_executor(threads, work)

    sender = Sender(service_egress(SenderSettings(), say), loop)
    settings = SpeechSettings(say=say, say_key=os.environ.get("RINGBACK_SAY_KEY"))
    speaker = make_speaker(settings, sender, loop=loop, in_thread=in_thread)

    async def took(text: str) -> tuple[float, Clip]:
        said: asyncio.Future[Clip] = loop.create_future()
        began = time.perf_counter()
        speaker.say(Speech(text), said.set_result)
        clip = await said
        if clip.error:
            raise SystemExit(clip.error)
        return (time.perf_counter() - began) * 1000, clip

    await took("Hello.")
    alone = [await took(SENTENCE.format(n)) for n in range(RUNS)]
    again = [(await took(SENTENCE.format(n)))[0] for n in range(RUNS)]
    began = time.perf_counter()
    together = [ms for ms, _ in await asyncio.gather(*(took(SENTENCE.format(1_000 + n)) for n in range(CALLERS)))]
    all_ms = (time.perf_counter() - began) * 1000
    seconds = statistics.mean(len(clip.pcm) / BYTES_PER_S for _, clip in alone)
    first = [ms for ms, _ in alone]
    print(f"a sentence of {seconds:.1f} s: {statistics.median(first):.1f} ms at p50, {max(first):.1f} ms at most, of {RUNS}")
    print(f"the same again: {statistics.median(again) * 1000:.0f} µs at p50")
    print(f"{CALLERS} different ones at once: {statistics.median(together):.0f} ms at p50, the last after {all_ms:.0f} ms")
    await speaker.close()
    await sender.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--say", default="espeak-ng")
    asyncio.run(main(parser.parse_args().say))
