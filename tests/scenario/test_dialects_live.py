"""What a receiver gets, byte for byte, in each of the five dialects: written down from the platforms' own tables.

Every expectation here is a literal, made by hand from what the vendors publish; nothing is computed by the code that sends.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from harness import Api, Got, Receiver, Server, until
from standardwebhooks import Webhook

Say = Callable[..., dict[str, Any]]

NUMBER = "+611800111222"
CALLER = "+61288880000"
CHANNEL = "b827924e-9789-4c2f-a4d5-b352175354f6"
CALL = "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
CHILD = "6a1f4b63-0b1d-4a8f-8b74-1a7a2d2e9b22"
NOWHERE = {"country": "", "region": "", "city": ""}
AUSTRALIA = {"country": "AU", "region": "", "city": ""}


@pytest.fixture
def account(api: Api) -> Iterator[Api]:
    """An account whose number has fixed ids."""
    made = api.post("/v1/properties", {"name": "www.example.com.au"})
    number = {"number": NUMBER, "name": "Web pool", "channel_id": CHANNEL, "trunk_id": "90001", "property": made["id"]}
    api.post("/v1/numbers", number)
    yield api
    assert api.call("DELETE", f"/v1/numbers/{NUMBER}")[0] == 204


def story(call_id: str, direction: str = "inbound", from_: str = CALLER, to: str = NUMBER, **fixed: Any) -> Say:
    """`say(kind, at)` of one call; `at` is the time of day on 2024-01-01, or a whole time."""

    def say(kind: str, at: str, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        when = at if "T" in at else f"2024-01-01T{at}Z"
        call = {"id": call_id, "direction": direction, "from": from_, "to": to, **fixed, **more}
        return {"type": f"call.{kind}", "at": when, "call": call, **({"data": data} if data else {})}

    return say


def sent(receiver: Receiver, count: int) -> list[Got]:
    got = receiver.take(count)
    assert receiver.nothing(0.05)
    return got


TRANSPORT = {"Host", "User-Agent", "Content-Length"}


def own_headers(got: Got) -> list[str]:
    """The headers that are the dialect's, as they are written on the wire."""
    assert set(got.header_names) >= TRANSPORT - ({"Content-Length"} if got.method == "GET" else set())
    assert len(got.header_names) == len(set(got.header_names))
    assert re.fullmatch(r"Ringback/\S+", got.headers["user-agent"])
    return [name for name in got.header_names if name not in TRANSPORT]


# Voice Over Cloud


def voc(receiver: Receiver, count: int) -> list[str]:
    """The request targets, after what every request of VOC is: a POST without body and without a header of ours."""
    got = sent(receiver, count)
    for one in got:
        assert (one.method, one.body, own_headers(one)) == ("POST", b"", [])
        assert one.headers["content-length"] == "0"
    return [one.path for one in got]


def test_voc_an_inbound_call_as_the_vendors_tables_have_it(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/voc?tenant=7", "voc")
    say = story("testcall", crm_id="usefulid")
    account.send(
        say("starting", "18:58:32"),
        say("ivr-option", "18:58:35", {"option": "#"}),
        say("ivr-option", "18:58:36", {"option": "*"}),
        say("ringing", "18:58:38.999", extension="280085"),
        say("ringing", "18:58:39", extension="280086"),
        say("ongoing", "18:58:43", extension="280085"),
        say("completed", "19:00:00"),
        say("recording", "19:00:04", {"status": "in-progress"}),
        say("recording", "19:00:05", {"status": "completed", "url": "https://recordings.example.com/1.wav"}),
        say("transcription", "19:02:05", {"text": "Hello"}),
        say("facts", "19:03:00"),
        say("prompt", "19:03:01", {"keys": "2000", "kind": "postcode"}),
    )
    common = "inboundNumber=611800111222&callerid=61288880000&callid=testcall"
    assert voc(receiver, 9) == [
        f"/voc?tenant=7&event=inboundCallStart&date=2024-01-01%2018%3A58%3A32&{common}&crm_id=usefulid",
        f"/voc?tenant=7&event=ivrOption&date=2024-01-01%2018%3A58%3A35&{common}&ivrOption=%23&crm_id=usefulid",
        f"/voc?tenant=7&event=ivrOption&date=2024-01-01%2018%3A58%3A36&{common}&ivrOption=%2A&crm_id=usefulid",
        f"/voc?tenant=7&event=inboundCallRinging&date=2024-01-01%2018%3A58%3A38&{common}&extension=280085&crm_id=usefulid",
        f"/voc?tenant=7&event=inboundCallRinging&date=2024-01-01%2018%3A58%3A39&{common}&extension=280086&crm_id=usefulid",
        f"/voc?tenant=7&event=inboundCallAnswered&date=2024-01-01%2018%3A58%3A43&{common}&extension=280085&crm_id=usefulid",
        f"/voc?tenant=7&event=inboundCallEnd&date=2024-01-01%2019%3A00%3A00&{common}"
        "&extension=280085&duration=88&answeredDuration=77&crm_id=usefulid",
        "/voc?tenant=7&event=callRecordingAvailable&date=2024-01-01%2019%3A00%3A05&callid=testcall&crm_id=usefulid",
        "/voc?tenant=7&event=callTranscriptionAvailable&date=2024-01-01%2019%3A02%3A05&callid=testcall&crm_id=usefulid",
    ]


def test_voc_a_withheld_caller_who_reaches_nobody(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/voc", "voc")
    say = story("c-9f31", from_="anonymous")
    account.send(say("starting", "19:00:00"), say("ongoing", "19:00:01", answered_by="voicemail"), say("completed", "19:00:11"))
    assert voc(receiver, 2) == [
        "/voc?event=inboundCallStart&date=2024-01-01%2019%3A00%3A00&inboundNumber=611800111222"
        "&callerid=Anonymous&callid=c-9f31&crm_id=",
        "/voc?event=inboundCallEnd&date=2024-01-01%2019%3A00%3A11&inboundNumber=611800111222"
        "&callerid=Anonymous&callid=c-9f31&extension=&duration=11&answeredDuration=10&crm_id=",
    ]


def test_voc_leaves_nulls_out_where_the_endpoint_says_so(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/voc", "voc", omit_null=True, events=["inboundCallEnd"])
    account.send(story("c-9f31")("no-answer", "19:00:11"))
    assert voc(receiver, 1) == [
        "/voc?event=inboundCallEnd&date=2024-01-01%2019%3A00%3A11&inboundNumber=611800111222"
        "&callerid=61288880000&callid=c-9f31&duration=0&answeredDuration=0"
    ]


def test_voc_an_outbound_call_and_one_between_extensions(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/voc", "voc")
    say = story("testcall", "outbound", NUMBER, CALLER, extension="280085", crm_id="usefulid")
    account.send(
        say("accepted", "18:58:30"),
        say("starting", "18:58:32"),
        say("ringing", "18:58:40"),
        say("ongoing", "18:58:43"),
        say("completed", "19:00:00"),
    )
    common = "extension=280085&destination=61288880000&callid=testcall"
    assert voc(receiver, 3) == [
        f"/voc?event=outboundCallStart&date=2024-01-01%2018%3A58%3A32&{common}&crm_id=usefulid",
        f"/voc?event=outboundCallAnswered&date=2024-01-01%2018%3A58%3A43&{common}&crm_id=usefulid",
        f"/voc?event=outboundCallEnd&date=2024-01-01%2019%3A00%3A00&{common}&duration=88&answeredDuration=77&crm_id=usefulid",
    ]
    say = story("c-9f32", "outbound", "280085", "280090", crm_id="lead-55")
    account.send(say("starting", "19:00:00"), say("busy", "19:00:02"))
    common = "extension=280085&destination=280090&callid=c-9f32"
    assert voc(receiver, 2) == [
        f"/voc?event=outboundCallStart&date=2024-01-01%2019%3A00%3A00&{common}&crm_id=lead-55",
        f"/voc?event=outboundCallEnd&date=2024-01-01%2019%3A00%3A02&{common}&duration=2&answeredDuration=0&crm_id=lead-55",
    ]


def test_voc_says_nothing_of_inbound_calls_to_a_number_without_webhooks(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/voc", "voc")
    account.call("PATCH", f"/v1/numbers/{NUMBER}", {"webhooks_enabled": False})
    say = story("quiet")
    answer = account.send(say("starting", "19:00:00"), say("completed", "19:00:02"))
    assert [result["deliveries"] for result in answer["results"]] == [0, 0]
    account.call("PATCH", f"/v1/numbers/{NUMBER}", {"webhooks_enabled": True})
    assert account.send(story("heard")("starting", "19:00:00"))["results"][0]["deliveries"] == 1
    assert "callid=heard" in voc(receiver, 1)[0]


# Bird


def bird_call(status: str, direction: str = "incoming", **more: Any) -> dict[str, Any]:
    """The call resource, as far as every webhook has it; `more` is what this status adds."""
    caller = {"number": {"type": "pstn", "number": CALLER, "anonymous": False, "countryIsoCode": "AU"}}
    called = {"number": {"type": "pstn", "number": NUMBER, "anonymous": False, "countryIsoCode": "AU"}}
    numbers = (CALLER, NUMBER, caller, called) if direction == "incoming" else (NUMBER, CALLER, called, caller)
    call: dict[str, Any] = {
        "id": CALL,
        "channelId": CHANNEL,
        "from": numbers[0],
        "to": numbers[1],
        "originator": numbers[2],
        "receiver": numbers[3],
        "direction": direction,
        "status": status,
        "type": "pstn",
    }
    event = "voice.inbound" if direction == "incoming" else "voice.outbound"
    return {"service": "channels", "event": event, "payload": {**call, **more}}


def at(second: float) -> str:
    return f"2024-01-01T19:00:{int(second):02d}.{round(second % 1 * 1000):03d}Z"


LIFE = (("starting", 0.25), ("ringing", 1.12), ("ongoing", 6.5), ("completed", 48.5))


def test_bird_each_status_of_an_inbound_call(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hooks/bird", "bird")
    say = story(CALL)
    updates = [say(status, at(second)) for status, second in LIFE]
    updates[-1]["data"] = {"cause": 16, "sip_status": 200, "ended_by": "caller"}
    extra = [say("ivr-option", at(7), {"option": "1"}), say("recording", at(50), {"status": "completed"})]
    account.send(say("accepted", at(0.25)), *updates[:3], extra[0], updates[3], extra[1])
    created = {"createdAt": at(0.25)}
    rung, answered = {**created, "ringingAt": at(1.12)}, {**created, "ringingAt": at(1.12), "answeredAt": at(6.5)}
    ended = {"duration": 42, "hangupCauseCode": 16, "hangupSource": "originator", "hangupSipCode": "200", "endedAt": at(48.5)}
    got = sent(receiver, 4)
    assert [one.json for one in got] == [
        bird_call("starting", **created, updatedAt=at(0.25)),
        bird_call("ringing", **rung, updatedAt=at(1.12)),
        bird_call("ongoing", **answered, updatedAt=at(6.5), duration=0),
        bird_call("completed", **answered, **ended, updatedAt=at(48.5)),
    ]
    for one in got:
        assert (one.method, one.path) == ("POST", "/hooks/bird")
        # Without a signing key there is no signature; time and id are sent all the same.
        assert own_headers(one) == ["content-type", "messagebird-request-timestamp", "messagebird-request-id"]
        assert one.headers["content-type"] == "application/json"
    ids = {one.headers["messagebird-request-id"] for one in got}
    assert len(ids) == 4
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one) for one in ids)


@pytest.mark.parametrize(
    ("direction", "end", "sent_as"),
    [
        ("inbound", "no-answer", "no-answer"),
        ("inbound", "busy", "busy"),
        ("inbound", "failed", "failed"),
        ("inbound", "cancelled", "no-answer"),
        ("outbound", "no-answer", "no-answer"),
        ("outbound", "busy", "busy"),
        ("outbound", "failed", "failed"),
        ("outbound", "cancelled", "cancelled"),
    ],
)
def test_bird_the_ends_of_an_unanswered_call(account: Api, receiver: Receiver, direction: str, end: str, sent_as: str) -> None:
    account.endpoint(f"{receiver.url}/bird", "bird")
    inbound = direction == "inbound"
    say = story(CALL, direction, *((CALLER, NUMBER) if inbound else (NUMBER, CALLER)))
    account.send(say("accepted", at(0)), say(end, at(9), {"cause": 3, "sip_status": 404}))
    expected = bird_call(sent_as, "incoming" if inbound else "outgoing", createdAt=at(0), endedAt=at(9), updatedAt=at(9))
    expected["payload"] |= {"duration": 0, "hangupCauseCode": 3, "hangupSipCode": "404"}
    if end == "failed":
        expected["payload"]["reason"] = "No route to destination"
    got = sent(receiver, 1 if inbound else 2)
    assert got[-1].json == expected
    if not inbound:
        assert got[0].json == bird_call("accepted", "outgoing", createdAt=at(0), updatedAt=at(0))


def test_bird_signs_time_url_and_digest_and_escapes_what_is_not_ascii(account: Api, receiver: Receiver) -> None:
    url = f"{receiver.url}/hooks/bird?tenant=7"
    account.endpoint(url, "bird", secret="mysecretkey")
    account.send(story(CALL, caller_name="Zoë 李")("starting", at(0)))
    (got,) = sent(receiver, 1)
    assert own_headers(got)[:2] == ["content-type", "messagebird-signature"]
    assert got.path == "/hooks/bird?tenant=7"
    assert got.body.isascii()
    assert rb"Zo\u00eb \u674e" in got.body
    stamp = got.headers["messagebird-request-timestamp"]
    assert abs(int(stamp) - time.time()) < 30
    message = stamp.encode() + b"\n" + url.encode() + b"\n" + hashlib.sha256(got.body).digest()
    expected = base64.b64encode(hmac.new(b"mysecretkey", message, hashlib.sha256).digest()).decode()
    assert got.headers["messagebird-signature"] == expected


def test_bird_filters_and_the_catch_all_clause(account: Api, receivers: Callable[[], Receiver]) -> None:
    everything, filtered, elsewhere = receivers(), receivers(), receivers()
    account.endpoint(everything.url + "/", "bird")
    wishes = [("channelId", CHANNEL), ("status", "completed"), ("status", "starting")]
    account.endpoint(filtered.url + "/", "bird", filters=[{"key": key, "value": value} for key, value in wishes])
    account.endpoint(elsewhere.url + "/", "bird", filters=[{"key": "channelId", "value": CALL}])
    say = story(CALL)
    account.send(*(say(status, at(second)) for status, second in LIFE))
    assert [one.json["payload"]["status"] for one in sent(filtered, 2)] == ["starting", "completed"]
    assert [one.json["payload"]["status"] for one in sent(everything, 2)] == ["ringing", "ongoing"]
    assert elsewhere.nothing(0.05)


# Fone Dynamics

SID = "CAQWERTYUIOPASDFGHJKLZXCVBNMQWER"
DYNAMIC = {
    "from_geo": AUSTRALIA,
    "attribution": {"source": "bing", "medium": "organic"},
    "session": {
        "traffic_type": "Organic",
        "keywords": "blue widgets",
        "conversion_uri": "https://www.example.com.au/contact",
        "landing_uri": "https://www.example.com.au/",
    },
    "integration": {"ga_client_id": "1234567890.1546300800"},
}
INITIATE = (
    "Property.Name=www.example.com.au&Property.Type=Site&Call.Sid=CAQWERTYUIOPASDFGHJKLZXCVBNMQWER"
    "&Call.StartDate=2019-07-18+03%3A04%3A05&Call.From=%2B61412345678&Call.From.Country=AU&Call.From.Region=&Call.From.City="
    "&Call.To=%2B611800111222&Call.To.Name=Web+pool&Attribution.Source=bing&Attribution.Medium=organic&Attribution.Campaign="
    "&Attribution.Content=&Session.Traffic.Type=Organic&Session.Keywords=blue+widgets"
    "&Session.ConversionUri=https%3A%2F%2Fwww.example.com.au%2Fcontact&Session.LandingUri=https%3A%2F%2Fwww.example.com.au%2F"
    "&Google.Analytics.ClientId=1234567890.1546300800"
)
COMPLETE = (
    "Property.Name=www.example.com.au&Property.Type=Site&Call.Sid=CAQWERTYUIOPASDFGHJKLZXCVBNMQWER"
    "&Call.StartDate=2019-07-18+03%3A04%3A05&Call.From=%2B61412345678&Call.From.Country=AU&Call.From.Region=&Call.From.City="
    "&Call.To=%2B611800111222&Call.To.Type=Static&Call.To.Name=Web+pool&Call.Duration=95&Call.Disposition=ANSWERED"
    "&Call.Recording.Uri=https%3A%2F%2Frecordings.example.com%2F95.wav&Call.Endpoint=%2B61298765432&Call.Survey.Type=Sale"
    "&Call.Survey.Value=250&Call.Survey.Custom1=a%2Fb&Call.Survey.UniqueCode=007&Call.Prompts.Postcode=2000"
    "&Call.Prompts.Keys=1%2C2000&Attribution.Source=&Attribution.Medium=&Attribution.Campaign=&Attribution.Content="
)


def _sids(text: str, event: str) -> str:
    """Checks what begins every Fone Dynamics request, and gives the rest."""
    found = re.fullmatch(
        rf"Action=Webhook&Event={re.escape(event)}&Account\.Sid=AC[A-Z]{{30}}&Property\.Sid=PR[A-Z]{{30}}&(.*)", text
    )
    assert found, text
    return found[1]


def _fone_dynamics_call() -> list[dict[str, Any]]:
    say = story(SID, from_="+61412345678")
    return [
        say("starting", "2019-07-18T03:04:05.900Z", **DYNAMIC),
        say("completed", "2019-07-18T03:05:41.000Z"),
    ]


def _fone_dynamics_ending() -> list[dict[str, Any]]:
    say = story(SID, from_="+61412345678", from_geo=AUSTRALIA, transfer_to="+61298765432")
    survey = {"type": "Sale", "value": 250, "custom1": "a/b", "unique_code": "007"}
    return [
        say("starting", "2019-07-18T03:04:05.900Z"),
        say("ivr-option", "2019-07-18T03:04:07Z", {"option": "1"}),
        say("prompt", "2019-07-18T03:04:09Z", {"keys": "2000", "kind": "postcode"}),
        say("ongoing", "2019-07-18T03:04:20Z"),
        say("facts", "2019-07-18T03:05:40Z", survey=survey, recording={"url": "https://recordings.example.com/95.wav"}),
        say("completed", "2019-07-18T03:05:41Z"),
    ]


def test_fone_dynamics_by_post_is_a_form_with_flat_dotted_names(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hook?k=1", "fonedynamics", events=["Call.Initiate"])
    account.send(*_fone_dynamics_call())
    (got,) = sent(receiver, 1)
    assert (got.method, got.path) == ("POST", "/hook?k=1")
    assert own_headers(got) == ["Content-Type"]
    assert got.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert _sids(got.body.decode(), "Call.Initiate") == INITIATE


def test_fone_dynamics_by_get_puts_the_same_into_the_query(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hook?k=1", "fonedynamics", method="GET")
    account.send(*_fone_dynamics_ending())
    begun, ended = sent(receiver, 2)
    assert {one.method for one in (begun, ended)} == {"GET"}
    assert own_headers(ended) == []
    head = "/hook?k=1&"
    assert ended.path.startswith(head)
    assert _sids(ended.path.removeprefix(head), "Call.Complete") == COMPLETE
    assert "Call.Duration" not in begun.path
    assert ended.body == b""


@pytest.mark.parametrize(
    ("ending", "disposition", "endpoint"),
    [
        ([("ringing", {}), ("ongoing", {}), ("completed", {})], "ANSWERED", "+61298765432"),
        ([("ringing", {}), ("no-answer", {})], "NO ANSWER", "+61298765432"),
        ([("busy", {"cause": 17})], "BUSY", "+61298765432"),
        ([("ringing", {}), ("cancelled", {})], "NO ANSWER", "+61298765432"),
        ([("failed", {})], "FAILED", "+61298765432"),
        ([], "IVR", None),
    ],
)
def test_fone_dynamics_tells_what_the_last_transfer_came_to(
    account: Api, receiver: Receiver, ending: list[tuple[str, dict[str, Any]]], disposition: str, endpoint: str | None
) -> None:
    account.endpoint(f"{receiver.url}/hook", "fonedynamics", events=["Call.Complete"])
    say = story(SID, from_="anonymous")
    leg = story("leg", "outbound", NUMBER, "+61298765432", parent=SID)
    legs = [leg(kind, f"2019-07-18T03:04:{10 + n}Z", data) for n, (kind, data) in enumerate(ending)]
    account.send(
        say("starting", "2019-07-18T03:04:05Z"),
        say("ongoing", "2019-07-18T03:04:06Z", answered_by="ivr"),
        *legs,
        say("completed", "2019-07-18T03:05:05.999Z"),
    )
    (got,) = sent(receiver, 1)
    fields = dict(parse_qsl(got.body.decode(), keep_blank_values=True))
    assert (fields["Call.Disposition"], fields["Call.Duration"], fields.get("Call.Endpoint")) == (disposition, "60", endpoint)
    assert fields["Call.From"] == "anonymous"
    assert [fields[f"Call.From.{part}"] for part in ("Country", "Region", "City")] == ["", "", ""]
    assert not [name for name in fields if name.startswith(("Session", "Analytics", "Google", "Call.Survey", "Call.Recording"))]


def test_fone_dynamics_is_told_of_no_outbound_call(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hook", "fonedynamics")
    say = story(SID, "outbound", NUMBER, CALLER)
    answer = account.send(say("starting", "19:00:00"), say("completed", "19:00:30"))
    assert [result["deliveries"] for result in answer["results"]] == [0, 0]


# Call.Complete waits for what was announced


def now(after_s: float = 0) -> str:
    return datetime.fromtimestamp(time.time() + after_s, UTC).isoformat()


def _held(account: Api, *more: dict[str, Any], awaits: str = "recording") -> Say:
    say = story("held", from_geo=AUSTRALIA)
    updates = [say("starting", now(-60)), say("ongoing", now(-50)), say("completed", now(), awaits=[awaits])]
    account.send(*updates, *more)
    return say


def test_call_complete_goes_out_at_once_when_the_announced_recording_comes(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hook", "fonedynamics", events=["Call.Complete"], hold_s=600)
    say = _held(account)
    assert receiver.nothing()
    (waiting,) = account.deliveries()
    assert waiting["state"] == "pending"
    assert waiting["next_at"] > now(500)
    account.send(say("recording", now(), {"status": "in-progress"}))
    assert receiver.nothing(0.1)
    began = time.monotonic()
    account.send(say("recording", now(), {"status": "completed", "url": "https://recordings.example.com/held.wav"}))
    got = receiver.next(5)
    assert time.monotonic() - began < 1
    assert parse_qs(got.body.decode())["Call.Recording.Uri"] == ["https://recordings.example.com/held.wav"]
    assert account.settled(1)[0]["state"] == "succeeded"


def test_call_complete_does_not_wait_when_the_recording_comes_with_the_end(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hook", "fonedynamics", events=["Call.Complete"], hold_s=600)
    recording = story("held")("recording", now(), {"status": "completed", "url": "https://recordings.example.com/held.wav"})
    _held(account, recording)
    assert parse_qs(receiver.next(5).body.decode())["Call.Recording.Uri"] == ["https://recordings.example.com/held.wav"]


def test_call_complete_is_sent_without_the_recording_that_never_comes(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hook", "fonedynamics", events=["Call.Complete"], hold_s=1)
    began = time.monotonic()
    _held(account)
    got = receiver.next(5)
    assert 0.8 < time.monotonic() - began < 3
    assert "Call.Recording.Uri" not in parse_qs(got.body.decode())


def test_call_complete_waits_for_a_survey_too_and_for_nothing_that_was_not_announced(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hook", "fonedynamics", events=["Call.Complete"], hold_s=600)
    say = _held(account, awaits="survey")
    account.send(story("not-held")("completed", now()))
    assert "Call.Survey.Value" not in parse_qs(receiver.next(5).body.decode())
    assert receiver.nothing(0.1)
    account.send(say("facts", now(), survey={"type": "Sale", "value": 5}))
    assert parse_qs(receiver.next(5).body.decode())["Call.Survey.Value"] == ["5"]


def test_a_source_whose_clock_is_ahead_makes_nobody_wait_longer(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/hook", "fonedynamics", events=["Call.Complete"], hold_s=1)
    account.send(story("ahead")("completed", now(86_400), awaits=["recording"]))
    receiver.next(5)


# Voxtelesys


def vox(receiver: Receiver, count: int) -> list[str]:
    got = sent(receiver, count)
    for one in got:
        assert (one.method, one.path) == ("POST", "/v/status?t=8c1f")
        assert own_headers(one) == ["Content-Type"]
        assert one.headers["content-type"] == "application/x-www-form-urlencoded"
    return [re.sub(r"AccountID=\d{6}&", "AccountID=#&", one.body.decode()) for one in got]


VOX = (
    "AccountID=#&TrunkID=90001&From=%2B611800111222&To=%2B61288880000&CallStatus={status}&ApiVersion=v0"
    "&Direction=outbound-api&CallerName=ACME"
)


@pytest.mark.parametrize(
    ("end", "status", "sip"),
    [
        ("busy", "busy", 486),
        ("no-answer", "no-answer", 480),
        ("failed", "failed", 404),
        ("cancelled", "no-answer", 487),
    ],
)
def test_voxtelesys_the_end_of_an_outgoing_call(account: Api, receiver: Receiver, end: str, status: str, sip: int) -> None:
    account.endpoint(f"{receiver.url}/v/status?t=8c1f", "voxtelesys")
    say = story(CALL, "outbound", NUMBER, CALLER, caller_name="ACME", from_geo=NOWHERE, to_geo=NOWHERE)
    account.send(say("starting", at(0)), say("ringing", at(1)), say(end, at(9.9), {"sip_status": sip}))
    assert vox(receiver, 1) == [
        f"CallSid={CALL}&{VOX.format(status=status)}"
        f"&CallDuration=0&SipResponseCode={sip}&Timestamp=Mon%2C+01+Jan+2024+19%3A00%3A09+%2B0000&SequenceNumber=0"
        "&CallbackSource=call-progress-events"
    ]


def test_voxtelesys_with_geography_variables_and_a_leg_to_a_phone_number(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/v/status?t=8c1f", "voxtelesys")
    omaha = {"country": "US", "region": "NE", "city": "OMAHA", "postal_code": "68102"}
    say = story(CALL, "outbound", NUMBER, CALLER, caller_name="ACME", from_geo=NOWHERE, to_geo=omaha)
    menu = {"menu.digits": "1", "menu.speech": ""}
    leg = story(CHILD, "outbound", NUMBER, "+61298765432", parent=CALL, caller_name="ACME", from_geo=NOWHERE, to_geo=NOWHERE)
    extension = story("leg-2", "outbound", NUMBER, "280085", parent=CALL)
    account.send(
        say("starting", at(0)),
        say("ongoing", at(2)),
        leg("starting", at(3)),
        extension("starting", at(3)),
        leg("ongoing", at(4)),
        extension("no-answer", at(5)),
        leg("completed", at(8)),
        say("completed", at(12), vars=menu, amd="human_residence"),
    )
    status = "SequenceNumber=0&CallbackSource=call-progress-events"
    first = (
        VOX.format(status="completed").replace("outbound-api", "outbound-dial").replace("To=%2B61288880000", "To=%2B61298765432")
    )
    assert vox(receiver, 2) == [
        f"CallSid={CHILD}&{first}&ParentCallSid={CALL}&CallDuration=4&Timestamp=Mon%2C+01+Jan+2024+19%3A00%3A08+%2B0000&{status}",
        f"CallSid={CALL}&{VOX.format(status='completed')}"
        "&Vars=%7B%22menu%22%3A%7B%22digits%22%3A%221%22%2C%22speech%22%3A%22%22%7D%7D&AnsweredBy=human_residence"
        "&ToCity=OMAHA&ToState=NE&ToZip=68102&ToCountry=US&CallDuration=10"
        f"&Timestamp=Mon%2C+01+Jan+2024+19%3A00%3A12+%2B0000&{status}",
    ]


def test_voxtelesys_recordings_by_get(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/v/rec?t=8c1f", "voxtelesys", method="GET")
    say = story(CALL, caller_name="ACME", from_geo=NOWHERE, to_geo=NOWHERE)
    account.send(
        say("starting", at(0)),
        say("ongoing", at(2)),
        say("recording", at(3), {"status": "in-progress"}),
        say("completed", at(9)),
        say("recording", at(12), {"status": "completed", "url": "https://r.example.com/1.wav", "duration_s": 6, "channels": 2}),
        say("transcription", at(15), {"text": "Hello"}),
    )
    got = sent(receiver, 2)
    assert [one.method for one in got] == ["GET", "GET"]
    assert [one.body for one in got] == [b"", b""]
    targets = [re.sub(r"AccountID=\d{6}&", "AccountID=#&", one.path) for one in got]
    assert [re.sub(r"RecordingSid=[0-9a-f-]{36}", "RecordingSid=#", target) for target in targets] == [
        f"/v/rec?t=8c1f&CallSid={CALL}&AccountID=#&TrunkID=90001&From=%2B61288880000&To=%2B611800111222&CallStatus=in-progress"
        "&ApiVersion=v0&Direction=inbound&CallerName=ACME&RecordingSid=#&RecordingStatus=in-progress",
        f"/v/rec?t=8c1f&CallSid={CALL}&AccountID=#&TrunkID=90001&From=%2B61288880000&To=%2B611800111222&CallStatus=completed"
        "&ApiVersion=v0&Direction=inbound&CallerName=ACME&RecordingSid=#&RecordingUrl=https%3A%2F%2Fr.example.com%2F1.wav"
        "&RecordingStatus=completed&RecordingDuration=6&RecordingChannels=2",
    ]


# Standard Webhooks


def test_standard_sends_every_event_and_other_peoples_libraries_verify_it(account: Api, receiver: Receiver) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    account.endpoint(f"{receiver.url}/hooks?a=1", "standard", secret=secret)
    say = story("c-9f31")
    updates = [
        say("accepted", at(0)),
        say("starting", at(0.25)),
        say("ringing", at(1)),
        say("ringing", at(1), extension="280085"),
        say("ongoing", at(2), extension="280085"),
        say("ivr-option", at(3), {"option": "*"}),
        say("prompt", at(4), {"keys": "2000", "kind": "postcode"}),
        say("completed", at(9), {"cause": 16, "ended_by": "callee"}),
        say("recording", at(10), {"status": "completed", "url": "https://r.example.com/1.wav"}),
        say("transcription", at(11), {"text": "Hello"}),
        say("facts", at(12), survey={"type": "csat", "value": 5}),
    ]
    results = account.send(*updates)["results"]
    got = sent(receiver, len(updates))
    assert [one.json["type"] for one in got] == [update["type"] for update in updates]
    for one, update, result, seq in zip(got, updates, results, range(1, 12), strict=True):
        assert (one.method, one.path) == ("POST", "/hooks?a=1")
        assert own_headers(one) == ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"]
        assert one.headers["content-type"] == "application/json"
        assert Webhook(secret).verify(one.body, one.headers) == one.json
        assert one.headers["webhook-id"] == result["event_id"].replace("evt_", "msg_")
        assert one.json["data"]["event"] == {"id": result["event_id"], "seq": seq}
        assert one.json["data"]["version"] == 1
        assert datetime.fromisoformat(one.json["timestamp"]) == datetime.fromisoformat(update["at"])
        assert re.fullmatch(r".*T\d\d:\d\d:\d\d\.\d{3}Z", one.json["timestamp"])
    by_type = {one.json["type"]: one.json["data"] for one in got}
    assert by_type["call.ivr-option"]["option"] == "*"
    assert by_type["call.prompt"]["prompt"] == {"keys": "2000", "kind": "postcode"}
    assert by_type["call.recording"]["recording"] == {"status": "completed", "url": "https://r.example.com/1.wav"}
    assert by_type["call.transcription"]["transcription"] == {"text": "Hello"}
    assert by_type["call.facts"]["call"]["survey"] == {"type": "csat", "value": 5}
    assert by_type["call.ongoing"]["offer"] == {
        "to": "280085",
        "n": 1,
        "status": "ongoing",
        "ringing_at": at(1),
        "answered_at": at(2),
    }
    assert by_type["call.completed"]["call"] == {
        "id": "c-9f31",
        "direction": "inbound",
        "from": CALLER,
        "to": NUMBER,
        "status": "completed",
        "first_at": at(0),
        "ringing_at": at(1),
        "answered_at": at(2),
        "ended_at": at(9),
        "duration_s": 8,
        "answered_duration_s": 7,
        "cause": 16,
        "ended_by": "callee",
        "extension": "280085",
        "prompts": {"keys": ["*", "2000"], "postcodes": ["2000"]},
    }
    assert by_type["call.completed"]["root"] == by_type["call.completed"]["call"]


def test_standard_names_leg_and_root_and_corrects_an_inferred_end(account: Api, receiver: Receiver) -> None:
    account.endpoint(f"{receiver.url}/", "standard", events=["call.ringing"])
    say = story("root-1")
    leg = story("leg-1", "outbound", CALLER, "280085", parent="root-1")
    account.send(say("starting", at(0)), say("ongoing", at(1), answered_by="ivr"), leg("starting", at(2)), leg("ringing", at(3)))
    (got,) = sent(receiver, 1)
    data = got.json["data"]
    assert (data["call"]["id"], data["call"]["parent"], data["call"]["status"]) == ("leg-1", "root-1", "ringing")
    assert (data["root"]["id"], data["root"]["status"], data["root"]["answered_by"]) == ("root-1", "ongoing", "ivr")
    assert data["offer"] == {"to": "280085", "n": 1, "status": "ringing", "leg": "leg-1", "ringing_at": at(3)}


def test_the_secret_that_was_made_is_shown_once_and_signs(api: Api, receiver: Receiver) -> None:
    made = api.endpoint(f"{receiver.url}/")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
    assert made["signed"] is True
    api.send(story("signed")("starting", at(0)))
    (got,) = sent(receiver, 1)
    Webhook(made["secret"]).verify(got.body, got.headers)


# Credentials


def test_credentials_in_the_url_become_a_basic_header_and_are_never_shown(server: Server, api: Api, receiver: Receiver) -> None:
    word = "pa ss/Wörd-4711"
    url = f"http://us%40er:pa%20ss%2FW%C3%B6rd-4711@127.0.0.1:{receiver.port}/hook?k=1"
    made = api.endpoint(url, "standard", secret="whsec_" + base64.b64encode(b"secret-of-the-tests-4711").decode())
    shown = f"http://us%40er:***@127.0.0.1:{receiver.port}/hook?k=1"
    assert made["url"] == shown
    api.send(story("basic")("starting", at(0)))
    (got,) = sent(receiver, 1)
    assert base64.b64decode(got.headers["authorization"].removeprefix("Basic ")).decode() == f"us@er:{word}"
    assert got.path == "/hook?k=1"
    (delivery,) = api.settled(1)
    request = delivery["log"][0]["request"]
    assert "@" not in request["url"].partition("//")[2].partition("/")[0]
    assert ["Authorization", "***"] in [[name.title(), "***" if "*" in value else value] for name, value in request["headers"]]
    one = api.get(f"/v1/endpoints/{made['id']}")
    assert one["url"] == shown
    assert "secret" not in one
    views = [one, api.get("/v1/endpoints"), delivery, api.get("/v1/deliveries"), api.get("/v1/calls/basic")]
    known = [word, "pa%20ss", "4711", made["secret"], got.headers["authorization"].removeprefix("Basic ")]
    for view in views:
        text = json.dumps(view, ensure_ascii=False)
        assert not [secret for secret in known if secret in text]
    log = server.log.read_text()
    assert not [secret for secret in known if secret in log]


def test_secrets_are_encrypted_on_disk(server: Server, api: Api, receiver: Receiver) -> None:
    secret = "whsec_" + base64.b64encode(b"on-disk-nobody-reads-me-4712").decode()
    api.endpoint(f"http://user:on-disk-password-4712@127.0.0.1:{receiver.port}/", "standard", secret=secret)
    api.send(story("encrypted")("starting", at(0)))
    until(lambda: api.settled(1))
    for file in filter(Path.is_file, server.data.rglob("*")):
        content = file.read_bytes()
        assert b"on-disk-password-4712" not in content, file
        assert secret.encode() not in content, file
        assert b"on-disk-nobody-reads-me" not in content, file
