"""The asker: what an application wants done with a call, or what is done without it.

ask ──▶ the URL, with its tries ──▶ its fallback URL, with its own ──▶ the local document
            └── a document ──▶ done ◀── a document ──┘                      └──▶ done

Source of the rules: DESIGN's section on live calls, and Twilio's where Voxtelesys is silent (15 s in all, 5 s to connect, one more
try if there was no connection, `ErrorCode` and `ErrorUrl` for the fallback). A URL has 15 s with all its tries; the fallback URL
has as many again. Lives on the loop; nothing here waits.
"""

import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal, Protocol

from msgspec import Struct

from ringback.calls.model import Direction
from ringback.delivery.courier import masked_url
from ringback.dialects.contract import HttpRequest
from ringback.errors import InvalidInput
from ringback.ids import now_ms
from ringback.live.attempts import Attempts, Ended, Sender, Target
from ringback.live.cookies import Jar
from ringback.live.failures import Failure, Parse, judge_answer, judge_status
from ringback.live.fallback import Fallback
from ringback.voxml.document import Document
from ringback.voxml.model import Pairs, Purpose
from ringback.webhooks.credentials import split_credentials
from ringback.webhooks.model import Method, Outcome
from ringback.webhooks.records import Attempt

log = logging.getLogger("ringback.live")

Maker = Callable[[str, Method, Pairs], HttpRequest]
"""Makes the request for a URL; the pairs follow its own parameters (`dialects.instructions` with everything else given)."""

NAMES: Final[Mapping[Purpose, str]] = {
    "start": "incoming-call",
    "dial": "dial-action",
    "gather": "gather-action",
    "record": "record-action",
    "pay": "pay-action",
    "redirect": "redirect",
    "whisper": "whisper",
    "flow": "flow",
}
"""What a request is called in the log."""
OUTGOING: Final = "outgoing-call"
"""The same for the first request of a call that was placed."""
PAY_STATUS: Final = "pay-status"
"""The same for Pay's progress."""


def name_of(purpose: Purpose, direction: Direction) -> str:
    """What a request is called in the log. `direction`: the conversation's."""
    return OUTGOING if purpose == "start" and direction == "outbound" else NAMES[purpose]


class Question(Struct, frozen=True, kw_only=True):
    """What is asked about a leg. `name`: for the log (`name_of`). `url` is absolute, with its credentials and its fragment. `jar`:
    the call's cookies."""

    account: str
    leg: str
    name: str
    url: str
    method: Method
    make: Maker
    jar: Jar
    fallback: Fallback = Fallback()


class Reply(Struct, frozen=True, kw_only=True):
    """What is to be run. `url`: where the document came from, without its fragment and with its credentials, since what is relative
    to it is at the same place; empty for a local document. `failures`: a line for each URL that had none."""

    url: str
    document: Document
    source: Literal["application", "fallback", "local"]
    attempts: tuple[Attempt, ...]
    failures: tuple[str, ...] = ()


class Asked(Struct, frozen=True, kw_only=True):
    """One URL was asked: for the log. `url` has neither credentials nor fragment. `failure` None: it answered."""

    account: str
    leg: str
    name: str
    url: str
    method: Method
    state: Literal["succeeded", "exhausted", "cancelled"]
    attempts: tuple[Attempt, ...]
    failure: Failure | None


class AskLog(Protocol):
    """Where requests are written down. It does not raise, nor wait."""

    def asked(self, told: Asked) -> None: ...


class Asking:
    """A question that is under way."""

    def __init__(self, asker: "Asker", question: Question, done: Callable[[Reply], None]) -> None:
        self._asker = asker
        self._question = question
        self._done = done
        self._current: Attempts | None = None
        self._attempts: tuple[Attempt, ...] = ()
        self._failures: tuple[str, ...] = ()

    def cancel(self) -> None:
        """The answer is not wanted any more: the request is stopped and `done` will not be called. Harmless when it is over."""
        if self._current is not None:
            self._current.cancel()

    def begin(self) -> None:
        """Asks the URL."""
        question = self._question
        self._send(question.url, question.method, (), "application")

    def _send(self, url: str, method: Method, extra: Pairs, source: Literal["application", "fallback"]) -> None:
        make = partial(self._make, method, extra)
        judge = partial(judge_answer, parse=self._asker.parse)
        self._current = self._asker.start(self._question, url, method, make, judge, partial(self._ended, url, source))

    def _make(self, method: Method, extra: Pairs, url: str) -> HttpRequest:
        return self._question.make(url, method, extra)

    def _ended(self, url: str, source: Literal["application", "fallback"], ended: Ended) -> None:
        self._current = None
        self._attempts += ended.attempts
        if ended.cancelled:
            return
        result, fallback = ended.result, self._question.fallback
        if not isinstance(result, Failure):
            self._over(url.partition("#")[0], result, source)
            return
        self._failures += (f"{bare_url(url)}: {result.detail}",)
        if source == "application" and fallback.url is not None:
            self._send(fallback.url, fallback.method, error_of(url, result), "fallback")
        else:
            self._over("", fallback.document, "local")

    def _over(self, url: str, document: Document, source: Literal["application", "fallback", "local"]) -> None:
        self._done(Reply(url=url, document=document, source=source, attempts=self._attempts, failures=self._failures))


class Asker:
    """See the module."""

    def __init__(
        self, *, loop: AbstractEventLoop, sender: Sender, parse: Parse, log: AskLog, clock_ms: Callable[[], int] = now_ms
    ) -> None:
        """`clock_ms`: the wall clock, in Unix milliseconds, by which cookies age."""
        self.parse = parse
        self._loop = loop
        self._sender = sender
        self._log = log
        self._clock_ms = clock_ms

    def ask(self, question: Question, done: Callable[[Reply], None]) -> Asking:
        """Asks; `done` is called once, never from within, with a document, whatever happens; not at all after `cancel`."""
        asking = Asking(self, question, done)
        asking.begin()
        return asking

    def tell(self, question: Question) -> None:
        """Sends what cannot be answered: any 2xx will do, its body is ignored, and there is no fallback."""

        def make(url: str) -> HttpRequest:
            return question.make(url, question.method, ())

        self.start(question, question.url, question.method, make, _judge_telling, lambda _: None)

    def start(
        self,
        question: Question,
        url: str,
        method: Method,
        make: Callable[[str], HttpRequest],
        judge: Callable[[Outcome], Document | Failure],
        done: Callable[[Ended], None],
    ) -> Attempts:
        """Asks one URL for a question; `done` is told, then the log."""
        target = Target(question.account, url, method, make, question.jar, judge)
        attempts = Attempts(
            self._loop, self._sender, self._clock_ms, target, partial(self._ended, question, bare_url(url), method, done)
        )
        attempts.go()
        return attempts

    def _ended(self, question: Question, url: str, method: Method, done: Callable[[Ended], None], ended: Ended) -> None:
        try:
            done(ended)
        finally:
            self._write(question, url, method, ended)

    def _write(self, question: Question, url: str, method: Method, ended: Ended) -> None:
        failure = ended.result if isinstance(ended.result, Failure) else None
        told = Asked(
            account=question.account,
            leg=question.leg,
            name=question.name,
            url=url,
            method=method,
            state="cancelled" if ended.cancelled else "succeeded" if failure is None else "exhausted",
            attempts=ended.attempts,
            failure=failure,
        )
        try:
            self._log.asked(told)
        except Exception:  # a call must go on whether or not it can be written down
            log.exception("a request could not be written down")


def error_of(url: str, failure: Failure) -> Pairs:
    """What a fallback URL is told of the URL that it stands in for."""
    return (("ErrorCode", str(failure.code)), ("ErrorUrl", bare_url(url)))


def bare_url(url: str) -> str:
    """A URL as it may be shown and sent on: no fragment, no credentials."""
    bare = url.partition("#")[0]
    try:
        return split_credentials(bare)[0]
    except InvalidInput:
        return masked_url(bare)


def _judge_telling(outcome: Outcome) -> Document | Failure:
    return judge_status(outcome) or Document()
