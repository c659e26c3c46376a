"""Numbers and properties over the API, and what they change in what is sent."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from harness import Api, Receiver, Server

NewCall = Callable[..., Callable[..., dict[str, Any]]]
CHANNEL = "b827924e-9789-4c2f-a4d5-b352175354f6"
_numbers = iter(range(611_300_000_000, 611_300_999_999))


@pytest.fixture
def number() -> str:
    """A number that no other test registers."""
    return f"+{next(_numbers)}"


def test_a_number_has_defaults_whether_it_is_registered_or_not(api: Api, number: str) -> None:
    before = api.get(f"/v1/numbers/{number}")
    assert (before["name"], before["pool"], before["webhooks_enabled"]) == (number[1:], "static", True)
    made = api.post("/v1/numbers", {"number": number})
    assert made == before == api.get(f"/v1/numbers/{quote(number)}")
    assert api.get("/v1/numbers")["items"] == [made]
    (default,) = api.get("/v1/properties")["items"]
    assert made["property"] == default["id"]
    assert api.get(f"/v1/properties/{default['id']}") == default


def test_everything_may_be_said_and_changed(api: Api, number: str) -> None:
    site = api.post("/v1/properties", {"name": "www.example.com.au"})
    assert site["type"] == "Site"
    wish = {"name": "Web pool", "pool": "dynamic", "property": site["id"], "channel_id": CHANNEL, "trunk_id": "90001"}
    made = api.post("/v1/numbers", {"number": number, **wish, "webhooks_enabled": False})
    assert made == {"number": number, **wish, "webhooks_enabled": False, "voice": None}
    status, changed = api.call("PATCH", f"/v1/numbers/{number}", {"name": "Print", "webhooks_enabled": True})
    assert (status, changed) == (200, {**made, "name": "Print", "webhooks_enabled": True})
    assert api.get(f"/v1/numbers/{number}") == changed
    assert api.call("DELETE", f"/v1/numbers/{number}") == (204, None)
    assert api.get(f"/v1/numbers/{number}")["name"] == number[1:]
    assert api.get("/v1/numbers")["items"] == []
    assert api.call("DELETE", f"/v1/numbers/{number}")[0] == 404
    assert api.call("PATCH", f"/v1/numbers/{number}", {"name": "x"})[0] == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "with blank"}, "number"),
        ({"number": "x" * 129}, "number"),
        ({"number": "+61/2"}, "number"),
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"pool": "shared"}, "pool"),
        ({"property": "nothing"}, "property"),
        ({"channel_id": "clicked"}, "channel_id"),
        ({"trunk_id": "first"}, "trunk_id"),
        ({"webhooks_enabled": "yes"}, "webhooks_enabled"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(api: Api, number: str, change: dict[str, Any], field: str) -> None:
    status, problem = api.call("POST", "/v1/numbers", {"number": number, **change})
    assert (status, problem["field"]) == (422, field), problem
    assert api.get("/v1/numbers")["items"] == []
    if "number" not in change:
        api.post("/v1/numbers", {"number": number})
        status, problem = api.call("PATCH", f"/v1/numbers/{number}", change)
        assert (status, problem["field"]) == (422, field)


def test_a_number_has_one_owner(server: Server, api: Api, number: str) -> None:
    api.post("/v1/numbers", {"number": number})
    status, problem = api.call("POST", "/v1/numbers", {"number": number})
    assert (status, problem["detail"]) == (409, "the number is registered already")
    other = server.account()
    status, problem = other.call("POST", "/v1/numbers", {"number": number})
    assert (status, problem["title"]) == (409, "Conflict")
    for method, body in (("PATCH", {"name": "mine"}), ("DELETE", None)):
        assert other.call(method, f"/v1/numbers/{number}", body)[0] == 404
    assert other.get(f"/v1/numbers/{number}")["name"] == number[1:]


def test_numbers_and_properties_page(api: Api) -> None:
    made = sorted(api.post("/v1/numbers", {"number": f"+{next(_numbers)}"})["number"] for _ in range(5))
    first = api.get("/v1/numbers?limit=2")
    second = api.get(f"/v1/numbers?limit=2&cursor={first['next_cursor']}")
    last = api.get(f"/v1/numbers?limit=2&cursor={second['next_cursor']}")
    assert [item["number"] for page in (first, second, last) for item in page["items"]] == made
    assert last["next_cursor"] is None
    sites = {api.post("/v1/properties", {"name": f"site {n}"})["id"] for n in range(3)}
    default, *rest = api.get("/v1/properties")["items"]
    assert {item["id"] for item in rest} == sites
    page = api.get("/v1/properties?limit=1")
    assert page["items"] == [default]
    assert api.get(f"/v1/properties?limit=3&cursor={page['next_cursor']}")["items"] == rest


def test_a_property_is_renamed_and_goes_when_no_number_needs_it(
    api: Api, number: str, receiver: Receiver, new_call: NewCall
) -> None:
    site = api.post("/v1/properties", {"name": "www.old.example"})
    api.post("/v1/numbers", {"number": number, "property": site["id"]})
    api.endpoint(receiver.url, "fonedynamics")
    assert api.call("PATCH", f"/v1/properties/{site['id']}", {"name": "www.new.example"})[1]["name"] == "www.new.example"
    api.send(new_call(to=number)("starting"))
    assert parse_qs(receiver.next().body.decode())["Property.Name"] == ["www.new.example"]
    assert api.call("DELETE", f"/v1/properties/{site['id']}")[0] == 409
    api.call("DELETE", f"/v1/numbers/{number}")
    assert api.call("DELETE", f"/v1/properties/{site['id']}")[0] == 204
    assert api.call("GET", f"/v1/properties/{site['id']}")[0] == 404


def test_the_default_property_is_there_and_stays(api: Api, number: str) -> None:
    (default,) = api.get("/v1/properties")["items"]
    assert api.post("/v1/numbers", {"number": number, "property": default["id"]})["property"] == default["id"]
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        assert api.call(method, f"/v1/properties/{default['id']}", body)[0] == 409
    for body in ({}, {"name": ""}, {"name": 7}, {"title": "x"}):
        assert api.call("POST", "/v1/properties", body)[0] == 422


def test_another_accounts_property_is_not_there(server: Server, api: Api, number: str) -> None:
    site = api.post("/v1/properties", {"name": "mine"})
    other = server.account()
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert other.call(method, f"/v1/properties/{site['id']}", body)[0] == 404
    status, problem = other.call("POST", "/v1/numbers", {"number": number, "property": site["id"]})
    assert (status, problem["field"]) == (422, "property")


def test_a_change_is_in_the_next_webhook(api: Api, number: str, receiver: Receiver, new_call: NewCall) -> None:
    api.endpoint(receiver.url + "/", "bird")
    say = new_call(to=number)
    api.send(say("starting"))
    default = receiver.next().json["payload"]["channelId"]
    assert default == api.get(f"/v1/numbers/{number}")["channel_id"]
    api.post("/v1/numbers", {"number": number, "channel_id": CHANNEL})
    api.send(say("ringing", 1))
    assert receiver.next().json["payload"]["channelId"] == CHANNEL
    # A filter goes by the number's channel, too.
    api.endpoint(receiver.url + "/", "bird", filters=[{"key": "channelId", "value": default}])
    assert api.send(say("completed", 2))["results"][0]["deliveries"] == 1


VOICE = {
    "url": "http://127.0.0.1:9/voice?t=1#rc=2",
    "method": "GET",
    "fallback_url": "http://127.0.0.1:9/spare",
    "fallback_method": "POST",
    "local_fallback": {"forward": "+13005550100"},
}


def test_who_is_asked_about_a_number_s_calls(api: Api, number: str) -> None:
    made = api.post("/v1/numbers", {"number": number, "voice": {"url": VOICE["url"]}})
    defaults = {"method": "POST", "fallback_url": None, "fallback_method": "POST", "local_fallback": None}
    assert made["voice"] == {"url": VOICE["url"], **defaults}
    changed = api.call("PATCH", f"/v1/numbers/{number}", {"voice": VOICE})[1]
    assert changed["voice"] == VOICE == api.get(f"/v1/numbers/{number}")["voice"]
    assert api.call("PATCH", f"/v1/numbers/{number}", {"name": "Print"})[1]["voice"] == VOICE
    assert api.call("PATCH", f"/v1/numbers/{number}", {"voice": None})[1]["voice"] is None


def test_a_password_in_a_voice_url_is_masked_and_kept(api: Api, number: str) -> None:
    url, masked = "http://ann:s%40cret@127.0.0.1:9/voice", "http://ann:***@127.0.0.1:9/voice"
    made = api.post("/v1/numbers", {"number": number, "voice": {"url": url}})
    assert made["voice"]["url"] == masked
    again = api.call("PATCH", f"/v1/numbers/{number}", {"voice": {**made["voice"], "method": "GET"}})
    assert (again[0], again[1]["voice"]["url"], again[1]["voice"]["method"]) == (200, masked, "GET")
    status, problem = api.call("PATCH", f"/v1/numbers/{number}", {"voice": {"url": masked.replace("127.0.0.1:9", "127.0.0.1:10")}})
    assert (status, problem["field"]) == (422, "voice.url"), "a password goes nowhere but where it was given for"


@pytest.mark.parametrize(
    ("voice", "field"),
    [
        ({}, "voice"),
        ({"url": ""}, "voice.url"),
        ({"url": "/voice"}, "voice.url"),
        ({"url": "ftp://127.0.0.1/"}, "voice.url"),
        ({"url": "https://10.0.0.1/"}, "voice.url"),
        ({"url": "http://ann:***@127.0.0.1/"}, "voice.url"),
        ({"url": "https://a/", "fallback_url": "https://169.254.169.254/"}, "voice.fallback_url"),
        ({"url": "https://a/", "method": "PUT"}, "voice.method"),
        ({"url": "https://a/", "local_fallback": {}}, "voice.local_fallback"),
        ({"url": "https://a/", "local_fallback": {"say": "x", "forward": "+15"}}, "voice.local_fallback"),
        ({"url": "https://a/", "local_fallback": {"say": ""}}, "voice.local_fallback.say"),
        ({"url": "https://a/", "local_fallback": {"forward": "with blank"}}, "voice.local_fallback.forward"),
        ({"url": "https://a/", "ring": True}, "voice"),
    ],
)
def test_voice_settings_that_cannot_be_are_refused_at_once(api: Api, number: str, voice: dict[str, Any], field: str) -> None:
    status, problem = api.call("POST", "/v1/numbers", {"number": number, "voice": voice})
    assert status == 422
    assert problem["field"].startswith(field), problem
    assert api.get("/v1/numbers")["items"] == []
