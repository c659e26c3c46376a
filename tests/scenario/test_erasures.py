"""Erasure from outside: afterwards no byte of a number is in any file, and nobody else has lost anything."""

import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from harness import Api, Gate, Receiver, Server, start_server, until

DIGITS = "61299990123"
NUMBER = f"+{DIGITS}"
OTHER = "+61288880000"


def update(call: str, kind: str, second: int = 0, data: dict[str, Any] | None = None, **ref: Any) -> dict[str, Any]:
    whole = {"id": call, "direction": "inbound", "from": NUMBER, "to": "+611800111222", **ref}
    return {"type": f"call.{kind}", "at": f"2026-11-20T12:00:{second:02d}Z", "call": whole, "data": data or {}}


def whole_call(api: Api, call: str, **ref: Any) -> None:
    api.send(*(update(call, kind, second, **ref) for second, kind in enumerate(("starting", "ringing", "ongoing", "completed"))))


def in_clear(data: Path, digits: str = DIGITS) -> list[str]:
    """Where the digits stand: in the bytes of any file, and in what is compressed."""
    wanted = digits.encode()
    found = [f"{path.name} at {path.read_bytes().index(wanted)}" for path in files(data) if wanted in path.read_bytes()]
    for day in data.glob("attempts-*.db"):
        with sqlite3.connect(f"file:{day}?mode=ro", uri=True) as connection:
            for number, body in connection.execute("SELECT id, body FROM block"):
                if wanted in zstandard.ZstdDecompressor().decompress(body):
                    found.append(f"{day.name} block {number}")
        connection.close()
    return found


def files(data: Path) -> list[Path]:
    return [path for path in data.rglob("*") if path.is_file() and not path.name.endswith("-shm")]


def erased(api: Api, what: dict[str, str], within_s: float = 20) -> dict[str, Any]:
    job = api.post("/v1/erasures", what, 202)
    path = f"/v1/erasures/{job['id']}"
    until(lambda: api.get(path)["state"] == "done", within_s)
    found: dict[str, Any] = api.get(path)
    return found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*options: str) -> Server:
        running.append(start_server(tmp_path / "data", *options))
        return running[-1]

    yield start
    for server in running:
        server.process.kill()
        server.process.wait()


def test_no_byte_of_the_number_stays_and_nobody_else_loses_anything(
    own: Callable[..., Server], receivers: Callable[[], Receiver]
) -> None:
    server, good, bad = own(), receivers(), receivers()
    bad.answer = lambda got: 500
    api = server.account()
    api.endpoint(good.url)
    api.endpoint(good.url, "voc")
    failing = api.endpoint(bad.url, events=["call.completed"])["id"]  # one that fails is tried ten times a second
    for number in range(30):
        whole_call(api, f"theirs-{number}")
        whole_call(api, f"else-{number}", **{"from": OTHER})
    whole_call(api, "dialled", direction="outbound", **{"from": "+611800111222", "to": NUMBER})
    api.send(
        update("told", "starting", **{"from": OTHER}),
        update("told", "ringing", 1, extension=f"sip:{NUMBER}@example.com", **{"from": OTHER}),
    )
    api.send(update("told", "completed", 9, **{"from": OTHER}))
    api.send(update("parent", "starting", **{"from": OTHER}))
    api.send(update("leg", "starting", 1, parent="parent", direction="outbound", **{"from": OTHER, "to": NUMBER}))
    api.send(update("leg", "completed", 2, parent="parent", direction="outbound", **{"from": OTHER, "to": NUMBER}))
    api.send(update("parent", "completed", 3, **{"from": OTHER}))
    api.call("PUT", "/v1/calls/theirs-0/transcription", {"text": f"my number is {NUMBER}"})
    api.call("POST", "/v1/resends", {"filter": {"number": NUMBER, "state": "succeeded"}})
    until(lambda: not api.deliveries(state="pending"), 60)
    until(lambda: api.deliveries(endpoint=failing, state="retrying"))
    assert in_clear(server.data)
    before = {row["id"] for row in api.deliveries(number=OTHER, limit=1000)}
    job = erased(api, {"number": NUMBER})
    assert job["remnants"] == 0
    assert job["number"] == "+6129999****"
    assert job["erased"]["conversations"] == 33
    assert job["erased"]["calls"] == 34
    assert job["erased"]["transcriptions"] == 1
    for kind in ("events", "deliveries", "attempts"):
        assert job["erased"][kind] > 100, kind
    assert in_clear(server.data) == []
    assert api.deliveries(number=NUMBER) == []
    assert api.get(f"/v1/calls?number=%2B{DIGITS}")["items"] == []
    assert api.call("GET", "/v1/calls/theirs-0")[0] == 404
    # What retried goes out to nobody, and leaves no word behind.
    after = {row["id"] for row in api.deliveries(number=OTHER, limit=1000)}
    assert after <= before
    kept = api.get("/v1/calls/else-3")
    assert len(kept["events"]) == 4
    rows = [row for event in kept["events"] for row in event["deliveries"] if row["state"] == "succeeded"]
    assert all(api.get(f"/v1/deliveries/{row['id']}")["log"] for row in rows)
    assert server.stop() == 0
    assert in_clear(server.data) == []
    assert DIGITS not in server.log.read_text()


def test_what_has_not_gone_out_does_not_go_out(own: Callable[..., Server], receiver: Receiver) -> None:
    server, gate = own(), Gate()
    receiver.answer = gate
    api = server.account()
    api.endpoint(receiver.url, order="strict")
    whole_call(api, "queued")
    until(lambda: len(receiver.all) == 1)
    job = api.post("/v1/erasures", {"call": "queued"}, 202)
    gate.open()
    until(lambda: api.get(f"/v1/erasures/{job['id']}")["state"] == "done")
    api.send(update("after", "starting", **{"from": OTHER}))
    until(lambda: any(got.json["data"]["call"]["id"] == "after" for got in receiver.all))
    assert [got.json["type"] for got in receiver.all] == ["call.starting", "call.starting"]
    assert in_clear(server.data) == []


def test_a_call_that_has_not_ended_is_refused_and_by_number_it_is_taken_when_it_ends(own: Callable[..., Server]) -> None:
    server = own()
    api = server.account()
    api.send(update("alive", "starting"))
    whole_call(api, "over")
    assert api.call("POST", "/v1/erasures", {"call": "alive"})[0] == 409
    job = api.post("/v1/erasures", {"number": NUMBER}, 202)
    path = f"/v1/erasures/{job['id']}"
    until(lambda: api.get(path)["state"] == "waiting")
    assert api.call("GET", "/v1/calls/over")[0] == 404
    assert api.call("GET", "/v1/calls/alive")[0] == 200
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server = own()
    api = Api(server.port, api.key, api.account)
    assert api.get(path)["state"] in ("running", "waiting")
    api.send(update("alive", "completed", 9))
    until(lambda: api.get(path)["state"] == "done")
    assert api.get(path)["erased"]["conversations"] == 2
    assert in_clear(server.data) == []


def test_a_kill_on_the_way_loses_nothing_of_the_job(own: Callable[..., Server]) -> None:
    server = own()
    api = server.account()
    for number in range(300):
        api.send(update(f"many-{number}", "starting"), update(f"many-{number}", "completed", 3))
    job = api.post("/v1/erasures", {"number": NUMBER}, 202)
    path = f"/v1/erasures/{job['id']}"
    until(lambda: 0 < api.get(path)["erased"]["conversations"] < 300)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server = own()
    api = Api(server.port, api.key, api.account)
    until(lambda: api.get(path)["state"] == "done", 30)
    told = api.get(path)["erased"]
    assert (told["conversations"], told["calls"], told["events"]) == (300, 300, 600)
    assert in_clear(server.data) == []


def test_events_come_in_while_one_works(own: Callable[..., Server]) -> None:
    server = own()
    api = server.account()
    for start in range(0, 400, 40):
        api.send(*(update(f"old-{number}", "completed") for number in range(start, start + 40)))
    job = api.post("/v1/erasures", {"number": NUMBER}, 202)
    sent = 0
    while api.get(f"/v1/erasures/{job['id']}")["state"] != "done":
        whole_call(api, f"new-{sent}", **{"from": OTHER})
        sent += 1
    assert sent
    kept = api.get(f"/v1/calls?number=%2B{OTHER[1:]}&limit=1000")["items"]
    assert len(kept) == min(sent, 1000)
    # An id that was seen stays seen, and the call of an erased id begins anew.
    assert api.send(update("old-1", "starting"))["accepted"] == 1


def test_what_is_asked_wrongly_is_refused(api: Api) -> None:
    assert api.call("POST", "/v1/erasures", {})[0] == 422
    assert api.call("POST", "/v1/erasures", {"number": NUMBER, "call": "x"})[0] == 422
    assert api.call("POST", "/v1/erasures", {"call": "no such call"})[0] == 404
    api.post("/v1/numbers", {"number": "+61255550000"})
    assert api.call("POST", "/v1/erasures", {"number": "+61255550000"})[0] == 409
    assert api.call("GET", "/v1/erasures/ers_00000000000000")[0] == 404


def test_another_account_sees_nothing_of_it_and_keeps_its_own(server: Server) -> None:
    first, second = server.account(), server.account()
    for api in (first, second):
        whole_call(api, "shared")
    job = erased(first, {"number": NUMBER})
    assert second.call("GET", f"/v1/erasures/{job['id']}")[0] == 404
    assert second.get("/v1/erasures")["items"] == []
    assert second.call("GET", "/v1/calls/shared")[0] == 200
    assert [item["id"] for item in first.get("/v1/erasures")["items"]] == [job["id"]]


def test_a_viewer_cannot_erase(api: Api) -> None:
    key = api.post("/v1/keys", {"name": "looks", "role": "viewer"})["key"]
    assert Api(api.port, key).call("POST", "/v1/erasures", {"number": NUMBER})[0] == 403
