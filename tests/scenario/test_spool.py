"""A store that takes nothing while calls go on, and a kill in the middle of it: all that switches told arrives all the same."""

import contextlib
import os
import resource
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from freeswitch_server import recording
from harness import Api, Receiver, Server, run_ringback, until
from live_harness import CALLER, NUMBER, call_of, comes_in, has_number, in_status, over, parameters, placed, start_with_switch
from test_freeswitch_live import Place, legs

from ringback.store.spool import SpoolFile

LIMIT = 256 * 1024
"""Bytes that no file of a server may go beyond once its store is broken: the database is larger then, the spool is not."""
STAYS = "<Response><Answer/><Pause length='60'/></Response>"


def noise(call: str) -> dict[str, Any]:
    ref = {"id": call, "direction": "inbound", "vars": {"text": os.urandom(1_000).hex()}}
    return {"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": ref}


def broken(server: Server) -> None:
    """Nothing can be added to the server's database from here on, as on a full disk."""
    api = server.account("noise")
    calls = (f"noise-{number}" for number in range(1_000_000))

    def is_large() -> bool:
        api.send(*(noise(next(calls)) for _ in range(100)))
        return (server.data / "ringback.db").stat().st_size > 2 * LIMIT

    until(is_large, 20)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
    until(lambda: api.call("POST", "/v1/events", noise(next(calls)))[0] == 503, 20)


def mended(server: Server) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def metric(server: Server, name: str) -> int:
    _, _, body = server.operator.raw("GET", "/metrics")
    (line,) = [line for line in body.decode().splitlines() if line.startswith(f"{name} ")]
    return int(line.split()[1])


def in_spool(spool: Path, copy: Path) -> list[str]:
    """Which calls' updates the spool holds, read from a copy: a server lets nobody into its own."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for path in spool.glob("spool-*"):
        with contextlib.suppress(FileNotFoundError):  # a journal that is there for a moment
            shutil.copy(path, copy)
    (file,) = copy.glob("spool-*.db")
    kept = SpoolFile(file)
    try:
        return [one.update.call.id for one in kept.read().waiting]
    finally:
        kept.close()


def safe(server: Server, spool: Path, copy: Path) -> list[str]:
    """The same, once all that waits is in it."""

    def whole() -> list[str]:
        count = metric(server, "ringback_live_updates_waiting")
        found = in_spool(spool, copy) if any(spool.glob("spool-*.db")) else []
        return found if count and len(found) == count else []

    return list(until(whole, 15))


def arrived(receiver: Receiver) -> dict[str, list[str]]:
    """The events of each call in the order in which they came; one that came again does not count."""
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for got in list(receiver.all):
        if got.headers.get("webhook-id", "") not in seen and got.path == "/":
            seen.add(got.headers["webhook-id"])
            found.setdefault(got.json["data"]["call"]["id"], []).append(got.json["type"].removeprefix("call."))
    return found


def with_an_end_that_waits(folder: Path, receiver: Receiver) -> tuple[Server, Api, str]:
    """A server without a store, and a call that has ended since."""
    server = start_with_switch(folder / "data")
    api = server.account()
    api.endpoint(receiver.url + "/", "standard")
    call = placed(api, document=STAYS, script="answer, wait 60s")
    in_status(api, call, "ongoing")
    broken(server)
    api.post(f"/v1/calls/{call}/hang-up", {}, 202)
    return server, api, call


def test_calls_that_a_kill_met_while_the_store_took_nothing_are_told_whole(
    tmp_path: Path, receivers: Callable[[], Receiver]
) -> None:
    receiver, statuses = receivers(), receivers()
    spool = tmp_path / "another disk"
    server = start_with_switch(tmp_path / "data", "--spool", str(spool))
    api = server.account()
    api.endpoint(receiver.url + "/", "standard")
    applications = receivers()
    applications.answer = lambda _: (200, {}, STAYS.encode())
    number = has_number(api, applications.url + "/voice")
    callback = {"url": statuses.url, "events": ["completed"]}
    before = placed(api, document=STAYS, script="answer, wait 60s", status_callback=callback)
    in_status(api, before, "ongoing")
    broken(server)
    assert not list(spool.iterdir()), "as long as the store takes all, there is no file"
    # Live calls go on, end and begin meanwhile
    api.post(f"/v1/calls/{before}/hang-up", {}, 202)
    whole = comes_in(api, number, "ring, answer, wait 0.2s, hangup")
    until(lambda: metric(server, "ringback_live_calls") == 0)
    cut = comes_in(api, number, "ring, answer, wait 60s")
    until(lambda: len(applications.all) == 2)
    until(lambda: safe(server, spool, tmp_path / "copy").count(cut) == 3)
    kept = safe(server, spool, tmp_path / "copy")
    assert (kept.count(before), kept.count(whole)) == (1, 4)
    assert {stat.S_IMODE(path.stat().st_mode) for path in spool.iterdir()} == {0o600}
    server.stop(9)
    again = start_with_switch(tmp_path / "data", "--spool", str(spool))
    api = Api(again.port, api.key, api.account)
    for call in (before, whole, cut):
        over(api, call)
    expected = {
        before: ["accepted", "starting", "ongoing", "completed"],
        whole: ["starting", "ringing", "ongoing", "completed"],
        cut: ["starting", "ringing", "ongoing", "completed"],
    }
    until(lambda: arrived(receiver) == expected, 20)
    told = parameters(statuses.next())
    assert (told["CallSid"], told["CallStatus"]) == (before, "completed")
    assert not list(spool.iterdir()), "nothing of it stays"
    assert again.stop() == 0


def test_without_a_kill_the_spool_is_emptied_as_soon_as_the_store_is_back(tmp_path: Path, receiver: Receiver) -> None:
    server, api, call = with_an_end_that_waits(tmp_path, receiver)
    until(lambda: list(server.data.glob("spool-*.db")), 15)
    status, answer = api.call("POST", "/v1/erasures", {"number": "+61255500009"})
    assert (status, "not stored yet" in answer["detail"]) == (503, True), answer
    mended(server)
    over(api, call)
    until(lambda: arrived(receiver) == {call: ["accepted", "starting", "ongoing", "completed"]}, 20)
    until(lambda: not list(server.data.glob("spool-*")))
    assert server.stop() == 0


def test_what_a_freeswitch_told_while_the_store_took_nothing_survives_a_kill(tmp_path: Path, receiver: Receiver) -> None:
    place = Place(tmp_path, receiver)
    place.ready()
    events = recording("inbound_answered")
    caller, callee = legs(events)
    broken(place.server)
    place.switch.do(place.switch.fake.play, events)
    until(lambda: place.source()["events"] >= len(events) and place.source()["waiting"] == 0, 15)
    # The source has handed all of it on: it is in the file
    assert {caller, callee} <= set(in_spool(tmp_path / "data", tmp_path / "copy"))
    place.server.stop(9)
    assert place.told() == []
    place.start()
    ends = {(caller, "call.completed"), (callee, "call.completed")}
    until(lambda: ends <= set(place.told()), 20)
    shown = Api(place.server.port, place.api.key).get(f"/v1/calls/{caller}")
    assert not shown["call"]["inferred"]
    assert next(kind for call, kind in place.told() if call == caller) == "call.starting"
    assert place.server.stop() == 0
    place.switch.close()


def test_a_folder_that_cannot_hold_the_spool_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    ended = run_ringback("serve", "--data", str(tmp_path / "data"), "--port", "0", "--spool", str(tmp_path / "spool"))
    assert (ended.returncode, "--spool" in ended.stderr) == (2, True), ended.stderr


@pytest.mark.needs("prlimit")
def test_a_server_that_starts_without_a_store_lets_calls_in_once_there_is_one(tmp_path: Path, receiver: Receiver) -> None:
    server, api, call = with_an_end_that_waits(tmp_path, receiver)
    until(lambda: metric(server, "ringback_live_calls") == 0)
    safe(server, server.data, tmp_path / "copy")
    server.stop(9)
    again = start_with_switch(tmp_path / "data", under=("prlimit", f"--fsize={LIMIT}:unlimited"))
    api = Api(again.port, api.key, api.account)
    wanted = {"to": CALLER, "from": NUMBER, "document": STAYS, "script": "busy"}
    assert api.call("POST", "/v1/calls", wanted)[0] == 503
    assert call_of(api, call)["call"]["status"] == "ongoing"
    mended(again)
    over(api, call)
    until(lambda: arrived(receiver) == {call: ["accepted", "starting", "ongoing", "completed"]}, 20)
    until(lambda: api.call("POST", "/v1/calls", wanted)[0] == 201)
    assert again.stop() == 0
