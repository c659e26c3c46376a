"""What lives in the thread: the network, sippy's transactions, and the legs. It decides what a request that begins something is."""

import asyncio
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

from sippy.SipAddress import SipAddress
from sippy.SipConf import SipConf
from sippy.SipHeader import SipHeader
from sippy.SipURL import SipURL

from ringback.errors import InvalidInput
from ringback.switch.embedded.signalling import Ended, Invited, Peer, Signal
from ringback.switch.embedded.sip.dialogue import ALLOW, KNOWN, NAME, Dialogue, refusal, sdp_of
from ringback.switch.embedded.sip.network import Address, Network, Way
from ringback.switch.embedded.sip.settings import SipSettings
from ringback.switch.embedded.sip.timers import DISPATCHER, install
from ringback.switch.embedded.sip.transactions import Transactions
from ringback.switch.embedded.sip.wire import text_of, wire_of, words_of

log = logging.getLogger("ringback.sip")

_POLITE_S = 2.0
"""Seconds that the far ends have to answer our last requests when the engine stops."""
_USER = re.compile(r"[\x21-\x7e]{1,128}")


class Stack:
    """One engine in its thread. `told` takes the signals."""

    def __init__(self, settings: SipSettings, told: Callable[[Signal], None], pace: float = 1.0) -> None:
        self._settings, self._told, self._pace = settings, told, pace
        self._legs: dict[str, Dialogue] = {}
        self._begun: dict[tuple[str, str, int], str] = {}
        self._stopping = False
        self._network: Network
        self._transactions: Transactions

    async def open(self) -> Address:
        """Listens; where. Raises OurError."""
        install()
        DISPATCHER.pace = self._pace
        settings = self._settings
        public = (settings.public_address, settings.public_port or 0) if settings.public_address else None
        self._network = Network(settings.host, settings.port, settings.transports, public, self._received)
        self._transactions = Transactions(self._network, self._asked)
        try:
            await self._network.open()
        except BaseException:
            self._transactions.cp_timer.cancel()
            raise
        return self._network.host, self._network.port

    async def close(self) -> None:
        """Ends what is left and waits a moment for the far ends to have heard of it."""
        self._stopping = True
        for leg in list(self._legs):
            self.hang_up(leg)
        loop = asyncio.get_running_loop()
        until = loop.time() + _POLITE_S
        while self._transactions.busy and loop.time() < until:  # noqa: ASYNC110 (sippy has no event to wait for)
            await asyncio.sleep(0.01)
        await self._network.close()
        self._transactions.shutdown()

    @property
    def legs(self) -> int:
        """How many there are."""
        return len(self._legs)

    def _received(self, data: bytes, address: Address, way: Way) -> None:
        self._transactions.received(data, address, way)

    # Orders
    def invite(self, leg: str, to: str, from_: str, sdp: bytes, peer: Peer | None) -> None:
        """Calls. What cannot be called ends at once: 404, 480 for a phone that is not there, 484 for what is no address."""
        if leg in self._legs:
            return
        try:
            uri, next_hop, transport = self._target(to, peer)
            caller = self._caller(from_, peer)
        except InvalidInput as error:
            log.info("sip.cannot_call %s", error)
            self._told(Ended(leg, "us", 484))
            return
        if self._stopping:
            self._told(Ended(leg, "us", 503))
            return
        dialogue = self._dialogue(leg)
        if peer is not None and peer.user is not None:
            dialogue.setAuth(peer.user, peer.password)
        try:
            dialogue.invite(uri, caller, next_hop, transport, sdp)
        except Exception:
            self._over(leg)
            self._told(Ended(leg, "us", 500))
            raise

    def ring(self, leg: str, sdp: bytes) -> None:
        """See Signalling."""
        if leg in self._legs:
            self._legs[leg].ring(sdp)

    def accept(self, leg: str, sdp: bytes) -> None:
        """See Signalling."""
        if leg in self._legs:
            self._legs[leg].accept(sdp)

    def refuse(self, leg: str, status: int) -> None:
        """See Signalling."""
        if leg in self._legs:
            self._legs[leg].refuse(status)

    def answer_offer(self, leg: str, sdp: bytes) -> None:
        """See Signalling."""
        if leg in self._legs:
            self._legs[leg].answer_offer(sdp)

    def hang_up(self, leg: str, cause: int | None = None) -> None:
        """See Signalling."""
        if leg in self._legs:
            self._legs[leg].hang_up(cause)

    # Calling
    def _target(self, to: str, peer: Peer | None) -> tuple[Any, Address, str]:
        """The URI that is called, the address that it goes by, and how. Raises InvalidInput."""
        if to.lower().startswith(("sip:", "sips:")):
            uri = _uri(to)
        elif peer is None:
            raise InvalidInput("a number needs a trunk")
        else:
            uri = SipURL(username=_user(to), host=peer.host, port=peer.port)
        if peer is not None:
            uri.transport = "tcp" if peer.transport == "tcp" else None
            return uri, (peer.host, peer.port), peer.transport
        address, transport = uri.getTAddr()
        transport = str(transport).lower()
        if transport not in ("udp", "tcp"):
            raise InvalidInput("only UDP and TCP are spoken")
        return uri, address, transport

    def _caller(self, from_: str, peer: Peer | None) -> Any:
        """Whom we call for."""
        if from_.lower().startswith(("sip:", "sips:")):
            return SipAddress(url=_uri(from_), hadbrace=True)
        if from_ in ("", "anonymous"):
            url = SipURL(username="anonymous", host="anonymous.invalid")
            return SipAddress(name=wire_of("Anonymous"), url=url, hadbrace=True)
        # A trunk that asks for a password wants its own domain in From.
        if peer is not None and peer.user is not None:
            return SipAddress(url=SipURL(username=_user(from_), host=peer.host), hadbrace=True)
        return SipAddress(url=SipURL(username=_user(from_), host=SipConf.my_address, port=None), hadbrace=True)

    def _dialogue(self, leg: str) -> Dialogue:
        dialogue = self._legs[leg] = Dialogue(leg, self._transactions, self._network, self._told, self._over)
        return dialogue

    def _over(self, leg: str) -> None:
        self._legs.pop(leg, None)

    # Being called
    def _asked(self, req: Any, transaction: Any) -> Any:
        """sippy's callback: a request of no dialogue that we know."""
        try:
            return self._answer(req, transaction)
        except Exception as error:  # a header that sippy reads only now, and cannot
            log.debug("sip.bad_request %r", error)
            return refusal(req, 400), None, None

    def _answer(self, req: Any, transaction: Any) -> Any:
        method = req.getMethod()
        if req.getHFBody("to").getTag() is not None:
            return refusal(req, 481), None, None
        if method == "INVITE":
            return self._invited(req, transaction)
        if method == "OPTIONS":
            response = req.genResponse(200, "OK", server=NAME)
            response.appendHeaders([SipHeader(name="allow", bodys=ALLOW), SipHeader(name="accept", bodys="application/sdp")])
            return response, None, None
        return refusal(req, 405 if method in KNOWN else 501), None, None

    def _invited(self, req: Any, transaction: Any) -> Any:
        source: Address = req.getSource()
        req.getHFBody("contact").getUrl().getTAddr()
        body = req.getBody()
        if body is not None and body.getType() != "application/sdp":
            return refusal(req, 415, SipHeader(name="accept", bodys="application/sdp")), None, None
        if req.countHFs("require"):
            wanted = ", ".join(str(header.body) for header in req.getHFs("require"))
            return refusal(req, 420, SipHeader(name="unsupported", bodys=wanted)), None, None
        if self._stopping or len(self._legs) >= self._settings.max_legs:
            return refusal(req, 503), None, None
        trunk = self._settings.trunk_at(source[0])
        if trunk is None:
            return refusal(req, 403), None, None
        leg = str(uuid.uuid4())
        caller = req.getHFBody("from").getUri()
        invited = Invited(leg, _party(caller.url), _party(req.getRURI()), words_of(caller.name), sdp_of(body), source, trunk.name)
        dialogue = self._dialogue(leg)
        try:
            return dialogue.invited(req, transaction, invited)
        except Exception:
            self._over(leg)
            raise


def _party(url: Any) -> str:
    """A number, an extension, a name; the whole URI where there is no user."""
    user = words_of(url.username)
    return user or f"sip:{words_of(str(url.host))}"


def _user(number: str) -> str:
    if not _USER.fullmatch(number):
        raise InvalidInput("not a number that could be called")
    return number


def _uri(text: str) -> Any:
    try:
        uri = SipURL(text_of(text.encode()))
        (host, port), _ = uri.getTAddr()
    except Exception:
        raise InvalidInput("not a SIP URI") from None
    if not text.isprintable() or " " in text or not str(host) or not 0 < int(port) < 65_536 or uri.headers or uri.scheme != "sip":
        raise InvalidInput("not a SIP URI that could be called")
    return uri
