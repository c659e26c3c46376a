"""Who changed what: every change over every API leaves a line, and no line tells a secret."""

import json
from typing import Any

from harness import Api, Receiver, Server


def lines(api: Api, **narrowed: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in narrowed.items())
    items: list[dict[str, Any]] = api.get(f"/v1/audit?limit=1000&{query}")["items"]
    return items


def test_every_kind_of_change_leaves_a_line_with_who_what_when_and_from_where(server: Server, receiver: Receiver) -> None:
    made = server.operator.post("/v1/accounts", {"name": "audited"})
    api = Api(server.port, made["key"], made["id"])
    endpoint = api.endpoint(receiver.url)["id"]
    api.call("PATCH", f"/v1/endpoints/{endpoint}", {"description": "changed"})
    api.call("POST", f"/v1/endpoints/{endpoint}/rotate-secret", {})
    api.post("/v1/numbers", {"number": "+61255512345"})
    api.call("DELETE", "/v1/numbers/+61255512345")
    key = api.post("/v1/keys", {"name": "second", "role": "developer"})
    second = Api(server.port, key["key"], made["id"])
    assert second.call("DELETE", f"/v1/keys/{key['id']}")[0] in (200, 204)
    api.call("DELETE", f"/v1/endpoints/{endpoint}")
    found = lines(api)
    assert [line["action"] for line in reversed(found)] == [
        "POST /v1/endpoints",
        "PATCH /v1/endpoints/{endpoint_id}",
        "POST /v1/endpoints/{endpoint_id}/rotate-secret",
        "POST /v1/numbers",
        "DELETE /v1/numbers/{number}",
        "POST /v1/keys",
        "DELETE /v1/keys/{key_id}",
        "DELETE /v1/endpoints/{endpoint_id}",
    ]
    assert {line["account_id"] for line in found} == {made["id"]}
    assert {line["address"] for line in found} == {"127.0.0.1"}
    assert {line["by"] for line in found} == {"developer"}
    assert all(line["key_id"] and line["at"].endswith("Z") for line in found)
    first, revoked = found[-1], found[1]
    assert first["objects"] == {"id": endpoint}
    assert first["key_name"] == "first"
    assert (revoked["key_id"], revoked["objects"]) == (key["id"], {"key_id": key["id"]})
    # A number is not told whole: the log would keep what was erased elsewhere.
    assert found[3]["objects"] == {"number": "+6125551****"}


def test_lines_are_found_by_what_was_done_by_whom_and_when(server: Server) -> None:
    api = server.account()
    for digit in range(3):
        api.post("/v1/numbers", {"number": f"+6125551240{digit}"})
    api.call("DELETE", "/v1/numbers/+61255512400")
    server.operator.post(f"/v1/properties?account={api.account}", {"name": "site"})
    assert [line["action"] for line in lines(api, action="delete")] == ["DELETE /v1/numbers/{number}"]
    assert [line["action"] for line in lines(api, by="OPERATOR")] == ["POST /v1/properties"]
    assert len(lines(api, by="first")) == 4
    first, *_, last = sorted(line["at"] for line in lines(api))
    assert len(lines(api, since=first, until=last)) == 5
    assert lines(api, until="2020-01-01T00:00:00Z") == lines(api, since="2099-01-01T00:00:00Z") == []
    page = api.get("/v1/audit?action=post&limit=3")
    rest = api.get(f"/v1/audit?action=post&limit=3&cursor={page['next_cursor']}")
    assert [len(page["items"]), len(rest["items"]), rest["next_cursor"]] == [3, 1, None]
    assert api.call("GET", "/v1/audit?since=yesterday")[1]["field"] == "since"


def test_what_the_operator_does_to_an_account_the_account_sees(server: Server) -> None:
    api = server.account()
    number = server.operator.post(f"/v1/numbers?account={api.account}", {"number": "+61255512346"})
    assert number
    (line,) = lines(api)
    assert (line["by"], line["key_id"], line["account_id"]) == ("operator", None, api.account)
    everything = lines(server.operator)
    assert {"POST /v1/accounts", "POST /v1/numbers"} <= {line["action"] for line in everything}
    assert lines(server.operator, account=api.account) == [line]


def test_vendors_apis_are_audited_too(server: Server, receiver: Receiver) -> None:
    api = server.account()
    path = f"/bird/workspaces/{api.account}/webhook-subscriptions"
    body = {"service": "channels", "event": "voice.inbound", "url": receiver.url}
    status, _, _ = api.raw("POST", path, json.dumps(body).encode(), {"Authorization": f"AccessKey {api.key}"})
    assert status in (200, 201)
    (line,) = lines(api)
    assert line["action"] == "POST /bird/workspaces/{workspace}/webhook-subscriptions"
    assert line["objects"]["id"]


def test_what_changes_nothing_leaves_no_line(api: Api) -> None:
    api.send(
        {"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": {"id": "a", "direction": "inbound", "from": "1", "to": "2"}}
    )
    api.get("/v1/endpoints")
    assert api.call("POST", "/v1/endpoints", {"url": "nonsense", "dialect": "standard"})[0] == 422
    assert api.call("POST", "/v1/verify", {"headers": {}, "body": "{}", "secrets": ["x"]})[0] in (200, 422)
    api.call("POST", f"/voc/api/v1/authentication?username={api.account}&password={api.key}")
    document = "<Response><Hangup/></Response>"
    assert api.post("/v1/voxml/check", {"document": document}, 200)["ok"]
    assert api.post("/v1/voxml/run", {"document": document}, 200)["ok"]
    api.post("/v1/endpoints/preview", {"dialect": "standard"}, 200)
    span = {"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z"}
    api.post("/v1/resends", {"filter": span, "dry_run": True}, 200)
    assert lines(api) == []
    api.post("/v1/resends", {"filter": span}, 202)
    assert [line["action"] for line in lines(api)] == ["POST /v1/resends"]


def test_no_line_tells_a_secret(server: Server, receiver: Receiver) -> None:
    api = server.account()
    secret = "whsec_" + "QUJD" * 8
    endpoint = api.endpoint(receiver.url.replace("http://", "http://user:hush@"), secret=secret, headers={"X-Token": "hush-hush"})
    rotated = api.post(f"/v1/endpoints/{endpoint['id']}/rotate-secret", {}, 200)
    key = api.post("/v1/keys", {"name": "n", "role": "viewer"})["key"]
    told = json.dumps(lines(api))
    for hidden in (secret, "hush", rotated["secret"], key, str(api.key)):
        assert hidden not in told


def test_an_account_sees_its_own_alone_page_by_page(server: Server, receiver: Receiver) -> None:
    first, second = server.account(), server.account()
    for number in range(5):
        first.post("/v1/numbers", {"number": f"+6125550000{number}"})
    assert lines(second) == []
    assert second.call("GET", f"/v1/audit?account={first.account}")[0] == 404
    seen: list[str] = []
    cursor = ""
    while True:
        page = first.get(f"/v1/audit?limit=2{cursor}")
        seen += [line["id"] for line in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [line["id"] for line in lines(first)]
    assert len(seen) == 5


def test_a_repeated_request_with_an_idempotency_key_is_one_change(api: Api) -> None:
    for _ in range(2):
        api.raw("POST", "/v1/numbers", b'{"number":"+61255500009"}', {"Idempotency-Key": "once"})
    assert len(lines(api)) == 1
