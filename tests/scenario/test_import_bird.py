"""`ringback import bird`: from a saved answer of Bird's to endpoints that send."""

import json
from pathlib import Path
from typing import Any

import pytest
from bird_client import KEY, NOBODY, Bird, bird
from harness import Receiver, Server, run_ringback

__all__ = ["bird"]


def answer(*wanted: dict[str, Any]) -> dict[str, Any]:
    """A list reply as Bird gives it, newest first."""
    common = {
        "organizationId": NOBODY,
        "workspaceId": NOBODY,
        "service": "channels",
        "createdAt": "2023-10-24T12:52:27.483Z",
        "updatedAt": "2023-10-24T12:52:27.483Z",
    }
    results = [{"id": f"4c6a8ff9-1f4b-44cc-8e8c-{n:012d}", "status": "active", **common, **one} for n, one in enumerate(wanted)]
    return {"results": results}


@pytest.fixture
def saved(tmp_path: Path, receiver: Receiver) -> Path:
    file = tmp_path / "subscriptions.json"
    filters = [{"key": "status", "value": "busy"}]
    everything = answer(
        {"event": "voice.inbound", "url": receiver.url + "/all", "signingKey": KEY},
        {"event": "voice.inbound", "url": receiver.url + "/busy", "signingKey": KEY, "eventFilters": filters},
        {"event": "voice.outbound", "url": receiver.url + "/off", "signingKey": KEY, "status": "inactive"},
        {"event": "sms.outbound", "url": receiver.url + "/sms", "signingKey": KEY},
        {"event": "voice.inbound", "url": receiver.url + "/keyless"},
        {"event": "voice.inbound", "url": "http://169.254.169.254/", "signingKey": KEY},
    )
    file.write_text(json.dumps(everything))
    return file


def imports(file: Path, server: Server, key: str | None, *options: str) -> tuple[int, list[str]]:
    where = [] if key is None else ["--server", f"http://127.0.0.1:{server.port}", "--key", key]
    done = run_ringback("import", "bird", str(file), *where, *options)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_what_can_be_taken_over_is_and_a_second_time_makes_nothing(
    server: Server, bird: Bird, saved: Path, receiver: Receiver
) -> None:
    status, lines = imports(saved, server, bird.api.key, "--dry-run")
    assert status == 1
    assert [line.strip() for line in lines[1:12:2]] == [
        "would be made",
        "would be made",
        "would be made",
        "not taken over: event 'sms.outbound': only voice.inbound and voice.outbound are known here",
        "not taken over: has no signingKey: Bird's list leaves it out. Write it into the file, or say --unsigned",
        "would be made",
    ]
    assert any("2 without filters get no event that one with filters takes" in line for line in lines)
    assert lines[-1] == "6 in subscriptions.json: 4 would be made, 0 there already, 2 not taken over"
    assert bird.get() == {"results": []}

    status, lines = imports(saved, server, bird.api.key)
    assert status == 1
    assert lines[11].strip().startswith("not taken over: url: ")
    assert lines[-1] == "6 in subscriptions.json: 3 made, 0 there already, 3 not taken over"
    shown = {one["url"].rpartition("/")[2]: one for one in bird.get()["results"]}
    assert {name: (one["event"], one["status"], one.get("eventFilters")) for name, one in shown.items()} == {
        "all": ("voice.inbound", "active", None),
        "busy": ("voice.inbound", "active", [{"key": "status", "value": "busy"}]),
        "off": ("voice.outbound", "inactive", None),
    }
    bird.ask("POST", f"/{shown['all']['id']}/test")
    assert "messagebird-signature" in receiver.next().headers

    status, lines = imports(saved, server, bird.api.key, "--unsigned")
    assert lines[-1] == "6 in subscriptions.json: 1 made, 3 there already, 2 not taken over"
    assert len(bird.get()["results"]) == 4


def test_the_operator_names_whose_they_become(server: Server, bird: Bird, saved: Path) -> None:
    operator = server.operator.key
    status, lines = imports(saved, server, operator)
    assert (status, "must name the account" in lines[-1]) == (1, True)
    status, lines = imports(saved, server, operator, "--account", bird.api.account)
    assert lines[-1].startswith("6 in subscriptions.json: 3 made")
    assert len(bird.get()["results"]) == 3


def test_without_a_server_it_only_looks(server: Server, saved: Path) -> None:
    status, lines = imports(saved, server, None, "--dry-run")
    assert lines[-1] == "6 in subscriptions.json: 4 would be made, 0 there already, 2 not taken over"
    status, lines = imports(saved, server, None)
    assert (status, lines) == (2, ["ringback: --server and --key go together; without them there is only --dry-run"])


def test_what_stops_it_is_one_line(server: Server, tmp_path: Path, saved: Path) -> None:
    status, lines = imports(saved, server, "nobody's")
    assert (status, lines) == (1, ["ringback: the server answered 401: send a key that is known: Authorization: Bearer <key>"])
    empty = tmp_path / "empty.json"
    empty.write_text('{"results":[]}')
    assert imports(empty, server, None, "--dry-run") == (2, ["ringback: there is no subscription in the file"])
    empty.write_text("<html>")
    status, lines = imports(empty, server, None, "--dry-run")
    assert (status, len(lines), lines[0].startswith("ringback: the file is not JSON: ")) == (2, 1, True)
    done = run_ringback("import", "bird", str(saved), "--server", "http://127.0.0.1:9", "--key", "k")
    assert (done.returncode, done.stderr) == (1, "ringback: http://127.0.0.1:9: Connection refused\n")
