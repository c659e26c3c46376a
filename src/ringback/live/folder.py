"""Documents in a folder, in place of an application: a document that is a file may name others beside it by relative URLs.

Such a file has a URL at a host that there is not (RFC 6761 §6.4), so that everything that joins and compares URLs works as it does
with an application's; `/v/sales` is the file `v/sales`, or else `v/sales.xml`, in the first document's folder. A document that is
given as text alone has such a URL, too, and nothing beside it.
"""

from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote, unquote, urlsplit

from ringback.errors import InvalidInput, NotFound

BASE: Final = "http://files.invalid/"
_SUFFIX: Final = ".xml"


class Documents(Protocol):
    """What stands in place of an application."""

    def url_of(self, file: Path) -> str:
        """The URL of a file among them. Raises InvalidInput."""
        ...

    def read(self, url: str) -> bytes:
        """What a URL of theirs stands for. Raises NotFound, which says what was looked for."""
        ...


class Sheet:
    """One document, as text. It touches no disk."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text.encode()

    @property
    def url(self) -> str:
        """The document's."""
        return BASE + quote(self._name)

    def url_of(self, file: Path) -> str:
        """There are no files. Raises InvalidInput."""
        raise InvalidInput(f"{file} is a file, and the first document is none: give its URL")

    def read(self, url: str) -> bytes:
        """The document. Raises NotFound for any other."""
        if unquote(urlsplit(url).path).strip("/") != self._name:
            raise NotFound(f"there is nothing but the document itself, no {page_of(url)}")
        return self._text


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
