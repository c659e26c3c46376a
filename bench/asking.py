"""How long an application takes to be asked what to do with a call, while the server has nothing else to do and under full load of
ordinary webhooks: both in one run, the engine on one core. A call goes on all the while, as one does when somebody is asked."""

import statistics
import sys
import time

from blackbox import until
from figures import Plan, Result, nginx
from scene import BENCH, BUILD, RECEIVER_PORT, new_data, serving, set_up, urls, wrk

APPLICATION = "127.0.1.250"
SETTLE_S = 1.0
"""What is left out at the begin of each half: connections are made, tables are loaded."""
CALL = {
    "to": "+61255500001",
    "from": "+61288800000",
    "document": "<Response>" + 10 * "<Pause length='60'/>" + "</Response>",
    "script": "answer, wait 600s",
}


def _figures(lines: list[str], begin: float, end: float) -> dict[str, float]:
    """Of the requests that were due in a stretch of time, in milliseconds. `late`: of the time before the request was made."""
    rows = [[float(word) for word in line.split()] for line in lines]
    asked = sorted(row[1] for row in rows if begin <= row[0] < end)
    late = sorted(row[2] for row in rows if begin <= row[0] < end)
    return {
        "asked": len(asked),
        "p50": round(statistics.median(asked), 2),
        "p99": round(asked[int(len(asked) * 0.99)], 2),
        "most": round(asked[-1], 2),
        "late_p50": round(statistics.median(late), 2),
        "late_p99": round(late[int(len(late) * 0.99)], 2),
    }


def _run(plan: Plan) -> Result:
    file = BUILD / "asked.txt"
    file.unlink(missing_ok=True)
    outside = nginx()
    outside.hosts.append(APPLICATION)
    env = {
        "BENCH_ASK_URL": f"http://{APPLICATION}:{RECEIVER_PORT}/voice",
        "BENCH_ASK_FILE": str(file),
        "RINGBACK_SWITCH": "simulated",
    }
    prefix = (sys.executable, str(BENCH / "asking_server.py"))
    with outside.serving(), serving(new_data("asking"), env=env, prefix=prefix) as server:
        api = set_up(server, urls())
        call = api.ask("POST", "/v1/calls", CALL)["id"]
        begin = time.monotonic() + SETTLE_S
        time.sleep(SETTLE_S + plan.seconds)
        loaded = time.monotonic() + SETTLE_S
        load = wrk(server, api.key, plan.seconds + SETTLE_S)
        ended = time.monotonic()
        until(lambda: not api.open_deliveries(), 120, "the last delivery")
        api.ask("POST", f"/v1/calls/{call}/hang-up")
    lines = file.read_text().splitlines()
    idle, busy = _figures(lines, begin, begin + plan.seconds), _figures(lines, loaded, ended)
    return {
        "idle": idle,
        "loaded": busy,
        "adds_ms": round(busy["p50"] - idle["p50"], 2),
        "p99_ratio": round(busy["p99"] / idle["p99"], 2),
        "accepted_per_s": round(load["accepted"] / load["seconds"]),
    }


def asking(plan: Plan) -> Result:
    """An application is asked 50 times a second: with nothing else to do, then under full load of ordinary webhooks."""
    rows: list[Result] = []
    for number in range(plan.runs):
        row = _run(plan)
        rows.append(row)
        shown = ", ".join(f"{name} {row['idle'][name]} → {row['loaded'][name]} ms" for name in ("p50", "p99"))
        plan.say(f"asking {number + 1}/{plan.runs}: {shown} at {row['accepted_per_s']} updates/s")
    return {
        "value": statistics.median(row["adds_ms"] for row in rows),
        "p99_ratio": statistics.median(row["p99_ratio"] for row in rows),
        "runs": rows,
    }
