"""A speech service that understands: OpenAI's `POST /v1/audio/transcriptions` and what is compatible with it, for what callers say
in a Gather and for whole recordings.

It is asked for `verbose_json`, which tells how sure it is of each part; a service that refuses that is asked for `json` from then
on, and everything that it understands counts as certain.
"""

import asyncio
import logging
import math
import re
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from ringback.dialects.contract import HttpRequest
from ringback.switch.once import InThread
from ringback.switch.port import Handle
from ringback.switch.speech.audio import BYTES_PER_S, energy, loudest, pieces_of, wav
from ringback.switch.speech.port import SpeechFailed, Understood
from ringback.switch.speech.profanity import masked
from ringback.switch.speech.service import Refused, Service
from ringback.switch.speech.voice_service import endpoint
from ringback.switch.web import Sender

log = logging.getLogger("ringback.speech")

PATH: Final = "/audio/transcriptions"
DEFAULT_MODEL: Final = "whisper-1"
RECOGNISE_S: Final = 12.0
"""A caller waits."""
TRANSCRIBE_S: Final = 300.0
"""For a piece of a recording."""
MOST_HEARD_S: Final = 60.0
"""More of what a caller says in one breath is not sent."""
PIECE_S: Final = 600.0
"""A longer recording is sent in pieces: services take 25 MB at most."""
MOST_REQUEST_BYTES: Final = 16 * 1024 * 1024
"""What the sender that is given must send at least."""
AT_ONCE: Final = 16
_QUIET: Final = 100
"""Of 32,767: a recording that is never louder holds no speech (and models make words up where there are none)."""
_LOOK_S: Final = 15.0
_STEP_S: Final = 0.2
_CODES: Final = {"arb": "ar", "cmn": "zh", "nb": "no", "yue": "zh", "iw": "he"}
_CODE: Final = re.compile(r"[a-z]{2}")
_NO_SPEECH: Final = 0.6
_UNSURE: Final = -1.0
"""Whisper's own rule for what it only imagined: probably no speech, and words that it is not sure of."""


class Segment(Struct):
    """A part of what was understood; what a service tells of how sure it is."""

    text: str = ""
    avg_logprob: float | None = None
    no_speech_prob: float | None = None

    @property
    def imagined(self) -> bool:
        """Are these words that nobody said?"""
        return (self.no_speech_prob or 0) > _NO_SPEECH and (self.avg_logprob or 0) < _UNSURE


class Answer(Struct):
    """A service's answer; what else is in it is of no interest."""

    text: str
    segments: list[Segment] | None = None


class _Hearing:
    """One recognition that is under way."""

    def __init__(self, task: "asyncio.Task[None]") -> None:
        self._task = task

    def cancel(self) -> None:
        """Nobody wants to know any more; harmless when it is over."""
        self._task.cancel()


class ListeningService:
    """See the module; `Recogniser` and `Transcriber`. Lives on the loop."""

    def __init__(
        self,
        sender: Sender,
        url: str,
        *,
        key: str | None,
        model: str,
        loop: asyncio.AbstractEventLoop,
        in_thread: InThread,
        recognise_s: float = RECOGNISE_S,
    ) -> None:
        """`sender` sends MOST_REQUEST_BYTES. `in_thread` runs what blocks. Raises InvalidInput."""
        self._service = Service(sender, endpoint(url, PATH), key)
        self._model = model
        self._loop = loop
        self._in_thread = in_thread
        self._recognise_s = recognise_s
        self._verbose = True
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def recognise(self, pcm: bytes, language: str, profanity_filter: bool, done: Callable[[Understood], None]) -> Handle:
        """See `port.Recogniser`."""
        task = self._loop.create_task(self._recognised(pcm, language, profanity_filter, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _Hearing(task)

    async def transcribe(self, recording: Path, language: str | None = None) -> str:
        """See `port.Transcriber`."""
        texts = []
        pieces = _pieces(recording)
        while (piece := await self._in_thread(partial(next, pieces, b""))) != b"":
            if await self._in_thread(partial(loudest, piece)) > _QUIET:
                texts.append((await self._ask(piece, language or "", TRANSCRIBE_S)).text)
        return " ".join(filter(None, texts))

    async def close(self) -> None:
        """Stops what is under way; nobody is told."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _recognised(self, pcm: bytes, language: str, profanity_filter: bool, done: Callable[[Understood], None]) -> None:
        try:
            async with asyncio.timeout(self._recognise_s), self._places:
                understood = await self._ask(pcm[: int(MOST_HEARD_S * BYTES_PER_S)], language, self._recognise_s)
        except SpeechFailed as error:
            understood = Understood(error=str(error))
        except TimeoutError:
            understood = Understood(error="the speech service did not answer in time")
        except Exception:  # whatever it is, a caller waits
            log.exception("listen")
            understood = Understood(error="it could not be understood")
        if profanity_filter:
            understood = msgspec.structs.replace(understood, text=masked(understood.text))
        done(understood)

    async def _ask(self, pcm: bytes, language: str, timeout_s: float) -> Understood:
        """Raises SpeechFailed."""
        if not self._verbose:
            return await self._asked(pcm, language, "json", timeout_s)
        try:
            return await self._asked(pcm, language, "verbose_json", timeout_s)
        except Refused as refused:
            if refused.status not in (400, 415, 422):
                raise
        understood = await self._asked(pcm, language, "json", timeout_s)
        self._verbose = False
        return understood

    async def _asked(self, pcm: bytes, language: str, form: str, timeout_s: float) -> Understood:
        fields = {"model": self._model, "response_format": form, "temperature": "0"}
        if code := code_of(language):
            fields["language"] = code
        boundary = secrets.token_hex(16)
        headers = (("Content-Type", f"multipart/form-data; boundary={boundary}"), ("Accept", "application/json"))
        request = HttpRequest("POST", self._service.url, headers, multipart(boundary, fields, wav(pcm)))
        outcome = await self._service.ask(request, timeout_s)
        try:
            return understood_of(msgspec.json.decode(outcome.body, type=Answer))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("listen: an answer that cannot be read: %s", error)
            raise SpeechFailed("the speech service's answer cannot be read") from None


def multipart(boundary: str, fields: dict[str, str], sound: bytes) -> bytes:
    """A form with a file, as RFC 7578 has it."""
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="speech.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    )
    return "".join(parts).encode() + sound + f"\r\n--{boundary}--\r\n".encode()


def understood_of(answer: Answer) -> Understood:
    """What an answer says, without what was only imagined."""
    segments = answer.segments
    if not segments:
        text = answer.text.strip()
        return Understood(text, 1.0 if text else 0.0)
    kept = [segment for segment in segments if not segment.imagined]
    text = answer.text.strip() if len(kept) == len(segments) else "".join(segment.text for segment in kept).strip()
    sure = [(len(segment.text), math.exp(min(0.0, segment.avg_logprob))) for segment in kept if segment.avg_logprob is not None]
    weight = sum(length for length, _ in sure)
    confidence = sum(length * probability for length, probability in sure) / weight if weight else 1.0
    return Understood(text, round(confidence, 4) if text else 0.0)


def code_of(language: str) -> str:
    """The ISO 639-1 code of a language tag, as the API wants it; empty: it has none."""
    first = language.lower().partition("-")[0].partition("_")[0]
    code = _CODES.get(first, first)
    return code if _CODE.fullmatch(code) else ""


def _pieces(recording: Path) -> Iterator[bytes]:
    """A recording in pieces of at most PIECE_S, cut where it is quiet. Blocks. Raises SpeechFailed."""
    held = bytearray()
    for more in pieces_of(recording):
        held += more
        if len(held) >= int(PIECE_S * BYTES_PER_S):
            at = quietest(held)
            yield bytes(held[:at])
            del held[:at]
    if held:
        yield bytes(held)


def quietest(pcm: bytearray) -> int:
    """Where the last seconds are quietest, so that no word is cut."""
    step = 2 * int(_STEP_S * BYTES_PER_S / 2)
    starts = range(max(0, len(pcm) - int(_LOOK_S * BYTES_PER_S)) // 2 * 2, len(pcm) - step, step)
    quietest = min(starts, key=lambda start: energy(bytes(pcm[start : start + step])), default=len(pcm) - step)
    return quietest + step // 4 * 2
