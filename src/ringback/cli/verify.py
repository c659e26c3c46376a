"""`ringback verify`: the signature doctor at a terminal, for a request in a file, from a pipe, or given piece by piece."""

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from ringback.errors import InvalidInput
from ringback.receive.doctor import Diagnosis, Held, Received, examine

STDIN = Path("-")


class Verify(Struct, frozen=True, kw_only=True):
    """What the command was told. `request`: a whole request in a file; `-` is stdin, there and for `body_file`. What is given
    beside it counts more than what the file says; headers are added."""

    request: Path | None = None
    url: str | None = None
    method: str | None = None
    headers: tuple[str, ...] = ()
    body_file: Path | None = None
    secrets: tuple[str, ...] = ()
    dialect: str | None = None
    subscribed_url: str | None = None
    received_at: str | None = None
    as_json: bool = False


class Captured(Struct, frozen=True, kw_only=True):
    """One request as JSON: a line of `ringback listen --json`, or what `POST /v1/verify` takes. Other fields are not looked at."""

    method: str = "POST"
    url: str | None = None
    target: str | None = None
    headers: dict[str, str | list[str]] = {}
    body: str = ""
    body_base64: bytes | None = None
    at: str | None = None
    received_at: str | None = None


def verify(told: Verify) -> int:
    """Examines and prints. The exit code: 0 if the request is to be believed, else 1. Raises InvalidInput."""
    if told.request is None and told.body_file is None and not told.headers and told.url is None:
        raise InvalidInput("no request was given: name a file, or give --url, --header and --body-file (--help shows examples)")
    if STDIN == told.request == told.body_file:
        raise InvalidInput("stdin cannot be both the request and its body")
    received, at = _request(b"" if told.request is None else _read(told.request))
    if told.body_file is not None:
        received = msgspec.structs.replace(received, body=_read(told.body_file))
    received = msgspec.structs.replace(
        received,
        url=told.url or received.url,
        method=(told.method or received.method).upper(),
        headers=(*received.headers, *(_header(line) for line in told.headers)),
    )
    at = told.received_at or at
    diagnosis = examine(
        received,
        [Held(secret) for secret in told.secrets],
        now_s=time.time() if at is None else _moment(at),
        dialect=told.dialect or "",
        subscribed_url=told.subscribed_url or "",
    )
    if told.as_json:
        print(msgspec.json.encode(diagnosis).decode())
    else:
        _print(diagnosis)
    return 0 if diagnosis.ok else 1


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from None


def _request(data: bytes) -> tuple[Received, str | None]:
    """The request in a file, and when it came if that is told there. Raises InvalidInput."""
    if not data.strip():
        return Received(), None
    return _from_json(data) if data.lstrip().startswith(b"{") else (_from_http(data), None)


def _from_json(data: bytes) -> tuple[Received, str | None]:
    try:
        found = msgspec.json.decode(data.strip(), type=Captured)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"the request is no JSON object that is read here, one at a time: {error}") from None
    headers = tuple(
        (name, value) for name, given in found.headers.items() for value in ([given] if isinstance(given, str) else given)
    )
    body = found.body.encode("utf-8", "replace") if found.body_base64 is None else found.body_base64
    url = found.url or _absolute(found.target or "", headers)
    return Received(method=found.method, url=url, headers=headers, body=body), found.received_at or found.at


def _from_http(data: bytes) -> Received:
    """A request as it goes over the wire (RFC 9112): a line, headers, an empty line, the body. Line ends may be LF alone."""
    data = data.lstrip(b"\r\n")
    ends = [place for mark in (b"\r\n\r\n", b"\n\n") if (place := data.find(mark)) >= 0]
    end = min(ends, default=len(data))
    head = data[:end].decode("latin-1").splitlines()
    rest = data[end:]
    body = rest[4:] if rest.startswith(b"\r\n\r\n") else rest[2:]
    words = head[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise InvalidInput("the request does not begin as HTTP does (POST /path HTTP/1.1), nor is it JSON")
    headers = tuple(_header(line) for line in head[1:])
    length = next((value for name, value in headers if name.lower() == "content-length"), "")
    if length.isdigit():
        body = body[: int(length)]
    return Received(method=words[0], url=_absolute(words[1], headers), headers=headers, body=body)


def _absolute(target: str, headers: Sequence[tuple[str, str]]) -> str:
    """The URL of a request's target; a capture does not tell the scheme, and platforms that sign it want https."""
    if not target or "://" in target:
        return target
    host = next((value for name, value in headers if name.lower() == "host"), "")
    return f"https://{host}{target}"


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise InvalidInput("a header is written as 'Name: value'", "header")
    return name.strip(), value.strip()


def _moment(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput("is not an RFC 3339 time with its offset, such as 2026-11-20T12:00:00Z", "received-at")
    return at.timestamp()


def _print(diagnosis: Diagnosis) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for found in diagnosis.findings:
        line = Text("✓ " if diagnosis.ok else "✗ ", "green" if diagnosis.ok else "red")
        line.append(f"{found.code}: ", "bold")
        line.append(found.text)
        console.print(line)
    for note in diagnosis.notes:
        console.print(Text(f"  {note}"))
    about = [diagnosis.dialect or "no platform that is known", f"body {diagnosis.body_bytes:,} bytes"]
    console.print(Text(f"  {', '.join(about)}, its SHA-256 {diagnosis.body_sha256}", "dim"))
