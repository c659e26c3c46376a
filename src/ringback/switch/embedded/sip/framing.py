"""Where a message ends in a stream (RFC 3261 §18.3): the header's end, then as many bytes as Content-Length says. Pure."""

import re

from ringback.errors import SwitchError

MAX_HEADER = 16 * 1024
MAX_BODY = 32 * 1024
_LENGTH = re.compile(rb"(?:^|\r\n)(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Framing:
    """Takes bytes as they come, gives messages as they are complete. A keep-alive (RFC 5626 §3.5.1, an empty line twice) is told as
    b""."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Raises SwitchError when nothing that follows could be understood: no Content-Length, or too much of anything."""
        self._kept += data
        messages: list[bytes] = []
        while self._kept:
            if self._kept.startswith(b"\r\n"):
                ping = self._kept.startswith(b"\r\n\r\n")
                del self._kept[: 4 if ping else 2]
                if ping:
                    messages.append(b"")
                continue
            end = self._kept.find(b"\r\n\r\n", 0, MAX_HEADER + 4)
            if end < 0:
                if len(self._kept) > MAX_HEADER:
                    raise SwitchError("a header without end")
                break
            whole = end + 4 + _length(bytes(self._kept[:end]))
            if len(self._kept) < whole:
                break
            messages.append(bytes(self._kept[:whole]))
            del self._kept[:whole]
        return messages


def _length(header: bytes) -> int:
    said = {value.strip() for value in _LENGTH.findall(header)}
    if len(said) != 1:
        raise SwitchError("no Content-Length, or several")
    text = said.pop()
    if not text.isdigit() or len(text) > 6 or int(text) > MAX_BODY:
        raise SwitchError("an impossible Content-Length")
    return int(text)
