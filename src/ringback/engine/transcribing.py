"""Recordings of live calls, written down in the background for accounts that have it switched on (`transcribe`): the text becomes
`call.transcription`, beside the recording that it is of.

    transcribe/<when>-<random>.json     one recording that waits; gone when it is written down, or given up

The files are the queue: what waits at a stop or a kill is taken up again at the next start. A kill between the recording's event
and its file loses the one; a kill between the transcript's event and the file's end tells it twice.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import msgspec
from msgspec import Struct

from ringback.engine.recordings import Transcript
from ringback.errors import NotFound, OurError, RingbackError
from ringback.ids import now_ms
from ringback.switch.speech.port import SpeechFailed, Transcriber

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.transcribing")

AT_ONCE: Final = 2
MOST_WAITING: Final = 10_000
DELAYS_S: Final = (10.0, 60.0, 600.0, 3_600.0, 6 * 3_600.0)
"""After the first failure, the second, …; then it is given up."""


class Waiting(Struct, frozen=True):
    """A recording that waits. `file`: in the data directory. `of`: tells it from the call's other recordings."""

    account: str
    call: str
    file: str
    of: str
    failures: int = 0


class Transcribing:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine", transcriber: Transcriber | None, delays_s: tuple[float, ...] = DELAYS_S) -> None:
        """`transcriber` None: nothing is written down."""
        self._engine = engine
        self._transcriber = transcriber
        self._delays_s = delays_s
        self._data: Path = engine.settings.data
        self._folder = engine.settings.data / "transcribe"
        self._queue: asyncio.Queue[Path] = asyncio.Queue()
        self._timers: dict[Path, asyncio.TimerHandle] = {}
        self._waiting = 0
        self._workers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Takes up what waits since before."""
        if self._transcriber is None:
            return
        for path in await self._engine.in_thread(self._found):
            self._waiting += 1
            self._queue.put_nowait(path)
        self._workers = [asyncio.create_task(self._work(self._transcriber), name="transcribing") for _ in range(AT_ONCE)]

    async def stop(self) -> None:
        """Stops; what waits is taken up at the next start."""
        for timer in self._timers.values():
            timer.cancel()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def offer(self, account: str, call: str, file: Path, of: str) -> None:
        """A recording of a live call is there: it is written down if the account wants that. Raises nothing."""
        known = self._engine.book.accounts.get(account)
        if self._transcriber is None or known is None or not known.transcribe:
            return
        if self._waiting >= MOST_WAITING:
            self._give_up(call, "too many recordings wait")
            return
        path = self._folder / f"{now_ms():013d}-{uuid4().hex}.json"
        waiting = Waiting(account, call, str(file.relative_to(self._data)), of)
        try:
            await self._engine.in_thread(lambda: self._write(path, waiting))
        except OSError as error:
            self._give_up(call, str(error.strerror))
            return
        self._waiting += 1
        self._queue.put_nowait(path)

    async def _work(self, transcriber: Transcriber) -> None:
        while True:
            path = await self._queue.get()
            try:
                waiting = await self._engine.in_thread(lambda path=path: self._read(path))  # type: ignore[misc]
                if waiting is None:
                    self._waiting -= 1
                else:
                    await self._one(transcriber, path, waiting)
            except Exception:  # whatever is wrong with one, others are to come
                log.exception("a recording is not written down")
                self._waiting -= 1

    async def _one(self, transcriber: Transcriber, path: Path, waiting: Waiting) -> None:
        try:
            text = await transcriber.transcribe(self._data / waiting.file)
            await self._engine.recordings.take_transcription(
                waiting.account, waiting.call, Transcript(text=text), beside=waiting.of
            )
        except NotFound:
            log.info("a recording's call is gone before it was written down")
        except SpeechFailed as error:
            if not await self._engine.in_thread((self._data / waiting.file).exists):
                log.info("a recording is gone before it was written down")
            elif error.transient:
                await self._again(path, waiting, str(error))
                return
            else:
                self._give_up(waiting.call, str(error))
        except OurError as error:
            await self._again(path, waiting, str(error))
            return
        except RingbackError as error:
            self._give_up(waiting.call, str(error))
        self._waiting -= 1
        await self._engine.in_thread(lambda: path.unlink(missing_ok=True))

    async def _again(self, path: Path, waiting: Waiting, why: str) -> None:
        if waiting.failures >= len(self._delays_s):
            self._give_up(waiting.call, why)
            self._waiting -= 1
            await self._engine.in_thread(lambda: path.unlink(missing_ok=True))
            return
        later = msgspec.structs.replace(waiting, failures=waiting.failures + 1)
        with suppress(OSError):  # then it has one more try after a restart
            await self._engine.in_thread(lambda: self._write(path, later))
        delay_s = self._delays_s[waiting.failures]
        log.warning("the recording of call %s is tried again in %.0f s: %s", waiting.call, delay_s, why)
        self._timers[path] = self._engine.loop.call_later(delay_s, self._due, path)

    def _due(self, path: Path) -> None:
        del self._timers[path]
        self._queue.put_nowait(path)

    def _give_up(self, call: str, why: str) -> None:
        log.error("the recording of call %s is not written down: %s", call, why)
        self._engine.note("transcription", f"the recording of call {call} is not written down: {why}")

    # Files: they block
    def _found(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))[:MOST_WAITING]

    def _write(self, path: Path, waiting: Waiting) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        aside = path.with_suffix(".tmp")
        aside.write_bytes(msgspec.json.encode(waiting))
        aside.replace(path)

    def _read(self, path: Path) -> Waiting | None:
        """None: there is nothing to be done."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=Waiting)
        except (OSError, msgspec.DecodeError) as error:
            log.error("a recording that waits cannot be read: %s", error)
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
