"""Speech as the settings want it: which voice stands behind `--say`, which service behind `--listen`.

--say espeak-ng                     a subprocess per text
--say 'command:/opt/tts/speak -q'   the operator's program
--say https://host/v1               an OpenAI-compatible service
--say 'http://host/say?t={text}'    any other service
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ringback.errors import BadSettings, InvalidInput
from ringback.switch.once import InThread
from ringback.switch.speech import listening, voice_service
from ringback.switch.speech.listening import ListeningService
from ringback.switch.speech.programs import ESPEAK, Command, Espeak
from ringback.switch.speech.speaker import CachingSpeaker, Voice
from ringback.switch.speech.voice_service import Voices, VoiceService, VoiceTemplate, is_template
from ringback.switch.web import Sender

COMMAND: Final = "command:"
_HTTP: Final = ("http://", "https://")
SERVICE_AT_ONCE: Final = 16
MOST_REQUEST_BYTES: Final = listening.MOST_REQUEST_BYTES
"""What the sender of speech services must send at least."""


class SpeechSettings(Struct, frozen=True, kw_only=True):
    """What the operator decided. `voices`: see `voice_service.Voices`. `listen` None: nobody is understood."""

    say: str = ESPEAK
    say_voices: tuple[str, ...] = ()
    say_model: str = voice_service.DEFAULT_MODEL
    say_key: str | None = None
    listen: str | None = None
    listen_model: str = listening.DEFAULT_MODEL
    listen_key: str | None = None


def is_service(url: str) -> bool:
    """Is it asked over HTTP?"""
    return url.startswith(_HTTP)


def make_voice(settings: SpeechSettings, sender: Sender) -> Voice:
    """What makes sound of texts. Raises BadSettings."""
    try:
        voices = Voices(settings.say_voices)
    except ValueError as error:
        raise BadSettings(f"say_voices: {error}") from None
    say = settings.say
    try:
        if say == ESPEAK:
            return Espeak()
        if say.startswith(COMMAND):
            return Command(say.removeprefix(COMMAND))
        if is_service(say) and is_template(say):
            return VoiceTemplate(sender, say, key=settings.say_key, voices=voices)
        if is_service(say):
            return VoiceService(sender, say, key=settings.say_key, model=settings.say_model, voices=voices)
    except (ValueError, InvalidInput) as error:
        raise BadSettings(f"say: {error}") from None
    raise BadSettings("say: expected espeak-ng, command:… or http(s)://…")


def make_speaker(
    settings: SpeechSettings, sender: Sender, *, loop: asyncio.AbstractEventLoop, in_thread: InThread
) -> CachingSpeaker:
    """The speaker. Raises BadSettings."""
    voice = make_voice(settings, sender)
    at_once = SERVICE_AT_ONCE if is_service(settings.say) else max(2, os.cpu_count() or 1)
    return CachingSpeaker(voice, loop=loop, in_thread=in_thread, at_once=at_once)


def make_listening(
    settings: SpeechSettings, sender: Sender, *, loop: asyncio.AbstractEventLoop, in_thread: InThread
) -> ListeningService | None:
    """The recogniser and transcriber; None: there is none. Raises BadSettings."""
    if settings.listen is None:
        return None
    if not is_service(settings.listen):
        raise BadSettings("listen: expected http(s)://…")
    try:
        return ListeningService(
            sender, settings.listen, key=settings.listen_key, model=settings.listen_model, loop=loop, in_thread=in_thread
        )
    except InvalidInput as error:
        raise BadSettings(f"listen: {error}") from None


def hosts(settings: SpeechSettings) -> Sequence[str]:
    """The URLs of the services that are asked."""
    return [url for url in (settings.say, settings.listen) if url is not None and is_service(url)]
