"""How the demo is shown: a table that grows on a terminal, plain lines elsewhere, and the table that it ends with."""

import io
import re
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from ringback.demo.judge import Verdict

COLOURS = {"standard": "cyan", "bird": "blue", "fonedynamics": "magenta", "voc": "yellow", "voxtelesys": "bright_cyan"}
HOW = {"signature": "signature, phones", "tables": "tables, phones"}
LEGEND = (
    "signature: the receiver computed it anew. tables: a parser that knows only the platform's tables read every parameter. "
    "phones: who, when, how long and how it ended are as the phones of these calls saw it. 201 and 202 are extensions."
)
_CHROME = 9
"""Lines that the live table needs beside its rows."""
_WIDTH = 138
_THEME = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
    [
        (110, 118, 129),
        (255, 161, 152),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (240, 246, 252),
    ],
)


class Board:
    """The verdicts so far, drawn anew on each refresh: the last ones that fit. Only its owner's thread adds to `verdicts`."""

    def __init__(self, verdicts: Sequence[Verdict], expected: int) -> None:
        self._verdicts = verdicts
        self._expected = expected

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """For rich."""
        table = _table("arrived", "call", "dialect", "webhook", "verified by")
        rows = list(self._verdicts)[-max(options.size.height - _CHROME, 3) :]
        for verdict in rows:
            table.add_row(verdict.at[11:23], _story(verdict), _dialect(verdict.dialect), verdict.what, _mark(verdict))
        yield table
        yield Text(f" {len(self._verdicts)} of {self._expected} webhooks", "dim")


def plain_line(verdict: Verdict) -> str:
    """One webhook for a log."""
    mark = f"✓ {HOW[verdict.how]}" if not verdict.wrong else f"✗ {'; '.join(verdict.wrong)}"
    return f"{verdict.at[11:23]}  {_story(verdict):<36}  {verdict.dialect:<12}  {verdict.what:<24}  {mark}"


def complaint(verdict: Verdict) -> str:
    """What is wrong with one webhook, in a line."""
    call = f"{verdict.call.capture} ({verdict.call.story})" if verdict.call else "no call"
    return f"{call}: {verdict.dialect} {verdict.what}: {'; '.join(verdict.wrong)}"


def finished(verdicts: Sequence[Verdict]) -> Table:
    """All calls, each with what came of it in each dialect."""
    table = _table("call", "dialect", "webhooks", "", "verified by")
    table.caption, table.caption_justify = LEGEND, "left"
    groups: dict[str, dict[str, list[Verdict]]] = {}
    for verdict in verdicts:
        groups.setdefault(_story(verdict), {}).setdefault(verdict.dialect, []).append(verdict)
    for story, by_dialect in groups.items():
        table.add_section()
        title = story
        for dialect in sorted(by_dialect, key=[*COLOURS, *by_dialect].index):
            rows = by_dialect[dialect]
            worst = next((verdict for verdict in rows if verdict.wrong), rows[0])
            table.add_row(title, _dialect(dialect), _together(rows), str(len(rows)), _mark(worst))
            title = ""
    return table


def picture(table: Table) -> str:
    """The table as SVG: the same bytes for the same table, without a font from elsewhere."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(table)
    svg = console.export_svg(title="ringback demo", theme=_THEME, unique_id="ringback-demo")
    return re.sub(r"\s*@font-face \{.*?\}\n", "\n", svg, flags=re.DOTALL)


def _table(*columns: str) -> Table:
    table = Table(expand=False, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name else "right")
    return table


def _story(verdict: Verdict) -> str:
    return verdict.call.story if verdict.call else "?"


def _dialect(name: str) -> Text:
    return Text(name, COLOURS.get(name, "red"))


def _mark(verdict: Verdict) -> Text:
    return Text(f"✗ {verdict.wrong[0]}", "red") if verdict.wrong else Text(f"✓ {HOW[verdict.how]}", "green")


def _together(verdicts: Sequence[Verdict]) -> str:
    """`call.starting ×2, ringing`: each event once, in the order of its first, and the statuses of one event together."""
    events = [verdict.what.partition(" ")[0] for verdict in verdicts]
    count: dict[str, int] = {}
    for verdict in sorted(verdicts, key=lambda verdict: events.index(verdict.what.partition(" ")[0])):
        count[verdict.what] = count.get(verdict.what, 0) + 1
    parts: list[str] = []
    prefix = ""
    for what, n in count.items():
        stem = re.match(r"call\.|voice\.\w+ |inboundCall|outboundCall", what)
        short = what.removeprefix(prefix) if prefix and stem and stem[0] == prefix else what
        prefix = stem[0] if stem else ""
        parts.append(f"{short} ×{n}" if n > 1 else short)
    return ", ".join(parts)
