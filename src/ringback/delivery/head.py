"""The bytes of a request: request line, headers, body. Pure.

What does not change from event to event (Host, User-Agent, the account's own headers, credentials) is written once per lane.
Nothing that comes from an event or an account can start a header of its own: line ends and NUL are refused wherever they stand
(RFC 9110 §5.5).
"""

import base64
import re
from functools import lru_cache

from ringback.dialects.contract import HttpRequest
from ringback.errors import BadSettings, InvalidInput
from ringback.webhooks.credentials import MASK, is_bearer

Headers = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}\Z")
# The sender's own, those that tell what the body is, and those that speak to the next hop (RFC 9110 §7.6.1): set twice they would
# let two readers see two different requests.
_OWN_NAMES = frozenset(
    (
        *("host", "transfer-encoding", "connection", "user-agent", "keep-alive", "te", "trailer"),
        *("upgrade", "expect", "proxy-connection", "proxy-authorization"),
    )
)
_OF_THE_BODY = "content-"


@lru_cache(maxsize=4_096)
def _is_token(name: str) -> bool:
    return _TOKEN.match(name) is not None


def _block(headers: Headers) -> str:
    """Headers as they stand on the wire. Raises InvalidInput (field `headers`)."""
    text = ""
    for name, value in headers:
        if not _is_token(name):
            raise InvalidInput("a header's name is not a token", "headers")
        text += f"{name}: {value}\r\n"
    lines = len(headers)
    if text.count("\n") != lines or text.count("\r") != lines or "\0" in text:
        raise InvalidInput("a header's value has a line end or NUL", "headers")
    return text


def check_headers(headers: Headers) -> None:
    """Raises InvalidInput (field `headers`) for an account's own headers that cannot go out: a name that is no token, one of the
    sender's own (Host, Connection, Content-Length, ...), a value with CR, LF or NUL."""
    for name, _ in headers:
        if name.lower() in _OWN_NAMES or name.lower().startswith(_OF_THE_BODY):
            raise InvalidInput(f"the header {name} is set by the sender", "headers")
    _block(headers)


def fixed_block(authority: str, user_agent: str, headers: Headers, basic: str | None) -> str:
    """The end of the request line and the headers that are the same for all requests of a lane. Raises InvalidInput."""
    check_headers(headers)
    block = f" HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {user_agent}\r\n{_block(headers)}"
    if basic is None:
        return block
    if any(name.lower() == "authorization" for name, _ in headers):
        raise InvalidInput("the URL's credentials and the header Authorization exclude each other", "headers")
    return f"{block}Authorization: Basic {base64.b64encode(basic.encode()).decode()}\r\n"


def request_bytes(request: HttpRequest, target: str, fixed: str) -> bytes:
    """The whole request. `fixed` is fixed_block's. Text that is not ASCII goes out as UTF-8. Raises InvalidInput."""
    method = request.method
    if not (method.isascii() and method.isalpha() and method.isupper()):
        raise InvalidInput("the method is not a word in capitals", "method")
    body = request.body
    # A GET without a body says nothing of length; a POST without one says 0 (RFC 9110 §8.6).
    length = f"Content-Length: {len(body)}\r\n\r\n" if body or method != "GET" else "\r\n"
    try:
        return f"{method} {target}{fixed}{_block(request.headers)}{length}".encode() + body
    except UnicodeEncodeError:
        raise InvalidInput("a header's value is not valid Unicode", "headers") from None


def logged_headers(request: HttpRequest, authority: str, user_agent: str, headers: Headers, basic: str | None) -> Headers:
    """The headers of the request in the order of the wire, for the log: credentials and the values of the account's own headers are
    masked. The dialect's signatures are shown, since they are what a receiver has to check."""
    own = [(name, f"Bearer {MASK}" if is_bearer(name, value) else MASK) for name, value in headers]
    if basic is not None:
        own.append(("Authorization", f"Basic {MASK}"))
    length = [("Content-Length", str(len(request.body)))] if request.body or request.method != "GET" else []
    return (("Host", authority), ("User-Agent", user_agent), *own, *request.headers, *length)


def check_user_agent(user_agent: str) -> None:
    """Raises BadSettings if it cannot stand in a header."""
    if not user_agent or not user_agent.isascii() or not user_agent.isprintable():
        raise BadSettings("user-agent: printable ASCII, not empty")
