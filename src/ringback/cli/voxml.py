"""`ringback voxml`: documents at a terminal. `check` reads them and says what is wrong, each time with the line and a caret; `run`
(voxml_run) runs them on a simulated call."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringback.cli import voxml_run
from ringback.errors import InvalidInput

if TYPE_CHECKING:
    from rich.text import Text

    from ringback.voxml.problem import Problem

voxml = typer.Typer(name="voxml", help="Documents that say what happens on a call.", no_args_is_help=True)

_STDIN = Path("-")
_WIDTH = 120
"""Of a line that is shown; of a longer one, what is around the caret."""


@voxml.callback()
def documents() -> None:
    """Documents that say what happens on a call."""


@voxml.command(
    epilog="Examples: [bold]ringback voxml check menu.xml voicemail.xml[/bold], "
    "[bold]curl -s https://app.example.com/voice | ringback voxml check -[/bold], "
    "[bold]ringback voxml check --json *.xml[/bold]"
)
def check(
    files: Annotated[list[Path], typer.Argument(help="VoXML documents; - is stdin.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for each document.")] = False,
) -> None:
    """Says what is wrong with VoXML documents: what stops a call, and what is surely not meant.

    Ends with 1 if a document has errors, with 0 if it has none or warnings alone, with 2 if it cannot be opened.
    """
    from ringback.cli.process import guarded

    raise typer.Exit(guarded(lambda: check_files(files, as_json=as_json)))


voxml.command(name="run", epilog=voxml_run.EPILOG)(voxml_run.run)


def check_files(files: Sequence[Path], *, as_json: bool = False) -> int:
    """Checks and prints. The exit code: 1 if there are errors, else 0. Raises InvalidInput for a file that cannot be read."""
    from ringback.voxml.parse import check as problems_of

    if files.count(_STDIN) > 1:
        raise InvalidInput("stdin can be read once")
    contents = [(path, _read(path)) for path in files]
    wrong = False
    for path, content in contents:
        problems = problems_of(content)
        wrong |= any(one.severity == "error" for one in problems)
        name = "stdin" if path == _STDIN else str(path)
        if as_json:
            _print_json(name, problems)
        else:
            _print(name, content, problems)
    return int(wrong)


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == _STDIN else path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from None


def _print_json(name: str, problems: "list[Problem]") -> None:
    import msgspec

    ok = all(one.severity != "error" for one in problems)
    print(msgspec.json.encode({"file": name, "ok": ok, "problems": problems}).decode())


def _print(name: str, content: bytes, problems: "list[Problem]") -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    lines = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for one in problems:
        for line in _told(name, lines, one):
            console.print(line)
    console.print(_summary(name, problems))


def _told(name: str, lines: list[str], one: "Problem") -> "Iterator[Text]":
    """One problem: where and what, the line, and a caret below what is wrong."""
    from rich.text import Text

    style = "red" if one.severity == "error" else "yellow"
    said = Text(f"{_printable(name)}:{one.line}:{one.column}: ", "bold")
    said.append(f"{one.severity}: ", f"bold {style}")
    said.append(one.message)
    said.append(f" [{one.code}]", "dim")
    yield said
    number = f"{one.line:>5} | "
    shown, caret = _around(lines[one.line - 1] if one.line <= len(lines) else "", one.column - 1)
    yield Text(number, "dim").append(shown)
    yield Text(f"{'':>5} | ", "dim").append(" " * caret + "^", f"bold {style}")
    if one.hint:
        yield Text(f"{'':>5} = ", "dim").append(one.hint)


def _around(line: str, at: int) -> tuple[str, int]:
    """A line as it can be shown, and where the caret stands below it."""
    line = _printable(line)
    if len(line) <= _WIDTH:
        return line, min(at, len(line))
    start = max(0, min(at - _WIDTH // 3, len(line) - _WIDTH))
    cut = line[start : start + _WIDTH]
    head = "…" if start else ""
    return head + cut + ("…" if start + _WIDTH < len(line) else ""), at - start + len(head)


def _printable(text: str) -> str:
    """Nothing in a document may steer a terminal; a tab is one column, as in the problem's."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def _summary(name: str, problems: "list[Problem]") -> "Text":
    from rich.text import Text

    errors = sum(one.severity == "error" for one in problems)
    warnings = len(problems) - errors
    counts = [_count(errors, "error"), _count(warnings, "warning")]
    said = ", ".join(filter(None, counts)) or "good"
    return Text(f"{_printable(name)}: {said}", "red" if errors else "yellow" if warnings else "green")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""
