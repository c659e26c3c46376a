"""One leg: sippy's user agent (its states, its dialogue), and what it leaves to us. Lives in the thread.

Other than sippy's: a re-INVITE without an offer gets one, UPDATE is an offer like a re-INVITE, a request that no state knows is
answered all the same, in-dialogue requests use the TCP stream that is there, and an end is told once.
"""

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Any, Final

from sippy.CCEvents import (
    CCEventConnect,
    CCEventDisconnect,
    CCEventFail,
    CCEventPreConnect,
    CCEventRedirect,
    CCEventRing,
    CCEventTry,
    CCEventUpdate,
)
from sippy.SipAddress import SipAddress
from sippy.SipConf import SipConf
from sippy.SipContact import SipContact
from sippy.SipHeader import SipHeader
from sippy.SipReason import SipReason
from sippy.SipURL import SipURL
from sippy.UA import UA

from ringback.switch.embedded.signalling import Accepted, Ended, Invited, Offered, Ringing, Signal
from ringback.switch.embedded.sip import digest
from ringback.switch.embedded.sip.messages import (
    ALLOW,
    CAUSES,
    KNOWN,
    NAME,
    NORMAL_CLEARING,
    REASONS,
    body_of,
    cause_of,
    refusal,
    sdp_of,
)
from ringback.switch.embedded.sip.network import Address, Network, Transport, Way
from ringback.switch.embedded.sip.states import Connected, Updating
from ringback.switch.embedded.sip.transactions import Transactions

_STALE = re.compile(r"\bstale\s*=\s*\"?true", re.IGNORECASE)


class Dialogue(UA):  # type: ignore[misc]
    """See the module. `told` takes its signals; `over` is called when nothing more comes of it but what repeats."""

    UaStateConnected = Connected
    UasStateUpdating = Updating

    def __init__(
        self, leg: str, transactions: Transactions, network: Network, told: Callable[[Signal], None], over: Callable[[str], None]
    ) -> None:
        super().__init__(transactions.global_config, event_cb=self._happened)
        self.leg: Final = leg
        self.transactions, self._network = transactions, network
        self._tell, self._over = told, over
        self.local_ua = NAME
        here = SipURL(host=SipConf.my_address, port=SipConf.my_port, transport=SipConf.my_transport)
        self.lContact = SipContact(address=SipAddress(url=here))
        self.extra_headers = [SipHeader(name="allow", bodys=ALLOW)]
        self.offered = False
        self.incoming = False
        self.bye_again = False
        self.answered = False
        self._ended = False
        self._invited: Invited | None = None
        self._flow: Address | None = None
        self._here: Address | None = None
        self._early = b""
        self._rang: Ringing | None = None
        self._cause: int | None = None
        self._status: int | None = None
        self._update: Any = None
        self._challenges: dict[str, tuple[digest.Challenge, int]] = {}

    # Beginning
    def invited(self, req: Any, transaction: Any, invited: Invited) -> Any:
        """The INVITE that begins it; what sippy is to do with it."""
        self.incoming, self._invited = True, invited
        self.offered = bool(invited.sdp)
        (host, port), transport = req.getSource(ver=2)
        if transport == "tcp":
            self._flow = (host, port)
        self._here = transaction.userv.here
        return self.recvRequest(req, transaction)

    def forget(self) -> None:
        """The INVITE could not be read to its end: nothing was told, and no message belongs to it."""
        if self.cId is not None and str(self.cId) in self.transactions.req_consumers:
            self.transactions.unregConsumer(self, str(self.cId))

    def fail(self, status: int) -> None:
        """It could not even begin."""
        self._status = status
        self._end("far")

    def invite(self, uri: Any, from_: Any, next_hop: Address, transport: str, sdp: bytes) -> None:
        """Calls a URI, by way of an address."""
        if self._ended:  # while the address was looked for
            return
        if transport == "tcp":
            self._flow = next_hop
        self.setNextHop(next_hop, transport)

        def addressed(ua: Any) -> None:
            ua.rTarget = uri
            ua.rUri.getUri().url = uri.getCopy()
            ua.rUri.getUrl().transport = None
            ua.lUri.getUri().name, ua.lUri.getUri().url = from_.name, from_.url.getCopy()

        event = CCEventTry((None, from_.url.username, uri.username, body_of(sdp), None, None))
        event.onUacSetupComplete = addressed
        self.recvEvent(event)

    # Orders
    def ring(self, sdp: bytes) -> None:
        """180, or 183 if there is something to hear."""
        if self.incoming and not self.answered and not self._ended:
            self.recvEvent(CCEventRing((183, "Session Progress", body_of(sdp)) if sdp else (180, "Ringing", None)))

    def accept(self, sdp: bytes) -> None:
        """200 to the INVITE. Without an offer in it, the answer comes with the ACK."""
        if self.incoming and not self.answered and not self._ended:
            self.answered = True
            self.recvEvent((CCEventConnect if self.offered else CCEventPreConnect)((200, "OK", body_of(sdp))))

    def refuse(self, status: int) -> None:
        """A final answer that is none."""
        if self.incoming and not self.answered and not self._ended:
            event = CCEventFail((status, REASONS.get(status, "Refused")))
            event.reason_rfc3326 = SipReason(protocol="Q.850", cause=CAUSES.get(status, 127))
            self._status, self._cause = status, None
            self.recvEvent(event)
            self._end("us")

    def answer_offer(self, sdp: bytes) -> None:
        """The answer to a re-INVITE or UPDATE; without one, 488."""
        if self._update is not None:
            request, self._update = self._update, None
            self._respond(request, 200 if sdp else 488, sdp)
        elif isinstance(self.state, Updating) or self.pending_tr is not None:
            self.recvEvent(CCEventConnect((200, "OK", body_of(sdp))) if sdp else CCEventFail((488, REASONS[488])))

    def hang_up(self, cause: int | None = None) -> None:
        """Ends it in whatever way it can be ended now."""
        if self._ended:
            return
        if self.incoming and not self.answered:
            self.refuse(480)
            return
        event = CCEventDisconnect()
        if self.answered or cause is not None:
            event.reason_rfc3326 = SipReason(protocol="Q.850", cause=cause or NORMAL_CLEARING)
        self._status = self._cause = None
        self.recvEvent(event)
        self._end("us")

    # What sippy calls
    def recvRequest(self, req: Any, sip_t: Any) -> Any:  # noqa: N802 (sippy's name)
        """A request of this dialogue, or the one that begins it."""
        method = req.getMethod()
        if method == "UPDATE":
            return self._updated(req)
        if method not in ("INVITE", "BYE", "OPTIONS", "INFO"):
            return refusal(req, 405 if method in KNOWN else 501), None, None
        self._cause = cause_of(req)
        if method == "BYE" and isinstance(self.state, self.UasStateTrying):
            self.changeState((self.UasStateRinging,))  # which knows what to do with it
        result = super().recvRequest(req, sip_t)
        if result is None and sip_t.tid is not None and sip_t.data is None:
            return refusal(req, 491 if method == "INVITE" else 481), None, None
        if isinstance(result, tuple) and result[0] is None:
            return None, self._cancelled, self._not_acknowledged
        return result

    def recvResponse(self, resp: Any, tr: Any) -> None:  # noqa: N802 (sippy's name)
        """An answer to our INVITE."""
        if not self._ended:
            self._cause = cause_of(resp)
        super().recvResponse(resp, tr)

    def processChallenge(  # noqa: N802 (sippy's name)
        self, resp: Any, cseq: int, challenged_by: str, answered_by: str, extra_headers: Any
    ) -> bool:
        """A trunk or a proxy asks who sends the INVITE. True if it is sent again with an answer."""
        if not self._challenged(resp, challenged_by, answered_by):
            return False
        del self.reqs[cseq]
        # Soon: sippy acknowledges the challenge when this has returned, and that goes first.
        asyncio.get_running_loop().call_soon(self._invite_again, extra_headers)
        return True

    def sendUasResponse(  # noqa: N802 (sippy's name)
        self, scode: int, reason: str, body: Any = None, contacts: Any = None, extra_headers: Any = None, ack_wait: bool = False
    ) -> None:
        """Answers an INVITE; a 200 says what else we know."""
        known = [*(extra_headers or ()), *(self.extra_headers if 200 <= scode < 300 else ())]
        super().sendUasResponse(scode, reason, body, contacts, known, ack_wait)

    def newTransaction(self, req: Any, req_extra_headers: Any = None, **more: Any) -> Any:  # noqa: N802 (sippy's name)
        """Sends a request of ours."""
        if req.getMethod() == "BYE" and self.username is not None:
            self._authorize(req)
            more.setdefault("resp_cb", self._bye_answered)
        transaction = self.transactions.newTransaction(req, userv=self._way(req), **more)
        transaction.req_extra_headers = req_extra_headers
        return transaction

    def emitPendingEvents(self) -> None:  # noqa: N802 (sippy's name)
        """sippy orders events by a number that two threads may spoil; in one thread they are in order."""
        while self.equeue and self.event_cb is not None:
            self.event_cb(self.equeue.pop(0), self)

    def emitEvent(self, event: Any) -> None:  # noqa: N802 (sippy's name)
        """The same for one."""
        if self.event_cb is not None:
            self.event_cb(event, self)

    # Passwords
    def _challenged(self, resp: Any, challenged_by: str, answered_by: str) -> bool:
        """True for a challenge that we can answer and did not answer before, unless that answer was only too old."""
        if self.username is None or self.password is None:
            return False
        texts = [str(header.body.body) for header in resp.headers if header.name == challenged_by]
        challenge = digest.best(texts)
        known = self._challenges.get(answered_by)
        if challenge is None or (known is not None and (known[0].nonce == challenge.nonce or not _STALE.search(" ".join(texts)))):
            return False
        self._challenges[answered_by] = challenge, 0
        return True

    def _authorize(self, req: Any) -> None:
        for name, (challenge, times) in self._challenges.items():
            self._challenges[name] = challenge, times + 1
            text = digest.answer(
                challenge, self.username, self.password, req.getMethod(), str(self.rTarget), secrets.token_hex(8), times + 1
            )
            req.appendHeader(SipHeader(name=name, bodys=text))

    def _invite_again(self, extra_headers: Any) -> None:
        if not self._ended:
            req = self.genRequest("INVITE", self.lSDP, extra_headers=extra_headers)
            self._authorize(req)
            self.newUacTransaction(req, req_extra_headers=extra_headers)

    def _bye_answered(self, resp: Any) -> None:
        names = {401: ("www-authenticate", "authorization"), 407: ("proxy-authenticate", "proxy-authorization")}
        code, _ = resp.getSCode()
        # Once: the challenge of a BYE is new to us, or says that our answer was too old.
        if code in names and not self.bye_again and self._challenged(resp, *names[code]):
            self.bye_again = True
            self.newTransaction(self.genRequest("BYE"))

    # Inside
    def _happened(self, event: Any, _: Any) -> None:
        happened = _HAPPENED.get(type(event))
        if happened is not None:  # an INFO is nothing to us
            happened(self, event)

    def _tried(self, _: Any) -> None:
        assert self._invited is not None
        self._tell(self._invited)

    def _progressed(self, event: Any) -> None:
        code, _, body = event.getData()
        if code > 100 and not self._ended and not self.incoming:
            sdp = sdp_of(body)
            self._early = sdp or self._early
            rang = Ringing(self.leg, code, sdp)
            if rang != self._rang:
                self._rang = rang
                self._tell(rang)

    def _connected(self, event: Any) -> None:
        _, _, body = event.getData()
        if self._ended:
            return
        if not self.answered:
            self.answered = True
            self._tell(Accepted(self.leg, sdp_of(body) or self._early))
        elif not self.offered:  # the ACK to an offer of ours
            self.offered = True
            self._tell(Accepted(self.leg, sdp_of(body)))

    def _offered(self, event: Any) -> None:
        if not self._ended:
            self._tell(Offered(self.leg, sdp_of(event.getData())))

    def _failed(self, event: Any) -> None:
        if isinstance(self.state, Connected):  # a re-INVITE that was not; the call goes on
            return
        self._status = event.getData()[0]
        self._end("far")

    def _disconnected(self, _: Any) -> None:
        self._end("far")

    def _cancelled(self, rtime: Any, req: Any) -> None:
        if not self.answered:
            self._cause = cause_of(req) if req is not None else None
            self._status = 487
        self.state.cancel(rtime, req)

    def _not_acknowledged(self) -> None:
        self._status = 408
        self.disconnect()
        self._end("far")

    def _end(self, by: Any) -> None:
        if not self._ended:
            self._ended = True
            if self._update is not None:
                self.answer_offer(b"")
            self._tell(Ended(self.leg, by, self._status, self._cause, self.answered))
            self._over(self.leg)

    def _updated(self, req: Any) -> Any:
        body = req.getBody()
        if not isinstance(self.state, Connected) or self._update is not None:
            return refusal(req, 491 if self.isConnected() or self.incoming else 481), None, None
        if body is None:
            self._respond(req, 200, b"")
        else:
            self._update = req
            self._tell(Offered(self.leg, sdp_of(body)))
        # The answer is sent when it is known. sippy drops a transaction that nobody holds, hence the noack function.
        return None, None, None

    def _respond(self, req: Any, status: int, sdp: bytes) -> None:
        response = req.genResponse(status, REASONS.get(status, "OK"), body_of(sdp), server=NAME)
        if status < 300:
            response.appendHeader(SipHeader(name="contact", body=self.lContact))
            response.appendHeaders(self.extra_headers)
        self.transactions.sendResponse(response)

    def _way(self, req: Any) -> Way:
        (host, port), transport = req.getTarget()
        by: Transport = "tcp" if self._flow is not None or str(transport).lower() == "tcp" else "udp"
        way = self._network.stream_to(self._flow) if self._flow is not None else None
        way = way or self._network.way((str(host), int(port)), by, self._unreachable, self._here)
        self._here = way.here
        return way

    def _unreachable(self) -> None:
        """Nothing can be sent to where the call was to go (RFC 3261 §8.1.3.1)."""
        transaction = self.tr
        if transaction is not None and transaction.tid is not None and not self.answered and transaction.teB is not None:
            transaction.teB.cancel()
            transaction.r408.setSCode(503, REASONS[503])
            self.transactions.timerB(transaction)


_HAPPENED: dict[type, Callable[[Dialogue, Any], None]] = {
    CCEventTry: Dialogue._tried,
    CCEventRing: Dialogue._progressed,
    CCEventConnect: Dialogue._connected,
    CCEventPreConnect: Dialogue._connected,
    CCEventUpdate: Dialogue._offered,
    CCEventFail: Dialogue._failed,
    CCEventRedirect: Dialogue._failed,
    CCEventDisconnect: Dialogue._disconnected,
}
