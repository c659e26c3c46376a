"""Writes `tests/data/captures/truth.json`: what happened in each recorded call, from what the SIP phones logged, never from the
switch.

    python tools/derive_truth.py

A phone knows its own side: when it dialled or was rung, the SIP status that ended an unanswered call, and whether it hung up itself
(pjsua's reason is `OK`, the answer to its own BYE) or was hung up on (`Normal call clearing`, from the Reason header of the
switch's BYE). What no phone can know, because it lies between the legs or because no phone was reached, is written by hand below
(`BY_HAND`) from the scenarios' descriptions, and every row says of each such value where it comes from.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "data" / "captures"
TOLERANCE_MS = 100
TOGETHER_MS = 1_000
FAILED = {486: "busy", 480: "no-answer", 408: "no-answer", 404: "failed", 502: "failed", 503: "failed"}

PARENT_WHY = "the phones do not see who was called for whom; there was one call at a time"
BY_HAND: dict[str, dict[str, Any]] = {
    "failed_unreachable": {
        "add": [
            {
                "leg": "dead",
                "parent": "alice",
                "from": "alice",
                "to": "dead",
                "status": "failed",
                "ended_by": "switch",
                "why": {"*": "description: the port is closed, nobody was reached; the SIP log shows no answer at all"},
            }
        ]
    },
    "originate_answered": {
        "set": {
            "bob": {"ended_by": ("callee", "description: carol hangs up; she was called for bob's call, and that ended it")},
        }
    },
}

Row = dict[str, Any]


def main() -> None:
    scenarios = []
    for file in sorted((FOLDER / "phones-fs").glob("*.jsonl")):
        log = [json.loads(line) for line in file.read_text().splitlines()]
        legs = _legs(log[1:])
        for leg in legs:
            _judge(leg, legs)
        hand = BY_HAND.get(file.stem, {})
        rows = [_row(leg, legs) for leg in legs] + [
            {"starting_at": None, "ringing_at": None, "answered_at": None, "ended_at": None, "sip_status": None} | row
            for row in hand.get("add", ())
        ]
        for row in rows:
            for field, (value, why) in hand.get("set", {}).get(row["leg"], {}).items():
                row[field] = value
                row["why"][field] = why
        scenarios.append({"scenario": file.stem, "description": log[0]["desc"], "legs": rows})
    truth = {
        "about": "Made by tools/derive_truth.py from phones-fs/. `direction` of a root depends on who is inside: see `views`. "
        "A time that is null did not happen, or no phone saw it. `why` says of a value (or of all, `*`) that no phone knows "
        "where it comes from.",
        "tolerance_ms": TOLERANCE_MS,
        "views": {
            "alice calls from outside": {"alice": "inbound", "api": "outbound", "child": "outbound"},
            "all are inside": {"alice": "outbound", "api": "outbound", "child": "outbound"},
        },
        "scenarios": scenarios,
    }
    (FOLDER / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


def _legs(log: list[Row]) -> list[Row]:
    """One leg per call that a phone placed or was rung for, in order of time."""
    legs: list[Row] = []
    for entry in log:
        if "dialing" in entry:
            phone = entry["phone"]
            legs.append({"leg": phone, "placed": True, "from": phone, "to": entry["dialing"], "starting": _ms(entry)})
        elif entry.get("incoming"):
            caller = entry["frm"].rpartition("<sip:")[2].partition("@")[0]
            legs.append({"leg": entry["phone"], "placed": False, "from": caller, "to": entry["phone"], "starting": _ms(entry)})
        elif "state" in entry:
            leg = next(leg for leg in reversed(legs) if leg["leg"] == entry["phone"])
            if entry["state"] == "EARLY" and "ringing" not in leg:
                leg["ringing"] = _ms(entry)
            elif entry["state"] == "CONFIRMED":
                leg["answered"] = _ms(entry)
            elif entry["state"] == "DISCONNECTED":
                leg |= {"ended": _ms(entry), "code": entry["code"], "reason": entry["reason"]}
    return legs


def _judge(leg: Row, legs: list[Row]) -> None:
    """Its status, and who ended it."""
    own = "caller" if leg["placed"] else "callee"
    near = [other for other in legs if other is not leg and abs(other["ended"] - leg["ended"]) <= TOGETHER_MS]
    caller_gave_up = any(other["placed"] and _hung_up_itself(other) for other in near)
    if "answered" in leg:
        leg["status"] = "completed"
        leg["by"] = own if _hung_up_itself(leg) else _other_hung_up(leg, near)
    elif leg["code"] == 487:
        # A placed call that ends so was taken back by its phone; a rung one by the switch, for the caller or for a time-out.
        gave_up = leg["placed"] or caller_gave_up
        leg["status"], leg["by"] = ("cancelled", "caller") if gave_up else ("no-answer", "switch")
    else:
        leg["status"] = FAILED[leg["code"]]
        refused = not leg["placed"] or any(not other["placed"] and other["code"] == leg["code"] for other in near)
        leg["by"] = "callee" if refused else "switch"


def _hung_up_itself(leg: Row) -> bool:
    if leg["code"] == 487:
        return bool(leg["placed"])
    return bool(leg["code"] == 200 and leg["reason"] == "OK")


def _other_hung_up(leg: Row, near: list[Row]) -> str:
    """For a phone that was hung up on: the phone that had hung up, or nobody else."""
    for other in near:
        if "answered" in other and _hung_up_itself(other) and other["placed"] != leg["placed"]:
            return "caller" if other["placed"] else "callee"
    return "switch"


def _row(leg: Row, legs: list[Row]) -> Row:
    parent = None if leg is legs[0] else legs[0]["leg"]
    return {
        "leg": leg["leg"],
        "parent": parent,
        "from": leg["from"],
        "to": leg["to"],
        "starting_at": _text(leg.get("starting")),
        "ringing_at": _text(leg.get("ringing")),
        "answered_at": _text(leg.get("answered")),
        "ended_at": _text(leg["ended"]),
        "status": leg["status"],
        "ended_by": leg["by"],
        "sip_status": leg["code"],
        "why": {"parent": PARENT_WHY} if parent else {},
    }


def _ms(entry: Row) -> int:
    return round(datetime.fromisoformat(entry["ts"]).timestamp() * 1000)


def _text(ms: int | None) -> str | None:
    return None if ms is None else f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


if __name__ == "__main__":
    main()
