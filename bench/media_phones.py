"""Phones for the media's figures, in a process of their own: each sends a packet every 20 ms and counts what comes.

python bench/media_phones.py COUNT      prints its ports, reads the ports to talk to, talks until its input ends, prints JSON
"""

import json
import random
import select
import socket
import sys
import time

from ringback.switch.embedded.media.rtp import build

HERE = "127.0.0.1"
SLOT_S = 0.02
GROUPS = 4
"""They do not all send at one moment: so many moments a slot."""


def _sockets(count: int) -> list[socket.socket]:
    made = []
    for _ in range(count):
        phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        phone.bind((HERE, 0))
        phone.setblocking(False)
        made.append(phone)
    return made


class Phone:
    """One of them: what it heard, and how long the longest pause was."""

    def __init__(self, own: socket.socket, to: int) -> None:
        self.received = 0
        self.gaps: list[float] = []
        self._socket = own
        self._to = (HERE, to)
        self._ssrc = random.getrandbits(32)
        self._sequence = 0
        self._last = 0.0
        self._sound = bytes(random.randrange(256) for _ in range(160))

    def turn(self, now: float) -> None:
        """Sends one, hears what came."""
        self._sequence += 1
        sequence = self._sequence
        packet = build(0, sequence == 1, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, self._ssrc, self._sound)
        self._socket.sendto(packet, self._to)
        while True:
            try:
                self._socket.recv(2_048)
            except BlockingIOError:
                return
            self.received += 1
            if self._last:
                self.gaps.append(now - self._last)
            self._last = now


def main() -> None:
    """See the module."""
    sockets = _sockets(int(sys.argv[1]))
    print(json.dumps([phone.getsockname()[1] for phone in sockets]), flush=True)
    phones = [Phone(own, to) for own, to in zip(sockets, json.loads(sys.stdin.readline()), strict=True)]
    begin, turn = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], max(0.0, begin + turn * SLOT_S / GROUPS - time.monotonic()))[0]:
        now = time.monotonic()
        for phone in phones[turn % GROUPS :: GROUPS]:
            phone.turn(now)
        turn += 1
    gaps = sorted(gap for phone in phones for gap in phone.gaps)
    seconds = time.monotonic() - begin
    told = {
        "received_per_s": round(sum(phone.received for phone in phones) / seconds),
        "sent_per_s": round(turn * len(phones) / GROUPS / seconds),
        "gap_p99_ms": round(gaps[int(len(gaps) * 0.99)] * 1000, 1) if gaps else 0.0,
        "least_received_per_s": round(min(phone.received for phone in phones) / seconds, 1),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
