"""Sending again in bulk: what it would be, then how far it is. A filter of the log stands in the query, as `/v1/resends` has it."""

from typing import Any, Final

from litestar import Response, get, post

from ringback.portal.nav import Group
from ringback.portal.visit import Visitor

FIELDS: Final = ("state", "endpoint", "call", "event", "number", "since", "until")
"""What narrows a bulk resend (`ResendFilter`)."""


def _asked(given: Any) -> dict[str, str]:
    return {name: str(given[name]) for name in FIELDS if given.get(name)}


@get("/portal/{account:str}/resend")
async def preview(visit: Visitor) -> Response[Any]:
    """How many it would be, and a button."""
    asked = _asked(visit.request.query_params)
    found = await visit.api.post("/v1/resends", {"filter": asked, "dry_run": True})
    return visit.page("resend.html", "Send again", twin="/v1/resends", asked=asked, count=found["count"])


@post("/portal/{account:str}/resend")
async def begin(visit: Visitor) -> Response[Any]:
    """Begins it."""
    made = await visit.api.post("/v1/resends", {"filter": _asked(await visit.form())})
    return visit.go(f"/resends/{made['id']}")


@get("/portal/{account:str}/resends/{resend_id:str}")
async def progress(visit: Visitor, resend_id: str) -> Response[Any]:
    """How far it is."""
    job = await visit.api.get(f"/v1/resends/{resend_id}")
    return visit.page("resend_job.html", "Sending again", twin=f"/v1/resends/{resend_id}", job=job)


@post("/portal/{account:str}/resends/{resend_id:str}/cancel")
async def cancel(visit: Visitor, resend_id: str) -> Response[Any]:
    """Ends it."""
    await visit.api.delete(f"/v1/resends/{resend_id}")
    return visit.go(f"/resends/{resend_id}")


GROUP: Final = Group((preview, begin, progress, cancel))
