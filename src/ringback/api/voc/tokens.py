"""The short-lived tokens that VOC's login gives: JSON Web Tokens (RFC 7519) with HMAC-SHA256, as the vendor's are JWTs.

A token names the account and the API key that it was got with, and is kept nowhere: it holds until its end, and as long as its key
is not revoked. Pure: keys and time come in as arguments.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

LIFETIME_S: Final = 3600
PURPOSE: Final = "tokens of VOC's API"
"""What the keys are derived for."""
MOST_CHARS: Final = 1000


class Claims(Struct, frozen=True):
    """What a token says: `sub` the account, `kid` the id of the API key, `exp` its end in Unix seconds."""

    sub: str
    kid: int
    exp: int


_HEADER: Final = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
_decode: Final = msgspec.json.Decoder(Claims).decode


def issue(keys: Sequence[bytes], account: str, key: int, now_ms: int) -> tuple[str, int]:
    """A token, signed with the first of `keys`, and its end in Unix milliseconds."""
    claims = Claims(account, key, now_ms // 1000 + LIFETIME_S)
    signed = f"{_HEADER}.{_text(msgspec.json.encode(claims))}"
    return f"{signed}.{_sign(keys[0], signed)}", claims.exp * 1000


def read(keys: Sequence[bytes], token: str, now_ms: int) -> Claims | None:
    """What a token of ours says that has not run out; None: it is none. Any of `keys` may have signed it; its header must be the
    one that we write, so nobody else chooses how it is checked."""
    if len(token) > MOST_CHARS or not token.isascii():
        return None
    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    if header != _HEADER or not any(hmac.compare_digest(_sign(key, signed), signature) for key in keys):
        return None
    try:
        claims = _decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, msgspec.DecodeError):
        return None
    return claims if claims.exp * 1000 > now_ms else None


def _sign(key: bytes, signed: str) -> str:
    return _text(hmac.digest(key, signed.encode(), "sha256"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
