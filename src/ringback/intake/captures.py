"""Recordings of what a switch said, as updates in their order: what `ringback replay` sends.

Each kind of recording is read by a source (FreeSWITCH's is `ringback.switch.freeswitch.capture`); which one a file belongs to
shows in its first bytes. Files of any size are read in pieces.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from ringback.calls.model import Update
from ringback.errors import InvalidInput

HEAD_BYTES = 64 * 1024
PIECE_BYTES = 256 * 1024
MOST_SUFFIX = 24


class Recorded(Struct, frozen=True):
    """One update of a recording. `at_ms` is the recording's time; `account` None: the recording's settings assign none."""

    at_ms: int
    account: str | None
    update: Update


class CaptureSource(Protocol):
    """One kind of recording."""

    @property
    def name(self) -> str:
        """The switch, as the command line names it."""
        ...

    @property
    def reads(self) -> str:
        """What it reads, for the one whose file fits nothing."""
        ...

    def recognises(self, head: bytes) -> bool:
        """True if a file that begins so is of this kind."""
        ...

    def updates(self, chunks: Iterable[bytes]) -> Iterator[tuple[str | None, Update]]:
        """(account, update) each, in the recording's order. Raises InvalidInput where it cannot be read."""
        ...


def read_capture(
    path: Path,
    sources: Sequence[CaptureSource],
    *,
    suffix: str | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Iterator[Recorded]:
    """The updates of a recording.

    `suffix` makes the run's calls new ones: it is put behind the ids of calls, their parents and the updates' dedupe ids (at most
    24 characters; None keeps the ids, so that a second run makes nothing twice). `on_bytes` is told how many bytes more were read.

    Raises InvalidInput if no source knows the file, at once, or where it cannot be read, when it comes to that; OSError if there is
    no such file.
    """
    if suffix is not None and not 0 < len(suffix) <= MOST_SUFFIX:
        raise InvalidInput(f"a run's suffix has 1 to {MOST_SUFFIX} characters")
    with path.open("rb") as file:
        source = _source(file.read(HEAD_BYTES), path.name, sources)
    return _recorded(path, source, suffix, on_bytes)


def _recorded(path: Path, source: CaptureSource, suffix: str | None, on_bytes: Callable[[int], None] | None) -> Iterator[Recorded]:
    with path.open("rb") as file:
        for account, update in source.updates(_pieces(file.read, on_bytes)):
            renamed = update if suffix is None else _renamed(update, suffix)
            yield Recorded(update.at_ms, account, renamed)


def _source(head: bytes, name: str, sources: Sequence[CaptureSource]) -> CaptureSource:
    for source in sources:
        if source.recognises(head):
            return source
    raise InvalidInput(f"{name} is no recording that is read here. Read are: {'; '.join(source.reads for source in sources)}")


def _pieces(read: Callable[[int], bytes], on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    while piece := read(PIECE_BYTES):
        yield piece
        if on_bytes is not None:
            on_bytes(len(piece))


def _renamed(update: Update, suffix: str) -> Update:
    call = update.call
    parent = None if call.parent is None else _with(call.parent, suffix)
    call = replace(call, id=_with(call.id, suffix), parent=parent)
    return replace(update, call=call, id=None if update.id is None else _with(update.id, suffix))


def _with(text: str, suffix: str) -> str:
    """An id with its suffix, within the 128 characters that an id may have."""
    return f"{text[: 127 - len(suffix)]}-{suffix}"
