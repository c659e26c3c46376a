"""Runs the sender on a loop of either kind, counts its callbacks, and lets aiohttp meet the same receivers."""

import asyncio
import importlib.util
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
from awkward_receivers import NameServer

from ringback.delivery.sender import Resolver, Sender, SenderSettings, read_allowed_network
from ringback.dialects.contract import HttpRequest
from ringback.webhooks.model import Outcome

LOOPS = ("asyncio", "uvloop") if importlib.util.find_spec("uvloop") else ("asyncio",)
"""uvloop is an extra: where it is not installed nobody runs on it."""
LOOPBACK = (read_allowed_network("127.0.0.0/8"), read_allowed_network("::1"))
SETTINGS: dict[str, Any] = {"allow_http": True, "allow_networks": LOOPBACK, "connect_timeout_s": 3.0}
# Where the test is about the time-out, and where it is not.
TIMEOUT_S = 0.5
PATIENT_S = 5.0
# What a time-out may be late on a busy machine.
LATE_S = 0.4


def settings(**changes: Any) -> SenderSettings:
    return SenderSettings(**(SETTINGS | changes))


def post(url: str, body: bytes = b'{"type":"call.ringing"}', *headers: tuple[str, str], method: str = "POST") -> HttpRequest:
    return HttpRequest(method, url, (("Content-Type", "application/json"), *headers), body)


class Client:
    """A sender whose every `done` is counted."""

    def __init__(self, sender: Sender, resolver: Resolver | None = None) -> None:
        self.sender = sender
        self.resolver = resolver
        self.sent = 0
        self.done = 0

    def start(
        self,
        request: HttpRequest,
        *,
        key: int = 1,
        account: str = "a",
        timeout_s: float = PATIENT_S,
        basic: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        ca_pem: str | None = None,
    ) -> tuple[Any, "asyncio.Future[Outcome]"]:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.sent += 1

        def done(outcome: Outcome) -> None:
            self.done += 1
            future.set_result(outcome)

        whose: dict[str, Any] = {"key": key, "account": account, "basic": basic, "headers": headers, "ca_pem": ca_pem}
        sending = self.sender.send(request, timeout_s=timeout_s, done=done, **whose)
        assert not future.done(), "done is never called from within send"
        return sending, future

    async def send(self, request: HttpRequest, **how: Any) -> Outcome:
        return await self.start(request, **how)[1]


def run(kind: str, scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a scenario on a fresh loop; a callback's error or a task that is left behind fails it."""
    loop = importlib.import_module("uvloop").new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()
    errors: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    try:
        loop.run_until_complete(asyncio.wait_for(scenario(), 30))
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
    assert errors == []
    assert left == []


def with_sender(kind: str, scenario: Callable[[Client], Awaitable[None]], sender_settings: SenderSettings | None = None) -> None:
    """`run` with a sender that is closed afterwards; every request must have ended exactly once."""

    async def main() -> None:
        sender = Sender(sender_settings or settings(), asyncio.get_running_loop())
        client = Client(sender)
        try:
            await scenario(client)
        finally:
            await sender.close()
        await asyncio.sleep(0)
        assert client.done == client.sent

    run(kind, main)


def with_names(
    kind: str,
    names: dict[str, list[str]],
    scenario: Callable[[Client, NameServer], Awaitable[None]],
    sender_settings: SenderSettings | None = None,
    **how: Any,
) -> None:
    """`with_sender` whose names are answered by a name server of the test; `how` goes to the resolver."""

    async def main() -> None:
        server = NameServer(names)
        loop = asyncio.get_running_loop()
        resolver = Resolver(loop, nameservers=[await server.open()], **how)
        client = Client(Sender(sender_settings or settings(), loop, resolver), resolver)
        try:
            await scenario(client, server)
        finally:
            await client.sender.close()
            await resolver.close()
            server.close()
        await asyncio.sleep(0)
        assert client.done == client.sent

    run(kind, main)


# What aiohttp makes of the same receiver


async def aiohttp_result(url: str, ssl_context: Any = None, timeout_s: float = TIMEOUT_S) -> tuple[int | None, str]:
    """(status, class) as aiohttp sees it, in our classes."""
    limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=3.0)
    connector = aiohttp.TCPConnector(ssl=ssl_context or True)
    try:
        async with (
            aiohttp.ClientSession(timeout=limits, connector=connector, auto_decompress=True) as session,
            session.post(url, data=b"{}", allow_redirects=False) as response,
        ):
            kept = 0
            while kept <= 65_536 and (part := await response.content.read(65_536)):
                kept += len(part)
            return response.status, ""
    except Exception as error:
        return None, _class_of(error)


def _class_of(error: Exception) -> str:
    kinds: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
        (aiohttp.ConnectionTimeoutError, "connect_timeout"),
        (TimeoutError, "timeout"),
        (aiohttp.ClientConnectorCertificateError, "certificate"),
        (aiohttp.ClientConnectorSSLError, "tls"),
        (aiohttp.ClientConnectorDNSError, "dns"),
        (aiohttp.ClientConnectorError, "connect"),
        (aiohttp.ClientPayloadError, "reset"),
        (aiohttp.http_exceptions.LineTooLong, "too_large"),
        ((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError), "reset"),
        (aiohttp.ClientResponseError, "protocol"),
    )
    for kind, name in kinds:
        if isinstance(error, kind):
            too_large = (
                isinstance(error, aiohttp.ClientResponseError)
                and "bytes" in str(error.message)
                and "more than" in str(error.message)
            )
            return "too_large" if too_large else name
    return type(error).__name__


def within(started: float, limit_s: float) -> None:
    took = time.monotonic() - started
    assert took < limit_s + LATE_S, f"took {took:.2f} s"
