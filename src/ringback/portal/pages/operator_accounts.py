"""The operator's page of one account: its limits and settings, its keys, links into the portal, and who is in."""

from typing import Any, Final

from litestar import Response, get, post

from ringback.portal.asking import Refused
from ringback.portal.nav import Group
from ringback.portal.operators import account_of, check_operator
from ringback.portal.visit import Visit, Visitor, redirect

MOST: Final = 200
HOURS: Final = {"1": "an hour", "24": "a day", "168": "a week"}
"""How long a link is good, if nobody uses it."""


@get("/portal/accounts/{account_id:str}")
async def account(visit: Visitor, account_id: str) -> Response[Any]:
    """One account."""
    return await _page(visit, account_id)


@post("/portal/accounts/{account_id:str}", status_code=200)
async def change_account(visit: Visitor, account_id: str) -> Response[Any]:
    """Changes its limits and settings."""
    check_operator(visit)
    body = account_of(await visit.form())
    try:
        await visit.api.patch(f"/v1/accounts/{account_id}", body)
    except Refused as refused:
        if refused.status != 422:
            raise
        return await _page(visit, account_id, status=422, changed=body, wrong=str(refused), wrong_field=refused.field)
    return await _page(visit, account_id, is_saved=True)


@post("/portal/accounts/{account_id:str}/keys", status_code=200)
async def make_key(visit: Visitor, account_id: str) -> Response[Any]:
    """A new key of the account, shown this once."""
    check_operator(visit)
    form = await visit.form()
    body = {"name": str(form.get("name", "")).strip(), "role": str(form.get("role", "")), "account": account_id}
    return await _page(visit, account_id, key=await visit.api.post("/v1/keys", body))


@post("/portal/accounts/{account_id:str}/keys/{key_id:str}/revoke")
async def revoke_key(visit: Visitor, account_id: str, key_id: str) -> Response[Any]:
    """From now on it opens nothing."""
    check_operator(visit)
    await visit.api.delete(f"/v1/keys/{key_id}")
    return redirect(f"/portal/accounts/{account_id}#keys-title")


@post("/portal/accounts/{account_id:str}/links", status_code=200)
async def make_link(visit: Visitor, account_id: str) -> Response[Any]:
    """A link that lets one person in, shown this once."""
    check_operator(visit)
    form = await visit.form()
    hours = str(form.get("hours", "24"))
    body = {
        "name": str(form.get("name", "")).strip(),
        "role": str(form.get("role", "")),
        "expires_in_s": int(hours) * 3_600 if hours in HOURS else 86_400,
    }
    return await _page(visit, account_id, link=await visit.api.post(f"/v1/accounts/{account_id}/portal-links", body))


async def _page(visit: Visit, account_id: str, *, status: int = 200, **more: Any) -> Response[Any]:
    """The page, with what has just happened: `key` and `link` are shown this once."""
    check_operator(visit)
    path = f"/v1/accounts/{account_id}"
    found = await visit.api.get(path)
    given = {"key": None, "link": None, "is_saved": False, "wrong": "", "wrong_field": "", "changed": {}} | more
    return visit.page(
        "operator_account.html",
        found["name"],
        status=status,
        twin=path,
        shown=found | given.pop("changed"),
        owner=found,
        keys=(await visit.api.get("/v1/keys", account=account_id, limit=MOST))["items"],
        sessions=(await visit.api.get("/v1/portal-sessions", account=account_id, limit=MOST))["items"],
        hours=HOURS,
        **given,
    )


GROUP: Final = Group((account, change_account, make_key, revoke_key, make_link), of_operator=True)
"""Below the entry of the accounts."""
