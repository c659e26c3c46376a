"""Runs an Asker over a real sender against real sockets, with a list for its log and a calling application of three documents."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from awkward_receivers import Handler, Peer
from factory_instructions import CALL, PLACE
from sender_harness import run, settings

from ringback.delivery.sender import Sender
from ringback.dialects.contract import HttpRequest
from ringback.dialects.instructions import instruction_request
from ringback.live.asking import Asked, Asker, Asking, Question, Reply
from ringback.live.cookies import Jar
from ringback.live.fallback import Fallback
from ringback.voxml.document import Document, Hangup, Pause, Reject
from ringback.voxml.model import Pairs
from ringback.voxml.problem import BadDocument, problem
from ringback.webhooks.model import Method

DOCUMENTS = {
    b"<Response><Hangup/></Response>": Document((Hangup(),)),
    b"<Response><Reject/></Response>": Document((Reject(),)),
    b"<Response><Pause/></Response>": Document((Pause(),)),
}
HANGUP, REJECT, PAUSE = DOCUMENTS.values()
LOCAL = Document((Pause(length=9),))


def parse(content: bytes) -> Document:
    """A parser at the port: it knows three documents."""
    if content not in DOCUMENTS:
        wrong = problem("xml", (1, 5), "not well-formed")
        raise BadDocument((wrong,), wrong)
    return DOCUMENTS[content]


def answer(body: bytes | Document, *headers: str, status: str = "200 OK") -> bytes:
    """The bytes of an answer."""
    if isinstance(body, Document):
        body = next(text for text, document in DOCUMENTS.items() if document == body)
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(*replies: bytes) -> Handler:
    """Answers the n-th request of a connection with the n-th of these, the last one ever after."""

    def handler(peer: Peer) -> None:
        at = 0
        while peer.request():
            peer.send(replies[min(at, len(replies) - 1)])
            at += 1

    return handler


class Application:
    """Keeps the requests that it gets, over all connections, and answers each with what `reply` says."""

    def __init__(self, *replies: bytes) -> None:
        self._replies = replies
        self.requests: list[bytes] = []

    def __call__(self, peer: Peer) -> None:
        while request := peer.request():
            self.requests.append(request)
            peer.send(self._replies[min(len(self.requests), len(self._replies)) - 1])


class Log:
    """Where requests are written down."""

    def __init__(self) -> None:
        self.told: list[Asked] = []

    def asked(self, told: Asked) -> None:
        self.told.append(told)


def render(url: str, method: Method, extra: Pairs) -> HttpRequest:
    return instruction_request(CALL, CALL, PLACE, url=url, method=method, extra=extra)


def question(url: str, method: Method = "POST", jar: Jar | None = None, spare: str | None = None) -> Question:
    return Question(
        account=CALL.account,
        leg=CALL.id,
        name="incoming-call",
        url=url,
        method=method,
        make=render,
        jar=jar or Jar(),
        fallback=Fallback(url=spare, document=LOCAL),
    )


class Desk:
    """An asker whose every `done` is counted."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.log = Log()
        self.done = 0
        self._make(sender, self.log)

    def _make(self, sender: Any, log: Any) -> None:
        self.asker = Asker(loop=asyncio.get_running_loop(), sender=sender, parse=parse, log=log)

    def sit_before(self, sender: Any) -> None:
        """Asks through another sender."""
        self._make(sender, self.log)

    def write_to(self, log: Any) -> None:
        """Writes to another log."""
        self._make(self.sender, log)

    def start(self, asked: Question) -> tuple[Asking, "asyncio.Future[Reply]"]:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def done(reply: Reply) -> None:
            self.done += 1
            future.set_result(reply)

        asking = self.asker.ask(asked, done)
        assert not future.done(), "done is never called from within ask"
        return asking, future

    async def ask(self, asked: Question) -> Reply:
        return await self.start(asked)[1]


async def until(condition: Callable[[], Any], within_s: float = 5.0) -> None:
    """Polls until the condition holds; fails after the deadline."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def with_asker(scenario: Callable[[Desk], Awaitable[None]], kind: str = "asyncio", **changes: Any) -> Desk:
    """Runs a scenario with an asker over a sender of its own."""
    desks: list[Desk] = []

    async def main() -> None:
        sender = Sender(settings(**changes), asyncio.get_running_loop())
        desks.append(Desk(sender))
        try:
            await scenario(desks[0])
        finally:
            await sender.close()

    run(kind, main)
    return desks[0]
