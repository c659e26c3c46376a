"""The form of VOC's replies, `{"status","message","data"}`, and how VOC's API says no."""

import logging
from typing import Final, Generic, TypeVar

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from ringback import problems
from ringback.api.common import AnyRequest, read_http_error
from ringback.errors import InvalidInput, RingbackError

log = logging.getLogger("ringback.api")

T = TypeVar("T")

LOGIN: Final = "/voc/api/v1/authentication"
DIAL: Final = "/voc/api/v1/dial"


class Reply(Struct, Generic[T], frozen=True):
    """An answer."""

    data: T
    status: int = 200
    message: str = "OK"


class VocError(Struct, frozen=True):
    """What is wrong, in `message`; `status` is the answer's."""

    status: int
    message: str
    data: None = None


class LoginRefused(Struct, frozen=True):
    """Why nobody was logged in."""

    message: str
    success: bool = False


def said(error: RingbackError) -> str:
    """What is wrong, behind the parameter that it is about."""
    return f"{error.field}: {error}" if isinstance(error, InvalidInput) and error.field else str(error)


def answer(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Any failure, in VOC's form: a status that is none of 2xx, and what is wrong in `message`."""
    headers: dict[str, str] = {}
    if isinstance(error, RingbackError):
        status, text = problems.status_of(error), said(error)
        wait_s = problems.retry_after(error)
        headers = {} if wait_s is None else {"retry-after": str(wait_s)}
    elif isinstance(error, HTTPException):
        status, field, text, headers = read_http_error(error)
        text = f"{field}: {text}" if field else text
    elif isinstance(error, RecursionError):
        status, text = 400, "the JSON is nested too deeply"
    else:
        # The path alone: VOC's login has its secret in the query.
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        status, text = 500, "it has been logged"
    at_login = request.scope["path"].rstrip("/") == LOGIN
    refused = LoginRefused(text) if at_login else VocError(status, text)
    return Response(msgspec.json.encode(refused), status_code=status, media_type="application/json", headers=headers)
