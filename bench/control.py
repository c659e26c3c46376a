"""Bulk resends on a full store, from outside.

    python bench/control.py [--rows 1000000] [--resend 100000] [--pairs 3] [--seconds 8]

How long so many take alone, what live traffic at full speed keeps while one runs (interleaved pairs), and how long one that is
cancelled goes on. Prints a table. (Searches of the log: portal.py.)
"""

import argparse
import statistics
import time
from functools import partial
from typing import Any

from blackbox import Api, Server, until
from figures import nginx
from scene import Nginx, drained, full_store, serving, wrk

Row = tuple[str, str]


def _resend(api: Api) -> dict[str, Any]:
    made: dict[str, Any] = api.ask("POST", "/v1/resends", {"filter": {"state": "succeeded"}})
    return made


def _job(api: Api, made: dict[str, Any], method: str = "GET") -> dict[str, Any]:
    job: dict[str, Any] = api.ask(method, f"/v1/resends/{made['id']}")
    return job


def _has_made(api: Api, made: dict[str, Any]) -> bool:
    return bool(_job(api, made)["made"])


def alone(api: Api, outside: Nginx, count: int) -> list[Row]:
    """A bulk resend on an idle server, until so many have arrived; then it is cancelled."""
    first = outside.received()
    started = time.monotonic()
    made = _resend(api)
    counted = time.monotonic() - started
    while (arrived := outside.received() - first) < count and _job(api, made)["state"] == "running":
        time.sleep(0.05)
    seconds = time.monotonic() - started - counted
    asked = time.monotonic()
    _job(api, made, "DELETE")
    answered = time.monotonic() - asked
    before = outside.received()
    time.sleep(1.0)
    return [
        ("bulk resend, counted", f"{made['count']} in {counted:.2f} s"),
        ("bulk resend, alone", f"{arrived} in {seconds:.1f} s: {arrived / seconds:.0f}/s"),
        ("bulk resend, cancelled", f"answered after {answered:.2f} s, {outside.received() - before} arrived after that"),
    ]


def beside(server: Server, api: Api, outside: Nginx, pairs: int, seconds: float) -> list[Row]:
    """What live traffic at full speed keeps while a bulk resend runs."""
    ratios, resent = [], []
    for pair in range(pairs):
        rates = {}
        for on in (pair % 2 == 0, pair % 2 != 0):
            made = _resend(api) if on else None
            if made:
                # What was sent again before is passed over first, and counts for nothing.
                until(partial(_has_made, api, made), 120, "the first resend", every_s=0.1)
            before = _job(api, made)["made"] if made else 0
            load = wrk(server, api.key, seconds)
            rates[on] = load["accepted"] / load["seconds"]
            if made:
                resent.append((_job(api, made)["made"] - before) / load["seconds"])
                _job(api, made, "DELETE")
            drained(api, outside)
        ratios.append(rates[True] / rates[False])
    shown = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
    return [
        ("live traffic beside a bulk resend", f"keeps {statistics.median(ratios):.2f} ({shown})"),
        ("bulk resend beside live traffic", f"{statistics.median(resent):.0f}/s"),
    ]


def main() -> None:
    """See the module."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--resend", type=int, default=100_000)
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument("--seconds", type=float, default=8.0)
    plan = options.parse_args()
    data, key = full_store(plan.rows)
    with nginx().serving() as outside, serving(data) as server:
        api = server.api(key)
        rows = alone(api, outside, plan.resend)
        rows += beside(server, api, outside, plan.pairs, plan.seconds)
    for what, shown in rows:
        print(f"{what:40} {shown}")


if __name__ == "__main__":
    main()
