"""Recordings and transcripts: put by a key, read by a key or by a signed link."""

from typing import Annotated, Any, Final
from urllib.parse import unquote

from litestar import Controller, Response, get, head, put
from litestar.di import Provide
from litestar.params import Parameter
from msgspec import Meta, Struct

from ringback.api.common import AccountId, AnyRequest, TheEngine, Who
from ringback.api.files import answer_with
from ringback.api.words import listener
from ringback.calls.audio import EXTENSIONS
from ringback.calls.updates import MAX_SAFE_INT
from ringback.engine.recordings import Taken, Transcript, Upload
from ringback.engine.server import Engine
from ringback.errors import InvalidInput
from ringback.ids import now_ms, to_text
from ringback.store.recordings import Kept, Kind

_MEDIA_TYPES: Final = {extension: name for name, extension in EXTENSIONS.items()}

Expires = Annotated[str | None, Parameter(description="Part of the link.")]
Signature = Annotated[str | None, Parameter(description="Part of the link.")]


class UploadView(Struct, frozen=True):
    """What was taken in. `url` opens the file for whoever has it, for as long as the installation says (`recording_link_s`); it is
    what webhooks carry. `event_id` is the event that told of it; `duplicate`: the same file was there already, nothing is sent."""

    call_id: str
    url: str
    size: int
    sha256: str
    event_id: str
    duplicate: bool


class RecordingView(UploadView, frozen=True):
    """A recording that was taken in. `duration_s` and `channels` as they were told, or as a WAV file tells them."""

    media_type: str
    duration_s: int | None
    channels: int | None


class NewTranscript(Struct, frozen=True, forbid_unknown_fields=True):
    """A transcript. `summary`: what the call was about, for those who ask VOC's API."""

    text: Annotated[str, Meta(min_length=1)]
    summary: Annotated[str, Meta(max_length=4000)] | None = None


class TranscriptView(Struct, frozen=True):
    """A transcript; `url` instead of `text` where only that was told."""

    text: str | None
    summary: str | None
    url: str | None


class Recordings(Controller):
    """What was recorded of a call."""

    path = "/v1/calls/{call_id:str}"
    tags = ("calls",)
    dependencies = {"listener": Provide(listener, sync_to_thread=False)}

    @put("/recording", request_max_body_size=None)
    async def take(
        self,
        call_id: str,
        request: AnyRequest,
        engine: TheEngine,
        account: AccountId,
        duration_s: Annotated[int | None, Parameter(ge=0, le=MAX_SAFE_INT, description="Whole seconds.")] = None,
        channels: Annotated[int | None, Parameter(ge=1, le=255)] = None,
    ) -> RecordingView:
        """Takes a recording in: `call.recording` completed goes out with a link to it, and what waited for it is released. Another
        one replaces it."""
        upload = Upload(request.headers.get("content-type", ""), _length(request), duration_s, channels)
        taken = await engine.recordings.take_recording(account, unquote(call_id), upload, request.stream())
        return RecordingView(
            **_told(call_id, taken),
            media_type=_MEDIA_TYPES[taken.kept.extension],
            duration_s=taken.facts.duration_s,
            channels=taken.facts.channels,
        )

    @get("/recording")
    async def show(self, call_id: str, request: AnyRequest, engine: TheEngine, account: AccountId, listener: Who) -> Response[Any]:
        """Gives the recording of a call, or the range of it that is asked for; of a root, its conversation's newest."""
        return await _recording(request, engine, account, call_id)

    @head("/recording")
    async def ask(self, call_id: str, request: AnyRequest, engine: TheEngine, account: AccountId, listener: Who) -> Response[None]:
        """Says how long the recording of a call is, without it."""
        return await _recording(request, engine, account, call_id)

    @put("/transcription")
    async def take_transcription(self, call_id: str, data: NewTranscript, engine: TheEngine, account: AccountId) -> UploadView:
        """Takes a transcript in: `call.transcription` goes out with a link to it, and with its text if that is short. Another one
        replaces it."""
        for name in ("text", "summary"):
            if "\0" in (getattr(data, name) or ""):
                raise InvalidInput("holds a NUL character", name)
        transcript = Transcript(text=data.text, summary=data.summary)
        taken = await engine.recordings.take_transcription(account, unquote(call_id), transcript)
        return UploadView(**_told(call_id, taken))

    @get("/transcription")
    async def show_transcription(self, call_id: str, engine: TheEngine, account: AccountId, listener: Who) -> TranscriptView:
        """Shows the transcript of a call; of a root, its conversation's newest."""
        found = await engine.recordings.transcript(account, unquote(call_id))
        return TranscriptView(found.text, found.summary, found.url)


@get("/recordings/{name:str}", tags=["recordings"])
async def linked_recording(
    name: str, request: AnyRequest, engine: TheEngine, expires: Expires = None, signature: Signature = None
) -> Response[Any]:
    """Gives the recording that a signed link leads to, or the range of it that is asked for."""
    return await _linked(request, engine, "recording", name, expires, signature)


@head("/recordings/{name:str}", tags=["recordings"])
async def ask_linked_recording(
    name: str, request: AnyRequest, engine: TheEngine, expires: Expires = None, signature: Signature = None
) -> Response[None]:
    """Says how long the recording is that a signed link leads to, without it."""
    return await _linked(request, engine, "recording", name, expires, signature)


@get("/transcriptions/{name:str}", tags=["recordings"])
async def linked_transcription(
    name: str, request: AnyRequest, engine: TheEngine, expires: Expires = None, signature: Signature = None
) -> Response[Any]:
    """Gives the transcript that a signed link leads to, as JSON."""
    return await _linked(request, engine, "transcription", name, expires, signature)


LINKED = (linked_recording, ask_linked_recording, linked_transcription)
"""The routes that want a signature instead of a key."""


async def _recording(request: AnyRequest, engine: Engine, account: str, call_id: str) -> Response[Any]:
    return await answer_with(request, engine, await engine.recordings.recording(account, unquote(call_id)), "recording")


async def _linked(
    request: AnyRequest, engine: Engine, kind: Kind, name: str, expires: str | None, signature: str | None
) -> Response[Any]:
    engine.recordings.links.check(request.scope["path"], expires, signature, now_ms())
    kept: Kept = await engine.recordings.linked(kind, name)
    return await answer_with(request, engine, kept, name.partition(".")[0])


def _told(call_id: str, taken: Taken) -> dict[str, Any]:
    return {
        "call_id": unquote(call_id),
        "url": taken.url,
        "size": taken.kept.size,
        "sha256": taken.kept.sha256,
        "event_id": to_text("evt", taken.event),
        "duplicate": taken.duplicate,
    }


def _length(request: AnyRequest) -> int | None:
    """What Content-Length says; the server in front of us has refused what is no number."""
    text = request.headers.get("content-length")
    return None if text is None else int(text)
