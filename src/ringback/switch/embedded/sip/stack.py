"""What lives in the thread: the network, sippy's transactions, and the legs. It decides what a request that begins something is."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from sippy.SipHeader import SipHeader

from ringback.switch.embedded.signalling import Ended, Invited, Peer, Signal
from ringback.switch.embedded.sip.calling import CannotCall, Target, caller_of, target_of
from ringback.switch.embedded.sip.dialogue import Dialogue
from ringback.switch.embedded.sip.gate import Asked, Gate, Known, Verdict
from ringback.switch.embedded.sip.messages import ALLOW, INSIDE, KNOWN, NAME, refusal, sdp_of
from ringback.switch.embedded.sip.network import Address, Network, Way, is_address
from ringback.switch.embedded.sip.phones import registered
from ringback.switch.embedded.sip.registrar import Registrar
from ringback.switch.embedded.sip.settings import Phone, SipSettings
from ringback.switch.embedded.sip.timers import DISPATCHER, install
from ringback.switch.embedded.sip.transactions import Transactions
from ringback.switch.embedded.sip.wire import words_of

log = logging.getLogger("ringback.sip")

_POLITE_S = 2.0
"""Seconds that the far ends have to answer our last requests when the engine stops."""


class Stack:
    """One engine in its thread. `told` takes the signals."""

    def __init__(self, settings: SipSettings, told: Callable[[Signal], None], pace: float = 1.0) -> None:
        self._settings, self._told, self._pace = settings, told, pace
        self._legs: dict[str, Dialogue] = {}
        self._begun: dict[str, tuple[Any, ...]] = {}
        self._gate = Gate(settings)
        self._registrar = Registrar()
        self._stopping = False
        self._network: Network
        self._transactions: Transactions

    @property
    def registered(self) -> tuple[str, ...]:
        """The phones that have registered, by user. May be asked by another thread."""
        return self._registrar.users(time.monotonic())

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

    # Orders
    def invite(self, leg: str, to: str, from_: str, sdp: bytes, peer: Peer | None) -> None:
        """Calls. What cannot be called ends at once, with the status of CannotCall."""
        if leg in self._legs:
            return
        try:
            target = target_of(to, peer, self._settings, self._registrar, time.monotonic())
            if self._stopping:
                raise CannotCall("no more calls", 503)
        except CannotCall as error:
            log.info("sip.cannot_call leg=%s: %s", leg, error)
            self._told(Ended(leg, "us", error.sip_status))
            return
        caller = caller_of(from_, peer)
        dialogue = self._dialogue(leg)
        if peer is not None and peer.user is not None:
            dialogue.setAuth(peer.user, peer.password)
        if is_address(target.next_hop[0]):
            dialogue.invite(target.uri, caller, target.next_hop, target.transport, sdp)
        else:
            self._network.spawn(self._invite_by_name(dialogue, target, caller, sdp))

    async def _invite_by_name(self, dialogue: Dialogue, target: Target, caller: Any, sdp: bytes) -> None:
        host, port = target.next_hop
        try:
            host = await self._network.resolved(host)
        except OSError:
            dialogue.fail(503)
        else:
            dialogue.invite(target.uri, caller, (host, port), target.transport, sdp)

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

    # Legs
    def _dialogue(self, leg: str) -> Dialogue:
        dialogue = self._legs[leg] = Dialogue(leg, self._transactions, self._network, self._told, self._over)
        return dialogue

    def _over(self, leg: str) -> None:
        self._legs.pop(leg, None)
        self._begun.pop(leg, None)

    # Being called
    def _received(self, data: bytes, address: Address, way: Way) -> None:
        in_call = partial(self._transactions.in_call, data)
        if self._gate.room(address[0], time.monotonic(), not data.startswith(b"SIP/2.0"), in_call):
            self._transactions.received(data, address, way)

    def _asked(self, req: Any, transaction: Any) -> Any:
        """sippy's callback: a request of no dialogue that we know."""
        try:
            return self._answer(req, transaction)
        except Exception as error:  # a header that sippy reads only now, and cannot
            log.debug("sip.bad_request %r", error)
            return refusal(req, 400), None, None

    def _answer(self, req: Any, transaction: Any) -> Any:
        method = req.getMethod()
        if req.getHFBody("to").getTag() is not None or method in INSIDE:
            return refusal(req, 481), None, None
        if method == "INVITE":
            return self._invited(req, transaction)
        address, now = req.getSource()[0], time.monotonic()
        if method == "REGISTER":
            verdict = self._gate.phone(method, address, self._authorization(req), now)
            if isinstance(verdict, Known) and isinstance(verdict.who, Phone):
                return registered(req, verdict.who, self._registrar, now), None, None
            return _denial(req, verdict), None, None
        if self._settings.trunk_at(address) is None and not self._settings.phones_at(address):
            return refusal(req, self._gate.stranger(address, now).status), None, None
        if method == "OPTIONS":
            response = req.genResponse(200, "OK", server=NAME)
            response.appendHeaders([SipHeader(name="allow", bodys=ALLOW), SipHeader(name="accept", bodys="application/sdp")])
            return response, None, None
        return refusal(req, 405 if method in KNOWN else 501), None, None

    def _invited(self, req: Any, transaction: Any) -> Any:
        source: Address = req.getSource()
        verdict = self._gate.caller(source[0], self._authorization(req), time.monotonic())
        if not isinstance(verdict, Known):
            return _denial(req, verdict), None, None
        denied = self._unfit(req)
        if denied is not None:
            return denied, None, None
        leg, who = str(uuid.uuid4()), verdict.who
        caller = req.getHFBody("from").getUri()
        # What a phone says of itself counts for nothing beside what its password says.
        from_, peer = (who.extension or who.user, who.user) if isinstance(who, Phone) else (_party(caller.url), who.name)
        to = _party(req.getRURI())
        invited = Invited(leg, from_, to, words_of(caller.name), sdp_of(req.getBody()), source, peer)
        dialogue = self._dialogue(leg)
        self._begun[leg] = req.getTId()
        try:
            return dialogue.invited(req, transaction, invited)
        except Exception:
            dialogue.forget()
            self._over(leg)
            raise

    def _unfit(self, req: Any) -> Any:
        """The refusal of an INVITE that we cannot take, whoever sends it; None if we can."""
        req.getHFBody("contact").getUrl().getTAddr()
        body = req.getBody()
        if body is not None and body.getType() != "application/sdp":
            return refusal(req, 415, SipHeader(name="accept", bodys="application/sdp"))
        if req.countHFs("require"):
            wanted = ", ".join(str(header.body.body) for header in req.getHFs("require"))
            return refusal(req, 420, SipHeader(name="unsupported", bodys=wanted))
        if req.getTId() in self._begun.values():  # the same call by another way (RFC 3261 §8.2.2.2)
            return refusal(req, 482)
        if self._stopping or len(self._legs) >= self._settings.max_legs:
            return refusal(req, 503)
        return None

    def _authorization(self, req: Any) -> str | None:
        """What answers a challenge of ours, among what may answer others."""
        texts = [str(header.body.body) for header in req.headers if header.name == "authorization"]
        return next((text for text in texts if self._settings.realm in text), None)


def _denial(req: Any, verdict: Verdict) -> Any:
    if isinstance(verdict, Asked):
        return refusal(req, 401, *(SipHeader(name="www-authenticate", bodys=text) for text in verdict.challenges))
    assert not isinstance(verdict, Known)
    return refusal(req, verdict.status)


def _party(url: Any) -> str:
    """A number, an extension, a name; the whole URI where there is no user."""
    return words_of(url.username) or f"sip:{words_of(str(url.host))}"
