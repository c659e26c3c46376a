"""The registry: the five that are built in, and packages that add one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringback.dialects import load_dialects
from ringback.dialects.contract import Fact
from ringback.errors import BadSettings


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    load_dialects.cache_clear()
    yield
    load_dialects.cache_clear()


def install(folder: Path, *points: str) -> None:
    """A package whose dialects are the lines of an entry_points.txt."""
    info = folder / "strange-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ringback.dialects]\n" + "\n".join(points) + "\n")
    (folder / "strange_dialects.py").write_text("class Acme:\n    name = 'acme'\n\nACME = Acme()\n")


def test_five_are_built_in() -> None:
    dialects = load_dialects()
    assert set(dialects) == {"bird", "fonedynamics", "standard", "voc", "voxtelesys"}
    assert all(dialect.name == name for name, dialect in dialects.items())


def test_it_is_built_once() -> None:
    assert load_dialects() is load_dialects()


@pytest.mark.parametrize("name", ["bird", "fonedynamics", "standard", "voc", "voxtelesys"])
def test_each_states_its_facts(name: str) -> None:
    facts = sys.modules[type(load_dialects()[name]).__module__].FACTS
    assert facts
    assert all(isinstance(fact, Fact) for fact in facts)
    assert len({fact.topic for fact in facts}) == len(facts)


def test_a_package_adds_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "acme = strange_dialects:ACME")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_dialects()["acme"].name == "acme"


@pytest.mark.parametrize(
    ("point", "says"),
    [
        ("acme = strange_dialects:MISSING", "could not be loaded"),
        ("acme = no_such_module:ACME", "could not be loaded"),
        ("other = strange_dialects:ACME", "calls itself 'acme'"),
        ("nameless = strange_dialects:__name__", "calls itself None"),
        ("bird = ringback.dialects.bird:DIALECT", "takes the name"),
    ],
)
def test_an_installation_that_would_speak_another_dialect_does_not_start(
    point: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, point)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadSettings, match=says):
        load_dialects()


def test_what_is_slow_to_import_is_not_loaded_before_it_is_needed() -> None:
    """`cryptography` costs memory that an installation without Ed25519 secrets never needs; a receiver needs no dialect."""
    code = (
        "import sys, ringback.receive.verify\n"
        "assert 'ringback.dialects.standard' not in sys.modules\n"
        "from ringback.dialects import load_dialects\n"
        "load_dialects()['standard'].samples()\n"
        "assert not [name for name in sys.modules if name.startswith('cryptography')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
