"""The figures, one function each: set a scene, let it run, give back numbers. `run.py` puts them beside their goals."""

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blackbox import Api, Server, free_port, memory_mb, pinned, receiving, until
from lean import drop_search_indexes
from scene import (
    BENCH,
    BUILD,
    ENDPOINTS,
    OUTSIDE_CORE,
    RECEIVER_PORT,
    Meter,
    Nginx,
    address,
    drained,
    full_store,
    new_data,
    serving,
    set_up,
    silent_udp,
    urls,
    wrk,
)

Result = dict[str, Any]
HUNG = range(5, ENDPOINTS, 10)
"""Every tenth endpoint: of these, one half accepts and never answers, the other half has a name that never resolves."""


@dataclass(frozen=True)
class Plan:
    """How long and how often. `say` tells a person what is going on."""

    say: Callable[[str], None]
    seconds: float
    runs: int
    rows: int
    pending: int
    pairs: int
    hang_seconds: float


def nginx() -> Nginx:
    """The receiver of all endpoints."""
    return Nginx(BUILD / "nginx", [address(index) for index in range(ENDPOINTS)], free_port())


def median(rows: list[Result], name: str) -> float:
    """Of a figure over the runs."""
    return round(statistics.median(float(row[name]) for row in rows), 1)


def _throughput(plan: Plan, server: Server, api: Api, outside: Nginx, label: str, batch: int = 1) -> list[Result]:
    rows: list[Result] = []
    for number in range(plan.runs):
        first = outside.received()
        meter = Meter(server, outside.pid)
        started = time.monotonic()
        load = wrk(server, api.key, plan.seconds, batch=batch, connections=64 if batch == 1 else 16)
        accepted_meter = meter.read(load["accepted"], load["cpu_s"])
        ended = drained(api, outside)
        delivered = outside.received() - first
        rate = delivered / (ended - started)
        row: Result = {
            "delivered_per_s": round(rate),
            "accepted_per_s": round(load["accepted"] / load["seconds"]),
            "delivered": delivered,
        }
        row |= {name: load[name] for name in ("accepted", "refused", "broken", "p50_ms", "p99_ms")}
        row |= meter.read(delivered, load["cpu_s"]) | {
            "while_producing": accepted_meter,
            "drain_s": round(ended - started - plan.seconds, 2),
        }
        rows.append(row)
        plan.say(f"{label} {number + 1}/{plan.runs}: {row['delivered_per_s']} delivered/s, {row['accepted_per_s']} accepted/s")
    return rows


def durable(plan: Plan) -> Result:
    """Deliveries a second, one update per request, on a full store with all indexes, to the last delivery."""
    data, key = full_store(plan.rows)
    with nginx().serving() as outside, serving(data) as server:
        rows = _throughput(plan, server, server.api(key), outside, "durable")
    return {"value": median(rows, "delivered_per_s"), "engine_us": median(rows, "engine_us"), "runs": rows}


def lean(plan: Plan) -> Result:
    """The same on an empty store without the indexes that only searches need."""
    data = new_data("lean")
    with serving(data) as server:
        api = set_up(server, urls())
    dropped = drop_search_indexes(data)
    with nginx().serving() as outside, serving(data) as server:
        rows = _throughput(plan, server, server.api(api.key), outside, "lean")
    return {"value": median(rows, "delivered_per_s"), "engine_us": median(rows, "engine_us"), "dropped": dropped, "runs": rows}


def batches(plan: Plan) -> Result:
    """Updates a second that are accepted durably, in batches of 100, on a full store, each with its delivery."""
    data, key = full_store(plan.rows)
    with nginx().serving() as outside, serving(data) as server:
        rows = _throughput(plan, server, server.api(key), outside, "batches", batch=100)
        unheard = _throughput(plan, server, server.new_account("unheard"), outside, "batches, no endpoint", batch=100)
    each = {"engine_us": median([row["while_producing"] for row in rows], "engine_us")}
    each["unheard_us"] = median([row["while_producing"] for row in unheard], "engine_us")
    return {"value": median(rows, "accepted_per_s"), "unheard": median(unheard, "accepted_per_s"), **each, "runs": rows + unheard}


def latency(plan: Plan) -> Result:
    """From the moment of sending an update to the arrival of its webhook, at 1,000 a second, on a full store."""
    data, key = full_store(plan.rows)
    rows: list[Result] = []
    with serving(data) as server:
        for number in range(plan.runs):
            meter = Meter(server)
            options = ["--port", str(server.port), "--key", key, "--receive", str(RECEIVER_PORT), "--seconds", str(plan.seconds)]
            words = pinned(OUTSIDE_CORE, [sys.executable, str(BENCH / "pacer.py"), *options])
            row: Result = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
            row |= meter.read(row["delivered"])
            rows.append(row)
            shown = f"p50 {row['delivered_p50_ms']} ms, p99 {row['delivered_p99_ms']} ms"
            plan.say(f"latency {number + 1}/{plan.runs}: {shown} at {row['rate']:.0f}/s")
    found = {name: statistics.median(row[name] for row in rows) for name in ("delivered_p50_ms", "delivered_p99_ms")}
    return {
        "value": found["delivered_p50_ms"],
        "p99": found["delivered_p99_ms"],
        "engine_us": median(rows, "engine_us"),
        "runs": rows,
    }


def backlog(plan: Plan) -> Result:
    """Memory idle and with a million pending (their receiver is down), and the time that a restart takes then."""
    server = Server(new_data("backlog"), core=0)
    server.start()
    try:
        api = set_up(server, urls(free_port()))
        time.sleep(2)
        idle = memory_mb(server.pid)
        meter = Meter(server)
        accepted = 0.0
        while accepted < plan.pending:
            accepted += wrk(server, api.key, min(10, plan.seconds), batch=100, connections=16)["accepted"]
            plan.say(f"backlog: {accepted:.0f} pending, {memory_mb(server.pid)['rss']:.0f} MB")
        filled = meter.read(accepted)
        time.sleep(5)
        full = memory_mb(server.pid)
        restarts = []
        for _ in range(plan.runs):
            server.kill()
            restarts.append(round(server.start(120), 2))
            plan.say(f"backlog: ready again after kill -9 in {restarts[-1]} s")
            time.sleep(1)
        time.sleep(10)
        after = memory_mb(server.pid)
    finally:
        server.stop()
    shown = {
        name: {kind: round(mb, 1) for kind, mb in row.items()}
        for name, row in {"idle": idle, "full": full, "after_restart": after}.items()
    }
    worst = max(full["rss"], after["rss"])
    return {
        "idle": round(idle["rss"]),
        "pending": round(worst),
        "restart": statistics.median(restarts),
        "restarts": restarts,
        "pending_rows": int(accepted),
        "memory_mb": shown,
        "filling": filled,
    }


def _share(plan: Plan, *, hang: bool) -> Result:
    """One run: what the healthy nine tenths got per second, with the rest healthy too or hanging."""
    name_server, targets = silent_udp(), urls()
    for place, index in enumerate(HUNG):
        if hang and place % 2:
            targets[index] = f"http://silent-{index}.example.net:{RECEIVER_PORT}/hook"
    healthy = Nginx(BUILD / "nginx", [address(i) for i in range(ENDPOINTS) if i not in HUNG], free_port())
    others = Nginx(BUILD / "nginx-tenth", [address(i) for i in HUNG], free_port())
    with contextlib.ExitStack() as stack:
        stack.enter_context(healthy.serving())
        if hang:
            waiting = HUNG[::2]
            ports = stack.enter_context(receiving([address(index) for index in waiting], "--hang", core=OUTSIDE_CORE))
            for index, port in zip(waiting, ports, strict=True):
                targets[index] = f"http://{address(index)}:{port}/hook"
        else:
            stack.enter_context(others.serving())
        stack.callback(name_server.close)
        env = {"RINGBACK_NAMESERVERS": f"127.0.0.1:{name_server.getsockname()[1]}"}
        server = stack.enter_context(serving(new_data("hang"), env=env))
        api = set_up(server, targets)
        meter = Meter(server, healthy.pid)
        started, last = time.monotonic(), [-1, 0]
        load = wrk(server, api.key, plan.hang_seconds)

        def still() -> bool:
            last[:] = [healthy.received(), last[0]]
            return last[0] == last[1]

        until(still, 120, "the healthy endpoints' last delivery", every_s=0.25)
        seconds = time.monotonic() - started - 0.25
        row: Result = {
            "healthy_per_s": round(last[0] / seconds),
            "healthy": last[0],
            "accepted": load["accepted"],
            "refused": load["refused"],
        }
        return row | meter.read(last[0], load["cpu_s"]) | {"memory_mb": round(memory_mb(server.pid)["rss"])}


def hang(plan: Plan) -> Result:
    """What healthy endpoints get while a tenth of all hangs, as a share of what they get when none does; interleaved pairs."""
    pairs = []
    for number in range(plan.pairs):
        order = (False, True) if number % 2 == 0 else (True, False)
        runs = {kind: _share(plan, hang=kind) for kind in order}
        ratio = round(runs[True]["healthy_per_s"] / runs[False]["healthy_per_s"], 3)
        pairs.append({"ratio": ratio, "none_hangs": runs[False], "a_tenth_hangs": runs[True]})
        plan.say(f"hang {number + 1}/{plan.pairs}: {ratio} ({runs[True]['healthy_per_s']} of {runs[False]['healthy_per_s']}/s)")
    return {
        "value": statistics.median(pair["ratio"] for pair in pairs),
        "least": min(pair["ratio"] for pair in pairs),
        "pairs": pairs,
    }


FIGURES: dict[str, Callable[[Plan], Result]] = {
    "durable": durable,
    "lean": lean,
    "batches": batches,
    "latency": latency,
    "backlog": backlog,
    "hang": hang,
}
