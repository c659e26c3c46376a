"""The forms of VOC's replies: `{"status","message","data"}`, lists with a second `data` inside, and how VOC's API says no."""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
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
MOST_A_PAGE: Final = 50
"""Of rows on a page; who asks for more gets so many."""
LOOKED_AT: Final = 10_000
"""A list goes back so many rows of what the dates select, newest first."""
COUNTED_AHEAD: Final = 1_000
"""Behind the page that is shown `total` is counted on so far: it grows while somebody pages through a longer list."""


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


class Rows(Struct, Generic[T], frozen=True):
    """One page of a list, newest first."""

    data: list[T]
    total: int
    total_pages: int


def page_of(rows: Iterable[T], page: int, per_page: int) -> Rows[T]:
    """The page with a number (from 1), read no further than it takes to show it and to count a little ahead."""
    size = min(per_page, MOST_A_PAGE)
    first = (page - 1) * size
    reader: Iterator[T] = iter(rows)
    total = sum(1 for _ in islice(reader, first))
    shown = list(islice(reader, size))
    total += len(shown) + sum(1 for _ in islice(reader, COUNTED_AHEAD))
    return Rows(shown, total, -(-total // size))


def answer(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Any failure, in VOC's form: a status that is none of 2xx, and what is wrong in `message`."""
    headers: dict[str, str] = {}
    if isinstance(error, RingbackError):
        status, text = problems.status_of(error), str(error)
        if isinstance(error, InvalidInput) and error.field:
            text = f"{error.field}: {text}"
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
