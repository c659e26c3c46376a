"""sippy's transactions (RFC 3261 §17) on our network: what is no SIP does not reach them, and nothing that does can end them."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sippy.Network_server import Remote_address
from sippy.SipTransactionManager import SipTransactionManager, check1918
from sippy.Time.MonoTime import MonoTime
from sippy.Time.Timeout import Timeout

from ringback.switch.embedded.sip import wire
from ringback.switch.embedded.sip.network import Address, Network, Way

log = logging.getLogger("ringback.sip")

_PURGE_S = 32


class _Servers:
    """Where sippy looks for a socket."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def getServer(self, address: Address, is_local: bool = False) -> Way:  # noqa: N802 (sippy's name)
        """A way to somebody new, over UDP: who wants another says so."""
        return self._network.way(address, "udp")

    def rotateCache(self) -> None:  # noqa: N802 (sippy's name)
        """There is none."""

    def shutdown(self) -> None:
        """The network is closed by who opened it."""


class _Log:
    """sippy's log of messages: at debug, and without secrets."""

    def write(self, what: str, message: str = "", **_: object) -> None:
        """One message."""
        if log.isEnabledFor(logging.DEBUG):
            log.debug("sip.message %s\n%s", what.strip(), wire.shown(message))


class Transactions(SipTransactionManager):  # type: ignore[misc]
    """See the module. `asked` is sippy's callback for requests that begin something."""

    def __init__(self, network: Network, asked: Callable[[Any, Any], Any]) -> None:
        # sippy's own would open sockets.
        self.global_config = {"_sip_logger": _Log(), "_sip_tm": self}
        self.l4r = _Servers(network)
        self.tclient: dict[Any, Any] = {}
        self.tserver: dict[Any, Any] = {}
        self.req_cb = asked
        self.l1rcache: dict[bytes, Any] = {}
        self.l2rcache: dict[bytes, Any] = {}
        self.req_consumers: dict[str, list[Any]] = {}
        self.cp_timer = Timeout(self.rCachePurge, _PURGE_S, -1)

    def received(self, data: bytes, address: Address, way: Way) -> None:
        """A message from the network."""
        if not wire.is_sip(data):
            return
        try:
            self.handleIncoming(wire.text_of(data), Remote_address(address, way.transport), way, MonoTime())
        except Exception as error:  # a stranger's message; sippy has no one type for what it cannot read
            log.debug("sip.unreadable from %s: %r", address, error, exc_info=True)

    def in_call(self, data: bytes) -> bool:
        """Does a request name a dialogue that is going on, or was until just now, by its Call-ID and both tags? Nothing of it has
        been read yet."""
        named = wire.dialogue_of(data)
        if named is None:
            return False
        call_id, from_tag, to_tag = named
        legs = self.req_consumers.get(call_id, ())
        return any(leg.cobj.isYours(call_id=call_id, from_tag=from_tag, to_tag=to_tag) is not None for leg in legs)

    def incomingRequest(self, msg: Any, checksum: bytes, tids: Any, server: Way) -> None:  # noqa: N802 (sippy's name)
        """The same, but the answer goes to where the request came from, whatever its Via says (RFC 3261 §18.2.2)."""
        via = msg.getHFBody("via")
        if "received" in via.params:
            via.params["received"] = msg.getSource()[0]
        if msg.countHFs("via") == 1:
            _see_through_nat(msg, msg.getSource())
        try:
            super().incomingRequest(msg, checksum, tids, server)
        except Exception:  # cannot even be refused: nothing of it may stay
            unfinished = self.tserver.pop(msg.getTId(wBRN=True), None)
            if unfinished is not None:
                _stop(unfinished)
            raise

    def incomingResponse(self, msg: Any, t: Any, checksum: bytes) -> None:  # noqa: N802 (sippy's name)
        """The same."""
        if not msg.countHFs("record-route"):
            _see_through_nat(msg, msg.getSource())
        super().incomingResponse(msg, t, checksum)

    def timerA(self, t: Any) -> None:  # noqa: N802 (sippy's name)
        """The same, but over TCP nothing is sent twice except a 200 to an INVITE (RFC 3261 §13.3.1.4)."""
        if t.userv.reliable and not str(t.data).startswith("SIP/2.0 2"):
            t.teA = None
        else:
            super().timerA(t)

    def shutdown(self) -> None:
        """Nothing happens any more."""
        self.cp_timer.cancel()
        for transaction in (*self.tclient.values(), *self.tserver.values()):
            _stop(transaction)
        self.tclient.clear()
        self.tserver.clear()

    @property
    def busy(self) -> bool:
        """True while an answer to something of ours is still to come."""
        return any(transaction.teC is None for transaction in self.tclient.values())


def _stop(transaction: Any) -> None:
    """Without its timers, and forgotten."""
    for letter in "ABCDEFG":
        timer = getattr(transaction, f"te{letter}", None)
        if timer is not None:
            timer.cancel()
    transaction.cleanup()


def _see_through_nat(message: Any, source: Address) -> None:
    """Who is outside and names a private address in Contact is behind a NAT: it is where its packets come from."""
    if message.countHFs("contact") != 1 or check1918(source[0]) or source[0].startswith("127."):
        return
    with suppress(Exception):  # a Contact that cannot be read is refused by whoever needs it
        contact = message.getHFBody("contact")
        if not contact.asterisk and check1918(contact.getUrl().host):
            contact.getUrl().setAddr(source)
