"""SQL lives in `.sql` files beside this module: `-- name: x`, one English line, the statement."""

import re
from collections.abc import Mapping
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)\n-- ([^\n]+)\n", re.MULTILINE)


def load(file: str) -> Mapping[str, str]:
    """The statements of one file, by name."""
    text = (resources.files(__package__) / file).read_text("utf-8")
    parts = _NAME.split(text)
    return {name: statement.strip().removesuffix(";") for name, statement in zip(parts[1::3], parts[3::3], strict=True)}
