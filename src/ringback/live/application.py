"""The application of a simulated call: live, over HTTP, or files in a folder. What it is asked and told, and what it answers, is
written into the transcript.

It is asked one thing at a time, in the order in which it comes up, so that a transcript is the same each time; the call's time
stands still meanwhile. HTTP goes through the asker and the sender that a server has, with their tries, time-outs and bounds.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from ringback.delivery.courier import masked_url
from ringback.delivery.sender import Sender
from ringback.dialects.contract import HttpRequest
from ringback.errors import NotFound
from ringback.live.asking import Asked, Asker, Question, Reply, bare_url, error_of
from ringback.live.cookies import Jar
from ringback.live.failures import Failure, judge_status
from ringback.live.failures import failure as failure_of
from ringback.live.fallback import Fallback, instead
from ringback.live.folder import Documents, is_file_url, page_of
from ringback.live.transcript import Replied, Requested, hide_keyed, parameters_of, without_keyed
from ringback.live.watcher import Watcher
from ringback.switch.port import Clock
from ringback.voxml import parse
from ringback.voxml.document import Document
from ringback.voxml.model import Pairs
from ringback.voxml.parse import BadDocument, Reading
from ringback.webhooks.model import Method, Outcome

Done = Callable[[str, Document], None]
Make = Callable[[str, Method, Any], HttpRequest]
_NOT_HERE: Final = frozenset(("not-https",))
"""Warnings that mean nothing in a simulation, which allows plain http."""
_read = lru_cache(64)(parse.read)


class Errand(Struct, frozen=True, kw_only=True):
    """One thing to ask or to tell. `name`: as the log calls it. `url`: absolute. `extra`: follows the request's own parameters.
    `fallback`: what is done if there is no answer. `done` None: the application is only told."""

    account: str
    leg: str
    name: str
    url: str
    method: Method
    make: Make
    extra: Pairs = ()
    fallback: Fallback = Fallback()
    done: Done | None = None

    def request(self, url: str, method: Method, extra: Pairs) -> HttpRequest:
        """The request for a URL."""
        return self.make(url, method, (*self.extra, *extra))


class Application:
    """See the module."""

    def __init__(self, watcher: Watcher, clock: Clock, folder: Documents | None, sender: Callable[[], Sender]) -> None:
        """`sender` is called when HTTP is first needed."""
        self._watcher = watcher
        self._clock = clock
        self._folder = folder
        self._get_sender = sender
        self._sender: Sender | None = None
        self._asker: Asker | None = None
        self._jar = Jar()
        self._errands: deque[Callable[[], None]] = deque()
        self._busy = False
        self._stopped = False
        self._quiet = asyncio.Event()
        self._current: Errand | None = None
        self._reply: Reply | None = None
        self._try = 0
        self._body = b""
        self._reading: Reading | None = None
        self._origin = ""
        self._shown: set[tuple[str, int, int, str]] = set()
        self.requests = 0
        self.documents = 0

    # What the call wants of it
    def run(self, errand: Errand) -> None:
        """Asks or tells, when what came up before is done. Whoever asks gets a document always, and never from within."""
        self.do(partial(self._begin, errand))

    def do(self, work: Callable[[], None]) -> None:
        """Does something that takes real time when its turn has come; it calls `free` when it is over."""
        self._errands.append(work)
        self._next()

    def free(self) -> None:
        """What was under way is over."""
        self._busy = False
        self._next()
        if not self._busy:
            self._quiet.set()

    @property
    def busy(self) -> bool:
        """Is something under way that takes real time? Then the call's time stands still."""
        return self._busy

    def stop(self) -> None:
        """The call is given up: whatever is under way is of no interest any more."""
        self._stopped = True

    async def until_quiet(self) -> None:
        """Waits until nothing is under way."""
        await self._quiet.wait()

    def _next(self) -> None:
        while self._errands and not self._busy:
            self._busy = True
            self._quiet.clear()
            self._errands.popleft()()

    def _begin(self, errand: Errand) -> None:
        if is_file_url(errand.url):
            self._open(errand)
        else:
            self._send(errand)

    def _go_on(self, errand: Errand, url: str, document: Document) -> None:
        """The errand is done."""
        if errand.done is not None:
            self._clock.call_later(0, partial(errand.done, url, document))
        self.free()

    def _go_without(self, errand: Errand, failure: Failure) -> None:
        """There was no document: as on a server, the fallback URL is asked, then there is a document of ours."""
        fallback = errand.fallback
        if fallback.url is None:
            self._go_on(errand, "", fallback.document)
            return
        last = Fallback(document=fallback.document)
        told = error_of(errand.url, failure)
        self._begin(replace(errand, url=fallback.url, method=fallback.method, extra=told, fallback=last))

    # A file
    def _open(self, errand: Errand) -> None:
        request = errand.request(errand.url, errand.method, ())
        self._try, self._reading, self._body = 0, None, b""
        self._requested(errand, request, ())
        page = page_of(errand.url).partition("?")[0]
        if errand.done is None:
            self._warn_once(page, "a file cannot be told anything: this URL is to be an application's")
            self.free()
            return
        result = self._opened(errand, page)
        if isinstance(result, Failure):
            self._go_without(errand, result)
        else:
            self._go_on(errand, errand.url.partition("?")[0], result)

    def _opened(self, errand: Errand, page: str) -> Document | Failure:
        if self._folder is None:
            return self._failed(errand, page, "there is no folder with documents: the first document came from an application")
        try:
            self._body = self._folder.read(errand.url)
        except NotFound as error:
            return self._failed(errand, "", str(error))
        result: Document | Failure
        try:
            result = self._parse(self._body)
        except BadDocument as error:
            result = failure_of("document", str(error))
        self._answered(errand, page, Outcome(started_at_ms=0, body=self._body))
        return result

    # A live application
    def _send(self, errand: Errand) -> None:
        self._current, self._try, self._reading = errand, 0, None
        self._origin = self._origin or errand.url.partition("#")[0]
        question = Question(
            account=errand.account,
            leg=errand.leg,
            name=errand.name,
            url=errand.url,
            method=errand.method,
            make=errand.request,
            jar=self._jar,
        )
        if self._asker is None:
            self._sender = self._get_sender()
            self._asker = Asker(loop=self._sender.loop, sender=self, parse=self._parse, log=self, clock_ms=self._clock.now_ms)
        if errand.done is None:
            self._asker.tell(question)
        else:
            self._asker.ask(question, self._replied)

    def _replied(self, reply: Reply) -> None:
        self._reply = reply

    def asked(self, told: Asked) -> None:
        """The asker's log: everything about the errand is over."""
        # The sender's `done` is still at work: what it writes down stands before what comes next.
        assert self._sender is not None
        self._sender.loop.call_soon(self._over, told)

    def _over(self, told: Asked) -> None:
        errand, reply, failure, page = self._current, self._reply, told.failure, self._page(told.url)
        assert errand is not None
        if errand.done is None:
            if failure is not None:
                self._watcher.problem(failure.detail, page=page)
            self.free()
        elif failure is None:
            assert reply is not None
            self._go_on(errand, reply.url, reply.document)
        else:
            # What is wrong with a document is told line by line.
            if self._reading is None or self._reading.document is not None:
                self._failed(errand, page, failure.detail)
            self._go_without(errand, failure)

    def send(self, request: HttpRequest, *, done: Callable[[Outcome], None], basic: str | None, **more: Any) -> Any:
        """The sender, as the asker sees it: what goes out and what comes back is written down."""
        assert self._sender is not None
        assert self._current is not None
        self._try += 1
        self._reading = None
        self._requested(self._current, request, self._sender.sent_headers(request, basic, more["headers"]))
        return self._sender.send(request, done=partial(self._came_back, request.url, done), basic=basic, **more)

    def sent_headers(self, request: HttpRequest, basic: str | None, headers: Any) -> Any:
        """As the sender's."""
        assert self._sender is not None
        return self._sender.sent_headers(request, basic, headers)

    def _came_back(self, url: str, done: Callable[[Outcome], None], outcome: Outcome) -> None:
        if self._stopped:
            return
        self._body = outcome.body
        done(outcome)
        assert self._current is not None
        self._answered(self._current, self._page(url), outcome)

    # What is written down
    def _requested(self, errand: Errand, request: HttpRequest, headers: Any) -> None:
        self.requests += 1
        url = hide_keyed(masked_url(request.url))
        self._watcher.add(
            Requested(
                at_ms=self._watcher.at_ms,
                leg=errand.leg,
                name=errand.name,
                asks=errand.done is not None,
                method=request.method,
                url=url,
                page=self._page(url, whole=self.requests == 1).partition("?" if request.method == "GET" else "#")[0],
                headers=headers,
                parameters=without_keyed(parameters_of(request)),
                try_=max(1, self._try),
            )
        )

    def _page(self, url: str, *, whole: bool = False) -> str:
        """A URL as short as it is clear: a file's name, or a path where the first request went."""
        if is_file_url(url):
            return page_of(url)
        url = bare_url(url)
        origin = "/".join(bare_url(self._origin).split("/", 3)[:3])
        return url.removeprefix(origin) if not whole and url.startswith(f"{origin}/") else url

    def _parse(self, body: bytes) -> Document:
        """Reads a document, as a call does: some errors are passed over. Raises BadDocument."""
        self._reading = _read(body)
        stopped = self._reading.stopped_by(strict=False)
        if stopped is not None or self._reading.document is None:
            raise BadDocument(self._reading.problems, stopped or self._reading.problems[0])
        return self._reading.document

    def _answered(self, errand: Errand, page: str, outcome: Outcome) -> None:
        page, verbs, reading = page.partition("?")[0], None, self._reading
        if reading is not None and reading.document is not None:
            verbs = tuple(type(verb).__name__ for verb in reading.document.body)
        elif errand.done is not None and judge_status(outcome) is None and not outcome.body.strip():
            verbs = ()
        self.documents += verbs is not None
        self._watcher.add(
            Replied(
                at_ms=self._watcher.at_ms,
                page=page,
                status=outcome.status,
                error=outcome.error,
                detail=outcome.detail,
                verbs=verbs,
                body=outcome.body.decode("utf-8", "replace"),
            )
        )
        if reading is not None:
            self._told_problems(page, reading)

    def _told_problems(self, page: str, reading: Reading) -> None:
        """Each problem once, however often the document comes. An error that a call passes over is a warning here."""
        stopped = reading.stopped_by(strict=False)
        lines = (
            self._body.removeprefix(b"\xef\xbb\xbf")
            .decode("utf-8", "replace")
            .replace("\r\n", "\n")
            .replace("\r", "\n")
            .split("\n")
        )
        for one in reading.problems:
            key = (page, one.line, one.column, one.code)
            if one.code in _NOT_HERE or (key in self._shown and reading.document is not None):
                continue
            self._shown.add(key)
            self._watcher.problem(
                one.message,
                severity="error" if stopped is not None and one.severity == "error" else "warning",
                page=page,
                line=one.line,
                column=one.column,
                source=lines[one.line - 1] if 0 < one.line <= len(lines) else "",
                hint=one.hint,
            )

    def _warn_once(self, page: str, why: str) -> None:
        if (page, 0, 0, why) not in self._shown:
            self._shown.add((page, 0, 0, why))
            self._watcher.problem(why, page=page)

    def _failed(self, errand: Errand, page: str, why: str) -> Failure:
        self._watcher.problem(why, severity="error", page=page, hint=instead(errand.fallback))
        return failure_of("status", why)
