"""Keys as named events in RTP: RFC 4733 (§2.3 the payload, §2.5 how it is sent and read), both ways.

Payload: event, end bit and volume, duration. A key's packets have one timestamp and come again and again while it is held; the last
one three times. So a key is its timestamp, and is told at the first packet of it that arrives, whichever that is.
"""

from collections import deque
from typing import Final

from ringback.switch.embedded.media.g711 import SAMPLES

KEYS: Final = "0123456789*#ABCD"
"""By event code (RFC 4733 §3.2, table 3)."""
TONE_SLOTS: Final = 5
"""100 ms of tone, as of pause."""
END_PACKETS: Final = 3
_REMEMBERED: Final = 32
_LONGEST: Final = 0xFFFF
"""A longer key goes on in another segment, that begins where this one ends (§2.5.1.3)."""


class KeyReader:
    """Reads the events of one stream after another; whatever is lost, doubled or out of order, each key is told once."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._segments: dict[tuple[int, int], int] = {}
        """Where a segment that is as long as can be goes on: the key that is held there."""

    def read(self, ssrc: int, timestamp: int, payload: bytes) -> str | None:
        """The key that this packet is the first to tell of. None: known, or no key (flash, a modem's tones, broken)."""
        if len(payload) < 4 or payload[0] >= len(KEYS):
            return None
        event, duration = payload[0], payload[2] << 8 | payload[3]
        ended = payload[1] & 0x80
        at = (ssrc, timestamp)
        if duration == _LONGEST and not ended:
            self._segments[ssrc, timestamp + _LONGEST & 0xFFFFFFFF] = event
            while len(self._segments) > _REMEMBERED:
                del self._segments[next(iter(self._segments))]
        if at in self._seen:
            return None
        self._seen.append(at)
        if self._segments.get(at) == event:
            return None
        return KEYS[event]


def event_payload(key: str, slot: int) -> bytes:
    """What is sent in a key's slot: 0 to `TONE_SLOTS` - 1 while it sounds, the last of these and `END_PACKETS` - 1 more with the
    end bit. Volume -10 dBm0."""
    last = TONE_SLOTS - 1
    return bytes((KEYS.index(key), 0x8A if slot >= last else 0x0A)) + ((min(slot, last) + 1) * SAMPLES).to_bytes(2, "big")
