"""The body of an answer, decoded and cut at a cap while it comes in, so that no receiver can make us hold more. Pure."""

import zlib

# A coded body may be this much longer than what it stands for (stored blocks, gzip's own header).
_CODED_SLACK = 1_024
_CODINGS = frozenset(("gzip", "x-gzip", "deflate"))


class Body:
    """Collects one body. We ask for no content coding, yet a receiver may send one: gzip and deflate are decoded for the log, any
    other is kept as it came."""

    __slots__ = ("_broken", "_cap", "_coded", "_coding", "_decoder", "_head", "_parts", "_size", "cut")

    def __init__(self, cap: int, content_encoding: str = "") -> None:
        """`cap`: bytes kept after decoding. `content_encoding`: the header's value, empty if there was none."""
        self._parts: list[bytes] = []
        self._size = 0
        self._cap = cap
        coding = content_encoding.strip().lower() if content_encoding else ""
        self._coding = coding if coding in _CODINGS else ""
        self._coded = 0
        self._head = b""
        self._decoder: zlib._Decompress | None = None
        self._broken = False
        self.cut = False
        """More came than the cap: nothing further is taken."""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes."""
        if self.cut:
            return
        room = self._cap - self._size
        if self._coding:
            self._coded += len(data)
            # One byte more than there is room for tells a bomb from a body that just fits.
            data = self._decoded(data, room + 1)
            self.cut = self._coded > self._cap + _CODED_SLACK
        if len(data) > room:
            data = data[:room]
            self.cut = True
        self._size += len(data)
        self._parts.append(data)

    def _decoded(self, data: bytes, limit: int) -> bytes:
        if self._decoder is None:
            self._head += data
            if len(self._head) < 2:
                return b""
            data = self._head
            self._decoder = zlib.decompressobj(_window_bits(self._coding, data))
        if self._broken or self._decoder.eof:
            # What follows a whole coded body, or a broken one, is worth nothing to a reader.
            return b""
        try:
            return self._decoder.decompress(data, limit)
        except zlib.error:
            self._broken = True
            return b""

    def text(self) -> bytes:
        """What was kept."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


def _window_bits(coding: str, head: bytes) -> int:
    """zlib's parameter for a coding. Some servers send `deflate` without the zlib header (RFC 1950 §2.2) that RFC 9110 §8.4.1.2
    asks for: its first two bytes tell."""
    if coding != "deflate":
        return zlib.MAX_WBITS | 16
    zlib_header = head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0
    return zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS
