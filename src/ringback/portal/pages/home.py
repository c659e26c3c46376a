"""Home: how much went out and how it fared, what needs somebody first, which calls go on."""

from typing import Any, Final

from litestar import Response, get

from ringback.portal.charts import Bars
from ringback.portal.nav import Group
from ringback.portal.pages.endpoints import lines_of
from ringback.portal.visit import Visitor

_WORST_FIRST: Final = {"disabled": 0, "failing": 1, "healthy": 2}
MOST_ENDPOINTS: Final = 8
"""More stand on their own page."""
MOST_SENTENCES: Final = 6
"""Of what needs somebody; the rest is folded away."""


@get("/portal/{account:str}")
async def home(visit: Visitor) -> Response[Any]:
    """The account at a glance."""
    found = await visit.api.get("/v1/overview")
    endpoints = (await visit.api.get("/v1/endpoints", limit=200))["items"]
    endpoints.sort(key=lambda one: (not one["enabled"], _WORST_FIRST.get(one["health"]["condition"], 3)))
    shown = endpoints[:MOST_ENDPOINTS]
    charts = [
        ("Last hour", "by minute", Bars.of(found["hour"])),
        ("Last day", "by hour", Bars.of(found["day"])),
        ("Last week", "by four hours", Bars.of(found["week"], merge=4)),
    ]
    return visit.page(
        "home.html",
        "Home",
        twin="/v1/overview",
        found=found,
        most=MOST_SENTENCES,
        charts=charts,
        endpoints=shown,
        more=max(0, len(endpoints) - MOST_ENDPOINTS),
        lines=await lines_of(visit, shown),
    )


GROUP: Final = Group((home,), title="Home", icon="home")
