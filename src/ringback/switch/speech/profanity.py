"""The profanity filter of a Gather: swear words keep their first letter. English, and a short list of ours: a service that filters
more is welcome to.
"""

import re
from typing import Final

_STEMS: Final = (
    "fuck",
    "shit",
    "bullshit",
    "motherfuck",
    "cunt",
    "bitch",
    "asshole",
    "arsehole",
    "bastard",
    "dickhead",
    "wank",
    "twat",
)
_ENDINGS: Final = r"(?:s|es|ed|er|ers|y|ty|ing|in|face|head|heads)?"
_WORD: Final = re.compile(rf"\b(?:{'|'.join(_STEMS)}){_ENDINGS}\b", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with swear words as `s***`."""
    return _WORD.sub(lambda found: found[0][0] + "*" * (len(found[0]) - 1), text)
