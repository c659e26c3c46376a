"""Fone Dynamics: GET with a query or POST with a form of flat dotted names, the start and the end of each inbound call.

Source: the vendor's page on voice webhooks (`fonedynamics.com/docs/rest-api/voice-webhooks`) and its SDKs; what they leave open is
in `FACTS`. The page keeps two ways of having no value apart, and so does the table of fields: **blank** names are always sent, if
need be empty; **optional** ones are left out.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from ringback.calls.directory import Place
from ringback.calls.geography import geo_for
from ringback.calls.model import (
    FINAL,
    Attribution,
    Call,
    Context,
    Event,
    Geo,
    Integration,
    Offer,
    Prompts,
    Recording,
    Status,
    Survey,
    WebSession,
)
from ringback.dialects.contract import Fact, HttpRequest
from ringback.dialects.encoding import DOTNET, Pair, with_query, without_fragment
from ringback.dialects.sample_roots import sample_call, sample_event
from ringback.dialects.shapes import as_sid, life, rfc3339
from ringback.dialects.silence import LATE, of_a_leg
from ringback.dialects.story import as_number, final_of_root, is_withheld, last_transfer, phone_number
from ringback.dialects.unsigned import Unsigned
from ringback.webhooks.model import Delivery, Endpoint, Method, Order, RetryPolicy

INITIATE = "Call.Initiate"
COMPLETE = "Call.Complete"
CUSTOM_DIMENSIONS = 20
"""How many slots Google's Universal Analytics had; the page prints the first one twice."""

Kind = Literal["required", "blank", "optional", "session"]
_CONTENT_TYPE = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)
_ANSWERED, _BUSY, _NO_ANSWER, _IVR, _FAILED = "ANSWERED", "BUSY", "NO ANSWER", "IVR", "FAILED"
_MACHINES = ("ivr", "queue", "voicemail", "announcement")

FACTS: tuple[Fact, ...] = (
    Fact("methods", "documented", "GET or POST, chosen for each endpoint."),
    Fact("default method", "inferred", "POST, as for the vendor's SMS webhooks."),
    Fact("POST body", "inferred", "`application/x-www-form-urlencoded; charset=utf-8`; the URL stays untouched."),
    Fact("GET", "inferred", "Parameters follow the query that the URL has, after `&`."),
    Fact("names", "documented", "Flat, with dots, exactly as printed; never nested."),
    Fact(
        "encoding",
        "inferred",
        "UTF-8 as .NET's `WebUtility.UrlEncode`: a space is `+`, a plus `%2B`, `! * ( )` stay, `~` does not.",
    ),
    Fact("parameter order", "inferred", "That of the vendor's tables."),
    Fact("events", "documented", "`Call.Initiate` at the start and `Call.Complete` at the end of an inbound call, one each."),
    Fact("no value", "documented", "Blank if unknown: Country, Region, City; left out: whatever the page calls optional."),
    Fact("Attribution", "inferred", "All four on every event, blank where unknown."),
    Fact(
        "Session",
        "inferred",
        "Only for a call with a web session, or to a dynamic number; then type and both URIs are always there.",
    ),
    Fact("Session.Traffic.Type", "inferred", "`Unattributed` for a session without a source."),
    Fact("custom dimensions", "inferred", "1 to 20, those that are set; the page prints the first one's name twice."),
    Fact("numbers", "inferred", "E.164 with the plus, as the vendor's SDKs have them."),
    Fact("withheld caller", "documented", "`anonymous`; country, region and city are blank."),
    Fact("country", "inferred", "ISO 3166 alpha-2."),
    Fact("Call.StartDate", "documented", "UTC, `yyyy-MM-dd HH:mm:ss`: when the call was first heard of, the same in both events."),
    Fact("Call.Duration", "inferred", "Whole seconds of the whole call, cut."),
    Fact("dispositions", "documented", "`ANSWERED`, `NO ANSWER`, `BUSY`, `IVR`, `FAILED`: what the last transfer came to."),
    Fact(
        "disposition of a ring group",
        "ours",
        "Extensions that ring together are one transfer: ANSWERED, else BUSY, NO ANSWER, FAILED.",
    ),
    Fact(
        "disposition without a transfer",
        "ours",
        "The call's own end; `IVR` if a machine answered or the caller left before ringing.",
    ),
    Fact("Call.Endpoint", "inferred", "`transfer_to`, else the last target if it is E.164; an internal extension is left out."),
    Fact("lists", "documented", "Comma-delimited; the comma is percent-encoded."),
    Fact(
        "Sids", "inferred", "32 capital letters with `AC`, `PR`, `CA`; an id of another form is turned into one by a stable hash."
    ),
    Fact("Property.Type", "documented", "`Site`, the only type today."),
    Fact(
        "waiting for facts",
        "ours",
        "Call.Complete waits up to the endpoint's `hold_s` for a recording or survey that was announced.",
    ),
    Fact("success", "ours", "Any 2xx; the body is ignored and a redirect is a failure."),
    Fact("time-out", "ours", "10 s for one attempt."),
    Fact("retries", "ours", "Three: after 1, 5 and 30 minutes."),
    Fact("order", "ours", "Strict: Call.Complete waits until Call.Initiate succeeded or was given up."),
    Fact("signature", "documented", "None is described; credentials or a token in the URL are the receiver's only proof."),
    Fact("test values", "ours", "Constant samples with the start date of the test; the vendor has no test button that we know of."),
)


class View(NamedTuple):
    """What the fields are read from: the event's name, its root, when that began, where it belongs, and where the caller is."""

    name: str
    root: Call
    start_ms: int
    place: Place
    geo: Geo

    @property
    def has_session(self) -> bool:
        """Is the call tied to a web session: one was given, or the number is shown to one visitor at a time?"""
        return self.root.context.session is not None or self.place.number.pool == "dynamic"


class Field(NamedTuple):
    """One row of the vendor's tables. `completes`: on Call.Complete only. `value` gives None or "" for no value."""

    name: str
    kind: Kind
    completes: bool
    value: Callable[[View], str | None]


def _given(group: str, part: str) -> Callable[[View], str | None]:
    """A value that a source gave in one of the groups of the context."""

    def read(view: View) -> str | None:
        values = getattr(view.root.context, group)
        value = None if values is None else getattr(values, part)
        return None if value is None else str(value)

    return read


def _listed(part: str) -> Callable[[View], str | None]:
    """Entries that the caller keyed, in order."""
    return lambda view: ",".join(getattr(view.root.context.prompts or _NO_PROMPTS, part))


def _dimension(n: int) -> Callable[[View], str | None]:
    """The nth custom dimension of the web session, counted from 1."""

    def read(view: View) -> str | None:
        dimensions = view.root.context.session.custom_dimensions if view.root.context.session else []
        return dimensions[n - 1] if n <= len(dimensions) else None

    return read


def _start_date(view: View) -> str:
    text = rfc3339(view.start_ms)
    return f"{text[:10]} {text[11:19]}"


def _traffic_type(view: View) -> str:
    return _given("session", "traffic_type")(view) or "Unattributed"


_NO_PROMPTS = Prompts()

FIELDS: tuple[Field, ...] = (
    Field("Action", "required", False, lambda _view: "Webhook"),
    Field("Event", "required", False, lambda view: view.name),
    Field("Account.Sid", "required", False, lambda view: as_sid("AC", view.place.account, view.place.account)),
    Field("Property.Sid", "required", False, lambda view: as_sid("PR", view.place.account, view.place.number.property.id)),
    Field("Property.Name", "required", False, lambda view: view.place.number.property.name),
    Field("Property.Type", "required", False, lambda view: view.place.number.property.type),
    Field("Call.Sid", "required", False, lambda view: as_sid("CA", view.place.account, life(view.root.id, view.root.generation))),
    Field("Call.StartDate", "required", False, _start_date),
    Field("Call.From", "required", False, lambda view: "anonymous" if is_withheld(view.root.from_) else as_number(view.root.from_)),
    Field("Call.From.Country", "blank", False, lambda view: view.geo.country),
    Field("Call.From.Region", "blank", False, lambda view: view.geo.region),
    Field("Call.From.City", "blank", False, lambda view: view.geo.city),
    Field("Call.To", "required", False, lambda view: as_number(view.root.to)),
    Field("Call.To.Type", "required", True, lambda view: view.place.number.pool.capitalize()),
    Field("Call.To.Name", "required", False, lambda view: view.place.number.name),
    Field("Call.Duration", "required", True, lambda view: str(view.root.duration_s)),
    Field("Call.Disposition", "required", True, lambda view: disposition(view.root)),
    Field("Call.Recording.Uri", "optional", True, _given("recording", "url")),
    Field("Call.Endpoint", "optional", False, lambda view: transfer_endpoint(view.root)),
    Field("Call.Survey.Type", "optional", True, _given("survey", "type")),
    Field("Call.Survey.Value", "optional", True, _given("survey", "value")),
    Field("Call.Survey.Custom1", "optional", True, _given("survey", "custom1")),
    Field("Call.Survey.Custom2", "optional", True, _given("survey", "custom2")),
    Field("Call.Survey.Custom3", "optional", True, _given("survey", "custom3")),
    Field("Call.Survey.UniqueCode", "optional", True, _given("survey", "unique_code")),
    Field("Call.Prompts.Postcode", "optional", True, _listed("postcodes")),
    Field("Call.Prompts.Keys", "optional", True, _listed("keys")),
    Field("Attribution.Source", "blank", False, _given("attribution", "source")),
    Field("Attribution.Medium", "blank", False, _given("attribution", "medium")),
    Field("Attribution.Campaign", "blank", False, _given("attribution", "campaign")),
    Field("Attribution.Content", "blank", False, _given("attribution", "content")),
    Field("Session.Traffic.Type", "session", False, _traffic_type),
    Field("Session.Keywords", "optional", False, _given("session", "keywords")),
    Field("Session.ConversionUri", "session", False, _given("session", "conversion_uri")),
    Field("Session.LandingUri", "session", False, _given("session", "landing_uri")),
    *(Field(f"AnalyticsSession.CustomDimension{n}", "optional", False, _dimension(n)) for n in range(1, CUSTOM_DIMENSIONS + 1)),
    Field("Google.Analytics.ClientId", "optional", False, _given("integration", "ga_client_id")),
    Field("Google.AdWords.ClickId", "optional", False, _given("integration", "gclid")),
)
"""The vendor's tables, row by row. Marks of the kinds: the page's words, and `FACTS` where it has none."""


def disposition(root: Call) -> str:
    """What became of a call, in the vendor's five words: what the last transfer came to, or without one how the call itself ended.

    A source's own word in the context overrides it.
    """
    if root.context.disposition:
        return root.context.disposition
    transfer = last_transfer(root.offers)
    if transfer:
        words = {_offer_word(offer, root.status) for offer in transfer}
        return next(word for word in (_ANSWERED, _BUSY, _NO_ANSWER, _FAILED) if word in words)
    if root.answered_at_ms is not None or root.status == "completed":
        return _IVR if root.context.answered_by in _MACHINES else _ANSWERED
    if root.status == "cancelled" and root.ringing_at_ms is None:
        return _IVR
    return _UNANSWERED.get(root.status, _NO_ANSWER)


_UNANSWERED: Mapping[str | None, str] = {"busy": _BUSY, "failed": _FAILED}
_ENDED: Mapping[str, str] = {"busy": _BUSY, "failed": _FAILED, "no-answer": _NO_ANSWER, "cancelled": _NO_ANSWER}


def _offer_word(offer: Offer, root_status: Status | None) -> str:
    """What one offer came to. One whose end nobody told (it rang, and the call was over) shares the call's own."""
    if offer.answered_at_ms is not None or offer.status in ("ongoing", "completed"):
        return _ANSWERED
    return _ENDED.get(offer.status) or _UNANSWERED.get(root_status, _NO_ANSWER)


def transfer_endpoint(root: Call) -> str | None:
    """Where the call was transferred: what the source says, else the last target if it is a phone number."""
    if root.context.transfer_to:
        return root.context.transfer_to
    transfer = last_transfer(root.offers)
    return phone_number(transfer[-1].to) if transfer else None


def _awaits_facts(root: Call) -> bool:
    """Is a fact missing that was announced: a recording (it runs still, or `awaits` names it), a survey?"""
    context = root.context
    recording = context.recording or _NO_RECORDING
    if recording.status == "in-progress":
        return True
    if "recording" in context.awaits and recording.status is None and recording.url is None:
        return True
    return "survey" in context.awaits and context.survey is None


_NO_RECORDING = Recording()


class FoneDynamics(Unsigned):
    """See the module."""

    name: str = "fonedynamics"
    events: tuple[str, ...] = (INITIATE, COMPLETE)
    methods: tuple[Method, ...] = ("POST", "GET")
    default_order: Order = "strict"
    retry = RetryPolicy(delays_s=(60.0, 300.0, 1800.0), retry_after=True)
    timeout_s = 10.0

    def event_name(self, event: Event, place: Place) -> str | None:
        """The start or the end of an inbound call; None for everything else."""
        del place
        if event.root.direction != "inbound" or not event.call.is_root or not event.status_changed:
            return None
        if event.type == "call.starting":
            return INITIATE
        return COMPLETE if final_of_root(event) else None

    def why_not(self, event: Event, place: Place) -> str:
        """An outbound call, a kind that is neither start nor end, a leg's, late."""
        if self.event_name(event, place) is not None:
            return ""
        if event.root.direction != "inbound":
            return "Fone Dynamics tells of inbound calls, and this one is outbound."
        if event.type != "call.starting" and event.type[5:] not in FINAL:
            return f"Fone Dynamics tells of a call's start and of its end: {event.type} is neither."
        return LATE if event.call.is_root else of_a_leg("Fone Dynamics", event.type)

    def hold_until_ms(self, event: Event, endpoint: Endpoint) -> int | None:
        """Call.Complete waits up to `endpoint.hold_s` after the call's end for facts that were announced and are not there."""
        if event.root.direction != "inbound" or not final_of_root(event) or not endpoint.hold_s or not _awaits_facts(event.root):
            return None
        return event.at_ms + endpoint.hold_s * 1000

    def complete(self, root_now: Event) -> bool:
        """True once nothing that was announced is missing."""
        return not _awaits_facts(root_now.root)

    def render(self, event: Event, endpoint: Endpoint, delivery: Delivery, place: Place, now_ms: int) -> HttpRequest:
        """The request, in the method that the endpoint chose; `delivery.name` says which of the two events."""
        del now_ms
        # A sample is told with the time of the test: its call began as long before as it lasted.
        start_ms = event.at_ms - event.root.duration_s * 1000 if delivery.kind == "test" else event.root.first_at_ms
        body = DOTNET.pairs(_pairs(delivery.name, event.root, start_ms, place))
        if endpoint.method == "GET":
            return HttpRequest("GET", with_query(endpoint.url, body), ())
        return HttpRequest("POST", without_fragment(endpoint.url), _CONTENT_TYPE, body.encode("ascii"))

    def succeeded(self, status: int) -> bool:
        """Any 2xx: the vendor says nothing, and this is the usual reading."""
        return 200 <= status < 300

    def samples(self) -> Mapping[str, Event]:
        """A call to a dynamic number that begins, and one to a static number that has ended, with constant values of ours."""
        return _samples()


def _pairs(name: str, root: Call, start_ms: int, place: Place) -> list[Pair]:
    geo = Geo() if is_withheld(root.from_) else geo_for(root.context.from_geo, root.from_)
    view = View(name, root, start_ms, place, geo)
    pairs: list[Pair] = []
    for field in FIELDS:
        if (field.completes and name != COMPLETE) or (field.kind == "session" and not view.has_session):
            continue
        value = field.value(view)
        if value or field.kind != "optional":
            pairs.append((field.name, value or ""))
    return pairs


_SAMPLE_GEO = Geo(country="AU", region="", city="")


def _samples() -> Mapping[str, Event]:
    start_ms = 1_563_419_045_000
    call_id = "CAQWERTYUIOPASDFGHJKLZXCVBNMQWER"
    numbers = ("+61412345678", "+61290001111")
    begun = Context(
        from_geo=_SAMPLE_GEO,
        attribution=Attribution(source="bing", medium="organic"),
        session=WebSession(
            traffic_type="Organic",
            keywords="blue widgets",
            conversion_uri="https://www.example.com.au/contact",
            landing_uri="https://www.example.com.au/",
        ),
        integration=Integration(ga_client_id="1234567890.1546300800"),
    )
    ended = Context(
        from_geo=_SAMPLE_GEO,
        transfer_to="+61298765432",
        recording=Recording(url="https://recordings.example.com/95.wav", status="completed"),
        survey=Survey(type="Sale", value=250),
        prompts=Prompts(keys=["1", "2000"], postcodes=["2000"]),
    )
    starting = sample_call(call_id, "inbound", numbers, "starting", (start_ms, None, None), context=begun)
    end_ms = start_ms + 95_000
    completed = sample_call(call_id, "inbound", numbers, "completed", (start_ms, start_ms + 8_000, end_ms), context=ended)
    return {
        INITIATE: sample_event("call.starting", start_ms, starting),
        COMPLETE: sample_event("call.completed", end_ms, completed),
    }


DIALECT = FoneDynamics()
