"""Who a session listens to, and where it sends to: symmetric RTP (RFC 4961) that strangers cannot hijack.

A phone behind a NAT sends from another address than its session description names. So media go back to where media come from, by
these rules:

- a session listens to the hosts that signalling named: the description's, and those that the caller of `aim` adds (where the
  phone's SIP really comes from). The first packet from one of them fixes the port; while that source speaks, no other is heard;
- another port of those hosts is taken up once the fixed one was quiet for a second (a NAT that bound anew, a transfer behind a
  proxy);
- strangers are not heard at all, unless `strangers` is set. Then one is taken up after four packets in a row of one stream, if
  nobody that signalling named was heard yet, and gives way to the first packet from a named host.

A new session description starts over.
"""

from ipaddress import ip_address
from typing import Final

from ringback.switch.embedded.media.g711 import FRAME_S

Address = tuple[str, int]
_QUIET_SLOTS: Final = round(1.0 / FRAME_S)
_IN_A_ROW: Final = 4


class Latch:
    """See the module. Hosts are IP addresses in their usual spelling; `slot` counts 20 ms."""

    def __init__(self, strangers: bool = False) -> None:
        self._strangers = strangers
        self._named: frozenset[str] = frozenset()
        self._goal: Address | None = None
        self._source: Address | None = None
        self._source_named = False
        self._heard_at = 0
        self._candidate: tuple[Address, int, int] | None = None
        self._in_a_row = 0
        self.target: Address | None = None
        """Where to send to; None: nowhere."""

    def aim(self, remote: Address | None, also: tuple[str, ...] = ()) -> None:
        """Signalling named these. None, or an unspecified address (the hold of RFC 2543): nowhere to send to. What was heard goes
        on to be heard if both stay as they were, so that a re-INVITE which changes nothing does not send into a NAT's wall.
        Raises ValueError: no IP address, one that cannot be a phone's, no port."""
        goal = None if remote is None or ip_address(remote[0]).is_unspecified else (_canonical(remote[0]), remote[1])
        if goal is not None and not 0 < goal[1] < 65_536:
            raise ValueError(f"no port: {goal[1]}")
        hosts = frozenset(_canonical(host) for host in also) | ({goal[0]} if goal else set())
        if goal == self._goal and hosts == self._named and goal is not None:
            return
        self._named, self._source, self._candidate = hosts, None, None
        self._goal = self.target = goal

    def admits(self, source: Address, sequence: int, ssrc: int, slot: int) -> bool:
        """Is this packet to be heard?"""
        if source == self._source:
            self._heard_at = slot
            return True
        named = source[0] in self._named
        if named:
            if self._source is not None and self._source_named and slot - self._heard_at < _QUIET_SLOTS:
                return False
        elif not self._stranger_admitted(source, sequence, ssrc):
            return False
        self._source, self._source_named, self._heard_at = source, named, slot
        if self.target is not None:
            self.target = source
        return True

    def _stranger_admitted(self, source: Address, sequence: int, ssrc: int) -> bool:
        if not self._strangers or self._source is not None:
            return False
        candidate = (source, ssrc, sequence)
        follows = self._candidate is not None and self._candidate == (source, ssrc, (sequence - 1) & 0xFFFF)
        self._in_a_row = self._in_a_row + 1 if follows else 1
        self._candidate = candidate
        return self._in_a_row >= _IN_A_ROW


def _canonical(host: str) -> str:
    address = ip_address(host)
    if address.is_multicast or address.is_unspecified or host == "255.255.255.255":
        raise ValueError(f"no phone's address: {host}")
    return str(address)
