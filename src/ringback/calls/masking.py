"""Numbers as they are shown to who may not know them: +6128888****."""

import re
from typing import Final

SHOWN_LEAST: Final = 3
HIDDEN: Final = 4
"""Digits that are hidden: the last ones, which tell one subscriber from another."""

_NUMBER: Final = re.compile(rf"(?<![0-9A-Za-z._/-])(\+?[0-9]{{{SHOWN_LEAST},11}})[0-9]{{{HIDDEN}}}(?![0-9A-Za-z._-])")
_KEPT: Final = frozenset({"id", "root", "parent", "leg", "call_id", "event_id", "endpoint_id", "url", "next_cursor"})
"""Fields that hold names of ours or of the source's, and no numbers of people."""
_TEXT: Final = re.compile(r'(?:"((?:[^"\\]|\\.)*)":)?"((?:[^"\\]|\\.)*)"')


def masked(text: str) -> str:
    """A text with every telephone number in it (7 to 15 digits that stand alone, in a SIP address too) without its last four. An
    extension of fewer digits stays: it is a place within the account."""
    return _NUMBER.sub(lambda found: found[1] + "*" * HIDDEN, text)


def masked_json(document: bytes) -> bytes:
    """JSON with the numbers in its texts masked, and of the same length: its head may be on its way already. Ids and URLs stay as
    they are."""
    return _TEXT.sub(lambda found: found[0] if found[1] in _KEPT else masked(found[0]), document.decode()).encode()
