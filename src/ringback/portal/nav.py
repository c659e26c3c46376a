"""The groups of pages, and what the navigation shows of them."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Group(NamedTuple):
    """Pages that belong together: one module in `portal/pages`, one line in its table. `title`, `icon` and `path` are the entry in
    the navigation (no title: none); `path` is below `/portal/<account>`, of the operator's own pages (`of_operator`) below
    `/portal`. `icon`: a symbol of templates/icons.html."""

    routes: Sequence[Any]
    title: str = ""
    icon: str = ""
    path: str = ""
    of_operator: bool = False


class Area(NamedTuple):
    """An entry of the navigation. `is_here`: the page that is shown belongs to it."""

    title: str
    icon: str
    url: str
    is_here: bool


def areas(groups: Iterable[Group], home: str | None, path: str, *, is_operator: bool) -> list[Area]:
    """The entries for a page at `path`. `home`: what the account's pages begin with, None: the page is about no account."""
    found = []
    for group in groups:
        base = "/portal" if group.of_operator else home
        if group.title and base is not None and (is_operator or not group.of_operator):
            url = base + group.path
            is_here = path.rstrip("/") == url or (bool(group.path) and path.startswith(f"{url}/"))
            found.append(Area(group.title, group.icon, url, is_here))
    return found
