"""Bird's API as Bird's clients speak it: raw HTTP, and answers written down from the vendor's pages."""

import base64
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from bird_client import KEY, NOBODY, TIME, UUID, Bird, bird
from harness import Api, Server, start_server

__all__ = ["bird"]

CHANNEL = "b827924e-9789-4c2f-a4d5-b352175354f6"
# What the vendor's voice page posts.
PUBLISHED: dict[str, Any] = {
    "service": "channels",
    "event": "voice.inbound",
    "url": "https://yoururl.com",
    "signingKey": KEY,
    "eventFilters": [
        {"key": "channelId", "value": CHANNEL},
        {"key": "status", "value": "completed"},
        {"key": "status", "value": "starting"},
    ],
}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without the operator's switches: the vendor's rules as they are."""
    running = start_server(tmp_path_factory.mktemp("strict") / "data", strict=True)
    yield running
    assert running.stop() == 0


# Create, get, list, change, delete


@pytest.mark.parametrize("with_organization", [False, True])
def test_what_the_vendors_page_posts_is_made_under_both_forms_of_the_path(bird: Bird, with_organization: bool) -> None:
    bird = replace(bird, with_organization=with_organization)
    status, headers, made = bird.ask("POST", "", PUBLISHED)
    assert (status, headers["content-type"]) == (201, "application/json")
    assert UUID.fullmatch(made["id"])
    assert TIME.fullmatch(made["createdAt"])
    expected = {
        "id": made["id"],
        "organizationId": bird.organization,
        "workspaceId": bird.api.account,
        "service": "channels",
        "event": "voice.inbound",
        "eventFilters": PUBLISHED["eventFilters"],
        "url": "https://yoururl.com",
        "status": "active",
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    assert made == {**expected, "signingKey": KEY}
    # The key is told once; the doc's samples echo it always, production does not.
    assert bird.get(f"/{made['id']}") == expected
    assert bird.get() == {"results": [expected]}
    assert replace(bird, with_organization=not with_organization).get(f"/{made['id']}") == expected
    assert bird.get(f"/{made['id'].upper()}") == expected


def test_what_is_not_set_is_left_out_and_a_template_is_echoed(bird: Bird) -> None:
    plain = bird.subscribe("https://yoururl.com", event="voice.outbound")
    assert {"eventFilters", "template", "signingKey"}.isdisjoint(plain)
    shaped = bird.subscribe("https://yoururl.com", template="twilio", eventFilters=None)
    assert shaped["template"] == bird.get(f"/{shaped['id']}")["template"] == "twilio"
    assert "eventFilters" not in shaped


def test_a_status_filter_given_twice_counts_once(bird: Bird) -> None:
    made = bird.subscribe("https://yoururl.com", ("status", "busy"), ("status", "failed"), ("status", "busy"))
    assert made["eventFilters"] == [{"key": "status", "value": "busy"}, {"key": "status", "value": "failed"}]


def test_a_change_leaves_what_it_does_not_name(bird: Bird) -> None:
    made = bird.subscribe("https://yoururl.com", ("status", "busy"), signingKey=KEY, template="text")
    path = f"/{made['id']}"
    status, _, changed = bird.ask("PATCH", path, {"url": "https://yoururl.com/other?x=1"})
    assert status == 200
    assert changed["updatedAt"] >= made["updatedAt"]
    expected = {name: value for name, value in made.items() if name != "signingKey"}
    expected |= {"url": "https://yoururl.com/other?x=1", "updatedAt": changed["updatedAt"]}
    assert changed == expected == bird.get(path)
    _, _, changed = bird.ask("PATCH", path, {"eventFilters": [{"key": "status", "value": "failed"}], "template": "twilio"})
    assert (changed["eventFilters"], changed["template"]) == ([{"key": "status", "value": "failed"}], "twilio")
    for nothing in (None, []):
        bird.ask("PATCH", path, {"eventFilters": [{"key": "status", "value": "failed"}]})
        assert "eventFilters" not in bird.ask("PATCH", path, {"eventFilters": nothing})[2]
    assert bird.ask("PATCH", path, {"status": "inactive"})[2]["status"] == "inactive"
    assert bird.ask("PATCH", path, {"status": "active"})[2]["status"] == bird.get(path)["status"] == "active"
    assert bird.ask("PATCH", path, {"signingKey": "another"})[2]["signingKey"] == "another"
    assert "signingKey" not in bird.ask("PATCH", path, {})[2]
    assert bird.get(path)["createdAt"] == made["createdAt"]


def test_a_deleted_subscription_is_gone(bird: Bird) -> None:
    made = bird.subscribe("https://yoururl.com")
    path = f"/{made['id']}"
    status, _, answer = bird.ask("DELETE", path)
    assert (status, answer) == (204, None)
    for method, below in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/logs"),
        ("GET", f"/logs/details?requestId={NOBODY}"),
    ):
        assert bird.refusal(method, path + below, {} if method == "PATCH" else None)[:1] == (404,), (method, below)
    assert bird.get() == {"results": []}


def test_lists_go_newest_first_by_tokens_that_hold_the_moment_and_the_id(bird: Bird) -> None:
    made = [
        bird.subscribe(f"https://yoururl.com/{n}", ("status", status))
        for n, status in enumerate(["busy", "failed"] * 5 + ["ringing"] * 2)
    ]
    newest = [{name: value for name, value in one.items() if name != "signingKey"} for one in reversed(made)]
    first = bird.get()
    assert first["results"] == newest[:10]
    assert json.loads(base64.b64decode(first["nextPageToken"])) == [newest[9]["createdAt"], newest[9]["id"]]
    assert bird.get(f"?pageToken={quote(first['nextPageToken'])}") == {"results": newest[10:]}
    assert bird.get("?limit=100") == {"results": newest}
    walked, token = [], ""
    while True:
        page = bird.get(f"?limit=5{token}")
        walked += page["results"]
        if "nextPageToken" not in page:
            break
        token = f"&pageToken={quote(page['nextPageToken'])}"
        if len(walked) == 5:
            # What is deleted or made between two pages neither repeats nor hides another.
            bird.ask("DELETE", f"/{walked[-1]['id']}")
            bird.subscribe("https://yoururl.com/new")
    assert walked == newest


def test_a_list_may_be_of_one_service_in_both_spellings(bird: Bird) -> None:
    made = bird.subscribe("https://yoururl.com")
    for name in ("SearchFilter[service]", "SearchFilters[service]"):
        for service, count in (("channels", 1), ("numbers", 0), ("payments", 0), ("conversations", 0)):
            assert len(bird.get(f"?{quote(name)}={service}")["results"]) == count
    assert bird.refusal("GET", "?SearchFilter[service]=voice")[0] == 422
    assert bird.get("?unknown=1")["results"][0]["id"] == made["id"]


# Who may ask


def test_who_has_no_key_learns_nothing(bird: Bird) -> None:
    made = bird.subscribe("https://yoururl.com")
    for headers in (
        {},
        {"Authorization": "AccessKey nobody"},
        {"Authorization": "AccessKey"},
        {"Authorization": str(bird.api.key)},
    ):
        for method, path, body in (
            ("GET", "", None),
            ("POST", "", b"{"),
            ("GET", "?limit=0", None),
            ("GET", f"/{made['id']}", None),
            ("DELETE", f"/{made['id']}", None),
            ("GET", f"/{made['id']}/logs", None),
        ):
            status, _, answer = Api(bird.api.port, None).raw(method, bird.base + path, body, headers)
            assert (status, json.loads(answer)["code"]) == (401, "Unauthorized")
    assert bird.get(f"/{made['id']}")["id"] == made["id"]


def test_the_scheme_may_be_written_in_any_case_and_our_own_is_one_too(bird: Bird) -> None:
    for scheme in ("AccessKey", "accesskey", "Bearer"):
        assert Api(bird.api.port, None).raw("GET", bird.base, None, {"Authorization": f"{scheme} {bird.api.key}"})[0] == 200


def test_another_workspace_or_organization_is_not_there(server: Server, bird: Bird) -> None:
    made = bird.subscribe("https://yoururl.com")
    other = Bird(server.account("other"), bird.organization)
    theirs = other.subscribe("https://theirurl.com")
    for key in (other.api.key, bird.api.key):
        mine, foreign = (bird, other) if key == bird.api.key else (other, bird)
        for path in ("", f"/{made['id']}", f"/{theirs['id']}"):
            status, _, answer = mine.raw("GET", foreign.base + path, key=key)
            assert (status, json.loads(answer)["code"]) == (404, "NotFound")
    # A subscription of somebody else, asked for in the own workspace.
    assert bird.refusal("GET", f"/{theirs['id']}")[0] == 404
    assert bird.refusal("DELETE", f"/{theirs['id']}")[0] == 404
    assert bird.refusal("GET", f"/{NOBODY}")[0] == 404
    assert bird.refusal("GET", "/ep_00000000000001")[0] == 404
    assert replace(bird, organization=NOBODY, with_organization=True).refusal("GET")[0] == 404
    assert other.get()["results"][0]["id"] == theirs["id"]


@pytest.mark.parametrize("path", ["/bird", "/bird/webhook-subscriptions", "/bird/workspaces", "/bird/workspaces/x/webhooks"])
def test_what_is_no_path_of_the_api_is_told_in_its_form(bird: Bird, path: str) -> None:
    status, headers, answer = bird.raw("GET", path)
    assert (status, headers["content-type"]) == (404, "application/json")
    assert json.loads(answer) == {"code": "NotFound", "message": "no such page", "details": {}}
    assert bird.refusal("PUT")[0] == 405


def test_the_operator_may_look_into_every_workspace(server: Server, bird: Bird) -> None:
    made = bird.subscribe("https://yoururl.com")
    operator = Bird(replace(server.operator, account=bird.api.account), bird.organization)
    assert operator.get()["results"][0]["id"] == made["id"]
    assert replace(operator, api=replace(server.operator, account=NOBODY)).refusal("GET")[0] == 404


# What is refused


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"service": "voice"}, "service"),
    ({"service": "numbers"}, "service"),
    ({"service": "payments"}, "service"),
    ({"service": "conversations"}, "service"),
    ({"service": None}, "service"),
    ({"event": "voice..inbound"}, "event"),
    ({"event": "sms.outbound"}, "event"),
    ({"event": "Voice.Inbound"}, "event"),
    ({"event": 5}, "event"),
    ({"url": ""}, "url"),
    ({"url": None}, "url"),
    ({"url": "https://example.com/" + "x" * 2048}, "url"),
    ({"url": "ftp://example.com"}, "url"),
    ({"url": "https://user:pass@example.com/"}, "url"),
    ({"url": "https://169.254.169.254/latest"}, "url"),
    ({"signingKey": ""}, "signingKey"),
    ({"signingKey": None}, "signingKey"),
    ({"signingKey": 5}, "signingKey"),
    ({"template": 5}, "template"),
    ({"status": "active"}, "status"),
    ({"organizationId": NOBODY}, "organizationId"),
    ({"name": "mine"}, "name"),
    ({"eventFilters": "status"}, "eventFilters"),
    ({"eventFilters": [{"key": "status"}]}, "eventFilters[0].value"),
    ({"eventFilters": [{"key": "status", "value": "busy", "op": "eq"}]}, "eventFilters[0].op"),
    ({"eventFilters": [{"key": "status", "value": "started"}]}, "eventFilters[0].value"),
    ({"eventFilters": [{"key": "status", "value": "delivered"}]}, "eventFilters[0].value"),
    ({"eventFilters": [{"key": "status", "value": "Busy"}]}, "eventFilters[0].value"),
    ({"eventFilters": [{"key": "status", "value": "accepted"}]}, "eventFilters[0].value"),
    ({"eventFilters": [{"key": "status", "value": "cancelled"}]}, "eventFilters[0].value"),
    ({"eventFilters": [{"key": "messageStatus", "value": "delivered"}]}, "eventFilters[0].key"),
    ({"eventFilters": [{"key": "status", "value": "busy"}, {"key": "platformId", "value": "x"}]}, "eventFilters[1].key"),
    ({"eventFilters": [{"key": "channelId", "value": "clicked"}]}, "eventFilters[0].value"),
    ({"eventFilters": [{"key": "channelId", "value": CHANNEL}, {"key": "channelId", "value": NOBODY}]}, "eventFilters[1].key"),
    ({"eventFilters": [{"key": "channelId", "value": CHANNEL}] * 2}, "eventFilters[1].key"),
]


@pytest.mark.parametrize(("wrong", "where"), REFUSED)
def test_what_does_not_hold_is_refused_with_its_place(bird: Bird, wrong: dict[str, Any], where: str) -> None:
    status, message, details = bird.refusal(
        "POST", "", {"service": "channels", "event": "voice.inbound", "url": "https://a.com", **wrong}
    )
    assert (status, list(details)) == (422, [where])
    assert message == f"{where}: {details[where][0]}"
    assert bird.get() == {"results": []}


@pytest.mark.parametrize("missing", ["service", "event", "url"])
def test_what_is_required_is_asked_for(bird: Bird, missing: str) -> None:
    body = {name: value for name, value in PUBLISHED.items() if name != missing}
    assert bird.refusal("POST", "", body) == (422, f"{missing}: is required", {missing: ["is required"]})


def test_an_outbound_call_has_two_statuses_more(bird: Bird) -> None:
    statuses = ["starting", "ringing", "ongoing", "completed", "no-answer", "busy", "failed", "accepted", "cancelled"]
    made = bird.subscribe("https://a.com", *(("status", status) for status in statuses), event="voice.outbound")
    assert [wish["value"] for wish in made["eventFilters"]] == statuses
    bird.subscribe("https://a.com", *(("status", status) for status in statuses[:7]))


@pytest.mark.parametrize("name", ["service", "event"])
def test_service_and_event_cannot_be_changed(bird: Bird, name: str) -> None:
    made = bird.subscribe("https://a.com")
    said = "cannot be changed: make another subscription"
    assert bird.refusal("PATCH", f"/{made['id']}", {name: made[name]}) == (422, f"{name}: {said}", {name: [said]})


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"url": "http:/a"}, "url"),
        ({"url": None}, "url"),
        ({"status": "paused"}, "status"),
        ({"signingKey": ""}, "signingKey"),
        ({"eventFilters": [{"key": "status", "value": "accepted"}]}, "eventFilters[0].value"),
        ({"id": NOBODY}, "id"),
        ({"createdAt": "2024-01-01T00:00:00Z"}, "createdAt"),
    ],
)
def test_a_change_that_does_not_hold_changes_nothing(bird: Bird, wrong: dict[str, Any], where: str) -> None:
    made = bird.subscribe("https://a.com")
    assert list(bird.refusal("PATCH", f"/{made['id']}", {"template": "text", **wrong})[2]) == [where]
    assert bird.get(f"/{made['id']}") == made


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400), (b"", 422), (b"null", 422), (b"[]", 422), (b'"x"', 422), (b"{}", 422)],
)
def test_a_body_that_is_none(bird: Bird, body: bytes, status: int) -> None:
    answered, _, answer = bird.raw("POST", bird.base, body)
    assert answered == status
    assert set(json.loads(answer)) == {"code", "message", "details"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.5", "pageToken=x", "pageToken="])
def test_a_page_that_cannot_be(bird: Bird, query: str) -> None:
    made = bird.subscribe("https://a.com")
    for path in ("", f"/{made['id']}/logs"):
        status, _, details = bird.refusal("GET", f"{path}?{query}")
        assert (status, list(details)) == (422, [query.partition("=")[0]])
    foreign = base64.b64encode(json.dumps(["2024-11-15T13:34:45.775630149Z", NOBODY]).encode()).decode()
    assert bird.refusal("GET", f"?pageToken={quote(foreign)}")[0] == 422


def test_five_alike_and_the_sixth_is_refused(bird: Bird) -> None:
    wishes = [("status", "busy"), ("channelId", CHANNEL)]
    made = [bird.subscribe(f"https://a.com/{n}", *wishes) for n in range(5)]
    sixth = {
        "service": "channels",
        "event": "voice.inbound",
        "url": "https://a.com/6",
        "eventFilters": [
            {"key": "channelId", "value": CHANNEL},
            {"key": "status", "value": "busy"},
            {"key": "status", "value": "busy"},
        ],
    }
    assert bird.refusal("POST", "", sixth)[0] == 422
    bird.ask("PATCH", f"/{made[0]['id']}", {"status": "inactive"})
    assert bird.refusal("POST", "", sixth)[2].keys() == {"eventFilters"}
    # The sixth cannot come in by a change either; another event, or another set, is another matter.
    outbound = bird.subscribe("https://a.com/o", *wishes, event="voice.outbound")
    other = bird.subscribe("https://a.com/7", ("status", "busy"))
    assert bird.refusal("PATCH", f"/{other['id']}", {"eventFilters": sixth["eventFilters"]})[0] == 422
    assert bird.ask("PATCH", f"/{made[1]['id']}", {"eventFilters": sixth["eventFilters"]})[0] == 200
    bird.ask("DELETE", f"/{made[0]['id']}")
    assert bird.ask("POST", "", sixth)[0] == 201
    assert outbound["event"] == "voice.outbound"


def test_of_many_at_once_five_are_made(bird: Bird) -> None:
    body = {"service": "channels", "event": "voice.outbound", "eventFilters": [{"key": "status", "value": "busy"}]}
    with ThreadPoolExecutor(12) as pool:
        made = pool.map(lambda n: bird.ask("POST", "", {**body, "url": f"https://a.com/{n}"})[0], range(12))
        assert sorted(made) == [201] * 5 + [422] * 7
    assert len(bird.get()["results"]) == 5


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://a.com", True),
        ("https://a.com/", True),
        ("https://a.com/?x=1", True),
        ("https://sub-1.a.example/hook/x?y=z", True),
        ("https://a.com?x=1", False),
        ("https://a.com:8443/x", False),
        ("https://8.8.8.8/x", False),
        ("https://localhost/x", False),
        ("https://user@a.com/", False),
        ("https://a.xn--p1ai/", False),
        ("https://webhook.another-example-url/x", False),
        ("http://a.com/", False),
        ("https://a.com/a b", False),
    ],
)
def test_the_url_rule_is_the_vendors(strict: Server, url: str, taken: bool) -> None:
    bird = Bird(strict.account(), "")
    status, _, answer = bird.ask("POST", "", {"service": "channels", "event": "voice.inbound", "url": url})
    assert (status, list(answer.get("details", []))) == ((201, []) if taken else (422, ["url"]))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "https://localhost:8443/x", "https://a.xn--p1ai/", "http://a.com/"])
def test_the_operators_switches_lift_the_url_rule_as_far_as_they_go(bird: Bird, url: str) -> None:
    assert bird.subscribe(url)["url"] == url


def test_an_endpoint_of_our_own_api_is_a_subscription_if_it_has_one_event(bird: Bird) -> None:
    one = bird.api.endpoint("https://a.com", "bird", events=["voice.outbound"], secret=KEY)
    bird.api.endpoint("https://a.com", "bird")
    bird.api.endpoint("https://a.com", "bird", events=["voice.inbound", "voice.outbound"])
    bird.api.endpoint("https://a.com", "standard", events=["call.busy"])
    (shown,) = bird.get()["results"]
    assert (shown["event"], shown["createdAt"]) == ("voice.outbound", one["created_at"])
    made = bird.subscribe("https://b.com")
    assert {"https://b.com", "https://a.com"} == {item["url"] for item in bird.api.get("/v1/endpoints")["items"]}
    assert made["id"] not in {item["id"] for item in bird.api.get("/v1/endpoints")["items"]}


def test_the_page_for_those_who_leave_names_every_route(server: Server) -> None:
    page = (Path(__file__).parents[2] / "docs" / "leaving" / "bird.md").read_text()
    told = set(re.findall(r"^\| `([A-Z]+) (/webhook-subscriptions[^`]*)`", page, re.MULTILINE))
    described = server.operator.get("/openapi.json")["paths"]
    for prefix in ("/bird/workspaces/{workspace}", "/bird/organizations/{organization}/workspaces/{workspace}"):
        routes = {
            (method.upper(), path.removeprefix(prefix))
            for path, item in described.items()
            if path.startswith(prefix + "/")
            for method in item
        }
        assert routes == told
