"""What a verb's action webhook carries beside what every webhook does: the parameters' names, in the order in which they are sent.

The vendor's pages say that Dial, Gather, Record and Pay call their `action`, and name no parameters (what they document is the same
information as variables: `<output>.digits`, `<output>.speech`, `<output>.status`). The names are TwiML's, whose scheme the vendor's
API follows; those of flows are ours alone. A value whose name ends with `CallSid` is the id of a leg: whoever renders the request
turns it into that leg's Sid.
"""

from typing import Final, NamedTuple

from ringback.voxml.model import Pairs


class Parameter(NamedTuple):
    """One parameter of a verb's action webhook."""

    verb: str
    name: str
    meaning: str


PARAMETERS: Final = (
    Parameter("Gather", "Digits", "the keys, without the one that ended them; empty if there were none"),
    Parameter("Gather", "SpeechResult", "what was said, instead of Digits"),
    Parameter("Gather", "Confidence", "with SpeechResult: how sure the recogniser is, 0 to 1"),
    Parameter("Record", "RecordingUrl", "where the recording can be fetched; left out if it failed"),
    Parameter("Record", "RecordingDuration", "its whole seconds"),
    Parameter("Record", "Digits", "the key that ended it, or `hangup`; left out if silence or the length did"),
    Parameter("Dial", "DialCallStatus", "completed, busy, no-answer, failed, canceled"),
    Parameter("Dial", "DialCallSid", "the leg that was put through, or whose end decided the status"),
    Parameter("Dial", "DialCallDuration", "whole seconds since that leg was answered; left out if nobody was put through"),
    Parameter("Dial", "RecordingUrl", "where the recording can be fetched, if there is one"),
    Parameter("Flow", "FlowGuid", "the flow that the document names"),
    Parameter("Flow", "FlowResume", "true: go on after the widget that the document came from"),
)


def of_gather(digits: str, speech: str, confidence: float) -> Pairs:
    """Of a Gather."""
    if speech:
        return (("SpeechResult", speech), ("Confidence", f"{confidence:.4g}"))
    return (("Digits", digits),)


def of_record(url: str, duration_s: int, ended_by: str) -> Pairs:
    """Of a Record. `ended_by`: a key, `hangup`, or nothing."""
    return _given(("RecordingUrl", url), ("RecordingDuration", str(duration_s)), ("Digits", ended_by))


def of_dial(status: str, leg: str, duration_s: int | None) -> Pairs:
    """Of a Dial. `duration_s` None: nobody was put through."""
    return _given(
        ("DialCallStatus", status), ("DialCallSid", leg), ("DialCallDuration", "" if duration_s is None else str(duration_s))
    )


def with_recording(results: Pairs, url: str) -> Pairs:
    """Of a Dial whose recording is there."""
    return (*results, ("RecordingUrl", url)) if url else results


def of_flow(guid: str, *, resume: bool) -> Pairs:
    """Of a Connect."""
    return (("FlowGuid", guid), ("FlowResume", "true" if resume else "false"))


def _given(*pairs: tuple[str, str]) -> Pairs:
    return tuple(pair for pair in pairs if pair[1])
