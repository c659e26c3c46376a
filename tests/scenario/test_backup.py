"""Backup and restore from outside: what was acknowledged before a backup began is there afterwards, and goes out."""

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Gate, Receiver, Server, run_ringback, start_server, until


def update(call: str, second: int = 0, kind: str = "starting") -> dict[str, Any]:
    ref = {"id": call, "direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
    return {"type": f"call.{kind}", "at": f"2026-11-20T12:00:{second:02d}Z", "call": ref}


class Load:
    """Sends calls for as long as the block runs, and keeps the ids of those that were acknowledged."""

    def __init__(self, api: Api) -> None:
        self.acknowledged: list[str] = []
        self._api = api
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            first = len(self.acknowledged)
            names = [f"load-{number}" for number in range(first, first + 20)]
            self._api.send(*(update(name) for name in names))
            self.acknowledged += names


def calls(api: Api) -> set[str]:
    found: set[str] = set()
    cursor = ""
    while True:
        page = api.get(f"/v1/calls?limit=1000{cursor}")
        found |= {item["id"] for item in page["items"]}
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize("name", ["copy", "copy.tar", "copy.tar.gz"])
def test_what_was_acknowledged_before_a_backup_began_is_there_after_a_restore(
    tmp_path: Path, receivers: Callable[[], Receiver], name: str
) -> None:
    quick, slow = receivers(), receivers()
    gate = Gate()
    slow.answer = gate
    server = start_server(tmp_path / "data")
    try:
        api = server.account()
        api.endpoint(quick.url)
        waiting = api.endpoint(slow.url, secret="whsec_" + "QUJD" * 8)["id"]
        api.send(update("talk"))
        status, _, _ = api.raw("PUT", "/v1/calls/talk/recording", wav(), {"Content-Type": "audio/wav"})
        assert status == 200
        with Load(api) as load:
            until(lambda: len(load.acknowledged) >= 200)
            until(lambda: len(quick.all) > 20)
            before = set(load.acknowledged)
            made = run_ringback("backup", str(tmp_path / name), "--data", str(server.data), "--with-key")
            assert made.returncode == 0, made.stderr
            assert "whole" in made.stdout
            more = len(load.acknowledged)
            until(lambda: len(load.acknowledged) > more)
        assert api.get("/v1/calls?limit=1")["items"]
    finally:
        server.process.kill()
        server.process.wait()
        gate.open()
    seen = len(slow.all)
    shutil.rmtree(server.data)
    dry = run_ringback("restore", str(tmp_path / name), "--data", str(tmp_path / "again"), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert not (tmp_path / "again").exists()
    done = run_ringback("restore", str(tmp_path / name), "--data", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    server = start_server(tmp_path / "again")
    try:
        api = Api(server.port, api.key, api.account)
        assert before <= calls(api)
        until(lambda: not api.deliveries(endpoint=waiting, state="pending") and not api.deliveries(state="sending"), 30)
        sent = {got.json["data"]["call"]["id"] for got in slow.all[seen:]}
        assert before - {"load-0"} <= sent
        assert api.raw("GET", "/v1/calls/talk/recording")[2] == wav()
        assert any(api.get(f"/v1/deliveries/{row['id']}")["log"] for row in api.deliveries(call="talk"))
    finally:
        server.stop()


def wav() -> bytes:
    body = b"\0\0" * 800
    head = b"fmt " + (16).to_bytes(4, "little") + b"\1\0\1\0" + (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little")
    head += b"\2\0\x10\0data" + len(body).to_bytes(4, "little")
    return b"RIFF" + (4 + len(head) + len(body)).to_bytes(4, "little") + b"WAVE" + head + body


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that nobody works on."""
    server: Server = start_server(tmp_path_factory.mktemp("kept") / "data")
    api = server.account()
    api.endpoint("http://127.0.0.1:9/")
    api.send(update("one"))
    assert server.stop() == 0
    return server.data


@pytest.fixture(scope="module")
def copy(stopped: Path) -> Path:
    target = stopped.parent / "copy"
    assert run_ringback("backup", str(target), "--data", str(stopped)).returncode == 0
    return target


def test_the_secret_key_is_only_there_where_it_was_asked_for(copy: Path) -> None:
    assert not (copy / "secret.key").exists()
    assert json.loads((copy / "backup.json").read_bytes())["has_key"] is False
    assert {path.stat().st_mode & 0o077 for path in copy.rglob("*")} == {0}


def test_a_restored_directory_without_its_key_says_what_it_lacks(copy: Path, tmp_path: Path) -> None:
    done = run_ringback("restore", str(copy), "--data", str(tmp_path / "data"))
    assert done.returncode == 0
    assert "secret.key" in done.stdout
    started = run_ringback("serve", "--data", str(tmp_path / "data"), "--port", "0")
    assert started.returncode == 2
    assert "lacks a key" in started.stderr


def test_a_backup_overwrites_nothing(copy: Path, stopped: Path) -> None:
    again = run_ringback("backup", str(copy), "--data", str(stopped))
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


def test_no_data_no_backup(tmp_path: Path) -> None:
    done = run_ringback("backup", str(tmp_path / "copy"), "--data", str(tmp_path))
    assert (done.returncode, "no ringback.db" in done.stderr) == (2, True)


def test_a_restore_is_refused_where_something_is(copy: Path, stopped: Path, tmp_path: Path) -> None:
    done = run_ringback("restore", str(copy), "--data", str(stopped))
    assert (done.returncode, "not empty" in done.stderr) == (2, True)


def test_a_restore_is_refused_where_a_server_runs(copy: Path, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    try:
        for path in tmp_path.glob("data/*"):
            if path.name != "lock" and path.is_file():
                path.unlink()
        shutil.rmtree(tmp_path / "data" / "recordings", ignore_errors=True)
        done = run_ringback("restore", str(copy), "--data", str(tmp_path / "data"))
        assert (done.returncode, "in use by another ringback" in done.stderr) == (2, True)
    finally:
        server.process.kill()
        server.process.wait()


@pytest.mark.parametrize("how", ["changed", "missing", "no manifest", "nothing"])
def test_a_backup_that_is_not_whole_is_refused(copy: Path, tmp_path: Path, how: str) -> None:
    broken = tmp_path / "broken"
    if how == "nothing":
        broken.write_bytes(b"not an archive")
    else:
        shutil.copytree(copy, broken)
    if how == "changed":
        with (broken / "ringback.db").open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\xff")
    elif how == "missing":
        (broken / "ringback.db").unlink()
    elif how == "no manifest":
        (broken / "backup.json").unlink()
    done = run_ringback("restore", str(broken), "--data", str(tmp_path / "data"))
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    if how == "changed":
        # What was begun is no data directory that a server would start on.
        started = run_ringback("serve", "--data", str(tmp_path / "data"), "--port", "0")
        assert (started.returncode, "did not end" in started.stderr) == (2, True)


def test_before_a_migration_a_copy_is_kept(stopped: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(stopped, data)
    with sqlite3.connect(data / "ringback.db") as connection:
        (now,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    from ringback.store.sqlite.migrate import migrate

    def keep(found: int) -> None:
        kept.append(found)

    kept: list[int] = []
    old = sqlite3.connect(data / "ringback.db", isolation_level=None)
    old.execute(f"PRAGMA user_version = {now - 1}")
    with pytest.raises(sqlite3.OperationalError):
        migrate(old, "migrations", keep)  # its last step was done already
    assert kept == [now - 1]
    old.close()
    # A server does the same, and leaves the copy behind even where the step fails.
    assert run_ringback("serve", "--data", str(data), "--port", "0").returncode != 0
    with sqlite3.connect(data / "before-migration.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (now - 1,)
        assert connection.execute("SELECT count(*) FROM event").fetchone()[0] >= 1
    connection.close()
