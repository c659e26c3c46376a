"""What a step leaves in the history of the call's record: `{"verb": …, "payload": {…}}`, `compact` or `full`.

The payloads of Answer, Connect, Flow, Pause, Play, Redirect, Reject, Say and Set are the vendor's (its pages on those verbs); the
others, and the verb's name beside the payload, are ours. A payload holds what the document said, never what the caller keyed.
"""

from collections.abc import Callable
from typing import Any, Final

from ringback.voxml import document

Payload = Callable[[Any], dict[str, Any]]


def _fields(*names: str) -> Payload:
    return lambda step: {name.removesuffix("_"): getattr(step, name) for name in names}


def _play(step: document.Play) -> dict[str, Any]:
    return {"digits": step.digits} if step.digits else {"url": step.url}


def _input(step: document.Gather) -> str:
    return " ".join(word for word, wanted in (("dtmf", step.dtmf), ("speech", step.speech)) if wanted)


def _numbers(step: document.Dial) -> dict[str, Any]:
    return {"numbers": [number.number for number in step.numbers]}


_NOTHING: Final = _fields()
_TABLE: Final[dict[type, tuple[Payload, Payload]]] = {
    # verb: compact, full
    document.Answer: (_NOTHING, _NOTHING),
    document.Connect: (_NOTHING, _NOTHING),
    document.Dial: (
        _numbers,
        lambda s: {**_numbers(s), "callerId": s.caller_id, "timeout": s.timeout, "timeLimit": s.time_limit, "record": s.record},
    ),
    document.Do: (_fields("expression"), lambda s: {"expression": s.expression, "maxLoops": s.max_loops}),
    document.Gather: (
        lambda s: {"input": _input(s)},
        lambda s: {"input": _input(s), "numDigits": s.num_digits, "timeout": s.timeout, "output": s.output},
    ),
    document.Hangup: (_NOTHING, _NOTHING),
    document.If: (_fields("expression"), _fields("expression")),
    document.Pause: (_fields("length"), _fields("length")),
    document.Play: (_play, lambda s: {**_play(s), "loop": s.loop}),
    document.Record: (_fields("timeout"), lambda s: {"timeout": s.timeout, "maxLength": s.max_length}),
    document.Redirect: (_fields("url"), _fields("url", "method")),
    document.Reject: (_fields("reason"), _fields("reason")),
    document.Say: (_fields("text"), _fields("text", "voice", "language", "loop")),
    document.Set: (_fields("output", "value"), _fields("output", "value")),
    document.Unset: (_fields("output"), _fields("output")),
}


def entry(step: document.Verb) -> dict[str, Any] | None:
    """What `step` leaves, as fully as it asks for. None: it writes its own when it is over (Pay)."""
    payloads = _TABLE.get(type(step))
    if payloads is None:
        return None
    compact, full = payloads
    return {"verb": type(step).__name__, "payload": (full if step.history == "full" else compact)(step)}


def number_entry(number: document.Number) -> dict[str, Any]:
    """What a Dial's Number leaves."""
    full = {"url": number.url, "method": number.method} if number.history == "full" and number.url is not None else {}
    return {"verb": "Number", "payload": {"number": number.number, **full}}


def flow_entry(step: document.Connect) -> dict[str, Any]:
    """What a Connect's Flow leaves."""
    return {"verb": "Flow", "payload": {"resume": step.resume}}
