"""What survives: kill -9 with work in every state, a stop with work in flight, and servers that must not start."""

import json
import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from harness import ADMIN_KEY, Api, Gate, Got, Receiver, Server, run_ringback, running_receiver, start_server, until

GIVEN_UP_MB = 110
NewCall = Callable[..., Callable[..., dict[str, Any]]]


def update(
    call: str, kind: str, second: int = 0, at: str | None = None, data: dict[str, Any] | None = None, **context: Any
) -> dict[str, Any]:
    ref = {"id": call, "direction": "inbound", "from": "+61288880000", "to": "+611800111222", **context}
    return {"type": f"call.{kind}", "at": at or f"2026-11-20T12:00:{second:02d}Z", "call": ref, "data": data or {}}


def now() -> str:
    return datetime.now(UTC).isoformat()


# kill -9


@dataclass
class Life:
    """A server that was killed with work in every state, and what it was told before."""

    server: Server
    api: Api
    flaky: Receiver
    hung: Receiver
    held: Receiver
    endpoints: dict[str, str]
    answers: dict[str, Any]
    before: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    data = tmp_path_factory.mktemp("killed") / "data"
    let_go = Gate()
    with ExitStack() as stack:
        flaky, hung, held, gone = (stack.enter_context(running_receiver()) for _ in range(4))
        stack.callback(let_go.open)
        server = start_server(data)
        api = server.account()
        api.post("/v1/numbers", {"number": "+611800111222", "name": "Web pool"})
        flaky.answer = lambda got: 200 if let_go.is_open else 500
        hung.answer = let_go
        gone.answer = lambda got: 410
        endpoints = {
            "flaky": api.endpoint(flaky.url)["id"],
            "hung": api.endpoint(f"http://user:pass@127.0.0.1:{hung.port}/", secret="whsec_" + "QUJD" * 8)["id"],
            "held": api.endpoint(held.url, "fonedynamics", hold_s=600, events=["Call.Complete"])["id"],
            "gone": api.endpoint(gone.url)["id"],
            "deleted": api.endpoint("http://127.0.0.1:9/", description="deleted")["id"],
        }
        api.call("DELETE", f"/v1/endpoints/{endpoints.pop('deleted')}")
        answers = {"first": api.send({**update("killed", "starting"), "id": "sw-1"})["results"][0]}
        until(lambda: api.deliveries(endpoint=endpoints["flaky"], state="retrying"))
        until(lambda: len(hung.all) == 1)
        until(lambda: not api.get(f"/v1/endpoints/{endpoints['gone']}")["enabled"])
        api.send(update("killed", "ringing", 1))
        api.send(update("waits", "completed", at=now(), awaits=["recording"]))
        until(lambda: len(api.deliveries(endpoint=endpoints["flaky"], state="retrying")) == 3)
        before = {f"{row['endpoint_id']} {row['call_id']} {row['event']}": row for row in api.deliveries()}
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        # The rows of an attempt that is over are on disk within 50 ms; nothing here happened so late.
        let_go.open()
        server = start_server(data)
        stack.callback(server.stop)
        api = Api(server.port, api.key, api.account)
        yield Life(server, api, flaky, hung, held, endpoints, answers, before)


def row(life: Life, endpoint: str, call: str, event: str) -> dict[str, Any]:
    """A delivery as it is now, with its log."""
    number = life.before[f"{life.endpoints[endpoint]} {call} {event}"]["id"]
    found: dict[str, Any] = life.api.get(f"/v1/deliveries/{number}")
    return found


def test_what_was_in_flight_is_sent_again_at_once_and_counts_as_no_retry(life: Life) -> None:
    def sent() -> list[Got]:
        told = [(got, got.json) for got in life.hung.all]
        return [got for got, body in told if (body["data"]["call"]["id"], body["type"]) == ("killed", "call.starting")]

    first, again = until(lambda: sent() if len(sent()) == 2 else None)
    assert again.json == first.json
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.headers["authorization"].startswith("Basic ")
    assert again.headers["webhook-signature"]
    delivery = until(lambda: [one for one in [row(life, "hung", "killed", "call.starting")] if one["state"] == "succeeded"])[0]
    assert delivery["attempts"] == 1
    assert [attempt["number"] for attempt in delivery["log"]] == [1]


def test_what_waited_behind_it_goes_in_its_order(life: Life) -> None:
    until(lambda: row(life, "hung", "killed", "call.ringing")["state"] == "succeeded")
    of_call = [got.json["type"] for got in life.hung.all if got.json["data"]["call"]["id"] == "killed"]
    assert of_call == ["call.starting", "call.starting", "call.ringing"]


def test_a_retry_is_made_when_it_is_due_and_its_count_is_not_lost(life: Life) -> None:
    planned = life.before[f"{life.endpoints['flaky']} killed call.starting"]["next_at"]
    delivery = until(lambda: [one for one in [row(life, "flaky", "killed", "call.starting")] if one["state"] == "succeeded"], 10)[0]
    assert delivery["attempts"] == 2
    assert [(attempt["number"], attempt["response"]["status"]) for attempt in delivery["log"]] == [(1, 500), (2, 200)]
    started = datetime.fromisoformat(delivery["log"][1]["at"])
    assert -0.1 <= (started - datetime.fromisoformat(planned)).total_seconds() < 3


def test_what_waits_for_facts_still_waits_and_goes_when_they_come(life: Life) -> None:
    before = life.before[f"{life.endpoints['held']} waits Call.Complete"]
    delivery = row(life, "held", "waits", "Call.Complete")
    assert (delivery["state"], delivery["next_at"]) == ("pending", before["next_at"])
    assert life.held.nothing(0.05)
    life.api.send(update("waits", "recording", at=now(), data={"status": "completed", "url": "https://r.example.com/1.wav"}))
    assert b"r.example.com" in life.held.next(5).body


def test_a_duplicate_is_known_after_the_restart(life: Life) -> None:
    answer = life.api.send({**update("killed", "starting"), "id": "sw-1"})
    assert (answer["accepted"], answer["duplicates"]) == (0, 1)
    assert answer["results"][0]["event_id"] == life.answers["first"]["event_id"]


def test_a_call_goes_on_where_it_was(life: Life) -> None:
    answer = life.api.send(update("killed", "ringing", 1), update("killed", "completed", 9))
    assert [result.get("late", False) for result in answer["results"]] == [True, False]
    shown = life.api.get("/v1/calls/killed")
    assert [event["seq"] for event in shown["events"]] == [1, 2, 3, 4]
    assert shown["call"]["duration_s"] == 9


def test_what_was_set_up_is_as_it_was(life: Life) -> None:
    assert life.api.get("/v1/numbers/+611800111222")["name"] == "Web pool"
    endpoints = {item["id"]: item for item in life.api.get("/v1/endpoints")["items"]}
    assert endpoints.keys() == set(life.endpoints.values())
    assert {item["id"] for item in endpoints.values() if not item["enabled"]} == {life.endpoints["gone"]}
    assert endpoints[life.endpoints["hung"]]["url"].startswith("http://user:***@127.0.0.1")
    assert Api(life.server.port, "wrong").call("GET", "/v1/endpoints")[0] == 401


def test_a_second_server_on_the_same_data_is_refused(life: Life) -> None:
    code, text = run("serve", "--data", str(life.server.data), "--port", "0")
    assert code == 2
    assert f"in use by another ringback (process {life.server.process.pid})" in text
    assert life.api.raw("GET", "/readyz")[0] == 200


def test_a_port_that_is_taken_is_refused(life: Life, tmp_path: Path) -> None:
    code, text = run("serve", "--data", str(tmp_path / "data"), "--port", str(life.server.port))
    assert (code, text) == (2, f"ringback: port: cannot listen on 127.0.0.1:{life.server.port}: Address already in use\n")


# A stop


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers on one data directory, one after another."""
    running: list[Server] = []

    def start(*options: str, **more: Any) -> Server:
        running.append(start_server(tmp_path / "data", *options, **more))
        return running[-1]

    yield start
    for server in running:
        with suppress(ProcessLookupError):
            server.process.kill()
        server.process.wait()


def test_ctrl_c_waits_for_what_is_in_flight(own: Callable[..., Server], receiver: Receiver) -> None:
    server = own()
    let_go = Gate()
    receiver.answer = let_go
    api = server.account()
    api.endpoint(receiver.url)
    api.send(update("drained", "starting"), update("drained", "completed", 9))
    until(lambda: len(receiver.all) == 1)
    server.process.send_signal(signal.SIGINT)
    until(lambda: "ending; waiting for what is in flight" in server.log.read_text())
    with pytest.raises(OSError):
        until(lambda: api.raw("GET", "/readyz")[0] == 0, 5)
    assert server.process.poll() is None
    let_go.open()
    assert server.process.wait(10) == 0
    assert "Traceback" not in server.log.read_text()
    api = Api(own().port, api.key)
    # The one that ended is known to have ended; the one behind it went out meanwhile, or goes now.
    until(lambda: len(receiver.all) == 2)
    assert [one["attempts"] for one in api.settled(2)] == [1, 1]
    assert [got.json["type"] for got in receiver.all] == ["call.starting", "call.completed"]


def test_a_stop_does_not_wait_for_ever(own: Callable[..., Server], receiver: Receiver) -> None:
    server = own("--drain-s", "0.5")
    let_go = Gate()
    receiver.answer = let_go
    api = server.account()
    for number in range(50):
        api.send(update(f"call-{number}", "starting"))
    api.endpoint(receiver.url)
    api.send(update("cut", "starting"))
    until(lambda: len(receiver.all) == 1)
    # A request that is never sent whole holds nobody either.
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\nContent-Length: 99\r\n\r\n{{".encode()
        )
        until(lambda: api.raw("GET", "/readyz")[0] == 200)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 6
    assert "Traceback" not in server.log.read_text()
    let_go.open()
    api = Api(own().port, api.key)
    (delivery,) = api.settled(1)
    assert (delivery["state"], delivery["attempts"]) == ("succeeded", 1)
    assert len(receiver.all) == 2
    # What was acknowledged before is there.
    assert len(api.get("/v1/calls?limit=100")["items"]) == 51


# Keys


def test_the_operators_key_is_made_once_shown_once_and_kept(own: Callable[..., Server]) -> None:
    server = own(environment={"RINGBACK_ADMIN_KEY": ""})
    (key,) = [line.rpartition(" ")[2] for line in server.log.read_text().splitlines() if "operator's key" in line]
    assert Api(server.port, key).get("/v1/accounts") == {"items": [], "next_cursor": None}
    for name in ("admin.key", "secret.key", "ringback.db"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    server.stop()
    server = own(environment={"RINGBACK_ADMIN_KEY": ""})
    assert server.log.read_text().count("operator's key") == 1
    assert Api(server.port, key).get("/v1/accounts")["items"] == []
    assert Api(server.port, ADMIN_KEY).call("GET", "/v1/accounts")[0] == 401


def test_an_empty_key_file_lets_nobody_in(own: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "admin.key").touch(mode=0o600)
    code, text = run("serve", "--data", str(tmp_path / "data"), "--port", "0")
    assert code == 2
    assert "admin.key holds no key" in text


def test_secrets_of_another_key_are_told_before_anything_starts(own: Callable[..., Server]) -> None:
    server = own(environment={"RINGBACK_SECRET_KEY": "A" * 43 + "="})
    server.account().endpoint("http://127.0.0.1:9/")
    server.stop()
    code, text = run("serve", "--data", str(server.data), "--port", "0", RINGBACK_SECRET_KEY="B" * 43 + "=")
    assert code == 2
    assert "RINGBACK_SECRET_KEY" in text
    assert "B" * 43 not in text
    assert run("serve", "--data", str(server.data), "--port", "0", RINGBACK_SECRET_KEY="short")[0] == 2


# Servers that must not start


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """A server that does not start: its exit code, and what it said."""
    done = run_ringback(*arguments, **environment)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("place", "key"), [("file", "k" * 20), ("file/below", ""), ("/proc/nowhere/data", "")])
def test_a_data_directory_that_cannot_be_written_is_said_clearly(tmp_path: Path, place: str, key: str) -> None:
    (tmp_path / "file").write_text("not a directory")
    data = tmp_path / place
    code, text = run("serve", "--data", str(data), "--port", "0", RINGBACK_ADMIN_KEY=key)
    assert code == 2, text
    assert len(text.splitlines()) == 1, text
    assert text.startswith(f"ringback: --data {data}: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_directory_of_somebody_else_is_said_clearly(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o500)
    code, text = run("serve", "--data", str(data), "--port", "0")
    assert (code, len(text.splitlines())) == (2, 1)
    assert "Permission denied" in text


# Memory


def test_a_fresh_server_is_small(own: Callable[..., Server]) -> None:
    server = own()

    def resident_mb() -> float:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    assert resident_mb() < GIVEN_UP_MB
    # Nor does looking at everything make it big: what is large is loaded when an event needs it.
    document = server.operator.get("/openapi.json")
    assert json.dumps(document)
    api = server.account()
    for dialect in ("bird", "fonedynamics", "standard", "voc"):
        api.endpoint("http://127.0.0.1:9/", dialect)
    api.send(update("small", "starting", from_geo={"country": "AU", "region": "NSW", "city": "Sydney"}))
    api.settled(4)
    assert resident_mb() < GIVEN_UP_MB
