"""docs/simulator.md and the example's README: commands, output, tables and tests are what they say."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringback.live.expectations import KINDS
from ringback.live.transcript import Entry
from ringback.switch.simulated.script import STEPS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "simulator.md").read_text()
BIN = Path(sys.executable).parent


def blocks(text: str, language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


def shell(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    words = shlex.split(command)
    return subprocess.run([str(BIN / words[0]), *words[1:]], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "menu.xml").write_text(blocks(PAGE, "xml")[0])
    return tmp_path


def test_the_first_call_is_as_the_page_shows_it(folder: Path) -> None:
    done = shell(blocks(PAGE, "sh")[0], folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == blocks(PAGE, "text")[0]


@pytest.mark.parametrize("command", blocks(PAGE, "sh")[1:])
def test_the_other_commands_work(folder: Path, command: str) -> None:
    done = shell(command, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout


def test_the_tables_have_every_step_and_every_kind() -> None:
    rows = {
        tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]) for line in PAGE.splitlines() if line.startswith("|")
    }
    for step, about in STEPS.items():
        assert (f"`{step}`".replace("|", "\\|"), about) in rows, step
    for name, kind in KINDS.items():
        assert (f"`{name}`", kind.about, f"`{kind.example}`".replace("|", "\\|")) in rows, name


def test_every_kind_of_entry_is_named() -> None:
    assert [kind.__struct_config__.tag for kind in Entry.__subclasses__() if f"`{kind.__struct_config__.tag}`" not in PAGE] == []


def run_pytest(folder: Path, source: str) -> "subprocess.CompletedProcess[str]":
    """As a project of its own would, with the plugin named: an installation made before it was one does not know it."""
    (folder / "test_it.py").write_text(source)
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "ringback.receive.testing",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "test_it.py",
    ]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_pages_test_passes(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, blocks(PAGE, "python")[0])
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


FAILS = """
import asyncio
from pathlib import Path

def write(text):
    Path("menu.xml").write_text(text)
    return "menu.xml"

def test_expectation(voxml_call):
    voxml_call(write("<Response><Say>Hello.</Say></Response>"), "answer", expect=["says 'Goodbye'"])

def test_problem(voxml_call):
    voxml_call(Path(write("<Response><Sya>Hello.</Sya></Response>")))

def test_allowed(voxml_call):
    call = voxml_call(write("<Response><Sya>Hello.</Sya></Response>"), allow_problems=True)
    assert call.problems[0].line == 1
    assert call.says[0].startswith("We are sorry")

def test_in_a_loop(voxml_call):
    async def main():
        assert voxml_call("menu.xml", allow_problems=True).duration_s == 6
        return await asyncio.to_thread(voxml_call, "menu.xml", allow_problems=True)
    assert asyncio.run(main()).status == "completed"

def test_plays(voxml_call):
    call = voxml_call(write("<Response><Play>x.wav</Play><Redirect>menu.xml</Redirect></Response>"), "wait 4s, hangup")
    assert call.plays == ["x.wav", "x.wav"]
    assert [request.path for request in call.requests] == ["/menu.xml"] * 2
    assert "MENU" in repr(call.requests[0]).upper()
    assert "voc inboundCallEnd" not in str(call) and "x.wav" in str(call)
"""


def test_a_failure_shows_the_transcript(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, FAILS)
    assert "2 failed, 3 passed" in done.stdout, done.stdout
    assert "✗ says 'Goodbye': the nearest: 00:00.0 say \"Hello.\"" in done.stdout
    assert "error  menu.xml, line 1, column 11" in done.stdout
    assert "1 | <Response><Sya>Hello.</Sya></Response>" in done.stdout
    assert "testing.py:" not in done.stdout  # the failure is the test's, not the plugin's


@pytest.fixture
def example() -> Iterator[tuple[str, str]]:
    """The README's two commands, the first of them started on a free port."""
    text = blocks((ROOT / "examples" / "captcha-menu" / "README.md").read_text(), "sh")[0].replace("\\\n", "")
    start, call = text.strip().split("&\n")
    words = shlex.split(start.replace("5000", "0"))
    with subprocess.Popen([sys.executable, *words[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), call
        process.terminate()


def test_the_examples_readme_works(example: tuple[str, str], tmp_path: Path) -> None:
    url, call = example
    done = shell(call.replace("http://127.0.0.1:5000/voice", url), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ says 'Omaha'" in done.stdout
