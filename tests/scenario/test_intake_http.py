"""Events come in over HTTP: what is good is acknowledged once it is stored, what is bad says what is wrong and where."""

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from harness import Api, Receiver, Server, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]


def test_one_event_is_acknowledged_with_its_ids_and_the_count_of_deliveries(api: Api, new_call: NewCall) -> None:
    api.endpoint("http://127.0.0.1:9/hook")
    answer = api.send(new_call("c-1")("starting"))
    assert (answer["accepted"], answer["duplicates"]) == (1, 0)
    (result,) = answer["results"]
    assert result["call_id"] == "c-1"
    assert result["deliveries"] == 1
    assert result["duplicate"] is False
    assert result["event_id"].startswith("evt_")


def test_the_same_id_again_is_acknowledged_with_the_first_answer_and_makes_nothing(api: Api, new_call: NewCall) -> None:
    say = new_call()
    update = {**say("starting"), "id": "sw1-000123"}
    first = api.send(update)["results"][0]
    again = api.send(update)
    assert (again["accepted"], again["duplicates"]) == (0, 1)
    assert again["results"][0]["event_id"] == first["event_id"]
    assert again["results"][0]["duplicate"] is True
    other_call = {**new_call()("starting"), "id": "sw1-000123"}
    assert api.send(other_call)["results"][0] == again["results"][0]


def test_the_same_id_in_another_account_is_another_event(server: Server, new_call: NewCall) -> None:
    update = {**new_call()("starting"), "id": "shared-id"}
    for _ in range(2):
        assert server.account().send(update)["accepted"] == 1


def test_array_and_ndjson_are_taken_in_the_order_given(api: Api, new_call: NewCall) -> None:
    say = new_call("in-order")
    updates = [say("starting", 0), say("ringing", 1), say("ongoing", 2), say("completed", 3)]
    body = "\n".join(json.dumps(update) for update in updates).encode()
    status, _, answer = api.raw("POST", "/v1/events", body, {"Content-Type": "application/x-ndjson"})
    assert status == 202
    assert json.loads(answer)["accepted"] == 4
    events = api.get("/v1/calls/in-order")["events"]
    assert [event["type"] for event in events] == ["call.starting", "call.ringing", "call.ongoing", "call.completed"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]


def test_good_and_bad_ones_mixed_are_answered_each_in_its_place(api: Api, new_call: NewCall) -> None:
    say = new_call("mixed")
    batch = [
        say("starting"),
        {**say("ringing"), "at": "yesterday"},
        7,
        {**say("ringing"), "type": "call.exploded"},
        say("ongoing", 2),
    ]
    answer = api.post("/v1/events", batch, 202)
    assert answer["accepted"] == 2
    assert ["error" in result for result in answer["results"]] == [False, True, True, True, False]
    assert answer["results"][1]["error"]["field"] == "at"
    assert answer["results"][3]["error"]["field"] == "type"
    assert [event["type"] for event in api.get("/v1/calls/mixed")["events"]] == ["call.starting", "call.ongoing"]


def test_a_thousand_updates_in_one_request(api: Api, new_call: NewCall) -> None:
    batch = [new_call()("starting") for _ in range(1000)]
    answer = api.post("/v1/events", batch, 202)
    assert answer["accepted"] == 1000
    assert len({result["event_id"] for result in answer["results"]}) == 1000


def _bad(**change: Any) -> dict[str, Any]:
    update: dict[str, Any] = {
        "type": "call.starting",
        "at": "2026-11-20T12:00:00Z",
        "call": {"id": "bad-call", "direction": "inbound", "from": "+61288880000", "to": "+611800111222"},
    }
    return {**update, **change}


def _bad_call(**change: Any) -> dict[str, Any]:
    return _bad(call={**_bad()["call"], **change})


BAD = {
    "unknown type": (_bad(type="call.exploded"), "type"),
    "no type": ({k: v for k, v in _bad().items() if k != "type"}, "type"),
    "bad time": (_bad(at="2026-13-45T99:00:00Z"), "at"),
    "time without zone": (_bad(at="2026-11-20T12:00:00"), "at"),
    "no call": ({k: v for k, v in _bad().items() if k != "call"}, "call"),
    "call id empty": (_bad_call(id=""), "call.id"),
    "call id too long": (_bad_call(id="x" * 129), "call.id"),
    "call id with NUL": (_bad_call(id="a\0b"), "call.id"),
    "call id not text": (_bad_call(id=5), "call.id"),
    "direction": (_bad_call(direction="sideways"), "call.direction"),
    "from with control characters": (_bad_call(**{"from": "+61\r\nX: 1"}), "call.from"),
    "unknown field in call": (_bad_call(colour="blue"), "call.colour"),
    "unknown field": (_bad(colour="blue"), "colour"),
    "ivr option": (_bad(type="call.ivr-option", data={"option": "12"}), "data.option"),
    "another account": (_bad(account="5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"), "account"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_the_field_that_is_wrong(api: Api, name: str) -> None:
    update, field = BAD[name]
    status, headers, body = api.raw("POST", "/v1/events", json.dumps(update).encode())
    problem = json.loads(body)
    assert status == 422, problem
    assert headers["content-type"] == "application/problem+json"
    assert field in problem.get("field", ""), problem
    assert problem["detail"]
    assert api.call("GET", "/v1/calls/bad-call")[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,",
        b"\xff\xfe",
        b'{"type": "call.starting\x00"}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"nonsense",
    ],
    ids=["empty", "cut", "cut array", "invalid UTF-8", "NUL", "deep array", "deep object", "no JSON"],
)
def test_what_is_no_json_is_refused_and_nothing_crashes(api: Api, body: bytes) -> None:
    status, headers, answer = api.raw("POST", "/v1/events", body)
    assert status in (400, 422), answer
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(answer)["detail"]
    assert api.send(_bad_call(id="still-alive"))["accepted"] == 1


def test_invalid_utf8_inside_a_string_is_refused(api: Api) -> None:
    body = json.dumps(_bad_call(caller_name="X")).encode().replace(b'"X"', b'"\xc3\x28"')
    assert api.raw("POST", "/v1/events", body)[0] == 422


def test_ten_megabytes_are_refused_before_they_are_read_whole(server: Server, api: Api) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\nContent-Length: 10485760\r\n\r\n"
        sock.sendall(head.encode() + b"[" * 1000)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


def test_a_chunked_body_over_the_cap_is_refused(server: Server, api: Api) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        answer = b""
        try:
            for _ in range(80):
                sock.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        except OSError:
            pass
        sock.settimeout(5)
        while not answer.startswith(b"HTTP/1.1 413 "):
            chunk = sock.recv(65536)
            assert chunk, answer
            answer += chunk


@pytest.mark.parametrize("key", [None, "", "wrong", "rb_" + "x" * 32, "two words"])
def test_a_wrong_key_is_refused_and_not_echoed(server: Server, key: str | None) -> None:
    status, _, body = Api(server.port, key).raw("POST", "/v1/events", json.dumps(_bad()).encode())
    assert status == 401
    assert json.loads(body)["title"] == "No valid key"
    assert not key or key.encode() not in body


def test_another_accounts_call_is_not_touched(server: Server, new_call: NewCall) -> None:
    mine, yours = server.account("mine"), server.account("yours")
    mine.send(new_call("the-call")("starting"))
    assert yours.call("GET", "/v1/calls/the-call")[0] == 404
    yours.send(new_call("the-call")("ringing"))
    assert [event["type"] for event in mine.get("/v1/calls/the-call")["events"]] == ["call.starting"]
    assert [event["type"] for event in yours.get("/v1/calls/the-call")["events"]] == ["call.ringing"]


def test_the_operators_key_names_the_account_or_the_number_does(server: Server, new_call: NewCall) -> None:
    account = server.account()
    named = {**new_call("named")("starting"), "account": account.account}
    assert server.operator.send(named)["accepted"] == 1
    account.post("/v1/numbers", {"number": "+611300555666"})
    by_number = new_call("by-number", to="+611300555666")("starting")
    assert server.operator.send(by_number)["accepted"] == 1
    assert account.get("/v1/calls/by-number")["call"]["to"] == "+611300555666"
    status, problem = server.operator.call("POST", "/v1/events", new_call("stray", to="+611300999999")("starting"))
    assert (status, problem.get("field")) == (422, "account"), problem
    until(lambda: any("stray" in note["text"] for note in server.operator.get("/v1/notes?kind=stray")["items"]))


def test_requests_on_one_connection_and_pipelined_are_answered_in_order(server: Server, api: Api, new_call: NewCall) -> None:
    def request(path: str, body: bytes = b"", method: str = "POST") -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    one, two = (json.dumps(new_call(f"pipe-{n}")("starting")).encode() for n in (1, 2))
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(
            request("/v1/events", one)
            + request("/v1/events", two)
            + request("/healthz", method="GET")
            + request("/v1/events", b"{")
        )
        reader = sock.makefile("rb")
        answers = []
        for _ in range(4):
            response = _read_response(reader)
            answers.append(response)
    assert [status for status, _ in answers] == [202, 202, 200, 422]
    assert json.loads(answers[0][1])["results"][0]["call_id"] == "pipe-1"
    assert json.loads(answers[1][1])["results"][0]["call_id"] == "pipe-2"


def _read_response(reader: Any) -> tuple[int, bytes]:
    status = int(reader.readline().split()[1])
    length = 0
    while (line := reader.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, reader.read(length)


def test_expect_100_continue_is_honoured(server: Server, api: Api, new_call: NewCall) -> None:
    body = json.dumps(new_call()("starting")).encode()
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\nExpect: 100-continue\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        reader = sock.makefile("rb")
        assert reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert reader.readline() == b"\r\n"
        sock.sendall(body)
        assert _read_response(reader)[0] == 202


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events?from=java"])
def test_a_client_that_offers_another_protocol_is_answered_in_this_one(
    server: Server, api: Api, new_call: NewCall, path: str
) -> None:
    """Java's client offers HTTP/2 with the first request of every connection, body and all."""
    body = json.dumps(new_call()("starting")).encode()
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n{offer}Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        reader = sock.makefile("rb")
        sock.sendall(head.encode() + body[:10])
        sock.sendall(body[10:])
        status, answer = _read_response(reader)
        assert (status, json.loads(answer)["accepted"]) == (202, 1)
        # The connection goes on.
        sock.sendall(f"GET /v1/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n\r\n".encode())
        assert _read_response(reader)[0] == 200


def test_a_tunnel_is_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_leaves_before_the_answer_loses_nothing(server: Server, api: Api, new_call: NewCall) -> None:
    body = json.dumps(new_call("left-early")("starting")).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/v1/events", body, {"Authorization": f"Bearer {api.key}"})
    connection.close()
    until(lambda: api.call("GET", "/v1/calls/left-early")[0] == 200)


def test_an_event_for_nobody_is_stored_all_the_same(api: Api, new_call: NewCall, receiver: Receiver) -> None:
    assert api.send(new_call("nobody")("starting"))["results"][0]["deliveries"] == 0
    assert len(api.get("/v1/calls/nobody")["events"]) == 1


def test_an_empty_array_is_refused(api: Api) -> None:
    status, problem = api.call("POST", "/v1/events", [])
    assert (status, problem["detail"]) == (422, "the array holds no update")
