"""Every page of the portal with a million deliveries stored, from outside: how long the server takes.

    python bench/portal.py [--rows 1000000] [--times 100] [--even] [page…]

A page's time is from its request to the last byte of its answer, over loopback, on a kept connection, with nothing else to do: the
first request after the start (cold, the database's file not in the system's cache) and the 50th and 95th percentile of a hundred
(warm). The store is one that a search finds hard (tilt.py says how), or with --even one whose deliveries all succeeded at 200
endpoints alike. Prints a table beside the limit, writes build/bench/portal.json, and ends with 1 if a page is beyond it.
"""

import argparse
import http.client
import json
import os
import re
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from blackbox import ADMIN_KEY, Api, Server, receiving, stolen, until
from rich.console import Console
from rich.table import Table
from run import machine
from scene import BUILD, ENGINE_CORE, full_store
from tilt import Tilted, tilt

LIMIT_MS = 200.0
OLD = "+61255500001"
"""The number that all calls of the full store come from."""


@dataclass
class Visitor:
    """Somebody with a browser: a kept connection and cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, float]:
        """(status, text, milliseconds)."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields)
        started = time.perf_counter()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        taken = (time.perf_counter() - started) * 1000
        for cookie in response.headers.get_all("set-cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return response.status, text, taken

    def come_in(self) -> None:
        """As the operator, with the key."""
        _, page, _ = self.ask("GET", "/portal/in")
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token is not None
        status, _, _ = self.ask("POST", "/portal/in", {"csrf": token[1], "key": ADMIN_KEY})
        assert status == 303, status


def one_call(api: Api, port: int) -> tuple[str, str]:
    """A call with its webhooks, sent to a receiver: its id, and a delivery with an attempt's bytes."""
    made = api.ask(
        "POST", "/v1/endpoints", {"url": f"http://127.0.0.1:{port}/page", "dialect": "standard", "description": "a page"}
    )
    call = {"id": "page-1", "direction": "inbound", "from": "+61288881234", "to": "+611800111222"}
    kinds = ["call.starting", "call.ringing", *["call.ivr-option"] * 4, "call.ongoing", "call.recording", "call.completed"]
    data: dict[str, Any] = {"call.ivr-option": {"option": "3"}, "call.recording": {"status": "completed", "duration_s": 9}}
    for second, kind in enumerate(kinds):
        at = f"2026-11-20T12:00:{second:02d}Z"
        api.ask("POST", "/v1/events", {"type": kind, "at": at, "call": call, "data": data.get(kind, {})})
    mine = f"/v1/deliveries?endpoint={made['id']}"
    until(lambda: len(api.ask("GET", f"{mine}&state=succeeded")["items"]) == len(kinds), 30, "the webhooks of one call")
    api.ask("PATCH", f"/v1/endpoints/{made['id']}", {"enabled": False})
    return str(call["id"]), str(api.ask("GET", f"{mine}&limit=1")["items"][0]["id"])


def searches(api: Api, tilted: Tilted | None, endpoint: str) -> dict[str, dict[str, str]]:
    """Each filter of the log alone, and the pairs that are hardest."""
    newest = api.ask("GET", f"/v1/deliveries?limit=1&endpoint={endpoint}")["items"][0]
    own = tilted.second if tilted else "+61288800100"
    asked: dict[str, dict[str, str]] = {"log": {}}
    for state in ("succeeded", "exhausted", "waiting", "retrying", "sending", "cancelled", "skipped"):
        asked[f"log, {state}"] = {"state": state}
    asked |= {
        "log, endpoint": {"endpoint": endpoint},
        "log, event": {"event": "call.ringing"},
        "log, call": {"call": newest["call_id"]},
        "log, number": {"number": OLD},
        "log, until": {"until": newest["created_at"]},
        "log, number that there is none of": {"number": "+61299999999"},
        "log, endpoint and event": {"endpoint": endpoint, "event": "call.completed"},
        "log, endpoint and number": {"endpoint": endpoint, "number": OLD},
        "log, event and number": {"event": "call.ringing", "number": own},
    }
    if tilted is not None:
        large, lost = {"endpoint": tilted.large}, {"endpoint": tilted.lost}
        asked |= {
            "log, 3 failed of a large endpoint's": {**large, "state": "exhausted"},
            "log, 3 that arrived of a failing one's": {**lost, "state": "succeeded"},
            "log, 3 of a number at a large endpoint": {**large, "number": tilted.second},
            "log, 3 of an event at a large endpoint": {**large, "event": "call.ringing"},
            "log, 3 of an event that failed": {"state": "exhausted", "event": "call.completed"},
            "log, 3 of a number that failed": {"state": "exhausted", "number": OLD},
            "log, none: waiting, number": {"state": "waiting", "number": tilted.second},
            "log, none: waiting, event": {"state": "waiting", "event": "call.accepted"},
            "log, none: three fields": {**lost, "state": "succeeded", "number": OLD},
        }
    return asked


def calls(home: str) -> dict[str, str]:
    """The calls' list by each field, and by the pairs that are hardest."""
    asked = {
        "calls": {},
        "calls, number": {"q": OLD},
        "calls, id": {"q": "old-00000007"},
        "calls, nothing": {"q": "nothing"},
        "calls, completed": {"status": "completed"},
        "calls, busy": {"status": "busy"},
        "calls, ongoing": {"status": "ongoing"},
        "calls, number and busy": {"q": OLD, "status": "busy"},
        "calls, number and ringing": {"q": OLD, "status": "ringing"},
    }
    return {name: f"{home}/calls?{urlencode(query)}" for name, query in asked.items()}


def pages(api: Api, account: str, tilted: Tilted | None, call: str, delivery: str) -> dict[str, str]:
    """Every page, by what it is called here."""
    home = f"/portal/{account}"
    own = [one["id"] for one in api.ask("GET", "/v1/endpoints?limit=1000")["items"] if one["enabled"]]
    endpoint = tilted.large if tilted else own[0]
    rows = searches(api, tilted, endpoint)
    cursor = api.ask("GET", "/v1/deliveries?limit=50")["next_cursor"]
    number = "/numbers/at/%2B611800111222"
    return {
        "home": home,
        "endpoints": f"{home}/endpoints",
        "endpoint": f"{home}/endpoints/{endpoint}",
        "endpoint, new": f"{home}/endpoints/new",
        "endpoint, edit": f"{home}/endpoints/{endpoint}/edit",
        "endpoint, test": f"{home}/endpoints/{endpoint}/test",
        **{name: f"{home}/log?{urlencode(query)}" for name, query in rows.items()},
        "log, second page": f"{home}/log?cursor={cursor}",
        "delivery": f"{home}/log/{delivery}",
        "delivery, why": f"{home}/log/{delivery}?show=why",
        "delivery, signature": f"{home}/log/{delivery}?show=check",
        **calls(home),
        "call": f"{home}/calls/call?id={quote(call)}",
        "call of long ago": f"{home}/calls/call?id=old-00000007",
        "resends": f"{home}/resends",
        **({"resend, of 200,000": f"{home}/resends/{tilted.resend}"} if tilted else {}),
        "resend, what failed": f"{home}/resend",
        "resend, what failed at an endpoint": f"{home}/resend?state=exhausted&endpoint={endpoint}",
        "resend, all that arrived": f"{home}/resend?state=succeeded",
        "numbers": f"{home}/numbers",
        "number": home + number,
        "number, edit": f"{home}{number}/edit",
        "number, try it": f"{home}{number}/try",
        "VoXML checker": f"{home}/numbers/voxml",
        "docs": f"{home}/docs",
        **{f"docs, {name}": f"{home}/docs/{name}" for name in ("standard", "bird", "fonedynamics", "voc", "voxtelesys")},
        "accounts": "/portal/accounts",
        "account": f"/portal/accounts/{account}",
        "keys": "/portal/keys",
        "sessions and links": "/portal/sessions",
        "health of the node": "/portal/node",
        "notes": "/portal/notes",
        "notes, calls of no account": "/portal/notes?kind=stray",
        "notes, gaps": "/portal/notes?kind=gap",
        "audit log": "/portal/audit",
        "audit log, searched": "/portal/audit?action=nothing-is-called-so",
    }


def not_in_cache(data: Path) -> None:
    """The system forgets what it has read of these files."""
    for path in data.iterdir():
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def furnish(server: Server, api: Api) -> tuple[str, str]:
    """What pages need beside the rows: a number, a call whose attempts are kept."""
    api.ask("POST", "/v1/numbers", {"number": "+611800111222", "name": "Front desk", "voice": {"url": "http://127.0.0.1:9/voice"}})
    with receiving(["127.0.0.1"]) as (port,):
        return one_call(api, port)


def measure(server: Server, asked: dict[str, str], times: int) -> dict[str, dict[str, Any]]:
    """Each page once, cold, and then so many times."""
    somebody = Visitor(server.port)
    somebody.come_in()
    figures: dict[str, dict[str, Any]] = {}
    for name, path in asked.items():
        status, page, taken = somebody.ask("GET", path)
        assert status == 200, (name, path, status, page[-500:])
        figures[name] = {"cold_ms": round(taken, 1), "ends_early": "data-further=" in page or "data-counting" in page}
    for name, path in asked.items():
        took = sorted(somebody.ask("GET", path)[2] for _ in range(times))
        p50, p95 = took[times // 2], took[times * 95 // 100]
        figures[name] |= {"p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "most_ms": round(took[-1], 1)}
    return figures


def table(figures: dict[str, dict[str, Any]], title: str) -> Table:
    """The pages beside the limit."""
    shown = Table(title=title)
    for name in ("page", "p50 ms", "p95 ms", "limit", "cold ms", ""):
        shown.add_column(name, justify="left" if name in ("page", "") else "right", no_wrap=True)
    for name, one in figures.items():
        colour = "green" if one["p95_ms"] <= LIMIT_MS else "red"
        more = "goes on by itself" if one["ends_early"] else ""
        p95 = f"[{colour}]{one['p95_ms']:.1f}[/]"
        shown.add_row(name, f"{one['p50_ms']:.1f}", p95, f"{LIMIT_MS:.0f}", f"{one['cold_ms']:.1f}", more)
    return shown


def main() -> int:
    """See the module."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("pages", nargs="*", help="only those whose names begin so")
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--times", type=int, default=100)
    options.add_argument("--even", action="store_true")
    plan = options.parse_args()
    data, key = full_store(plan.rows, "portal")
    tilted = None if plan.even else tilt(data)
    server = Server(data, core=ENGINE_CORE)
    server.start(120)
    try:
        api = server.api(key)
        call, delivery = furnish(server, api)
        account = server.api().ask("GET", "/v1/accounts")["items"][0]["id"]
        asked = pages(api, account, tilted, call, delivery)
    finally:
        server.stop()
    asked = {name: path for name, path in asked.items() if not plan.pages or name.startswith(tuple(plan.pages))}
    not_in_cache(data)
    server.start(120)
    before = stolen()
    try:
        figures = measure(server, asked, plan.times)
    finally:
        server.stop()
    every, lost = (now - then for now, then in zip(stolen(), before, strict=True))
    about = machine()
    title = f"{plan.rows} deliveries, {about['processor']}, Python {about['python']}, SQLite {sqlite3.sqlite_version}"
    Console(width=None if sys.stdout.isatty() else 120).print(table(figures, title))
    load, stolen_pct = os.getloadavg()[0], round(100 * lost / max(every, 1e-9), 2)
    print(f"load of the machine at the end {load:.1f}, stolen by neighbours {stolen_pct} %")
    told = {"machine": about, "rows": plan.rows, "times": plan.times, "load": load, "stolen_pct": stolen_pct, "pages": figures}
    (BUILD / "portal.json").write_text(json.dumps(told, indent=1) + "\n")
    return 0 if all(one["p95_ms"] <= LIMIT_MS for one in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
