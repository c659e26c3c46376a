"""How Voxtelesys' API says no: `{"status","error_id","message"}`, all of them text, as the vendor's SDK has them.

What `status` holds is not public: `error`, as in the vendor's other APIs. `error_id` stands in our log with what was refused.
"""

import logging
from typing import Final
from uuid import uuid4

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from ringback import problems
from ringback.api.common import AnyRequest, read_http_error
from ringback.errors import InvalidInput, RingbackError

log = logging.getLogger("ringback.api")

ERROR: Final = "error"


class VoxtelesysError(Struct, frozen=True):
    """What is wrong, in `message`. `error_id` finds it in the server's log."""

    error_id: str
    message: str
    status: str = ERROR


def answer(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Any failure, in Voxtelesys' form."""
    headers: dict[str, str] = {}
    if isinstance(error, RingbackError):
        status, text = problems.status_of(error), str(error)
        field = error.field if isinstance(error, InvalidInput) else ""
        wait_s = problems.retry_after(error)
        headers = {} if wait_s is None else {"retry-after": str(wait_s)}
    elif isinstance(error, HTTPException):
        status, field, text, headers = read_http_error(error)
    elif isinstance(error, RecursionError):
        status, field, text = 400, "", "the JSON is nested too deeply"
    else:
        status, field, text = 500, "", "it has been logged"
    refused = VoxtelesysError(str(uuid4()), f"{field}: {text}" if field else text)
    if status >= 500:
        log.error("%s %s: error_id=%s status=%d", request.method, request.url.path, refused.error_id, status, exc_info=error)
    else:
        # Not the words: they may hold what was sent.
        log.info("%s %s: error_id=%s status=%d field=%s", request.method, request.url.path, refused.error_id, status, field)
    return Response(msgspec.json.encode(refused), status_code=status, media_type="application/json", headers=headers)
