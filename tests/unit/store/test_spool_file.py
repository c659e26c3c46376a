"""What waits is in the file until it is taken out, whoever opens it next; nothing of it stays behind."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringback.calls.model import CallRef, Update
from ringback.errors import StoreUnavailable
from ringback.store.spool import SpoolFile, Waiting

NUMBER = "+61288887777"
Spool = Callable[[Path], SpoolFile]


def waiting(*places: int) -> list[Waiting]:
    return [Waiting(place, "acme", update(place)) for place in places]


def update(number: int) -> Update:
    call = CallRef(id=f"call-{number}", direction="inbound", from_=NUMBER, to="7000", vars={"a": "b"})
    return Update(type="call.recording", at_ms=number, call=call, data={"duration_s": 3, "url": None}, id=f"i-{number}", source="x")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "spool.db"


@pytest.fixture
def spool() -> Iterator[Spool]:
    """Makes files that are closed at the end."""
    made: list[SpoolFile] = []

    def make(path: Path) -> SpoolFile:
        made.append(SpoolFile(path))
        return made[-1]

    yield make
    for file in made:
        file.close()


def beside(path: Path) -> list[str]:
    return sorted(os.listdir(path.parent)) if path.parent.exists() else []


def test_what_was_appended_is_there_for_the_next_one_whole_and_in_order(spool: Spool, path: Path) -> None:
    first = spool(path)
    first.append(waiting(1, 2, 3))
    first.append(waiting(4))
    first.remove(2)
    first.close()
    second = spool(path)
    assert second.read() == (waiting(3, 4), "")
    second.append(waiting(5, 4))
    assert second.read() == (waiting(3, 4, 5), ""), "what is there twice stands there once"


def test_a_process_that_was_killed_leaves_all_of_it(spool: Spool, path: Path) -> None:
    child = os.fork()
    if not child:
        SpoolFile(path).append(waiting(1, 2))
        os._exit(9)
    os.waitpid(child, 0)
    assert spool(path).read() == (waiting(1, 2), "")


def test_there_is_no_file_without_need_and_none_is_left(spool: Spool, path: Path) -> None:
    file = spool(path)
    assert file.read() == ([], "")
    file.drop()
    assert beside(path) == []
    file.append(waiting(1))
    assert path.exists()
    file.drop()
    assert beside(path) == []
    file.append(waiting(2))
    assert file.read() == (waiting(2), "")


def test_only_its_owner_reads_it(spool: Spool, path: Path) -> None:
    file = spool(path)
    file.append(waiting(1))
    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_was_taken_out_cannot_be_read_from_the_file_any_more(spool: Spool, path: Path) -> None:
    file = spool(path)
    file.append(waiting(*range(200)))
    file.remove(198)
    file.append([Waiting(200, "acme", Update(type="call.facts", at_ms=0, call=CallRef(id="other")))])
    file.remove(199)
    file.close()
    assert NUMBER.encode() not in path.read_bytes()


def test_a_file_that_went_away_is_made_again(spool: Spool, path: Path) -> None:
    file = spool(path)
    file.append(waiting(1))
    path.unlink()
    file.append(waiting(2))
    file.close()
    assert spool(path).read() == (waiting(2), "")


def test_a_row_that_cannot_be_read_costs_no_other(spool: Spool, path: Path) -> None:
    file = spool(path)
    file.append(waiting(1, 2, 3))
    file.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE waiting SET told = x'7b' WHERE place = 2")
    connection.commit()
    connection.close()
    left, trouble = file.read()
    assert left == waiting(1, 3)
    assert "1 updates in the spool could not be read: they are in " in trouble
    (aside,) = beside(path)
    assert aside.startswith("spool.db.bad-")


@pytest.mark.parametrize("how", ["no database", "damaged", "another version's"])
def test_a_file_that_is_none_is_put_aside(spool: Spool, path: Path, how: str) -> None:
    file = spool(path)
    file.append(waiting(*range(1, 400)))
    file.close()
    if how == "no database":
        path.write_bytes(b"nothing of the kind" * 100)
    elif how == "damaged":
        whole = path.read_bytes()
        half = len(whole) // 8192 * 4096
        path.write_bytes(whole[:half] + os.urandom(4096) + whole[half + 4096 :])
    else:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 2")
        connection.close()
    left, trouble = file.read()
    assert "the spool cannot be read whole" in trouble
    assert left == waiting(*range(1, len(left) + 1))
    (aside,) = beside(path)
    assert aside.startswith("spool.db.bad-")
    file.append(waiting(7))
    assert file.read() == (waiting(7), "")


def test_what_cannot_be_written_is_said_and_written_when_it_can(spool: Spool, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.write_text("a file")
    file = spool(folder / "spool.db")
    for act in (lambda: file.append(waiting(1)), lambda: file.remove(1)):
        with pytest.raises(StoreUnavailable):
            act()
    folder.unlink()
    file.append(waiting(1))
    assert file.read() == (waiting(1), "")


def test_another_process_cannot_write_in_it_meanwhile(spool: Spool, path: Path) -> None:
    file = spool(path)
    file.append(waiting(1))
    other = sqlite3.connect(path, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("DELETE FROM waiting")
    other.close()
