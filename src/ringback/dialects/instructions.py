"""The webhook that asks what to do with a call, in Voxtelesys' parameters: for an incoming call, after a verb, for a redirect.

The answer is a VoXML document. Source: the vendor's pages on webhooks (`developer.voxtelesys.com/apis/voice/webhooks`) and on the
verbs. What every webhook carries is the table in `voxtelesys`; a verb's results follow it, then what the asker itself adds.
"""

from collections.abc import Iterable

from ringback.calls.directory import Place
from ringback.calls.model import Call
from ringback.dialects.contract import Fact, HttpRequest
from ringback.dialects.encoding import Pair
from ringback.dialects.voxtelesys import CALL_PARAMETERS, call_sid, read, request_of, view_of, word_of
from ringback.webhooks.model import Method

FACTS: tuple[Fact, ...] = (
    Fact("methods", "documented", "GET with a query or POST with body data, as configured for the URL."),
    Fact("default method of an incoming call", "ours", "POST, as Twilio's."),
    Fact("POST body", "inferred", "`application/x-www-form-urlencoded`, UTF-8, as browsers encode it (a space is `+`)."),
    Fact("parameters", "documented", "Those that every voice webhook carries, and the geography that is known."),
    Fact("parameter order", "inferred", "That of the vendor's tables, then the verb's results, then ErrorCode and ErrorUrl."),
    Fact("CallStatus of an incoming call", "ours", "`ringing` until it is answered, `in-progress` from then on: Twilio's words."),
    Fact("CallStatus of an outgoing call", "ours", "`in-progress`: the document is asked for once the call is answered."),
    Fact("CallStatus after the end", "ours", "The final status, for a request that a hang-up brought about."),
    Fact("a verb's results", "ours", "Twilio's names, where the vendor's pages name none; an `output` stands in Vars too."),
    Fact("…CallSid among the results", "ours", "The leg's own CallSid, made as every other."),
    Fact("ErrorCode, ErrorUrl", "ours", "Twilio's names and numbers, on requests to the fallback URL: what went wrong, and where."),
)

_SID = "CallSid"


def instruction_request(
    call: Call,
    root: Call,
    place: Place,
    *,
    url: str,
    method: Method,
    results: Iterable[Pair] = (),
    extra: Iterable[Pair] = (),
    call_status: str | None = None,
) -> HttpRequest:
    """The request that asks about the leg `call` of the conversation `root`, as they are now.

    `results`: what a verb came to, in the webhook's names and order; a value whose name ends with `CallSid` is the id of a leg of
    the conversation, and goes out as that leg's Sid. `extra` follows as it is. `call_status`: another word than the leg's own.
    """
    view = view_of(call, root, place, _status(call) if call_status is None else call_status)
    told = [(name, _sid(call, value) if name.endswith(_SID) else value) for name, value in results]
    return request_of([*read(CALL_PARAMETERS, view), *told, *extra], url, method)


def _status(call: Call) -> str:
    """The word of `CallStatus` at the moment of asking."""
    if call.is_final:
        return word_of(call.status)
    return "ringing" if call.direction == "inbound" and call.answered_at_ms is None else "in-progress"


def _sid(call: Call, leg: str) -> str:
    """The `CallSid` of a leg of the same conversation; nothing for none."""
    if not leg:
        return ""
    if leg == call.id:
        return call_sid(call.account, leg, call.generation)
    return call_sid(call.account, leg, call.root_generation if leg == call.root else 1)
