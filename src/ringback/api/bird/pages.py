"""Bird's page tokens: base64 of a JSON array, the moment at which the last row shown was made and its id.

That is what a published sample token decodes to; the order (newest first) follows from it. The rows' ids carry our numbers, which
grow with time, so the id alone says where to go on; the moment is there because clients may have come to read it.
"""

from base64 import b64encode
from datetime import datetime

import msgspec

from ringback.calls.model import to_rfc3339
from ringback.dialects.shapes import decode_base64
from ringback.errors import InvalidInput

LIMIT = 10
MOST = 100
MOST_CHARACTERS = 8000


def page_token(made_at_ms: int, row: str) -> str:
    """The token behind which the next page begins."""
    return b64encode(msgspec.json.encode([to_rfc3339(made_at_ms), row])).decode()


def row_behind(token: str) -> str:
    """The id of the row that a page goes on behind. Raises InvalidInput (field `pageToken`) for what no list gave."""
    if len(token) > MOST_CHARACTERS:
        raise _foreign()
    raw = decode_base64(token)
    try:
        made_at, row = msgspec.json.decode(raw or b"", type=tuple[datetime, str])
    except (msgspec.DecodeError, UnicodeError):
        raise _foreign() from None
    if made_at.tzinfo is None:
        raise _foreign()
    return row


def _foreign() -> InvalidInput:
    return InvalidInput("is not a token that this list gave", "pageToken")
