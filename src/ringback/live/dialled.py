"""Whom a document means by a number that it dials. Pure.

VoXML's vendor writes numbers with and without their plus (`+13005550100`, `13005550100`), applications those of their country too.
"""

import re
from typing import Final

from ringback.calls.numbers import classify

_WHOLE: Final = re.compile(r"[1-9][0-9]{9,14}")
"""Digits that are too many for an extension, and can be a number with its country's code."""
_SEPARATORS: Final = str.maketrans("", "", " -.()")


def as_dialled(text: str, country: str | None) -> str:
    """E.164 with its plus, if a number can be told; else the text as it is (an extension, a SIP address, a short number).
    `country`: ISO 3166 alpha-2, whose national numbers the account writes."""
    address = classify(text, country)
    if address.kind == "e164" and address.e164 is not None:
        return address.e164
    digits = address.text.translate(_SEPARATORS)
    return f"+{digits}" if address.kind == "unknown" and _WHOLE.fullmatch(digits) else address.text
