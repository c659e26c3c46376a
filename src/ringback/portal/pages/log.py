"""The webhook log: what went where and how it fared, by filters, as it happens; and one delivery with its attempts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.types import ASGIApp

from ringback.portal.advice import of_status
from ringback.portal.asking import Refused
from ringback.portal.curl import as_curl
from ringback.portal.nav import Group
from ringback.portal.typed import typed_number
from ringback.portal.visit import Visit, Visitor
from ringback.portal.waterfall import WIDTH, waterfall

PAGE: Final = 50
MOST_ENDPOINTS: Final = 1_000
"""In the filter's list."""
FIELDS: Final = ("state", "endpoint", "event", "call", "number", "since", "until")
_TIMES: Final = ("since", "until")
TABS: Final = (("", "All"), ("succeeded", "Succeeded"), ("exhausted", "Failed"), ("waiting", "Waiting"))
OTHERS: Final = (("retrying", "Retrying"), ("sending", "Sending"), ("cancelled", "Cancelled"), ("skipped", "Skipped"))
RESENT: Final = ("", "exhausted", "cancelled", "skipped", "succeeded")
"""States that a bulk resend may be narrowed to."""
_OPEN: Final = ("pending", "sending", "retrying")


@get("/portal/{account:str}/log")
async def log(visit: Visitor) -> Response[Any]:
    """The list, newest first."""
    asked = _asked(visit.request.query_params)
    cursor = visit.request.query_params.get("cursor")
    wrong = ""
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    try:
        found = await visit.api.get("/v1/deliveries", limit=PAGE, cursor=cursor, **_narrowed(asked))
    except Refused as refused:
        if refused.status not in (400, 422):
            raise
        wrong = f"{refused.field} {refused}".strip()
    endpoints = (await visit.api.get("/v1/endpoints", limit=MOST_ENDPOINTS))["items"]
    jobs = [] if cursor else (await visit.api.get("/v1/resends", state="running", limit=3))["items"]
    query = urlencode(asked)
    return visit.page(
        "log.html",
        "Webhook log",
        twin=_with("/v1/deliveries", urlencode(_narrowed(asked))),
        found=found,
        asked={name: asked.get(name, "") for name in FIELDS},
        form_times={name: _of_a_form(asked.get(name, "")) for name in _TIMES},
        wrong=wrong,
        is_tail=not cursor and "until" not in asked and "looked_back_to" not in found,
        looked_back_to=found.get("looked_back_to"),
        most=PAGE,
        cursor=cursor,
        query=query,
        url=_with(f"{visit.home}/log", query),
        tabs=[
            (word, _with("/log", urlencode(_without_state(asked, state))), asked.get("state", "") == state) for state, word in TABS
        ],
        others=[*OTHERS] if not any(asked.get("state", "") == state for state, _ in TABS) else [],
        endpoints=endpoints,
        by_id={one["id"]: one for one in endpoints},
        events=_events(visit, endpoints),
        jobs=jobs,
        resend=_with(f"{visit.home}/resend", query) if asked.get("state", "") in RESENT else None,
    )


@get("/portal/{account:str}/log.csv")
async def table(visit: Visitor) -> ASGIApp:
    """What the filter shows, all of it, for spreadsheets."""
    return visit.api.forward("/v1/deliveries.csv", (), **_narrowed(_asked(visit.request.query_params)))


@get("/portal/{account:str}/log/{delivery_id:str}")
async def delivery(visit: Visitor, delivery_id: str) -> Response[Any]:
    """One delivery: each attempt with both sides; `?show=why` and `?show=check` say more."""
    found = await visit.api.get(f"/v1/deliveries/{delivery_id}")
    show = visit.request.query_params.get("show", "")
    is_viewer = visit.session.role == "viewer"
    return visit.page(
        "log_delivery.html",
        found["event"],
        twin=f"/v1/deliveries/{delivery_id}",
        delivery=found,
        endpoint=await _endpoint(visit, found["endpoint_id"]),
        attempts=[_attempt(found, number, is_viewer=is_viewer) for number in range(len(found["log"]))][::-1],
        is_open=found["state"] in _OPEN,
        is_viewer=is_viewer,
        width=WIDTH,
        why=await _why(visit, found) if show == "why" else None,
        check=await _check(visit, found) if show == "check" and not is_viewer else None,
    )


@post("/portal/{account:str}/log/{delivery_id:str}/resend")
async def resend(visit: Visitor, delivery_id: str) -> Response[Any]:
    """Sends it once more."""
    made = await visit.api.post(f"/v1/deliveries/{delivery_id}/resend")
    return visit.go(f"/log/{made['delivery_id']}")


def _asked(given: Any) -> dict[str, str]:
    return {name: str(given[name]).strip() for name in FIELDS if str(given.get(name) or "").strip()}


def _narrowed(asked: Mapping[str, str]) -> dict[str, str]:
    """The filter as the API has it: a time of a form has no zone, and is UTC; a number is written in many ways."""
    read = {"since": _with_zone, "until": _with_zone, "number": typed_number}
    return {name: read[name](value) if name in read else value for name, value in asked.items()}


def _with_zone(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if at.tzinfo is not None else at.replace(tzinfo=UTC).isoformat()


def _of_a_form(text: str) -> str:
    """A time as `datetime-local` has it, in UTC; empty if it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return (at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)).isoformat(timespec="seconds")


def _events(visit: Visit, endpoints: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names that an event may have in this account's log, to choose from."""
    known = visit.engine.dialects
    names: set[str] = set()
    for one in endpoints:
        names.update(one["events"] or (known[one["dialect"]].events if one["dialect"] in known else ()))
    return sorted(names)


def _without_state(asked: Mapping[str, str], state: str) -> dict[str, str]:
    rest = {name: value for name, value in asked.items() if name != "state"}
    return {"state": state, **rest} if state else rest


def _with(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


async def _endpoint(visit: Visit, endpoint_id: str) -> Any:
    """Where it went; None: it stands in no list any more, or never did (a URL of a call's own)."""
    try:
        return await visit.api.get(f"/v1/endpoints/{endpoint_id}")
    except Refused:
        return None


def _attempt(found: Mapping[str, Any], place: int, *, is_viewer: bool) -> dict[str, Any]:
    """An attempt with what the page says about it."""
    one = found["log"][place]
    failed = not (found["state"] == "succeeded" and place == len(found["log"]) - 1)
    status = one["response"]["status"]
    return {
        "one": one,
        "failed": failed,
        "advice": of_status(status) if failed and status is not None and not one["error"] else None,
        "spans": waterfall(one["timings_ms"]),
        "curl": None if is_viewer else as_curl(one["request"]),
    }


async def _why(visit: Visit, found: Mapping[str, Any]) -> Any:
    """Why the endpoint got the event; a text if that cannot be said."""
    try:
        return await visit.api.get("/v1/explain", endpoint=found["endpoint_id"], event=found["event_id"])
    except Refused as refused:
        return str(refused)


async def _check(visit: Visit, found: Mapping[str, Any]) -> Any:
    """What the doctor finds on the last attempt's request, with the endpoint's own secrets, as of when it was sent."""
    if not found["log"]:
        return "Nothing was sent yet."
    one = found["log"][-1]
    headers: dict[str, list[str]] = {}
    for name, value in one["request"]["headers"]:
        headers.setdefault(name, []).append(value)
    asked = {
        "endpoint": found["endpoint_id"],
        "method": one["request"]["method"],
        "url": one["request"]["url"],
        "headers": headers,
        "received_at": one["at"],
        **{name: one["request"][name] for name in ("body", "body_base64") if one["request"].get(name)},
    }
    try:
        return await visit.api.post("/v1/verify", asked)
    except Refused as refused:
        return str(refused)


GROUP: Final = Group((log, table, delivery, resend), title="Webhook log", icon="log", path="/log")
