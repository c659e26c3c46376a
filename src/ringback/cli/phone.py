"""A phone of one's own for a while: the embedded switch, on a free port, placing one call. For `ringback call` and the demo."""

import asyncio
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ringback.calls.live import (
    Answered,
    Collect,
    Dial,
    HangUp,
    Happening,
    HungUp,
    Item,
    Play,
    PlayEnded,
    Record,
    RecordEnded,
    Sound,
    Speech,
)
from ringback.errors import InvalidInput
from ringback.ids import now_ms
from ringback.switch.clock import LoopClock
from ringback.switch.embedded.routes import uri_host
from ringback.switch.embedded.settings import EmbeddedSettings
from ringback.switch.embedded.switch import EmbeddedSwitch
from ringback.switch.port import Handle
from ringback.switch.speech.audio import decode
from ringback.switch.speech.port import Clip, SpeechFailed

LEG: Final = "call"
_MOST_S: Final = 3_600.0
_KEYS, _RECORDING, _PLAYING = 1, 2, 3

Told = Callable[[int, Happening], None]
"""Something happened, at so many Unix milliseconds."""


class _Shelf:
    """Sounds that were read before the call; says nothing."""

    def __init__(self, sounds: dict[str, bytes]) -> None:
        self._sounds = sounds

    def get(self, account: str, url: str, done: Callable[[Clip], None]) -> Handle:
        return asyncio.get_running_loop().call_soon(done, Clip(self._sounds[url]))

    def say(self, speech: Speech, done: Callable[[Clip], None]) -> Handle:
        return asyncio.get_running_loop().call_soon(done, Clip(b"", "this phone says nothing"))


class Phone:
    """Places one call, between entering and leaving it. Lives on the running loop."""

    def __init__(self, to: str, from_: str, told: Told, sounds: dict[str, bytes] | None = None) -> None:
        """`to`: a SIP URI. `from_`: a number, a name or a SIP URI. `told` hears everything. `sounds`: PCM by name, for `Sound`.
        Raises InvalidInput."""
        host = uri_host(to)
        if host is None:
            raise InvalidInput(f"not a SIP URI that could be called: {to}", "to")
        self._to, self._from, self._told = to, from_, told
        self._folder = Path(tempfile.mkdtemp(prefix="ringback-call-"))
        self._ended: asyncio.Future[HungUp] = asyncio.get_running_loop().create_future()
        self._answered = asyncio.Event()
        self._played = asyncio.Event()
        self._recorded: asyncio.Future[RecordEnded] | None = None
        self._plays = _PLAYING
        shelf = _Shelf(sounds or {})
        self._switch = EmbeddedSwitch(
            LoopClock(asyncio.get_running_loop()),
            EmbeddedSettings(host=_facing(host), port=0, transports=("udp",), sip_uris=(host,), max_legs=4),
            speaker=shelf,
            library=shelf,
            recordings=self._folder,
        )

    async def __aenter__(self) -> Self:
        self._switch.listen(self._happened)
        await self._switch.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._switch.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def dial(self, timeout_s: float) -> None:
        """Calls. Raises OurError."""
        self._switch.obey(Dial(LEG, "", self._to, self._from, timeout_s))

    async def answered(self) -> bool:
        """Waits; False: it never was."""
        await self._first(self._answered.wait())
        return self._answered.is_set()

    def record(self) -> None:
        """From now on: what comes from there on the left, what is played here on the right."""
        self._recorded = asyncio.get_running_loop().create_future()
        self._switch.obey(Record(LEG, _RECORDING, _MOST_S, channels=2))

    async def play(self, items: Sequence[Item]) -> bool:
        """Plays these; False: the call ended before."""
        self._plays += 1
        self._played.clear()
        self._switch.obey(Play(LEG, self._plays, tuple(items)))
        await self._first(self._played.wait())
        return not self._ended.done()

    async def stays(self, seconds: float) -> bool:
        """Waits so long; False: the call ended before."""
        await asyncio.wait({self._ended}, timeout=seconds)
        return not self._ended.done()

    def hang_up(self) -> None:
        """Of no effect when it has ended."""
        self._switch.obey(HangUp(LEG))

    async def over(self) -> HungUp:
        """How it ended."""
        return await self._ended

    async def recording(self) -> Path | None:
        """What was recorded, once the call is over; it is gone when the phone is left. None: nothing was, or it could not be."""
        if self._recorded is None:
            return None
        file = (await self._recorded).file
        return Path(file) if file else None

    async def _first(self, wait: Any) -> None:
        waiting = asyncio.ensure_future(wait)
        await asyncio.wait({waiting, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    def _happened(self, told: Happening) -> None:
        if told.leg != LEG:  # nobody may call a phone that only calls
            self._switch.obey(HangUp(told.leg))
            return
        self._told(now_ms(), told)
        match told:
            case Answered():
                self._switch.obey(Collect(LEG, _KEYS))
                self._answered.set()
            case PlayEnded() if told.op == self._plays:
                self._played.set()
            case RecordEnded() if self._recorded is not None and not self._recorded.done():
                self._recorded.set_result(told)
            case HungUp() if not self._ended.done():
                self._ended.set_result(told)


def read_sound(file: Path) -> bytes:
    """A WAV or MP3 file as PCM. Raises InvalidInput."""
    try:
        return decode(file.read_bytes(), _MOST_S)
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}", "play") from None
    except SpeechFailed as error:
        raise InvalidInput(f"{file}: {error}", "play") from None


def sounds_of(files: Sequence[Path]) -> tuple[dict[str, bytes], list[Item]]:
    """Files as a phone takes them, and what plays them in turn. Raises InvalidInput."""
    sounds = {secrets.token_hex(4): read_sound(file) for file in files}
    return sounds, [Sound(name) for name in sounds]


def _facing(host: str) -> str:
    """Our address towards a host. Raises InvalidInput."""
    try:
        address = str(ip_address(host)) if host[:1].isdigit() else socket.gethostbyname(host)
    except (ValueError, OSError):
        raise InvalidInput(f"nobody knows where {host} is", "to") from None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError as error:
            raise InvalidInput(f"there is no way to {host}: {error.strerror}", "to") from None
        return str(probe.getsockname()[0])
