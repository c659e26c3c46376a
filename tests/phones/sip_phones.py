"""Phones for tests: pjsua2, each in a process of its own (see pjsua_phone.py), steered from here."""

import contextlib
import json
import math
import os
import random
import struct
import subprocess
import sys
import threading
import time
import wave
from array import array
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

PROGRAM = Path(__file__).with_name("pjsua_phone.py")
PATIENCE_S = 20.0
HERE = "127.0.0.1"
RATE = 8_000
needs_phones = (
    pytest.mark.needs("pjsua2")
    if sys.version_info < (3, 13)
    else pytest.mark.skip(reason="pjsua2-python has wheels up to Python 3.12: there is nothing to install")
)
_NEXT_RTP = iter(range(30_000 + os.getpid() * 640 % 20_000, 65_000, 64))


class PhoneProcess:
    """Up to four calls. `events` holds everything that was told so far."""

    def __init__(self, host: str = HERE) -> None:
        """`host`: the address of loopback that it is at."""
        self.host = host
        self.events: list[dict[str, Any]] = []
        self.port = 0
        self._calls = 0
        self._more = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(next(_NEXT_RTP)), host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self.port = int(self.wait("ready")["port"])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join()
        process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                with self._more:
                    self.events.append({"at": time.monotonic(), **json.loads(line)})
                    self._more.notify_all()

    def do(self, order: str, **more: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": order, **more}) + "\n")
        self._process.stdin.flush()

    def has(self, event: str, **wanted: Any) -> dict[str, Any] | None:
        """What was told that fits, the first."""
        found = (told for told in list(self.events) if told["event"] == event and wanted.items() <= told.items())
        return next(found, None)

    def wait(self, event: str, within_s: float = PATIENCE_S, **wanted: Any) -> dict[str, Any]:
        """Waits for it."""
        deadline = time.monotonic() + within_s
        with self._more:
            while (found := self.has(event, **wanted)) is None:
                left = deadline - time.monotonic()
                assert left > 0, f"no {event} {wanted} in {self.events[-20:]}"
                assert self._process.poll() is None, f"the phone ended with {self._process.returncode}"
                self._more.wait(min(left, 0.5))
        return found

    # Shorthands
    def call(self, to: str, port: int, from_: str = "+13005550100", name: str = "") -> str:
        """Calls a number at the switch; the call's name."""
        self._calls += 1
        call = f"out-{self._calls}"
        quoted = f'"{name}" ' if name else ""
        uri = from_ if "sip:" in from_ else f"{quoted}<sip:{from_}@{HERE}>"
        self.do("call", call=call, to=f"sip:{to}@{HERE}:{port}", **{"from": uri})
        return call

    def incoming(self, count: int = 1, within_s: float = PATIENCE_S) -> str:
        """The name of the call that is the `count`th to come in."""
        name = f"in-{count}"
        self.wait("incoming", call=name, within_s=within_s)
        return name

    def state(self, call: str, state: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Waits for a state: CALLING, EARLY, CONFIRMED, DISCONNECTED, …"""
        return self.wait("state", call=call, state=state, within_s=within_s)

    def clear(self) -> None:
        """Hangs up everything, and waits until that is done."""
        before = len(self.events)
        self.do("clear")
        until(lambda: any(told["event"] == "cleared" for told in self.events[before:]))

    def register(self, port: int, user: str, password: str) -> str:
        """Registers, and returns the URI that it calls as; the answer is told by `registered`."""
        uri = f"sip:{user}@{HERE}:{port}"
        self.do("account", uri=uri, user=user, password=password, registrar=f"sip:{HERE}:{port}")
        return uri


# Sound
def write_wav(path: Path, samples: "array[int]") -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def tone(hz: float, seconds: float, loud: int = 8_000) -> "array[int]":
    return array("h", (round(loud * math.sin(2 * math.pi * hz * n / RATE)) for n in range(round(seconds * RATE))))


@cache
def babble(seconds: float) -> "array[int]":
    """Nothing that could be understood, but loud and uneven as speech is, and no single tone."""
    dice = random.Random(7)
    samples = array("h")
    while len(samples) < seconds * RATE:
        pitch, formants, loud = dice.uniform(110, 190), [dice.uniform(300, 2_500) for _ in range(3)], dice.uniform(3_000, 6_000)
        length = round(dice.uniform(0.09, 0.2) * RATE)
        for n in range(length):
            swell = math.sin(math.pi * n / length) * 0.7 + 0.3
            voice = math.sin(2 * math.pi * pitch * n / RATE) + sum(math.sin(2 * math.pi * hz * n / RATE) for hz in formants)
            samples.append(round(loud * swell * voice / 4 + dice.uniform(-300, 300)))
    return samples[: round(seconds * RATE)]


def read_wav(path: str | Path) -> list[list[int]]:
    """A list of samples for each channel, once the file is whole: a phone closes its own a moment after its call has ended."""
    until(lambda: Path(path).read_bytes()[4:8] == struct.pack("<I", Path(path).stat().st_size - 8), 5)
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        samples = list(struct.iter_unpack(f"<{file.getnchannels()}h", file.readframes(file.getnframes())))
        return [list(channel) for channel in zip(*samples, strict=True)] or [[] for _ in range(file.getnchannels())]


def share(samples: list[int], hz: float) -> float:
    """Of the power of these samples, what is at a frequency (Goertzel), 0 to 1."""
    total = sum(s * s for s in samples)
    if not total:
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * hz / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    return (before * before + last * last - coefficient * before * last) / (total * len(samples) / 2)


def seconds_of(samples: list[int], hz: float, least: float = 0.7) -> float:
    """For how long a tone is heard in it."""
    step = RATE // 20
    pieces = (samples[at : at + step] for at in range(0, len(samples) - step + 1, step))
    return sum(max(map(abs, piece)) > 500 and share(piece, hz) >= least for piece in pieces) / 20


def loud_s(samples: list[int]) -> float:
    """For how long there is sound."""
    return sum(max(map(abs, samples[at : at + 160])) > 500 for at in range(0, len(samples), 160)) / 50


@contextlib.contextmanager
def phones(count: int = 1) -> Iterator[list[PhoneProcess]]:
    """So many phones, started together."""
    with contextlib.ExitStack() as stack:
        made = [PhoneProcess() for _ in range(count)]
        yield [stack.enter_context(one) for one in made]


def until(condition: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Waits for it; what it was."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return value
