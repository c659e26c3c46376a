"""Voxtelesys: GET with a query or POST with a form, the end of each outgoing leg and the state of each recording.

Source: the vendor's pages on webhooks (`developer.voxtelesys.com/apis/voice/webhooks`, `/apis/webhooks`) and its n8n node. Where
they are silent, names are Twilio's, whose scheme the API follows; `FACTS` says where.

The vendor sets two callbacks for a call, each with a list of events; one endpoint here takes both lists. `completed`, `failed`,
`busy` and `no-answer` are the words of `status_callback.events`. `recording_status_callback_event` uses two of them again, so its
words (`in-progress`, `completed`, `failed`) follow `recording.`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, NamedTuple

from ringback.calls.directory import Place
from ringback.calls.geography import geo_for
from ringback.calls.model import FINAL, Call, Context, Event, Geo, Status
from ringback.dialects.contract import Fact, HttpRequest
from ringback.dialects.encoding import FORM, Pair, with_query, without_fragment
from ringback.dialects.example_calls import example, example_fact
from ringback.dialects.shapes import as_digits, as_uuid, life
from ringback.dialects.silence import LATE, NO_PHONE_NUMBER
from ringback.dialects.story import as_number, is_withheld, phone_number
from ringback.dialects.unsigned import Unsigned
from ringback.webhooks.model import Delivery, Endpoint, Method, Order, RetryPolicy

STATUS_EVENTS = ("completed", "failed", "busy", "no-answer")
RECORDING_EVENTS = ("recording.in-progress", "recording.completed", "recording.failed")
API_VERSION = "v0"

_CONTENT_TYPE = (("Content-Type", "application/x-www-form-urlencoded"),)
_ACCOUNT_DIGITS = 6
_WORDS: Mapping[str, str] = {
    "accepted": "queued",
    "starting": "queued",
    "ringing": "ringing",
    "ongoing": "in-progress",
    "completed": "completed",
    "busy": "busy",
    "no-answer": "no-answer",
    "failed": "failed",
    "cancelled": "no-answer",
}
"""Our statuses in the words of `CallStatus`."""

FACTS: tuple[Fact, ...] = (
    Fact("methods", "documented", "GET with a query or POST with body data, as configured; POST is the default."),
    Fact("POST body", "inferred", "`application/x-www-form-urlencoded`, UTF-8, as browsers encode it (a space is `+`)."),
    Fact("GET", "ours", "Parameters follow the query that the URL has, after `&`."),
    Fact("status webhook", "documented", "After an outgoing call has ended: `completed`, `failed`, `busy`, `no-answer`."),
    Fact("recording webhook", "documented", "`in-progress`, `completed`, `failed`, of any call."),
    Fact("event names", "ours", "The vendor's words; a recording's follow `recording.`, since two of them are a call's too."),
    Fact("default events", "ours", "All, as in every dialect here; the vendor's default for a call is `completed` of either list."),
    Fact("legs", "inferred", "Outgoing roots, and legs dialled to phone numbers; a leg to an extension sends nothing."),
    Fact("recording of an extension's leg", "ours", "Told with the conversation's own CallSid."),
    Fact("always sent", "documented", "CallSid, AccountID, TrunkID, From, To, CallStatus, ApiVersion, Direction, CallerName."),
    Fact("CallerName unknown", "ours", "Sent empty."),
    Fact("parameter order", "inferred", "That of the vendor's tables, then the webhook's own."),
    Fact("CallSid", "inferred", "A UUID; an id of another form is turned into one by a stable hash."),
    Fact("AccountID", "inferred", "Digits; made from the account's UUID."),
    Fact("TrunkID", "inferred", "Digits: the call's `trunk_id`, else the number's."),
    Fact("From and To", "inferred", "E.164 with the plus; `anonymous` for a withheld caller."),
    Fact(
        "CallStatus",
        "inferred",
        "`queued`, `ringing`, `in-progress`, `completed`, `busy`, `no-answer`, `failed`; cancelled is `no-answer`.",
    ),
    Fact("Direction", "documented", "`inbound`; `outbound-dial` for a leg with a parent; `outbound-api` for other outgoing calls."),
    Fact("ParentCallSid", "documented", "Only for a leg that another call made."),
    Fact("ApiVersion", "inferred", "`v0`, the version that the vendor's own clients use."),
    Fact("Vars", "documented", "Only if variables are set: a JSON object as a string; dotted names are nested."),
    Fact("AnsweredBy", "documented", "Only if answering-machine detection gave a result."),
    Fact("Tag, BulkTag", "inferred", "What the call was placed with comes back, as documented; how the names are written is ours."),
    Fact("geography", "documented", "City, State, Zip, Country of From and To, each only if known; a Zip only if it was given."),
    Fact("CallDuration", "ours", "Twilio's name: whole seconds after the answer."),
    Fact("SipResponseCode, Timestamp", "ours", "Twilio's names: the SIP code if known; RFC 2822, UTC, when the call ended."),
    Fact(
        "SequenceNumber, CallbackSource",
        "ours",
        "Twilio's names: `0`, since a leg has one status webhook, and `call-progress-events`.",
    ),
    Fact("Recording…", "ours", "Twilio's names: Sid, Url, Status, Duration, Channels; what is not known is left out."),
    Fact("RecordingSid", "ours", "A UUID made from the leg and the recording's URL."),
    Fact("success", "documented", "Any 2xx; the body of an informational webhook is ignored."),
    Fact("https", "documented", "Required, with a publicly trusted certificate."),
    Fact("retries", "ours", "Exponential, as documented, without figures: 5 s, doubled each time, ten times (85 minutes), ±20 %."),
    Fact("time-out", "ours", "15 s for one attempt."),
    Fact("signature", "inferred", "None: the vendor's SDK has no validator; credentials or a token in the URL are the only proof."),
    Fact("order", "ours", "By call: the next event's first try waits until the first try of the one before is over."),
)


class View(NamedTuple):
    """What the parameters are read from: a leg and its conversation's root, where they belong, the word of `CallStatus`, where both
    sides are; of an event its time, and what it tells of a recording (None: it tells of none)."""

    leg: Call
    root: Call
    place: Place
    status: str
    from_geo: Geo
    to_geo: Geo
    at_ms: int = 0
    recording: Mapping[str, Any] | None = None


class Parameter(NamedTuple):
    """One parameter. `on`: both informational webhooks, or one. `always`: sent even if empty; else left out without a value."""

    name: str
    on: str
    always: bool
    value: Callable[[View], str | None]


def call_sid(account: str, call_id: str, generation: int) -> str:
    """A leg's `CallSid`."""
    return as_uuid(account, life(call_id, generation))


def _parent_sid(view: View) -> str | None:
    leg = view.leg
    if leg.parent is None:
        return None
    return call_sid(leg.account, leg.parent, leg.root_generation if leg.parent == leg.root else 1)


def _status(event: Event, leg: Call) -> str:
    """The word of `CallStatus`: the status that the event reports, or the leg's for a recording."""
    return _WORDS.get(event.type.removeprefix("call.")) or word_of(leg.status)


def word_of(status: Status | None) -> str:
    """A leg's status in the words of `CallStatus`."""
    return _WORDS[status or "accepted"]


def _direction(view: View) -> str:
    if view.leg.parent is not None:
        return "outbound-dial"
    return "inbound" if view.leg.direction == "inbound" else "outbound-api"


def _context(part: str) -> Callable[[View], Any]:
    """A value of the leg's context, or of the conversation's."""
    return lambda view: getattr(view.leg.context, part) or getattr(view.root.context, part)


def _vars(view: View) -> str | None:
    values = _context("vars")(view)
    return json.dumps(nest(values), ensure_ascii=False, separators=(",", ":")) if values else None


def nest(values: Mapping[str, str]) -> dict[str, Any]:
    """`{"menu.digits": "1"}` as `{"menu": {"digits": "1"}}`, the way a verb's results reach `Vars`. A name whose first part is a
    plain variable too stays as it is."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        head, dot, rest = name.partition(".")
        if not dot or head in values:
            nested[name] = value
        else:
            nested.setdefault(head, {})[rest] = value
    return nested


def _recording(part: str) -> Callable[[View], str | None]:
    """A value of the recording that the event tells of, or of the one that the leg is known to have."""

    def read(view: View) -> str | None:
        known = view.leg.context.recording
        told = None if view.recording is None else view.recording.get(part)
        value = getattr(known, part) if told is None and known is not None else told
        return None if value is None else str(value)

    return read


def _recording_sid(view: View) -> str | None:
    url = _recording("url")(view)
    if url is None and view.recording is None:
        return None
    return as_uuid(view.leg.account, f"{life(view.leg.id, view.leg.generation)}/recording/{url or ''}")


@lru_cache(maxsize=4096)
def _rfc2822(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))


def _sip_code(view: View) -> str | None:
    return None if view.leg.sip_status is None else str(view.leg.sip_status)


CALL_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("CallSid", "both", True, lambda view: call_sid(view.leg.account, view.leg.id, view.leg.generation)),
    Parameter("AccountID", "both", True, lambda view: as_digits(view.place.account, view.place.account, _ACCOUNT_DIGITS)),
    Parameter("TrunkID", "both", True, lambda view: _context("trunk_id")(view) or view.place.number.trunk_id),
    Parameter("From", "both", True, lambda view: "anonymous" if is_withheld(view.leg.from_) else as_number(view.leg.from_)),
    Parameter("To", "both", True, lambda view: as_number(view.leg.to)),
    Parameter("CallStatus", "both", True, lambda view: view.status),
    Parameter("ApiVersion", "both", True, lambda _view: API_VERSION),
    Parameter("Direction", "both", True, _direction),
    Parameter("CallerName", "both", True, _context("caller_name")),
    Parameter("ParentCallSid", "both", False, _parent_sid),
    Parameter("Vars", "both", False, _vars),
    Parameter("AnsweredBy", "both", False, _context("amd")),
    Parameter("Tag", "both", False, _context("tag")),
    Parameter("BulkTag", "both", False, _context("bulk_tag")),
    Parameter("FromCity", "both", False, lambda view: view.from_geo.city),
    Parameter("FromState", "both", False, lambda view: view.from_geo.region),
    Parameter("FromZip", "both", False, lambda view: view.from_geo.postal_code),
    Parameter("FromCountry", "both", False, lambda view: view.from_geo.country),
    Parameter("ToCity", "both", False, lambda view: view.to_geo.city),
    Parameter("ToState", "both", False, lambda view: view.to_geo.region),
    Parameter("ToZip", "both", False, lambda view: view.to_geo.postal_code),
    Parameter("ToCountry", "both", False, lambda view: view.to_geo.country),
)
"""The vendor's tables: what every webhook carries."""

PARAMETERS: tuple[Parameter, ...] = (
    *CALL_PARAMETERS,
    Parameter("CallDuration", "status", True, lambda view: str(view.leg.answered_duration_s)),
    Parameter("SipResponseCode", "status", False, _sip_code),
    Parameter("Timestamp", "status", True, lambda view: _rfc2822(view.at_ms // 1000)),
    Parameter("SequenceNumber", "status", True, lambda _view: "0"),
    Parameter("CallbackSource", "status", True, lambda _view: "call-progress-events"),
    Parameter("RecordingSid", "both", False, _recording_sid),
    Parameter("RecordingUrl", "both", False, _recording("url")),
    Parameter("RecordingStatus", "recording", False, _recording("status")),
    Parameter("RecordingDuration", "both", False, _recording("duration_s")),
    Parameter("RecordingChannels", "recording", False, _recording("channels")),
)
"""The vendor's tables, then the informational webhooks' own."""


class Voxtelesys(Unsigned):
    """See the module."""

    name: str = "voxtelesys"
    events: tuple[str, ...] = (*STATUS_EVENTS, *RECORDING_EVENTS)
    methods: tuple[Method, ...] = ("POST", "GET")
    status_words = tuple(dict.fromkeys(_WORDS.values()))
    default_order: Order = "call"
    retry = RetryPolicy(delays_s=tuple(5.0 * 2**n for n in range(10)), jitter=0.2, retry_after=True)
    timeout_s = 15.0

    def event_name(self, event: Event, place: Place) -> str | None:
        """The end of an outgoing root or of a leg to a phone number, or a recording's state; None for everything else."""
        del place
        if event.late:
            return None
        if event.type == "call.recording":
            name = f"recording.{event.data.get('status')}"
            return name if name in RECORDING_EVENTS else None
        status = event.type.removeprefix("call.")
        if status not in FINAL or not event.status_changed:
            return None
        outgoing = event.call.direction == "outbound" if event.call.is_root else phone_number(event.call.to) is not None
        return _WORDS[status] if outgoing else None

    def why_not(self, event: Event, place: Place) -> str:
        """Late, a recording's unknown state, a kind that is neither an end nor a recording, an inbound call, an extension's leg."""
        if self.event_name(event, place) is not None:
            return ""
        if event.type == "call.recording" and not event.late:
            return f"A recording is in-progress, completed or failed; this one is {event.data.get('status')}."
        if event.type[5:] not in FINAL and not event.late:
            return f"Voxtelesys tells of the end of a leg and of recordings: {event.type} is neither."
        if not event.status_changed:
            return LATE
        return "Voxtelesys tells of the end of outgoing calls, and this one is inbound." if event.call.is_root else NO_PHONE_NUMBER

    def status_word(self, event: Event) -> str | None:
        """`CallStatus` as it is sent."""
        return _status(event, _leg(event))

    def render(self, event: Event, endpoint: Endpoint, delivery: Delivery, place: Place, now_ms: int) -> HttpRequest:
        """The request, in the method that the endpoint chose."""
        del now_ms
        pairs = _pairs(event, place, "recording" if delivery.name in RECORDING_EVENTS else "status")
        return request_of(pairs, endpoint.url, endpoint.method)

    def succeeded(self, status: int) -> bool:
        """Any 2xx."""
        return 200 <= status < 300

    def samples(self) -> Mapping[str, Event]:
        """Constant values of ours; the vendor has no test button that we know of."""
        url = "https://recordings.example.com/5f0e3a52.wav"
        recordings: Mapping[str, dict[str, Any]] = {
            "recording.in-progress": {"status": "in-progress"},
            "recording.completed": {"status": "completed", "url": url, "duration_s": 42, "channels": 2},
            "recording.failed": {"status": "failed"},
        }
        ended: tuple[Status, ...] = ("completed", "failed", "busy", "no-answer")
        told = {str(status): example("outbound", status) for status in ended}
        return {**told, **{name: example_fact("call.recording", data, Context()) for name, data in recordings.items()}}


def _leg(event: Event) -> Call:
    """The leg that is told: a recording of a leg that the customer does not see (to an extension) is the conversation's."""
    return event.call if event.call.is_root or phone_number(event.call.to) is not None else event.root


def view_of(leg: Call, root: Call, place: Place, status: str) -> View:
    """What a webhook about a leg is read from; `status` is the word of `CallStatus`."""
    from_geo = Geo() if is_withheld(leg.from_) else geo_for(leg.context.from_geo, leg.from_)
    return View(leg, root, place, status, from_geo, geo_for(leg.context.to_geo, leg.to))


def read(parameters: Iterable[Parameter], view: View) -> list[Pair]:
    """Names and values, in the table's order; what has no value and is not always sent is left out."""
    pairs: list[Pair] = []
    for parameter in parameters:
        value = parameter.value(view)
        if value or parameter.always:
            pairs.append((parameter.name, value or ""))
    return pairs


def request_of(pairs: Iterable[Pair], url: str, method: str) -> HttpRequest:
    """GET with a query after the URL's own, or POST with a form."""
    body = FORM.pairs(pairs)
    if method == "GET":
        return HttpRequest("GET", with_query(url, body), ())
    return HttpRequest("POST", without_fragment(url), _CONTENT_TYPE, body.encode("ascii"))


_OF_WEBHOOK: Mapping[str, tuple[Parameter, ...]] = {
    webhook: tuple(parameter for parameter in PARAMETERS if parameter.on in ("both", webhook))
    for webhook in ("status", "recording")
}


def _pairs(event: Event, place: Place, webhook: str) -> list[Pair]:
    leg = _leg(event)
    told = event.data if event.type == "call.recording" else None
    view = view_of(leg, event.root, place, _status(event, leg))._replace(at_ms=event.at_ms, recording=told)
    return read(_OF_WEBHOOK[webhook], view)


DIALECT = Voxtelesys()
