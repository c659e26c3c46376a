"""A kept file as an answer: whole, or the part of it that was asked for (RFC 9110 §13, §14)."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, BinaryIO, Final

from litestar import Response
from litestar.response import Stream

from ringback import problems
from ringback.api.common import AnyRequest
from ringback.api.ranges import Unsatisfiable, wanted_part
from ringback.calls.audio import EXTENSIONS
from ringback.engine.server import Engine
from ringback.errors import NotFound
from ringback.store.recordings import Kept

BLOCK_BYTES: Final = 128 * 1024

_MEDIA_TYPES: Final[Mapping[str, str]] = {extension: name for name, extension in EXTENSIONS.items()} | {"json": "application/json"}


async def answer_with(request: AnyRequest, engine: Engine, kept: Kept, name: str) -> Response[Any]:
    """The file as the request wants it: HEAD, If-None-Match, If-Range and Range are understood. `name`: how a browser may save it.

    Raises NotFound if it is gone by now.
    """
    tag = f'"{kept.sha256}"'
    headers = {
        "etag": tag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": f'inline; filename="{name}.{kept.extension}"',
        "x-content-type-options": "nosniff",
    }
    media_type = _MEDIA_TYPES[kept.extension]
    if _lists(request.headers.get("if-none-match"), tag):
        return Response(None, status_code=304, headers=headers)
    ranged = request.headers.get("range") if request.headers.get("if-range") in (None, tag) else None
    try:
        part = wanted_part(ranged, kept.size)
    except Unsatisfiable:
        document = problems.problem(416, f"the file has {kept.size} bytes")
        headers = {"content-range": f"bytes */{kept.size}"}
        return Response(problems.encode(document), status_code=416, media_type=problems.CONTENT_TYPE, headers=headers)
    first, length = part or (0, kept.size)
    headers["content-length"] = str(length)
    if part is not None:
        headers["content-range"] = f"bytes {first}-{first + length - 1}/{kept.size}"
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Stream(_nothing(), status_code=status, media_type=media_type, headers=headers)
    try:
        file: BinaryIO = await engine.in_thread(lambda: kept.path.open("rb"))
    except FileNotFoundError:
        raise NotFound("there is no such file any more") from None
    return Stream(_read(engine, file, first, length), status_code=status, media_type=media_type, headers=headers)


def _lists(header: str | None, tag: str) -> bool:
    """Is a tag among those of an If-None-Match? Compared weakly (RFC 9110 §13.1.2)."""
    return header is not None and any(one.strip().removeprefix("W/") in (tag, "*") for one in header.split(","))


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _read(engine: Engine, file: BinaryIO, first: int, length: int) -> AsyncIterator[bytes]:
    """The bytes, read beside the loop. Ends short if the file does: the connection then tells the client that it was cut."""
    try:
        await engine.in_thread(partial(file.seek, first))
        while length:
            block = await engine.in_thread(partial(file.read, min(length, BLOCK_BYTES)))
            if not block:
                return
            length -= len(block)
            yield block
    finally:
        file.close()
