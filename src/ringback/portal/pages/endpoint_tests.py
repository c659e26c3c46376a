"""Test: choose an event, press, and the exchange appears at once, request beside response."""

import asyncio
from typing import Any, Final

from litestar import Response, get, post

from ringback.portal.nav import Group
from ringback.portal.visit import Visit, Visitor

WAIT_S: Final = 2.0
"""How long an answer may take to be on the page as it is first shown."""
_OPEN: Final = ("pending", "sending")


@get("/portal/{account:str}/endpoints/{endpoint_id:str}/test")
async def choose(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """The events to choose from, and the exchange of the test that was sent last from here (`?delivery=`)."""
    found = await visit.api.get(f"/v1/endpoints/{endpoint_id}")
    dialects = (await visit.api.get("/v1/dialects"))["items"]
    dialect = next((one for one in dialects if one["name"] == found["dialect"]), None)
    named = visit.request.query_params.get("delivery")
    delivery = await _when_over(visit, named) if named else None
    return visit.page(
        "endpoint_test.html",
        "Test",
        twin=f"/v1/deliveries/{delivery['id']}" if delivery else f"/v1/endpoints/{endpoint_id}",
        endpoint=found,
        dialect=dialect,
        delivery=delivery,
        is_open=delivery is not None and delivery["state"] in _OPEN,
        chosen=delivery["event"] if delivery else visit.request.query_params.get("event", ""),
    )


@post("/portal/{account:str}/endpoints/{endpoint_id:str}/test")
async def send(visit: Visitor, endpoint_id: str) -> Response[Any]:
    """Sends it."""
    form = await visit.form()
    sent = await visit.api.post(f"/v1/endpoints/{endpoint_id}/test", {"event": str(form.get("event", ""))})
    return visit.go(f"/endpoints/{endpoint_id}/test?delivery={sent['delivery_id']}")


async def _when_over(visit: Visit, delivery_id: str) -> Any:
    """A delivery, when its first attempt is over, or as it is after some time."""
    assert visit.account is not None
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + WAIT_S
    with visit.engine.activity.listening(visit.account.id, lambda _: changed.set()):
        while True:
            changed.clear()
            found = await visit.api.get(f"/v1/deliveries/{delivery_id}")
            left_s = ends_at - loop.time()
            if (found["state"] not in _OPEN and found["log"]) or left_s <= 0:
                return found
            try:
                async with asyncio.timeout(min(left_s, 0.2)):
                    await changed.wait()
            except TimeoutError:
                continue


GROUP: Final = Group((choose, send))
"""Below the entry of the endpoints."""
