"""What stands in for voices and recognisers on the embedded switch; for `embedded_bench`, and for the process of `apart_child`."""

import asyncio
import math
from array import array
from collections.abc import Callable
from pathlib import Path

from ringback.calls.live import Speech
from ringback.switch.port import Handle
from ringback.switch.speech.port import Clip, Understood

CHARACTERS_PER_S = 14.0
_RATE = 8_000


class Humming:
    """Says texts as tones; fetches nothing."""

    def say(self, speech: Speech, done: Callable[[Clip], None]) -> Handle:
        samples = range(round(_RATE * len(speech.text) / CHARACTERS_PER_S))
        pcm = array("h", (round(8_000 * math.sin(2 * math.pi * 440 * at / _RATE)) for at in samples)).tobytes()
        return asyncio.get_running_loop().call_soon(done, Clip(pcm))

    def get(self, account: str, url: str, done: Callable[[Clip], None]) -> Handle:
        return asyncio.get_running_loop().call_soon(done, Clip(b"", f"{url}: there is nothing"))


class Knowing:
    """Understands what stands in a file (what the story's phone said last), if there is any sound of it."""

    def __init__(self, said: Path) -> None:
        self._said = said

    def recognise(self, pcm: bytes, language: str, profanity_filter: bool, done: Callable[[Understood], None]) -> Handle:
        loud = max(map(abs, memoryview(pcm).cast("h"))) > 1_000
        understood = Understood(self._said.read_text(), 0.9) if loud else Understood()
        return asyncio.get_running_loop().call_later(0.1, done, understood)
