"""`ringback serve`: settings, sockets, the engine, and the HTTP server in front of it."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import uvicorn

from ringback.api.app import make_app
from ringback.engine.server import Engine, admin_key
from ringback.errors import BadSettings, CallerError, RingbackError
from ringback.intake.hot import HotProtocol
from ringback.settings import Settings, read_settings, redacted

log = logging.getLogger("ringback")

KEEP_ALIVE_S = 75
"""How long an idle connection of a client stays open: longer than clients' pools keep theirs, so that they close first."""
HALF_SENT_S = 3
"""How long a stop waits for requests that are still being sent: one that hangs half-way must not hold the process."""

_T = TypeVar("_T")


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handling: ours drains the deliveries too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals alone."""
        yield


def run(given: Mapping[str, Any]) -> int:
    """Runs until SIGINT or SIGTERM. The exit code: 0 ended cleanly, 2 the settings do not hold, 1 else."""

    def work() -> int:
        settings = read_settings(given)
        logging.basicConfig(
            level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
        )
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        return run_on_loop(settings.loop, lambda: serve(settings))

    return guarded(work)


def guarded(work: Callable[[], int]) -> int:
    """Runs a command's work; its failures become one line on stderr and an exit code: 2 for what the user gave, 1 else."""
    try:
        return work()
    except (BadSettings, CallerError, msgspec.ValidationError) as error:
        print(f"ringback: {error}", file=sys.stderr)
        return 2
    except (RingbackError, ConnectionError, TimeoutError) as error:
        print(f"ringback: {error}", file=sys.stderr)
        return 1


def run_on_loop(loop: str, main: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Runs a coroutine on the event loop that the settings choose: uvloop where it is installed, unless told otherwise."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if loop != "asyncio":
        try:
            import uvloop

            factory = uvloop.new_event_loop
        except ImportError:
            if loop == "uvloop":
                raise BadSettings("loop: uvloop is not installed; pip install 'ringback[fast]'") from None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())


def listen_on(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address of a host. Raises BadSettings when one cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise BadSettings(f"host: {host}: {error.strerror}") from None
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in found:
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise BadSettings(f"port: cannot listen on {host}:{port}: {error.strerror}") from None
        listener.listen(1024)
        listener.setblocking(False)
        sockets.append(listener)
    return sockets


async def serve(settings: Settings, started: Callable[[Engine, int], None] | None = None, stop: asyncio.Event | None = None) -> int:
    """The server on this loop. `started` is told when it takes requests, with the port; `stop` ends it as a signal does."""
    # The writer's thread and the loop share the interpreter: hand it over sooner than the default 5 ms, for latency.
    sys.setswitchinterval(0.001)
    sockets = listen_on(settings.host, settings.port)
    port = int(sockets[0].getsockname()[1])
    key, is_new = admin_key(settings)
    engine = Engine(settings, key, [listener.getsockname()[:2] for listener in sockets])
    app = make_app(engine)
    protocol = type("Protocol", (HotProtocol,), {"door": engine.door})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
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
    serving = loop.create_task(server.serve(sockets=sockets))
    log.info("settings %s", redacted(settings))
    if is_new:
        print(f"ringback: the operator's key, shown this once: {key}", file=sys.stderr)
    print(f"ringback: listening on http://{settings.host}:{port}", file=sys.stderr, flush=True)
    # What is there now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
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
