"""One URL, asked until it answers or may not be asked again.

go ──▶ try ──▶ judged: good, or not to be tried again, or no time left ──▶ done
        ▲         │
        └─ pause ─┘ a failure that the policy names, and tries are left

Callbacks on the loop; an attempt costs no task. The sender has no queue: a request goes out when it is made, and does not stand
behind any webhook.
"""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from ringback.delivery.courier import masked_url
from ringback.dialects.contract import HttpRequest
from ringback.errors import RingbackError
from ringback.live.cookies import Jar
from ringback.live.failures import Failure
from ringback.live.overrides import split_overrides
from ringback.voxml.document import Document
from ringback.webhooks.credentials import split_credentials
from ringback.webhooks.model import ErrorClass, Outcome
from ringback.webhooks.records import Attempt

Headers = tuple[tuple[str, str], ...]

PAUSE_S: Final = 0.25
"""Before a try that follows another: what failed at once would fail at once again."""
_LOOK_S: Final = 0.02
_KEY: Final = 0
"""The sender keeps connections by endpoint, and an application is none: its connections are the account's."""


class Sending(Protocol):
    """A request on its way (ringback.delivery.sending)."""

    first_byte_ms: float | None
    written_at: float

    def abort(self) -> None: ...
    def fail(self, error: ErrorClass, detail: str) -> None: ...


class Sender(Protocol):
    """Sends one request and calls `done` exactly once, later on the loop (ringback.delivery.sender)."""

    def send(
        self,
        request: HttpRequest,
        *,
        key: int,
        account: str,
        timeout_s: float,
        basic: str | None,
        headers: Headers,
        done: Callable[[Outcome], None],
        ca_pem: str | None = None,
        connect_timeout_s: float | None = None,
    ) -> Sending: ...

    def sent_headers(self, request: HttpRequest, basic: str | None, headers: Headers) -> Headers:
        """The headers as they went out, secrets masked."""
        ...


class Target(Struct, frozen=True):
    """Whom to ask, and how. `url`: with its credentials and its fragment. `make`: the request for the URL without either. `method`:
    for the log, should the request not come about. `judge`: what an answer is worth."""

    account: str
    url: str
    method: str
    make: Callable[[str], HttpRequest]
    jar: Jar
    judge: Callable[[Outcome], Document | Failure]


class Ended(Struct, frozen=True):
    """What it came to. `attempts` are numbered from 1 and belong to no delivery yet. `cancelled`: it was not waited for."""

    result: Document | Failure
    attempts: tuple[Attempt, ...]
    cancelled: bool


class Attempts:
    """See the module. `done` is called once, always, and never from within `go` or `cancel`."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        sender: Sender,
        clock_ms: Callable[[], int],
        target: Target,
        done: Callable[[Ended], None],
    ) -> None:
        self._loop = loop
        self._sender = sender
        self._clock_ms = clock_ms
        self._target = target
        self._done = done
        self._url, self._overrides = split_overrides(target.url)
        self._basic: str | None = None
        self._ends_at = 0.0
        self._attempts: list[Attempt] = []
        self._result: Document | Failure | None = None
        self._sending: Sending | None = None
        self._timer: TimerHandle | None = None
        self._cancelled = False
        self._over = False

    def go(self) -> None:
        """Begins. Called once."""
        self._ends_at = self._loop.time() + self._overrides.total_s
        self._try()

    def cancel(self) -> None:
        """What is under way is stopped. Harmless when it is over."""
        if self._over or self._cancelled:
            return
        self._cancelled = True
        if self._sending is not None:
            self._sending.abort()
            return
        if self._timer is not None:
            self._timer.cancel()
            self._loop.call_soon(self._end)

    # Inside
    def _try(self) -> None:
        self._timer = None
        left_s = max(0.0, self._ends_at - self._loop.time())
        try:
            request = self._request()
        except Exception as error:  # a call must go on whatever is wrong with a URL or with what is rendered for it
            detail = str(error) if isinstance(error, RingbackError) else f"the request could not be made: {type(error).__name__}"
            outcome = Outcome(started_at_ms=self._clock_ms(), error="request", detail=detail)
            self._loop.call_soon(self._answered, None, outcome)
            return
        self._sending = self._sender.send(
            request,
            key=_KEY,
            account=self._target.account,
            timeout_s=left_s,
            basic=self._basic,
            headers=(),
            done=partial(self._answered, request),
            connect_timeout_s=self._overrides.connect_s,
        )
        if self._overrides.read_s < left_s:
            self._timer = self._loop.call_later(self._overrides.read_s, self._look)

    def _request(self) -> HttpRequest:
        """Raises InvalidInput for credentials that cannot be sent, and whatever rendering raises."""
        if self._basic is None:
            self._url, self._basic = split_credentials(self._url)
        request = self._target.make(self._url)
        cookie = self._target.jar.header(self._url, self._clock_ms() / 1000)
        return request if cookie is None else replace(request, headers=(*request.headers, ("Cookie", cookie)))

    def _look(self) -> None:
        """Has the first byte come in time? The time runs from when the request was written."""
        self._timer = None
        sending = self._sending
        if sending is None or sending.first_byte_ms is not None:
            return
        left_s = sending.written_at + self._overrides.read_s - perf_counter() if sending.written_at else _LOOK_S
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            sending.fail("timeout", "no answer came in time")

    def _answered(self, request: HttpRequest | None, outcome: Outcome) -> None:
        self._sending = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._target.jar.keep(self._url, outcome.headers, self._clock_ms() / 1000)
        result = self._target.judge(outcome)
        self._attempts.append(self._attempt(request, outcome, result))
        self._result = result
        if self._may_try_again(result):
            self._timer = self._loop.call_later(PAUSE_S, self._try)
        else:
            self._end()

    def _may_try_again(self, result: Document | Failure) -> bool:
        return (
            isinstance(result, Failure)
            and not self._cancelled
            and result.retried_by in self._overrides.policy
            and len(self._attempts) <= self._overrides.retries
            and self._ends_at - self._loop.time() > PAUSE_S
        )

    def _end(self) -> None:
        self._over = True
        assert self._result is not None
        self._done(Ended(self._result, tuple(self._attempts), self._cancelled))

    def _attempt(self, request: HttpRequest | None, outcome: Outcome, result: Document | Failure) -> Attempt:
        """The attempt as the log shows it: what was wrong with a whole answer, and what was ignored in the URL, stand in it too."""
        error, detail = outcome.error, outcome.detail
        if isinstance(result, Failure):
            detail = result.detail
            # An answer that does not count has its status to say so; a document that is none looks like a success.
            error = outcome.error or ("" if result.error == "status" else result.error)
        if not self._attempts:
            detail = "; ".join(filter(None, (detail, *self._overrides.notes)))
        return Attempt(
            delivery=0,
            number=len(self._attempts) + 1,
            method=self._target.method if request is None else request.method,
            url=masked_url(self._url if request is None else request.url),
            headers=() if request is None else self._sender.sent_headers(request, self._basic, ()),
            body=b"" if request is None else request.body,
            outcome=replace(outcome, error=error, detail=detail),
        )
