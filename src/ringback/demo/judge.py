"""Compares each webhook, as it arrives, with what the phones saw of its call. Pure, and blind to the server: it takes what the
receiver read.

A webhook belongs to the call that was going on at its time. Within a call and a dialect every webhook must be one of those
that must come, each once, in their order; a leg's id must be the same in all webhooks of a dialect, and no other leg's.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from ringback.demo.expectation import DemoCall, Expectation, Wanted, WantedCall
from ringback.demo.rules import fits, in_words, moment_of, value_at

MOMENT = {
    "standard": "timestamp",
    "bird": "payload/updatedAt",
    "fonedynamics": "Call.StartDate",
    "voc": "date",
    "voxtelesys": "Timestamp",
}
"""Where a dialect tells when it happened."""
SIGNED = frozenset({"standard", "bird"})
_CUT = timedelta(seconds=1)

Leg = tuple[str, str]
"""(capture, leg)"""


class Arrival(Struct, frozen=True):
    """What the receiver says of one request: a line of `ringback listen --json`."""

    at: str
    dialect: str
    event: str
    trust: str
    reason: str
    fields: dict[str, Any]


class Verdict(Struct, frozen=True):
    """One webhook, judged. `call` is None if it belongs to none; `what`: event, and status where one event has many; `how` it was
    verified; `wrong` is empty if nothing is."""

    at: str
    call: DemoCall | None
    dialect: str
    what: str
    how: str
    wrong: tuple[str, ...] = ()


class _Lane:
    """What must come for one call in one dialect, and what has."""

    def __init__(self, rows: Sequence[Wanted]) -> None:
        self.rows = rows
        self.open = list(range(len(rows)))

    def too_early(self, index: int, tolerance: timedelta) -> str | None:
        """Which earlier webhook should have come before."""
        row = self.rows[index]
        for i in self.open:
            if i < index and ((row.follows and i == index - 1) or row.at - self.rows[i].at > tolerance):
                return named(self.rows[i].event, self.rows[i].fields)
        return None


class Judge:
    """Takes arrivals one by one. `script` gives the stories to the calls."""

    def __init__(self, expectation: Expectation, script: Sequence[DemoCall]) -> None:
        self._tolerance_ms = expectation.tolerance_ms
        self._tolerance = timedelta(milliseconds=expectation.tolerance_ms)
        self._calls = {call.capture: call for call in script}
        self._windows = expectation.calls
        self._lanes = {
            (call.capture, dialect): _Lane(rows) for call in expectation.calls for dialect, rows in call.webhooks.items()
        }
        self._ids: dict[tuple[str, Leg], str] = {}
        self.verdicts: list[Verdict] = []

    def take(self, arrival: Arrival) -> Verdict:
        """One webhook's verdict."""
        window = self._window(arrival)
        wrong = _distrusted(arrival)
        if window is None:
            wrong.append("it belongs to none of the calls")
        else:
            wrong += self._compared(window, arrival)
        verdict = Verdict(
            at=arrival.at,
            call=None if window is None else self._calls.get(window.capture),
            dialect=arrival.dialect or "?",
            what=named(arrival.event, arrival.fields),
            how="signature" if arrival.dialect in SIGNED else "tables",
            wrong=tuple(wrong),
        )
        self.verdicts.append(verdict)
        return verdict

    def missing(self) -> list[Verdict]:
        """What must still come, as verdicts that say so."""
        return [
            Verdict(
                at="",
                call=self._calls.get(capture),
                dialect=dialect,
                what=named(lane.rows[i].event, lane.rows[i].fields),
                how="",
                wrong=("it did not arrive",),
            )
            for (capture, dialect), lane in self._lanes.items()
            for i in lane.open
        ]

    def _window(self, arrival: Arrival) -> WantedCall | None:
        # Where a webhook tells no time, what it tells of is happening now.
        at = moment_of(value_at(arrival.fields, MOMENT.get(arrival.dialect, "")) or arrival.at)
        if at is None or at.tzinfo is None:
            return None
        early = self._tolerance + _CUT
        return next((call for call in self._windows if call.began - early < at <= call.ended + self._tolerance), None)

    def _compared(self, window: WantedCall, arrival: Arrival) -> list[str]:
        lane = self._lanes.get((window.capture, arrival.dialect))
        alike = [i for i in lane.open if lane.rows[i].event == arrival.event] if lane else []
        if lane is None or not alike:
            return ["it was not to come, or came before"]
        told = {i: self._differences(window, lane.rows[i], arrival) for i in alike}
        best = min(alike, key=lambda i: (len(told[i]), i))
        lane.open.remove(best)
        differences = told[best]
        if not differences:
            self._learn(window, lane.rows[best], arrival)
        before = lane.too_early(best, self._tolerance)
        return [*differences, f"it came before {before}"] if before else differences

    def _differences(self, window: WantedCall, row: Wanted, arrival: Arrival) -> list[str]:
        found = []
        for path, rule in row.fields.items():
            value = value_at(arrival.fields, path)
            if isinstance(rule, dict) and "id_of" in rule:
                if not self._may_be_id(value, arrival.dialect, (window.capture, rule["id_of"])):
                    found.append(f"{path} is {value!r}, not the id of {rule['id_of']}'s leg")
            elif not fits(rule, value, self._tolerance_ms):
                found.append(f"{path} is {value!r}, not {in_words(rule)}")
        return found

    def _may_be_id(self, value: Any, dialect: str, leg: Leg) -> bool:
        """True for the id by which a leg is known, or one that nobody has yet for a leg that has none."""
        known = self._ids.get((dialect, leg))
        taken = any(used == value for (owner, _), used in self._ids.items() if owner == dialect)
        return value == known if known is not None else bool(value) and not taken

    def _learn(self, window: WantedCall, row: Wanted, arrival: Arrival) -> None:
        for path, rule in row.fields.items():
            if isinstance(rule, dict) and "id_of" in rule:
                self._ids[arrival.dialect, (window.capture, rule["id_of"])] = value_at(arrival.fields, path)


def named(event: str, fields: dict[str, Any]) -> str:
    """An event's name, and Bird's status behind it, whose events have many."""
    status = value_at(fields, "payload/status")
    return f"{event or 'nothing that is known'} {status}" if status else event or "nothing that is known"


def _distrusted(arrival: Arrival) -> list[str]:
    """What the receiver says against a webhook. Where the platform signs, a signature must have held."""
    if arrival.trust == ("signature" if arrival.dialect in SIGNED else "form"):
        return []
    return [arrival.reason or "its signature was not verified"]
