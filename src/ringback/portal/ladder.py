"""A call's life as a ladder: each leg a lane, each thing that happened a step in the order of time, with who was told of it. Pure.

The drawing is made of marks for each lane at each step (`Lane`), which the template turns into elements and the style sheet into
lines, so that a step may be as high as its text.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec import Struct

FINAL: Final = frozenset(("completed", "no-answer", "busy", "failed", "cancelled"))
MOST_LANES: Final = 8
"""Legs beyond share the last lane."""
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Told(NamedTuple):
    """How a step looks: a symbol of icons.html, and the tone of its dot."""

    icon: str
    tone: str


_TOLD: Final[Mapping[str, Told]] = {
    "accepted": Told("calls", "info"),
    "starting": Told("calls", "info"),
    "ringing": Told("calls", "info"),
    "ongoing": Told("check", "good"),
    "completed": Told("check", "idle"),
    "no-answer": Told("cross", "warn"),
    "busy": Told("cross", "warn"),
    "failed": Told("warning", "bad"),
    "cancelled": Told("cross", "warn"),
    "ivr-option": Told("numbers", "info"),
    "prompt": Told("numbers", "info"),
    "recording": Told("play", "info"),
    "transcription": Told("docs", "info"),
    "facts": Told("info", "idle"),
    "corrected": Told("edit", "warn"),
}
_ASKED: Final = Told("send", "accent")
_OTHER: Final = Told("info", "idle")
_WORDS: Final[Mapping[str, str]] = {
    "accepted": "Accepted",
    "starting": "Starts",
    "ringing": "Rings",
    "ongoing": "Answered",
    "completed": "Completed",
    "no-answer": "No answer",
    "busy": "Busy",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "prompt": "Keyed in",
    "recording": "Recording",
    "transcription": "Transcript",
    "facts": "Facts about the call",
    "corrected": "The end was corrected",
}
_OFFERED: Final[Mapping[str, str]] = {"ringing": "{to} rings", "ongoing": "{to} answers"}


class Leg(Struct, frozen=True):
    """A leg and its lane. `letter`: its name on the page."""

    call: Mapping[str, Any]
    lane: int
    letter: str
    parent: str


class Lane(Struct, frozen=True):
    """One lane at one step: which lines meet there, and whether the step is its own (`dot`)."""

    up: bool = False
    down: bool = False
    left: bool = False
    right: bool = False
    dot: bool = False


class Step(Struct, frozen=True):
    """Something that happened: to which leg, when, how long `after` the first, what it was, and who was told (`Delivery` views).
    `asked`: the instruction request, for those that are one."""

    leg: Leg
    at: str
    after: str
    title: str
    told: Told
    lanes: Sequence[Lane]
    details: Sequence[tuple[str, str]] = ()
    late: bool = False
    deliveries: Sequence[Mapping[str, Any]] = ()
    asked: Mapping[str, Any] | None = None
    event_id: str = ""


class Ladder(Struct, frozen=True):
    """The whole. `lanes`: how many there are. `is_over`: nothing of it goes on."""

    legs: Sequence[Leg]
    steps: Sequence[Step]
    lanes: int
    is_over: bool


class _Fact(NamedTuple):
    """A step before it has its lanes."""

    leg: Leg
    event: Mapping[str, Any]
    asked: Mapping[str, Any] | None


def ladder(found: Mapping[str, Any]) -> Ladder:
    """From a `CallDetail`."""
    legs = _legs([found["call"], *found["legs"]])
    by_id = {leg.call["id"]: leg for leg in legs}
    facts: list[_Fact] = []
    for event in sorted(found["events"], key=lambda one: (one["at"], one["seq"])):
        leg = by_id.get(event["call_id"])
        if leg is not None:
            asked = [one for one in event["deliveries"] if one["kind"] == "instruction"]
            facts += [_Fact(leg, event, None), *(_Fact(leg, event, one) for one in asked)]
    is_over = all(leg.call.get("status") in FINAL and "live" not in leg.call for leg in legs)
    count = min(len(legs), MOST_LANES)
    begin = _moment(facts[0].event["at"]) if facts else 0.0
    drawn = _drawn(facts, by_id, count)
    return Ladder(legs, [_step(fact, lanes, begin) for fact, lanes in zip(facts, drawn, strict=True)], count, is_over)


def _legs(calls: Sequence[Mapping[str, Any]]) -> list[Leg]:
    """The root first, then the others as they were first heard of."""
    ordered = sorted(calls, key=lambda call: (bool(call.get("parent")), call.get("first_at") or "", call["created_at"]))
    return [Leg(call, min(place, MOST_LANES - 1), _letter(place), call.get("parent") or "") for place, call in enumerate(ordered)]


def _letter(place: int) -> str:
    return _LETTERS[place] if place < len(_LETTERS) else f"{_LETTERS[place % len(_LETTERS)]}{place // len(_LETTERS) + 1}"


def _drawn(facts: Sequence[_Fact], by_id: Mapping[str, Leg], count: int) -> list[list[Lane]]:
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for place, fact in enumerate(facts):
        first.setdefault(fact.leg.lane, place)
        last[fact.leg.lane] = place
        if fact.leg.call.get("status") not in FINAL:
            last[fact.leg.lane] = len(facts)
    for fact in facts:  # a parent lives at least until its child is there
        parent = by_id.get(fact.leg.parent)
        if parent is not None and parent.lane in last:
            last[parent.lane] = max(last[parent.lane], first[fact.leg.lane])
    return [_row(place, fact, by_id, first, last, count) for place, fact in enumerate(facts)]


def _row(
    place: int, fact: _Fact, by_id: Mapping[str, Leg], first: Mapping[int, int], last: Mapping[int, int], count: int
) -> list[Lane]:
    own = fact.leg.lane
    parent = by_id.get(fact.leg.parent)
    born = first[own] == place and parent is not None and parent.lane != own and first.get(parent.lane, place) < place
    low, high = sorted((own, parent.lane)) if born and parent is not None else (own, own)
    return [
        Lane(
            up=lane in first and first[lane] < place <= last[lane],
            down=lane in first and first[lane] <= place < last[lane],
            left=low < lane <= high,
            right=low <= lane < high,
            dot=lane == own,
        )
        for lane in range(count)
    ]


def _step(fact: _Fact, lanes: Sequence[Lane], begin: float) -> Step:
    event = fact.event
    at = event["at"]
    after = _after(_moment(at) - begin)
    if fact.asked is not None:
        return Step(
            fact.leg, fact.asked["created_at"], after, f"Asked what to do: {fact.asked['event']}", _ASKED, lanes, asked=fact.asked
        )
    kind = event["type"].removeprefix("call.")
    told = [one for one in event["deliveries"] if one["kind"] != "instruction"]
    return Step(
        leg=fact.leg,
        at=at,
        after=after,
        title=_title(kind, event),
        told=_TOLD.get(kind, _OTHER),
        lanes=lanes,
        details=_details(kind, event["data"]),
        late=event["late"],
        deliveries=told,
        event_id=event["id"],
    )


def _title(kind: str, event: Mapping[str, Any]) -> str:
    data, offer = event["data"], event["offer"]
    if offer is not None and kind in _OFFERED:
        return _OFFERED[kind].format_map({"to": offer["to"]})
    if kind == "ivr-option":
        return f"Key pressed: {data.get('option', '')}"
    if kind == "recording" and data.get("status"):
        return f"Recording {data['status']}"
    return _WORDS.get(kind, kind)


def _details(kind: str, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an event says beside its type. A text is not repeated: it stands below."""
    hidden = {"ivr-option": ("option",), "recording": ("status", "url"), "transcription": ("text", "summary", "url")}.get(kind, ())
    return [(name, str(value)) for name, value in data.items() if name not in hidden and value not in (None, "", [], {})]


def _after(seconds: float) -> str:
    """As exact as one compares: tenths within minutes, minutes within days."""
    if seconds < 100:
        return f"+{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{minutes}:{rest:02d} min" if not hours else f"+{hours} h {minutes:02d} min" if hours < 48 else f"+{hours // 24} days"


def _moment(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
