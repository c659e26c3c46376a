"""The description of the API promises nothing that the server does not keep: examples fit and are taken, refusals are listed in the
form that they have, every webhook is there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from harness import Api, Receiver, Server
from live_harness import in_status, placed

import ringback.api
from ringback.dialects import load_dialects

OPEN = {
    *("GET /healthz", "GET /readyz", "POST /voc/api/v1/authentication"),
    *("GET /recordings/{name}", "HEAD /recordings/{name}", "GET /transcriptions/{name}"),
}
EXAMPLES = Path(ringback.api.__file__).parent / "examples.json"
FORMS = {
    "bird": ("application/json", "BirdError"),
    "voc": ("application/json", "VocError"),
    "voxtelesys": ("application/json", "VoxtelesysError"),
}
"""How the APIs of vendors refuse; ours by problem documents."""


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    status, _, body = Api(server.port, None).raw("GET", "/openapi.json")
    assert status == 200
    return dict(json.loads(body))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(`GET /v1/calls`, `/v1/calls`, operation)."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", path, operation


def resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    found: Any = document
    if "$ref" not in value:
        return value
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def bodies(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(`body` or the status, media type, what is said of it)."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "body", media_type, content
    for status, response in operation["responses"].items():
        for media_type, content in resolved(document, response).get("content", {}).items():
            yield status, media_type, content


def misfits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": document["components"]}
    return [f"{error.instance_path}: {error.message}" for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]


def test_every_operation_has_an_example_of_what_it_takes_and_gives(document: dict[str, Any]) -> None:
    without = []
    for route, _, operation in operations(document):
        for place, media_type, content in bodies(document, operation):
            if "example" not in content and content.get("schema", {}).get("format") != "binary":
                without.append(f"{route} {place} {media_type}")
        without += [
            f"{route} {parameter['name']}"
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "path" and "example" not in parameter
        ]
    assert not without, "put a value for the fields, or a whole body, into src/ringback/api/examples.json"


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    wrong = []
    for route, _, operation in operations(document):
        for place, media_type, content in bodies(document, operation):
            if "json" in media_type and "example" in content:
                wrong += [f"{route} {place} {said}" for said in misfits(document, content["schema"], content["example"])]
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                told = misfits(document, parameter["schema"], parameter["example"])
                wrong += [f"{route} {parameter['name']} {said}" for said in told]
    assert not wrong


def test_every_refusal_is_in_the_form_of_the_api_that_was_asked(document: dict[str, Any]) -> None:
    for route, path, operation in operations(document):
        form = FORMS.get(path.split("/")[1], ("application/problem+json", "Problem"))
        if path.endswith("/authentication"):
            form = ("application/json", "LoginRefused")
        refusals = {status: response for status, response in operation["responses"].items() if status[0] in "4d"}
        assert "default" in refusals, route
        for status, response in refusals.items():
            (media_type, content), *more = resolved(document, response)["content"].items()
            assert (media_type, content["schema"]["$ref"].rpartition("/")[2], more) == (*form, []), (route, status)
            if form[1] == "Problem" and status != "default":
                assert content["example"]["status"] == int(status), route
        if route not in OPEN:
            assert "401" in refusals, route


def test_each_api_says_by_which_key_it_is_asked(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert (schemes["key"]["type"], schemes["key"]["scheme"]) == ("http", "bearer")
    assert (schemes["vocToken"]["type"], schemes["vocToken"]["scheme"]) == ("http", "bearer")
    assert (schemes["accessKey"]["type"], schemes["accessKey"]["in"], schemes["accessKey"]["name"]) == (
        *("apiKey", "header"),
        "Authorization",
    )
    for route, path, operation in operations(document):
        wanted = [{"key": []}]
        if path.startswith("/bird/"):
            wanted = [{"accessKey": []}]
        elif path.startswith("/voc/"):
            wanted = [{"vocToken": []}, {"key": []}]
        assert operation.get("security", document["security"]) == ([] if route in OPEN else wanted), route


def test_ids_and_tags_are_what_generators_can_build_on(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    ids = []
    for route, path, operation in operations(document):
        assert re.fullmatch(r"[a-z]+([A-Z][a-z0-9]*)+", operation["operationId"]), route
        assert operation["operationId"].startswith(route.partition(" ")[0].lower()), route
        assert set(operation["tags"]) <= described, (route, "say in document.py what the tag is about")
        assert len(operation["tags"]) == 1, path
        ids.append(operation["operationId"])
    ids += [operation["operationId"] for item in document["webhooks"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    assert {"getEndpointsByEndpointId", "postEvents", "postEndpointsByEndpointIdRotateSecret"} <= set(ids)


def test_every_event_of_every_dialect_is_described_with_its_payload(document: dict[str, Any]) -> None:
    wanted = {f"{dialect.name}.{event}": dialect for dialect in load_dialects().values() for event in dialect.events}
    assert set(document["webhooks"]) == set(wanted)
    tags = {tag["name"] for tag in document["tags"]}
    for name, dialect in wanted.items():
        item = document["webhooks"][name]
        assert set(item) == {method.lower() for method in dialect.methods}, name
        for method, operation in item.items():
            assert set(operation["tags"]) <= tags
            in_query = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
            assert all("example" in one for one in operation.get("parameters", ())), name
            content = operation.get("requestBody", {}).get("content", {})
            # VOC sends everything in the query, as does a GET.
            assert bool(content) != bool(in_query), (name, method)
            for media_type, body in content.items():
                assert body["example"], name
                assert not misfits(document, body["schema"], body["example"]), (name, media_type)


# The examples are not only well-formed: the server takes them


def test_the_examples_of_requests_are_taken(document: dict[str, Any], switchboard: Server, receiver: Receiver) -> None:
    api = switchboard.account()
    ids = _made(api, receiver)
    refused = []
    # What is made first can be changed then.
    for route, path, operation in sorted(operations(document), key=lambda one: "POST" not in one[0]):
        method = route.partition(" ")[0]
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if "example" not in content or media_type == "application/x-www-form-urlencoded":
                continue
            example = content["example"]
            text = example if isinstance(example, str) else json.dumps(example)
            for shown, real in {**ids, "https://example.com": receiver.url}.items():
                text = text.replace(shown, real)
            place = path
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    value = str(parameter["example"])
                    place = place.replace(f"{{{parameter['name']}}}", ids.get(value, value))
            mine = path.startswith(("/v1/accounts", "/v1/sources"))
            asked = switchboard.operator if mine and "{" not in path else api
            headers = {"Content-Type": media_type}
            if path.startswith("/bird/"):
                headers["Authorization"] = f"AccessKey {api.key}"
            status, _, answer = asked.raw(method, place.replace("+", "%2B"), text.encode(), headers)
            if status >= 300:
                refused.append((route, media_type, status, answer))
    assert not refused


def _made(api: Api, receiver: Receiver) -> dict[str, str]:
    """What the examples name → what is there."""
    shown = json.loads(EXAMPLES.read_text())["parameters"]
    url = receiver.url
    endpoint = api.endpoint(url)["id"]
    bird = f"/bird/workspaces/{api.account}/webhook-subscriptions"
    subscription = api.post(bird, {"service": "channels", "event": "voice.outbound", "url": url})
    made_property = api.post("/v1/properties", {"name": "One"})["id"]
    call = placed(api, document="<Response><Pause length='60'/></Response>", script="answer, wait 60s")
    in_status(api, call, "ongoing")
    return {
        shown["call_id"]: call,
        shown["account_id"]: api.account,
        shown["number"]: "+61399990099",
        shown["endpoint_id"]: endpoint,
        shown["property_id"]: made_property,
        shown["subscription"]: subscription["id"],
        shown["organization"]: subscription["organizationId"],
    }
