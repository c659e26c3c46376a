"""Documents in a folder, in place of an application: a document that is a file may name others beside it by relative URLs.

Such a file has a URL at a host that there is not (RFC 6761 §6.4), so that everything that joins and compares URLs works as it does
with an application's; `/v/sales` is the file `v/sales`, or else `v/sales.xml`, in the first document's folder.
"""

from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from ringback.errors import InvalidInput, NotFound

BASE: Final = "http://files.invalid/"
_SUFFIX: Final = ".xml"


class Folder:
    """See the module."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def url_of(self, file: Path) -> str:
        """The URL of a file in the folder. Raises InvalidInput for one that is not there, or elsewhere."""
        path = file.resolve()
        if not path.is_file():
            raise InvalidInput(f"there is no file {file}")
        if not path.is_relative_to(self._root):
            raise InvalidInput(f"{file} is not in {self._root}, where the first document is")
        return BASE + quote(path.relative_to(self._root).as_posix())

    def read(self, url: str) -> bytes:
        """What a URL of the folder stands for, whatever its query. Raises NotFound, which says what was looked for."""
        name = unquote(urlsplit(url).path).strip("/")
        for wanted in (name, name + _SUFFIX):
            try:
                path = (self._root / wanted).resolve()
                # A document may not lead out of its folder, neither by its path nor by a link.
                if wanted and path.is_relative_to(self._root) and path.is_file():
                    return path.read_bytes()
            except (OSError, ValueError):  # a name that cannot be a file's
                continue
        raise NotFound(
            f"there is no file {name}{'' if name.endswith(_SUFFIX) else f' or {name}{_SUFFIX}'} beside the first document"
        )


def is_file_url(url: str) -> bool:
    """Is it the URL of a file in the folder?"""
    return url.startswith(BASE)


def page_of(url: str) -> str:
    """A URL for people: a file by its name."""
    return url.removeprefix(BASE)
