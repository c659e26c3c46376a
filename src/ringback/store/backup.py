"""Copies of a data directory, made while a server works on it, and brought back elsewhere.

    backup.json          what there is, with sizes and SHA-256
    ringback.db          one moment of the truth: SQLite's backup inside one read transaction, so no commit waits for it
    attempts-….db        the attempt log, day by day, copied after it
    recordings/…         files, copied last: what the truth names is there
    secret.key, admin.key   only where asked for

A backup is a directory, or a `.tar` or `.tar.gz` of one. It has its name only once it is whole and was looked through.
"""

import hashlib
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

import ringback
from ringback.errors import BadSettings, OurError
from ringback.store.open import UNFINISHED, hold
from ringback.store.sqlite.copying import Progress, copy_database, opened
from ringback.store.sqlite.migrate import newest, version
from ringback.store.sqlite.store import FILE

MANIFEST: Final = "backup.json"
KEYS: Final = ("secret.key", "admin.key")
_ARCHIVES: Final = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz"}
_BLOCK: Final = 1024 * 1024


class Entry(Struct, frozen=True):
    """A file of a backup: its path within, its size in bytes, its SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds. `schema`: the version of the database. `has_key`: are the secret keys in it?"""

    ringback: str
    made_at_ms: int
    schema: int
    has_key: bool
    files: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(entry.size for entry in self.files)


def backup(data: Path, target: Path, made_at_ms: int, progress: Progress, *, with_key: bool = False) -> Manifest:
    """Copies a data directory to `target`, which must not be there yet (an empty directory may).

    Raises BadSettings (no data there, the target is taken), OurError (the copy is not whole, the disk is full).
    """
    if not (data / FILE).is_file():
        raise BadSettings(f"--data {data}: there is no {FILE} in it")
    archive = next((mode for suffix, mode in _ARCHIVES.items() if target.name.endswith(suffix)), None)
    if target.exists() and (archive or not target.is_dir() or any(target.iterdir())):
        raise BadSettings(f"{target} is there already")
    staged = target.with_name(f"{target.name}.partial")
    with _told():
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(mode=0o700, parents=True)
        try:
            manifest = _stage(data, staged, made_at_ms, progress, with_key=with_key)
            if archive is None:
                staged.replace(target)
            else:
                _pack(staged, target, archive, manifest, progress)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        _sync(target.parent)
    return manifest


def restore(source: Path, data: Path, progress: Progress, *, dry_run: bool = False) -> Manifest:
    """Brings a backup back into `data`, which must be absent or empty, after looking through all of it. `dry_run`: only looks.

    Raises BadSettings (what is given does not fit, or the directory is in use), OurError (the backup is not whole).
    """
    with _told(), _opened(source) as read:
        manifest = _manifest(source, read)
        if manifest.schema > newest("migrations"):
            raise BadSettings(f"{source} was made by a newer Ringback ({manifest.ringback}): use that one")
        if data.exists() and not data.is_dir():
            raise BadSettings(f"--data {data}: not a directory")
        if data.exists() and any(path.name != "lock" for path in data.iterdir()):
            raise BadSettings(f"--data {data}: not empty; restore into an empty directory")
        if dry_run:
            for entry in manifest.files:
                _check(entry, _digest(read(entry.path), entry, None, progress))
            return manifest
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with hold(data):
            _fill(data, manifest, read, progress)
    return manifest


# Making one


def _stage(data: Path, staged: Path, made_at_ms: int, progress: Progress, *, with_key: bool) -> Manifest:
    copy_database(data / FILE, staged / FILE, progress)
    for day in sorted(data.glob("attempts-????-??-??.db")):
        try:
            copy_database(day, staged / day.name, progress)
        except sqlite3.OperationalError:
            if day.exists():
                raise
            (staged / day.name).unlink(missing_ok=True)  # retention took it just now
    kept = data / "recordings"
    for path in sorted(kept.glob("*/*/*/*")) if kept.is_dir() else ():
        _copy_file(path, staged / path.relative_to(data), progress)
    for name in KEYS if with_key else ():
        if (data / name).is_file():
            _copy_file(data / name, staged / name, progress)
    paths = sorted(path for path in staged.rglob("*") if path.is_file())
    manifest = Manifest(
        ringback=ringback.__version__,
        made_at_ms=made_at_ms,
        schema=_look_through(staged / FILE),
        has_key=with_key,
        files=tuple(_entry(staged, path) for path in paths),
    )
    for path in paths:
        if path.suffix == ".db" and path.name != FILE:
            _look_through(path)
    (staged / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    for path in (*paths, staged / MANIFEST):
        path.chmod(0o600)
        _sync(path)
    return manifest


def _look_through(path: Path) -> int:
    """Checks a copied database whole; its version. Raises OurError."""
    with closing(opened(path, "mode=ro&immutable=1")) as connection:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if said != ["ok"]:
            raise OurError(f"{path.name} is not whole: {'; '.join(said)}")
        return version(connection)


def _copy_file(source: Path, target: Path, progress: Progress) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        target.unlink(missing_ok=True)  # replaced or forgotten just now
        return
    shutil.copystat(source, target)
    size = target.stat().st_size
    progress(source.name, size, size)


def _entry(root: Path, path: Path) -> Entry:
    with path.open("rb") as file:
        return Entry(str(path.relative_to(root)), path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _pack(staged: Path, target: Path, mode: str, manifest: Manifest, progress: Progress) -> None:
    fresh = target.with_name(f"{target.name}.tmp")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    try:
        with tarfile.open(fresh, mode) as archive:  # type: ignore[call-overload]
            done = 0
            archive.add(staged / MANIFEST, MANIFEST)
            for entry in manifest.files:
                archive.add(staged / entry.path, entry.path)
                done += entry.size
                progress(target.name, done, manifest.size)
        _sync(fresh)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


# Bringing one back


@contextmanager
def _opened(source: Path) -> Iterator[Callable[[str], Iterator[bytes]]]:
    """A way to read the files of a backup by their names. Raises BadSettings."""
    if source.is_dir():
        yield lambda name: _blocks(source / name)
        return
    try:
        archive = tarfile.open(source)  # noqa: SIM115 - closed below
    except (tarfile.TarError, EOFError) as error:
        raise BadSettings(f"{source} is no backup: neither a directory nor a tar archive that can be read") from error
    with archive:

        def read(name: str) -> Iterator[bytes]:
            file = archive.extractfile(name)
            if file is None:
                raise KeyError(name)
            with file:
                yield from iter(lambda: file.read(_BLOCK), b"")

        yield read


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(_BLOCK), b"")


def _manifest(source: Path, read: Callable[[str], Iterator[bytes]]) -> Manifest:
    try:
        manifest = msgspec.json.decode(b"".join(read(MANIFEST)), type=Manifest)
    except (msgspec.MsgspecError, KeyError, FileNotFoundError):
        raise BadSettings(f"{source} is no backup: it has no {MANIFEST} that can be read") from None
    for entry in manifest.files:
        path = Path(entry.path)
        if path.is_absolute() or ".." in path.parts:
            raise BadSettings(f"{source} is no backup of ours: it names {entry.path!r}")
    if FILE not in {entry.path for entry in manifest.files}:
        raise BadSettings(f"{source} is no backup: it has no {FILE}")
    return manifest


def _fill(data: Path, manifest: Manifest, read: Callable[[str], Iterator[bytes]], progress: Progress) -> None:
    """All files; while they are not all there, no server starts on the directory."""
    (data / UNFINISHED).touch(mode=0o600)
    _sync(data)
    for entry in manifest.files:
        path = data / entry.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check(entry, _digest(read(entry.path), entry, path, progress))
    for entry in manifest.files:
        if entry.path.endswith(".db"):
            _look_through(data / entry.path)
    (data / UNFINISHED).unlink()
    _sync(data)


def _digest(blocks: Iterator[bytes], entry: Entry, target: Path | None, progress: Progress) -> str:
    """Reads a file, writes it if there is a target; its SHA-256."""
    digest, done = hashlib.sha256(), 0
    out = None if target is None else os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    try:
        for block in blocks:
            digest.update(block)
            done += len(block)
            if out is not None:
                out.write(block)
            progress(entry.path, done, entry.size)
        if out is not None:
            out.flush()
            os.fsync(out.fileno())
    except KeyError:
        raise OurError(f"the backup is not whole: {entry.path} is missing") from None
    finally:
        if out is not None:
            out.close()
    return digest.hexdigest()


def _check(entry: Entry, sha256: str) -> None:
    if sha256 != entry.sha256:
        raise OurError(f"the backup is not whole: {entry.path} is not what was written")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told() -> Iterator[None]:
    """What the disk or SQLite says, in one line."""
    try:
        yield
    except (OSError, sqlite3.Error, tarfile.TarError, EOFError) as error:
        raise OurError(f"it could not be done: {error}") from error
