"""The media of the embedded switch on one core: what a session costs, and how punctual the 20 ms slots are.

    python bench/media.py SECONDS [SCENE]...     measures in this process, prints JSON; the phones have the other core

Scenes: `playing` (100 legs hear a prompt), `bridged` (50 bridges, 100 legs), `recording` (50 legs, both sides mixed), `tones` (50
legs without named keys, whose sound is searched for keys), `all` (the first two at once, and each bridge recorded).
`waited_pct`: of the time, how long this process could have run while its core ran another; `stolen_pct`: what the machine's
neighbours took.
"""

import asyncio
import gc
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from blackbox import pinned, stolen
from figures import Plan, Result
from scene import BENCH, ENGINE_CORE, OUTSIDE_CORE

from ringback.switch.embedded.media import Clip, Media, MediaSession
from ringback.switch.embedded.media.slots import Lateness

HERE = "127.0.0.1"
SETTLE_S = 1.0


def _prompt() -> Clip:
    """A minute that is no pattern; of its own for each leg, as speech that was made for it is: each frame is coded."""
    return Clip(random.randbytes(16_000 * 60))


def _play(legs: list[MediaSession], _: Path) -> None:
    for leg in legs:
        leg.play(1, (_prompt(),), lambda _: None)


def _bridge(legs: list[MediaSession], _: Path) -> None:
    for one, other in zip(legs[::2], legs[1::2], strict=True):
        one.bridge(other)


def _record(legs: list[MediaSession], folder: Path) -> None:
    for number, leg in enumerate(legs):
        leg.record(2, folder / f"{number}.wav", lambda _, __: None, limit_s=3_600, silence_s=60)


def _all(legs: list[MediaSession], folder: Path) -> None:
    _play(legs[:100], folder)
    _bridge(legs[100:], folder)
    _record(legs[100::2], folder)


SCENES: dict[str, tuple[int, int | None, Callable[[list[MediaSession], Path], None]]] = {
    "playing": (100, 101, _play),
    "bridged": (100, 101, _bridge),
    "recording": (50, 101, _record),
    "tones": (50, None, lambda _, __: None),
    "all": (200, 101, _all),
}
"""Legs, payload type of named keys, what is done with them."""


def _waited_s() -> float:
    """Of this process's threads, since they began: ready to run, and not run."""
    return sum(int(path.read_text().split()[1]) for path in Path("/proc/self/task").glob("*/schedstat")) / 1e9


async def _scene(name: str, seconds: float, folder: Path) -> Result:
    count, events, begin = SCENES[name]
    phones = subprocess.Popen(  # noqa: ASYNC220 (nothing is to be punctual yet)
        pinned(OUTSIDE_CORE, [sys.executable, str(BENCH / "media_phones.py"), str(count)]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert phones.stdin is not None
    assert phones.stdout is not None
    media = Media(HERE, (30_000, 31_000))
    try:
        ports = json.loads(await asyncio.to_thread(phones.stdout.readline))
        legs = [media.session(lambda _: None, lambda: None) for _ in ports]
        for leg, port in zip(legs, ports, strict=True):
            leg.connect((HERE, port), "PCMU", events)
        begin(legs, folder)
        phones.stdin.write(json.dumps([leg.local[1] for leg in legs]) + "\n")
        phones.stdin.flush()
        await asyncio.sleep(SETTLE_S)
        gc.collect()
        media.lateness.__dict__.update(Lateness().__dict__)
        cpu, wall, lost, queued = time.process_time(), time.monotonic(), stolen(), _waited_s()
        await asyncio.sleep(seconds)
        used, passed = time.process_time() - cpu, time.monotonic() - wall
        waited = _waited_s() - queued
        every, gone = (now - then for now, then in zip(stolen(), lost, strict=True))
        late = media.lateness
        phones.stdin.close()
        heard = json.loads(await asyncio.to_thread(phones.stdout.readline))
    finally:
        phones.kill()
        phones.wait()
        phones.stdin.close()
        phones.stdout.close()
        await media.close()
    return {
        "legs": count,
        "core_pct": round(100 * used / passed, 1),
        "leg_us_a_slot": round(1e6 * used / passed / 50 / count, 1),
        "punctual_pct": round(100 * late.punctual_share, 3),
        "late_p50_ms": late.percentile_ms(0.5),
        "late_p99_ms": late.percentile_ms(0.99),
        "late_worst_ms": round(late.worst_ms, 1),
        "skipped": late.skipped,
        "waited_pct": round(100 * waited / passed, 1),
        "stolen_pct": round(100 * gone / max(every, 1e-9), 2),
        **heard,
    }


def measure(seconds: float, scenes: list[str]) -> Result:
    """In this process."""
    with tempfile.TemporaryDirectory() as folder:
        rows = {}
        for name in scenes:
            Path(folder, name).mkdir()
            rows[name] = asyncio.run(_scene(name, seconds, Path(folder, name)))
        return rows


def media(plan: Plan) -> Result:
    """The embedded switch's media: 100 prompts and 50 recorded bridges at once."""
    words = pinned(ENGINE_CORE, [sys.executable, str(BENCH / "media.py"), str(plan.seconds)])
    rows = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    for name, row in rows.items():
        plan.say(f"media: {name}: {row}")
    return {"value": rows["all"]["punctual_pct"], "leg_us": rows["all"]["leg_us_a_slot"], "scenes": rows}


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]), sys.argv[2:] or list(SCENES)), indent=1))
