"""Calls: found by number, id or crm_id; one call's life as a ladder, what was recorded and said on it, and all of it sent again."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from litestar import Response, get, post
from litestar.types import ASGIApp

from ringback.errors import NotFound
from ringback.portal.asking import Refused
from ringback.portal.ladder import Ladder, ladder
from ringback.portal.nav import Group
from ringback.portal.typed import typed_number
from ringback.portal.visit import Visit, Visitor

PAGE: Final = 50
MOST_ENDPOINTS: Final = 1_000
MOST_DOCUMENTS: Final = 12
"""Instruction requests whose documents are shown on the page of a call; more are a click away."""
FIELDS: Final = ("q", "status")
STATUSES: Final = ("starting", "ringing", "ongoing", "completed", "no-answer", "busy", "failed", "cancelled")
_LIVE_LINK: Final = "/recordings/"
"""How the path of a link to a recording that is kept here begins."""


@get("/portal/{account:str}/calls")
async def calls(visit: Visitor) -> Response[Any]:
    """The list, newest first; `q` is a number, a call's id or a crm_id, `status` the one that a call has now. `by`: which of them
    it was, on the pages after the first."""
    given = visit.request.query_params
    asked = {name: str(given.get(name) or "").strip() for name in FIELDS}
    cursor, status, text = given.get("cursor"), asked["status"] or None, asked["q"]
    by = "crm_id" if given.get("by") == "crm_id" else "number"
    found = await _list(visit, by, text, status, cursor)
    rows = found["items"]
    if text and not cursor:
        exact = await _call(visit, text)
        if exact is not None and status in (None, exact["call"].get("status")):
            rows = [exact["call"], *(row for row in rows if row["id"] != exact["call"]["id"])]
        by_crm = await _list(visit, "crm_id", text, status, None)
        if not found["items"] and by_crm["items"]:
            by, found = "crm_id", by_crm
        known = {row["id"] for row in rows}
        rows = [*rows, *(row for row in by_crm["items"] if row["id"] not in known)]
    narrowed = {name: value for name, value in ((by, _typed(by, text)), ("status", status)) if value}
    here = {name: value for name, value in (*asked.items(), ("by", by if text else "")) if value}
    return visit.page(
        "calls.html",
        "Calls",
        twin=_with("/v1/calls", urlencode(narrowed)),
        rows=rows,
        next_cursor=found["next_cursor"],
        looked_back_to=found.get("looked_back_to"),
        most=PAGE,
        asked=asked,
        statuses=STATUSES,
        cursor=cursor,
        url=_with(f"{visit.home}/calls", urlencode(here)),
        table=_with(f"{visit.home}/calls.csv", urlencode(narrowed)),
    )


@get("/portal/{account:str}/calls.csv")
async def table(visit: Visitor) -> ASGIApp:
    """The calls of a number, a crm_id or a status, all of them, for spreadsheets."""
    given = visit.request.query_params
    return visit.api.forward("/v1/calls.csv", (), **{name: given.get(name) for name in ("number", "crm_id", "status")})


@get("/portal/{account:str}/calls/call")
async def call(visit: Visitor) -> Response[Any]:
    """One call's conversation. Its id is any text, so it stands in the query (`?id=`)."""
    return await _page(visit, _id(visit))


@get("/portal/{account:str}/calls/recording")
async def recording(visit: Visitor) -> ASGIApp:
    """What was recorded of a call, or the part of it that a player asks for."""
    ranges = [(name, value) for name, value in visit.request.scope["headers"] if name in (b"range", b"if-range")]
    return visit.api.forward(f"{_path(_id(visit))}/recording", ranges)


@post("/portal/{account:str}/calls/replay")
async def replay(visit: Visitor) -> Response[Any]:
    """Sends all of a call to an endpoint, or to a URL in a dialect."""
    form = await visit.form()
    call_id = _id(visit)
    given = {name: str(form.get(name) or "").strip() for name in ("endpoint", "url", "dialect")}
    asked = {"endpoint": given["endpoint"]} if given["endpoint"] else {"url": given["url"], "dialect": given["dialect"]}
    try:
        made = await visit.api.post(f"{_path(call_id)}/replay", asked)
    except Refused as refused:
        if refused.status not in (400, 409, 422):
            raise
        return await _page(visit, call_id, 422, given=given, wrong=str(refused), wrong_field=refused.field)
    return await _page(visit, call_id, replayed=made)


async def _page(visit: Visit, call_id: str, status: int = 200, **more: Any) -> Response[Any]:
    found = await visit.api.get(_path(call_id))
    drawn = ladder(found)
    endpoints = (await visit.api.get("/v1/endpoints", limit=MOST_ENDPOINTS))["items"]
    root = drawn.legs[0].call
    is_viewer = visit.session.role == "viewer"
    why = str(visit.request.query_params.get("why") or "")
    return visit.page(
        "call.html",
        f"{found['call']['from'] or 'unknown'} → {found['call']['to'] or 'unknown'}",
        status=status,
        twin=_path(call_id),
        call=found["call"],
        root=root,
        ladder=drawn,
        endpoints=endpoints,
        by_id={one["id"]: one for one in endpoints},
        documents={} if is_viewer else await _documents(visit, drawn),
        heard=_recording(found["call"], root),
        transcript=None if is_viewer else await _transcript(visit, found["call"], root),
        dialects=sorted(visit.engine.dialects),
        is_viewer=is_viewer,
        why=why,
        explained=await _explained(visit, call_id, why) if why else None,
        **({"given": {"endpoint": "", "url": "", "dialect": ""}, "wrong": "", "wrong_field": "", "replayed": None} | more),
    )


async def _list(visit: Visit, by: str, text: str, status: str | None, cursor: str | None) -> Any:
    """A page of calls by a number or a crm_id; without a text, of all."""
    narrowed = {by: _typed(by, text)} if text else {}
    return await visit.api.get("/v1/calls", limit=PAGE, cursor=cursor, status=status, **narrowed)


def _typed(by: str, text: str) -> str:
    return typed_number(text) if by == "number" else text


def _id(visit: Visit) -> str:
    """The call that is asked for. Raises NotFound: no call has an empty id."""
    call_id = str(visit.request.query_params.get("id") or "")
    if not call_id:
        raise NotFound("no such call")
    return call_id


def _path(call_id: str) -> str:
    return f"/v1/calls/{quote(call_id, safe='')}"


def _with(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


async def _call(visit: Visit, call_id: str) -> Any:
    """A call by its id; None: there is none."""
    try:
        return await visit.api.get(_path(call_id))
    except Refused:
        return None


async def _documents(visit: Visit, drawn: Ladder) -> dict[str, Any]:
    """What was answered to instruction requests, by the delivery that tells of it: the last attempt."""
    asked = [step.asked["id"] for step in drawn.steps if step.asked is not None][:MOST_DOCUMENTS]
    found = {one: (await visit.api.get(f"/v1/deliveries/{one}"))["log"] for one in asked}
    return {one: log[-1] for one, log in found.items() if log}


def _recording(*told: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is known of a call's recording, else its conversation's. `is_ours`: it is kept here, and can be played; `link`: it is
    kept elsewhere, at a web address."""
    known = next((one["context"]["recording"] for one in told if one["context"].get("recording")), None)
    if known is None:
        return None
    url = str(known.get("url") or "")
    parts = urlsplit(url)
    is_ours = parts.path.startswith(_LIVE_LINK)
    return {"is_ours": is_ours, "link": url if not is_ours and parts.scheme in ("http", "https") else "", **known}


async def _transcript(visit: Visit, *told: Mapping[str, Any]) -> Any:
    """What was said, with its summary; None: nothing is known of it."""
    for one in told:
        if "transcription" in one["context"]:
            try:
                return await visit.api.get(f"{_path(one['id'])}/transcription")
            except Refused:
                return {"text": None, "summary": None, "url": None} | one["context"]["transcription"]
    return None


async def _explained(visit: Visit, call_id: str, endpoint: str) -> Any:
    """Why an endpoint got what it got; a sentence if that cannot be said."""
    try:
        return await visit.api.get("/v1/explain", endpoint=endpoint, call=call_id)
    except Refused as refused:
        return str(refused)


GROUP: Final = Group((calls, table, call, recording, replay), title="Calls", icon="calls", path="/calls")
