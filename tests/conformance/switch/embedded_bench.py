"""The embedded switch with pjsua2 at the far ends, in real time: in this process, and in one of its own as a server has it. Its
stories are told side by side (`Together`), or they would take minutes: each has a switch and a phone process of its own."""

import asyncio
import atexit
import inspect
import logging
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pytest
from sip_phones import PhoneProcess, babble, write_wav
from switch_benches import CALLED, CALLER, LONGEST_S, Bench, Phone
from switch_doubles import CHARACTERS_PER_S, Humming, Knowing

from ringback.calls.live import Detection, Dial, Incoming
from ringback.switch.apart.messages import Begin
from ringback.switch.apart.switch import ApartSwitch
from ringback.switch.clock import LoopClock
from ringback.switch.embedded.settings import EmbeddedSettings
from ringback.switch.embedded.sip.settings import Trunk
from ringback.switch.embedded.switch import EmbeddedSwitch

AT_ONCE = 6
"""Stories, each with a process that costs some percent of a core."""
HERE = "127.0.0.1"
STATUS: Mapping[str, int] = {"busy": 486, "reject": 603, "fail": 404}


@cache
def said(text: str) -> str:
    """A file that takes as long as the text would."""
    folder = Path(tempfile.mkdtemp(prefix="ringback-phones-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(write_wav(folder / "said.wav", babble(len(text) / CHARACTERS_PER_S)))


class SipPhone:
    """One call of the story's phone."""

    def __init__(self, bench: "EmbeddedBench", leg: str, call: str, detected: bool = False) -> None:
        self.leg = leg
        self._bench, self._call, self._detected = bench, call, detected

    async def ring(self) -> None:
        self._do("status", status=180)

    async def answer(self, who: Literal["human", "machine"] = "human") -> None:
        self._do("status", status=200)
        if self._detected:
            self._do("play", file=said("Hello there" if who == "human" else "You have reached somebody who is not here. " * 2))

    async def refuse(self, how: Literal["busy", "reject", "fail"]) -> None:
        self._do("status", status=STATUS[how])

    async def press(self, keys: str) -> None:
        self._do("press", keys=keys)

    async def speak(self, text: str) -> None:
        self._bench.said.write_text(text)
        self._do("play", file=said(text))

    async def hang_up(self) -> None:
        self._do("hangup")

    def _do(self, order: str, **more: Any) -> None:
        self._bench.phone.do(order, call=self._call, **more)


class EmbeddedBench(Bench):
    """See the module."""

    phone: PhoneProcess

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.said = folder / "said"

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        trunk = Trunk(name="phones", addresses=(f"{HERE}/32",), host=HERE, port=self.phone.port)
        self.switch = self.embedded = self._made(EmbeddedSettings(port=0, trunks=(trunk,)))
        return await super().__aenter__()

    def _made(self, settings: EmbeddedSettings) -> EmbeddedSwitch | ApartSwitch:
        return EmbeddedSwitch(
            LoopClock(asyncio.get_running_loop()),
            settings,
            speaker=Humming(),
            library=Humming(),
            recogniser=Knowing(self.said),
            recordings=self._folder,
        )

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await super().__aexit__(kind, error, trace)
        assert self.embedded.legs == 0

    async def call_in(self, from_: str, to: str) -> Phone:
        known = {told.leg for told in self._all}
        call = self.phone.call(to, self.embedded.address[1], from_)
        await self.until(lambda: any(isinstance(told, Incoming) and told.leg not in known for told in self._all))
        (leg,) = {told.leg for told in self._all if isinstance(told, Incoming)} - known
        return SipPhone(self, leg, call)

    async def dial(
        self, leg: str, parent: str = "", timeout_s: float = 30.0, detection: Detection | None = None, to: str = CALLED
    ) -> Phone:
        def came_in() -> list[str]:
            return [told["call"] for told in list(self.phone.events) if told["event"] == "incoming"]

        before = len(came_in())
        self.obey(Dial(leg, parent, to, CALLER, timeout_s, detection))
        await self.until(lambda: len(came_in()) > before)
        return SipPhone(self, leg, came_in()[before], detection is not None)

    async def until(self, happens: Callable[[], bool], or_else: Callable[[], str] = lambda: "something") -> None:
        deadline = time.monotonic() + LONGEST_S
        while not happens():
            assert time.monotonic() < deadline, f"waited for {or_else()}"
            await asyncio.sleep(0.01)

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def seconds(self) -> float:
        return time.monotonic()


class ApartBench(EmbeddedBench):
    """The same in a process of its own (`apart_child`)."""

    def _made(self, settings: EmbeddedSettings) -> EmbeddedSwitch | ApartSwitch:
        begin = Begin(sip=settings, recordings=str(self._folder), log_level=logging.WARNING, more=str(self.said).encode())
        command = (sys.executable, str(Path(__file__).with_name("apart_child.py")))
        return ApartSwitch(LoopClock(asyncio.get_running_loop()), [begin], command)


REAL: Mapping[str, type[EmbeddedBench]] = {"embedded": EmbeddedBench, "apart": ApartBench}


class Together:
    """Tells a module's stories side by side, in a thread with a loop of its own; each test asks for its own end."""

    def __init__(self, items: list[pytest.Function], folder: Path) -> None:
        self.ends: dict[str, Future[None]] = {item.nodeid: Future() for item in items}
        self._items, self._folder = items, folder
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), name="stories", daemon=True)
        self._thread.start()

    async def _all(self) -> None:
        waiting = list(reversed(self._items))
        await asyncio.gather(*(self._teller(waiting) for _ in range(min(AT_ONCE, len(waiting)))))

    async def _teller(self, waiting: list[pytest.Function]) -> None:
        phone = await asyncio.to_thread(PhoneProcess().__enter__)
        try:
            while waiting:
                item = waiting.pop()
                if not self.ends[item.nodeid].set_running_or_notify_cancel():
                    continue
                try:
                    await self._told(item, phone)
                except BaseException as error:  # the test's to raise
                    self.ends[item.nodeid].set_exception(error)
                else:
                    self.ends[item.nodeid].set_result(None)
        finally:
            await asyncio.to_thread(phone.close)

    async def _told(self, item: pytest.Function, phone: PhoneProcess) -> None:
        bench = REAL[item.callspec.params["bench"]](self._folder / str(id(item)))
        bench.phone = phone
        parameters = {name: value for name, value in item.callspec.params.items() if name != "bench"}
        wanted = {name: parameters.get(name, bench) for name in inspect.signature(item.obj).parameters}
        try:
            async with bench:
                await item.obj(**wanted)
        finally:
            await asyncio.to_thread(phone.clear)

    def close(self) -> None:
        """Nothing more is begun; waits for what is going on."""
        for end in self.ends.values():
            end.cancel()
        self._thread.join(LONGEST_S)
