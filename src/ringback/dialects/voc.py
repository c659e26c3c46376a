"""Voice Over Cloud (VOC): POST with everything in the query string and no body, told as the root's story.

Source: the vendor's page on webhooks (`wiki.vocphone.com/Technical/Developers/webhooks`); what it leaves open is in `FACTS`.
An event is in the table of its name below; a value comes from one function per parameter. An IVR, a queue or voicemail that answers
fires nothing: Ringing and Answered are about extensions.
"""

from collections.abc import Callable, Mapping

from ringback.calls.directory import Place
from ringback.calls.model import FINAL, Call, Context, Direction, Event, Offer, Status
from ringback.dialects.contract import Fact, HttpRequest
from ringback.dialects.encoding import RFC3986, with_query
from ringback.dialects.sample_roots import sample_call, sample_event
from ringback.dialects.shapes import rfc3339
from ringback.dialects.silence import LATE, no_event_for, of_a_leg
from ringback.dialects.story import (
    answering_extension,
    as_number,
    calling_extension,
    extension_of,
    final_of_root,
    is_withheld,
    offered_extension,
)
from ringback.dialects.unsigned import Unsigned
from ringback.webhooks.model import Delivery, Endpoint, Method, Order, RetryPolicy

_INBOUND = ("event", "date", "inboundNumber", "callerid", "callid")
_OUTBOUND = ("event", "date", "extension", "destination", "callid")
_LENGTHS = ("duration", "answeredDuration")
_LATER = ("event", "date", "callid", "crm_id")

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "inboundCallStart": (*_INBOUND, "crm_id"),
    "inboundCallRinging": (*_INBOUND, "extension", "crm_id"),
    "inboundCallAnswered": (*_INBOUND, "extension", "crm_id"),
    "inboundCallEnd": (*_INBOUND, "extension", *_LENGTHS, "crm_id"),
    "outboundCallStart": (*_OUTBOUND, "crm_id"),
    "outboundCallAnswered": (*_OUTBOUND, "crm_id"),
    "outboundCallEnd": (*_OUTBOUND, *_LENGTHS, "crm_id"),
    "ivrOption": (*_INBOUND, "ivrOption", "crm_id"),
    "callRecordingAvailable": _LATER,
    "callTranscriptionAvailable": _LATER,
}
"""Each event's parameters in the order of the vendor's tables."""

_KEYS = tuple("0123456789*#")

FACTS: tuple[Fact, ...] = (
    Fact("request", "documented", "POST to an https URL with every parameter in the query string."),
    Fact("body", "inferred", "There is none: Content-Length 0 and no Content-Type."),
    Fact("URL with a query of its own", "inferred", "It stays byte for byte and ours follows after `&`; a fragment is cut off."),
    Fact(
        "encoding",
        "inferred",
        "UTF-8, percent-encoded as RFC 3986 says: a space is `%20`, `:` is `%3A`, `#` is `%23`, `*` is `%2A`.",
    ),
    Fact("parameter order", "inferred", "That of the vendor's tables."),
    Fact("numbers", "documented", "E.164 without the plus; extensions as they are; a withheld caller is `Anonymous`."),
    Fact(
        "dates", "documented", "UTC, `YYYY-MM-DD hh:mm:ss` on 24 hours: when it happened, cut to seconds, the same on every retry."
    ),
    Fact("success", "documented", "Status 200 exactly; any other, 201 and 204 included, is a failure."),
    Fact("retries", "documented", "One at once, one a second later; then it is a failure in the log, to be resent by hand."),
    Fact("time-out", "ours", "5 s for one attempt."),
    Fact("signature", "documented", "None is described; a token in the URL is the receiver's only proof."),
    Fact("ringing and answered", "documented", "An extension rings or answers, one event each; an IVR that answers fires nothing."),
    Fact("ringing's extension", "inferred", "The one that rings, though the page says the one that answered."),
    Fact(
        "inboundCallEnd's extension",
        "documented",
        "Who answered, or null if no extension did; after a transfer, who answered last.",
    ),
    Fact("null", "ours", "An empty value (`extension=`, `crm_id=`); left out altogether if the endpoint says `omit_null`."),
    Fact("crm_id", "documented", "The id that the source gave for the call, unchanged, on every event."),
    Fact("callid", "documented", "The root's id as the source gave it, the same on every event of the call."),
    Fact("durations", "inferred", "Whole seconds, cut; `answeredDuration` is 0 if nobody answered."),
    Fact("webhooks enabled", "documented", "Inbound events go out only for numbers with webhooks enabled."),
    Fact(
        "recordings of a silent number",
        "ours",
        "A number without webhooks has no recording, transcription or ivrOption event either.",
    ),
    Fact(
        "extension to extension",
        "documented",
        "One outbound call, its destination the bare extension; it raises no inbound events.",
    ),
    Fact("internal services", "documented", "A feature code (`*98`) or an empty destination raises no outbound event."),
    Fact("outbound without an extension", "ours", "A call by the API whose caller is no extension has a null `extension`."),
    Fact("ivrOption", "documented", "One of 0-9, `*`, `#`, of an inbound call; other keys send nothing."),
    Fact("recording and transcription", "documented", "They carry no URL, only the callid."),
    Fact("order", "ours", "Strict: an event waits until the one before it succeeded or was given up."),
    Fact("test values", "documented", "The static values of the vendor's tables, with the date of the test."),
)


def number_text(address: str) -> str:
    """A number as VOC writes it: without the plus."""
    return as_number(address).removeprefix("+")


def caller_text(address: str) -> str:
    """The caller as VOC writes it."""
    return "Anonymous" if is_withheld(address) else number_text(address)


def _extension(event: Event, name: str) -> str | None:
    if name == "inboundCallEnd":
        return answering_extension(event.root)
    if name in ("inboundCallRinging", "inboundCallAnswered"):
        return extension_of(event)
    return calling_extension(event.root)


def date_text(at_ms: int) -> str:
    """`2024-01-01 19:00:00`: UTC, cut to seconds."""
    text = rfc3339(at_ms)
    return f"{text[:10]} {text[11:19]}"


_VALUES: Mapping[str, Callable[[Event, str], str | None]] = {
    "event": lambda _event, name: name,
    "date": lambda event, _name: date_text(event.at_ms),
    "inboundNumber": lambda event, _name: number_text(event.root.to),
    "callerid": lambda event, _name: caller_text(event.root.from_),
    "destination": lambda event, _name: number_text(event.root.to),
    "callid": lambda event, _name: event.root.id,
    "extension": _extension,
    "duration": lambda event, _name: str(event.root.duration_s),
    "answeredDuration": lambda event, _name: str(event.root.answered_duration_s),
    "ivrOption": lambda event, _name: str(event.data.get("option", "")),
    "crm_id": lambda event, _name: event.root.context.crm_id,
}


def _later_name(event: Event) -> str | None:
    if event.type == "call.recording":
        return "callRecordingAvailable" if event.data.get("status") == "completed" else None
    return "callTranscriptionAvailable" if event.type == "call.transcription" else None


def _inbound_name(event: Event) -> str | None:
    if offered_extension(event.offer) is not None:
        if event.type == "call.ringing":
            return "inboundCallRinging"
        if event.type == "call.ongoing":
            return "inboundCallAnswered"
    if event.type == "call.ivr-option":
        return "ivrOption" if event.data.get("option") in _KEYS else None
    if final_of_root(event):
        return "inboundCallEnd"
    return "inboundCallStart" if _root_took(event, "call.starting") else _later_name(event)


def _outbound_name(event: Event) -> str | None:
    if final_of_root(event):
        return "outboundCallEnd"
    if _root_took(event, "call.starting"):
        return "outboundCallStart"
    return "outboundCallAnswered" if _root_took(event, "call.ongoing") else _later_name(event)


def _why_unnamed(event: Event, inbound: bool) -> str:
    """Why neither `_inbound_name` nor `_outbound_name` has a name."""
    if event.type == "call.recording":
        return f"callRecordingAvailable goes out once the recording is completed; this one is {event.data.get('status')}."
    if event.type == "call.ivr-option":
        return "ivrOption has 0 to 9, * and #; this key is none of them." if inbound else "VOC tells of keys in inbound calls only."
    if event.type in ("call.ringing", "call.ongoing") and inbound:
        return "VOC tells of an extension that rings or answers; an IVR, a queue, voicemail or a number outside is none."
    if event.type in ("call.starting", "call.ongoing") or event.type[5:] in FINAL:
        return LATE if event.call.is_root else of_a_leg("VOC", event.type)
    return no_event_for("VOC", f"{event.type} of an {event.root.direction} call")


def _root_took(event: Event, status: str) -> bool:
    return event.type == status and event.status_changed and event.call.is_root


def _reaches_somebody(destination: str) -> bool:
    """False for what VOC calls invalid numbers and internal services: no destination, or a feature code."""
    return not destination.startswith(("*", "#")) and not is_withheld(destination)


class Voc(Unsigned):
    """See the module."""

    name: str = "voc"
    events: tuple[str, ...] = tuple(PARAMETERS)
    methods: tuple[Method, ...] = ("POST",)
    default_order: Order = "strict"
    retry = RetryPolicy(delays_s=(0.0, 1.0))
    timeout_s = 5.0

    def event_name(self, event: Event, place: Place) -> str | None:
        """VOC's name of the event, or None: not a root's matter, a number without webhooks, an internal service."""
        if event.late:
            return None
        if event.root.direction == "inbound":
            return _inbound_name(event) if place.number.webhooks_enabled else None
        return _outbound_name(event) if _reaches_somebody(event.root.to) else None

    def why_not(self, event: Event, place: Place) -> str:
        """Late, a number without webhooks, an internal service, no extension, a key that is none, a kind of no interest."""
        if self.event_name(event, place) is not None:
            return ""
        if event.late:
            return LATE
        inbound = event.root.direction == "inbound"
        if inbound and not place.number.webhooks_enabled:
            return "Webhooks are switched off for the number: VOC sends no inbound event for it."
        if not inbound and not _reaches_somebody(event.root.to):
            return "The call goes to an internal service (a feature code) or nowhere: VOC sends no outbound event for it."
        return _why_unnamed(event, inbound)

    def render(self, event: Event, endpoint: Endpoint, delivery: Delivery, place: Place, now_ms: int) -> HttpRequest:
        """The request: `delivery.name` says which table; `endpoint.omit_null` leaves absent values out."""
        del place, now_ms
        name = delivery.name
        values = [(parameter, _VALUES[parameter](event, name)) for parameter in PARAMETERS[name]]
        pairs = [(parameter, value or "") for parameter, value in values if value or not endpoint.omit_null]
        return HttpRequest("POST", with_query(endpoint.url, RFC3986.pairs(pairs)), ())

    def succeeded(self, status: int) -> bool:
        """200 and nothing else: "a successful 200 response code is required"."""
        return status == 200

    def samples(self) -> Mapping[str, Event]:
        """The values of the vendor's tables, as its test button sends them; their date, 2024-01-01 19:00:00, is to be replaced."""
        return _samples()


def _samples() -> Mapping[str, Event]:
    at_ms = 1_704_135_600_000
    start_ms, answer_ms = at_ms - 88_000, at_ms - 77_000
    ring = Offer(to="280085", at_ms=at_ms, ringing_at_ms=at_ms)
    answer = Offer(to="280085", status="ongoing", at_ms=start_ms, ringing_at_ms=start_ms, answered_at_ms=answer_ms)
    numbers = {"inbound": ("+61288880000", "+611800111222"), "outbound": ("280085", "+61288880000")}

    def call(direction: Direction, status: Status, offers: tuple[Offer, ...] = ()) -> Call:
        times = (start_ms, answer_ms, at_ms if status in FINAL else None)
        return sample_call(
            "testcall", direction, numbers[direction], status, times, context=Context(crm_id="usefulid"), offers=offers
        )

    ended = call("inbound", "completed", (answer,))
    return {
        "inboundCallStart": sample_event("call.starting", at_ms, call("inbound", "starting")),
        "inboundCallRinging": sample_event("call.ringing", at_ms, call("inbound", "ringing", (ring,)), offer=ring),
        "inboundCallAnswered": sample_event("call.ongoing", at_ms, call("inbound", "ongoing", (answer,)), offer=answer),
        "inboundCallEnd": sample_event("call.completed", at_ms, ended),
        "outboundCallStart": sample_event("call.starting", at_ms, call("outbound", "starting")),
        "outboundCallAnswered": sample_event("call.ongoing", at_ms, call("outbound", "ongoing")),
        "outboundCallEnd": sample_event("call.completed", at_ms, call("outbound", "completed")),
        "ivrOption": sample_event("call.ivr-option", at_ms, call("inbound", "ongoing"), data={"option": "1"}),
        "callRecordingAvailable": sample_event("call.recording", at_ms, ended, data={"status": "completed"}),
        "callTranscriptionAvailable": sample_event("call.transcription", at_ms, ended),
    }


DIALECT = Voc()
