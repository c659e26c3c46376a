"""UDP ports for RTP: even ones of a range (RFC 3550 §11), from a random beginning, and none again right after its use, so that what
is still under way to an old call does not come to a new one.

The odd port above is left unbound: it would be RTCP's, which is neither sent nor read here.
"""

import errno
import random
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from ringback.errors import OurError


class NoPort(OurError):
    """Every port of the range is taken: as many calls as it has room for."""


class Ports:
    """See the module. `now`: seconds of any clock."""

    def __init__(self, ip: str, first: int, last: int, now: Callable[[], float], pause_s: float) -> None:
        even = list(range(first + first % 2, last + 1, 2))
        if not even or not 0 < first <= last < 65_536:
            raise ValueError(f"no even port between {first} and {last}")
        begin = random.randrange(len(even))
        self._ip = ip
        self._family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        self._now = now
        self._pause_s = pause_s
        self._free = deque(even[begin:] + even[:begin])
        self._resting: deque[tuple[float, int]] = deque()

    def take(self) -> tuple[socket.socket, int]:
        """A bound socket that does not block, and its port. Raises NoPort, and OSError if the address is not this machine's."""
        while self._resting and self._resting[0][0] <= self._now():
            self._free.append(self._resting.popleft()[1])
        for _ in range(len(self._free)):
            port = self._free.popleft()
            sock = socket.socket(self._family, socket.SOCK_DGRAM)
            try:
                sock.bind((self._ip, port))
            except OSError as error:
                sock.close()
                self._free.append(port)
                if not _is_taken(error):
                    raise
                continue
            sock.setblocking(False)
            with suppress(OSError):  # voice before bulk, where the system lets us say so (DSCP EF, RFC 4594)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xB8)
            return sock, port
        raise NoPort("no RTP port is free")

    def give_back(self, port: int) -> None:
        """Of a closed socket."""
        self._resting.append((self._now() + self._pause_s, port))


def _is_taken(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EACCES)
