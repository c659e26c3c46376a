"""A stream that tells an open page that deliveries of its account have changed: which, not how. The page asks for what it shows."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.response import Stream

from ringback.engine.activity import Change
from ringback.errors import TooMany
from ringback.ids import to_text
from ringback.portal.nav import Group
from ringback.portal.visit import Visit, Visitor

PAUSE_S: Final = 0.25
"""What changes within it is told together."""
QUIET_S: Final = 15.0
"""A line that says nothing, so that proxies keep the connection."""
MOST_CHANGES: Final = 200
"""In one message; a page that is told of so many asks for all anew."""
MOST_STREAMS: Final = 200
LONGEST_S: Final = 3_600.0
"""A browser comes again by itself; whoever may not look any more is not told for longer."""
_open = 0


@get("/portal/{account:str}/feed")
async def feed(visit: Visitor) -> Response[Any]:
    """Server-sent events: `{"changes":[{"delivery","endpoint","state"}…],"more":bool}`."""
    if _open >= MOST_STREAMS:
        raise TooMany("too many open pages", 10)
    return Stream(_told(visit), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _told(visit: Visit) -> AsyncIterator[bytes]:
    global _open  # noqa: PLW0603 - one counter for the process
    assert visit.account is not None
    changes: dict[int, Change] = {}
    woken = asyncio.Event()

    def hear(change: Change) -> None:
        if len(changes) <= MOST_CHANGES:
            changes[change.delivery] = change
        woken.set()

    loop = asyncio.get_running_loop()
    ends_at = loop.time() + LONGEST_S
    _open += 1
    try:
        with visit.engine.activity.listening(visit.account.id, hear):
            yield b": here\n\n"
            while loop.time() < ends_at and visit.engine.sessions.lives(visit.session):
                try:
                    async with asyncio.timeout(QUIET_S):
                        await woken.wait()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                await asyncio.sleep(PAUSE_S)
                woken.clear()
                told, more = list(changes.values())[:MOST_CHANGES], len(changes) > MOST_CHANGES
                changes.clear()
                yield b"data: " + _encode({"changes": [_shown(change) for change in told], "more": more}) + b"\n\n"
    finally:
        _open -= 1


def _shown(change: Change) -> dict[str, str]:
    return {"delivery": to_text("dlv", change.delivery), "endpoint": to_text("ep", change.endpoint), "state": change.state}


_encode = msgspec.json.encode
GROUP: Final = Group((feed,))
