"""The ports of speech, as the embedded switch and the engine need them. What stands behind each is chosen by a setting (`make`).

Sound is what a telephone carries, everywhere here: linear PCM, 16 bits, little-endian, 8 kHz, one channel.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from ringback.calls.live import Speech
from ringback.errors import SwitchError
from ringback.switch.port import Handle


class SpeechFailed(SwitchError):
    """Something could not be said or understood. The message is fit for the account's eyes; `transient`: another try may do."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class Clip(Struct, frozen=True):
    """Sound to be played. `error`: why it is not what was asked for, in plain words (it goes into `PlayEnded`)."""

    pcm: bytes
    error: str = ""


class Understood(Struct, frozen=True):
    """What was said; `text` empty: nothing that was understood. `confidence`: 0 to 1. `error`: why nobody can tell."""

    text: str = ""
    confidence: float = 0.0
    error: str = ""


class Speaker(Protocol):
    """Says things."""

    def say(self, speech: Speech, done: Callable[[Clip], None]) -> Handle:
        """Makes sound of a text. `done` is called once, later on the loop, never from within; not at all after `cancel`. Where a
        text cannot be said its clip is a notice tone, with an error; a text of which there is nothing to say is an empty clip."""
        ...


class Recogniser(Protocol):
    """Understands what a caller says in one breath."""

    def recognise(self, pcm: bytes, language: str, profanity_filter: bool, done: Callable[[Understood], None]) -> Handle:
        """`language`: a tag (`en-US`). `profanity_filter`: swear words are masked. `done` is called once, later on the loop, never
        from within; not at all after `cancel`."""
        ...


class Transcriber(Protocol):
    """Writes down whole recordings."""

    async def transcribe(self, recording: Path, language: str | None = None) -> str:
        """The words of a WAV or MP3 file, empty if nobody spoke. `language` None: it is recognised too. Raises SpeechFailed."""
        ...
