"""One document for each thing that VoXML can do: shown in the docs, read and run in tests."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def names() -> tuple[str, ...]:
    """The examples' names, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.xml")))


def example(name: str) -> bytes:
    """A document. Raises KeyError for a name that is none of `names`."""
    if name not in names():
        raise KeyError(name)
    return (_FOLDER / f"{name}.xml").read_bytes()
