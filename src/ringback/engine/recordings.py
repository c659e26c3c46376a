"""Recordings and transcripts that are uploaded: kept as files, told to the ledger like any other update, found again.

An upload is whole or nothing: it is written aside, put in place, told, and only then what it replaces goes. The same file put again
within the ledger's memory of ids is the same update and sends nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from ringback.calls.audio import EXTENSIONS, WavFacts, known_type, recognise, wav_facts
from ringback.calls.live import RecordEnded
from ringback.calls.model import CallRef, Update
from ringback.engine.links import PURPOSE, Links, meant_by, number_in
from ringback.errors import CallerError, NotFound, OurError, StoreUnavailable, TooLarge, WrongMedia
from ringback.ids import now_ms
from ringback.store.recordings import Incoming, Kept, Kind, RecordingFiles
from ringback.webhooks.records import StoredCall

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.recordings")

BLOCK_BYTES: Final = 256 * 1024
"""An upload is written in blocks of this size, so that is what it holds of memory."""
STILL_S: Final = 60.0
"""An upload of which nothing comes for so long is over."""
INLINE_CHARS: Final = 16_384
"""A longer transcript is told by its link alone: a call's text is in the snapshot of each of its later events."""

_FOLDERS: Final[dict[Kind, str]] = {"recording": "recordings", "transcription": "transcriptions"}
_LOCKS: Final = 64
_decode = msgspec.json.decode


class Upload(Struct, frozen=True):
    """What comes with a file. `content_type` and `length` (None: not told) are the request's; `duration_s` and `channels` overrule
    what the file itself tells. `beside`: what tells it from the call's other recordings, which then stay; empty: it replaces
    them."""

    content_type: str
    length: int | None
    duration_s: int | None = None
    channels: int | None = None
    beside: str = ""


class Transcript(Struct, frozen=True, omit_defaults=True):
    """A transcript as it was uploaded, or as an update told it (then perhaps a URL elsewhere and no text)."""

    text: str | None = None
    summary: str | None = None
    url: str | None = None


class Taken(Struct, frozen=True):
    """What became of an upload. `url` is a signed link; `event` the event's id; `duplicate`: it was there already."""

    kept: Kept
    url: str
    event: int
    duplicate: bool
    facts: WavFacts = WavFacts()


class Recordings:
    """See the module. Lives on the engine's loop."""

    def __init__(self, engine: "Engine", base: str) -> None:
        """`base`: the URL under which customers reach this server. Raises StoreUnavailable."""
        settings = engine.settings
        self._engine = engine
        self._most_bytes = settings.max_recording_bytes
        self._files = RecordingFiles(settings.data / "recordings")
        self._locks = [asyncio.Lock() for _ in range(_LOCKS)]
        self.links = Links(engine.store.derived_keys(PURPOSE), base, settings.recording_link_s)

    async def take_recording(self, account: str, call_id: str, upload: Upload, chunks: AsyncIterator[bytes]) -> Taken:
        """Takes a recording in and tells the ledger that it is completed.

        Raises NotFound (no such call), TooLarge, WrongMedia, CallerError (nothing came any more), StoreUnavailable, OurError.
        """
        stored = await self._call(account, call_id)
        declared = known_type(upload.content_type)
        if declared is None:
            raise WrongMedia(f"a recording's Content-Type is {', '.join(EXTENSIONS)}")
        if upload.length is not None and upload.length > self._most_bytes:
            raise TooLarge(f"a recording may have {self._most_bytes} bytes")
        self._engine.limits.admit(())
        incoming = await self._engine.in_thread(self._files.begin)
        try:
            head = await self._receive(incoming, chunks, declared)
            found = wav_facts(head, incoming.size) if declared == "audio/wav" else WavFacts()
            facts = WavFacts(
                found.channels if upload.channels is None else upload.channels,
                found.duration_s if upload.duration_s is None else upload.duration_s,
            )
            data = {"status": "completed", "channels": facts.channels, "duration_s": facts.duration_s}
            taken = await self._keep(stored, incoming, "recording", EXTENSIONS[declared], data, upload.beside)
        finally:
            await self._engine.in_thread(incoming.discard)
        return msgspec.structs.replace(taken, facts=facts)

    async def take_over(self, account: str, call_id: str, file: Path, told: RecordEnded) -> Taken:
        """Makes a file that a switch of ours wrote a recording of its call, beside those that the call has, and tells the ledger
        that it is completed. The file is gone then. Raises what `take_recording` does."""
        upload = Upload(_type_of(file), None, told.duration_s, told.channels, beside=str(told.op))
        taken = await self.take_recording(account, call_id, upload, self._read(file))
        await self._engine.in_thread(lambda: file.unlink(missing_ok=True))
        await self._engine.transcribing.offer(account, call_id, taken.kept.path, taken.kept.sha256)
        return taken

    async def _read(self, file: Path) -> AsyncIterator[bytes]:
        """Raises StoreUnavailable."""
        try:
            with await self._engine.in_thread(lambda: file.open("rb")) as opened:
                while block := await self._engine.in_thread(lambda: opened.read(BLOCK_BYTES)):
                    yield block
        except OSError as error:
            log.error("a switch's recording cannot be read: %s", error)
            raise StoreUnavailable("the recording cannot be read") from error

    async def take_transcription(self, account: str, call_id: str, transcript: Transcript, *, beside: str = "") -> Taken:
        """Takes a transcript in and tells the ledger. `beside`: see Upload. Raises NotFound (no such call), StoreUnavailable,
        OurError."""
        stored = await self._call(account, call_id)
        self._engine.limits.admit(())
        body = msgspec.json.encode(transcript)
        text = transcript.text or ""
        data = {"text": text if len(text) <= INLINE_CHARS else None, "summary": transcript.summary}

        incoming = await self._engine.in_thread(self._files.begin)
        try:
            await self._engine.in_thread(lambda: incoming.write(body))
            return await self._keep(stored, incoming, "transcription", "json", data, beside)
        finally:
            await self._engine.in_thread(incoming.discard)

    async def recording(self, account: str, call_id: str) -> Kept:
        """The recording of a call that we keep; for a root, its conversation's newest. Raises NotFound, StoreUnavailable."""
        legs = await self._legs(account, call_id)
        kept = await self._newest(legs, "recording")
        if kept is None:
            told = legs[0].call.context.recording
            elsewhere = told is not None and told.url is not None
            raise NotFound("its recording is kept elsewhere: the call tells its URL" if elsewhere else "the call has no recording")
        return kept

    async def transcript(self, account: str, call_id: str) -> Transcript:
        """The transcript of a call, kept here or told by an update; for a root, its conversation's newest.

        Raises NotFound, StoreUnavailable.
        """
        legs = await self._legs(account, call_id)
        kept = await self._newest(legs, "transcription")
        if kept is not None:
            return _decode(await self._engine.in_thread(kept.path.read_bytes), type=Transcript)
        told = legs[0].call.context.transcription
        if told is None:
            raise NotFound("the call has no transcript")
        return Transcript(text=told.text, summary=told.summary, url=told.url)

    async def linked(self, kind: Kind, name: str) -> Kept:
        """The file that a signed link names; its signature was checked. Raises NotFound, StoreUnavailable."""
        number = number_in(name)
        found = {} if number is None else await self._engine.in_thread(lambda: self._engine.store.calls_by_number([number]))
        kept = await self._newest(list(found.values()), kind, name)
        if kept is None:
            raise NotFound("there is no such file any more")
        return kept

    def has(self, account: str, call: int, kind: Kind) -> bool:
        """Is there a file of a call? Blocks. Raises StoreUnavailable."""
        return self._files.find(account, call, kind) is not None

    def forget(self, account: str, call: int) -> None:
        """All files of a call go. Blocks. Raises StoreUnavailable."""
        self._files.forget(account, call)

    async def _call(self, account: str, call_id: str) -> StoredCall:
        stored = await self._engine.in_thread(lambda: self._engine.store.call(account, call_id))
        if stored is None:
            raise NotFound("no such call")
        return stored

    async def _legs(self, account: str, call_id: str) -> list[StoredCall]:
        """The call, and its other legs if it is a root."""
        stored = await self._call(account, call_id)
        if not stored.call.is_root:
            return [stored]
        legs = await self._engine.in_thread(lambda: self._engine.store.legs(stored.root_n))
        return [stored, *(leg for leg in legs if leg.n != stored.n)]

    async def _newest(self, legs: Sequence[StoredCall], kind: Kind, name: str = "") -> Kept | None:
        """`name`: of the file that is meant, if it is there still."""
        meant = meant_by(name)

        def look() -> list[Kept]:
            found = (self._files.find(leg.call.account, leg.n, kind, meant) for leg in legs)
            return [kept for kept in found if kept is not None]

        return max(await self._engine.in_thread(look), key=lambda kept: kept.kept_at_ms, default=None)

    async def _receive(self, incoming: Incoming, chunks: AsyncIterator[bytes], declared: str) -> bytes:
        """Writes all that comes, and returns the first block. Raises TooLarge, WrongMedia, CallerError, StoreUnavailable."""
        head: bytes | None = None
        async for block in _blocks(chunks):
            if head is None:
                head = block
                _check_kind(head, declared)
            if incoming.size + len(block) > self._most_bytes:
                raise TooLarge(f"a recording may have {self._most_bytes} bytes")
            self._engine.limits.admit(())
            await self._engine.in_thread(lambda block=block: incoming.write(block))  # type: ignore[misc]
        if head is None:
            _check_kind(b"", declared)
        return head or b""

    async def _keep(
        self, stored: StoredCall, incoming: Incoming, kind: Kind, extension: str, data: dict[str, Any], beside: str = ""
    ) -> Taken:
        """Puts a file in its place and tells of it; if that fails, what was there before is there still. `beside`: see Upload."""
        files, account, in_thread = self._files, stored.call.account, self._engine.in_thread
        await in_thread(incoming.finish)
        # The low bits of a number are its place within a millisecond: most are 0.
        async with self._locks[(stored.n >> 22) % _LOCKS]:
            before = await in_thread(lambda: files.find(account, stored.n, kind))
            again = not beside and before is not None and (before.sha256, before.extension) == (incoming.sha256, extension)
            if before is not None and again:
                kept = before
            else:
                kept = await in_thread(lambda: files.keep(incoming, account, stored.n, kind, extension))
            now = now_ms()
            url = self.links.to_file(_FOLDERS[kind], stored.n, kept.sha256, extension, now)
            told = {name: value for name, value in {**data, "url": url}.items() if value is not None}
            identity = f"ringback:{kind}:{stored.n}:{beside or kept.sha256}:{kept.kept_at_ms}"
            update = Update(type=f"call.{kind}", at_ms=now, call=CallRef(id=stored.call.id), data=told, id=identity)
            try:
                (answer,) = await self._engine.accept([(account, update)])
                if answer.error:
                    raise OurError(answer.error)
            except OurError:
                if not again:
                    await in_thread(lambda: files.drop(kept))
                raise
            if not beside:
                await in_thread(lambda: files.drop_others(kept, account, stored.n, kind))
        return Taken(kept, url, answer.event, answer.duplicate)


def _type_of(file: Path) -> str:
    """A file's media type by its name; the first bytes are looked at too."""
    types = {extension: name for name, extension in EXTENSIONS.items()}
    return types.get(file.suffix.removeprefix("."), "")


def _check_kind(head: bytes, declared: str) -> None:
    """Raises WrongMedia: what is called a recording is not served to anybody else before it looks like one."""
    if recognise(head) != declared:
        raise WrongMedia(f"the file does not begin as {declared} does")


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What comes, in larger pieces. Raises CallerError if nothing comes any more."""
    block = bytearray()
    while True:
        try:
            async with asyncio.timeout(STILL_S):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise CallerError(f"nothing of the file came for {STILL_S:.0f} seconds") from None
        block += chunk
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
