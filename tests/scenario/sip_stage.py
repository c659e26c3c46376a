"""A SIP engine on loopback and phones that call it and are called: sipp, which plays the scenarios of tests/data/sipp."""

import asyncio
import gc
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pytest

from ringback.switch.embedded import sdp
from ringback.switch.embedded.signalling import Accepted, Ended, Invited, Offered, Peer, Ringing, Signal
from ringback.switch.embedded.sip.settings import Phone, SipSettings, Trunk
from ringback.switch.embedded.sip.signalling import SipSignalling

SCENARIOS = Path(__file__).parent.parent / "data" / "sipp"
HERE = "127.0.0.1"
TRUNK = "127.0.0.2"
"""Where sipp is when it is a trunk; phones and strangers are elsewhere."""
PATIENCE_S = 20.0
LOCAL = sdp.Local(address=HERE, port=40_000, session=7)
OFFER = sdp.offer(LOCAL)

needs_sipp = pytest.mark.needs("sipp")
S = TypeVar("S", Invited, Ringing, Accepted, Offered, Ended)


def settings(**changed: object) -> SipSettings:
    """An engine with one trunk and two phones."""
    plain = {
        "port": 0,
        "trunks": (Trunk(name="carrier", addresses=("127.0.0.2/32",)),),
        "phones": (Phone(user="alice", password="wonderland", extension="7000"), Phone(user="bob", password="builder")),
        "phones_from": ("127.0.0.1/32", "127.0.0.3/32"),
    }
    return SipSettings(**{**plain, **changed})


class Engine:
    """A running engine. `next` takes what it told, in order; `behaves` is what is done at once with what is told."""

    def __init__(self, config: SipSettings | None = None, pace: float = 1.0) -> None:
        self.sip = SipSignalling(config or settings(), pace=pace)
        self.told: list[Signal] = []
        self.all: list[Signal] = []
        self.behaves: Callable[[Signal], None] = lambda _: None
        self._more = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.sip.start(self._tell)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.sip.stop()
        if error is None:
            for leg in {signal.leg for signal in self.all}:
                of = [signal for signal in self.all if signal.leg == leg]
                assert isinstance(of[-1], Ended), f"every leg ends: {of}"
                assert sum(isinstance(signal, Ended) for signal in of) == 1, f"once: {of}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.sip.address[1]

    async def next(self, kind: type[S]) -> S:
        """The next thing told, which must be this."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.told:
                self._more.clear()
                await self._more.wait()
        signal = self.told.pop(0)
        assert isinstance(signal, kind), signal
        return signal

    async def ends(self, calls: int) -> list[Ended]:
        """Waits until so many calls are over."""
        async with asyncio.timeout(PATIENCE_S * 3):
            while len(ends := [signal for signal in self.all if isinstance(signal, Ended)]) < calls:
                self._more.clear()
                await self._more.wait()
        return ends

    def answer(self, invited: Invited) -> None:
        """As a switch would."""
        self.sip.accept(invited.leg, sdp.answer(invited.sdp, LOCAL)[0] if invited.sdp else OFFER)

    def call(self, port: int, leg: str = "out-1", to: str = "+13005550199", **peer: object) -> None:
        """Calls a number at a sipp."""
        self.sip.invite(leg, to, "+13005550100", OFFER, Peer(**{"name": "carrier", "host": TRUNK, "port": port, **peer}))

    def _tell(self, signal: Signal) -> None:
        self.told.append(signal)
        self.all.append(signal)
        self._more.set()
        self.behaves(signal)


class Sipp:
    """One run of a scenario."""

    def __init__(self, process: asyncio.subprocess.Process, host: str, port: int, errors: Path) -> None:
        self._process, self._host, self.port, self._errors = process, host, port, errors

    async def listening(self, transport: str) -> None:
        """Waits until it can be called; over UDP a call is repeated until then."""
        async with asyncio.timeout(PATIENCE_S):
            while transport == "tcp":
                with socket.socket() as probe:
                    if probe.connect_ex((self._host, self.port)) == 0:
                        return
                await asyncio.sleep(0.02)

    async def done(self) -> None:
        """Waits for its end; every call must have gone as its scenario says."""
        async with asyncio.timeout(PATIENCE_S * 3):
            await self._process.wait()
        said = self._errors.read_text() if self._errors.exists() else ""
        assert self._process.returncode == 0, f"sipp: {self._process.returncode}\n{said[:3000]}"

    async def end(self) -> None:
        """Ends it whatever it does."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def free_port(host: str) -> int:
    """A port that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((host, 0))
            try:
                tcp.bind((host, udp.getsockname()[1]))
            except OSError:
                continue
            return int(udp.getsockname()[1])


@asynccontextmanager
async def sipp(
    folder: Path,
    scenario: str,
    engine: Engine | None = None,
    *options: str,
    host: str = TRUNK,
    calls: int = 1,
    to: str = "+13005550199",
    **words: str,
) -> AsyncIterator[Sipp]:
    """Runs a scenario, calling `engine` or waiting to be called; `words` are put in place of theirs in capitals."""
    text = (SCENARIOS / f"{scenario}.xml").read_text()
    for word, put in words.items():
        text = text.replace(word, put)
    file, errors, port = folder / f"{scenario}.xml", folder / f"{scenario}.errors", free_port(host)
    file.write_text(text)
    where = [f"{HERE}:{engine.port}"] if engine is not None else []
    base = [
        "-sf",
        str(file),
        "-i",
        host,
        "-p",
        str(port),
        "-m",
        str(calls),
        "-s",
        to,
        "-nostdin",
        "-mp",
        str(port // 4 * 2 + 1_024),
    ]
    limits = ["-timeout", "60s", "-timeout_error", "-trace_err", "-error_file", str(errors)]
    process = await asyncio.create_subprocess_exec(
        "sipp", *where, *base, *limits, *options, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, cwd=folder
    )
    run = Sipp(process, host, port, errors)
    try:
        yield run
    finally:
        await run.end()


OURS = ("Dialogue", "SipTransaction", "_Timer", "SipMsg", "SipRequest", "SipHeader", "Way", "Invited")


def things() -> Counter[str]:
    """What there is of ours and of sippy's."""
    gc.collect()
    there = Counter(type(thing).__name__ for thing in gc.get_objects())
    return Counter({name: there[name] for name in OURS})
