"""Secrets at rest: AES-256-GCM with the installation's key.

The key comes from `RINGBACK_SECRET_KEY` or from a file `secret.key` that only its owner may read, made when there is none. Several
keys may be given: the first encrypts, all decrypt, so a key is changed by putting the new one in front and writing everything once
more. A sealed value is the key's id (4 bytes), the nonce (12 bytes), the ciphertext with its tag (NIST SP 800-38D). What it belongs
to is authenticated with it: a value that is moved to another row does not open.
"""

import base64
import binascii
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ringback.errors import BadSettings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE: Final = "secret.key"
KEY_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_URL_SAFE: Final = str.maketrans("-_", "+/")
_SETTING: Final = "RINGBACK_SECRET_KEY"


class SecretBox:
    """Seals and opens small secrets. `keys`: 32 bytes each, the current one first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_key_id(key): key for key in keys}
        self._current = _key_id(keys[0])
        self._in_order = tuple(keys)

    def __repr__(self) -> str:
        return "SecretBox(***)"

    def is_current(self, sealed: bytes) -> bool:
        """Was a value encrypted with the key that encrypts now?"""
        return sealed[:KEY_ID_BYTES] == self._current

    def check(self, key_ids: Sequence[bytes]) -> None:
        """Raises BadSettings if something was sealed with a key that is not among these."""
        if not self._keys.keys() >= set(key_ids):
            raise BadSettings(
                f"{_SETTING} (or secret.key) lacks a key that stored secrets are encrypted with: give the old key too"
            )

    def seal(self, plain: bytes, belongs_to: str) -> bytes:
        """`belongs_to` names the row; it must be said again to open."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._current + nonce + _cipher(self._keys[self._current]).encrypt(nonce, plain, belongs_to.encode())

    def open(self, sealed: bytes, belongs_to: str) -> bytes:
        """Raises BadSettings if the key is missing, or if the value was altered or belongs to something else."""
        from cryptography.exceptions import InvalidTag

        self.check([sealed[:KEY_ID_BYTES]])
        nonce = sealed[KEY_ID_BYTES : KEY_ID_BYTES + _NONCE_BYTES]
        try:
            return _cipher(self._keys[sealed[:KEY_ID_BYTES]]).decrypt(
                nonce, sealed[KEY_ID_BYTES + _NONCE_BYTES :], belongs_to.encode()
            )
        except InvalidTag as error:
            raise BadSettings(f"a stored secret does not open ({belongs_to}): the data was altered") from error

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """A key for another purpose from each of the keys, the current one's first: 32 bytes that tell nothing about it (one step
        of RFC 5869's expansion; the keys are random). What was signed holds for as long as the key behind it is among those given.
        """
        return tuple(hmac.digest(key, b"ringback " + purpose.encode() + b"\x01", "sha256") for key in self._in_order)


def secret_keys(given: Sequence[str], data: Path) -> list[bytes]:
    """The installation's keys: those given, or else those in `secret.key` (one per line, the current one first), made if need be.

    A key is 32 bytes as base64 (either alphabet) or hexadecimal. Raises BadSettings.
    """
    if given:
        return [_parse(text, _SETTING) for text in given]
    file = data / KEY_FILE
    if not file.exists():
        _write(file, [_new()])
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadSettings(f"{file} can be read by others: chmod 600 it")
    keys = [_parse(line, str(file)) for line in _lines(file)]
    if not keys:
        raise BadSettings(f"{file} is empty")
    return keys


def put_new_key(data: Path) -> None:
    """A new key stands first in the file; the older ones behind it. Raises OSError."""
    file = data / KEY_FILE
    _write(file, [_new(), *_lines(file)])


def keep_first_key(data: Path) -> None:
    """The older keys go from the file. Raises OSError."""
    file = data / KEY_FILE
    _write(file, _lines(file)[:1])


def _lines(file: Path) -> list[str]:
    return file.read_text("ascii", "replace").split()


def _new() -> str:
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _write(file: Path, lines: Sequence[str]) -> None:
    """Whole or not at all, and on disk before anything is encrypted with it."""
    fresh = file.with_suffix(".tmp")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write("".join(f"{line}\n" for line in lines).encode())
        out.flush()
        os.fsync(out.fileno())
    fresh.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _parse(text: str, where: str) -> bytes:
    text = text.strip()
    try:
        key = bytes.fromhex(text) if len(text) == 2 * _KEY_BYTES else base64.b64decode(text.translate(_URL_SAFE), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _KEY_BYTES:
        raise BadSettings(f"{where}: a key is 32 bytes as base64 or hexadecimal")
    return key


def _key_id(key: bytes) -> bytes:
    """Says which key it was, and nothing about it."""
    return sha256(b"ringback secret key\0" + key).digest()[:KEY_ID_BYTES]


def _cipher(key: bytes) -> "AESGCM":
    # Imported where it is needed: an installation without secrets need not hold OpenSSL's bindings in memory.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
