"""8-byte hashes that stand for texts in indexes. Keyed by the installation, so that nobody can make two ids collide on purpose."""

from functools import lru_cache
from hashlib import blake2b


class Keys:
    """`salt` is the installation's secret for hashing: it never changes."""

    def __init__(self, salt: bytes) -> None:
        self._call = blake2b(b"call\0", digest_size=8, key=salt)
        self._number = blake2b(b"number\0", digest_size=8, key=salt)
        self._crm = blake2b(b"crm\0", digest_size=8, key=salt)
        self._update = blake2b(b"update\0", digest_size=8, key=salt)

    def call(self, account: str, call_id: str) -> int:
        """For a call, by the source's id."""
        return _signed(self._call, account, call_id)

    def number(self, account: str, number: str) -> int:
        """For a number of a call; 0 for none."""
        return _signed(self._number, account, number) or 1 if number else 0

    def crm(self, account: str, crm_id: str) -> int:
        """For the id that a CRM knows a call by."""
        return _signed(self._crm, account, crm_id)

    def update(self, account: str, update_id: str) -> int:
        """For an update's dedupe key."""
        return _signed(self._update, account, update_id)


@lru_cache(maxsize=4_096)  # an update asks for most of its hashes twice: when it is loaded, and when it is written
def _signed(start: blake2b, account: str, text: str) -> int:
    # Accounts are UUIDs: the zero byte keeps (account, text) apart. Broken text must hash too, so that it can be looked for.
    made = start.copy()
    made.update(f"{account}\0{text}".encode("utf-8", "surrogatepass"))
    return int.from_bytes(made.digest(), "big", signed=True)
