"""What a recording's first bytes say: which kind of audio it is, and of a WAV file its length and channels.

Sources: RIFF/WAVE as Microsoft and EBU Tech 3306 (RF64) describe it, ISO/IEC 11172-3 §2.4.2.3 (MPEG audio header), ID3v2 §3.1,
RFC 3533 §6 (Ogg page header).
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

HEAD_BYTES: Final = 16
"""As many bytes tell the kind."""


def _is_wav(head: bytes) -> bool:
    return head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"


def _is_mpeg(head: bytes) -> bool:
    """An ID3 tag, or the sync word of a frame whose version, layer, bit rate and sampling rate are none of the reserved ones."""
    if head[:3] == b"ID3":
        return True
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, bit_rate, sampling = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bit_rate != 15 and sampling != 3


_KINDS: Final[Mapping[str, Callable[[bytes], bool]]] = {
    "audio/wav": _is_wav,
    "audio/mpeg": _is_mpeg,
    "audio/ogg": lambda head: head[:4] == b"OggS",
}
EXTENSIONS: Final[Mapping[str, str]] = {"audio/wav": "wav", "audio/mpeg": "mp3", "audio/ogg": "ogg"}
"""Every media type that a recording may have, with the end of its file's name."""

_OTHER_NAMES: Final[Mapping[str, str]] = {
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "application/ogg": "audio/ogg",
}


class WavFacts(Struct, frozen=True):
    """`duration_s` in whole seconds, cut; None: the head does not tell it."""

    channels: int | None = None
    duration_s: int | None = None


def known_type(content_type: str) -> str | None:
    """The media type that a Content-Type header names, by the name that we use for it; None: no kind of recording."""
    name = content_type.partition(";")[0].strip().lower()
    name = _OTHER_NAMES.get(name, name)
    return name if name in _KINDS else None


def recognise(head: bytes) -> str | None:
    """The media type of a file that begins like this; None: none that we know."""
    return next((name for name, fits in _KINDS.items() if fits(head)), None)


def wav_facts(head: bytes, size: int) -> WavFacts:
    """What the head of a WAV file of `size` bytes tells, as far as its chunks lie in it.

    A writer that was cut off, or that streams, leaves the length of the sound at 0 or at its largest value: then it is the rest of
    the file.
    """
    channels: int | None = None
    bytes_per_s = 0
    at = 12
    while at + 8 <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt " and at + 12 <= len(head):
            channels = int.from_bytes(head[at + 2 : at + 4], "little") or None
            bytes_per_s = int.from_bytes(head[at + 8 : at + 12], "little")
        if name == b"data":
            rest = max(0, size - at)
            sound = length if 0 < length <= rest else rest
            return WavFacts(channels, sound // bytes_per_s if bytes_per_s else None)
        at += length + length % 2
    return WavFacts(channels)
