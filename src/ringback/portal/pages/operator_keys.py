"""All keys of the installation, and the operator's own."""

from typing import Any, Final

from litestar import Response, get, post

from ringback.portal.nav import Group
from ringback.portal.operators import check_operator
from ringback.portal.visit import Visit, Visitor, redirect

PAGE: Final = 100


@get("/portal/keys")
async def keys(visit: Visitor) -> Response[Any]:
    """Every key, newest first."""
    return await _page(visit)


@post("/portal/keys", status_code=200)
async def make_key(visit: Visitor) -> Response[Any]:
    """A new key of the operator's, shown this once."""
    check_operator(visit)
    form = await visit.form()
    body = {"name": str(form.get("name", "")).strip(), "role": str(form.get("role", ""))}
    return await _page(visit, made=await visit.api.post("/v1/keys", body))


@post("/portal/keys/{key_id:str}/revoke")
async def revoke_key(visit: Visitor, key_id: str) -> Response[Any]:
    """From now on it opens nothing."""
    check_operator(visit)
    await visit.api.delete(f"/v1/keys/{key_id}")
    return redirect("/portal/keys")


async def _page(visit: Visit, made: Any = None) -> Response[Any]:
    check_operator(visit)
    cursor = visit.request.query_params.get("cursor")
    found = await visit.api.get("/v1/keys", limit=PAGE, cursor=cursor)
    names = {one.id: one.name for one in visit.engine.book.accounts.values()}
    return visit.page("operator_keys.html", "Keys", twin="/v1/keys", found=found, names=names, made=made, cursor=cursor)


GROUP: Final = Group((keys, make_key, revoke_key), title="Keys", icon="key", path="/keys", of_operator=True)
