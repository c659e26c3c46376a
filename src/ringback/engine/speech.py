"""What a server speaks and listens with: the speaker, the recogniser and transcriber, the sounds, and who asks for them over HTTP.

Sounds are fetched by a sender of their own, under the guard's rules for webhooks: it takes larger answers. Speech services are the
operator's, named in the settings, so no rule of the guard is between, but our own listeners stay out of reach. An https service is
asked through the proxy and from the source address that webhooks have; a plain http one is inside, and is asked directly.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec.structs import replace

from ringback.delivery.addresses import AllowedNetwork
from ringback.delivery.egress import SenderSettings
from ringback.delivery.guard import check_url
from ringback.delivery.sender import Sender
from ringback.errors import BadSettings, InvalidInput
from ringback.settings import Settings
from ringback.switch.embedded import sounds
from ringback.switch.speech.make import MOST_REQUEST_BYTES, SpeechSettings, is_service, make_listening, make_speaker
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


class SpeechParts:
    """See the module. Lives on the engine's loop."""

    def __init__(self, engine: "Engine") -> None:
        """Raises BadSettings."""
        self._loop = engine.loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ringback-audio")
        wanted, loop = speech_settings(engine.settings), engine.loop
        self._senders: list[Sender] = []
        self._resolver = engine.resolver
        fetcher = self._sender(replace(engine.sender_settings, max_response_bytes=sounds.MOST_BYTES, max_idle=_FEW))
        self.speaker = make_speaker(wanted, self._service(engine, "say", wanted.say), loop=loop, in_thread=self._in_thread)
        self.listening = make_listening(
            wanted, self._service(engine, "listen", wanted.listen), loop=loop, in_thread=self._in_thread
        )
        """`Recogniser` and `Transcriber`; None: the operator named none."""
        most = engine.settings.max_disk
        self.sounds = sounds.Sounds(
            fetcher,
            loop=loop,
            in_thread=self._in_thread,
            folder=engine.settings.data / "sounds",
            # Events are refused where the data directory is full: not for the sake of a cache.
            disk_bytes=sounds.DISK_BYTES if most is None else min(sounds.DISK_BYTES, most // 8),
        )

    async def close(self) -> None:
        """Stops what is under way, and lets go."""
        await self.speaker.close()
        await self.sounds.close()
        if self.listening is not None:
            await self.listening.close()
        await asyncio.gather(*(sender.close() for sender in self._senders))
        self._threads.shutdown(wait=True)

    def _service(self, engine: "Engine", name: str, url: str | None) -> Sender:
        egress = service_egress(engine.sender_settings, url)
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

    def _in_thread(self, work: Callable[[], T], /) -> Awaitable[T]:
        return self._loop.run_in_executor(self._threads, work)
