"""`ringback backup` and `ringback restore`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ringback.calls.model import to_rfc3339
from ringback.ids import now_ms
from ringback.store import backup as copies
from ringback.store.sqlite.copying import Progress as Told


def backup(data: Path, target: Path, *, with_key: bool) -> int:
    """Copies a data directory, of a server that runs or not. Raises what `store.backup.backup` does."""
    with _shown() as told:
        made = copies.backup(data, target, now_ms(), told, with_key=with_key)
    print(f"ringback: {target}: {len(made.files)} files, {made.size} bytes, looked through and whole")
    if with_key:
        print("ringback: the secret key is in it: keep it as one keeps a key")
    else:
        print("ringback: the secret key is not in it: keep secret.key (or RINGBACK_SECRET_KEY) apart; nothing opens without it")
    return 0


def restore(source: Path, data: Path, *, dry_run: bool) -> int:
    """Brings a backup back into an empty directory. Raises what `store.backup.restore` does."""
    with _shown() as told:
        found = copies.restore(source, data, told, dry_run=dry_run)
    when = to_rfc3339(found.made_at_ms)
    done = "would be restored" if dry_run else "restored"
    print(f"ringback: {data}: {len(found.files)} files, {found.size} bytes of {when} {done}; all of it is whole")
    if not found.has_key:
        print(f"ringback: the secret key is not in it: put it into {data / 'secret.key'} (0600) or RINGBACK_SECRET_KEY")
    return 0


@contextmanager
def _shown() -> Iterator[Told]:
    """A bar per file on a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("")
        yield lambda what, done, total: bars.update(task, description=what, completed=done, total=total)
