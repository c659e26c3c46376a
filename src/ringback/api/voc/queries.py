"""What VOC's lists are asked by."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from litestar.params import Parameter

from ringback.calls.model import to_ms
from ringback.errors import InvalidInput

Page = Annotated[int, Parameter(ge=1, le=1_000_000, description="From 1.")]
PerPage = Annotated[int, Parameter(query="perPage", ge=1, description="Rows on a page, 50 at the most.")]
DateFrom = Annotated[str | None, Parameter(query="dateFrom", description="`YYYY-MM-DD`, or with ` hh:mm:ss`; UTC.")]
DateTo = Annotated[str | None, Parameter(query="dateTo", description="The same; what happened then is included.")]

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", re.ASCII)


def span(date_from: str | None, date_to: str | None) -> tuple[int | None, int | None]:
    """(since, until) in Unix milliseconds, until excluded: a day lasts until the next one. A blank parameter says nothing, here and
    elsewhere in this API. Raises InvalidInput."""
    return _moment(date_from, "dateFrom", 0), _moment(date_to, "dateTo", 1)


def _moment(text: str | None, field: str, later: int) -> int | None:
    if not text:
        return None
    found = _DATE.fullmatch(text)
    if found is not None:
        length = timedelta(seconds=later) if found[1] else timedelta(days=later)
        try:
            return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC) + length)
        except (ValueError, OverflowError):
            pass
    raise InvalidInput("is not a date such as 2024-01-31, or with its time 2024-01-31 19:00:00", field)
