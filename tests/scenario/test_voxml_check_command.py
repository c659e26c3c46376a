"""`ringback voxml check`: what is wrong with documents, at a terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "<Response>\n  <Say>Hello.</Say>\n  <Hangup/>\n</Response>\n"
WARNED = "<Response>\n  <Hangup/>\n  <Say>Too late.</Say>\n</Response>\n"
WRONG = '<Response>\n\t<Say loops="2">Hello ${name}.</Say>\n  <Pause length="61"/>\n</Response>\n'


def checked(*arguments: str, stdin: bytes = b"", where: Path | None = None) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
    done = subprocess.run(
        [sys.executable, "-m", "ringback", "voxml", "check", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=30,
        cwd=where,
        env={**clean, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "80"},
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("good", GOOD), ("warned", WARNED), ("wrong", WRONG)):
        (tmp_path / f"{name}.xml").write_text(text)
    return tmp_path


def test_each_problem_is_shown_with_its_line_and_a_caret(folder: Path) -> None:
    done = checked("wrong.xml", where=folder)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        'wrong.xml:2:7: error: "loops" is no attribute of <Say> [unknown-attribute]\n'
        '    2 |  <Say loops="2">Hello ${name}.</Say>\n'
        "      |       ^\n"
        '      = did you mean "loop"?\n'
        "wrong.xml:2:17: warning: <Say>: variables are read in expressions alone: this is taken as it stands [variable-in-text]\n"
        '    2 |  <Say loops="2">Hello ${name}.</Say>\n'
        "      |                 ^\n"
        'wrong.xml:3:10: error: length of <Pause>: "61" is not a whole number from 1 to 60 seconds [out-of-range]\n'
        '    3 |   <Pause length="61"/>\n'
        "      |          ^\n"
        "wrong.xml: 2 errors, 1 warning\n"
    )


@pytest.mark.parametrize(
    ("names", "code"), [(["good"], 0), (["warned"], 0), (["wrong"], 1), (["good", "warned"], 0), (["wrong", "good"], 1)]
)
def test_errors_alone_make_it_end_with_one(folder: Path, names: list[str], code: int) -> None:
    done = checked(*(f"{name}.xml" for name in names), where=folder)
    assert done.returncode == code
    said = {"good": "good", "warned": "1 warning", "wrong": "2 errors, 1 warning"}
    assert [line for line in done.stdout.splitlines() if line.startswith(tuple(f"{name}.xml: " for name in said))] == [
        f"{name}.xml: {said[name]}" for name in names
    ]


def test_a_document_comes_from_a_pipe() -> None:
    done = checked("-", stdin=b"\xef\xbb\xbf" + "<Response>\r\n<Say>é & x</Say></Response>".encode())
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "stdin:2:8: error: a lone & is not XML [xml]",
        "    2 | <Say>é & x</Say></Response>",
        "      |        ^",
        "      = write &amp; (and &amp;&amp; for &&)",
        "stdin: 1 error",
    ]


def test_json_has_a_line_for_each_document(folder: Path) -> None:
    done = checked("--json", "wrong.xml", "good.xml", where=folder)
    assert done.returncode == 1
    wrong, good = map(json.loads, done.stdout.splitlines())
    assert good == {"file": "good.xml", "ok": True, "problems": []}
    assert (wrong["file"], wrong["ok"], len(wrong["problems"])) == ("wrong.xml", False, 3)
    assert wrong["problems"][0] == {
        "line": 2,
        "column": 7,
        "severity": "error",
        "code": "unknown-attribute",
        "message": '"loops" is no attribute of <Say>',
        "hint": 'did you mean "loop"?',
    }


def test_what_cannot_be_opened_is_said(folder: Path) -> None:
    done = checked("good.xml", "none.xml", where=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ringback: none.xml: No such file or directory\n"
    assert checked("-", "-").returncode == 2


def test_a_document_does_not_steer_the_terminal_and_a_long_line_is_cut(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"<Response><Say>\x1b[31m" + b"x" * 500 + b"&</Say></Response>")
    done = checked("a.xml", where=tmp_path)
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 140
    (tmp_path / "b.xml").write_bytes(b"<Response>" + b"x" * 500 + b"<Nonsense/></Response>")
    told = [line for line in checked("b.xml", where=tmp_path).stdout.splitlines() if line[5:8] == " | "]
    for shown, caret in zip(told[::2], told[1::2], strict=True):
        assert shown[caret.index("^")] in "x<"
        assert len(shown) < 140


def test_no_file_is_a_mistake() -> None:
    assert checked().returncode == 2
