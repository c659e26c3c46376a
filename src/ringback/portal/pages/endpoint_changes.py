"""What is done to endpoints: made, changed, paused, given a new secret, deleted and brought back."""

import logging
from typing import Any, Final

from litestar import Response, get, post

from ringback.portal.asking import Refused
from ringback.portal.endpoint_form import LABELS, blank, body_of, events_of, field_of, filters_of, told
from ringback.portal.nav import Group
from ringback.portal.pages.endpoints import endpoint_page
from ringback.portal.visit import Visit, Visitor
from ringback.portal.words import DIALECTS

log = logging.getLogger("ringback.portal")

EMPTY_ROWS: Final = 3
"""Rows for filters and headers that are there to be filled in, for whoever has no scripts."""


@get("/portal/{account:str}/endpoints/new")
async def new_endpoint(visit: Visitor) -> Response[Any]:
    """The form for a new endpoint; first, in which dialect."""
    dialects = await _dialects(visit)
    dialect = dialects.get(str(visit.request.query_params.get("dialect", "")))
    if dialect is None:
        return visit.page("endpoint_dialect.html", "New endpoint", dialects=dialects)
    return _form(visit, dialect, blank(dialect), "New endpoint")


@post("/portal/{account:str}/endpoints")
async def make_endpoint(visit: Visitor) -> Response[Any]:
    """Makes it, and shows its secret this once."""
    form = await visit.form()
    dialects = await _dialects(visit)
    dialect = dialects.get(str(form.get("dialect", "")))
    if dialect is None:
        return visit.go("/endpoints/new")
    body = body_of(form, is_new=True)
    try:
        made = await visit.api.post("/v1/endpoints", body | {"dialect": dialect["name"]})
    except Refused as refused:
        return _again(visit, dialect, blank(dialect) | body, "New endpoint", refused)
    return await endpoint_page(visit, made["id"], secret=made.get("secret"))


@get("/portal/{account:str}/endpoints/{endpoint_id:str}/edit")
async def edit_endpoint(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """The form with the endpoint as it is."""
    found = await visit.api.get(f"/v1/endpoints/{endpoint_id}")
    return _form(visit, await _dialect_of(visit, found), found, "Change endpoint", endpoint_id)


@post("/portal/{account:str}/endpoints/{endpoint_id:str}/edit")
async def change_endpoint(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """Changes it."""
    body = body_of(await visit.form(), is_new=False)
    try:
        await visit.api.patch(f"/v1/endpoints/{endpoint_id}", body)
    except Refused as refused:
        found = await visit.api.get(f"/v1/endpoints/{endpoint_id}")
        shown = found | {name: value for name, value in body.items() if name not in ("headers", "bearer")}
        return _again(visit, await _dialect_of(visit, found), shown, "Change endpoint", refused, endpoint_id)
    return visit.go(f"/endpoints/{endpoint_id}")


@post("/portal/{account:str}/endpoints/preview", status_code=200)
async def preview(visit: Visitor) -> Response[Any]:
    """How many of the last events the endpoint would have got, as a part of the form."""
    form = await visit.form()
    body: dict[str, Any] = {"dialect": str(form.get("dialect", "")), "events": events_of(form), "filters": filters_of(form)}
    if form.get("endpoint"):
        body["endpoint"] = str(form.get("endpoint"))
    if body["events"] == []:
        return visit.page("endpoint_preview.html", "Preview", found=None, wrong="No event is chosen.")
    try:
        found = await visit.api.post("/v1/endpoints/preview", body)
    except Refused as refused:
        return visit.page("endpoint_preview.html", "Preview", found=None, wrong=str(refused))
    return visit.page("endpoint_preview.html", "Preview", found=found, wrong="")


@post("/portal/{account:str}/endpoints/{endpoint_id:str}/pause")
async def pause(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """Pauses it: what waits for it is cancelled."""
    await visit.api.patch(f"/v1/endpoints/{endpoint_id}", {"enabled": False})
    return visit.go(f"/endpoints/{endpoint_id}")


@post("/portal/{account:str}/endpoints/{endpoint_id:str}/resume", status_code=200)
async def resume(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """Lets it go on, and says what it has missed."""
    changed = await visit.api.patch(f"/v1/endpoints/{endpoint_id}", {"enabled": True})
    return await endpoint_page(visit, endpoint_id, missed=changed.get("missed"))


@post("/portal/{account:str}/endpoints/{endpoint_id:str}/rotate", status_code=200)
async def rotate(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """Gives it a new secret, shown this once."""
    changed = await visit.api.post(f"/v1/endpoints/{endpoint_id}/rotate-secret", {})
    return await endpoint_page(visit, endpoint_id, secret=changed.get("secret"))


@post("/portal/{account:str}/endpoints/{endpoint_id:str}/delete")
async def delete_endpoint(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """It goes in half a minute."""
    assert visit.account is not None
    await visit.api.get(f"/v1/endpoints/{endpoint_id}")
    visit.check_may_change()

    async def delete() -> None:
        try:
            await visit.api.delete(f"/v1/endpoints/{endpoint_id}")
        except Refused as refused:
            log.warning("endpoint %s was not deleted: %s", endpoint_id, refused)

    visit.deletions.begin(visit.account.id, endpoint_id, delete)
    return visit.go("/endpoints")


@post("/portal/{account:str}/endpoints/{endpoint_id:str}/keep")
async def keep_endpoint(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """It stays."""
    assert visit.account is not None
    visit.check_may_change()
    visit.deletions.undo(visit.account.id, endpoint_id)
    return visit.go("/endpoints")


async def _dialects(visit: Visit) -> dict[str, Any]:
    """By name, those first that we have words for, in their order."""
    found = {one["name"]: one for one in (await visit.api.get("/v1/dialects"))["items"]}
    return {name: found.pop(name) for name in DIALECTS if name in found} | found


async def _dialect_of(visit: Visit, endpoint: dict[str, Any]) -> Any:
    dialects = await _dialects(visit)
    if endpoint["dialect"] not in dialects:
        raise Refused(409, f"the dialect {endpoint['dialect']} is not installed")
    return dialects[endpoint["dialect"]]


def _form(visit: Visit, dialect: Any, values: Any, title: str, endpoint_id: str = "", **more: Any) -> Response[Any]:
    said: dict[str, Any] = {"wrong": "", "wrong_field": "", "status": 200, "labels": LABELS} | more
    return visit.page(
        "endpoint_form.html", title, dialect=dialect, values=values, endpoint_id=endpoint_id, empty_rows=EMPTY_ROWS, **said
    )


def _again(visit: Visit, dialect: Any, values: Any, title: str, refused: Refused, endpoint_id: str = "") -> Response[Any]:
    """The form as it was filled in, with what is wrong."""
    if refused.status != 422:
        raise refused
    return _form(
        visit,
        dialect,
        values,
        title,
        endpoint_id,
        status=422,
        wrong=told(refused.field, str(refused)),
        wrong_field=field_of(refused.field),
    )


GROUP: Final = Group(
    (
        new_endpoint,
        make_endpoint,
        edit_endpoint,
        change_endpoint,
        preview,
        pause,
        resume,
        rotate,
        delete_endpoint,
        keep_endpoint,
    )
)
"""Below the entry of the endpoints."""
