"""The signature doctor over HTTP: webhooks as they arrived, and what happened to them on the way."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Got, Receiver, Server

NewCall = Callable[..., Callable[..., dict[str, Any]]]
ROWS = json.loads((Path(__file__).parents[1] / "data" / "vectors" / "doctor.json").read_text())["vectors"]
KEY = "a signing key of the tests"


def codes(answer: Any) -> list[str]:
    return [found["code"] for found in answer["findings"]]


def request_of(got: Got, base: str = "") -> dict[str, Any]:
    """What a receiver has in hand."""
    sent = {"method": got.method, "headers": got.headers, "body_base64": base64.b64encode(got.body).decode()}
    return {**sent, "url": base + got.path} if base else sent


def delivered(api: Api, receiver: Receiver, new_call: NewCall, dialect: str, **fields: Any) -> tuple[dict[str, Any], Got]:
    endpoint = api.endpoint(f"{receiver.url}/hook?token=7", dialect, **fields)
    api.send(new_call()("starting"))
    return endpoint, receiver.next()


@pytest.mark.parametrize(("dialect", "fields"), [("standard", {}), ("bird", {"secret": KEY}), ("voc", {}), ("fonedynamics", {})])
def test_what_arrived_is_in_order_by_the_endpoints_own_secrets(
    api: Api, receiver: Receiver, new_call: NewCall, dialect: str, fields: dict[str, Any]
) -> None:
    endpoint, got = delivered(api, receiver, new_call, dialect, **fields)
    answer = api.post("/v1/verify", {**request_of(got, receiver.url), "endpoint": endpoint["id"]}, 200)
    assert (answer["ok"], answer["dialect"]) == (True, dialect)
    assert codes(answer) == ["holds" if dialect in ("standard", "bird") else "form"]
    assert answer["body_bytes"] == len(got.body)


def test_a_proxy_and_a_parser_are_told_apart(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    endpoint, got = delivered(api, receiver, new_call, "bird", secret=KEY)
    sent = {**request_of(got, receiver.url), "endpoint": endpoint["id"]}
    behind = api.post("/v1/verify", {**sent, "url": f"https://inside:3000{got.path}"}, 200)
    assert (behind["ok"], codes(behind)) == (False, ["url-scheme", "url-host"])
    again = api.post("/v1/verify", {**sent, "body_base64": base64.b64encode(json.dumps(got.json).encode()).decode()}, 200)
    assert codes(again) == ["body-whitespace"]
    assert again["findings"][0]["part"] == "body"
    text = {name: value for name, value in sent.items() if name != "body_base64"}
    assert codes(api.post("/v1/verify", {**text, "body": got.body.decode()}, 200)) == ["holds"]
    assert codes(api.post("/v1/verify", {**text, "body": ""}, 200)) == ["body-empty"]
    without_url = {name: value for name, value in sent.items() if name != "url"}
    assert codes(api.post("/v1/verify", without_url, 200)) == ["holds"], "the endpoint's own URL is known"


def test_an_answer_holds_neither_secrets_nor_signatures(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    endpoint, got = delivered(api, receiver, new_call, "standard")
    hidden = [endpoint["secret"].removeprefix("whsec_"), got.headers["webhook-signature"].removeprefix("v1,")]
    for change in ({}, {"body_base64": "e30="}, {"headers": {**got.headers, "webhook-signature": "v1,AAAA"}}):
        sent = {**request_of(got), **change, "endpoint": endpoint["id"]}
        _, _, answer = api.raw("POST", "/v1/verify", json.dumps(sent).encode())
        assert b'"findings"' in answer
        assert not [one for one in hidden if one.encode() in answer]
    own = {**request_of(got), "secrets": [endpoint["secret"]]}
    assert codes(api.post("/v1/verify", own, 200)) == ["holds"]
    _, _, answer = api.raw("POST", "/v1/verify", json.dumps({**own, "secrets": ["whsec_not base64"]}).encode())
    assert b"not base64" not in answer


def test_after_a_rotation_the_older_secret_still_holds(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    endpoint, got = delivered(api, receiver, new_call, "standard")
    sent = {**request_of(got), "endpoint": endpoint["id"]}
    rotate = f"/v1/endpoints/{endpoint['id']}/rotate-secret"
    api.post(rotate, {"keep_old_for_s": 600}, 200)
    assert codes(api.post("/v1/verify", sent, 200)) == ["older-secret"]
    later = {**sent, "received_at": "2100-01-01T00:00:00Z"}
    assert codes(api.post("/v1/verify", later, 200)) == ["timestamp-old"]
    api.post(rotate, {"keep_old_for_s": 0}, 200)
    assert codes(api.post("/v1/verify", sent, 200)) == ["wrong-key"]


def test_an_endpoint_of_another_account_is_none(server: Server, api: Api, receiver: Receiver, new_call: NewCall) -> None:
    endpoint, got = delivered(api, receiver, new_call, "standard")
    sent = {**request_of(got), "endpoint": endpoint["id"]}
    assert server.account().call("POST", "/v1/verify", sent)[0] == 404
    assert server.operator.call("POST", "/v1/verify", sent)[1]["field"] == "account"
    assert codes(server.operator.post(f"/v1/verify?account={api.account}", sent, 200)) == ["holds"]
    assert server.operator.call("POST", f"/v1/verify?account={server.account().account}", sent)[0] == 404
    plain = {**request_of(got), "secrets": [endpoint["secret"]]}
    assert codes(server.operator.post("/v1/verify", plain, 200)) == ["holds"], "without an endpoint no account is needed"
    assert Api(server.port, None).call("POST", "/v1/verify", plain)[0] == 401


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["expect"]["findings"][0] != "url-fragment"][::7], ids=lambda row: row["name"]
)
def test_the_vectors_over_http(api: Api, row: dict[str, Any]) -> None:
    headers: dict[str, Any] = {}
    for name, value in row["headers"]:
        headers[name] = [*headers.get(name, []), value]
    body = {name: row[name] for name in ("method", "url", "body", "body_base64", "secrets") if name in row}
    at = f"2026-11-20T{12 + (row['now'] - 1_795_176_000) // 3600}:00:00Z"
    sent = {**body, "headers": headers, "received_at": at, **({"dialect": row["dialect"]} if row["dialect"] else {})}
    if "subscribed_url" not in row:
        answer = api.post("/v1/verify", sent, 200)
        assert {"ok": answer["ok"], "findings": codes(answer)} == row["expect"]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"dialect": "acme"}, 422, "dialect"),
        ({"secrets": []}, 200, None),
        ({"secrets": ["x"] * 11}, 422, "secrets"),
        ({"secrets": [""]}, 422, "secrets[0]"),
        ({"url": "x" * 9000}, 422, "url"),
        ({"headers": {"x": "y" * 20_000}}, 422, "headers"),
        ({"headers": {"messagebird-signature": "x", "messagebird-request-timestamp": "1"}, "url": ""}, 422, "url"),
        ({"headers": "x"}, 422, "headers"),
        ({"body": "x" * 600_000}, 422, "body"),
        ({"body_base64": "e30="}, 422, "body_base64"),
        ({"body_base64": "!"}, 422, "body_base64"),
        ({"received_at": "yesterday"}, 422, "received_at"),
        ({"endpoint": "nonsense"}, 422, "endpoint"),
        ({"unknown": 1}, 422, "unknown"),
    ],
)
def test_what_is_asked_wrongly_says_so(api: Api, change: dict[str, Any], status: int, field: str | None) -> None:
    request = {"headers": {"webhook-id": "1"}, "url": "https://h.example.com/", "body": "{}", "secrets": ["whsec_AAAA"]}
    got, problem = api.call("POST", "/v1/verify", {**request, **change})
    assert (got, problem.get("field")) == (status, field), problem


def test_the_bodys_content_type_does_not_matter(api: Api) -> None:
    body = json.dumps({"headers": {"webhook-id": "1"}, "secrets": ["whsec_AAAA"]}).encode()
    status, _, answer = api.raw("POST", "/v1/verify", body, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, codes(json.loads(answer))) == (200, ["missing-header"])


def test_an_endpoint_has_its_own_secrets_and_dialect(api: Api) -> None:
    endpoint = api.endpoint("http://127.0.0.1:9/")["id"]
    for more in ({"secrets": ["x"]}, {"dialect": "standard"}):
        status, problem = api.call("POST", "/v1/verify", {"headers": {}, "endpoint": endpoint, **more})
        assert (status, problem["field"]) == (422, "endpoint")
    assert api.call("POST", "/v1/verify", {"headers": {}, "endpoint": "ep_00000000000001"})[0] == 404
