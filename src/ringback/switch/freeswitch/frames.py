"""FreeSWITCH's Event Socket protocol, as values: bytes in, frames out. Pure.

A frame is a block of `Name: value` lines, an empty line, and as many bytes of body as its Content-Length says. An event's frame
carries the event as its body: `text/event-json` (one object) or `text/event-plain` (again a block of lines, values URL-encoded,
perhaps with a body of its own). Both come to the same mapping of header to text: a header with several values, which JSON writes as
an array, becomes FreeSWITCH's own plain form, `ARRAY::a|:b`; an event's own body is `_body`.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from ringback.errors import SwitchError

MOST_HEADER_BYTES = 64 * 1024
MOST_BODY_BYTES = 16 * 1024 * 1024
"""`show channels as json` of a switch with 10,000 calls is the largest thing that is ever asked for."""

AUTH_REQUEST = "auth/request"
COMMAND_REPLY = "command/reply"
API_RESPONSE = "api/response"
EVENT_JSON = "text/event-json"
EVENT_PLAIN = "text/event-plain"
DISCONNECT_NOTICE = "text/disconnect-notice"
RUDE_REJECTION = "text/rude-rejection"

Event = dict[str, str]


class Frame(Struct, frozen=True):
    """One frame. Header names are as the switch writes them; a repeated header keeps its last value."""

    headers: dict[str, str]
    body: bytes = b""

    @property
    def kind(self) -> str:
        """The Content-Type, empty if there is none."""
        return self.headers.get("Content-Type", "")

    @property
    def reply(self) -> str:
        """The Reply-Text of a command's answer: `+OK …` or `-ERR …`."""
        return self.headers.get("Reply-Text", "")

    @property
    def is_event(self) -> bool:
        """True if the body is an event."""
        return self.kind in (EVENT_JSON, EVENT_PLAIN)


class FrameParser:
    """Cuts a byte stream into frames, wherever the network cut it. Holds one unfinished frame at the most."""

    def __init__(self, *, most_header_bytes: int = MOST_HEADER_BYTES, most_body_bytes: int = MOST_BODY_BYTES) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._headers: dict[str, str] | None = None
        self._length = 0
        self._most_header_bytes = most_header_bytes
        self._most_body_bytes = most_body_bytes

    @property
    def is_empty(self) -> bool:
        """True between two frames: the stream may end here without a loss."""
        return self._headers is None and not self._buffer.strip(b"\r\n")

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with this data.

        Raises SwitchError for headers or a body over the cap and for a length that is no number: the stream cannot be followed from
        there on, the connection must be given up.
        """
        self._buffer += data
        frames: list[Frame] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        if self._headers is None and not self._read_headers():
            return None
        if len(self._buffer) < self._length:
            return None
        headers, self._headers = self._headers or {}, None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        return Frame(headers, body)

    def _read_headers(self) -> bool:
        start = 0
        while start < len(self._buffer) and self._buffer[start] in b"\r\n":
            start += 1
        if start:
            del self._buffer[:start]
            self._scanned = 0
        end = self._buffer.find(b"\n\n", self._scanned)
        if end < 0:
            if len(self._buffer) > self._most_header_bytes:
                raise SwitchError(f"the switch sent a header block of more than {self._most_header_bytes} bytes")
            self._scanned = max(0, len(self._buffer) - 1)
            return False
        if end > self._most_header_bytes:
            raise SwitchError(f"the switch sent a header block of more than {self._most_header_bytes} bytes")
        headers = _lines(self._buffer[:end].decode("utf-8", "replace"))
        length = headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()):
            raise SwitchError("the switch sent a Content-Length that is no number")
        if len(length) > 12 or int(length) > self._most_body_bytes:
            raise SwitchError(f"the switch sent a body of more than {self._most_body_bytes} bytes")
        del self._buffer[: end + 2]
        self._scanned = 0
        self._headers, self._length = headers, int(length)
        return True


def event_of(frame: Frame) -> Event:
    """The event that a frame carries. Raises SwitchError if it is none, or cannot be read."""
    if frame.kind == EVENT_JSON:
        return json_event(frame.body)
    if frame.kind == EVENT_PLAIN:
        return plain_event(frame.body)
    raise SwitchError(f"no event in a frame of type {frame.kind!r}")


def json_event(body: bytes) -> Event:
    """An event written as a JSON object. Raises SwitchError if it is none."""
    parsed = lenient_json(body)
    if not isinstance(parsed, dict):
        raise SwitchError("an event is not a JSON object")
    return {name: value if isinstance(value, str) else _text(value) for name, value in parsed.items()}


def lenient_json(body: bytes) -> Any:
    """JSON as FreeSWITCH writes it: bytes that are not UTF-8 and raw control characters, both of which it lets through from
    callers' names, are replaced or kept rather than refused. Raises SwitchError if it is no JSON all the same."""
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise SwitchError("JSON nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            return json.loads(body.decode("utf-8", "replace"), strict=False)
        except (ValueError, RecursionError):
            raise SwitchError("not JSON") from None


def plain_event(body: bytes) -> Event:
    """An event written as lines, its values URL-encoded. Raises SwitchError if it has no Event-Name."""
    head, _, inner = body.partition(b"\n\n")
    event = _lines(head.decode("utf-8", "replace"))
    for name, value in event.items():
        if "%" in value:
            event[name] = unquote(value)
    if "Event-Name" not in event:
        raise SwitchError("an event without a name")
    length = event.get("Content-Length", "")
    if length.isascii() and length.isdecimal() and len(length) <= 12:
        event["_body"] = inner[: int(length)].decode("utf-8", "replace")
    return event


def read_stream(chunks: Iterable[bytes]) -> Iterator[Event]:
    """The events of a recorded stream, whatever else is in it. An unfinished last frame is left out (a recording ends somewhere).

    Raises SwitchError where the stream cannot be followed.
    """
    parser = FrameParser()
    for chunk in chunks:
        for frame in parser.feed(chunk):
            if frame.is_event:
                yield event_of(frame)


def _lines(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip()] = value.strip()
    return fields


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "ARRAY::" + "|:".join(item if isinstance(item, str) else json.dumps(item) for item in value)
    return "" if value is None else json.dumps(value)
