"""The size check: modules and functions that a person can hold in mind. Numbers from the house's habits.

Fails on a module over 600 lines, a function over 60 and a test module over 900; names modules over 400, which ask why.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE, ASK_WHY, FUNCTION, TEST_MODULE = 600, 400, 60, 900


def tracked() -> list[Path]:
    """Python files that git tracks, or will when they are added."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"]
    names = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split("\0")
    return [path for path in map(Path, filter(None, names)) if path.is_file()]


def long_functions(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """(name, line, lines) of each function that is too long, its decorators not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION:
                yield node.name, node.lineno, lines


def main() -> int:
    """1 when something is too long."""
    bad: list[str] = []
    ask: list[str] = []
    for path in tracked():
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        is_test = path.parts[0] == "tests"
        cap = TEST_MODULE if is_test else MODULE
        if lines > cap:
            bad.append(f"{path}: {lines} lines, at most {cap}")
        elif lines > ASK_WHY and not is_test:
            ask.append(f"{path}: {lines} lines")
        if not is_test:
            bad += [
                f"{path}:{line}: {name} has {size} lines, at most {FUNCTION}"
                for name, line, size in long_functions(ast.parse(text))
            ]
    if ask:
        print(f"sizes: over {ASK_WHY} lines, ask why:", *ask, sep="\n  ")
    if bad:
        print("sizes: too long:", *bad, sep="\n  ", file=sys.stderr)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
