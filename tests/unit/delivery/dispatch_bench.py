"""What the dispatcher's tests stand on: a loop whose time jumps to the next thing to do, and stand-ins at the ports."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import Random
from typing import Any, TypeVar

from msgspec.structs import replace

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Call, Context, Event
from ringback.delivery.dispatcher import Dispatcher, DispatchSettings
from ringback.dialects.contract import HttpRequest
from ringback.errors import InvalidInput, StoreUnavailable
from ringback.webhooks.deliveries import FINAL
from ringback.webhooks.health import Health, Notice
from ringback.webhooks.model import Delivery, Endpoint, Outcome, RetryPolicy
from ringback.webhooks.records import Attempt, Job, Result, StoredCall

T = TypeVar("T")
START_MS = 1_763_640_000_000
COMMIT_S = 0.04
READ_S = 0.002


class _Jump(selectors.DefaultSelector):
    """Where a loop would wait, time jumps."""

    loop: "JumpingLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "nothing will ever happen"
            self.loop.jumped_s += max(0.0, timeout)
        return found


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop without sockets, in its own time."""

    jumped_s = 0.0

    def __init__(self) -> None:
        jump = _Jump()
        jump.loop = self
        super().__init__(jump)

    def time(self) -> float:
        return self.jumped_s

    def now_ms(self) -> int:
        return START_MS + round(self.jumped_s * 1000)


def in_jumping_time(main: Callable[["Bench"], Coroutine[Any, Any, T]], **options: Any) -> T:
    """Runs a test on a bench of its own."""
    loop = JumpingLoop()
    complaints: list[Any] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    try:
        bench = Bench(loop, **options)
        result = loop.run_until_complete(main(bench))
        loop.run_until_complete(bench.dispatcher.drain(0.0))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        assert not complaints, complaints
        return result
    finally:
        loop.close()


class Rows:
    """The store and its writer: results are committed a little later, readings take a little time."""

    def __init__(self, loop: JumpingLoop) -> None:
        self.loop = loop
        self.jobs: dict[int, Job] = {}
        self.calls: dict[int, Call] = {}
        self.results: list[Result] = []
        self.attempts: list[Attempt] = []
        self.rows_read = 0
        self.away = False
        self.refuses_results = False

    def add(self, *jobs: Job) -> None:
        for job in jobs:
            self.jobs[job.delivery.id] = job

    def open(self) -> list[Delivery]:
        return [job.delivery for job in self.jobs.values() if job.delivery.state not in FINAL]

    # The sink
    def record(self, result: Result, attempt: Attempt | None) -> None:
        if self.refuses_results:
            raise RuntimeError("no room")
        self.results.append(result)
        if attempt is not None:
            self.attempts.append(attempt)
        self.loop.call_later(COMMIT_S, self._commit, result.delivery)

    def _commit(self, delivery: Delivery) -> None:
        self.jobs[delivery.id] = Job(delivery, self.jobs[delivery.id].event)

    # The reader
    def _found(self, jobs: Sequence[Job]) -> list[Job]:
        if self.away:
            raise StoreUnavailable("away")
        self.rows_read += len(jobs)
        return list(jobs)

    def open_deliveries(self, endpoint: int, after: int, limit: int) -> list[Job]:
        mine = (job for job in self.jobs.values() if job.delivery.endpoint == endpoint and job.delivery.id > after)
        return self._found(
            sorted((job for job in mine if job.delivery.state not in FINAL), key=lambda job: job.delivery.id)[:limit]
        )

    def endpoints_with_open(self) -> list[int]:
        self._found(())
        return sorted({delivery.endpoint for delivery in self.open()})

    def due(self, until_ms: int, limit: int, endpoint: int | None = None, up_to: int | None = None) -> list[Job]:
        def is_due(found: Delivery) -> bool:
            waits = found.state == "retrying" or (found.held and found.state == "pending")
            mine = endpoint is None or found.endpoint == endpoint
            return waits and mine and found.next_at_ms <= until_ms and (up_to is None or found.id <= up_to)

        due = [job for job in self.jobs.values() if is_due(job.delivery)]
        return self._found(sorted(due, key=lambda job: (job.delivery.next_at_ms, job.delivery.id))[:limit])

    def job(self, delivery: int) -> Job | None:
        self._found(())
        return self.jobs.get(delivery)

    def calls_by_number(self, numbers: Sequence[int]) -> dict[int, StoredCall]:
        self._found(())
        return {number: StoredCall(number, number, self.calls[number]) for number in numbers if number in self.calls}


class Receiver:
    """The sender's port and the receivers behind it: answers as the test says, after `takes_s`; None: never."""

    def __init__(self, loop: JumpingLoop) -> None:
        self.loop = loop
        self.sent: list[tuple[float, int, HttpRequest]] = []
        self.answer: Callable[[int, HttpRequest], int | Outcome | None] = lambda key, request: 200
        self.takes_s = 0.001
        self.in_flight: dict[int, int] = {}
        self.most_in_flight: dict[int, int] = {}
        self.waiting: list[Callable[[Outcome], None]] = []
        self.twice = False
        self.cannot_show = False
        self.shares: dict[int, int] = {}

    def share(self, key: int) -> int | None:
        return self.shares.get(key)

    def send(self, request: HttpRequest, *, key: int, done: Callable[[Outcome], None], **options: Any) -> object:
        if request.url == "refuse":
            raise InvalidInput("the URL is not one")
        self.sent.append((self.loop.jumped_s, key, request))
        self.in_flight[key] = self.in_flight.get(key, 0) + 1
        self.most_in_flight[key] = max(self.most_in_flight.get(key, 0), self.in_flight[key])
        answer = self.answer(key, request)
        if answer is None:
            self.waiting.append(done)
        else:
            outcome = answer if isinstance(answer, Outcome) else Outcome(started_at_ms=self.loop.now_ms(), status=answer)
            self.loop.call_later(outcome.total_ms / 1000 or self.takes_s, self._end, key, done, outcome)
        return None

    def _end(self, key: int, done: Callable[[Outcome], None], outcome: Outcome) -> None:
        self.in_flight[key] -= 1
        done(outcome)
        if self.twice:
            done(outcome)

    def sent_headers(self, request: HttpRequest, basic: str | None, headers: Any) -> tuple[tuple[str, str], ...]:
        if self.cannot_show:
            raise ValueError("?")
        return (*request.headers, *(name_value for name_value in headers), ("Authorization", "***")) if basic else request.headers

    def bodies(self, key: int | None = None) -> list[str]:
        return [request.body.decode() for _, at, request in self.sent if key in (None, at)]


class Plain:
    """A dialect: the body says delivery, attempt and signature time; `broken` deliveries cannot be rendered."""

    name = "plain"
    timeout_s = 10.0
    events = ("x",)
    filter_keys: frozenset[str] = frozenset()
    methods = ("POST",)
    default_order = "call"

    def __init__(self, retry: RetryPolicy) -> None:
        self.retry = retry
        self.broken: dict[int, Exception] = {}
        self.cannot_judge = False
        self.cannot_wait = False

    def hold_until_ms(self, event: Event, endpoint: Endpoint) -> int | None:
        if self.cannot_wait:
            raise ValueError("?")
        return event.at_ms + 20_000 if event.root.context.awaits else None

    def render(self, event: Event, endpoint: Endpoint, delivery: Delivery, place: Place, now_ms: int) -> HttpRequest:
        if delivery.id in self.broken:
            raise self.broken[delivery.id]
        facts = event.root.context.recording.url if event.root.context.recording else "-"
        body = f"{delivery.id} {delivery.attempts} {delivery.signed_at_s or now_ms // 1000} {facts}"
        return HttpRequest("POST", endpoint.url, (("Content-Type", "text/plain"),), body.encode())

    def succeeded(self, status: int) -> bool:
        if self.cannot_judge:
            raise ValueError("what is this?")
        return 200 <= status < 300


class Bench:
    """A dispatcher and all around it."""

    def __init__(self, loop: JumpingLoop, *, retry: RetryPolicy | None = None, hooks_fail: bool = False, **settings: Any) -> None:
        self.loop = loop
        self.rows = Rows(loop)
        self.receiver = Receiver(loop)
        self.dialect = Plain(retry or RetryPolicy(delays_s=(5.0, 300.0, 1_800.0)))
        self.notices: list[Notice] = []
        self.disabled: list[tuple[int, str]] = []
        self.healths: list[tuple[int, Health]] = []
        self.hooks_fail = hooks_fail
        self.pressed = False
        self.settings = DispatchSettings(**settings)
        self.dispatcher = self.new_dispatcher()

    def new_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            loop=self.loop,
            sender=self.receiver,
            dialects={"plain": self.dialect},  # type: ignore[dict-item]
            places=self,
            sink=self.rows,
            reader=self.rows,
            run_in_thread=self.in_thread,
            clock_ms=self.loop.now_ms,
            rng=Random(1),
            settings=self.settings,
            on_disable=self._on_disable,
            on_notice=self._on_notice,
            on_health=lambda number, health: self.healths.append((number, health)),
            is_pressed=lambda: self.pressed,
        )

    def _on_disable(self, endpoint: int, reason: str) -> None:
        self.disabled.append((endpoint, reason))
        if self.hooks_fail:
            raise RuntimeError("hook")

    def _on_notice(self, notice: Notice) -> None:
        self.notices.append(notice)
        if self.hooks_fail:
            raise RuntimeError("hook")

    def place(self, event: Event, account: str) -> Place:
        return Place(organization_id="o", account=account, number=default_number(account, "+1"))

    def in_thread(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Looks at once and answers a little later: the worst that a thread can do."""
        future: asyncio.Future[T] = self.loop.create_future()
        try:
            found = work()
        except Exception as error:
            self.loop.call_later(READ_S, lambda error=error: future.cancelled() or future.set_exception(error))
        else:
            self.loop.call_later(READ_S, lambda: future.cancelled() or future.set_result(found))
        return future

    def accept(self, *jobs: Job) -> None:
        """Commits and hands over."""
        self.rows.add(*jobs)
        self.dispatcher.offer(jobs)

    async def until_done(self, within_s: float = 1_000_000.0) -> None:
        """Waits until the store has nothing open."""
        end = self.loop.time() + within_s
        while self.rows.open():
            assert self.loop.time() < end, self.rows.open()[:5]
            await asyncio.sleep(0.05)


def endpoint(number: int = 1, **fields: Any) -> Endpoint:
    return Endpoint(
        id=number, account="a", url=fields.pop("url", f"https://e{number}/"), dialect=fields.pop("dialect", "plain"), **fields
    )


def job(number: int, to: int = 1, root: int = 0, awaits: bool = False, **fields: Any) -> Job:
    call = Call(account="a", id="c", root="c", context=Context(awaits=["recording"] if awaits else []))
    event = Event(id=number, type="call.ringing", at_ms=START_MS, seq=1, call=call, root=call)
    return Job(Delivery(id=number, endpoint=to, event=number, root=root or number, name="x", **fields), event)


def with_state(made: Job, **fields: Any) -> Job:
    return Job(replace(made.delivery, **fields), made.event)
