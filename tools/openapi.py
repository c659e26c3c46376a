"""Writes docs/reference/openapi.json: the description that a server gives of itself at `/openapi.json`, sorted, so that a change of
the API is seen as such in a review.

`python tools/openapi.py` writes it, `--check` says whether it is old (1) or not (0).
"""

import asyncio
import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from ringback.api.app import make_app
from ringback.engine.server import Engine
from ringback.settings import Settings

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "reference" / "openapi.json"


@cache
def described() -> dict[str, Any]:
    """The description that a server gives of itself."""

    async def ask() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            engine = Engine(Settings(data=Path(folder)), "key-of-nobody", [("127.0.0.1", 8080)])
            await engine.start()
            try:
                return await _get(make_app(engine), "/openapi.json")
            finally:
                await engine.stop()

    return dict(msgspec.json.decode(asyncio.run(ask())))


async def _get(application: Any, path: str) -> bytes:
    """One GET without a socket."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": None,
        "server": None,
        "state": {},
    }
    body = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200, message
        body.extend(message.get("body", b""))

    await application(scope, receive, send)
    return bytes(body)


def written() -> str:
    """The description as the file holds it."""
    return json.dumps(described(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes the file, or says with `--check` whether it is old."""
    old = not PAGE.exists() or PAGE.read_text("utf-8") != written()
    if old and "--check" in sys.argv:
        raise SystemExit(f"{PAGE.name} is old; run python tools/openapi.py")
    if old:
        PAGE.write_text(written(), "utf-8")
    print(f"{PAGE.name} {'written' if old else 'is up to date'}")


if __name__ == "__main__":
    main()
