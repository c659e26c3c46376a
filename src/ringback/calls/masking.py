"""Numbers as they are shown to who may not know them: +6128888****."""

import re
from typing import Any, Final

SHOWN_LEAST: Final = 3
HIDDEN: Final = 4
"""Digits that are hidden: the last ones, which tell one subscriber from another."""

_NUMBER: Final = re.compile(rf"(?<![0-9A-Za-z._/-])(\+?[0-9]{{{SHOWN_LEAST},11}})[0-9]{{{HIDDEN}}}(?![0-9A-Za-z._-])")
_KEPT: Final = frozenset({"id", "root", "parent", "leg", "call_id", "event_id", "endpoint_id", "status", "type", "url"})
"""Fields that hold names of ours or of the source's, and no numbers of people."""


def masked(text: str) -> str:
    """A text with every telephone number in it (7 to 15 digits that stand alone, in a SIP address too) without its last four. An
    extension of fewer digits stays: it is a place within the account."""
    return _NUMBER.sub(lambda found: found[1] + "*" * HIDDEN, text)


def masked_all(value: Any) -> Any:
    """Every text of what is shown as JSON; ids, times and URLs stay as they are."""
    if isinstance(value, dict):
        return {key: inner if key in _KEPT or key.endswith("_at") else masked_all(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked_all(inner) for inner in value]
    return masked(value) if isinstance(value, str) else value
