"""An account that masks numbers: its viewers see none whole, anywhere; those who may change things see them."""

import pytest
from harness import Api, Receiver

FROM, TO = "+61288880000", "+61299991111"
DIGITS = (FROM[1:], TO[1:])


@pytest.fixture
def viewer(api: Api, receiver: Receiver) -> Api:
    api.endpoint(receiver.url)
    api.endpoint(receiver.url, "voc")
    api.call("POST", "/v1/numbers", {"number": TO, "name": "Sales"})  # the first test's account keeps it
    call = {"id": "masked", "direction": "inbound", "from": FROM, "to": TO}
    api.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
    told = {"type": "call.ringing", "at": "2026-11-20T12:00:01Z", "call": {**call, "extension": f"sip:{FROM}@example.com"}}
    api.send(told, {"type": "call.completed", "at": "2026-11-20T12:00:09Z", "call": call})
    key = api.post("/v1/keys", {"name": "looks", "role": "viewer"})["key"]
    return Api(api.port, key, api.account)


def seen(api: Api) -> dict[str, str]:
    delivery = api.deliveries(call="masked")[0]["id"]
    paths = [
        "/v1/calls",
        "/v1/calls/masked",
        "/v1/calls.csv",
        "/v1/numbers",
        "/v1/deliveries",
        "/v1/deliveries.csv",
        "/v1/endpoints",
    ]
    paths += [f"/v1/deliveries/{delivery}", "/voc/api/v1/calls/inbound", "/voc/api/v1/calls/get/masked", "/v1/audit"]
    found = {}
    for path in paths:
        status, headers, body = api.raw("GET", path)
        assert status == 200, (path, status, body)
        assert int(headers.get("content-length", len(body))) == len(body)
        found[path] = body.decode()
    return found


def test_a_viewer_sees_no_number_whole(api: Api, viewer: Api) -> None:
    assert any(FROM in text for text in seen(viewer).values())
    assert api.call("PATCH", f"/v1/accounts/{api.account}", {"mask_numbers": True})[0] == 200
    shown = seen(viewer)
    assert {path for path, text in shown.items() if any(digits in text for digits in DIGITS)} == set()
    assert '"from":"+6128888****"' in shown["/v1/calls"]
    assert "+6128888****,+6129999****" in shown["/v1/calls.csv"] or "'+6128888****" in shown["/v1/calls.csv"]
    assert any(FROM in text for text in seen(api).values())


def test_a_viewer_cannot_take_the_mask_off(api: Api, viewer: Api) -> None:
    api.call("PATCH", f"/v1/accounts/{api.account}", {"mask_numbers": True})
    assert viewer.call("PATCH", f"/v1/accounts/{api.account}", {"mask_numbers": False})[0] == 403
