"""The audit log: who changed what, when and from where."""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get

from ringback.portal.asking import Refused
from ringback.portal.nav import Group
from ringback.portal.operators import check_operator
from ringback.portal.visit import Visitor

PAGE: Final = 100
_TEXTS: Final = ("account", "action", "by")
_TIMES: Final = ("since", "until")


@get("/portal/audit")
async def audit(visit: Visitor) -> Response[Any]:
    """Changes that fit the filter, newest first."""
    check_operator(visit)
    given = visit.request.query_params
    asked = {name: str(given.get(name, "")).strip() for name in (*_TEXTS, *_TIMES)}
    query: dict[str, Any] = {name: asked[name] or None for name in _TEXTS}
    # A form's time has no zone: it is UTC, as all that is shown.
    query |= {name: f"{asked[name]}Z" if asked[name] else None for name in _TIMES}
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    wrong, status = "", 200
    try:
        found = await visit.api.get("/v1/audit", limit=PAGE, cursor=given.get("cursor"), **query)
    except Refused as refused:
        if refused.status not in (404, 422):
            raise
        wrong, status = str(refused), refused.status
    filled = {name: value for name, value in asked.items() if value}
    return visit.page(
        "operator_audit.html",
        "Audit log",
        status=status,
        twin="/v1/audit",
        found=found,
        asked=asked,
        wrong=wrong,
        url="/portal/audit" + (f"?{urlencode(filled)}" if filled else ""),
        is_filtered=bool(filled),
        cursor=given.get("cursor"),
        accounts=sorted(visit.engine.book.accounts.values(), key=lambda one: one.name),
        names={one.id: one.name for one in visit.engine.book.accounts.values()},
    )


GROUP: Final = Group((audit,), title="Audit log", icon="audit", path="/audit", of_operator=True)
