"""How a leg ended: its final status, its cause, its SIP status, and who hung up. Pure; events and call records share it.

No single field tells. `sip_hangup_disposition` says on which side of this channel the end began: `recv_*`, the phone at its far end
(the caller on a channel that came in, the callee on one that the switch placed); `send_*`, the switch, and then it was either
told to by the end of the channel that this one was connected with, a moment ago, or did it of its own accord (a ring time-out, a
dialplan).
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from ringback.calls.disposition import final_status
from ringback.calls.model import Status

Party = Literal["caller", "callee", "switch"]

TOGETHER_MS = 1_000
"""Two channels that were connected and end within this time end by one act."""

_SWITCH_ANSWERED = frozenset({"408", "503"})
"""SIP statuses that the switch gives itself when nobody answers at the address at all."""


class PeerEnd(Struct, frozen=True):
    """The end of the channel that a leg was connected with, or was calling. `bridged`: they had spoken."""

    at_ms: int
    by: Party
    bridged: bool


class Ending(Struct, frozen=True):
    """A leg's end as a customer is told."""

    status: Status
    by: Party
    data: dict[str, Any]


def far_party(outgoing: bool) -> Party:
    """Who is at the far end of a channel."""
    return "callee" if outgoing else "caller"


def ended_by(fields: Mapping[str, str], *, outgoing: bool, answered: bool, at_ms: int, peer: PeerEnd | None) -> Party:
    """Who ended a leg. `fields`: channel variables, without a prefix, and an event's `Hangup-Cause`."""
    disposition = fields.get("sip_hangup_disposition", "")
    if disposition.startswith("recv_") or (not disposition and "sip_term_status" in fields):
        if fields.get("sip_term_status") in _SWITCH_ANSWERED and "sip_to_tag" not in fields:
            return "switch"
        return far_party(outgoing)
    if peer is not None and at_ms - peer.at_ms <= TOGETHER_MS and (peer.bridged or not answered):
        return peer.by
    return "caller" if _cause_name(fields) == "ORIGINATOR_CANCEL" else "switch"


def ending_of(fields: Mapping[str, str], *, outgoing: bool, answered: bool, at_ms: int, peer: PeerEnd | None) -> Ending:
    """A leg's end. `fields` as for `ended_by`."""
    cause = _number(fields.get("hangup_cause_q850"))
    sip_status = _number(fields.get("sip_term_status"))
    if sip_status is None and not answered:
        sip_status = _number(fields.get("sip_invite_failure_status"))
    gave_up = fields.get("sip_hangup_disposition") == "recv_cancel"
    status = final_status(
        answered=answered, caller_gave_up=gave_up, sip_status=sip_status, q850_cause=cause, hangup_cause_name=_cause_name(fields)
    )
    by = ended_by(fields, outgoing=outgoing, answered=answered, at_ms=at_ms, peer=peer)
    data: dict[str, Any] = {"ended_by": by}
    if cause is not None:
        data["cause"] = cause
    if sip_status is not None:
        data["sip_status"] = sip_status
    return Ending(status, by, data)


def _cause_name(fields: Mapping[str, str]) -> str | None:
    return fields.get("Hangup-Cause") or fields.get("hangup_cause")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 4 else None
