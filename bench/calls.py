"""Real calls by SIP on one core: a hundred at once in an IVR, fifty bridged, how quickly they are set up.

The server and the process of its switch share the core. `waited_pct`: of the time, how long they could have run while it ran
others, or the other of the two; `stolen_pct`: what the machine's neighbours took. How punctual the sound was, the switch says in
the server's log when it ends.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from blackbox import Server, pinned, stolen
from figures import Plan, Result
from scene import BENCH, ENGINE_CORE, OUTSIDE_CORE, new_data

NUMBER = "+61255500101"
SCENES: dict[str, dict[str, Any]] = {
    "ivr": {
        "calls": 100,
        "rate": 25,
        "documents": {
            "/voice": "<Answer/><Gather timeout='60'><Say loop='50'>For sales, press one. For support, press two.</Say></Gather>"
        },
    },
    "bridged": {"calls": 50, "rate": 25, "documents": {"/voice": "<Answer/><Dial timeLimit='600'>+13005550199</Dial>"}},
    "setups": {"calls": 600, "rate": 60, "documents": {"/voice": "<Answer/><Hangup/>"}, "hold_s": 30},
}
_MEDIA = re.compile(r"switch\.media slots=(\d+) late=(\d+) skipped=(\d+) worst_ms=(\d+)")
_SIP = re.compile(r"sip\.listening host=\S+ port=(\d+)")


def calls(plan: Plan) -> Result:
    """Real calls: failed ones, late slots of sound, set-ups a second, from INVITE to the instruction request."""
    rows = {name: _scene(plan, name) for name in SCENES}
    for name, row in rows.items():
        plan.say(f"calls, {name}: {row}")
    return {"value": rows["setups"]["per_s"], **rows}


def _waited_s(pid: int) -> float:
    """Of a process's threads and those of its children, since they began: ready to run, and not run, since its core ran others."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    own = sum(int((task / "schedstat").read_text().split()[1]) for task in tasks) / 1e9
    return own + sum(_waited_s(int(child)) for task in tasks for child in (task / "children").read_text().split())


def _scene(plan: Plan, name: str) -> Result:
    """One scene, with a server of its own: its clock is read when it ends."""
    words = pinned(OUTSIDE_CORE, [sys.executable, str(BENCH / "sip_outside.py")])
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as outside:
        assert outside.stdin is not None
        assert outside.stdout is not None
        ports = json.loads(outside.stdout.readline())
        data = new_data(f"calls-{name}")
        config = data.parent / f"{data.name}.sip.json"
        trunk = {"name": "outside", "addresses": ["127.0.0.0/8"], "host": "127.0.0.1", "port": ports["sip"]}
        config.write_text(json.dumps({"port": 0, "trunks": [trunk]}))
        server = Server(data, core=ENGINE_CORE, env={"RINGBACK_SWITCH": "embedded", "RINGBACK_SIP_CONFIG": str(config)})
        server.log.unlink(missing_ok=True)
        server.start()
        try:
            api = server.new_account("calls")
            api.ask("POST", "/v1/numbers", {"number": NUMBER, "voice": {"url": f"http://127.0.0.1:{ports['http']}/voice"}})
            before, waited, begun = stolen(), _waited_s(server.pid), time.monotonic()
            sip = int(_SIP.findall(server.log.read_text())[-1])
            wanted = {"hold_s": plan.seconds, **SCENES[name], "server": sip, "to": NUMBER, "most_s": plan.seconds + 60}
            outside.stdin.write(json.dumps(wanted) + "\n")
            outside.stdin.flush()
            row: Result = json.loads(outside.stdout.readline())
            after, waited = stolen(), _waited_s(server.pid) - waited
            seconds = time.monotonic() - begun
        finally:
            server.stop()
        outside.stdin.close()
    each = [tuple(map(int, found)) for found in _MEDIA.findall(server.log.read_text())]
    slots, late, skipped = (sum(row[place] for row in each) for place in range(3))
    return {
        **row,
        "slots": slots,
        "late_pct": round(100 * late / max(1, slots), 2),
        "skipped": skipped,
        "worst_ms": max(row[3] for row in each),
        "waited_pct": round(100 * waited / seconds, 1),
        "stolen_pct": round(100 * (after[1] - before[1]) / max(0.001, after[0] - before[0]), 1),
    }
