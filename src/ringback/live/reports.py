"""What a switch tells, as updates for the ledger: the one place where it is decided what a happening means for a call. Pure."""

from typing import Any, Final

from ringback.calls.live import Answered, Dial, EndedBy, HungUp, Incoming, Rang, Record, RecordEnded
from ringback.calls.model import CallRef, Recording, Update
from ringback.voxml.model import Report

_PARTY: Final[dict[EndedBy, str]] = {"caller": "caller", "callee": "callee", "us": "switch"}
"""Who ended a leg, in the words of an update's `ended_by`."""

Told = Incoming | Rang | Answered | HungUp | RecordEnded


def incoming(told: Incoming, at_ms: int, source: str) -> list[Update]:
    """Somebody calls, and hears ringing while the application is asked: `starting`, then `ringing`. Who calls from inside begins an
    outbound call: the direction is the customer's."""
    ref = CallRef(
        id=told.leg,
        direction="outbound" if told.inside else "inbound",
        from_=told.from_ or "anonymous",
        to=told.to,
        caller_name=told.caller_name or None,
        trunk_id=told.trunk or None,
        extension=(told.from_ or None) if told.inside else None,
    )
    return [
        Update(type="call.starting", at_ms=at_ms, call=ref, source=source),
        Update(type="call.ringing", at_ms=at_ms, call=CallRef(id=told.leg), source=source),
    ]


def accepted(order: Dial, at_ms: int, source: str, context: dict[str, Any], data: dict[str, Any]) -> Update:
    """The account wants somebody to be called, and it will be done. `data`: what else was asked for, for the record."""
    ref = CallRef(id=order.leg, direction="outbound", from_=order.caller_id, to=order.to, **context)
    return Update(type="call.accepted", at_ms=at_ms, call=ref, data=data, source=source)


def dialled(order: Dial, at_ms: int, source: str, context: dict[str, Any] | None = None) -> Update:
    """Somebody is called. `context`: what is known of a call that begins with it."""
    ref = CallRef(
        id=order.leg, parent=order.parent or None, direction="outbound", from_=order.caller_id, to=order.to, **(context or {})
    )
    return Update(type="call.starting", at_ms=at_ms, call=ref, source=source)


def rang(told: Rang, at_ms: int, source: str) -> Update:
    """A dialled leg rings."""
    return Update(type="call.ringing", at_ms=at_ms, call=CallRef(id=told.leg), source=source)


def answered(told: Answered, at_ms: int, source: str, *, by_document: bool) -> Update:
    """A leg is answered. `by_document`: a document answered it, and nobody is at the other end yet."""
    ref = CallRef(id=told.leg, amd=told.amd or None, answered_by="ivr" if by_document else None)
    return Update(type="call.ongoing", at_ms=at_ms, call=ref, source=source)


def hung_up(told: HungUp, at_ms: int, source: str, why: str = "") -> Update:
    """A leg is over. `why`: a word of ours for the record, of one that we did not let be."""
    known = {"cause": told.cause, "sip_status": told.sip_status, "ended_by": _PARTY.get(told.by), "why": why or None}
    data = {name: value for name, value in known.items() if value is not None}
    return Update(type=f"call.{told.status}", at_ms=at_ms, call=CallRef(id=told.leg), data=data, source=source)


def lost(told: HungUp, at_ms: int, source: str) -> Update:
    """A leg of which nothing more will be heard: its end is inferred."""
    return Update(type=f"call.{told.status}", at_ms=at_ms, call=CallRef(id=told.leg), inferred=True, source=source)


def recording_begun(order: Record, at_ms: int, source: str) -> Update:
    """A recording is in progress. Facts that wait for it (Fone Dynamics' Call.Complete) wait from now on."""
    ref = CallRef(id=order.leg, awaits=["recording"])
    return Update(type="call.recording", at_ms=at_ms, call=ref, data={"status": "in-progress"}, source=source)


def recording_ended(told: RecordEnded, at_ms: int, source: str) -> Update:
    """A recording is there, or could not be made."""
    if told.why == "failed":
        return Update(type="call.recording", at_ms=at_ms, call=CallRef(id=told.leg), data={"status": "failed"}, source=source)
    whole = Recording(url=told.url or None, duration_s=told.duration_s, channels=told.channels, status="completed")
    data = {name: getattr(whole, name) for name in ("status", "url", "duration_s", "channels") if getattr(whole, name) is not None}
    return Update(type="call.recording", at_ms=at_ms, call=CallRef(id=told.leg), data=data, source=source)


def reported(report: Report, at_ms: int, source: str) -> Update:
    """What the interpreter has to say for the record. The steps that a document wants in the call's history are the fact's data."""
    context = {name: value for name, value in report.context.items() if name != "history"}
    data = {**report.data, "history": report.context["history"]} if "history" in report.context else report.data
    return Update(type=report.type, at_ms=at_ms, call=CallRef(id=report.leg, **context), data=data, source=source)
