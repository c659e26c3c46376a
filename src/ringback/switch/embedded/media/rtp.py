"""RTP packets as bytes (RFC 3550 §5.1): read without trust, written with the least.

RTCP is neither sent nor read: nothing here would act on it, and phones do without. What comes multiplexed (RFC 5761) has a payload
type that nobody negotiated, and is not counted as sound.
"""

import struct
from typing import Final

HEADER_BYTES: Final = 12
LONGEST_PAYLOAD: Final = 1_280
"""160 ms of G.711: more at once is no telephone."""

Packet = tuple[int, int, int, int, bytes]
"""Payload type, sequence number, timestamp, SSRC, payload. (The marker is not told: nothing here needs it.)"""

_HEADER: Final = struct.Struct(">BBHII")


def parse(data: bytes) -> Packet | None:
    """None: it is not RTP, or it contradicts itself. CSRCs, an extension and padding are skipped; the payload may be empty."""
    size = len(data)
    if size < HEADER_BYTES:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first == 0x80:  # the common case: version 2 and nothing else
        if size > HEADER_BYTES + LONGEST_PAYLOAD:
            return None
        return second & 0x7F, sequence, timestamp, ssrc, data[HEADER_BYTES:]
    if first >> 6 != 2:
        return None
    begin = HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if begin + 4 > size:
            return None
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
    end = size
    if first & 0x20:
        if data[-1] == 0:
            return None
        end -= data[-1]
    if begin > end or end - begin > LONGEST_PAYLOAD:
        return None
    return second & 0x7F, sequence, timestamp, ssrc, data[begin:end]


def build(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    """One packet. `sequence` and `timestamp` fit their 16 and 32 bits."""
    return _HEADER.pack(0x80, payload_type | 0x80 if marker else payload_type, sequence, timestamp, ssrc) + payload
