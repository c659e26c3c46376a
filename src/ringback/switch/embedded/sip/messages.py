"""What messages of ours say, and what is read from others': one word for each status, causes, bodies."""

import re
from typing import Any, Final

from sippy.MsgBody import MsgBody
from sippy.SipHeader import SipHeader

from ringback.switch.embedded.sip.wire import bytes_of, text_of

NAME = "Ringback"
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"
REASONS: dict[int, str] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    420: "Bad Extension",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    484: "Address Incomplete",
    486: "Busy Here",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}
CAUSES: dict[int, int] = {403: 21, 404: 1, 408: 102, 480: 18, 484: 28, 486: 17, 488: 88, 500: 41, 503: 41, 600: 17, 603: 21}
"""What a refusal says in Q.850 (RFC 3398 §8.2.6.1, read backwards)."""
NORMAL_CLEARING = 16
_CAUSE = re.compile(r"Q\.850\s*;[^,]*?\bcause\s*=\s*(\d{1,3})", re.IGNORECASE)
INSIDE: Final = frozenset({"BYE", "INFO", "UPDATE", "PRACK"})
"""Requests that belong to a call."""
KNOWN: Final = frozenset({"REGISTER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "REFER", "PUBLISH", "PRACK", "INFO", "UPDATE", "OPTIONS"})


def refusal(req: Any, status: int, *headers: Any) -> Any:
    """A final answer that is none."""
    response = req.genResponse(status, REASONS[status], server=NAME)
    if status == 405:
        response.appendHeader(SipHeader(name="allow", bodys=ALLOW))
    response.appendHeaders(headers)
    return response


def cause_of(message: Any) -> int | None:
    """The Q.850 cause of a Reason header (RFC 3326), wherever it stands among others."""
    for header in message.headers:
        if header.name == "reason" and (found := _CAUSE.search(str(header.body.body))):
            return int(found[1])
    return None


def sdp_of(body: Any) -> bytes:
    """A body's bytes, none if it is something else than a session description."""
    if body is None or body.getType() != "application/sdp":
        return b""
    return bytes_of(str(body))


def body_of(sdp: bytes) -> Any:
    return MsgBody(text_of(sdp)) if sdp else None
