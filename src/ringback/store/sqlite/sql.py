"""SQL lives in `.sql` files beside what uses it: `-- name: x`, one English line, the statement."""

import re
from collections.abc import Mapping
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)\n-- ([^\n]+)\n", re.MULTILINE)


def load(file: str, package: str = __package__) -> Mapping[str, str]:
    """The statements of one file, by name. `package`: where it is."""
    text = (resources.files(package) / file).read_text("utf-8")
    parts = _NAME.split(text)
    return {name: statement.strip().removesuffix(";") for name, statement in zip(parts[1::3], parts[3::3], strict=True)}
