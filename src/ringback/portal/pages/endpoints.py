"""Endpoints: the list with how each fares, and the page of one."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Response, get

from ringback.portal.charts import Bars
from ringback.portal.layout import host_of
from ringback.portal.nav import Group
from ringback.portal.visit import Visit, Visitor

PAGE: Final = 50
LATEST: Final = 10


@get("/portal/{account:str}/endpoints")
async def endpoints(visit: Visitor) -> Response[Any]:
    """All endpoints, newest first."""
    cursor = visit.request.query_params.get("cursor")
    found = await visit.api.get("/v1/endpoints", limit=PAGE, cursor=cursor)
    return visit.page(
        "endpoints.html",
        "Endpoints",
        twin="/v1/endpoints",
        found=found,
        lines=await lines_of(visit, found["items"]),
        going={one["id"]: going_s(visit, one["id"]) for one in found["items"]},
    )


@get("/portal/{account:str}/endpoints/{endpoint_id:str}")
async def endpoint(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """One endpoint: what it takes, how it fares, what it got last."""
    return await endpoint_page(visit, endpoint_id)


async def endpoint_page(visit: Visit, endpoint_id: str, **more: Any) -> Response[Any]:
    """The page of an endpoint, with what has just happened to it: `secret`, shown this once; `missed` while it was paused."""
    found = await visit.api.get(f"/v1/endpoints/{endpoint_id}")
    latest = await visit.api.get("/v1/deliveries", endpoint=endpoint_id, limit=LATEST)
    return visit.page(
        "endpoint.html",
        found["description"] or host_of(found["url"]),
        twin=f"/v1/endpoints/{endpoint_id}",
        endpoint=found,
        line=(await lines_of(visit, [found]))[endpoint_id],
        latest=latest["items"],
        going_s=going_s(visit, endpoint_id),
        **({"secret": None, "missed": None} | more),
    )


async def lines_of(visit: Visit, endpoints: Sequence[dict[str, Any]]) -> dict[str, Bars]:
    """What went to each of some endpoints on the last day, by their ids."""
    names = [one["id"] for one in endpoints]
    series = (await visit.api.get("/v1/activity", span="day", endpoint=names))["items"] if names else []
    return {one["endpoint_id"]: Bars.of(one) for one in series}


def going_s(visit: Visit, endpoint_id: str) -> int | None:
    """Seconds until an endpoint that was deleted here goes; None: it stays."""
    assert visit.account is not None
    return visit.deletions.left_s(visit.account.id, endpoint_id)


GROUP: Final = Group((endpoints, endpoint), title="Endpoints", icon="endpoints", path="/endpoints")
