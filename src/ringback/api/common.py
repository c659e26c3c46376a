"""What every route needs: who asks, for which account, ids and cursors from their text, problem documents for what goes wrong."""

import logging
import re
from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException
from litestar.params import Dependency
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

from ringback import problems
from ringback.api.views import read_time
from ringback.engine.book import Identity
from ringback.engine.server import Engine
from ringback.errors import Forbidden, InvalidInput, NotFound, RingbackError, Unauthorized
from ringback.ids import from_text

log = logging.getLogger("ringback.api")

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
"""For text that is shown on one line and kept by any database: no NUL, no line break."""

WHO = "who"
"""Where a request's state says whose key it came with, for the audit log: a key that revokes itself is not known afterwards."""
AnyRequest = Request[Any, Any, Any]
TheEngine = Annotated[Engine, Dependency(skip_validation=True)]
Who = Annotated[Identity, Dependency(skip_validation=True)]
AccountId = Annotated[str, Dependency(skip_validation=True)]


class JsonRequest(AnyRequest):
    """A request whose body may be anything: the framework minds what is no JSON where it expects some, not what is no UTF-8."""

    async def json(self) -> Any:
        """The body. Raises SerializationException."""
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise SerializationException from error


def who(request: AnyRequest, engine: TheEngine) -> Identity:
    """Whose key it is; a page of the portal, which asks in this process, says it itself. Raises Unauthorized."""
    identity = request.scope["state"].get(WHO) or engine.book.identify(
        request.headers.get("authorization", "").encode("latin-1", "replace")
    )
    if identity is None:
        raise Unauthorized("send a key that is known: Authorization: Bearer <key>")
    if identity.role == "viewer" and request.method not in ("GET", "HEAD"):
        raise Forbidden("this key may only look")
    request.state[WHO] = identity
    return identity


def name_of(identity: Identity, engine: Engine) -> str:
    """What people call whoever asks: the name that they came by, else the key's, else the role."""
    return identity.name or engine.book.key_name(identity.key) or identity.role


def account(
    request: AnyRequest,
    identity: Who,
    engine: TheEngine,
) -> str:
    """The account that a request is about: the key's own; the operator names one with `?account=`.

    Raises InvalidInput (operator without one), NotFound (another's, or none such: not told apart).
    """
    named = request.query_params.get("account")
    if identity.account is not None:
        if named is not None and named != identity.account:
            raise NotFound("no such account")
        return identity.account
    if named is None:
        raise InvalidInput("the operator's key must name the account: ?account=<id>", "account")
    if not engine.book.knows(named):
        raise NotFound("no such account")
    return str(named)


def operator(identity: Who) -> Identity:
    """Lets only the operator pass. Raises Forbidden."""
    if identity.account is not None:
        raise Forbidden("only the operator's key may do this")
    return identity


def number_of(prefix: str, text: str, what: str) -> int:
    """The number behind an id in a path. Raises NotFound: what is no id names nothing."""
    number = from_text(prefix, text)
    if number is None:
        raise NotFound(f"no such {what}")
    return number


def wanted(prefix: str, text: str | None, field: str) -> int | None:
    """The number behind an id in a query. Raises InvalidInput."""
    if text is None:
        return None
    number = from_text(prefix, text)
    if number is None:
        raise InvalidInput(f"not an id of this kind ({prefix}_…)", field)
    return number


def at_ms(text: str | None, field: str) -> int | None:
    """A time of a query or a filter. Raises InvalidInput."""
    if text is None:
        return None
    try:
        return read_time(text)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "is not an RFC 3339 time with its offset, such as 2026-11-20T12:00:00Z (a + is written %2B in a query)", field
        ) from None


def _answer(
    document: dict[str, Any], status: int, retry_after_s: int | None = None, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    headers = dict(headers or {}) | ({} if retry_after_s is None else {"retry-after": str(retry_after_s)})
    return Response(problems.encode(document), status_code=status, media_type=problems.CONTENT_TYPE, headers=headers)


def on_ringback_error(_: AnyRequest, error: RingbackError) -> Response[bytes]:
    """Our own tree of errors."""
    return _answer(problems.problem_of(error), problems.status_of(error), problems.retry_after(error))


_DETAILS = {404: "no such page", 405: "no such method here", 413: "the body is too large"}
_BODY = "data"
_NAMED = re.compile(r"^Object (missing required|contains unknown) field `(.+)`$", re.DOTALL)
_SAID = {"missing required": "is required", "contains unknown": "is not a field that is known here"}
_QUERY_NAMES = {
    "in_state": "state",
    "page_token": "pageToken",
    "execution_status": "executionStatus",
    "request_id": "requestId",
    "per_page": "perPage",
    "date_from": "dateFrom",
    "date_to": "dateTo",
    "service_number": "serviceNumber",
    "from_id": "fromId",
}


def on_http_error(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    """The framework's: no such route, wrong method, a body that does not fit its type."""
    status, field, detail, headers = read_http_error(error)
    return _answer(problems.problem(status, detail, field), status, headers=headers)


def read_http_error(error: HTTPException) -> tuple[int, str, str, dict[str, str]]:
    """What the framework refused, whatever the form of the answer: status, JSON path, words, headers."""
    status, field = error.status_code, ""
    detail = _DETAILS.get(status, str(error.detail))
    if isinstance(error, ValidationException):
        status = 422
        field, detail = _where(error)
    elif isinstance(error, SerializationException) or status == 400:
        status, detail = 400, "the body is not valid JSON"
    allowed = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return status, field, detail, allowed


def _where(error: ValidationException) -> tuple[str, str]:
    """What does not fit, as the JSON path and in words."""
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    key, said = str(first.get("key", "")), str(first.get("message", "the request does not fit"))
    path = "" if key == _BODY else _QUERY_NAMES.get(key, key)
    named = _NAMED.match(said)
    if named is not None:
        return (f"{path}.{named[2]}" if path else named[2]), _SAID[named[1]]
    if said == repr(_BODY):
        return "", "a JSON object is expected as the body"
    return path, said[:1].lower() + said[1:]


def on_depth(_: AnyRequest, error: RecursionError) -> Response[bytes]:
    """JSON that nobody nests so deeply."""
    return _answer(problems.problem(400, "the JSON is nested too deeply"), 400)


def on_any_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """A fault of ours: logged whole, told without detail."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(problems.problem(500, "it has been logged"), HTTP_500_INTERNAL_SERVER_ERROR)
