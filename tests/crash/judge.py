"""Judges a crash test from outside: the producer's ledger of what was acknowledged, the receiver's log of what came, the kills.

All times are nanoseconds of the machine's monotonic clock, which the processes share. Nothing here asks the server.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

ORDER = {f"call.{status}": place for place, status in enumerate(("starting", "ringing", "ongoing", "completed"))}
LAST_MOMENTS_NS = 50_000_000


@dataclass(frozen=True)
class Kill:
    """One life of the server: its process begun, ready to take events, killed, its successor begun."""

    begun_ns: int
    ready_ns: int
    at_ns: int
    successor_ns: int


@dataclass
class Tail:
    """A growing file, read line by line as far as it is whole."""

    path: Path
    _at: int = 0

    def new_lines(self) -> Iterator[list[str]]:
        """The words of each line since the last call."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.decode().splitlines():
            yield line.split(" ")


@dataclass
class Arrival:
    """One webhook as the receiver saw it; `answered_ns` None: it never could."""

    at_ns: int
    answered_ns: int | None = None


@dataclass
class Evidence:
    """What is known so far; `read` takes in what has been written meanwhile."""

    ledger: Tail
    received: Tail
    acknowledged: dict[tuple[str, str], str] = field(default_factory=dict)
    acknowledged_ns: list[int] = field(default_factory=list)
    events_of_update: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    arrivals: defaultdict[str, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    first: dict[tuple[str, str], int] = field(default_factory=dict)

    def read(self) -> None:
        """New lines of both files."""
        for at, update, event, call, kind, _ in self.ledger.new_lines():
            self.acknowledged[call, kind] = event
            self.acknowledged_ns.append(int(at))
            self.events_of_update[update].add(event)
        for words in self.received.new_lines():
            at_ns, webhook = int(words[1]), words[2]
            if words[0] == "A":
                arrival = Arrival(at_ns)
                self.arrivals[webhook].append(arrival)
                self.first.setdefault((words[3], words[4]), at_ns)
            else:
                # Of two arrivals, the older one's connection is gone with the server that made it: it is never answered.
                self.arrivals[webhook][-1].answered_ns = at_ns

    def undelivered(self) -> list[tuple[str, str]]:
        """(call, type) of what was acknowledged and never came."""
        return [key for key in self.acknowledged if key not in self.first]

    def rate(self, kill: Kill) -> float:
        """Updates acknowledged a second while that server was up."""
        count = sum(kill.ready_ns <= at <= kill.at_ns for at in self.acknowledged_ns)
        return count / ((kill.at_ns - kill.ready_ns) / 1e9)

    def in_flight(self, kill: Kill) -> set[str]:
        """Webhooks that were on their way or unanswered at a kill: those that the receiver read after it, too."""
        return {
            webhook
            for webhook, arrivals in self.arrivals.items()
            for arrival in arrivals
            if kill.begun_ns <= arrival.at_ns < kill.successor_ns
            and (arrival.answered_ns is None or arrival.answered_ns >= kill.at_ns)
        }

    def just_finished(self, kill: Kill) -> set[str]:
        """Webhooks that were answered in the last 50 ms before a kill."""
        return {
            webhook
            for webhook, arrivals in self.arrivals.items()
            for arrival in arrivals
            if arrival.answered_ns is not None and kill.at_ns - LAST_MOMENTS_NS <= arrival.answered_ns < kill.at_ns
        }

    def repeats(self, kills: list[Kill]) -> defaultdict[Kill | None, set[str]]:
        """Webhooks that came again, by the kill that lies between; None: without one, which must not be."""
        found: defaultdict[Kill | None, set[str]] = defaultdict(set)
        for webhook, arrivals in self.arrivals.items():
            for before, again in pairwise(arrivals):
                between = [kill for kill in kills if before.at_ns < kill.successor_ns <= again.at_ns]
                found[between[-1] if between else None].add(webhook)
        return found

    def oldest_ms(self, kill: Kill, webhooks: set[str]) -> float:
        """How long before a kill the first of these had been answered."""
        answers = [a.answered_ns for webhook in webhooks for a in self.arrivals[webhook] if a.answered_ns is not None]
        return max((kill.at_ns - at_ns for at_ns in answers if kill.begun_ns < at_ns < kill.at_ns), default=0) / 1e6

    def out_of_order(self) -> list[str]:
        """Calls whose webhooks came for the first time in another order than their statuses'."""
        came: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for (call, kind), at_ns in self.first.items():
            came[call].append((at_ns, ORDER[kind]))
        return [call for call, rows in came.items() if [place for _, place in sorted(rows)] != sorted(place for _, place in rows)]

    def doubled(self) -> list[str]:
        """Updates that were answered with more than one event."""
        return [update for update, events in self.events_of_update.items() if len(events) > 1]

    def summary(self, kills: list[Kill]) -> str:
        """A line for the log of the run."""
        repeats = self.repeats(kills)
        rows = [
            f"{self.rate(kill):.0f}/s, {len(self.in_flight(kill))} in flight, {len(self.just_finished(kill))} just finished, "
            f"{len(repeats[kill])} repeated, the oldest answered {self.oldest_ms(kill, repeats[kill]):.0f} ms before"
            for kill in kills
        ]
        return "\n".join([f"{len(self.acknowledged)} acknowledged, {len(self.arrivals)} webhooks, {len(kills)} kills", *rows])
