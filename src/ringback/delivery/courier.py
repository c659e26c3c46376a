"""The courier: one delivery becomes one request, and the answer becomes a verdict. It knows nothing of lanes.

Foreign code is met here (a dialect may come from a package), so whatever it raises is this delivery's failure and nothing else's.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Protocol

from msgspec import Struct

from ringback.calls.directory import Place
from ringback.calls.model import Event
from ringback.dialects.contract import Dialect, HttpRequest
from ringback.errors import EndpointError, RingbackError
from ringback.webhooks.deliveries import after_attempt, decide
from ringback.webhooks.model import Decision, Delivery, Endpoint, Outcome
from ringback.webhooks.records import Attempt, Job

log = logging.getLogger("ringback.delivery")

Headers = tuple[tuple[str, str], ...]

_GIVEN_UP = Decision(state="exhausted")


class Sender(Protocol):
    """Sends one request and calls `done` exactly once, on the loop (ringback.delivery.sender)."""

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
    ) -> object: ...

    def sent_headers(self, request: HttpRequest, basic: str | None, headers: Headers) -> Headers:
        """The headers as they went out, secrets masked."""
        ...

    def share(self, key: int) -> int | None:
        """How many requests endpoint `key` may have in flight, at least two; None: there is room for any number."""
        ...


class Places(Protocol):
    """Where an event belongs."""

    def place(self, event: Event, account: str) -> Place: ...


class Verdict(Struct, frozen=True):
    """An attempt is over: how it ended, what was decided, the delivery after it, the attempt for the log, and the endpoint as it
    was when the request was made. `disables`: the endpoint's platform disables endpoints that only fail."""

    endpoint: Endpoint
    outcome: Outcome
    decision: Decision
    delivery: Delivery
    attempt: Attempt
    disables: bool


Over = Callable[[Verdict], None]


def masked_url(url: str) -> str:
    """A URL without what stands before an @ in its authority."""
    if "@" not in url:
        return url
    scheme, colon, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    _, at, host = rest[:end].rpartition("@")
    return f"{scheme}{colon}***@{host}{rest[end:]}" if at else url


class Courier:
    """See the module. Lives on the loop."""

    def __init__(
        self, *, sender: Sender, dialects: Mapping[str, Dialect], places: Places, clock_ms: Callable[[], int], rng: Random
    ) -> None:
        self._sender = sender
        self._dialects = dialects
        self._places = places
        self._clock_ms = clock_ms
        self._rng = rng

    def needs_facts(self, event: Event, endpoint: Endpoint) -> bool:
        """Is the event sent with its call as it is at that moment (since it waited for facts)?"""
        dialect = self._dialects.get(endpoint.dialect)
        try:
            return dialect is not None and dialect.hold_until_ms(event, endpoint) is not None
        except Exception:  # what is wrong with the event shows when it is rendered
            return False

    def send(self, job: Job, event: Event, endpoint: Endpoint, now_ms: int, over: Over) -> bool:
        """Sends `event` for the job; `over` is called once. False: it could not be made into a request, and `over` was called."""
        dialect = self._dialects.get(endpoint.dialect)
        request: HttpRequest | None = None
        try:
            if dialect is None:
                raise EndpointError(f"no such dialect: {endpoint.dialect}")
            place = self._places.place(event, endpoint.account)
            request = dialect.render(event, endpoint, job.delivery, place, now_ms)
            self._sender.send(
                request,
                key=endpoint.id,
                account=endpoint.account,
                timeout_s=dialect.timeout_s,
                basic=endpoint.basic,
                headers=endpoint.headers,
                done=partial(self._done, job, endpoint, dialect, request, now_ms, over),
                ca_pem=endpoint.ca_pem,
            )
        except Exception as error:  # foreign code: a failure of this delivery, which must give up its place in the lane
            log.warning("delivery %s could not be made into a request", job.delivery.id, exc_info=error)
            # Our own errors are written to be read by an account; of others only the kind may be shown.
            why = str(error) if isinstance(error, RingbackError) else f"the request could not be made: {type(error).__name__}"
            self._done(job, endpoint, dialect, request, now_ms, over, Outcome(started_at_ms=now_ms, error="request", detail=why))
            return False
        return True

    def _done(
        self,
        job: Job,
        endpoint: Endpoint,
        dialect: Dialect | None,
        request: HttpRequest | None,
        made_at_ms: int,
        over: Over,
        outcome: Outcome,
    ) -> None:
        decision = self._decide(job.delivery, dialect, outcome)
        over(
            Verdict(
                endpoint,
                outcome,
                decision,
                after_attempt(job.delivery, decision, made_at_ms // 1000),
                self._attempt(job.delivery, endpoint, request, outcome),
                dialect is not None and dialect.retry.gone_disables,
            )
        )

    def _decide(self, delivery: Delivery, dialect: Dialect | None, outcome: Outcome) -> Decision:
        if dialect is None:
            return _GIVEN_UP
        try:
            return decide(delivery, outcome, dialect.retry, dialect.succeeded, self._clock_ms(), self._rng)
        except Exception:  # a dialect that cannot judge an answer would be asked again for ever
            log.exception("delivery %s: the answer could not be judged", delivery.id)
            return _GIVEN_UP

    def _attempt(self, delivery: Delivery, endpoint: Endpoint, request: HttpRequest | None, outcome: Outcome) -> Attempt:
        """The attempt for the log; what could not be made into a request has no headers and no body."""
        headers: Headers = ()
        if request is not None:
            try:
                headers = self._sender.sent_headers(request, endpoint.basic, endpoint.headers)
            except Exception:  # a header that cannot be shown must not cost the result
                log.exception("delivery %s: its headers could not be masked", delivery.id)
        return Attempt(
            delivery=delivery.id,
            number=delivery.attempts + 1,
            method=endpoint.method if request is None else request.method,
            url=masked_url(endpoint.url if request is None else request.url),
            headers=headers,
            body=b"" if request is None else request.body,
            outcome=outcome,
        )
