"""The demo's live call: what its application answers, and what must come of the call, told from what the phone saw. Pure.

A phone calls a number of the demo's account, keys 1 in a menu, leaves a message of two tones and ends it with #; the application
thanks and hangs up.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from ringback.demo.expectation import DemoCall, DemoNumber, Wanted, WantedCall

CALL: Final = DemoCall("live", "a phone calls now, leaves a message")
NUMBER: Final = DemoNumber(
    number="+61255500400", name="Messages", channel_id="b827924e-9789-4c2f-a4d5-b352175354f6", trunk_id="90001"
)
CALLER: Final = "+61491570156"
TONES: Final = (523, 659)
"""The message: Hz, of TONE_S each."""
TONE_S: Final = 0.8
DOCUMENTS: Final = {
    "/voice": "<Answer/><Gather numDigits='1' timeout='10' action='/menu'><Say>To leave a message, press one.</Say></Gather>",
    "/menu": "<Say>Please speak after the tone.</Say><Record maxLength='20' timeout='5' finishOnKey='#' action='/done'/>",
    "/done": "<Say>Thank you.</Say><Hangup/>",
}
_RATE: Final = 8_000
_LEAST_LOUD: Final = 500
_WHO: Final = {"id_of": "phone"}


class Seen(Struct, frozen=True):
    """What the phone saw of its call, in Unix milliseconds."""

    dialled_ms: int
    answered_ms: int
    ended_ms: int


def wanted_of(seen: Seen) -> WantedCall:
    """What must come of it, in all dialects."""
    began, up, over = _moment(seen.dialled_ms), _moment(seen.answered_ms), _moment(seen.ended_ms)
    whole = {"seconds": (seen.ended_ms - seen.dialled_ms) / 1000}
    talked = {"seconds": (seen.ended_ms - seen.answered_ms) / 1000}
    webhooks = {
        "standard": _standard(began, up, over, whole),
        "bird": _bird(began, up, over, talked),
        "fonedynamics": [
            Wanted("Call.Initiate", _at(began), _fonedynamics(began)),
            Wanted("Call.Complete", _at(over), {**_fonedynamics(began), "Call.Duration": whole, "Call.Disposition": "IVR"}),
        ],
        "voc": _voc(began, up, over, {"duration": whole, "answeredDuration": talked}),
        "voxtelesys": [
            Wanted(f"recording.{status}", _at(up), {"CallSid": _WHO, "From": CALLER, "To": NUMBER.number}, True)
            for status in ("in-progress", "completed")
        ],
    }
    return WantedCall(CALL.capture, _at(began), _at(over), webhooks)


def _standard(began: str, up: str, over: str, whole: dict[str, Any]) -> list[Wanted]:
    who = {"data/call/id": _WHO, "data/root/id": _WHO}
    same = {**who, "data/call/direction": "inbound", "data/call/from": CALLER, "data/call/to": NUMBER.number}
    between = {"timestamp": {"between": [up, over]}}
    return [
        Wanted("call.starting", _at(began), {**same, "timestamp": {"near": began}, "data/call/status": "starting"}),
        Wanted("call.ringing", _at(began), {**same, "timestamp": {"near": began}, "data/call/status": "ringing"}, True),
        Wanted("call.ongoing", _at(up), {**same, "timestamp": {"near": up}, "data/call/status": "ongoing"}, True),
        Wanted("call.ivr-option", _at(up), {**who, **between, "data/option": "1"}, True),
        Wanted("call.recording", _at(up), {**who, **between, "data/recording/status": "in-progress"}, True),
        Wanted("call.recording", _at(up), {**who, **between, "data/recording/status": "completed"}, True),
        Wanted(
            "call.completed",
            _at(over),
            {**same, "timestamp": {"near": over}, "data/call/duration_s": whole, "data/call/ended_by": "switch"},
            True,
        ),
    ]


def _bird(began: str, up: str, over: str, talked: dict[str, Any]) -> list[Wanted]:
    same = {"payload/id": _WHO, "payload/direction": "incoming", "payload/from": CALLER, "payload/to": NUMBER.number}
    rows: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("starting", began, {}),
        ("ringing", began, {}),
        ("ongoing", up, {"payload/answeredAt": {"near": up}}),
    )
    last: dict[str, Any] = {"payload/endedAt": {"near": over}, "payload/duration": talked, "payload/hangupSource": "platform"}
    return [
        Wanted("voice.inbound", _at(at), {**same, "payload/status": status, "payload/updatedAt": {"near": at}, **more}, True)
        for status, at, more in (*rows, ("completed", over, last))
    ]


def _fonedynamics(began: str) -> dict[str, Any]:
    return {"Call.Sid": _WHO, "Call.StartDate": {"second": began}, "Call.From": CALLER, "Call.To": NUMBER.number}


def _voc(began: str, up: str, over: str, lasted: dict[str, Any]) -> list[Wanted]:
    same = {"callid": _WHO, "inboundNumber": NUMBER.number[1:], "callerid": CALLER[1:]}
    return [
        Wanted("inboundCallStart", _at(began), {**same, "date": {"second": began}}),
        Wanted("ivrOption", _at(up), {**same, "ivrOption": "1"}, True),
        Wanted("callRecordingAvailable", _at(up), {"callid": _WHO}, True),
        Wanted("inboundCallEnd", _at(over), {**same, "date": {"second": over}, **lasted}, True),
    ]


def message() -> bytes:
    """The message as PCM."""
    samples = (round(8_000 * math.sin(2 * math.pi * hz * n / _RATE)) for hz in TONES for n in range(round(TONE_S * _RATE)))
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


def loud_s(samples: Sequence[int]) -> float:
    """For how long there is any sound."""
    return sum(max(map(abs, samples[at : at + 160])) > _LEAST_LOUD for at in range(0, len(samples), 160)) / 50


def tone_s(samples: Sequence[int], hz: int) -> float:
    """For how long a tone and nothing else is heard (Goertzel, in pieces of 50 ms)."""
    step = _RATE // 20
    pieces = (samples[at : at + step] for at in range(0, len(samples) - step + 1, step))
    return sum(max(map(abs, piece)) > _LEAST_LOUD and _share(piece, hz) > 0.7 for piece in pieces) / 20


def _share(samples: Sequence[int], hz: int) -> float:
    coefficient, before, last = 2 * math.cos(2 * math.pi * hz / _RATE), 0.0, 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = sum(sample * sample for sample in samples)
    return (before * before + last * last - coefficient * before * last) / (power * len(samples) / 2)


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
