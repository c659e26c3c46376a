"""SQL lives in .sql files, where it can be read, planned and tested by name: refuses statements written into Python."""

import ast
import re
import sys
from pathlib import Path

STATEMENT = re.compile(
    r"\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|REPLACE\s+INTO\s"
    r"|(CREATE|DROP|ALTER)\s+(TABLE|INDEX|UNIQUE|VIEW|TRIGGER)\b|WITH\s+\w+.*\bAS\s*\()",
    re.DOTALL,
)


def statements(path: Path) -> list[str]:
    """`file:line` of each string in a module that starts as a SQL statement does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [f"{path}:{node.lineno}: {str(node.value).strip()[:60]}" for node in strings if STATEMENT.match(str(node.value))]


def main() -> int:
    """1 when a module of the house holds SQL."""
    bad = [row for path in sorted(Path("src").rglob("*.py")) for row in statements(path)]
    if bad:
        print("sql: belongs into a .sql file:", *bad, sep="\n  ", file=sys.stderr)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
