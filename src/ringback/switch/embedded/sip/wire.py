"""Bytes of the wire as text that sippy can take, and back; what of them may be logged. Pure."""

import re

MAX_MESSAGE = 48 * 1024
"""Bytes of one message, whatever carries it."""
MAX_HEADERS = 200

# sippy compares Content-Length, which counts bytes, to the length of a text, and takes anything that str.splitlines knows for the
# end of a line: the second byte of an Å is one. So a byte is a character, and those few are elsewhere.
_ENDS = bytes((0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85))
_THERE = {code: 0xE000 + code for code in _ENDS}
_BACK = {0xE000 + code: code for code in _ENDS}
_SECRET = re.compile(r"^((?:proxy-)?(?:authorization|authenticate)|www-authenticate)[ \t]*:.*(?:\r?\n[ \t].*)*", re.I | re.M)
_TAG = rb"[^\r\n]*;[ \t]*tag[ \t]*=[ \t]*([^\s;,>\"]+)"
_NAMES = tuple(
    re.compile(rb"^(?:" + name + rb")[ \t]*:[ \t]*" + value, re.I | re.M)
    for name, value in ((rb"call-id|i", rb"(\S+)"), (rb"from|f", _TAG), (rb"to|t", _TAG))
)
_START = re.compile(rb"(?:SIP/2\.0 [1-6][0-9][0-9](?: [^\r\n]*)?|[A-Z][A-Za-z0-9.!%*_+`'~-]{0,31} [^ \r\n]{1,2000} SIP/2\.0)\r?\n")


def text_of(data: bytes) -> str:
    """A message as sippy takes it: as many characters as bytes."""
    return data.decode("latin-1").translate(_THERE)


def bytes_of(text: str) -> bytes:
    """The bytes of what `text_of` gave, or of ASCII."""
    return text.translate(_BACK).encode("latin-1", "replace")


def words_of(text: str | None) -> str:
    """What a person wrote, in the middle of a message: UTF-8 as it should be, without control characters."""
    words = bytes_of(text or "").decode("utf-8", "replace")
    return "".join(character for character in words if character.isprintable())[:200]


def wire_of(words: str) -> str:
    """The other way: our words, inside quotes of a message."""
    plain = "".join(character for character in words if character.isprintable() and character not in '"\\')
    return text_of(plain.encode()[:120].decode("utf-8", "ignore").encode())


def dialogue_of(data: bytes) -> tuple[str, str, str] | None:
    """The Call-ID and the tags of From and To, as they stand in a message; None if one of them does not."""
    header = data[:MAX_MESSAGE].split(b"\r\n\r\n", 1)[0]
    found: list[str] = []
    for pattern in _NAMES:
        named = pattern.search(header)
        if named is None:
            return None
        found.append(text_of(named[1]))
    call_id, from_tag, to_tag = found
    return call_id, from_tag, to_tag


def is_sip(data: bytes) -> bool:
    """True for what looks like a message and is of a size that one has. All else is not worth an answer (a keep-alive, noise)."""
    return 32 <= len(data) <= MAX_MESSAGE and _START.match(data) is not None and data.count(b"\n", 0, 16_384) <= MAX_HEADERS * 2


def shown(text: str) -> str:
    """A message for the log: the header alone (a body may hold keys that were pressed), without credentials."""
    header = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    return _SECRET.sub(r"\1: ***", header).replace("\r", "")
