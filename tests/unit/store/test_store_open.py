"""Opening a data directory: what is made, and when it is refused."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringback.errors import BadSettings, StoreUnavailable
from ringback.store.open import open_store
from ringback.store.port import Account
from ringback.store.sqlite import migrate
from ringback.webhooks.model import Endpoint, Secret

KEY, OTHER_KEY = "11" * 32, "22" * 32
ACCOUNT = Account(id="0b1c3a0e-7d0a-4bd0-8c62-000000000001", name="a", created_at_ms=1)
ENDPOINT = Endpoint(id=7, account=ACCOUNT.id, url="https://example.com/", dialect="standard", secrets=(Secret(value="s"),))


def test_what_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with open_store(folder):
        assert {file.name for file in folder.iterdir()} >= {"ringback.db", "secret.key", "lock"}
    for file in (folder, *folder.iterdir()):
        assert not file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), file


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(BadSettings, match=rf"is in use by another ringback \(process {os.getpid()}\)"):
        open_store(tmp_path)
    store.close()
    open_store(tmp_path).close()


def test_a_server_in_another_process_is_seen_and_its_death_too(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from ringback.store.open import open_store\n"
        "store = open_store(pathlib.Path(sys.argv[1])); print(1, flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"1\n"
        with pytest.raises(BadSettings, match=f"process {other.pid}"):
            open_store(tmp_path)
        other.kill()
    open_store(tmp_path).close()


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "below"):
        with pytest.raises(BadSettings, match="--data"):
            open_store(folder)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "ringback.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable):
        open_store(tmp_path)
    (tmp_path / "ringback.db").unlink()
    open_store(tmp_path).close()


def test_a_newer_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: Callable[[str], list[str]] = migrate._files
    with monkeypatch.context() as newer:
        newer.setattr(migrate, "_files", lambda folder: [*files(folder), "CREATE TABLE more (x);\n"])
        open_store(tmp_path).close()
    with pytest.raises(BadSettings, match="newer Ringback"):
        open_store(tmp_path)


def test_a_key_that_is_missing_is_told_at_the_start(tmp_path: Path) -> None:
    with open_store(tmp_path, [KEY]) as store:
        store.put_account(ACCOUNT)
    with open_store(tmp_path, [OTHER_KEY]) as store:
        store.put_endpoint(ENDPOINT)
    with pytest.raises(BadSettings, match="RINGBACK_SECRET_KEY"):
        open_store(tmp_path, [KEY])
    with open_store(tmp_path, [KEY, OTHER_KEY]) as store:
        assert store.endpoints() == [ENDPOINT]
        store.put_endpoint(replace(ENDPOINT, version=1))
    with open_store(tmp_path, [KEY]) as store:
        assert store.endpoints() == [replace(ENDPOINT, version=1)]


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.close()
    store.close()
    for ask in (store.accounts, store.last_id, store.health, lambda: store.put_account(ACCOUNT), lambda: store.load([], [])):
        with pytest.raises(StoreUnavailable):
            ask()


def test_an_idle_store_needs_no_cryptography(tmp_path: Path) -> None:
    """8 MB of an idle server's memory."""
    code = (
        "import sys, pathlib; from ringback.store.open import open_store\n"
        "store = open_store(pathlib.Path(sys.argv[1])); store.endpoints(); store.close(); print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
