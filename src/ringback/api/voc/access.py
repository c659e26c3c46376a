"""Login, and whose account a request is about."""

from typing import Annotated, Any, Final

from litestar import Controller, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import Dependency, Parameter
from litestar.types import Guard
from msgspec import Struct

from ringback.api.common import WHO, AnyRequest, TheEngine
from ringback.api.voc.replies import LOGIN
from ringback.api.voc.tokens import PURPOSE, issue, read
from ringback.calls.model import to_rfc3339
from ringback.engine.book import Identity
from ringback.engine.server import Engine
from ringback.errors import Forbidden, InvalidInput, Unauthorized
from ringback.ids import now_ms

AccountOf = Annotated[str, Dependency(skip_validation=True)]
"""The account's id."""
Caller = Annotated[Identity, Dependency(skip_validation=True)]

_STATE: Final = "voc_identity"
_BEARER: Final = "bearer "


class Session(Struct, frozen=True):
    """A login that succeeded. `token` is good as `Authorization: Bearer` until `expire_at`."""

    token: str
    expire_at: str
    success: bool = True


class Login(Controller):
    """VOC's login."""

    path = LOGIN
    tags = ("voc",)

    @post(status_code=200)
    async def log_in(
        self,
        engine: TheEngine,
        username: Annotated[str | None, Parameter(description="The account's id; needed.")] = None,
        password: Annotated[str | None, Parameter(description="An API key of the account; needed.")] = None,
    ) -> Session:
        """Gives a token for an account and its API key, good for an hour."""
        for name, value in (("username", username), ("password", password)):
            if not value:
                raise InvalidInput("is needed, in the query string", name)
        identity = engine.book.identify(f"Bearer {password}".encode("utf-8", "replace"))
        if identity is None or identity.account is None or identity.account != str(username).lower():
            raise Unauthorized("no such account, or not a key of it")
        token, expires_ms = issue(engine.store.derived_keys(PURPOSE), identity.account, identity.key, now_ms())
        return Session(token, to_rfc3339(expires_ms))


def guard(engine: Engine) -> Guard:
    """Lets pass who has a token, or a key, of an account. It stands before the query is looked at."""

    def known(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Raises Unauthorized, Forbidden."""
        identity = identify(engine, connection.headers.get("authorization", ""))
        if identity is None or identity.account is None:
            raise Unauthorized("send a token that login gave: Authorization: Bearer <token>")
        request: Any = connection  # of HTTP, as there are no other routes
        if identity.role == "viewer" and request.method != "GET":
            raise Forbidden("this key may only look")
        connection.state[_STATE] = connection.state[WHO] = identity

    return known


def identity(request: AnyRequest) -> Identity:
    """Whom the guard let in."""
    found: Identity = request.state[_STATE]
    return found


def account(request: AnyRequest) -> str:
    """The account that the guard let in."""
    return str(identity(request).account)


def identify(engine: Engine, authorization: str) -> Identity | None:
    """By a token, whose key must still be there, or by a key itself (ours, not the vendor's)."""
    if authorization[: len(_BEARER)].lower() != _BEARER:
        return None
    claims = read(engine.store.derived_keys(PURPOSE), authorization[len(_BEARER) :].strip(), now_ms())
    if claims is None:
        return engine.book.identify(authorization.encode("latin-1", "replace"))
    identity = engine.book.identity_of(claims.kid)
    return identity if identity is not None and identity.account == claims.sub else None
