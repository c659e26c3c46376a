"""How Bird's API says no: `{"code","message","details"}`.

Of the vendor's error body only `message` is confirmed (integrators' code shows it); `code` and `details` are ours. `message` says
all of it, so that who shows nothing else still knows what is wrong and where.
"""

import logging
from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from ringback import problems
from ringback.api.common import AnyRequest, read_http_error
from ringback.errors import InvalidInput, RingbackError, Unauthorized

log = logging.getLogger("ringback.api")

REQUEST_ID: Final = "messagebird-request-id"
"""On every answer of the API, as on every webhook."""

CODES: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "PayloadTooLarge",
    422: "UnprocessableEntity",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
_NAMES: Final = (("filters", "eventFilters"), ("events", "event"), ("secret", "signingKey"))
"""Our rules name an endpoint's fields; these are the vendor's words for them."""
_FIXED: Final = frozenset({"service", "event"})


class BirdError(Struct, frozen=True):
    """What is wrong. `details`: what, by the JSON path of where."""

    code: str
    message: str
    details: dict[str, list[str]] = {}


def answer(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Any failure, in Bird's form."""
    if isinstance(error, Unauthorized):
        return _said(401, "send a key that is known: Authorization: AccessKey <key>")
    if isinstance(error, RingbackError):
        wait_s = problems.retry_after(error)
        field = error.field if isinstance(error, InvalidInput) else ""
        return _said(problems.status_of(error), str(error), field, {} if wait_s is None else {"retry-after": str(wait_s)})
    if isinstance(error, HTTPException):
        status, field, detail, headers = read_http_error(error)
        if request.method == "PATCH" and field in _FIXED:
            detail = "cannot be changed: make another subscription"
        return _said(status, detail, field, headers)
    if isinstance(error, RecursionError):
        return _said(400, "the JSON is nested too deeply")
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _said(500, "it has been logged")


def _said(status: int, text: str, field: str = "", headers: dict[str, str] | None = None) -> Response[bytes]:
    field = _in_their_words(field)
    error = BirdError(
        code=CODES.get(status, "Error"),
        message=f"{field}: {text}" if field else text,
        details={field: [text]} if status == 422 and field else {},
    )
    told: dict[str, Any] = {REQUEST_ID: str(uuid4()), **(headers or {})}
    return Response(msgspec.json.encode(error), status_code=status, media_type="application/json", headers=told)


def _in_their_words(field: str) -> str:
    for ours, theirs in _NAMES:
        if field == ours or field.startswith((f"{ours}[", f"{ours}.")):
            return theirs + field[len(ours) :]
    return field
