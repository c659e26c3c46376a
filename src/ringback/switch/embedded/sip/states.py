"""The two states of sippy's user agent that do something else than sippy's."""

from typing import Any

from sippy.CCEvents import CCEventConnect, CCEventUpdate
from sippy.UasStateUpdating import UasStateUpdating
from sippy.UaStateConnected import UaStateConnected


class Connected(UaStateConnected):  # type: ignore[misc]
    """sippy takes a re-INVITE without an offer for a hold; it asks for our offer."""

    def _invited_again(self, req: Any) -> Any:
        if req.getBody() is not None:
            self.ua.offered = True
            return UaStateConnected._recvRequestInvite(self, req)
        self.ua.offered = False
        self.ua.uasResp = req.genResponse(100, "Trying", server=self.ua.local_ua)
        self.ua.transactions.sendResponse(self.ua.uasResp)
        self.ua.equeue.append(CCEventUpdate(None, rtime=req.rtime, origin=self.ua.origin))
        return (self.ua.UasStateUpdating,)

    recv_request_handlers = {**UaStateConnected.recv_request_handlers, "INVITE": _invited_again}


class Updating(UasStateUpdating):  # type: ignore[misc]
    """A re-INVITE waits for our answer. sippy hangs up when it is taken back; the call goes on as it was (RFC 3261 §9.2)."""

    def _answered(self, event: Any, headers: Any) -> Any:
        code, reason, body = event.getData()
        self.ua.lSDP = body
        self.ua.sendUasResponse(code, reason, body, (self.ua.lContact,), extra_headers=headers, ack_wait=not self.ua.offered)
        return (self.ua.UaStateConnected,)

    def cancel(self, rtime: Any, req: Any) -> None:
        self.ua.changeState((self.ua.UaStateConnected,))

    recv_event_handlers = {**UasStateUpdating.recv_event_handlers, CCEventConnect: _answered}
