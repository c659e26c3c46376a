"""Where one begins: a customer at their account, the operator at the choice of one."""

from typing import Any, Final

from litestar import Response, get, post

from ringback.portal.asking import Refused
from ringback.portal.nav import Group
from ringback.portal.visit import Visitor, redirect


@get("/portal")
async def start(visit: Visitor) -> Response[Any]:
    """A customer's home, or the operator's accounts."""
    if visit.session.account is not None:
        return redirect(f"/portal/{visit.session.account}")
    if not visit.is_operator:
        return await _accounts(visit)
    accounts = (await visit.api.get("/v1/accounts", limit=2))["items"]
    if len(accounts) == 1:
        return redirect(f"/portal/{accounts[0]['id']}")
    return await _accounts(visit)


@get("/portal/accounts")
async def accounts(visit: Visitor) -> Response[Any]:
    """Every account, to choose one."""
    return await _accounts(visit)


@post("/portal/accounts")
async def make_account(visit: Visitor) -> Response[Any]:
    """A new account; its key is shown this once."""
    form = await visit.form()
    name = str(form.get("name", "")).strip()
    try:
        made = await visit.api.post("/v1/accounts", {"name": name})
    except Refused as refused:
        if refused.status != 422:
            raise
        return await _accounts(visit, status=422, wrong=str(refused), name=name)
    return visit.page("account_made.html", "The account is made", made=made)


async def _accounts(visit: Visitor, *, status: int = 200, **more: Any) -> Response[Any]:
    cursor = visit.request.query_params.get("cursor")
    found = await visit.api.get("/v1/accounts", limit=100, cursor=cursor)
    values = {"wrong": "", "name": ""} | more
    return visit.page("accounts.html", "Accounts", status=status, twin="/v1/accounts", accounts=found, **values)


GROUP: Final = Group((start, accounts, make_account), title="Accounts", icon="accounts", path="/accounts", of_operator=True)
