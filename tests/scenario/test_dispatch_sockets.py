"""The dispatcher with the real sender, the real store and real receivers: some hang, some refuse, and nobody else notices."""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, cast

import msgspec
import pytest
from sender_harness import LOOPS, run, settings

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Call, Event, Status
from ringback.delivery.dispatcher import Dispatcher, DispatchSettings
from ringback.delivery.sender import Sender
from ringback.dialects import load_dialects
from ringback.ids import IdMaker, now_ms
from ringback.store.open import open_store
from ringback.store.port import Account
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Attempt, Batch, Fold, Job, Result, StoredCall

ACCOUNT = str(uuid.UUID(int=7))
STATUSES: tuple[Status, ...] = ("starting", "ringing", "ongoing", "completed")
HEALTHY, HANGS, RESETS, REFUSES = range(1, 7), (7, 8), (9,), (10,)
CALLS = 12


class Receiver:
    """An HTTP server that does as it is told: answers, hangs, or resets."""

    def __init__(self) -> None:
        self.how = "answers"
        self.got: list[tuple[str, str]] = []
        self.hanging = 0
        self.accepted = 0
        self.connections: set[asyncio.Transport] = set()
        self.url = ""
        self._server: asyncio.Server | None = None

    async def listen(self, host: str) -> None:
        self._server = await asyncio.get_running_loop().create_server(lambda: Connection(self), host, 0)
        self.url = "http://{}:{}/in".format(*self._server.sockets[0].getsockname()[:2])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.abort()
        await self._server.wait_closed()


class Connection(asyncio.Protocol):
    """One connection to a receiver: requests one after the other."""

    transport: asyncio.Transport

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.receiver.connections.add(self.transport)
        self.receiver.accepted += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.receiver.connections.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, found, body = self.read.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        self.read = b""
        if self.receiver.how == "hangs":
            self.receiver.hanging += 1
        elif self.receiver.how == "resets":
            self.transport.abort()
        else:
            said = msgspec.json.decode(body)
            self.receiver.got.append((said["data"]["call"]["id"], said["type"]))
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class Life:
    """One life of the engine, as far as deliveries go: store, sender, dispatcher, a writer that commits results."""

    def __init__(self, data: Path, **sender: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.store = open_store(data)
        self.threads = ThreadPoolExecutor(2)
        self.sender = Sender(settings(**sender), self.loop)
        self.results: list[Result] = []
        self.dispatcher = Dispatcher(
            loop=self.loop,
            sender=self.sender,
            dialects=load_dialects(),
            places=self,
            sink=self,
            reader=self.store,
            run_in_thread=lambda work: self.loop.run_in_executor(self.threads, work),
            clock_ms=now_ms,
            rng=Random(1),
            settings=DispatchSettings(window=20, poll_s=0.2),
        )
        self.ids = IdMaker(last=self.store.last_id())

    def place(self, event: Event, account: str) -> Place:
        return Place(organization_id=self.store.organization_id(), account=account, number=default_number(account, "+1"))

    def record(self, result: Result, attempt: Attempt | None) -> None:
        self.results.append(result)

    def commit(self, *folds: Fold) -> None:
        results, self.results = self.results, []
        committed = self.store.commit(Batch(folds, results))
        assert not committed.stale
        assert not committed.failed

    def start(self) -> None:
        for endpoint in self.store.endpoints():
            self.dispatcher.set_endpoint(endpoint)
        self.dispatcher.start()

    def id(self) -> int:
        return self.ids.next(now_ms())

    def accept(self, endpoint: int, call_n: int, call: Call) -> None:
        """One status of a call for one endpoint: committed, then handed over."""
        event = Event(id=self.id(), type=f"call.{call.status}", at_ms=now_ms(), seq=1, call=call, root=call, status_changed=True)
        delivery = Delivery(id=self.id(), endpoint=endpoint, event=event.id, root=call_n, name=event.type, created_at_ms=now_ms())
        stored = (StoredCall(call_n, call_n, call),) if call.status == "starting" else ()
        self.commit(Fold(account=ACCOUNT, calls=stored, events=(event,), event_calls=((call_n, call_n),), deliveries=(delivery,)))
        self.dispatcher.offer([Job(delivery, event)])

    async def until(self, reached: Callable[[], bool], within_s: float, why: str) -> None:
        end = time.monotonic() + within_s
        while not reached():
            assert time.monotonic() < end, why
            await asyncio.sleep(0.02)
            self.commit()

    async def die(self) -> None:
        """As a kill would: nothing is waited for, nothing more is written."""
        await self.dispatcher.drain(0)
        await self.sender.close()
        self.threads.shutdown()
        self.store.close()


def in_order(got: list[tuple[str, str]]) -> bool:
    by_call: dict[str, list[str]] = defaultdict(list)
    for call, kind in got:
        by_call[call].append(kind)
    return all(kinds == [f"call.{status}" for status in STATUSES] for kinds in by_call.values())


@pytest.mark.parametrize("kind", LOOPS)
def test_hung_and_refusing_receivers_delay_nobody_and_a_restart_repeats_only_what_was_open(kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        receivers = {number: Receiver() for number in (*HEALTHY, *HANGS, *RESETS, *REFUSES)}
        for number, receiver in receivers.items():
            await receiver.listen(f"127.0.0.{number}")
            receiver.how = "hangs" if number in HANGS else "resets" if number in RESETS else "answers"
        for number in REFUSES:
            await receivers[number].close()
        try:
            await first_life(receivers, tmp_path)
            for number in HANGS:
                receivers[number].how = "answers"
            await second_life(receivers, tmp_path)
        finally:
            for number, receiver in receivers.items():
                if number not in REFUSES:
                    await receiver.close()

    run(kind, scenario)


async def first_life(receivers: dict[int, Receiver], data: Path) -> None:
    """Everybody gets the same calls; the healthy ones have them at once, whatever the others do."""
    life = Life(data)
    life.store.put_account(Account(id=ACCOUNT, name="a", created_at_ms=1))
    for number, receiver in receivers.items():
        fields: dict[str, Any] = {"max_in_flight": 5} if number in HANGS else {}
        life.store.put_endpoint(Endpoint(id=number, account=ACCOUNT, url=receiver.url, dialect="standard", **fields))
    life.start()
    for status in STATUSES:
        for number in receivers:
            for call in range(CALLS):
                name = f"c{number}-{call}"
                life.accept(number, number * 100 + call + 1, Call(account=ACCOUNT, id=name, root=name, status=status))
    everything = CALLS * len(STATUSES)
    await life.until(lambda: all(len(receivers[n].got) == everything for n in HEALTHY), 10, "the healthy ones have all")
    assert all(in_order(receivers[number].got) for number in HEALTHY)
    assert all(receivers[number].hanging == 5 for number in HANGS)
    await life.until(lambda: life.dispatcher.stats().lanes[9].health.condition == "failing", 5, "resets count")
    await life.until(lambda: life.dispatcher.stats().lanes[10].health.condition == "failing", 5, "refusals count")
    lanes = life.dispatcher.stats
    await life.until(lambda: not any(lanes().lanes[number].in_flight for number in HEALTHY), 5, "their answers are here")
    life.commit()
    await life.die()


async def second_life(receivers: dict[int, Receiver], data: Path) -> None:
    """What was in flight goes out again at once, as a first attempt, and nothing that was delivered does."""
    before = {number: len(receivers[number].got) for number in HEALTHY}
    life = Life(data)
    life.start()
    everything = CALLS * len(STATUSES)
    await life.until(lambda: all(len(receivers[number].got) == everything for number in HANGS), 10, "the hung ones have all")
    assert all(in_order(receivers[number].got) for number in HANGS)
    assert before == {number: len(receivers[number].got) for number in HEALTHY}
    await life.until(lambda: not set(life.store.endpoints_with_open()) & {*HEALTHY, *HANGS}, 5, "all is committed")
    await life.die()


@pytest.mark.parametrize("kind", LOOPS)
def test_a_backlog_of_many_endpoints_is_drained_over_few_connections(kind: str, tmp_path: Path) -> None:
    """Its endpoints take turns, with a window of 20 each; 24 connections are kept. One endpoint hangs on all that it may have."""
    numbers, each, kept = range(1, 13), 100, 24

    async def scenario() -> None:
        receivers = {number: Receiver() for number in numbers}
        life = Life(tmp_path, max_idle=kept)
        life.store.put_account(Account(id=ACCOUNT, name="a", created_at_ms=1))
        try:
            for number, receiver in receivers.items():
                await receiver.listen(f"127.0.0.{number}")
                life.store.put_endpoint(Endpoint(id=number, account=ACCOUNT, url=receiver.url, dialect="standard"))
            receivers[1].how = "hangs"
            for n in range(each):
                for number in numbers:
                    name = f"c{number}-{n}"
                    life.accept(number, number * 1_000 + n, Call(account=ACCOUNT, id=name, root=name, status="starting"))
            life.start()
            healthy = [receiver for number, receiver in receivers.items() if number != 1]
            await life.until(lambda: all(len(receiver.got) == each for receiver in healthy), 20, "the healthy ones have all")
            assert receivers[1].hanging <= kept
            assert sum(receiver.accepted for receiver in receivers.values()) <= 6 * kept
        finally:
            await life.die()
            for receiver in receivers.values():
                await receiver.close()

    run(kind, scenario)
