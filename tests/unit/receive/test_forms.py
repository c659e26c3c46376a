"""The parsers of the three platforms that send queries and forms, against texts written from the vendors' pages."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.errors import InvalidInput
from ringback.receive.forms import FONE_TABLE, PARSERS, VOC_TABLES, parse_fonedynamics, parse_voc, parse_voxtelesys

VOC_END = (
    "tenant=7&event=inboundCallEnd&date=2024-01-01%2019%3A00%3A00&inboundNumber=611800111222&callerid=61288880000"
    "&callid=testcall&extension=280085&duration=88&answeredDuration=77&crm_id=usefulid"
)
VOC_LATER = "event=callRecordingAvailable&date=2024-01-01%2019%3A00%3A00&callid=testcall&crm_id="
FONE_HEAD = (
    "Account.Sid=ACQWERTYUIOPASDFGHJKLZXCVBNMQWER&Property.Sid=PRQWERTYUIOPASDFGHJKLZXCVBNMQWER"
    "&Property.Name=www.example.com.au&Property.Type=Site&Call.Sid=CAQWERTYUIOPASDFGHJKLZXCVBNMQWER"
    "&Call.StartDate=2019-07-18+03%3A04%3A05&Call.From=%2B61412345678&Call.From.Country=AU&Call.From.Region=&Call.From.City="
    "&Call.To=%2B61290001111&Call.To.Name=Web+pool"
    "&Attribution.Source=bing&Attribution.Medium=organic&Attribution.Campaign=&Attribution.Content="
)
FONE_INITIATE = f"k=1&Action=Webhook&Event=Call.Initiate&{FONE_HEAD}"
FONE_SESSION = (
    "&Session.Traffic.Type=Organic&Session.ConversionUri=https%3A%2F%2Fwww.example.com.au%2Fcontact"
    "&Session.LandingUri=https%3A%2F%2Fwww.example.com.au%2F"
)
FONE_COMPLETE = (
    f"Action=Webhook&Event=Call.Complete&{FONE_HEAD}&Call.To.Type=Static&Call.Duration=95&Call.Disposition=NO+ANSWER"
    "&Call.Survey.Value=250&Call.Prompts.Postcode=2000&Call.Prompts.Keys=1%2C2000"
)
VOX_STATUS = (
    "CallSid=f5157dfe-0629-e358-6b08-8fbea78ab4bd&AccountID=190761&TrunkID=90001&From=%2B17015550123&To=%2B14025550100"
    "&CallStatus=completed&ApiVersion=v0&Direction=outbound-api&CallerName=&ToCity=OMAHA"
    "&Vars=%7B%22captchaAnswer%22%3A%227%22%2C%22_captcha%22%3A%7B%22digits%22%3A%227%22%2C%22speech%22%3A%22%22%7D%7D"
    "&CallDuration=42&SipResponseCode=200&Timestamp=Fri%2C+20+Nov+2026+12%3A00%3A48+%2B0000"
)


def test_a_voc_query_with_the_vendors_test_values() -> None:
    assert parse_voc(VOC_END) == {
        "tenant": "7",
        "event": "inboundCallEnd",
        "date": datetime(2024, 1, 1, 19, 0, tzinfo=UTC),
        "inboundNumber": "611800111222",
        "callerid": "61288880000",
        "callid": "testcall",
        "extension": "280085",
        "duration": 88,
        "answeredDuration": 77,
        "crm_id": "usefulid",
    }


@pytest.mark.parametrize("end", ["extension=&crm_id=", "extension=", "crm_id=", ""])
def test_vocs_null_however_it_is_written(end: str) -> None:
    query = (
        "event=inboundCallEnd&date=2024-01-01%2019%3A00%3A00&inboundNumber=611800111222&callerid=Anonymous&callid=testcall"
        f"&duration=8&answeredDuration=0&{end}"
    )
    parsed = parse_voc(query)
    assert parsed["extension"] is None
    assert parsed["crm_id"] is None
    assert parsed["callerid"] == "Anonymous"


def test_a_later_voc_event_has_no_more_than_its_table() -> None:
    assert parse_voc(VOC_LATER) == {
        "event": "callRecordingAvailable",
        "date": datetime(2024, 1, 1, 19, 0, tzinfo=UTC),
        "callid": "testcall",
        "crm_id": None,
    }


@pytest.mark.parametrize("key", ["%23", "%2A", "*", "0"])
def test_vocs_keys(key: str) -> None:
    query = f"event=ivrOption&date=2024-01-01+19%3A00%3A00&inboundNumber=61&callerid=61&callid=c&ivrOption={key}&crm_id="
    assert parse_voc(query)["ivrOption"] == {"%23": "#", "%2A": "*"}.get(key, key)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("event=inboundCallEnd", "event=inboundCallStop"), "event"),
        (("event=inboundCallEnd&", ""), "event"),
        (("date=2024-01-01%2019%3A00%3A00", "date=2024-01-01%2019%3A00"), "date"),
        (("date=2024-01-01%2019%3A00%3A00", "date=2024-13-01%2019%3A00%3A00"), "date"),
        (("callid=testcall&", ""), "callid"),
        (("callid=testcall", "callid="), "callid"),
        (("callerid=61288880000", "callerid=%2B61288880000"), "callerid"),
        (("duration=88", "duration=88.5"), "duration"),
        (("duration=88", "duration=-1"), "duration"),
        (("answeredDuration=77", "answeredDuration=%D9%A3"), "answeredDuration"),
    ],
)
def test_voc_queries_that_are_wrong(change: tuple[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_voc(VOC_END.replace(*change, 1))
    assert caught.value.field == field


def test_a_ringing_extension_must_be_there() -> None:
    query = "event=inboundCallRinging&date=2024-01-01%2019%3A00%3A00&inboundNumber=61&callerid=61&callid=c&crm_id="
    with pytest.raises(InvalidInput) as caught:
        parse_voc(query)
    assert caught.value.field == "extension"


def test_voc_has_ten_events() -> None:
    assert len(VOC_TABLES) == 10
    assert list(VOC_TABLES["inboundCallEnd"]) == [
        "date",
        "inboundNumber",
        "callerid",
        "callid",
        "extension",
        "duration",
        "answeredDuration",
        "crm_id",
    ]


def test_a_fone_dynamics_start() -> None:
    parsed = parse_fonedynamics(FONE_INITIATE)
    assert parsed["k"] == "1"
    assert parsed["Event"] == "Call.Initiate"
    assert parsed["Call.StartDate"] == datetime(2019, 7, 18, 3, 4, 5, tzinfo=UTC)
    assert parsed["Call.From"] == "+61412345678"
    assert parsed["Call.From.City"] == ""
    assert parsed["Attribution.Campaign"] == ""
    assert "Session.Traffic.Type" not in parsed
    assert "Call.Endpoint" not in parsed


def test_a_fone_dynamics_end_as_a_form() -> None:
    parsed = parse_fonedynamics(f"{FONE_COMPLETE}{FONE_SESSION}".encode())
    assert parsed["Call.Duration"] == 95
    assert parsed["Call.Disposition"] == "NO ANSWER"
    assert parsed["Call.Survey.Value"] == 250
    assert parsed["Call.Prompts.Keys"] == ["1", "2000"]
    assert parsed["Call.Prompts.Postcode"] == ["2000"]
    assert parsed["Session.ConversionUri"] == "https://www.example.com.au/contact"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (FONE_INITIATE.replace("Action=Webhook&", ""), "Action"),
        (FONE_INITIATE.replace("Call.Initiate", "Call.Start"), "Event"),
        (FONE_INITIATE.replace("Account.Sid=A", "Account.Sid=a"), "Account.Sid"),
        (FONE_INITIATE.replace("&Call.From.City=", ""), "Call.From.City"),
        (FONE_INITIATE.replace("Call.From=%2B61412345678", "Call.From="), "Call.From"),
        (FONE_INITIATE.replace("&Attribution.Content=", ""), "Attribution.Content"),
        (f"{FONE_INITIATE}&Call.Duration=1", "Call.Duration"),
        (f"{FONE_INITIATE}&Call.Endpoint=", "Call.Endpoint"),
        (f"{FONE_INITIATE}&Session.Traffic.Type=Direct", "Session.Traffic.Type"),
        (f"{FONE_INITIATE}{FONE_SESSION.replace('Organic', 'Paid')}", "Session.Traffic.Type"),
        (FONE_COMPLETE.replace("Call.Duration=95", "Call.Duration=1e3"), "Call.Duration"),
        (FONE_COMPLETE.replace("NO+ANSWER", "no-answer"), "Call.Disposition"),
        (FONE_COMPLETE.replace("&Call.To.Type=Static", ""), "Call.To.Type"),
        (FONE_COMPLETE.replace("Value=250", "Value=lots"), "Call.Survey.Value"),
    ],
)
def test_fone_dynamics_forms_that_are_wrong(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_fonedynamics(text)
    assert caught.value.field == field


def test_fone_dynamics_table_has_the_vendors_names() -> None:
    dimensions = [name for name in FONE_TABLE if name.startswith("AnalyticsSession.CustomDimension")]
    assert len(dimensions) == 20
    assert len(FONE_TABLE) - len(dimensions) + 1 == 38


def test_a_voxtelesys_status() -> None:
    parsed = parse_voxtelesys(VOX_STATUS)
    assert parsed["Vars"] == {"captchaAnswer": "7", "_captcha": {"digits": "7", "speech": ""}}
    assert parsed["CallDuration"] == 42
    assert parsed["SipResponseCode"] == 200
    assert parsed["Timestamp"] == datetime(2026, 11, 20, 12, 0, 48, tzinfo=UTC)
    assert parsed["From"] == "+17015550123"
    assert parsed["CallerName"] == ""
    assert parsed["ToCity"] == "OMAHA"
    assert "ParentCallSid" not in parsed


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (VOX_STATUS.replace("CallSid=f5157dfe-0629-e358-6b08-8fbea78ab4bd&", ""), "CallSid"),
        (VOX_STATUS.replace("&CallerName=", ""), "CallerName"),
        (VOX_STATUS.replace("outbound-api", "sideways"), "Direction"),
        (VOX_STATUS.replace("%7B%22captcha", "%5B%22captcha"), "Vars"),
        (VOX_STATUS.replace("CallDuration=42", "CallDuration="), "CallDuration"),
        (VOX_STATUS.replace("Fri%2C+20+Nov+2026", "yesterday"), "Timestamp"),
    ],
)
def test_voxtelesys_forms_that_are_wrong(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_voxtelesys(text)
    assert caught.value.field == field


def test_of_a_name_that_comes_twice_the_last_counts() -> None:
    assert parse_voc(f"event=mine&callid=mine&{VOC_LATER}")["callid"] == "testcall"


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "a=%",
        "a=%4",
        "a=%zz",
        "a=%FF",
        "a=%C3%28",
        "a=ü",
        "a=ü".encode(),
        b"\xff",
        "&".join(["a=1"] * 2000),
    ],
)
def test_text_that_is_no_query(parse: object, text: str | bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(text)  # type: ignore[operator]


@given(st.text() | st.binary(), st.sampled_from(sorted(PARSERS)))
def test_anything_is_read_or_refused(text: str | bytes, name: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert isinstance(PARSERS[name](text), dict)
