"""What a server and its switch speak and listen with: the speaker, the recogniser and transcriber, the sounds, and who asks for
them over HTTP. The transcriber is in the server, all that has to do with calls in the switch's process.

Sounds are fetched by a sender of their own, under the guard's rules for webhooks: it takes larger answers. Speech services are the
operator's, named in the settings, so no rule of the guard is between, but our own listeners stay out of reach. An https service is
asked through the proxy and from the source address that webhooks have; a plain http one is inside, and is asked directly.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ringback.delivery.addresses import AllowedNetwork
from ringback.delivery.egress import SenderSettings
from ringback.delivery.guard import check_url
from ringback.delivery.resolver import Resolver
from ringback.delivery.sender import Sender
from ringback.errors import BadSettings, InvalidInput
from ringback.settings import Settings
from ringback.switch.embedded import sounds
from ringback.switch.speech.listening import ListeningService
from ringback.switch.speech.make import (
    MOST_REQUEST_BYTES,
    SpeechSettings,
    is_service,
    make_listening,
    make_speaker,
    make_voice,
)
from ringback.switch.speech.service import GUARDED_AS
from ringback.switch.speech.speaker import MOST_BYTES
from ringback.webhooks.credentials import split_credentials

if TYPE_CHECKING:
    from ringback.engine.server import Engine

T = TypeVar("T")

THREADS: Final = 2
"""For decoding and for the sounds' files."""
_EVERYWHERE: Final = tuple(AllowedNetwork(ip_network(network), account=GUARDED_AS) for network in ("0.0.0.0/0", "::/0"))
_FEW: Final = 32
"""Connections that stay open."""


def speech_settings(settings: Settings) -> SpeechSettings:
    """What the settings say of speech."""
    return SpeechSettings(
        say=settings.say,
        say_voices=settings.say_voices,
        say_model=settings.say_model,
        say_key=settings.say_key,
        listen=settings.listen,
        listen_model=settings.listen_model,
        listen_key=settings.listen_key,
    )


def service_egress(sender: SenderSettings, url: str | None) -> SenderSettings:
    """How the operator's service at this URL is asked."""
    inside = url is None or not url.startswith("https:")
    return replace(
        sender,
        allow_http=True,
        allow_networks=_EVERYWHERE,
        max_response_bytes=MOST_BYTES,
        max_request_bytes=MOST_REQUEST_BYTES,
        max_idle=_FEW,
        proxy=None if inside else sender.proxy,
        source_address=None if inside else sender.source_address,
    )


class SoundSettings(Struct, frozen=True, kw_only=True):
    """What a switch plays and understands by. `sender`: what its requests keep to. `folder`: of fetched sounds, its own; `most`:
    bytes of that."""

    speech: SpeechSettings
    sender: SenderSettings
    folder: Path
    most: int


def sound_settings(settings: Settings, sender: SenderSettings, number: int, of: int) -> SoundSettings:
    """Those of one of so many processes of the switch, counted from 0."""
    # Events are refused where the data directory is full: not for the sake of a cache.
    most = sounds.DISK_BYTES if settings.max_disk is None else min(sounds.DISK_BYTES, settings.max_disk // 8)
    folder = settings.data / (f"sounds-{number}" if number else "sounds")
    return SoundSettings(speech=speech_settings(settings), sender=sender, folder=folder, most=most // of)


class _Parts:
    """What asks services and decodes, and lets go of it."""

    def __init__(self, sender: SenderSettings, loop: asyncio.AbstractEventLoop, resolver: Resolver) -> None:
        self._settings, self._loop, self._resolver = sender, loop, resolver
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ringback-audio")
        self._senders: list[Sender] = []

    async def close(self) -> None:
        """Stops what is under way, and lets go."""
        await asyncio.gather(*(sender.close() for sender in self._senders))
        self._threads.shutdown(wait=True)

    def _service(self, name: str, url: str | None) -> Sender:
        """For the operator's service behind a setting. Raises BadSettings."""
        egress = service_egress(self._settings, url)
        if url is not None and is_service(url):
            try:
                check_url(split_credentials(url)[0].replace("{", "").replace("}", ""), egress, GUARDED_AS)
            except InvalidInput as error:
                raise BadSettings(f"{name}: {error}") from None
        return self._sender(egress)

    def _sender(self, egress: SenderSettings) -> Sender:
        sender = Sender(egress, self._loop, self._resolver)
        self._senders.append(sender)
        return sender

    def _listening(self, wanted: SpeechSettings) -> ListeningService | None:
        return make_listening(wanted, self._service("listen", wanted.listen), loop=self._loop, in_thread=self._in_thread)

    def _in_thread(self, work: Callable[[], T], /) -> Awaitable[T]:
        return self._loop.run_in_executor(self._threads, work)


class SpeechParts(_Parts):
    """What a server itself listens with. Lives on the engine's loop."""

    def __init__(self, engine: "Engine") -> None:
        """Raises BadSettings, also for what only the switch would speak with."""
        super().__init__(engine.sender_settings, engine.loop, engine.resolver)
        wanted = speech_settings(engine.settings)
        make_voice(wanted, self._service("say", wanted.say))
        self.listening = self._listening(wanted)
        """The `Transcriber`; None: the operator named none."""

    async def close(self) -> None:
        """Stops what is under way, and lets go."""
        if self.listening is not None:
            await self.listening.close()
        await super().close()


class SoundParts(_Parts):
    """What a switch plays and understands by. Lives on its loop."""

    def __init__(self, settings: SoundSettings, loop: asyncio.AbstractEventLoop, resolver: Resolver) -> None:
        """Raises BadSettings."""
        super().__init__(settings.sender, loop, resolver)
        wanted = settings.speech
        fetcher = self._sender(replace(settings.sender, max_response_bytes=sounds.MOST_BYTES, max_idle=_FEW))
        self.speaker = make_speaker(wanted, self._service("say", wanted.say), loop=loop, in_thread=self._in_thread)
        self.listening = self._listening(wanted)
        """The `Recogniser`; None: the operator named none."""
        self.sounds = sounds.Sounds(fetcher, loop=loop, in_thread=self._in_thread, folder=settings.folder, disk_bytes=settings.most)

    async def close(self) -> None:
        """Stops what is under way, and lets go."""
        await self.speaker.close()
        await self.sounds.close()
        if self.listening is not None:
            await self.listening.close()
        await super().close()
