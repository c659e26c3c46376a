"""Names to addresses: bounded, cached shortly, one query per name at a time.

A name that never resolves must stall nobody. c-ares puts any number of queries on one socket, so the only thing that is scarce is
what we allow at once: names that failed by time-out before have a small share of their own, and a name for which nobody waits any
more is not asked for at all. /etc/hosts and `localhost` are answered by c-ares without a query; literal addresses never come
here.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import aiodns
import pycares
from msgspec import Struct

_FLAGS = pycares.ARES_FLAG_EDNS | pycares.ARES_FLAG_NOSEARCH
_TIMED_OUT = pycares.errno.ARES_ETIMEOUT
_WHY = {
    pycares.errno.ARES_ENOTFOUND: "the name does not exist",
    pycares.errno.ARES_ENODATA: "the name has no address",
    pycares.errno.ARES_ESERVFAIL: "the name servers failed",
    pycares.errno.ARES_EREFUSED: "the name servers refused",
    pycares.errno.ARES_ECONNREFUSED: "no name server is there",
    pycares.errno.ARES_EBADNAME: "the name is not valid",
}
_MAX_CACHED = 20_000


class Unresolved(Exception):
    """No address for the name. `timed_out`: nobody answered, so the name may exist."""

    def __init__(self, why: str, *, timed_out: bool = False) -> None:
        super().__init__(why)
        self.timed_out = timed_out


class _Answer(Struct, frozen=True):
    addresses: tuple[str, ...]
    why: str
    timed_out: bool
    until: float


class _Flight:
    """A query under way, and how many wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: "asyncio.Task[_Answer]") -> None:
        self.task = task
        self.waiting = 0


class Resolver:
    """One for a process. Not thread-safe: everything on the loop. `close` ends c-ares' threads."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        nameservers: Sequence[str] = (),
        at_once: int = 1_024,
        suspects_at_once: int = 64,
        keep_s: float = 30.0,
        keep_failed_s: float = 5.0,
        give_up_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`nameservers`: `address` or `address:port`; none: the system's. `at_once`: names asked for at the same time;
        `suspects_at_once`: of those that timed out before. `keep_s`, `keep_failed_s`: how long answers and failures are kept."""
        self._loop = loop
        self._nameservers = tuple(nameservers)
        self._slots = asyncio.Semaphore(at_once)
        self._suspect_slots = asyncio.Semaphore(suspects_at_once)
        self._suspects: dict[str, None] = {}
        self._keep_s = keep_s
        self._keep_failed_s = keep_failed_s
        self._give_up_s = give_up_s
        self._clock = clock
        self._answers: dict[str, _Answer] = {}
        self._flights: dict[str, _Flight] = {}
        self._ares: aiodns.DNSResolver | None = None
        self._closed = False

    def cached(self, host: str) -> tuple[str, ...] | None:
        """The addresses if they are known now; the same tuple object as long as the same answer stands."""
        answer = self._answers.get(host)
        if answer is None or not answer.addresses or answer.until <= self._clock():
            return None
        return answer.addresses

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The addresses of a name, IPv4 and IPv6, in the order of preference (RFC 6724). Raises Unresolved. May be cancelled by
        the one who waits; the query goes on for the others and for the cache."""
        answer = self._answers.get(host)
        if answer is None or answer.until <= self._clock():
            answer = await self._wait_for(host)
        if not answer.addresses:
            raise Unresolved(answer.why, timed_out=answer.timed_out)
        return answer.addresses

    async def close(self) -> None:
        """Ends all queries; those who wait get Unresolved."""
        self._closed = True
        tasks = [flight.task for flight in self._flights.values()]
        if self._ares is not None:
            await self._ares.close()
            self._ares = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_for(self, host: str) -> _Answer:
        if self._closed:
            raise Unresolved("the resolver is closed")
        flight = self._flights.get(host)
        if flight is None:
            flight = self._flights[host] = _Flight(self._loop.create_task(self._look_up(host)))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.task.cancelled():
                raise Unresolved("the resolver was closed") from None
            raise
        finally:
            flight.waiting -= 1

    async def _look_up(self, host: str) -> _Answer:
        """Asks, keeps the answer, and lets go of the flight. Raises nothing but CancelledError."""
        slots = self._suspect_slots if host in self._suspects else self._slots
        try:
            async with slots:
                if self._flights[host].waiting == 0:
                    return _Answer((), "nobody waits", True, 0.0)
                answer = await self._ask(host)
        finally:
            del self._flights[host]
        return self._keep(host, answer)

    async def _ask(self, host: str) -> _Answer:
        if self._ares is None:
            # The first name starts c-ares: literal addresses alone need none of its threads. The order of hosts file and name
            # servers is nsswitch.conf's: pycares 5.2 hands c-ares a string of `lookups` that it has freed by then.
            self._ares = aiodns.DNSResolver(
                nameservers=self._nameservers or None, loop=self._loop, timeout=2.0, tries=2, flags=_FLAGS
            )
        try:
            async with asyncio.timeout(self._give_up_s):
                found = await self._ares.getaddrinfo(host)
        except TimeoutError:
            return self._failed("the name servers did not answer in time", timed_out=True)
        except aiodns.error.DNSError as error:
            code = error.args[0] if error.args else None
            timed_out = code == _TIMED_OUT
            why = "the name servers did not answer in time" if timed_out else _WHY.get(code, "the name could not be resolved")
            return self._failed(why, timed_out=timed_out)
        addresses = tuple(dict.fromkeys(node.addr[0].decode("ascii") for node in found.nodes))
        if not addresses:
            return self._failed("the name has no address")
        return _Answer(addresses, "", False, self._clock() + self._keep_s)

    def _failed(self, why: str, *, timed_out: bool = False) -> _Answer:
        return _Answer((), why, timed_out, self._clock() + self._keep_failed_s)

    def _keep(self, host: str, answer: _Answer) -> _Answer:
        known = self._answers.get(host)
        if known is not None and known.addresses and set(known.addresses) == set(answer.addresses):
            # Round robin turns the order; who compares by identity need not vet the same addresses again.
            answer = _Answer(known.addresses, "", False, answer.until)
        self._answers.pop(host, None)
        self._answers[host] = answer
        self._suspects.pop(host, None)
        if answer.timed_out:
            self._suspects[host] = None
        for kept in (self._answers, self._suspects):
            if len(kept) > _MAX_CACHED:
                del kept[next(iter(kept))]
        return answer
