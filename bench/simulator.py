"""The simulator by itself, on one core: whole calls a second, without HTTP. Each is played by scripts, run by the interpreter,
folded by the ledger, and its webhooks are rendered in two formats.

    python bench/simulator.py SECONDS       measures in this process, prints JSON
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from blackbox import pinned
from figures import Plan, Result
from scene import BENCH, ENGINE_CORE

from ringback.live.simulation import Setup, simulate

MENU = """<Response>
  <Answer/>
  <Do expression="${menu.digits}!~'^[12]$'" maxLoops="3">
    <Gather numDigits="1" timeout="6" output="menu"><Say>For sales press 1, for support press 2.</Say></Gather>
  </Do>
  <If expression="${menu.digits}=='1'"><Redirect>/sales</Redirect></If>
</Response>"""
SALES = '<Response><Say>We put you through.</Say><Dial output="sales" record="record-from-answer">+13005550100</Dial></Response>'
SCRIPT = "digits 7, digits 1, wait 60s; callee: ring 2s, answer, wait 8s, hangup"


async def _calls(setup: Setup, seconds: float) -> tuple[int, float]:
    begun, calls = time.perf_counter(), 0
    while (passed := time.perf_counter() - begun) < seconds:
        transcript = await simulate(setup)
        calls += 1
        assert not transcript.errors
        assert transcript.ended.variables["sales.status"] == "completed"
    return calls, passed


def measure(seconds: float) -> Result:
    """In this process."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "menu.xml").write_text(MENU)
        Path(folder, "sales.xml").write_text(SALES)
        setup = Setup(document=f"{folder}/menu.xml", script=SCRIPT, dialects=("voc", "standard"))
        asyncio.run(_calls(setup, 1.0))
        calls, passed = asyncio.run(_calls(setup, seconds))
    return {"value": round(calls / passed), "call_us": round(1e6 * passed / calls)}


def simulator(plan: Plan) -> Result:
    """The simulator: calls a second."""
    words = pinned(ENGINE_CORE, [sys.executable, str(BENCH / "simulator.py"), str(plan.seconds)])
    rows = [json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout) for _ in range(plan.runs)]
    middle = sorted(rows, key=lambda row: float(row["value"]))[len(rows) // 2]
    plan.say(f"simulator: {middle}")
    return {**middle, "all": rows}


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
