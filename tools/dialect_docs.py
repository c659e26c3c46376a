"""Writes docs/reference/dialects.md from the dialects' own tables: what is documented, inferred and ours.

python tools/dialect_docs.py          writes it
python tools/dialect_docs.py --check  ends with 1 if it is not what the code says
"""

import sys
from importlib import import_module
from pathlib import Path

from ringback.dialects import load_dialects
from ringback.dialects.contract import Dialect, Fact

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "dialects.md"
TITLES = {
    "bird": "Bird",
    "fonedynamics": "Fone Dynamics",
    "voc": "Voice Over Cloud",
    "voxtelesys": "Voxtelesys",
    "standard": "Standard Webhooks",
}
HEAD = """# The five formats

What each platform's receiver gets from Ringback, and how sure we are of it. **documented**: the platform's own pages say so.
**inferred**: deduced from its samples, its software or its users' code. **ours**: nothing public was found, or the platform has no
such thing; this is what we do. This page is written by `tools/dialect_docs.py` from the tables in `src/ringback/dialects/`.

A request carries the headers that the platform's receivers know, `User-Agent`, and what HTTP itself needs; nothing else of ours.

| dialect | platform | events | methods | order by default | tries | time for one |
| --- | --- | --- | --- | --- | --- | --- |
"""


def facts_of(name: str) -> tuple[Fact, ...]:
    """The dialect's table."""
    facts: tuple[Fact, ...] = import_module(f"ringback.dialects.{name}").FACTS
    return facts


def page() -> str:
    """The whole page."""
    dialects = load_dialects()
    lines = [HEAD.rstrip("\n")]
    lines += [_row(name, dialects[name]) for name in TITLES]
    lines += ["", "One table for all of them:", "", "| dialect | topic | | how |", "| --- | --- | --- | --- |"]
    for name in TITLES:
        lines += [f"| {name} | {_cell(fact.topic)} | {fact.mark} | {_cell(fact.how)} |" for fact in facts_of(name)]
    lines += ["", "## Events by name", ""]
    for name, title in TITLES.items():
        lines.append(f"- **{title}** (`{name}`): " + ", ".join(f"`{event}`" for event in dialects[name].events))
    return "\n".join(lines) + "\n"


def _row(name: str, dialect: Dialect) -> str:
    tries = len(dialect.retry.delays_s) + 1
    methods, time = " or ".join(dialect.methods), f"{dialect.timeout_s:g} s"
    return f"| `{name}` | {TITLES[name]} | {len(dialect.events)} | {methods} | {dialect.default_order} | {tries} | {time} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """See the module."""
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_text() == text else 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
