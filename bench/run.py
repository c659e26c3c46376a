"""`make bench`: runs the figures, shows them beside their goals, and writes bench-results.json.

    python bench/run.py                       all of them
    python bench/run.py durable latency       some
    python bench/run.py --short               the same way, shorter: for a first look, not for a claim

One core is the engine's, the other has the receivers and the load generator; how busy each was is shown, and what the machine's
neighbours took ("stolen"), which makes every figure worse.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asking import asking
from calls import calls
from figures import FIGURES as OTHERS
from figures import Plan, Result
from interpreter import voxml
from rich.console import Console
from rich.table import Table
from scene import ROOT
from simulator import simulator

FULL = {"seconds": 20, "runs": 3, "rows": 1_000_000, "pending": 1_000_000, "pairs": 5, "hang_seconds": 46}
SHORT = {"seconds": 5, "runs": 1, "rows": 50_000, "pending": 50_000, "pairs": 1, "hang_seconds": 16}

FIGURES: dict[str, Callable[[Plan], Result]] = {**OTHERS, "asking": asking, "voxml": voxml, "simulator": simulator, "calls": calls}

Row = tuple[str, str, str, float, float, bool]
ROWS: dict[str, Callable[[Result], list[Row]]] = {
    # what, goal, at least, reached, engine's microseconds per item (0: none), kept
    "durable": lambda r: [
        ("durable deliveries/s, one update per request", "12,000", "6,000", r["value"], r["engine_us"], r["value"] >= 6_000)
    ],
    "lean": lambda r: [("the same, empty store, no search indexes", "18,000", "–", r["value"], r["engine_us"], True)],
    "batches": lambda r: [
        ("batches of 100: updates/s accepted durably", "30,000", "12,000", r["value"], r["engine_us"], r["value"] >= 12_000),
        ("the same, of an account without endpoints", "–", "–", r["unheard"], r["unheard_us"], True),
    ],
    "latency": lambda r: [
        ("ingest → delivered p50 at 1,000/s, ms", "2", "5", r["value"], r["engine_us"], r["value"] <= 5),
        ("ingest → delivered p99 at 1,000/s, ms", "–", "–", r["p99"], 0, True),
    ],
    "backlog": lambda r: [
        ("memory idle, MB", "90", "150", r["idle"], 0, r["idle"] <= 150),
        ("memory with the backlog pending, MB", "350", "600", r["pending"], 0, r["pending"] <= 600),
        ("restart to ready with the backlog pending, s", "1", "3", r["restart"], 0, r["restart"] <= 3),
    ],
    "asking": lambda r: [
        ("asking an application: what full load adds at p50, ms", "–", "5", r["value"], 0, r["value"] <= 5),
        ("the same: p99 under load, times that without", "–", "3", r["p99_ratio"], 0, r["p99_ratio"] <= 3),
    ],
    "voxml": lambda r: [
        ("VoXML interpreter: steps/s on one core", "–", "20,000", r["value"], r["step_us"], r["value"] >= 20_000),
        ("memory with 10,000 calls in progress, MB", "–", "200", r["shared_mb"], 0, r["shared_mb"] <= 200),
        ("the same, a document of their own each", "–", "–", r["own_mb"], 0, True),
    ],
    "simulator": lambda r: [("simulated calls/s, whole, without HTTP", "–", "–", r["value"], r["call_us"], True)],
    "calls": lambda r: [
        ("real calls: 100 at once in an IVR, failed", "0", "0", r["ivr"]["failed"], 0, r["ivr"]["failed"] == 0),
        ("the same: slots of sound more than 20 ms late, %", "0", "1", r["ivr"]["late_pct"], 0, r["ivr"]["late_pct"] <= 1),
        ("50 calls bridged, failed", "0", "0", r["bridged"]["failed"], 0, r["bridged"]["failed"] == 0),
        ("the same: slots of sound more than 20 ms late, %", "0", "1", r["bridged"]["late_pct"], 0, r["bridged"]["late_pct"] <= 1),
        (
            "call set-ups/s, each asked about, none failed",
            "–",
            "50",
            r["value"],
            0,
            r["value"] >= 50 and r["setups"]["failed"] == 0,
        ),
        ("INVITE → instruction request p50, ms", "–", "10", r["ivr"]["asked_p50_ms"], 0, r["ivr"]["asked_p50_ms"] <= 10),
        ("stolen by the machine's neighbours meanwhile, %", "–", "–", r["ivr"]["stolen_pct"], 0, True),
    ],
    "hang": lambda r: [
        ("healthy throughput while 10 % hang, ratio (median)", "1.0", "0.9", r["value"], 0, r["value"] >= 0.9),
        ("the same, the least of the pairs", "–", "–", r["least"], 0, True),
    ],
}


def machine() -> dict[str, Any]:
    """What it ran on."""
    model = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "processor": model[0] if model else platform.machine(),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def busy(result: Result) -> str:
    """How loaded the cores were in a figure's runs: engine / producer + receiver, stolen."""
    runs = result.get("runs")
    if not runs:
        return ""
    parts = [
        max(run.get(name, 0) for run in runs)
        for name in ("engine_load_pct", "producer_load_pct", "receiver_load_pct", "stolen_pct")
    ]
    return f"{parts[0]:.0f} / {parts[1] + parts[2]:.0f} %, {parts[3]:.1f} %"


def table(results: dict[str, Result], title: str) -> Table:
    """The figures beside their goals."""
    shown = Table(title=title)
    for name in ("figure", "goal", "at least", "reached", "engine µs", "engine / outside, stolen"):
        shown.add_column(name, justify="left" if name == "figure" else "right", no_wrap=True)
    for figure, result in results.items():
        for what, goal, least, reached, each, kept in ROWS[figure](result):
            number = f"{reached:,.0f}" if reached >= 100 else f"{reached:g}"
            colour = "green" if kept else "red"
            shown.add_row(what, goal, least, f"[{colour}]{number}[/]", f"{each:.0f}" if each else "", busy(result))
    return shown


def main() -> int:
    """0 when every figure is at least what it must be; 1 otherwise."""
    parser = argparse.ArgumentParser(description="Ringback's figures on this machine")
    parser.add_argument("figures", nargs="*", metavar="figure", help=f"of: {', '.join(FIGURES)} (default: all)")
    parser.add_argument("--short", action="store_true", help="a first look, not a claim")
    given = parser.parse_args()
    unknown = set(given.figures) - set(FIGURES)
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    console = Console() if sys.stdout.isatty() else Console(width=120)
    plan = Plan(say=lambda text: console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text}"), **(SHORT if given.short else FULL))
    results: dict[str, Result] = {}
    for figure in given.figures or FIGURES:
        plan.say(f"{figure}: {(FIGURES[figure].__doc__ or '').splitlines()[0]}")
        results[figure] = FIGURES[figure](plan)
    about = machine()
    title = f"{about['processor']}, {about['cores']} cores, Python {about['python']}, SQLite {about['sqlite']}"
    console.print(table(results, title + (", short runs" if given.short else "")))
    (ROOT / "bench-results.json").write_text(
        json.dumps({"machine": about, "short": given.short, "figures": results}, indent=1) + "\n"
    )
    console.print("bench-results.json has every run.")
    return 0 if given.short or all(row[5] for figure, result in results.items() for row in ROWS[figure](result)) else 1


if __name__ == "__main__":
    sys.exit(main())
