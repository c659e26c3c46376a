"""Fetched sounds on disk: `sounds/<SHA-256 of whose and where>`, a line of JSON and then PCM, up to so many bytes in all.

It can be thrown away at any time. What cannot be read is not there. Blocking: for threads, one at a time.
"""

import hashlib
import logging
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from ringback.switch.embedded.freshness import Freshness

log = logging.getLogger("ringback.sounds")

_HEAD_BYTES = 4_096


class Known(Struct, frozen=True):
    """A sound as it was fetched. `url`: to tell two of one hash apart, and for a person who looks."""

    url: str
    fresh: Freshness
    pcm: bytes = b""


class _Head(Struct, frozen=True):
    url: str
    fresh: Freshness
    size: int


class SoundFiles:
    """See the module."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._sizes: dict[str, int] | None = None
        """Bytes of each file, the one that was used longest ago first."""
        self._size = 0

    def get(self, account: str, url: str) -> Known | None:
        """What is kept of a URL for an account."""
        path = self._path(account, url)
        try:
            line, _, pcm = path.read_bytes().partition(b"\n")
            head = msgspec.json.decode(line, type=_Head)
        except (OSError, msgspec.DecodeError):
            return None
        if head.url != url or len(pcm) != head.size:
            return None
        self._used(path.name, len(line) + 1 + len(pcm))
        return Known(url, head.fresh, pcm)

    def put(self, account: str, known: Known) -> None:
        """Keeps a sound; others go where it needs their room."""
        path = self._path(account, known.url)
        line = msgspec.json.encode(_Head(known.url, known.fresh, len(known.pcm))) + b"\n"
        size = len(line) + len(known.pcm)
        if size > self._most_bytes // 4 or len(line) > _HEAD_BYTES:
            self.drop(account, known.url)
            return
        aside = path.with_suffix(".tmp")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with aside.open("wb") as file:
                file.write(line)
                file.write(known.pcm)
            aside.replace(path)
        except OSError as error:
            log.warning("a sound is not kept: %s", error.strerror)
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            return
        self._used(path.name, size)
        self._make_room()

    def drop(self, account: str, url: str) -> None:
        """Forgets a sound."""
        self._remove(self._path(account, url).name)

    def _path(self, account: str, url: str) -> Path:
        return self._folder / hashlib.sha256(f"{account} {url}".encode()).hexdigest()

    def _known(self) -> dict[str, int]:
        if self._sizes is None:
            found = []
            with suppress(OSError):
                for path in self._folder.iterdir():
                    with suppress(OSError):
                        stat = path.stat()
                        found.append((stat.st_mtime_ns, path.name, stat.st_size))
            self._sizes = {name: size for _, name, size in sorted(found)}
            self._size = sum(self._sizes.values())
        return self._sizes

    def _used(self, name: str, size: int) -> None:
        sizes = self._known()
        self._size += size - sizes.pop(name, 0)
        sizes[name] = size

    def _make_room(self) -> None:
        sizes = self._known()
        while self._size > self._most_bytes and sizes:
            self._remove(next(iter(sizes)))

    def _remove(self, name: str) -> None:
        self._size -= self._known().pop(name, 0)
        with suppress(OSError):
            (self._folder / name).unlink(missing_ok=True)
