"""The docs inside: a page for each dialect, made from the code."""

from typing import Any, Final

from litestar import Response, get

from ringback.errors import NotFound
from ringback.portal.manual import ADDRESS, PROOFS, manual_of
from ringback.portal.nav import Group
from ringback.portal.visit import Visitor
from ringback.portal.words import DIALECTS


@get("/portal/{account:str}/docs")
async def docs(visit: Visitor) -> Response[Any]:
    """The dialects."""
    known = visit.engine.dialects
    ordered = [name for name in DIALECTS if name in known] + sorted(known.keys() - DIALECTS.keys())
    return visit.page("docs.html", "Docs", twin="/v1/dialects", manuals=[manual_of(known[name]) for name in ordered])


@get("/portal/{account:str}/docs/{dialect:str}")
async def dialect(visit: Visitor, dialect: str) -> Response[Any]:
    """One dialect: events, parameters, examples, rules, and how a receiver checks where a webhook comes from."""
    found = visit.engine.dialects.get(dialect)
    if found is None:
        raise NotFound("there is no such dialect here")
    title = DIALECTS.get(dialect, (dialect, ""))[0]
    return visit.page(
        "docs_dialect.html",
        title,
        twin="/v1/dialects",
        manual=manual_of(found),
        proof=PROOFS.get(dialect, ""),
        address=ADDRESS,
    )


GROUP: Final = Group((docs, dialect), title="Docs", icon="docs", path="/docs")
