"""The instruction request and action webhooks byte by byte. Expected bytes are written from the vendor's tables, and from Twilio's
names where it is silent, never by the code under test."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from factory_forms import call, ended, place

from ringback.calls.directory import Place
from ringback.calls.model import Call, Context, Geo
from ringback.dialects.instructions import FACTS, instruction_request
from ringback.dialects.voxtelesys import PARAMETERS

OURS, THEIRS = "+17015550123", "+14025550100"
SID = "f5157dfe-0629-e358-6b08-8fbea78ab4bd"
LEG_SID = "0b7a5a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
ACCOUNT_ID = "190761"
NOWHERE = Geo(country="", region="", city="")
UNKNOWN = Context(from_geo=NOWHERE, to_geo=NOWHERE)
URL = "https://app.example.com/voice?t=8c1f"
FORM_TYPE = (("Content-Type", "application/x-www-form-urlencoded"),)


def where() -> Place:
    return place(OURS, account=ACCOUNT_ID)


def incoming(**values: Any) -> Call:
    wanted = {"account": ACCOUNT_ID, "id": SID, "from_": THEIRS, "to": OURS, "status": "starting", "context": UNKNOWN}
    return call(**{**wanted, **values})


def body(leg: Call, root: Call | None = None, **how: Any) -> str:
    return instruction_request(leg, root or leg, where(), url=URL, method="POST", **how).body.decode("ascii")


def field(name: str, leg: Call, root: Call | None = None, **how: Any) -> str | None:
    return dict(parse_qsl(body(leg, root, **how), keep_blank_values=True)).get(name)


BASIC = (
    f"CallSid={SID}&AccountID=190761&TrunkID=90001&From=%2B14025550100&To=%2B17015550123&CallStatus=ringing"
    "&ApiVersion=v0&Direction=inbound&CallerName="
)
EVERYTHING = Context(
    caller_name="ACME & Söhne",
    amd="human_business",
    trunk_id="90007",
    vars={"captchaAnswer": "7", "_captcha.digits": "7", "_captcha.speech": ""},
    from_geo=Geo(country="US", region="NE", city="OMAHA", postal_code="68102"),
    to_geo=Geo(country="US", region="ND", city="FARGO", postal_code="58102"),
)
WITH_ALL = (
    f"CallSid={SID}&AccountID=190761&TrunkID=90007&From=%2B14025550100&To=%2B17015550123&CallStatus=ringing"
    "&ApiVersion=v0&Direction=inbound&CallerName=ACME+%26+S%C3%B6hne"
    "&Vars=%7B%22captchaAnswer%22%3A%227%22%2C%22_captcha%22%3A%7B%22digits%22%3A%227%22%2C%22speech%22%3A%22%22%7D%7D"
    "&AnsweredBy=human_business&FromCity=OMAHA&FromState=NE&FromZip=68102&FromCountry=US"
    "&ToCity=FARGO&ToState=ND&ToZip=58102&ToCountry=US"
)


@pytest.mark.parametrize(("context", "wanted"), [(UNKNOWN, BASIC), (EVERYTHING, WITH_ALL)], ids=["least", "all"])
def test_bytes_of_an_incoming_call(context: Context, wanted: str) -> None:
    leg = incoming(context=context)
    posted = instruction_request(leg, leg, where(), url=f"{URL}#ct=100", method="POST")
    assert (posted.method, posted.url, posted.headers) == ("POST", URL, FORM_TYPE)
    assert posted.body == wanted.encode()
    got = instruction_request(leg, leg, where(), url=f"{URL}#ct=100", method="GET")
    assert (got.method, got.url, got.headers, got.body) == ("GET", f"{URL}&{wanted}", (), b"")


def test_a_verb_s_results_follow_and_the_error_comes_last() -> None:
    told = body(
        incoming(status="ongoing", answered_at_ms=1),
        results=(("Digits", "1#"), ("SpeechResult", "sales, please")),
        extra=(("ErrorCode", "11200"), ("ErrorUrl", "https://a.example.com/x?y=1")),
    )
    assert told == (
        BASIC.replace("ringing", "in-progress")
        + "&Digits=1%23&SpeechResult=sales%2C+please&ErrorCode=11200&ErrorUrl=https%3A%2F%2Fa.example.com%2Fx%3Fy%3D1"
    )


@pytest.mark.parametrize(
    ("leg", "word"),
    [
        (incoming(), "ringing"),
        (incoming(status=None), "ringing"),
        (incoming(status="ringing"), "ringing"),
        (incoming(status="ongoing", answered_at_ms=1), "in-progress"),
        (incoming(status="ongoing", answered_at_ms=1, direction="outbound"), "in-progress"),
        (ended("completed", direction="inbound"), "completed"),
        (ended("cancelled", direction="inbound"), "no-answer"),
    ],
)
def test_call_status(leg: Call, word: str) -> None:
    assert field("CallStatus", leg) == word
    assert field("CallStatus", leg, call_status="queued") == "queued"


def test_what_a_leg_is_told_as() -> None:
    root = incoming(status="ongoing", answered_at_ms=1)
    leg = incoming(id=LEG_SID, parent=SID, root=SID, direction="outbound", from_=THEIRS, to="+13005550100", status="ongoing")
    shown = dict(parse_qsl(body(leg, root)))
    wanted = {"CallSid": LEG_SID, "ParentCallSid": SID, "Direction": "outbound-dial", "CallStatus": "in-progress"}
    assert {name: shown[name] for name in wanted} == wanted
    assert field("Direction", incoming(direction="outbound")) == "outbound-api"


def test_a_leg_s_id_among_the_results_goes_out_as_its_sid() -> None:
    root = incoming(id="c-1", root="c-1", status="ongoing", answered_at_ms=1)
    leg = incoming(id="c-1-1", parent="c-1", root="c-1", direction="outbound", status="ongoing")
    own = field("CallSid", leg, root)
    assert own is not None
    assert own != "c-1-1"
    assert field("DialCallSid", root, results=(("DialCallSid", "c-1-1"),)) == own
    assert field("DialCallSid", root, results=(("DialCallSid", ""),)) == ""
    again = incoming(id="c-1", root="c-1", generation=2, root_generation=2)
    assert field("OtherCallSid", again, results=(("OtherCallSid", "c-1"),)) == field("CallSid", again)
    child = incoming(id="c-1-1", parent="c-1", root="c-1", root_generation=2)
    assert field("OtherCallSid", child, again, results=(("OtherCallSid", "c-1"),)) == field("CallSid", again)


def test_variables_of_the_conversation_reach_a_leg_s_request() -> None:
    root = incoming(context=EVERYTHING)
    assert field("Vars", incoming(id=LEG_SID, parent=SID, root=SID), root) == field("Vars", root)


def test_nothing_of_the_informational_webhooks_is_in_it() -> None:
    own = {
        parameter.name for parameter in PARAMETERS if parameter.name.startswith(("Recording", "Sequence", "Callback", "CallDur"))
    }
    assert own
    assert not own & dict(parse_qsl(body(ended("completed", context=EVERYTHING)), keep_blank_values=True)).keys()


def test_facts_are_marked() -> None:
    assert {fact.mark for fact in FACTS} <= {"documented", "inferred", "ours"}
    assert len({fact.topic for fact in FACTS}) == len(FACTS)
