"""Fone Dynamics' two events byte by byte, with blank and left-out values kept apart. Expected bytes are written from the vendor's
tables, never by the code under test."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from factory_forms import T0, TRACKED, call, context, ended, endpoint, event, offer, place, rendered
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringback.calls.directory import Property
from ringback.calls.model import (
    Attribution,
    Call,
    Context,
    Event,
    Geo,
    Integration,
    Offer,
    Prompts,
    Recording,
    Survey,
    WebSession,
)
from ringback.dialects.fonedynamics import DIALECT, FACTS, FIELDS
from ringback.errors import InvalidInput
from ringback.webhooks.model import Delivery, Filter, Secret

MOBILE = "+61412345678"
ACCOUNT_SID = "ACQWERTYUIOPASDFGHJKLZXCVBNMQWER"
CALL_SID = "CAQWERTYUIOPASDFGHJKLZXCVBNMQWER"
PROPERTY_SID = "PRQWERTYUIOPASDFGHJKLZXCVBNMQWER"
AU = Geo(country="AU", region="NSW", city="Sydney")
FORM_TYPE = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)

SESSION = WebSession(
    traffic_type="Organic",
    keywords="blue widgets",
    conversion_uri="https://www.example.com.au/contact",
    landing_uri="https://www.example.com.au/",
    custom_dimensions=["gold", "", "Zoë"],
)
FULL = Context(
    transfer_to="+61298765432",
    from_geo=AU,
    recording=Recording(url="https://r.example.com/a b.wav?x=1", status="completed"),
    survey=Survey(type="Sale", value=250, custom1="a", custom2="b&c", custom3="ü", unique_code="0042"),
    prompts=Prompts(keys=["1", "2000", "*"], postcodes=["2000", "3000"]),
    attribution=Attribution(source="bing", medium="organic", campaign="2019 promo", content="variation 1"),
    session=SESSION,
    integration=Integration(ga_client_id="1234567890.1546300800", gclid="TeSter-123_~"),
)


def where(**values: Any) -> Any:
    return place(account=ACCOUNT_SID, **values)


def starting(**values: Any) -> Event:
    return event("call.starting", call(**{"id": CALL_SID, "status": "starting", "context": Context(from_geo=AU), **values}))


def complete(status: str = "completed", **values: Any) -> Event:
    wanted: dict[str, Any] = {"id": CALL_SID, "lasted_s": 95, "context": Context(from_geo=AU)}
    if status == "completed":
        wanted["answered_after_s"] = 8
    return event(f"call.{status}", ended(status, **{**wanted, **values}), after_s=95)


def fields(told: Event, spot: Any = None, **values: Any) -> dict[str, str]:
    return dict(parse_qsl(rendered(DIALECT, told, spot or where(), **values).body.decode(), keep_blank_values=True))


HEAD = (
    "Account.Sid=ACQWERTYUIOPASDFGHJKLZXCVBNMQWER&Property.Sid=PRQWERTYUIOPASDFGHJKLZXCVBNMQWER"
    "&Property.Name=www.example.com.au&Property.Type=Site&Call.Sid=CAQWERTYUIOPASDFGHJKLZXCVBNMQWER"
    "&Call.StartDate=2026-11-20+12%3A00%3A00&Call.From=%2B61412345678&Call.From.Country=AU&Call.From.Region=NSW"
    "&Call.From.City=Sydney&Call.To=%2B61290001111"
)
ALL_OF_INITIATE = (
    f"Action=Webhook&Event=Call.Initiate&{HEAD}&Call.To.Name=Web+pool&Call.Endpoint=%2B61298765432"
    "&Attribution.Source=bing&Attribution.Medium=organic&Attribution.Campaign=2019+promo&Attribution.Content=variation+1"
    "&Session.Traffic.Type=Organic&Session.Keywords=blue+widgets"
    "&Session.ConversionUri=https%3A%2F%2Fwww.example.com.au%2Fcontact&Session.LandingUri=https%3A%2F%2Fwww.example.com.au%2F"
    "&AnalyticsSession.CustomDimension1=gold&AnalyticsSession.CustomDimension3=Zo%C3%AB"
    "&Google.Analytics.ClientId=1234567890.1546300800&Google.AdWords.ClickId=TeSter-123_%7E"
)
ALL_OF_COMPLETE = (
    f"Action=Webhook&Event=Call.Complete&{HEAD}&Call.To.Type=Dynamic&Call.To.Name=Web+pool&Call.Duration=95"
    "&Call.Disposition=ANSWERED&Call.Recording.Uri=https%3A%2F%2Fr.example.com%2Fa+b.wav%3Fx%3D1&Call.Endpoint=%2B61298765432"
    "&Call.Survey.Type=Sale&Call.Survey.Value=250&Call.Survey.Custom1=a&Call.Survey.Custom2=b%26c&Call.Survey.Custom3=%C3%BC"
    "&Call.Survey.UniqueCode=0042&Call.Prompts.Postcode=2000%2C3000&Call.Prompts.Keys=1%2C2000%2C*"
    "&Attribution.Source=bing&Attribution.Medium=organic&Attribution.Campaign=2019+promo&Attribution.Content=variation+1"
    "&Session.Traffic.Type=Organic&Session.Keywords=blue+widgets"
    "&Session.ConversionUri=https%3A%2F%2Fwww.example.com.au%2Fcontact&Session.LandingUri=https%3A%2F%2Fwww.example.com.au%2F"
    "&AnalyticsSession.CustomDimension1=gold&AnalyticsSession.CustomDimension3=Zo%C3%AB"
    "&Google.Analytics.ClientId=1234567890.1546300800&Google.AdWords.ClickId=TeSter-123_%7E"
)
LEAST_OF_INITIATE = (
    f"Action=Webhook&Event=Call.Initiate&{HEAD}&Call.To.Name=Web+pool"
    "&Attribution.Source=&Attribution.Medium=&Attribution.Campaign=&Attribution.Content="
)
LEAST_OF_COMPLETE = (
    f"Action=Webhook&Event=Call.Complete&{HEAD}&Call.To.Type=Static&Call.To.Name=Web+pool&Call.Duration=95"
    "&Call.Disposition=ANSWERED&Attribution.Source=&Attribution.Medium=&Attribution.Campaign=&Attribution.Content="
)


@pytest.mark.parametrize(
    ("told", "pool", "wanted"),
    [
        (starting(context=FULL), "dynamic", ALL_OF_INITIATE),
        (complete(context=FULL), "dynamic", ALL_OF_COMPLETE),
        (starting(), "static", LEAST_OF_INITIATE),
        (complete(), "static", LEAST_OF_COMPLETE),
    ],
    ids=["initiate with all", "complete with all", "initiate with least", "complete with least"],
)
def test_bytes_as_form_and_as_query(told: Event, pool: str, wanted: str) -> None:
    spot = where(pool=pool)
    posted = rendered(DIALECT, told, spot, url="https://crm.example.com/hook?k=1#top")
    assert (posted.method, posted.url) == ("POST", "https://crm.example.com/hook?k=1")
    assert posted.headers == FORM_TYPE
    assert posted.body == wanted.encode("ascii")
    got = rendered(DIALECT, told, spot, url="https://crm.example.com/hook?k=1#top", method="GET")
    assert (got.method, got.url, got.headers, got.body) == ("GET", f"https://crm.example.com/hook?k=1&{wanted}", (), b"")


# Each of the vendor's names: is it on Initiate, on Complete, and what becomes of it without a value
REQUIRED, BLANK, OPTIONAL, WITH_SESSION = "required", "blank", "optional", "session"
NAMES = [
    ("Action", True, True, REQUIRED),
    ("Event", True, True, REQUIRED),
    ("Account.Sid", True, True, REQUIRED),
    ("Property.Sid", True, True, REQUIRED),
    ("Property.Name", True, True, REQUIRED),
    ("Property.Type", True, True, REQUIRED),
    ("Call.Sid", True, True, REQUIRED),
    ("Call.StartDate", True, True, REQUIRED),
    ("Call.From", True, True, REQUIRED),
    ("Call.From.Country", True, True, BLANK),
    ("Call.From.Region", True, True, BLANK),
    ("Call.From.City", True, True, BLANK),
    ("Call.To", True, True, REQUIRED),
    ("Call.To.Type", False, True, REQUIRED),
    ("Call.To.Name", True, True, REQUIRED),
    ("Call.Duration", False, True, REQUIRED),
    ("Call.Disposition", False, True, REQUIRED),
    ("Call.Recording.Uri", False, True, OPTIONAL),
    ("Call.Endpoint", True, True, OPTIONAL),
    ("Call.Survey.Type", False, True, OPTIONAL),
    ("Call.Survey.Value", False, True, OPTIONAL),
    ("Call.Survey.Custom1", False, True, OPTIONAL),
    ("Call.Survey.Custom2", False, True, OPTIONAL),
    ("Call.Survey.Custom3", False, True, OPTIONAL),
    ("Call.Survey.UniqueCode", False, True, OPTIONAL),
    ("Call.Prompts.Postcode", False, True, OPTIONAL),
    ("Call.Prompts.Keys", False, True, OPTIONAL),
    ("Attribution.Source", True, True, BLANK),
    ("Attribution.Medium", True, True, BLANK),
    ("Attribution.Campaign", True, True, BLANK),
    ("Attribution.Content", True, True, BLANK),
    ("Session.Traffic.Type", True, True, WITH_SESSION),
    ("Session.Keywords", True, True, OPTIONAL),
    ("Session.ConversionUri", True, True, WITH_SESSION),
    ("Session.LandingUri", True, True, WITH_SESSION),
    ("AnalyticsSession.CustomDimension1", True, True, OPTIONAL),
    ("Google.Analytics.ClientId", True, True, OPTIONAL),
    ("Google.AdWords.ClickId", True, True, OPTIONAL),
]


def test_the_vendor_has_38_names_and_the_table_has_them_all() -> None:
    assert len(NAMES) == 38
    ours = [field.name for field in FIELDS]
    assert [name for name in ours if not name.startswith("AnalyticsSession.CustomDimension")] == [
        row[0] for row in NAMES if not row[0].startswith("AnalyticsSession.CustomDimension")
    ]
    assert [name for name in ours if name.startswith("AnalyticsSession.")] == [
        f"AnalyticsSession.CustomDimension{n}" for n in range(1, 21)
    ]


@pytest.mark.parametrize(("name", "on_initiate", "on_complete", "kind"), NAMES)
def test_blank_and_left_out_are_kept_apart(name: str, on_initiate: bool, on_complete: bool, kind: str) -> None:
    nobody = {"from_": "anonymous", "context": Context()}
    for told, expected in ((starting(**nobody), on_initiate), (complete(**nobody), on_complete)):
        values = fields(told)
        if not expected or kind in (OPTIONAL, WITH_SESSION):
            assert name not in values
        else:
            assert bool(values[name]) == (kind == REQUIRED)
    for told, expected in ((starting(context=FULL), on_initiate), (complete(context=FULL), on_complete)):
        assert bool(fields(told).get(name)) == expected
    with_session = {**nobody, "context": Context(session=WebSession())}
    assert (name in fields(complete(**with_session))) == (kind != OPTIONAL)


def test_a_session_without_source_is_unattributed() -> None:
    for spot, known in ((where(), Context(session=WebSession(keywords="shoes"))), (where(pool="dynamic"), Context())):
        values = fields(starting(context=known), spot)
        assert values["Session.Traffic.Type"] == "Unattributed"
        assert values["Session.ConversionUri"] == values["Session.LandingUri"] == ""


def test_twenty_custom_dimensions_and_no_more() -> None:
    known = WebSession(custom_dimensions=[f"v{n}" for n in range(1, 23)])
    values = fields(starting(context=Context(session=known)))
    dimensions = {name: value for name, value in values.items() if name.startswith("AnalyticsSession.")}
    assert dimensions == {f"AnalyticsSession.CustomDimension{n}": f"v{n}" for n in range(1, 21)}


def test_a_value_of_zero_is_a_value() -> None:
    values = fields(complete(lasted_s=0, answered_after_s=0, context=Context(survey=Survey(value=0))))
    assert values["Call.Survey.Value"] == "0"
    assert values["Call.Duration"] == "0"


@pytest.mark.parametrize("withheld", ["anonymous", "Anonymous", "", "restricted"])
def test_a_withheld_caller_has_no_place(withheld: str) -> None:
    values = fields(starting(from_=withheld, context=Context(from_geo=AU)))
    assert values["Call.From"] == "anonymous"
    assert values["Call.From.Country"] == values["Call.From.Region"] == values["Call.From.City"] == ""


def test_the_country_is_told_by_the_number() -> None:
    assert fields(starting(context=Context()))["Call.From.Country"] == "AU"


@pytest.mark.parametrize(
    ("from_", "wanted"),
    [("+61 412 345 678", MOBILE), ("sip:+61412345678@trunk.example.com", MOBILE), ("sip:bob@example.com", "sip:bob@example.com")],
)
def test_callers_of_other_forms(from_: str, wanted: str) -> None:
    assert fields(starting(from_=from_, context=Context(from_geo=AU)))["Call.From"] == wanted


def test_ids_of_another_form_are_made_into_sids() -> None:
    spot = place(property=Property(id="b827924e-9789-4c2f-a4d5-b352175354f6", name="default"))
    first = fields(starting(id="c-9f31"), spot)
    for name, prefix in (("Account.Sid", "AC"), ("Property.Sid", "PR"), ("Call.Sid", "CA")):
        assert len(first[name]) == 32
        assert first[name].startswith(prefix)
        assert first[name].isalpha()
        assert first[name].isupper()
    assert fields(complete(id="c-9f31"), spot)["Call.Sid"] == first["Call.Sid"]
    assert fields(starting(id="c-9f32"), spot)["Call.Sid"] != first["Call.Sid"]
    assert fields(starting(id="c-9f31", generation=2, root_generation=2), spot)["Call.Sid"] != first["Call.Sid"]
    assert fields(starting(id="c-9f31"), place(account="other"))["Call.Sid"] != first["Call.Sid"]


def test_the_start_date_is_the_calls_first_moment_in_both() -> None:
    values = {"first_at_ms": T0 - 1, "starting_at_ms": T0 + 5_000}
    assert fields(starting(**values))["Call.StartDate"] == "2026-11-20 11:59:59"
    assert fields(complete(**values))["Call.StartDate"] == "2026-11-20 11:59:59"


TAKEN = offer("280085", "completed", 2, answered_s=5, ended_s=60)
TURNED = offer("280085", "no-answer", 2, ended_s=22)


def group(*statuses: str) -> list[Offer]:
    """A ring group: all ring at once."""
    return [
        offer(f"28008{n}", status, 2, leg=f"leg-{n}", answered_s=8 if status in ("ongoing", "completed") else None, ended_s=30)
        for n, status in enumerate(statuses)
    ]


DISPOSITIONS: list[tuple[str, Event, str]] = [
    ("an extension took it", complete(offers=[TAKEN]), "ANSWERED"),
    ("a mobile took it", complete(offers=[offer("+61400000001", "completed", 2, answered_s=9)]), "ANSWERED"),
    (
        "it rang out, and voicemail took it",
        complete(offers=[TURNED], context=Context(answered_by="voicemail")),
        "NO ANSWER",
    ),
    ("it rang out", complete("no-answer", offers=[TURNED]), "NO ANSWER"),
    ("it was busy there", complete(offers=[offer("280085", "busy", 2, ended_s=3)]), "BUSY"),
    ("it failed there", complete(offers=[offer("280085", "failed", 2, ended_s=3)]), "FAILED"),
    ("the caller left while it rang", complete("cancelled", offers=[offer("280085", "cancelled", 2)]), "NO ANSWER"),
    ("a ring group: one took it", complete(offers=group("busy", "completed", "cancelled")), "ANSWERED"),
    ("a ring group: busy and silent", complete(offers=group("no-answer", "busy", "failed")), "BUSY"),
    ("a ring group: silent and broken", complete(offers=group("failed", "no-answer")), "NO ANSWER"),
    ("a hunt: the second is busy", complete(offers=[TURNED, offer("280086", "busy", 22, ended_s=23)]), "BUSY"),
    ("transferred, nobody took it", complete(offers=[TAKEN, offer("280086", "no-answer", 60, ended_s=80)]), "NO ANSWER"),
    ("consulted while on the line", complete(offers=[TAKEN, offer("280086", "busy", 30, ended_s=31)]), "BUSY"),
    ("transferred and taken", complete(offers=[TAKEN, offer("280086", "completed", 60, answered_s=64)]), "ANSWERED"),
    ("its end was not told, the call was busy", complete("busy", offers=[offer("280085", "ringing", 2)]), "BUSY"),
    ("its end was not told, the call failed", complete("failed", offers=[offer("280085", "ringing", 2)]), "FAILED"),
    ("its end was not told, an IVR went on", complete(offers=[offer("280085", "ringing", 2)]), "NO ANSWER"),
    ("no transfer, answered", complete(), "ANSWERED"),
    ("no transfer, an extension", complete(context=Context(answered_by="extension")), "ANSWERED"),
    ("no transfer, an IVR", complete(context=Context(answered_by="ivr")), "IVR"),
    ("no transfer, a queue", complete(context=Context(answered_by="queue")), "IVR"),
    ("no transfer, voicemail", complete(context=Context(answered_by="voicemail")), "IVR"),
    ("no transfer, an announcement", complete(context=Context(answered_by="announcement")), "IVR"),
    ("no transfer, busy", complete("busy"), "BUSY"),
    ("no transfer, rang out", complete("no-answer"), "NO ANSWER"),
    ("no transfer, failed", complete("failed"), "FAILED"),
    ("gave up while it rang", complete("cancelled"), "NO ANSWER"),
    ("gave up before it rang", complete("cancelled", ringing_at_ms=None), "IVR"),
    ("the source knows better", complete(offers=[TAKEN], context=Context(disposition="BUSY")), "BUSY"),
]


@pytest.mark.parametrize(("why", "told", "wanted"), DISPOSITIONS, ids=[row[0] for row in DISPOSITIONS])
def test_dispositions(why: str, told: Event, wanted: str) -> None:
    assert fields(told)["Call.Disposition"] == wanted, why


def test_a_disposition_with_a_space_on_the_wire() -> None:
    assert b"&Call.Disposition=NO+ANSWER&" in rendered(DIALECT, complete("no-answer"), where()).body


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"context": Context(transfer_to="+61298765432"), "offers": [offer("+61400000001", "completed", 2)]}, "+61298765432"),
        ({"offers": [offer("+61400000001", "no-answer", 2, ended_s=9)]}, "+61400000001"),
        ({"offers": [offer("+61400000001", "no-answer", 2, ended_s=9), offer("+61400000002", "busy", 9)]}, "+61400000002"),
        ({"offers": [TAKEN, offer("+61400000001", "no-answer", 70)]}, "+61400000001"),
        ({"offers": [offer("+61400000001", "no-answer", 1, ended_s=2), TAKEN]}, None),
        ({"offers": [TAKEN]}, None),
        ({}, None),
    ],
)
def test_call_endpoint(values: dict[str, Any], wanted: str | None) -> None:
    assert fields(complete(**values)).get("Call.Endpoint") == wanted


ROOT = call(status="ongoing")
CHILD = call(id="leg-b", parent="c-9f31", root="c-9f31", direction="outbound", to="+61400000001", status="starting")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (event("call.ringing", ROOT), "no word for ringing"),
        (event("call.ongoing", ROOT), "none for answered"),
        (event("call.starting", CHILD, root=ROOT), "a child begins"),
        (event("call.completed", CHILD, root=ROOT), "a child ends"),
        (event("call.starting", call(direction="outbound")), "outbound"),
        (event("call.completed", ended("completed", direction="outbound")), "outbound"),
        (event("call.completed", ended("completed"), status_changed=False), "it has had its end"),
        (event("call.corrected", ended("completed")), "standard only"),
        (event("call.ivr-option", ROOT, data={"option": "1"}), "in Call.Prompts.Keys"),
        (event("call.recording", ROOT, data={"status": "completed"}), "in Call.Recording.Uri"),
        (event("call.transcription", ROOT), "no word for it"),
        (event("call.facts", ROOT), "no word for it"),
    ],
)
def test_what_fone_dynamics_does_not_send(told: Event, why: str) -> None:
    assert DIALECT.event_name(told, place()) is None, why


@pytest.mark.parametrize("status", ["completed", "no-answer", "busy", "failed", "cancelled"])
def test_every_final_completes(status: str) -> None:
    assert DIALECT.event_name(complete(status), where()) == "Call.Complete"
    assert DIALECT.events == ("Call.Initiate", "Call.Complete")


URL = "https://r.example.com/1.wav"


@pytest.mark.parametrize(
    ("why", "known", "waits"),
    [
        ("nothing was announced", Context(), False),
        ("a recording that is done", Context(recording=Recording(url=URL, status="completed")), False),
        ("a recording that runs", Context(recording=Recording(status="in-progress")), True),
        ("a recording that runs, its place known", Context(recording=Recording(status="in-progress", url=URL)), True),
        ("a recording is announced", Context(awaits=["recording"]), True),
        ("announced, and there", Context(awaits=["recording"], recording=Recording(url=URL)), False),
        ("announced, and it failed", Context(awaits=["recording"], recording=Recording(status="failed")), False),
        ("announced, and it runs", Context(awaits=["recording"], recording=Recording(status="in-progress")), True),
        ("a survey is announced", Context(awaits=["survey"]), True),
        ("a survey is there", Context(awaits=["survey"], survey=Survey(type="Sale")), False),
        ("one of two is there", Context(awaits=["recording", "survey"], recording=Recording(url=URL)), True),
        ("both are there", Context(awaits=["recording", "survey"], recording=Recording(url=URL), survey=Survey(value=1)), False),
    ],
)
def test_complete_waits_for_announced_facts(why: str, known: Context, waits: bool) -> None:
    told = complete(context=known)
    held = DIALECT.hold_until_ms(told, endpoint("fonedynamics", hold_s=30))
    assert held == (T0 + 95_000 + 30_000 if waits else None), why
    assert DIALECT.complete(told) is not waits
    assert DIALECT.complete(event("call.facts", told.root)) is not waits
    assert DIALECT.hold_until_ms(told, endpoint("fonedynamics", hold_s=0)) is None
    assert DIALECT.hold_until_ms(starting(context=known), endpoint("fonedynamics")) is None
    assert DIALECT.hold_until_ms(event("call.completed", CHILD, root=told.root), endpoint("fonedynamics")) is None
    outbound = ended("completed", direction="outbound", context=known)
    assert DIALECT.hold_until_ms(event("call.completed", outbound), endpoint("fonedynamics")) is None


def test_a_held_event_is_written_from_the_call_as_it_is_by_then() -> None:
    told = complete(context=Context(from_geo=AU, awaits=["recording"]))
    root = structs.replace(told.root, context=structs.replace(told.root.context, recording=Recording(url=URL)))
    later = structs.replace(told, call=root, root=root)
    assert "Call.Recording.Uri" not in fields(told)
    assert fields(later)["Call.Recording.Uri"] == URL


def test_samples_are_the_same_constants_every_time() -> None:
    samples = DIALECT.samples()
    spot = where(pool="dynamic")
    assert set(samples) == {"Call.Initiate", "Call.Complete"}
    for name, sample in samples.items():
        assert DIALECT.event_name(sample, spot) == name
    assert rendered(DIALECT, samples["Call.Initiate"], spot, url="https://crm.example.com/hook?k=1", method="GET").url == (
        "https://crm.example.com/hook?k=1&Action=Webhook&Event=Call.Initiate&Account.Sid=ACQWERTYUIOPASDFGHJKLZXCVBNMQWER"
        "&Property.Sid=PRQWERTYUIOPASDFGHJKLZXCVBNMQWER&Property.Name=www.example.com.au&Property.Type=Site"
        "&Call.Sid=CAQWERTYUIOPASDFGHJKLZXCVBNMQWER&Call.StartDate=2019-07-18+03%3A04%3A05&Call.From=%2B61412345678"
        "&Call.From.Country=AU&Call.From.Region=&Call.From.City=&Call.To=%2B61290001111&Call.To.Name=Web+pool"
        "&Attribution.Source=bing&Attribution.Medium=organic&Attribution.Campaign=&Attribution.Content="
        "&Session.Traffic.Type=Organic&Session.Keywords=blue+widgets"
        "&Session.ConversionUri=https%3A%2F%2Fwww.example.com.au%2Fcontact"
        "&Session.LandingUri=https%3A%2F%2Fwww.example.com.au%2F&Google.Analytics.ClientId=1234567890.1546300800"
    )
    assert rendered(DIALECT, samples["Call.Complete"], where()).body == (
        b"Action=Webhook&Event=Call.Complete&Account.Sid=ACQWERTYUIOPASDFGHJKLZXCVBNMQWER"
        b"&Property.Sid=PRQWERTYUIOPASDFGHJKLZXCVBNMQWER&Property.Name=www.example.com.au&Property.Type=Site"
        b"&Call.Sid=CAQWERTYUIOPASDFGHJKLZXCVBNMQWER&Call.StartDate=2019-07-18+03%3A04%3A05&Call.From=%2B61412345678"
        b"&Call.From.Country=AU&Call.From.Region=&Call.From.City=&Call.To=%2B61290001111&Call.To.Type=Static&Call.To.Name=Web+pool"
        b"&Call.Duration=95&Call.Disposition=ANSWERED&Call.Recording.Uri=https%3A%2F%2Frecordings.example.com%2F95.wav"
        b"&Call.Endpoint=%2B61298765432&Call.Survey.Type=Sale&Call.Survey.Value=250&Call.Prompts.Postcode=2000"
        b"&Call.Prompts.Keys=1%2C2000&Attribution.Source=&Attribution.Medium=&Attribution.Campaign=&Attribution.Content="
    )


@pytest.mark.parametrize(("name", "wanted"), [("Call.Initiate", b"12%3A00%3A00"), ("Call.Complete", b"11%3A58%3A25")])
def test_a_test_tells_its_own_time(name: str, wanted: bytes) -> None:
    sample = structs.replace(DIALECT.samples()[name], at_ms=T0)
    delivery = Delivery(id=1, endpoint=1, event=7, root=1, name=name, kind="test")
    body = DIALECT.render(sample, endpoint("fonedynamics"), delivery, where(), T0).body
    assert b"&Call.StartDate=2026-11-20+" + wanted + b"&" in body


def test_rules_of_delivery() -> None:
    assert [status for status in range(100, 600) if DIALECT.succeeded(status)] == list(range(200, 300))
    assert DIALECT.retry.delays_s == (60.0, 300.0, 1800.0)
    assert DIALECT.retry.jitter == 0
    assert DIALECT.timeout_s == 10
    assert DIALECT.default_order == "strict"
    assert DIALECT.methods == ("POST", "GET")
    assert DIALECT.new_secret(bytes(32)) is None


def test_a_retry_sends_the_same_bytes() -> None:
    first = Delivery(id=1, endpoint=1, event=7, root=1, name="Call.Complete")
    again = structs.replace(first, attempts=2)
    told, spot = complete(context=FULL), where()
    render = DIALECT.render
    assert render(told, endpoint("fonedynamics"), first, spot, T0) == render(
        told, endpoint("fonedynamics"), again, spot, T0 + 9_000
    )


def check(allow_http: bool = False, **values: Any) -> None:
    DIALECT.check_endpoint(endpoint("fonedynamics", **values), allow_http=allow_http, allow_network=False)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "http://crm.example.com/"}, "url"),
        ({"events": frozenset({"call.initiate"})}, "events"),
        ({"filters": (Filter("channelId", "x"),)}, "filters[0].key"),
        ({"secrets": (Secret(value="s"),)}, "secret"),
    ],
)
def test_endpoints_that_are_refused(values: dict[str, Any], field: str) -> None:
    check()
    check(allow_http=True, url="http://crm.example.com/", method="GET")
    with pytest.raises(InvalidInput) as caught:
        check(**values)
    assert caught.value.field == field


def test_filter_values() -> None:
    told = complete(offers=[TAKEN])
    values = {key: DIALECT.filter_value(key, told, where()) for key in DIALECT.filter_keys}
    assert values == {"direction": "inbound", "number": TRACKED, "extension": "280085", "status": "completed"}


def legs() -> st.SearchStrategy[Call]:
    texts = st.none() | st.text(max_size=12)
    return st.builds(
        lambda attribution, survey, session, keys: ended(
            "completed",
            answered_after_s=1,
            lasted_s=9,
            context=context(attribution=attribution, survey=survey, session=session, prompts=Prompts(keys=keys), from_geo=AU),
        ),
        st.none() | st.builds(Attribution, source=texts, medium=texts, campaign=texts, content=texts),
        st.none() | st.builds(Survey, type=texts, value=st.none() | st.integers(), custom1=texts, unique_code=texts),
        st.none() | st.builds(WebSession, keywords=texts, conversion_uri=texts, custom_dimensions=st.lists(st.text(max_size=5))),
        st.lists(st.from_regex(r"[0-9*#]{1,6}", fullmatch=True), max_size=4),
    )


@given(legs())
def test_order_and_values_whatever_the_text(leg: Call) -> None:
    request = rendered(DIALECT, event("call.completed", leg, after_s=9))
    assert request.headers == FORM_TYPE
    pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    names = [name for name, _ in pairs]
    order = {field.name: n for n, field in enumerate(FIELDS)}
    assert [order[name] for name in names] == sorted({order[name] for name in names})
    values = dict(pairs)
    given_attribution = leg.context.attribution or Attribution()
    assert values["Attribution.Source"] == (given_attribution.source or "")
    if leg.context.survey is not None:
        assert values.get("Call.Survey.Type") == (leg.context.survey.type or None)
    assert values.get("Call.Prompts.Keys", "") == ",".join(leg.context.prompts.keys if leg.context.prompts else [])
    assert ("Session.Traffic.Type" in values) == (leg.context.session is not None)


def test_facts_have_one_topic_each() -> None:
    topics = [fact.topic for fact in FACTS]
    assert len(set(topics)) == len(topics)


def test_the_account_of_the_place_counts() -> None:
    assert fields(starting(), place())["Account.Sid"] != ACCOUNT_SID
