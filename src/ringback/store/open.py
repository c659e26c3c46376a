"""Opening a store: one data directory, one server."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ringback import ids
from ringback.errors import BadSettings
from ringback.store.secrets import SecretBox, secret_keys
from ringback.store.sqlite.store import SqliteStore

UNFINISHED: Final = "restore-unfinished"
"""Stands in a directory that a backup is being restored into: a server would begin an empty database beside it."""
_LOCK: Final = "lock"


def open_store(
    data: Path,
    keys: Sequence[str] = (),
    *,
    lock: bool = True,
    clock: Callable[[], int] = ids.now_ms,
    upkeep: bool = True,
) -> "OpenStore":
    """The store of a data directory, which is made (0700) if there is none.

    `keys`: the secret keys as text, the current one first; none: those in the directory's `secret.key`, made if need be. `lock`
    False leaves out the lock that keeps a second server away. Raises BadSettings if the directory is in use, cannot be written,
    belongs to a newer version or holds secrets of a key that was not given; StoreUnavailable if the disk fails.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = _lock(data) if lock else None
    except OSError as error:
        raise BadSettings(f"--data {data}: {error.strerror}") from error
    try:
        if (data / UNFINISHED).exists():
            raise BadSettings(f"--data {data}: a restore into it did not end; empty it and restore again")
        return OpenStore(data, SecretBox(secret_keys(keys, data)), clock, held, upkeep=upkeep)
    except BaseException:
        if held is not None:
            os.close(held)
        raise


class OpenStore(SqliteStore):
    """A store that holds its directory's lock until it is closed."""

    def __init__(self, data: Path, box: SecretBox, clock: Callable[[], int], held: int | None, *, upkeep: bool) -> None:
        super().__init__(data, box, clock, upkeep=upkeep)
        self._held = held

    def __enter__(self) -> "OpenStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of everything; what was committed stays."""
        super().close()
        if self._held is not None:
            os.close(self._held)
            self._held = None


@contextmanager
def hold(data: Path) -> Iterator[None]:
    """Keeps servers, and other commands that want the directory for themselves, away. Raises BadSettings if it is in use."""
    try:
        held = _lock(data)
    except OSError as error:
        raise BadSettings(f"--data {data}: {error.strerror}") from error
    try:
        yield
    finally:
        os.close(held)


def _lock(data: Path) -> int:
    """An open file that is locked for as long as it is open: the kernel lets go of it even after kill -9."""
    descriptor = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(descriptor, 32).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise BadSettings(f"--data {data} is in use by another ringback (process {owner or 'unknown'})") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
