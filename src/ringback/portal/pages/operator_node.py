"""How the installation is, and what its operator should know: gaps of sources, calls that fit no account."""

from typing import Any, Final

from litestar import Response, get

from ringback.portal.charts import Bars
from ringback.portal.nav import Group
from ringback.portal.operators import check_operator, size_text
from ringback.portal.visit import Visitor

LATEST: Final = 5
MOST: Final = 500
KINDS: Final = {
    "stray": "Calls that fit no account",
    "gap": "Gaps of a source",
    "endpoint.disabled": "Stopped endpoints",
    "transcription": "Not transcribed",
}
"""Notes that there is a filter for; others are under all."""


@get("/portal/node")
async def node(visit: Visitor) -> Response[Any]:
    """Queue, rates, disk, sources, and the latest notes."""
    check_operator(visit)
    found = await visit.api.get("/v1/node")
    notes = (await visit.api.get("/v1/notes", limit=LATEST))["items"]
    return visit.page(
        "operator_node.html",
        "Health",
        twin="/v1/node",
        found=found,
        notes=notes,
        kinds=KINDS,
        chart=Bars.of(found["hour"]),
        size=size_text,
    )


@get("/portal/notes")
async def notes(visit: Visitor) -> Response[Any]:
    """The notes of one kind, or all."""
    check_operator(visit)
    kind = visit.request.query_params.get("kind") or None
    found = (await visit.api.get("/v1/notes", kind=kind, limit=MOST))["items"]
    return visit.page("operator_notes.html", "Notes", twin="/v1/notes", notes=found, kinds=KINDS, kind=kind, most=MOST)


NODE: Final = Group((node,), title="Health", icon="health", path="/node", of_operator=True)
NOTES: Final = Group((notes,), title="Notes", icon="info", path="/notes", of_operator=True)
