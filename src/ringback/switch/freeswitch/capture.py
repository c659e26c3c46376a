"""Recorded Event Sockets, for replay: one `event json` object per line, or the byte stream of `event plain` (or `json`) with its
framing.

Which of the two it is shows in the first bytes.
"""

from collections.abc import Iterable, Iterator

from ringback.errors import InvalidInput, SwitchError
from ringback.switch.freeswitch.channels import Owner, nobody
from ringback.switch.freeswitch.frames import Event, FrameParser, event_of, json_event
from ringback.switch.freeswitch.mapping import EventMapper, Reported
from ringback.switch.freeswitch.settings import FreeswitchSettings

MOST_LINE_BYTES = 16 * 1024 * 1024


class FreeswitchCapture:
    """A source for `ringback.intake.captures`."""

    name = "freeswitch"
    reads = "FreeSWITCH: `event json`, one object per line, or an Event Socket stream with its Content-Length framing"

    def __init__(self, settings: FreeswitchSettings, owner: Owner = nobody) -> None:
        """`owner`: the account that registered a number, where the settings do not name one."""
        self._settings = settings
        self._owner = owner

    def recognises(self, head: bytes) -> bool:
        """True if a file that begins so is one of ours."""
        head = head.lstrip()
        if head.startswith(b"{"):
            return b'"Event-Name"' in head
        return head.startswith((b"Content-Length:", b"Content-Type:"))

    def updates(self, chunks: Iterable[bytes]) -> Iterator[Reported]:
        """What the recording says, in its order. An unfinished last line or frame is left out: a recording ends somewhere.

        Raises InvalidInput that names the place from where it cannot be followed.
        """
        mapper = EventMapper(self._settings, self._owner)
        for event in _events(chunks):
            yield from mapper.feed(event)


def _events(chunks: Iterable[bytes]) -> Iterator[Event]:
    chunks = iter(chunks)
    first = b""
    for chunk in chunks:
        first += chunk
        if first.strip():
            break
    read = _lines if first.lstrip().startswith(b"{") else _frames
    yield from read(first, chunks)


def _lines(first: bytes, chunks: Iterator[bytes]) -> Iterator[Event]:
    rest, number = first, 0
    while True:
        *lines, rest = rest.split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield _line(line, number)
        if len(rest) > MOST_LINE_BYTES:
            raise InvalidInput(f"line {number + 1} is longer than {MOST_LINE_BYTES} bytes")
        chunk = next(chunks, None)
        if chunk is None:
            break
        rest += chunk
    try:
        last = json_event(rest)
    except SwitchError:
        return
    yield last


def _line(line: bytes, number: int) -> Event:
    try:
        return json_event(line)
    except SwitchError as error:
        raise InvalidInput(f"line {number}: {error}") from None


def _frames(first: bytes, chunks: Iterator[bytes]) -> Iterator[Event]:
    parser, read = FrameParser(), 0
    chunk: bytes | None = first
    while chunk is not None:
        try:
            for frame in parser.feed(chunk):
                if frame.is_event:
                    yield event_of(frame)
        except SwitchError as error:
            raise InvalidInput(f"after byte {read}: {error}") from None
        read += len(chunk)
        chunk = next(chunks, None)
