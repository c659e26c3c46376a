"""The running installation: all parts wired, started in order, and ended without losing anything.

Start: store → account book → writer → sender and dispatcher → listening. Stop: no new requests → what is in flight ends → the
writer commits what is left → store. A kill skips all of that and loses nothing, because the rows are the truth.
"""

import asyncio
import contextlib
import logging
import random
import secrets
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ringback.calls.directory import Place
from ringback.calls.model import Event, Update
from ringback.calls.watchdog import expired
from ringback.delivery.addresses import read_allowed_network
from ringback.delivery.dispatcher import Dispatcher, DispatchSettings
from ringback.delivery.egress import SenderSettings
from ringback.delivery.resolver import Resolver
from ringback.delivery.sender import Sender
from ringback.dialects import load_dialects
from ringback.engine.activity import Activity
from ringback.engine.alone import Alone
from ringback.engine.asked import AskedLog
from ringback.engine.book import Book
from ringback.engine.callbacks import Callbacks
from ringback.engine.endpoints import EndpointKeeper
from ringback.engine.erasures import Erasures
from ringback.engine.hidden import Hidden
from ringback.engine.housekeeping import Housekeeping
from ringback.engine.letting_in import Switches
from ringback.engine.limits import IntakeLimits
from ringback.engine.links import own_url
from ringback.engine.live_calls import LiveCalls
from ringback.engine.live_spool import LiveSpool
from ringback.engine.recordings import Recordings
from ringback.engine.resends import Resends
from ringback.engine.sessions import Sessions
from ringback.engine.simulations import Simulations
from ringback.engine.sources import Sources
from ringback.engine.speech import SpeechParts
from ringback.engine.switches import sip_listeners
from ringback.engine.transcribing import Transcribing
from ringback.errors import BadSettings, Conflict, InvalidInput, NotFound, OurError, StoreUnavailable
from ringback.ids import now_ms, time_of, to_text
from ringback.intake.door import Door
from ringback.intake.turn import Answer
from ringback.intake.writer import Writer
from ringback.settings import Settings
from ringback.store.open import open_store
from ringback.switch.freeswitch.link import read_address
from ringback.webhooks.health import Notice
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Delivery, Endpoint, Kind
from ringback.webhooks.records import Attempt, Job, Result, StoredCall
from ringback.webhooks.resends import BulkResend

log = logging.getLogger("ringback")

_T = TypeVar("_T")
WATCHDOG_S = 60.0
SPOOL_S = 1.0
"""How long a stop waits for a store that takes nothing, with what switches told."""
LEAST_KEY = 8


def admin_key(settings: Settings) -> tuple[str, bool]:
    """The operator's key, and whether it was made just now (then it is to be shown, once).

    Without a setting it lives in a 0600 file in the data directory. Raises BadSettings if that cannot be read or made.
    """
    if settings.admin_key is not None:
        return settings.admin_key, False
    path: Path = settings.data / "admin.key"
    try:
        if path.exists():
            key = path.read_text("ascii", "replace").strip()
            if len(key) < LEAST_KEY:
                raise BadSettings(f"{path} holds no key: delete it, and a new one is made")
            return key, False
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        key, fresh = new_key(), path.with_suffix(".tmp")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(key + "\n")
        # Whole or not at all: an empty key would let everybody in.
        fresh.rename(path)
    except OSError as error:
        raise BadSettings(f"--data {settings.data}: {error.strerror}") from None
    return key, True


def new_key() -> str:
    """An API key: 192 random bits."""
    return f"rb_{secrets.token_urlsafe(24)}"


def egress(settings: Settings, listeners: Sequence[tuple[str, int]]) -> SenderSettings:
    """What the operator decided about everything that leaves. Raises BadSettings."""
    networks = []
    for text in settings.allow_network:
        account, _, network = text.rpartition("=")
        networks.append(read_allowed_network(network, account or None))
    refused = [*listeners, *sip_listeners(settings)]
    if settings.freeswitch:
        host, port = read_address(settings.freeswitch)
        refused += [(address, port) for address in _addresses(host)]
    return SenderSettings(
        allow_http=settings.allow_http,
        allow_networks=tuple(networks),
        refused_listeners=tuple(refused),
        connect_timeout_s=settings.connect_timeout_s,
        source_address=settings.source_address,
        proxy=settings.proxy,
        nat64_deny=settings.nat64_deny,
    )


def _addresses(host: str) -> list[str]:
    """What a host's name stands for now; nothing if nobody knows: then there is nobody to protect."""
    try:
        return sorted({str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError as error:
        log.warning("freeswitch: %s: %s", host, error.strerror)
        return []


def _tell(future: "asyncio.Future[_T]", answer: _T | OurError) -> None:
    """What the writer answers, to whoever waits for it still."""
    if future.done():
        return
    if isinstance(answer, OurError):
        future.set_exception(answer)
    else:
        future.set_result(answer)


class Engine:
    """See the module. Lives on one event loop."""

    def __init__(self, settings: Settings, operator_key: str, listeners: Sequence[tuple[str, int]]) -> None:
        """`listeners`: our own addresses, which no webhook may go to. Raises BadSettings, StoreUnavailable."""
        self.settings = settings
        self.loop = asyncio.get_running_loop()
        self.threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="ringback-reader")
        self.store = open_store(settings.data, [key for key in (settings.secret_key or "").split(",") if key])
        self.dialects = load_dialects()
        self.book = Book(self.store, self.dialects, operator_key)
        self.sender_settings = egress(settings, listeners)
        self.resolver = Resolver(self.loop, nameservers=settings.nameservers, give_up_s=settings.connect_timeout_s)
        self.sender = Sender(self.sender_settings, self.loop, self.resolver)
        self.writer = Writer(
            store=self.store,
            routing=self.book,
            dialects=self.dialects,
            loop=self.loop,
            clock_ms=now_ms,
            last_id=self.store.last_id(),
            on_jobs=self._on_jobs,
            on_release=self._on_release,
            is_live=lambda: self.live_calls.count > 0,
        )
        self.endpoints = EndpointKeeper(self)
        self.limits = IntakeLimits(self)
        self.activity = Activity(self)
        self.alone = Alone(self)
        self.dispatcher = Dispatcher(
            loop=self.loop,
            sender=self.sender,
            dialects=self.dialects,
            places=self,
            sink=self.activity,
            reader=self.store,
            run_in_thread=self.in_thread,
            clock_ms=now_ms,
            rng=random.Random(),
            settings=DispatchSettings(),
            on_disable=self._on_disable,
            on_notice=self._on_notice,
            is_pressed=self.writer.is_pressed,
            on_health=self.endpoints.heard,
        )
        self.resends = Resends(self)
        self.hidden = Hidden(self)
        self.asked = AskedLog(self)
        self.callbacks = Callbacks(self)
        self.erasures = Erasures(self)
        self.housekeeping = Housekeeping(self)
        self.door = Door(self.book, self.writer, settings.max_body_bytes, self.on_stray, self.limits)
        self.switches = Switches(self)
        self.sources = Sources(self)
        self.recordings = Recordings(self, own_url(settings.public_url, listeners))
        self.sessions = Sessions(self, own_url(settings.public_url, listeners))
        self.speech = SpeechParts(self)
        self.transcribing = Transcribing(self, self.speech.listening)
        self.live_calls = LiveCalls(self)
        self.simulations = Simulations(self)
        self.ready, self.strays = False, 0
        self._watchdog: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def spool(self) -> LiveSpool:
        """What switches tell, on its way to the ledger."""
        return self.switches.spool

    @property
    def is_fresh(self) -> bool:
        """Has nobody set up anything yet?"""
        return not self.book.accounts

    async def start(self) -> None:
        """Begins to work: what was left open goes out again at once."""
        self.writer.start()
        self.endpoints.start()
        self.dispatcher.start()
        await self.resends.start()
        await self.erasures.start()
        await self.limits.read_accounts()
        await self.limits.look_at_disk()
        self.spawn(self.limits.watch())
        self.spawn(self.housekeeping.run())
        self.spawn(self.activity.run())
        await self.sessions.start()
        await self.transcribing.start()
        await self.switches.begin()
        self._watchdog = self.loop.create_task(self._watch())
        self.ready = True

    async def stop(self) -> None:
        """Drains: waits for what is in flight (at most drain_s), commits, lets go."""
        self.ready = False
        if self._watchdog is not None:
            self._watchdog.cancel()
        await self.switches.stop_beginning()
        await self.live_calls.stop(self.settings.drain_s)
        await self.transcribing.stop()
        await self.speech.close()
        await self.sources.stop()
        await self.spool.stop(SPOOL_S)
        await self.resends.stop()
        await self.erasures.stop()
        await self.dispatcher.drain(self.settings.drain_s)
        await self.asked.close()
        for task in self._tasks:
            task.cancel()
        await self.endpoints.close()
        await self.activity.keep()
        await self.sender.close()
        await self.resolver.close()
        await self.loop.run_in_executor(None, self.writer.stop)
        self.threads.shutdown(wait=True)
        self.store.close()

    def in_thread(self, work: Callable[[], _T]) -> Awaitable[_T]:
        """Runs blocking work (the store) beside the loop."""
        return self.loop.run_in_executor(self.threads, work)

    def place(self, event: Event, account: str) -> Place:
        """Where an event belongs, for the dispatcher."""
        return self.book.place(event)

    async def accept(self, items: Sequence[tuple[str, Update]]) -> list[Answer]:
        """Takes updates from a source inside this process; returns once they are on disk. Raises StoreUnavailable, OurError."""
        future: asyncio.Future[list[Answer]] = self.loop.create_future()
        self.writer.submit(items, partial(_tell, future))
        return await future

    async def deliver_again(self, account: str, event_id: int, endpoint_id: int, kind: Kind, name: str | None = None) -> int:
        """Makes one more delivery of an event that the store has, to an endpoint of the same account; returns its id once it is on
        disk. `kind`: `resend`, or `replay`. `name`: the event's name where it went out under one before; None: the dialect says.

        Raises NotFound, Conflict (the endpoint is disabled), InvalidInput (its dialect has no name for it), OurError.
        """
        endpoint = self.book.endpoint(endpoint_id)
        if endpoint is None or endpoint.account != account:
            raise NotFound("no such endpoint")
        if not endpoint.enabled:
            raise Conflict("the endpoint is disabled: enable it first")
        dialect = self.dialects.get(endpoint.dialect)
        if dialect is None:
            raise Conflict(f"the dialect {endpoint.dialect} is not installed")
        event, root = await self.in_thread(lambda: (self.store.event(account, event_id), self.store.root_of_event(event_id)))
        if event is None or root is None:
            raise NotFound("no such event")
        if name is None:
            place = self.book.place(event)
            name = dialect.event_name(event, place)
            if name is None:
                raise InvalidInput(f"{endpoint.dialect} has no name for the event: {dialect.why_not(event, place)}")
        number = self.writer.new_id()
        delivery = Delivery(
            id=number, endpoint=endpoint.id, event=event_id, root=root, name=name, kind=kind, created_at_ms=time_of(number)
        )
        (why,) = await self.make(account, [Job(delivery, event)])
        if why:
            raise OurError(f"it could not be stored: {why}")
        return number

    async def replay(self, endpoint: Endpoint, call_id: str) -> list[int]:
        """Makes a delivery of kind `replay` for every event of a conversation that an endpoint of the same account takes, in order;
        their ids. An endpoint that was made for it is stored first.

        Raises NotFound (no such call), InvalidInput (it takes none of the events), Conflict (it is disabled), OurError.
        """
        if not endpoint.enabled:
            raise Conflict("the endpoint is disabled: enable it first")
        stored, events = await self.in_thread(lambda: self._conversation(endpoint.account, call_id))
        taker = Matcher([endpoint], self.dialects)
        jobs: list[Job] = []
        for event in events:
            for _, name in () if event.late else taker.match(event, self.book.place(event)):
                number = self.writer.new_id()
                delivery = Delivery(
                    id=number,
                    endpoint=endpoint.id,
                    event=event.id,
                    root=stored.root_n,
                    name=name,
                    kind="replay",
                    created_at_ms=time_of(number),
                )
                jobs.append(Job(delivery, event))
        if not jobs:
            raise InvalidInput("the call has no event that the endpoint takes")
        if endpoint.only_replays:
            await self.endpoints.make(endpoint)
        whys = await self.make(endpoint.account, jobs)
        return [job.delivery.id for job, why in zip(jobs, whys, strict=True) if not why]

    def _conversation(self, account: str, call_id: str) -> tuple[StoredCall, list[Event]]:
        """A call and all events of its conversation. Reads the store. Raises NotFound."""
        stored = self.store.call(account, call_id)
        if stored is None:
            raise NotFound("no such call")
        return stored, self.store.events(stored.root_n)

    async def make(self, account: str, jobs: Sequence[Job], resend: BulkResend | None = None) -> list[str]:
        """Stores further deliveries of an account's events and has them sent; of each why the store cannot take it (empty: it is on
        disk). `resend`: how far their bulk resend has come. Raises StoreUnavailable, OurError: then none was taken."""
        future: asyncio.Future[list[str]] = self.loop.create_future()
        self.writer.make(account, jobs, partial(_tell, future), resend)
        return await future

    async def write_down(self, account: str, ended: Sequence[Result], attempts: Sequence[Attempt]) -> list[str]:
        """Stores deliveries of an account's events that have ended already, with their attempts; of each why the store cannot take
        it. Raises StoreUnavailable, OurError: then none was taken."""
        future: asyncio.Future[list[str]] = self.loop.create_future()
        self.writer.write_down(account, ended, attempts, partial(_tell, future))
        return await future

    def is_sending(self, delivery: Delivery) -> bool:
        """Is a delivery on the wire now?"""
        return delivery.id in self.dispatcher.sending(delivery.endpoint)

    def sending(self, account: str) -> list[int]:
        """An account's deliveries that are on the wire now."""
        all_ = (*self.book.endpoints.values(), *self.book.replays.values())
        mine = (endpoint.id for endpoint in all_ if endpoint.account == account)
        return [delivery for endpoint in mine for delivery in self.dispatcher.sending(endpoint)]

    def _on_disable(self, number: int, _reason: str) -> None:
        self.spawn(self.endpoints.stop(number, self.dispatcher.health(number)))

    def forget_endpoint(self, endpoint: Endpoint) -> None:
        """An endpoint was deleted: it gets nothing more, and what waits for it is cancelled."""
        self.book.drop_endpoint(endpoint)
        self.dispatcher.remove_endpoint(endpoint.id)
        self.spawn(self._cancel_rest(endpoint.id))

    async def _cancel_rest(self, endpoint: int) -> None:
        """Cancels what only the store knows of. What is on the wire ends first, and its result is written: it may have arrived."""
        while self.dispatcher.sending(endpoint):  # noqa: ASYNC110 - deletions are rare, ends of attempts are not
            await asyncio.sleep(0.05)
        with contextlib.suppress(OurError):
            await self.accept([])
        await self.insist(lambda: self.store.cancel_deliveries(endpoint, now_ms()))

    async def insist(self, write: Callable[[], object]) -> None:
        """Writes what has happened already, as often as it takes; what was deleted meanwhile needs no writing."""
        while True:
            try:
                await self.in_thread(write)
            except NotFound:
                return
            except StoreUnavailable as error:
                log.warning("%s", error)
                await asyncio.sleep(1)
            else:
                return

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work beside the requests, which ends with the engine at the latest."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_notice(self, notice: Notice) -> None:
        """An endpoint's health changed: told to the operator, and to the account."""
        self.note(notice.kind, f"{to_text('ep', notice.endpoint)} of account {notice.account}: {notice.reason}")
        self.alone.tell(notice)

    def _on_jobs(self, jobs: Sequence[Job]) -> None:
        self.limits.on_jobs(jobs)
        self.activity.on_jobs(jobs)
        self.dispatcher.offer(jobs)

    def _on_release(self, deliveries: Sequence[int]) -> None:
        self.dispatcher.release(deliveries)

    def note(self, kind: str, text: str) -> None:
        """One line for the operator, kept in the store."""
        self.threads.submit(self.store.note, kind, text, now_ms())

    def on_stray(self, update: Update) -> None:
        """An update that fits no account: counted, and listed (the first hundred, then every thousandth)."""
        self.strays += 1
        if self.strays <= 100 or self.strays % 1000 == 0:
            text = f"{update.type} of call {update.call.id} from {update.call.from_} to {update.call.to}"
            self.note("stray", text)

    async def _watch(self) -> None:
        """Gives calls that lost their end a final one, marked inferred."""
        while True:
            await asyncio.sleep(WATCHDOG_S)
            try:
                await self.end_lost_calls(now_ms())
            except OurError as error:
                log.warning("watchdog: %s", error)

    async def end_lost_calls(self, at_ms: int) -> int:
        """One round of the watchdog; how many calls it ended."""
        shortest = min((account.call_limit_s for account in self.book.accounts.values()), default=0)
        if not shortest:
            return 0
        after = ended = 0
        while True:
            calls = await self.in_thread(lambda after=after: self.store.open_calls(at_ms - shortest * 1000, after, 500))  # type: ignore[misc]
            if not calls:
                return ended
            after = calls[-1].n
            items: list[tuple[str, Update]] = []
            for stored in calls:
                account = self.book.accounts.get(stored.call.account)
                update = expired(stored.call, at_ms, account.call_limit_s) if account else None
                if update is not None:
                    items.append((stored.call.account, update))
            if items:
                await self.accept(items)
                ended += len(items)
