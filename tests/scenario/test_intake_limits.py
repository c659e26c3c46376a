"""What an account may send in a second, how much of it may be open, what the disk holds: refused as a whole, and it recovers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Receiver, Server, start_server, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]


def limited(server: Server, api: Api, **limits: Any) -> None:
    assert server.operator.call("PATCH", f"/v1/accounts/{api.account}", limits)[0] == 200


def send(api: Api, new_call: NewCall, count: int = 1) -> tuple[int, dict[str, str], bytes]:
    import json

    return api.raw("POST", "/v1/events", json.dumps([new_call()("starting") for _ in range(count)]).encode())


def test_an_account_sends_no_more_than_its_rate(server: Server, api: Api, new_call: NewCall) -> None:
    limited(server, api, events_per_s=2)
    taken = [send(api, new_call)[0] for _ in range(6)]
    assert taken[:2] == [202, 202]
    assert 429 in taken
    status, headers, body = send(api, new_call)
    assert status == 429
    assert int(headers["retry-after"]) >= 1
    assert b"urn:ringback:problem:too-many-requests" in body
    # Nothing of a refused request was taken, and it comes again.
    assert len(api.get("/v1/calls")["items"]) == taken.count(202)
    until(lambda: send(api, new_call)[0] == 202)
    limited(server, api, events_per_s=None)
    assert [send(api, new_call)[0] for _ in range(6)] == [202] * 6


def test_a_batch_larger_than_the_rate_passes_and_is_waited_for(server: Server, api: Api, new_call: NewCall) -> None:
    limited(server, api, events_per_s=10)
    assert send(api, new_call, 30)[0] == 202
    status, headers, _ = send(api, new_call, 30)
    assert (status, headers["retry-after"]) == (429, "2")
    assert len(api.get("/v1/calls?limit=100")["items"]) == 30


def test_another_account_s_rate_is_its_own(server: Server, api: Api, new_call: NewCall) -> None:
    limited(server, api, events_per_s=1)
    other = server.account()
    until(lambda: send(api, new_call)[0] == 429)
    assert [send(other, new_call)[0] for _ in range(5)] == [202] * 5
    # The operator's request speaks of both: one is over its rate, so all of it is refused.
    both = [{**new_call()("starting"), "account": account} for account in (other.account, api.account)]
    until(lambda: send(api, new_call)[0] == 429)
    assert server.operator.call("POST", "/v1/events", both)[0] == 429
    assert len(other.get("/v1/calls")["items"]) == 5


def test_an_account_with_too_much_open_waits_until_it_is_less(
    server: Server, api: Api, receiver: Receiver, new_call: NewCall
) -> None:
    import threading

    gate = threading.Event()
    receiver.answer = lambda got: 200 if gate.wait(20) else 500
    api.endpoint(receiver.url)
    limited(server, api, pending_max=3)
    taken = [send(api, new_call)[0] for _ in range(6)]
    assert taken == [202, 202, 202, 429, 429, 429]
    status, headers, _ = send(api, new_call)
    assert (status, headers["retry-after"]) == (429, "2")
    assert len(api.get("/v1/calls")["items"]) == 3
    gate.set()
    until(lambda: send(api, new_call)[0] == 202)


def test_what_was_open_before_a_restart_counts(tmp_path: Path, receiver: Receiver, new_call: NewCall) -> None:
    server = start_server(tmp_path / "data")
    api = server.account()
    receiver.answer = lambda got: 500
    endpoint = api.endpoint(receiver.url)["id"]
    assert send(api, new_call, 4)[0] == 202
    until(lambda: len(api.deliveries(state="retrying")) == 4)
    limited(server, api, pending_max=4)
    assert send(api, new_call)[0] == 429
    server.stop(9)
    again = start_server(tmp_path / "data")
    api.port = again.port
    assert send(api, new_call)[0] == 429
    # What is cancelled is open no more.
    assert api.call("DELETE", f"/v1/endpoints/{endpoint}")[0] == 204
    until(lambda: send(api, new_call)[0] == 202, 25)
    again.stop()


@pytest.mark.parametrize("option", ["--max-disk", "--min-free-bytes"])
def test_a_full_disk_takes_nothing_more(tmp_path: Path, new_call: NewCall, option: str) -> None:
    """The file system's own size is a limit that nobody meets here: so much must be free that it never is."""
    server = start_server(tmp_path / "data", option, str(4 << 20 if option == "--max-disk" else 1 << 60))
    api = server.account()
    if option == "--max-disk":
        assert send(api, new_call)[0] == 202
        (tmp_path / "data" / "ballast").write_bytes(b"x" * (8 << 20))
    _, headers, body = until(lambda: (answer := send(api, new_call))[0] == 503 and answer)
    assert "retry-after" in headers
    assert b"no room" in body
    # Everything else goes on.
    assert api.get("/v1/calls")["items"] is not None
    if option == "--max-disk":
        (tmp_path / "data" / "ballast").unlink()
        until(lambda: send(api, new_call)[0] == 202)
    server.stop()
