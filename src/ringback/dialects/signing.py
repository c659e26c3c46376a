"""Signatures: Standard Webhooks `v1` (HMAC-SHA256) and `v1a` (Ed25519), and Bird's. Pure; the same code signs and verifies.

Standard Webhooks 1.0.0 signs `{id}.{timestamp}.{body}`. A secret is `whsec_` and the base64 of 24 to 64 bytes; an Ed25519 key pair
is `whsk_` and the base64 of its 64 bytes (seed, then public key), its public half alone `whpk_` and 32 bytes.
Bird signs `timestamp LF url LF SHA-256(body)`, the digest as 32 raw bytes, with the key's own bytes: a key that looks like base64
is not decoded (docs.bird.com, "Verifying a webhook subscription").
"""

import hmac
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from ringback.dialects.shapes import decode_base64
from ringback.errors import InvalidInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HMAC_PREFIX = "whsec_"
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
MIN_SECRET_BYTES = 24
MAX_SECRET_BYTES = 64
_SEED_BYTES = 32
_CACHED = 4096
_PIECE_BYTES = 2047


def sign_standard(secrets: Iterable[str], message_id: str, timestamp: str, body: bytes) -> str:
    """The `webhook-signature` header: one signature per secret, in their order, separated by spaces.

    Raises InvalidInput for a secret that is none.
    """
    content = standard_content(message_id, timestamp, body)
    return " ".join(
        [v1a(secret, content) if secret.startswith(PRIVATE_PREFIX) else v1(hmac_key(secret), content) for secret in secrets]
    )


def standard_content(message_id: str, timestamp: str, body: bytes) -> bytes:
    """What is signed. `timestamp` is the header's text."""
    return f"{message_id}.{timestamp}.".encode() + body


def v1(key: bytes, content: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256."""
    return "v1," + _base64(_hmac_sha256(key, content))


def v1a(secret: str, content: bytes) -> str:
    """`v1a,` and the base64 of the Ed25519 signature by a `whsk_` secret. Deterministic, as Ed25519 is."""
    return "v1a," + _base64(_private_key(secret).sign(content))


def is_v1a(secret: str, content: bytes, signature: str) -> bool:
    """Does `v1a,…` hold for the content? `secret` is `whpk_…`, or the `whsk_…` that contains it."""
    from cryptography.exceptions import InvalidSignature

    key = _public_key(secret)
    raw = decode_base64(signature.removeprefix("v1a,"))
    if raw is None or "v1a," + _base64(raw) != signature:  # base64 has spare bits: only the canonical text counts
        return False
    try:
        key.verify(raw, content)
    except InvalidSignature:
        return False
    return True


def _hmac_sha256(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256. Python hands the interpreter to another thread for every piece of 2 KiB or more that it hashes, and waits to get
    it back, which takes many times as long as the hash; so longer content goes in by smaller pieces."""
    if len(content) < _PIECE_BYTES:
        return hmac.digest(key, content, "sha256")
    mac = _keyed(key).copy()
    for start in range(0, len(content), _PIECE_BYTES):
        mac.update(content[start : start + _PIECE_BYTES])
    return mac.digest()


@lru_cache(maxsize=_CACHED)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def sign_bird(key: str, timestamp: str, url: str, body: bytes) -> str:
    """The `messagebird-signature` header. `timestamp` is the text of its header, `url` the subscribed one, byte for byte."""
    content = f"{timestamp}\n{url}\n".encode() + sha256(body).digest()
    return _base64(hmac.digest(key.encode(), content, "sha256"))


def hmac_secret(raw: bytes) -> str:
    """The `whsec_` text of these 24 to 64 bytes."""
    return HMAC_PREFIX + _base64(raw)


def check_standard_secret(secret: str) -> None:
    """Is it a secret that we would sign with? Raises InvalidInput (field `secret`) that says what is wrong, never the secret."""
    if secret.startswith(PRIVATE_PREFIX):
        _private_key(secret)
        return
    if not secret.startswith(HMAC_PREFIX):
        raise InvalidInput(f"must begin with {HMAC_PREFIX} (HMAC) or {PRIVATE_PREFIX} (Ed25519)", "secret")
    if not MIN_SECRET_BYTES <= len(hmac_key(secret)) <= MAX_SECRET_BYTES:
        raise InvalidInput(f"must be base64 of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes after {HMAC_PREFIX}", "secret")


def check_receiver_secret(secret: str) -> None:
    """Is it something that a receiver can verify with? Raises InvalidInput."""
    if secret.startswith((PRIVATE_PREFIX, PUBLIC_PREFIX)):
        _public_key(secret)
    else:
        hmac_key(secret)


@lru_cache(maxsize=_CACHED)
def hmac_key(secret: str) -> bytes:
    """The bytes of an HMAC secret, with its prefix or (as other libraries accept) without. Raises InvalidInput."""
    key = decode_base64(secret.removeprefix(HMAC_PREFIX))
    if not key:
        raise InvalidInput(f"must be base64 after {HMAC_PREFIX}, and not empty", "secret")
    return key


@lru_cache(maxsize=_CACHED)
def _private_key(secret: str) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pair = decode_base64(secret.removeprefix(PRIVATE_PREFIX)) or b""
    if len(pair) != 2 * _SEED_BYTES:
        raise InvalidInput(f"must be base64 of 64 bytes after {PRIVATE_PREFIX}: an Ed25519 seed and its public key", "secret")
    key = Ed25519PrivateKey.from_private_bytes(pair[:_SEED_BYTES])
    if key.public_key().public_bytes_raw() != pair[_SEED_BYTES:]:
        raise InvalidInput("its public half does not belong to its private half", "secret")
    return key


@lru_cache(maxsize=_CACHED)
def _public_key(secret: str) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if secret.startswith(PRIVATE_PREFIX):
        return _private_key(secret).public_key()
    raw = decode_base64(secret.removeprefix(PUBLIC_PREFIX)) or b""
    if len(raw) != _SEED_BYTES:
        raise InvalidInput(f"must be base64 of 32 bytes after {PUBLIC_PREFIX}", "secret")
    return Ed25519PublicKey.from_public_bytes(raw)


def _base64(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).decode()
