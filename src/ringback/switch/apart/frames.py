"""Messages on a stream: four bytes of length (big-endian), then so many of message. Pure."""

from typing import Final

from ringback.errors import SwitchError

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of a message: as much as a document can have said (1,000 texts of 3,000 characters) fits."""
_HEAD: Final = 4


class TooLong(SwitchError):
    """A message that no frame may hold."""


def framed(message: bytes) -> bytes:
    """A message as it is sent. Raises TooLong."""
    if len(message) > MOST_BYTES:
        raise TooLong(f"a message of {len(message)} bytes")
    return len(message).to_bytes(_HEAD) + message


class Framing:
    """Takes bytes as they come, gives messages as they are complete."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Raises TooLong: nothing that follows can be understood."""
        self._kept += data
        messages: list[bytes] = []
        at = 0
        while len(self._kept) - at >= _HEAD:
            size = int.from_bytes(self._kept[at : at + _HEAD])
            if size > MOST_BYTES:
                raise TooLong(f"a message of {size} bytes")
            end = at + _HEAD + size
            if len(self._kept) < end:
                break
            messages.append(bytes(self._kept[at + _HEAD : end]))
            at = end
        del self._kept[:at]
        return messages
