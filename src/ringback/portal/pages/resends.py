"""Sending again in bulk: what it would be, how far it is, and what was sent again before. A filter of the log stands in the query,
as `/v1/resends` has it."""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get, post

from ringback.portal.nav import Group
from ringback.portal.visit import Visit, Visitor

FIELDS: Final = ("state", "endpoint", "call", "event", "number", "since", "until")
"""What narrows a bulk resend (`ResendFilter`)."""
WITHIN_S: Final = 0.1
"""How long one page counts."""
_DIGITS: Final = 13
PAGE: Final = 50
MOST_ENDPOINTS: Final = 1_000
"""Whose names are known beside their ids."""


def _asked(given: Any) -> dict[str, str]:
    return {name: str(given[name]) for name in FIELDS if given.get(name)}


def _number(text: Any) -> int | None:
    """A count that a page has made; None: it says none."""
    is_number = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < _DIGITS
    return int(text) if is_number else None


@get("/portal/{account:str}/resend")
async def preview(visit: Visitor) -> Response[Any]:
    """How many it would be, and a button. Where it takes long to count, the page says how many it has come to, and goes on:
    `cursor` is where from, `counted` how many were before that."""
    given = visit.request.query_params
    asked = _asked(given)
    found = await visit.api.post(
        "/v1/resends", {"filter": asked, "dry_run": True, "within_s": WITHIN_S, "cursor": given.get("cursor")}
    )
    count = found["count"] + (_number(given.get("counted")) or 0)
    more = found.get("next_cursor")
    further = f"{visit.home}/resend?{urlencode({**asked, 'cursor': more, 'counted': count})}" if more else None
    return visit.page("resend.html", "Send again", twin="/v1/resends", asked=asked, count=count, further=further)


@post("/portal/{account:str}/resend")
async def begin(visit: Visitor) -> Response[Any]:
    """Begins it. `counted`: how many there are, if the page before has counted them all."""
    form = await visit.form()
    made = await visit.api.post("/v1/resends", {"filter": _asked(form), "count": _number(form.get("counted"))})
    return visit.go(f"/resends/{made['id']}")


@get("/portal/{account:str}/resends")
async def past(visit: Visitor) -> Response[Any]:
    """Those at work and those that are over, newest first."""
    cursor = visit.request.query_params.get("cursor")
    found = await visit.api.get("/v1/resends", limit=PAGE, cursor=cursor)
    return visit.page("resends.html", "Sent again", twin="/v1/resends", found=found, cursor=cursor, by_id=await _endpoints(visit))


@get("/portal/{account:str}/resends/{resend_id:str}")
async def progress(visit: Visitor, resend_id: str) -> Response[Any]:
    """How far it is."""
    job = await visit.api.get(f"/v1/resends/{resend_id}")
    by_id = await _endpoints(visit)
    return visit.page("resend_job.html", "Sending again", twin=f"/v1/resends/{resend_id}", job=job, by_id=by_id)


@post("/portal/{account:str}/resends/{resend_id:str}/cancel")
async def cancel(visit: Visitor, resend_id: str) -> Response[Any]:
    """Ends it."""
    await visit.api.delete(f"/v1/resends/{resend_id}")
    return visit.go(f"/resends/{resend_id}")


async def _endpoints(visit: Visit) -> dict[str, Any]:
    """The account's endpoints by their ids, to name those of filters."""
    return {one["id"]: one for one in (await visit.api.get("/v1/endpoints", limit=MOST_ENDPOINTS))["items"]}


GROUP: Final = Group((preview, begin, past, progress, cancel))
