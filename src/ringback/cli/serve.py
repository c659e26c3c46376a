"""`ringback serve`: settings, sockets, the engine, and the HTTP server in front of it."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

import uvicorn

from ringback.cli.listening import QuietServer, listen_on
from ringback.cli.process import run_on_loop
from ringback.engine.server import Engine, admin_key
from ringback.intake.hot import HotProtocol
from ringback.portal.app import behind_proxies, make_site
from ringback.process import hand_over_soon, log_to_stderr, settle
from ringback.settings import Settings, redacted

log = logging.getLogger("ringback")

KEEP_ALIVE_S = 75
"""How long an idle connection of a client stays open: longer than clients' pools keep theirs, so that they close first."""
FIRST_LINK_S = 3_600
"""How long the link is good that a server with nothing in it prints."""
HALF_SENT_S = 3
"""How long a stop waits for requests that are still being sent: one that hangs half-way must not hold the process."""


def run(settings: Settings) -> int:
    """Runs until SIGINT or SIGTERM, and ends cleanly: 0. Raises what `serve` and the engine do."""
    log_to_stderr(settings.log_level.upper())
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    return run_on_loop(settings.loop, lambda: serve(settings))


async def serve(settings: Settings, started: Callable[[Engine, int], None] | None = None, stop: asyncio.Event | None = None) -> int:
    """The server on this loop. `started` is told when it takes requests, with the port; `stop` ends it as a signal does."""
    hand_over_soon()
    sockets = listen_on(settings.host, settings.port)
    port = int(sockets[0].getsockname()[1])
    key, is_new = admin_key(settings)
    engine = Engine(settings, key, [listener.getsockname()[:2] for listener in sockets])
    app = behind_proxies(make_site(engine), settings)
    protocol = type("Protocol", (HotProtocol,), {"door": engine.door})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=HALF_SENT_S,
    )
    server = QuietServer(config)
    ending = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    if stop is None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ending.set)
    await engine.start()
    log.info("settings %s", redacted(settings))
    if is_new:
        print(f"ringback: the operator's key, shown this once: {key}", file=sys.stderr)
    if is_new or engine.is_fresh:
        _, url = await engine.sessions.make_link(None, "operator", "the first link", 0, FIRST_LINK_S)
        print(f"ringback: the portal, by a link that is good once, for an hour: {url}", file=sys.stderr)
    print(f"ringback: listening on http://{settings.host}:{port}", file=sys.stderr, flush=True)
    settle()
    # Last: whoever finds it ready finds all of this said.
    serving = loop.create_task(server.serve(sockets=sockets))
    if started is not None:
        started(engine, port)
    waiting = loop.create_task(ending.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    print("ringback: ending; waiting for what is in flight", file=sys.stderr, flush=True)
    server.should_exit = True
    await serving
    await engine.stop()
    return 0
