"""Idempotency-Key on every POST that makes something: the same request again gets the same answer and makes nothing.

The key is claimed in the store before the request goes on, and the answer is in the store before it goes out: whatever is lost on
the way, a repetition makes nothing twice. A request that was refused made nothing and frees its key. One that was cut off by a kill
leaves a claim without an answer: nobody knows what it made, so the key is refused for the rest of its day."""

import logging
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from ringback import problems
from ringback.api.voc import access as voc_access
from ringback.api.voc.replies import DIAL, VocError, said
from ringback.engine.book import Identity
from ringback.errors import CallerError, Conflict, InvalidInput, RingbackError, StoreUnavailable
from ringback.ids import now_ms

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.api")

HEADER: Final = b"idempotency-key"
KNOWN_MS: Final = 24 * 3_600_000
MOST_CHARS: Final = 255
_PATHS: Final = "/v1/"
_VENDORS: Final = (DIAL,)
"""Of the vendors' APIs, whose clients know no such key: what rings somebody, for clients that do."""
_OWN_WAY: Final = ("/v1/events", "/v1/sources/", "/v1/verify", "/v1/voxml/", "/v1/endpoints/preview")
"""Events have ids of their own, a call record too; a verification makes nothing, nor does a check."""
_KEPT_HEADERS: Final = (b"content-type", b"location")


class _Answer(Struct, array_like=True):
    """What is kept of a response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Answer).decode


def takes_key(method: str, path: str) -> bool:
    """May a request carry an Idempotency-Key?"""
    if method != "POST" or path.startswith(_OWN_WAY):
        return False
    return path.startswith(_PATHS) or path.rstrip("/") in _VENDORS


class Once:
    """An ASGI application around the routes. See the module."""

    def __init__(self, app: ASGIApp, engine: "Engine") -> None:
        self._app = app
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = dict(scope["headers"])
        text = headers.get(HEADER)
        if text is None or not takes_key(str(scope.get("method", "")), scope["path"]):
            await self._app(scope, receive, send)
            return
        identity = self._identify(scope["path"], headers.get(b"authorization", b""))
        if identity is None or identity.role == "viewer":
            await self._app(scope, receive, send)
            return
        try:
            key = _checked(text)
            body = await _whole_body(receive, self._engine.settings.max_body_bytes)
            if body is None:
                return
            owner = identity.account or ""
            answer = await self._once(owner, key, _fingerprint(scope, body), scope, body)
        except RingbackError as error:
            answer = _refusal(error, scope["path"])
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    def _identify(self, path: str, authorization: bytes) -> Identity | None:
        """Who asks."""
        if path.startswith(_PATHS):
            return self._engine.book.identify(authorization)
        return voc_access.identify(self._engine, authorization.decode("latin-1"))

    async def _once(self, owner: str, key: bytes, asked: bytes, scope: Scope, body: bytes) -> _Answer:
        """The answer, made now or before. Raises InvalidInput, Conflict, StoreUnavailable."""
        store, now = self._engine.store, now_ms()
        before = await self._engine.in_thread(lambda: store.claim(owner, key, asked, now, now - KNOWN_MS))
        if before is not None:
            if before.asked != asked:
                raise InvalidInput("this Idempotency-Key came with another request before: use a new one", "Idempotency-Key")
            if before.answer is None:
                raise Conflict(
                    "the request with this Idempotency-Key is being worked on, or was cut off: look for what it made, and use "
                    "a new key"
                )
            answer = _decode(before.answer)
            answer.headers.append((b"idempotent-replayed", b"true"))
            return answer
        answer = await _captured(self._app, scope, body)
        kept = _encode(answer)
        try:
            if answer.status < 300:
                await self._engine.in_thread(lambda: store.keep_answer(owner, key, kept))
            else:
                await self._engine.in_thread(lambda: store.drop_claim(owner, key))
        except StoreUnavailable as error:  # it was made, or refused, all the same: the claim without an answer stays
            log.warning("an answer was not kept: %s", error)
        return answer


def _checked(text: bytes) -> bytes:
    """The key's hash. Raises InvalidInput."""
    if not 1 <= len(text) <= MOST_CHARS or not all(33 <= char <= 126 for char in text):
        raise InvalidInput(f"is 1 to {MOST_CHARS} visible ASCII characters", "Idempotency-Key")
    return sha256(text).digest()


def _fingerprint(scope: Scope, body: bytes) -> bytes:
    """What is asked: path, query and body, byte for byte."""
    made = sha256()
    for part in (scope["raw_path"], scope["query_string"], body):
        made.update(len(part).to_bytes(8, "big"))
        made.update(part)
    return made.digest()


async def _whole_body(receive: Receive, most: int) -> bytes | None:
    """The body; None if the client went away. One that is too large is cut: its route refuses it."""
    body = bytearray()
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= most:
            body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body[: most + 1])


async def _captured(app: ASGIApp, scope: Scope, body: bytes) -> _Answer:
    """What the routes answer."""
    start: dict[str, Any] = {}
    parts: list[bytes] = []
    told = False

    async def receive() -> Any:
        nonlocal told
        if told:
            return {"type": "http.disconnect"}
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    headers = [(name, value) for name, value in start.get("headers", ()) if name.lower() in _KEPT_HEADERS]
    whole = b"".join(parts)
    return _Answer(int(start.get("status", 500)), [*headers, (b"content-length", str(len(whole)).encode())], whole)


def _refusal(error: RingbackError, path: str) -> _Answer:
    """A problem document, or the vendor's form; `field` names the header."""
    if path.startswith(_PATHS):
        body, content_type = problems.encode(problems.problem_of(error)), problems.CONTENT_TYPE
    else:
        body, content_type = msgspec.json.encode(VocError(problems.status_of(error), said(error))), "application/json"
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    retry_after_s = problems.retry_after(error)
    if retry_after_s is not None:
        headers.append((b"retry-after", str(retry_after_s).encode()))
    if not isinstance(error, CallerError):
        log.warning("idempotency: %s", error)
    return _Answer(problems.status_of(error), headers, body)
