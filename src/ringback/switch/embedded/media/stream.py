"""The RTP of one leg: packets out of a socket become frames and keys, frames and keys become packets.

Nothing waits for a socket to be readable: once a slot, each is emptied. That costs less than to be woken for every packet, and
bounds what a flood can do: so many packets a slot are looked at, the rest is the kernel's to drop.
"""

import random
import socket
from typing import Final, Literal

from ringback.switch.embedded.media import rtp
from ringback.switch.embedded.media.g711 import BY_PAYLOAD_TYPE, FRAME_S, LAWS, PCMU, SAMPLES, Codec, Law, transcode
from ringback.switch.embedded.media.jitter import Jitter
from ringback.switch.embedded.media.keys import KeyReader, event_payload
from ringback.switch.embedded.media.latch import Address, Latch
from ringback.switch.embedded.media.sources import Pressed

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
"""As our side of the session description says it: the far end that holds us makes us `recvonly` or `inactive`."""

_SENDING: Final = ("sendrecv", "sendonly")
_HEARING: Final = ("sendrecv", "recvonly")
_COMFORT_NOISE: Final = 13
_MOST_A_SLOT: Final = 8
_LARGEST: Final = 2_048


class Stats:
    """Packets of one session. `bad`: no RTP. `foreign`: from a source, or of a payload type, that is not to be heard. `unsent`: the
    system would not take them."""

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.bad = 0
        self.foreign = 0
        self.unsent = 0


class RtpStream:
    """See the module. One call of `read`, then of `take`, then at most one of `send_…`, then `advance`: that is a slot."""

    def __init__(self, sock: socket.socket, strangers: bool) -> None:
        self.stats: Final = Stats()
        self.law: Law = PCMU
        self.event_type: int | None = None
        """The payload type of named events; None: the far end knows none."""
        self.hears = False
        """Is its sound wanted? If not, it is not kept."""
        self.jitter: Final = Jitter(PCMU.silence)
        self._sock = sock
        self._latch = Latch(strangers)
        self._keys = KeyReader()
        self._direction: Direction = "inactive"
        self._slot = 0
        self._alive_at: int | None = None
        self._ssrc_in: int | None = None
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._timestamp = random.getrandbits(32)
        self._event_at = 0
        self._pausing = True
        """Was nothing sent in the slot before? Then what comes next begins a talk spurt, and its marker says so (RFC 3551 §4.1)."""

    def aim(
        self, remote: Address | None, codec: Codec, event_type: int | None, direction: Direction, also: tuple[str, ...]
    ) -> None:
        """What a session description says. Our SSRC, sequence and timestamps go on. Raises ValueError (`Latch.aim`)."""
        self._latch.aim(remote, also)
        self.event_type, self._direction = event_type, direction
        self._alive_at = self._slot
        law = LAWS[codec]
        if law is not self.law:
            self.law = law
            self.jitter.silence = law.silence
            self.jitter.reset()
        if direction not in _HEARING:
            self.jitter.reset()

    @property
    def sends(self) -> bool:
        """May it, and does it know where to?"""
        return self._direction in _SENDING and self._latch.target is not None

    def silent_s(self) -> float:
        """Since when nothing came that ought to have come; 0 on hold, and before `aim`."""
        if self._direction != "sendrecv" or self._alive_at is None or self._latch.target is None:
            return 0.0
        return (self._slot - self._alive_at) * FRAME_S

    def read(self) -> list[str]:
        """Empties the socket; the keys that were pressed."""
        keys: list[str] = []
        receive = self._sock.recvfrom
        for _ in range(_MOST_A_SLOT):
            try:
                data, source = receive(_LARGEST)
            except BlockingIOError:
                break
            except OSError:  # what a peer's ICMP left on the socket: of no meaning here, and gone by having been read
                continue
            key = self._packet(data, source[:2])
            if key is not None:
                keys.append(key)
        return keys

    def _packet(self, data: bytes, source: Address) -> str | None:
        packet = rtp.parse(data)
        stats = self.stats
        if packet is None:
            stats.bad += 1
            return None
        payload_type, sequence, timestamp, ssrc, payload = packet
        law = BY_PAYLOAD_TYPE.get(payload_type)
        if (law is None and payload_type not in (self.event_type, _COMFORT_NOISE)) or not self._latch.admits(
            source, sequence, ssrc, self._slot
        ):
            stats.foreign += 1
            return None
        stats.received += 1
        self._alive_at = self._slot
        if self._direction not in _HEARING:
            return None
        if ssrc != self._ssrc_in:
            self._ssrc_in = ssrc
            self.jitter.reset()
        if law is not None:
            if self.hears and payload:
                self.jitter.put(timestamp, payload if law is self.law else transcode(payload, law, self.law))
        elif payload_type == self.event_type:
            return self._keys.read(ssrc, timestamp, payload)
        return None

    def take(self) -> bytes | None:
        """The frame that is heard in this slot."""
        return self.jitter.take() if self.hears else None

    def send_sound(self, frame: bytes) -> None:
        """One frame, in `law`."""
        self._send(self.law.payload_type, self._pausing, self._timestamp, frame)

    def send_event(self, pressed: Pressed) -> None:
        """A slot of a key; its packets bear the timestamp of the first."""
        assert self.event_type is not None
        if pressed.slot == 0:
            self._event_at = self._timestamp
        self._send(self.event_type, pressed.slot == 0, self._event_at, event_payload(pressed.key, pressed.slot))

    def _send(self, payload_type: int, marker: bool, timestamp: int, payload: bytes) -> None:
        target = self._latch.target
        assert target is not None
        self._sequence = self._sequence + 1 & 0xFFFF
        self._pausing = False
        try:
            self._sock.sendto(rtp.build(payload_type, marker, self._sequence, timestamp, self._ssrc, payload), target)
        except OSError:  # no route, or no room: the next frame may have one, and the time-out judges
            self.stats.unsent += 1
        else:
            self.stats.sent += 1

    def pause(self) -> None:
        """Nothing is sent in this slot."""
        self._pausing = True

    def advance(self, slots: int) -> None:
        """The slot is over, and so many in all."""
        self._slot += slots
        self._timestamp = self._timestamp + slots * SAMPLES & 0xFFFFFFFF
        if slots > 1:
            self._pausing = True
