"""The secret key is changed, and everything that it encrypts goes on opening."""

import base64
import hmac
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import ADMIN_KEY, Api, Receiver, Server, run_ringback, start_server

SECRET = "whsec_" + "QUJD" * 8
FIRST, SECOND = "A" * 43 + "=", "B" * 43 + "="


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(**environment: str) -> Server:
        running.append(start_server(tmp_path / "data", environment=environment))
        return running[-1]

    yield start
    for server in running:
        server.process.kill()
        server.process.wait()


def set_up(server: Server, receiver: Receiver) -> Api:
    api = server.account()
    api.endpoint(receiver.url, secret=SECRET)
    api.raw("POST", "/v1/numbers", b'{"number":"+61255500009"}', {"Idempotency-Key": "once"})
    api.post("/v1/numbers", {"number": "+61255500010", "voice": {"url": "http://ann:secret@127.0.0.1/voice"}})
    return api


def still_works(server: Server, before: Api, receiver: Receiver, call: str) -> None:
    api = Api(server.port, before.key, before.account)
    api.send(
        {
            "type": "call.starting",
            "at": "2026-11-20T12:00:00Z",
            "call": {"id": call, "direction": "inbound", "from": "a", "to": "b"},
        }
    )
    got = receiver.next()
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    digest = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), signed, "sha256")
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    status, headers, _ = api.raw("POST", "/v1/numbers", b'{"number":"+61255500009"}', {"Idempotency-Key": "once"})
    assert (status, headers.get("idempotent-replayed")) == (201, "true")
    assert api.get("/v1/numbers/+61255500010")["voice"]["url"] == "http://ann:***@127.0.0.1/voice"


def keys(data: Path) -> list[str]:
    return (data / "secret.key").read_text().split()


def test_a_new_key_in_the_file_and_the_old_one_dropped_when_asked(own: Callable[..., Server], receiver: Receiver) -> None:
    server = own()
    api, data = set_up(server, receiver), server.data
    (old,) = keys(data)
    server.stop()
    done = run_ringback("rotate-key", "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert keys(data)[1:] == [old]
    assert (data / "secret.key").stat().st_mode & 0o777 == 0o600
    assert "3 stored secrets were encrypted anew" in done.stdout
    server = own()
    still_works(server, api, receiver, "after")
    assert "ringback rotate-key" in {line["action"] for line in Api(server.port, ADMIN_KEY).get("/v1/audit")["items"]}
    server.stop()
    new = keys(data)[0]
    done = run_ringback("rotate-key", "--data", str(data), "--forget-old")
    assert done.returncode == 0, done.stderr
    assert keys(data) == [new]
    still_works(own(), api, receiver, "forgotten")


def test_at_once(own: Callable[..., Server], receiver: Receiver) -> None:
    server = own()
    api, data = set_up(server, receiver), server.data
    (old,) = keys(data)
    server.stop()
    assert run_ringback("rotate-key", "--data", str(data), "--forget-old").returncode == 0
    (new,) = keys(data)
    assert new != old
    still_works(own(), api, receiver, "after")


def test_where_a_server_has_the_directory_it_is_refused(own: Callable[..., Server], receiver: Receiver) -> None:
    server = own()
    set_up(server, receiver)
    before = keys(server.data)
    done = run_ringback("rotate-key", "--data", str(server.data))
    assert (done.returncode, "in use by another ringback" in done.stderr) == (2, True)
    assert keys(server.data) == before


def test_the_key_of_the_environment(own: Callable[..., Server], receiver: Receiver) -> None:
    server = own(RINGBACK_SECRET_KEY=FIRST)
    api, data = set_up(server, receiver), server.data
    server.stop()
    said = run_ringback("rotate-key", "--data", str(data), RINGBACK_SECRET_KEY=FIRST)
    assert said.returncode == 1
    assert "RINGBACK_SECRET_KEY=" in said.stdout
    assert FIRST not in said.stdout + said.stderr
    done = run_ringback("rotate-key", "--data", str(data), RINGBACK_SECRET_KEY=f"{SECOND},{FIRST}")
    assert done.returncode == 0, done.stderr
    assert not (data / "secret.key").exists()
    assert FIRST not in done.stdout
    still_works(own(RINGBACK_SECRET_KEY=SECOND), api, receiver, "after")


def test_without_data_it_is_refused(tmp_path: Path) -> None:
    done = run_ringback("rotate-key", "--data", str(tmp_path))
    assert (done.returncode, "no ringback.db" in done.stderr) == (2, True)
    assert not (tmp_path / "secret.key").exists()
