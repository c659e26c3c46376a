"""Attempts that are to be forgotten before their day is over: their blocks are written anew without them."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from ringback.ids import time_of
from ringback.store.sqlite import sql
from ringback.store.sqlite.attempts import CACHE_KIB, day_of, day_of_file
from ringback.store.sqlite.database import connect, meaning

_SQL: Final = sql.load("attempts.sql")
_NIL: Final = msgspec.msgpack.encode(None)
_AT_ONCE: Final = 20
"""Blocks in one transaction: what is logged meanwhile waits for some milliseconds."""
_decode_block = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


def erase_attempts(files: Iterable[Path], deliveries: Collection[int]) -> int:
    """Takes the attempts of deliveries out of the day files; how many. Others keep their places. Raises StoreUnavailable."""
    if not deliveries:
        return 0
    first = day_of(time_of(min(deliveries)))
    return sum(_of_day(file, deliveries) for file in files if day_of_file(file) >= first)


def _of_day(file: Path, deliveries: Collection[int]) -> int:
    wanted = f"[{','.join(map(str, deliveries))}]"
    if not file.exists():  # retention took it just now
        return 0
    gone = 0
    with meaning():
        connection = connect(file, CACHE_KIB, "NORMAL")
        try:
            connection.execute("PRAGMA secure_delete = ON").fetchall()
            blocks = sorted({row[0] for row in connection.execute(_SQL["blocks_of"], (wanted,))})
            for start in range(0, len(blocks), _AT_ONCE):
                connection.execute("BEGIN IMMEDIATE")
                for block in blocks[start : start + _AT_ONCE]:
                    slots = {row[0] for row in connection.execute(_SQL["slots_of"], (wanted, block))}
                    (body,) = connection.execute(_SQL["block"], (block,)).fetchone()
                    connection.execute(_SQL["rewrite_block"], (block, _without(body, slots)))
                    gone += connection.execute(_SQL["forget_attempts"], (wanted, block)).rowcount
                connection.execute("COMMIT")
        finally:
            connection.close()
    return gone


def _without(packed: bytes, slots: Collection[int]) -> bytes:
    attempts = _decode_block(zstandard.ZstdDecompressor().decompress(packed))
    kept = [msgspec.Raw(_NIL) if slot in slots else attempt for slot, attempt in enumerate(attempts)]
    return zstandard.ZstdCompressor(level=1).compress(msgspec.msgpack.encode(kept))
