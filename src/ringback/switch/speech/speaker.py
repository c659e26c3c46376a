"""Say: one speaker, whatever makes its sound. It remembers what it said, says at once what many ask for, bounds time and size, and
never leaves a caller in silence: what cannot be said becomes a notice tone with an error.

say ──▶ remembered ──────────────────────────────▶ done
  └───▶ under way for another ──▶ (wait) ────────▶ done
  └───▶ voice ──▶ decoded to 8 kHz ──▶ remembered ──▶ done
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from ringback.calls.live import Speech
from ringback.switch.once import ByteCache, InThread, Once
from ringback.switch.port import Handle
from ringback.switch.speech.audio import decode, notice
from ringback.switch.speech.port import Clip, SpeechFailed

log = logging.getLogger("ringback.speech")

MOST_CHARS: Final = 5_000
"""More of a text is not said. VoXML allows 3,000."""
MOST_S: Final = 600.0
MOST_BYTES: Final = 48_000 * int(MOST_S)
"""Of a sound file: so long at 24 kHz."""
SAY_S: Final = 10.0
"""A text that is not made by then becomes the notice tone; waiting for a free place counts."""
MOST_WAITING: Final = 500
CACHE_BYTES: Final = 64 * 1024 * 1024
"""An hour of speech."""


class Voice(Protocol):
    """What makes sound of text."""

    name: str

    async def speak(self, speech: Speech, most_chars: int, most_bytes: int) -> tuple[bytes, str]:
        """A WAV or MP3 file, and what of the text is not in it (empty: nothing). Raises SpeechFailed."""
        ...

    def why_not(self) -> str:
        """Why it cannot work as things are, and what to do; empty: it can."""
        ...


class CachingSpeaker:
    """See the module; the `Speaker` of every server. Lives on the loop."""

    def __init__(
        self,
        voice: Voice,
        *,
        loop: asyncio.AbstractEventLoop,
        in_thread: InThread,
        at_once: int,
        cache_bytes: int = CACHE_BYTES,
        say_s: float = SAY_S,
    ) -> None:
        """`in_thread` runs what blocks. `at_once`: texts that the voice is given at a time."""
        self._voice = voice
        self._loop = loop
        self._in_thread = in_thread
        self._places = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._say_s = say_s
        self._cache: ByteCache[Speech, bytes] = ByteCache(cache_bytes, len)
        self._making: Once[Speech, Clip] = Once(loop, self._make)
        self._notice = notice()

    def start(self) -> None:
        """Says in the log what will not work."""
        why = self._voice.why_not()
        if why:
            log.error("say: %s. Until then callers hear a short tone in place of each text", why)

    def say(self, speech: Speech, done: Callable[[Clip], None]) -> Handle:
        """See `port.Speaker`."""
        pcm = self._cache.get(speech)
        if pcm is not None:
            return self._loop.call_soon(partial(done, Clip(pcm)))
        return self._making.ask(speech, done)

    async def close(self) -> None:
        """Stops what is being made; nobody is told."""
        await self._making.close()

    async def _make(self, speech: Speech) -> Clip:
        if self._waiting >= MOST_WAITING:
            return self._failed("too much is to be said at once")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._say_s), self._places:
                data, missing = await self._voice.speak(speech, MOST_CHARS, MOST_BYTES)
                pcm = await self._in_thread(partial(decode, data, MOST_S))
        except SpeechFailed as error:
            return self._failed(str(error))
        except TimeoutError:
            return self._failed(f"{self._voice.name} did not say it in time")
        except Exception:  # whatever it is, a caller waits
            log.exception("say")
            return self._failed("it could not be said")
        finally:
            self._waiting -= 1
        if missing:
            return Clip(pcm, missing)
        self._cache.put(speech, pcm)
        return Clip(pcm)

    def _failed(self, why: str) -> Clip:
        log.warning("say: %s", why)
        return Clip(self._notice, why)
