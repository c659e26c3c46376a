"""Values in the shapes that platforms expect: ids of another form than the source's, and times, made cheap for the hot path.

An id that already has a platform's form is kept as it is. Any other is derived by a hash that is stable over time, restarts and
installations, from the account and the source's id: two accounts whose switches count alike never share a derived id.
"""

import base64
import re
import string
from functools import lru_cache
from hashlib import blake2b, sha256
from uuid import UUID, uuid5

from ringback.calls.model import to_rfc3339

_NAMESPACE = UUID("b9c7a1de-2f6b-5d0c-8a51-7f0f4f1f2b6e")
_UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CHECK_BITS = 59
_CHECK = (1 << _CHECK_BITS) - 1
_NUMBER = (1 << 63) - 1
_LETTERS = string.ascii_uppercase
_MILLISECONDS = tuple(f".{ms:03d}Z" for ms in range(1000))
_CACHED = 16_384


def life(call_id: str, generation: int) -> str:
    """One life of a source's call id: the id itself, and another text for each time the id was used again, since a receiver that
    knows a call by its id must not take the new call for the old one."""
    return call_id if generation == 1 else f"{call_id}#{generation}"


def is_uuid(text: str) -> bool:
    """32 hex digits, of either case, with the hyphens of RFC 9562."""
    return _UUID_FORM.fullmatch(text) is not None


@lru_cache(maxsize=_CACHED)
def as_uuid(account: str, text: str) -> str:
    """`text` if it is a UUID, else the UUID (version 5) of it within the account."""
    return text if is_uuid(text) else derived_uuid(account, text)


def derived_uuid(account: str, text: str) -> str:
    """The UUID of a text within the account, whatever its form; not remembered, for texts that come once."""
    return str(uuid5(_NAMESPACE, f"{account}/{text}"))


def carrying_uuid(account: str, kind: str, number: int) -> str:
    """A UUID from which `carried_number` reads the 63-bit number again, without a table: of one kind of thing within the account.

    It has 122 free bits: 59 are a hash of the number, the other 63 are the number itself, hidden by a hash of those. So it looks
    like any derived id, and one that was guessed or belongs to another account carries nothing. Its version says 5 (derived by a
    hash) and not 8, since many receivers' checks know the versions 1 to 5 alone.
    """
    check = _short_hash(kind, account, number) & _CHECK
    bits = (number ^ _short_hash(kind, account, check) & _NUMBER) << _CHECK_BITS | check
    text = f"{bits >> 74:012x}5{bits >> 62 & 0xFFF:03x}{1 << 63 | bits & (1 << 62) - 1:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def carried_number(account: str, kind: str, text: str) -> int | None:
    """The number that a `carrying_uuid` of this kind and account carries; None: it is none."""
    if not is_uuid(text):
        return None
    value = int(text.replace("-", ""), 16)
    bits = value >> 80 << 74 | (value >> 64 & 0xFFF) << 62 | value & (1 << 62) - 1
    number = bits >> _CHECK_BITS ^ _short_hash(kind, account, bits & _CHECK) & _NUMBER
    return number if carrying_uuid(account, kind, number) == text.lower() else None


@lru_cache(maxsize=_CACHED)
def as_sid(prefix: str, account: str, text: str) -> str:
    """`text` if it is 32 capital letters that begin with the two of `prefix` (`CA`), else such an id derived from it."""
    if len(text) == 32 and text.startswith(prefix) and all(letter in _LETTERS for letter in text):
        return text
    number = _hash(prefix, account, text)
    letters = []
    for _ in range(30):
        number, digit = divmod(number, 26)
        letters.append(_LETTERS[digit])
    return prefix + "".join(letters)


@lru_cache(maxsize=_CACHED)
def as_digits(account: str, text: str, length: int) -> str:
    """`text` if it is decimal digits (of any length), else `length` digits derived from it, the first of them not 0."""
    if text.isascii() and text.isdigit():
        return text
    return str(10 ** (length - 1) + _hash("digits", account, text) % (9 * 10 ** (length - 1)))


def rfc3339(at_ms: int) -> str:
    """`2026-11-20T12:00:00.250Z`: what `calls.model.to_rfc3339` gives, without formatting a date anew for each event."""
    second, ms = divmod(at_ms, 1000)
    return _second(second) + _MILLISECONDS[ms]


def decode_base64(text: str) -> bytes | None:
    """The bytes of standard base64, with its padding or without; None if it is not base64."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return to_rfc3339(second * 1000)[:-5]


def _short_hash(kind: str, account: str, number: int) -> int:
    return int.from_bytes(blake2b(f"{kind}\0{account}\0{number}".encode(), digest_size=8).digest(), "big")


def _hash(kind: str, account: str, text: str) -> int:
    return int.from_bytes(sha256(f"{kind}\0{account}\0{text}".encode()).digest(), "big")
