"""A program that makes sound of text: text in on standard input, a sound file out on standard output. No shell is ever between."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringback.switch.speech.port import SpeechFailed

_BLOCK: Final = 64 * 1024
_MOST_COMPLAINT: Final = 2_000
_OWN: Final = "RINGBACK_"


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a program is started with: everything but our own settings, which hold secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OWN)} | dict(more or {})


async def run(words: Sequence[str], text: bytes, most_bytes: int, more: Mapping[str, str] | None = None) -> tuple[bytes, str]:
    """What a program makes of a text, and the last of what it complains about. It and all that it started are killed with a
    cancellation, and when it makes more than `most_bytes`.

    Raises SpeechFailed (it cannot be started, it made too much), FileNotFoundError (there is no such program).
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(more), start_new_session=True
        )
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SpeechFailed(f"the speech program cannot be started: {error.strerror}") from None
    taken = asyncio.ensure_future(_taken(process, most_bytes))
    complaint = asyncio.ensure_future(_complaint(process))
    parts = (taken, complaint, asyncio.ensure_future(_fed(process, text)))
    try:
        await asyncio.gather(*parts)
    except BaseException:
        await _killed(process, parts)
        raise
    await process.wait()
    return taken.result(), complaint.result()


async def _killed(process: asyncio.subprocess.Process, parts: "Sequence[asyncio.Future[Any]]") -> None:
    """Whatever is left of it goes, what it started too; its pipes are closed when this returns."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
    await process.communicate()


async def _fed(process: asyncio.subprocess.Process, text: bytes) -> None:
    """A program may have heard enough before the end."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(text)
        await process.stdin.drain()
    process.stdin.close()


async def _taken(process: asyncio.subprocess.Process, most_bytes: int) -> bytes:
    assert process.stdout is not None
    blocks: list[bytes] = []
    left = most_bytes
    while block := await process.stdout.read(_BLOCK):
        left -= len(block)
        if left < 0:
            raise SpeechFailed("what the speech program says takes too long")
        blocks.append(block)
    return b"".join(blocks)


async def _complaint(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    last = b""
    while block := await process.stderr.read(_BLOCK):
        last = (last + block)[-_MOST_COMPLAINT:]
    return " ".join(last.decode("utf-8", "replace").split())
