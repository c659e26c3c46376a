"""Recordings and transcripts of calls as files in the data directory.

    recordings/<account>/<day>/<call>/<kind>-<SHA-256>.<extension>
    recordings/incoming/…                                           what is being uploaded; emptied at start

`call` is the store's number of the call (`rec_…`), `day` the day (UTC) that this number carries: retention and erasure can go by
folder. The name tells all that is known of a file, so that one rename puts it in place whole. A file is on disk, its name too,
before anybody is told of it.
"""

import hashlib
import itertools
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal

from msgspec import Struct

from ringback.errors import StoreUnavailable
from ringback.ids import time_of, to_text

log = logging.getLogger("ringback.store")

Kind = Literal["recording", "transcription"]

_INCOMING: Final = "incoming"


class Kept(Struct, frozen=True):
    """A file that is kept. `size` in bytes; `sha256` in hexadecimal; `kept_at_ms`: when it came."""

    path: Path
    extension: str
    size: int
    sha256: str
    kept_at_ms: int


class Incoming:
    """A file that is being written, under a name that nobody looks for. Written from one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises StoreUnavailable."""
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()
        with _meaning():
            self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Raises StoreUnavailable (disk full)."""
        with _meaning():
            self._file.write(block)
        self._digest.update(block)
        self.size += len(block)

    def finish(self) -> None:
        """All of it is on disk when this returns. Raises StoreUnavailable."""
        with _meaning():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        """Nothing of it stays, unless it was kept."""
        with suppress(OSError):  # what could not be written cannot be flushed either
            self._file.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


class RecordingFiles:
    """See the module. Blocking: for reader threads. Whoever keeps and drops files of one call does so one at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreUnavailable."""
        self._folder = folder
        self._numbers = itertools.count(1)
        with _meaning():
            shutil.rmtree(folder / _INCOMING, ignore_errors=True)
            (folder / _INCOMING).mkdir(mode=0o700, parents=True)
            folder.chmod(0o700)

    def begin(self) -> Incoming:
        """A new file to write. Raises StoreUnavailable."""
        return Incoming(self._folder / _INCOMING / f"{next(self._numbers)}.tmp")

    def keep(self, incoming: Incoming, account: str, call: int, kind: Kind, extension: str) -> Kept:
        """Puts a finished file in its place; what was there stays beside it until `drop_others`. Raises StoreUnavailable."""
        folder = self._of_call(account, call)
        path = folder / f"{kind}-{incoming.sha256}.{extension}"
        with _meaning():
            levels = (folder.parent.parent, folder.parent, folder)
            for level in levels:
                level.mkdir(mode=0o700, exist_ok=True)
            os.utime(incoming.path)
            incoming.path.replace(path)
            for level in (*levels, self._folder):
                _sync(level)
            return _kept(path)

    def find(self, account: str, call: int, kind: Kind, meant: str = "") -> Kept | None:
        """The file of a call: of several the one whose SHA-256 begins with `meant`, else the newest. Raises StoreUnavailable."""
        with _meaning():
            found = self._all(account, call, kind)
            return max(found, key=lambda kept: (bool(meant) and kept.sha256.startswith(meant), kept.kept_at_ms), default=None)

    def drop_others(self, kept: Kept, account: str, call: int, kind: Kind) -> None:
        """What this file replaces goes. Raises StoreUnavailable."""
        with _meaning():
            for other in self._all(account, call, kind):
                if other.path != kept.path:
                    other.path.unlink(missing_ok=True)

    def drop(self, kept: Kept) -> None:
        """One file goes. Raises StoreUnavailable."""
        with _meaning():
            kept.path.unlink(missing_ok=True)

    def forget(self, account: str, call: int) -> None:
        """All files of a call go, and the folders that are empty then. Raises StoreUnavailable."""
        folder = self._of_call(account, call)
        with _meaning():
            if not folder.exists():
                return
            shutil.rmtree(folder)
            for level in (folder.parent, folder.parent.parent):
                with suppress(OSError):  # others have files there
                    level.rmdir()

    def _of_call(self, account: str, call: int) -> Path:
        day = datetime.fromtimestamp(time_of(call) // 1000, UTC).date().isoformat()
        return self._folder / account / day / to_text("rec", call)

    def _all(self, account: str, call: int, kind: Kind) -> list[Kept]:
        found = []
        for path in self._of_call(account, call).glob(f"{kind}-*"):
            with suppress(FileNotFoundError):  # another thread replaces it just now
                found.append(_kept(path))
        return found


def _kept(path: Path) -> Kept:
    stat = path.stat()
    return Kept(path, path.suffix[1:], stat.st_size, path.stem.partition("-")[2], stat.st_mtime_ns // 1_000_000)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _meaning() -> Iterator[None]:
    """Disk full, I/O error: nothing was kept. The operator's log says why, the caller is not told."""
    try:
        yield
    except OSError as error:
        log.error("recordings: %s", error)
        raise StoreUnavailable("the store cannot take or give anything now") from error
