"""Writes `src/ringback/demo/expected.json`: which webhooks the demo's calls must become, in each of the five formats, from what the
SIP phones logged. Nothing of Ringback's is asked: neither its mapping, its ledger and its dialects, nor a row of a server.

    python tools/derive_expected.py

It reads `tests/data/captures/truth.json` (made by `tools/derive_truth.py` from the phones' logs alone: who called whom, when it
rang, was answered and ended, how, and by whom) and `src/ringback/demo/calls.json` (which recordings, and what the phones are called
in the demo), and writes down what each platform's tables make of that. What no phone can know is by hand: which keys were pressed
(`KEYED`), and the number that somebody dials to reach a phone (`DIALLED`).

A value is given as it must be, or as an object:
`{"near": T}` that time; `{"second": T}` that time, cut to its second; `{"between": [T, T]}` a time between two;
`{"seconds": S}` a length, cut to whole seconds; `{"id_of": LEG}` an id that is this leg's in all webhooks of the platform, and no
other's; `null`: left out, or empty. Times are compared with the tolerance that stands in the file: a phone and a switch see a
moment a little apart. Webhooks come in the order of `at`, closer ones as they like; one that `follows` comes after the one before.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "src" / "ringback" / "demo"
TRUTH = ROOT / "tests" / "data" / "captures" / "truth.json"
TOLERANCE_MS = 250

DIALLED = {"201": "+61255500101", "3000": "+61255500300"}
"""What a customer dials to reach a phone or a menu of the demo."""
KEYED = {"ivr": "1234"}
"""The scenario's script: the phones' logs have no keys."""
COUNTRY = {"+61": "AU"}

Row = dict[str, Any]
HANGUP_SOURCES = {"caller": "originator", "callee": "receiver", "switch": "platform"}
ENDS = ("completed", "busy", "no-answer", "failed", "cancelled")


class Leg:
    """What the phones saw of a leg, with the demo's names."""

    def __init__(self, row: Row, names: dict[str, str]) -> None:
        self.id: str = row["leg"]
        self.parent: str | None = row["parent"]
        self.starting, self.ringing = row["starting_at"], row["ringing_at"]
        self.answered, self.ended = row["answered_at"], row["ended_at"]
        self.status: str = row["status"]
        self.ended_by: str = row["ended_by"]
        caller, called = str(row["from"]), str(row["to"])
        self.from_, to = names.get(caller, caller), names.get(called, called)
        # A phone that has a name of its own is a person's: its display name is told along.
        self.caller_name = caller if caller.isalpha() else None
        self.inbound = self.parent is None and self.from_.startswith("+") and self.caller_name is not None
        self.to = DIALLED.get(to, to) if self.inbound else to
        self.to_outside = to.startswith("+")

    def steps(self) -> Iterator[tuple[str, str]]:
        """(status, time) of everything that it went through."""
        for word, at in (
            ("starting", self.starting),
            ("ringing", self.ringing),
            ("ongoing", self.answered),
            (self.status, self.ended),
        ):
            if at is not None:
                yield word, at

    def seconds(self, *, answered: bool) -> Row | int:
        """How long it lasted: as a whole, or after the answer."""
        begun = self.answered if answered else self.starting
        return 0 if begun is None else {"seconds": round((_moment(self.ended) - _moment(begun)).total_seconds(), 3)}


class Story:
    """One call: its root leg, the legs made for it, and what was keyed."""

    def __init__(self, capture: str, rows: list[Row], names: dict[str, str]) -> None:
        self.capture = capture
        self.root, *self.children = (Leg(row, names) for row in rows)
        self.legs = [self.root, *self.children]
        self.keyed = KEYED.get(capture, "")
        answering = [leg for leg in self.children if leg.answered and not leg.to_outside]
        self.answerer = answering[-1].to if answering else None
        self.number = _number(self.root.to if self.root.inbound else self.root.from_)
        self.caller = None if self.root.inbound or not self.root.caller_name else self.root.from_


def standard(story: Story) -> Iterator[Row]:
    """docs/reference/standard.md: every status of every leg, and every key."""
    root = story.root
    for leg in story.legs:
        for word, at in leg.steps():
            fields: Row = {
                "timestamp": {"near": at},
                "data/version": 1,
                "data/call/id": {"id_of": leg.id},
                "data/call/parent": {"id_of": leg.parent} if leg.parent else None,
                "data/root/id": {"id_of": root.id},
                "data/call/direction": "inbound" if leg.inbound else "outbound",
                "data/call/from": leg.from_,
                "data/call/to": leg.to,
                "data/call/status": word,
                "data/offer/to": leg.to if leg.parent and word in ("ringing", "ongoing") else None,
            }
            if leg is not root:
                fields["data/call/extension"] = None if leg.to_outside else leg.to
            elif leg.inbound:
                fields["data/call/extension"] = story.answerer if word in ("ongoing", "completed") else None
            else:
                fields["data/call/extension"] = story.caller
            if word in ENDS:
                fields |= {
                    "data/call/ringing_at": _near(leg.ringing),
                    "data/call/answered_at": _near(leg.answered),
                    "data/call/ended_at": _near(leg.ended),
                    "data/call/duration_s": leg.seconds(answered=False),
                    "data/call/answered_duration_s": leg.seconds(answered=True),
                    "data/call/ended_by": leg.ended_by,
                }
            yield _row(f"call.{word}", at, fields)
    if story.keyed:
        own: Row = {"timestamp": {"between": [root.answered, root.ended]}, "data/call/id": {"id_of": root.id}}
        told = [_row("call.ivr-option", root.answered, {**own, "data/option": key}) for key in story.keyed]
        whole = {"data/prompt/keys": story.keyed, "data/root/prompts/keys": [story.keyed]}
        yield from _one_by_one([*told, _row("call.prompt", root.answered, {**own, **whole})])


def bird(story: Story) -> Iterator[Row]:
    """Roots, and legs to phone numbers; an inbound caller who gives up is `no-answer`."""
    for leg in story.legs:
        if leg.parent and not leg.to_outside:
            continue
        passed: set[str] = set()
        for word, at in leg.steps():
            passed.add("end" if word in ENDS else word)
            ended = "end" in passed
            fields = {
                "service": "channels",
                "payload/id": {"id_of": leg.id},
                "payload/parentId": {"id_of": leg.parent} if leg.parent else None,
                "payload/direction": "incoming" if leg.inbound else "outgoing",
                "payload/from": leg.from_,
                "payload/to": leg.to,
                "payload/originator/number/number": leg.from_,
                "payload/originator/number/callerIdName": leg.caller_name if leg is story.root else None,
                "payload/receiver/number/countryIsoCode": _country(leg.to),
                "payload/status": "no-answer" if leg.inbound and word == "cancelled" else word,
                "payload/createdAt": {"near": leg.starting},
                "payload/updatedAt": {"near": at},
                "payload/ringingAt": _near(leg.ringing) if ended or "ringing" in passed else None,
                "payload/answeredAt": _near(leg.answered) if ended or "ongoing" in passed else None,
                "payload/endedAt": _near(leg.ended) if ended else None,
                "payload/duration": leg.seconds(answered=True) if ended else 0 if word == "ongoing" else None,
                "payload/hangupSource": HANGUP_SOURCES[leg.ended_by] if ended else None,
            }
            if story.number:
                fields["payload/channelId"] = story.number["channel_id"]
            yield _row("voice.inbound" if leg.inbound else "voice.outbound", at, fields)


def fonedynamics(story: Story) -> Iterator[Row]:
    """The start and the end of a call that came in."""
    root = story.root
    if not root.inbound:
        return
    both = {
        "Call.Sid": {"id_of": root.id},
        "Call.StartDate": {"second": root.starting},
        "Call.From": root.from_,
        "Call.From.Country": _country(root.from_),
        "Call.To": root.to,
        "Call.To.Name": story.number["name"],
        "Property.Name": _calls()["property"],
    }
    transfer = story.children[-1] if story.children else None
    words = {"completed": "ANSWERED", "busy": "BUSY", "failed": "FAILED"}
    yield _row("Call.Initiate", root.starting, {**both, "Call.Endpoint": None})
    complete = {
        "Call.To.Type": "Static",
        "Call.Duration": root.seconds(answered=False),
        "Call.Disposition": "IVR" if transfer is None else words.get(transfer.status, "NO ANSWER"),
        "Call.Endpoint": transfer.to if transfer and transfer.to_outside else None,
        "Call.Prompts.Keys": [story.keyed] if story.keyed else None,
        "Call.Recording.Uri": None,
    }
    yield _row("Call.Complete", root.ended, {**both, **complete})


def voc(story: Story) -> Iterator[Row]:
    """The conversation's own story; extensions that ring and answer; numbers without a plus."""
    root = story.root
    own: Row = {"callid": {"id_of": root.id}, "crm_id": None}
    ways: Row = {"duration": root.seconds(answered=False), "answeredDuration": root.seconds(answered=True)}

    def told(event: str, at: str, **fields: Any) -> Row:
        return _row(event, at, {"date": {"second": at}, **own, **fields})

    if not root.inbound:
        own |= {"extension": story.caller, "destination": root.to.removeprefix("+")}
        yield told("outboundCallStart", root.starting)
        if root.answered:
            yield told("outboundCallAnswered", root.answered)
        yield told("outboundCallEnd", root.ended, **ways)
        return
    own |= {"inboundNumber": root.to.removeprefix("+"), "callerid": root.from_.removeprefix("+")}
    yield told("inboundCallStart", root.starting)
    for leg in story.children:
        if not leg.to_outside and leg.ringing:
            yield told("inboundCallRinging", leg.ringing, extension=leg.to)
        if not leg.to_outside and leg.answered:
            yield told("inboundCallAnswered", leg.answered, extension=leg.to)
    if story.keyed:
        during = {"between": [f"{root.answered[:19]}.000Z", root.ended]}
        yield from _one_by_one([told("ivrOption", root.answered, ivrOption=key, date=during) for key in story.keyed])
    yield told("inboundCallEnd", root.ended, extension=story.answerer, **ways)


def voxtelesys(story: Story) -> Iterator[Row]:
    """The end of each outgoing leg: of an outgoing call, and of one made to a phone number."""
    for leg in story.legs:
        if leg.inbound or (leg.parent and not leg.to_outside):
            continue
        fields = {
            "CallSid": {"id_of": leg.id},
            "ParentCallSid": {"id_of": leg.parent} if leg.parent else None,
            "From": leg.from_,
            "To": leg.to,
            "CallStatus": "no-answer" if leg.status == "cancelled" else leg.status,
            "Direction": "outbound-dial" if leg.parent else "outbound-api",
            "CallerName": story.root.caller_name,
            "FromCountry": _country(leg.from_),
            "ToCountry": _country(leg.to),
            "CallDuration": leg.seconds(answered=True),
            "Timestamp": {"second": leg.ended},
            "RecordingUrl": None,
        }
        if story.number:
            fields["TrunkID"] = story.number["trunk_id"]
        yield _row(str(fields["CallStatus"]), leg.ended, fields)


DIALECTS: dict[str, Callable[[Story], Iterator[Row]]] = {
    "standard": standard,
    "bird": bird,
    "fonedynamics": fonedynamics,
    "voc": voc,
    "voxtelesys": voxtelesys,
}


def main() -> None:
    (DEMO / "expected.json").write_text(derived())


def derived() -> str:
    """The file's text."""
    truth = {row["scenario"]: row["legs"] for row in json.loads(TRUTH.read_text())["scenarios"]}
    calls = []
    for call in _calls()["calls"]:
        story = Story(call["capture"], truth[call["scenario"]], call["names"])
        webhooks = {name: sorted(derive(story), key=lambda row: str(row["at"])) for name, derive in DIALECTS.items()}
        ended = max(leg.ended for leg in story.legs)
        calls.append({"capture": story.capture, "began": story.root.starting, "ended": ended, "webhooks": webhooks})
    about = "Made by tools/derive_expected.py from what the SIP phones logged; it says what the values mean."
    return _written({"about": about, "tolerance_ms": TOLERANCE_MS, "calls": calls})


def _row(event: str, at: str, fields: Row) -> Row:
    return {"event": event, "at": at, "fields": fields}


def _one_by_one(rows: list[Row]) -> list[Row]:
    """Rows of one time that come in this order."""
    return [rows[0], *(row | {"follows": True} for row in rows[1:])]


def _near(at: str | None) -> Row | None:
    return None if at is None else {"near": at}


def _country(address: str) -> str | None:
    return COUNTRY.get(address[:3])


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _calls() -> Row:
    calls: Row = json.loads((DEMO / "calls.json").read_text())
    return calls


def _number(number: str) -> Row:
    """What the demo's account says of a number; empty if it is not registered."""
    return next((row for row in _calls()["numbers"] if row["number"] == number), {})


def _written(document: Row) -> str:
    """JSON with a webhook per line."""
    head = {key: value for key, value in document.items() if key != "calls"}
    calls = []
    for call in document["calls"]:
        plain = json.dumps({key: value for key, value in call.items() if key != "webhooks"})[:-1]
        lists = [
            f'   "{name}": [' + ",".join(f"\n    {json.dumps(row)}" for row in rows) + "]"
            for name, rows in call["webhooks"].items()
        ]
        calls.append(f'  {plain}, "webhooks": {{\n' + ",\n".join(lists) + "}}")
    return json.dumps(head)[:-1] + ', "calls": [\n' + ",\n".join(calls) + "]}\n"


if __name__ == "__main__":
    main()
