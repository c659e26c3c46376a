"""Whatever comes in is known by its platform, and read as that platform's receiver would read it."""

import pytest

from ringback.dialects import load_dialects
from ringback.dialects.trial import trial
from ringback.receive.reading import read_webhook
from ringback.receive.recognise import platform_of, query_of, stranger

NOW = 1_795_176_000
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {"standard": WHSEC, "bird": "a signing key"}
BUILT_IN = ("bird", "fonedynamics", "standard", "voc", "voxtelesys")


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_event_that_we_send_is_read(name: str) -> None:
    dialect = load_dialects()[name]
    for event in dialect.events:
        for method in dialect.methods:
            sent = trial(dialect, event, "https://h.example.com/?token=1", NOW * 1000, secret=SECRETS.get(name), method=method)
            reading = read_webhook(
                method=sent.method,
                url=sent.url,
                headers=dict(sent.headers),
                body=sent.body,
                secrets=list(SECRETS.values()),
                now_s=NOW,
            )
            assert (reading.dialect, reading.event) == (name, event), reading.reason
            assert reading.trust == ("signature" if name in SECRETS else "form")
            lower = {header.lower(): value for header, value in sent.headers}
            assert platform_of(sent.method, sent.url, lower, sent.body) == name


@pytest.mark.parametrize(
    ("headers", "platform", "reason"),
    [
        ({"webhook-signature": "v1,x"}, "standard", "webhook-id is missing"),
        ({"webhook-timestamp": "1"}, "standard", "webhook-id is missing"),
        ({"messagebird-signature": "x"}, "bird", "messagebird-request-timestamp is missing"),
        ({}, "", "not a webhook of a platform that is known"),
    ],
)
def test_one_header_tells_the_platform_though_others_are_missing(headers: dict[str, str], platform: str, reason: str) -> None:
    body = {
        "standard": b'{"type":"call.busy","timestamp":"2026-11-20T12:00:00Z","data":{"version":1,"event":{"id":"evt_1","seq":1},'
        b'"call":{"id":"c","direction":"inbound"},"root":{"id":"c","direction":"inbound"}}}',
        "bird": b'{"service":"channels","event":"voice.inbound","payload":{"id":"c","status":"busy"}}',
    }.get(platform, b"{}")
    url = "https://h.example.com/"
    assert platform_of("POST", url, headers, body) == platform
    reading = read_webhook(method="POST", url=url, headers=headers, body=body, secrets=list(SECRETS.values()), now_s=NOW)
    assert (reading.dialect, reading.trust, reading.reason) == (platform, "refused", reason)


def test_a_fragment_is_no_part_of_the_query() -> None:
    assert query_of("https://h.example.com/a?callid=1#x?y") == "callid=1"
    assert query_of("https://h.example.com/a#b?callid=1") == ""


def test_strangers_are_known_by_their_headers() -> None:
    assert stranger({"x-twilio-signature": "x"}) == "Twilio"
    assert stranger({"webhook-id": "x"}) == ""
