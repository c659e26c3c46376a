"""`ringback replay`: a recording of what a switch said, sent to a server as if it happened again."""

import contextlib
import itertools
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from ringback.calls.model import Update, to_rfc3339
from ringback.cli.child import Client, own_server
from ringback.errors import BadSettings, InvalidInput, OurError
from ringback.intake.captures import Recorded, read_capture
from ringback.switch.freeswitch.capture import FreeswitchCapture
from ringback.switch.freeswitch.settings import FreeswitchSettings, read_freeswitch_settings

BATCH = 200
_MOST_TRIES = 60


class Replay(Struct, frozen=True, kw_only=True):
    """What the command was told. `speed` 1 is real time, 10 ten times as fast; 0: as fast as the server takes it."""

    file: Path
    source: str
    speed: float = 0.0
    server: str | None = None
    key: str | None = None
    keep_ids: bool = False
    config: Path | None = None


class Totals(Struct):
    """What the server said."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    deliveries: int = 0
    refused: int = 0
    first_refusal: str = ""


def wire(recorded: Recorded) -> dict[str, Any]:
    """An update as `POST /v1/events` takes it."""
    update: Update = recorded.update
    item: dict[str, Any] = {"type": update.type, "at": to_rfc3339(update.at_ms), "call": msgspec.to_builtins(update.call)}
    if update.id is not None:
        item["id"] = update.id
    if update.data:
        item["data"] = update.data
    if recorded.account is not None:
        item["account"] = recorded.account
    return item


def replay(told: Replay) -> int:
    """Sends it. The exit code: 0 if all was acknowledged, else 1. Raises InvalidInput, BadSettings, OurError."""
    if (told.server is None) != (told.key is None):
        raise BadSettings("--server and --key go together")
    source = FreeswitchCapture(_settings(told))
    suffix = None if told.keep_ids else secrets.token_hex(4)
    size = told.file.stat().st_size
    console = Console(stderr=True)
    # What is no recording is told before a server is started for it.
    recorded = read_capture(told.file, [source], suffix=suffix, on_bytes=lambda count: progress.advance(task, count))
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(contextlib.closing(_client(told, stack, console)))
        progress = stack.enter_context(
            Progress(
                TextColumn(told.file.name), BarColumn(), DownloadColumn(), TimeElapsedColumn(), console=console, transient=True
            )
        )
        task = progress.add_task("", total=size)
        totals = send(client, recorded, told.speed)
    console.print(
        f"{told.file.name}: {totals.sent} updates sent, {totals.accepted} accepted, {totals.duplicates} known already, "
        f"{totals.deliveries} deliveries" + (f", {totals.refused} refused: {totals.first_refusal}" if totals.refused else "")
    )
    return 1 if totals.refused else 0


def send(client: Client, recorded: Iterable[Recorded], speed: float, *, on_batch: Callable[[int], None] | None = None) -> Totals:
    """Sends updates in order, in batches; with a speed, each when its time has come. Raises OurError when the server stays away."""
    totals = Totals()
    for batch in _paced(recorded, speed) if speed else batches(recorded, BATCH):
        answer = _post(client, [wire(item) for item in batch])
        totals.sent += len(batch)
        totals.accepted += answer.get("accepted", 0)
        totals.duplicates += answer.get("duplicates", 0)
        for result in answer["results"]:
            if "error" in result:
                totals.refused += 1
                totals.first_refusal = (
                    totals.first_refusal or f"{result['error'].get('field', '')} {result['error'].get('detail', '')}"
                )
            else:
                totals.deliveries += result["deliveries"]
        if on_batch is not None:
            on_batch(len(batch))
    return totals


def batches(items: Iterable[Recorded], size: int) -> Iterator[list[Recorded]]:
    """Lists of at most `size` items, in order."""
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _paced(items: Iterable[Recorded], speed: float) -> Iterator[list[Recorded]]:
    """One update at a time, each at its place in the recording's time."""
    started_s: float | None = None
    first_ms = 0
    for item in items:
        if started_s is None:
            started_s, first_ms = time.monotonic(), item.at_ms
        wait_s = started_s + (item.at_ms - first_ms) / 1000 / speed - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        yield [item]


def _post(client: Client, batch: list[dict[str, Any]]) -> dict[str, Any]:
    """One request, repeated while the server asks for patience. Raises OurError for any other refusal of the whole."""
    for _ in range(_MOST_TRIES):
        try:
            status, answer, headers = client.ask("POST", "/v1/events", batch)
        except OSError as error:
            raise OurError(f"no answer from {client.url}: {error.strerror or error}") from None
        if status == 202 or (status == 422 and "results" in answer):
            return dict(answer)
        if status == 422:
            return {"results": [{"error": answer}]}
        if status not in (429, 503):
            raise OurError(f"the server answered {status}: {(answer or {}).get('detail', '')}")
        time.sleep(float(headers.get("retry-after", "1")))
    raise OurError("the server kept asking for patience")


def _client(told: Replay, stack: contextlib.ExitStack, console: Console) -> Client:
    if told.server is not None and told.key is not None:
        return Client(told.server, told.key)
    data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringback-replay-")))
    console.print("no --server: a server of its own takes it, and is gone afterwards", style="dim")
    child = stack.enter_context(own_server(data))
    with contextlib.closing(child.client()) as operator:
        account = operator.make("/v1/accounts", {"name": "replay"})
    return child.client(account["key"])


def _settings(told: Replay) -> FreeswitchSettings:
    if told.source != "freeswitch":
        raise InvalidInput(f"no recordings of {told.source!r} are read here; there is freeswitch", "from")
    if told.config is None:
        return FreeswitchSettings()
    return read_freeswitch_settings(told.config.read_bytes())
