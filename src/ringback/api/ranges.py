"""Which part of a file a Range header asks for (RFC 9110 §14). Pure."""

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """Nothing of the file lies in the range."""


def wanted_part(header: str | None, size: int) -> tuple[int, int] | None:
    """(first byte, length) of the one range that a Range header asks for; None: all of it, also where the header is no range that
    we know (several at once, another unit), as RFC 9110 §14.2 lets a server do. Raises Unsatisfiable."""
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        if not length:
            raise Unsatisfiable
        return size - length, length
    first, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if found[2] and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return first, min(last, size - 1) - first + 1
