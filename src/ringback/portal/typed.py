"""What people type, as it is looked for. Pure."""

import re
from typing import Final

_WRITTEN: Final = re.compile(r"\+?[\d\s().\-/\u00a0\u2010-\u2013]+")


def typed_number(text: str) -> str:
    """A phone number as sources report it: people write spaces, hyphens and brackets between the digits, or paste them. What is no
    number (an extension with letters, a SIP URI) stays as it is."""
    return "".join(char for char in text if char == "+" or char.isdigit()) if _WRITTEN.fullmatch(text) else text
