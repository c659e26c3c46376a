"""Offer and answer (RFC 3264, RFC 8866), as far as a call needs them: one audio stream of G.711 with named telephone events. Pure.

What is read comes from strangers: it is bounded, and everything that cannot be understood is an SdpError with the SIP status that
refuses it.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from msgspec import Struct

from ringback.errors import SwitchError

Codec = Literal["PCMU", "PCMA"]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
"""Of one side: `sendonly` sends and does not listen."""

MAX_BYTES = 16 * 1024
_MAX_LINES = 400
_MAX_MEDIA = 16
_PAYLOADS: dict[str, Codec] = {"0": "PCMU", "8": "PCMA"}
_NUMBERS: dict[Codec, int] = {"PCMU": 0, "PCMA": 8}
_MIRRORED: dict[str, Direction] = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_WITHOUT_SENDING: dict[str, Direction] = {
    "sendrecv": "recvonly",
    "sendonly": "inactive",
    "recvonly": "recvonly",
    "inactive": "inactive",
}
_WITHOUT_LISTENING: dict[str, Direction] = {
    "sendrecv": "sendonly",
    "sendonly": "sendonly",
    "recvonly": "inactive",
    "inactive": "inactive",
}
_DTMF_PT = 101
_EVENTS = "0-16"


class SdpError(SwitchError):
    """A description that cannot be used. `status`: 400 if it cannot be read, 488 if there is nothing in common."""

    def __init__(self, message: str, status: Literal[400, 488] = 488) -> None:
        super().__init__(message)
        self.status = status


class Local(Struct, frozen=True, kw_only=True):
    """Our side. `address`, `port`: where we receive, as the far end has to know it (a public address behind NAT). `codecs`: by
    preference. `session`: a number that names the session in `o=`, the same for a call's whole life. `direction`: ours;
    `sendonly` or `inactive` puts the far end on hold."""

    address: str
    port: int
    session: int
    codecs: tuple[Codec, ...] = ("PCMU", "PCMA")
    direction: Direction = "sendrecv"


class Session(Struct, frozen=True, kw_only=True):
    """What was agreed. `remote`: where to send. `direction`: ours. `dtmf_pt`: the payload type of telephone events, None if the far
    end knows none. `remote`'s address is unspecified (0.0.0.0) on the oldest kind of hold: nothing is sent then, whatever else."""

    remote: tuple[str, int]
    codec: Codec
    dtmf_pt: int | None
    direction: Direction

    @property
    def sends(self) -> bool:
        """True if we are to send."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """True if we are to be sent something."""
        return self.direction in ("sendrecv", "recvonly")

    @property
    def payload(self) -> int:
        """The payload type of `codec`."""
        return _NUMBERS[self.codec]


class _Media(Struct):
    """One `m=` with what belongs to it; the session's lines were filled in."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    address: str
    direction: str
    maps: dict[str, str]

    @property
    def codecs(self) -> list[Codec]:
        """What we could speak on it, by the far end's preference. A static type that was mapped to something else is not it."""
        if self.kind != "audio" or self.protocol != "RTP/AVP":
            return []
        known = [(pt, _PAYLOADS[pt]) for pt in self.formats if pt in _PAYLOADS]
        return [codec for pt, codec in known if self.maps.get(pt, codec).split("/")[0].upper() == codec]

    @property
    def dtmf_pt(self) -> int | None:
        """The payload type of telephone events at G.711's clock."""
        for pt in self.formats:
            if (
                self.maps.get(pt, "").lower() in ("telephone-event/8000", "telephone-event/8000/1")
                and pt.isascii()
                and pt.isdigit()
            ):
                number = int(pt)
                if 96 <= number <= 127:
                    return number
        return None


def offer(local: Local, last: bytes = b"") -> bytes:
    """What we offer. `last`: our description before this one, if there was any: it decides the version (see `answer`)."""
    media = _audio(local.port, local.codecs, _DTMF_PT, local.direction)
    return _written(local, media, last)


def answer(offer: bytes, local: Local, last: bytes = b"") -> tuple[bytes, Session]:
    """Our answer, and what was agreed by it. The far end's preference decides the codec, its payload type for events is kept, and
    every stream but the first usable one is refused (port 0). `last`: our description before this one; the same again keeps its
    version, another is one higher (RFC 3264 §8). Raises SdpError."""
    streams = _read(offer)
    used = next((stream for stream in streams if _usable(stream, local)), None)
    if used is None:
        raise SdpError("no audio stream that we could speak")
    session = _session(used, local)
    lines: list[str] = []
    for other in streams:
        if other is used:
            lines += _audio(local.port, (session.codec,), session.dtmf_pt, session.direction)
        else:
            lines.append(f"m={other.kind} 0 {other.protocol} {' '.join(other.formats)}")
    return _written(local, lines, last), session


def accept(answer: bytes, local: Local) -> Session:
    """What was agreed by the far end's answer to our offer. Raises SdpError: refused, or not to be understood."""
    for stream in _read(answer):
        if _usable(stream, local):
            return _session(stream, local)
    raise SdpError("the answer takes none of our streams")


def _usable(stream: _Media, local: Local) -> bool:
    return bool(stream.port and stream.address and any(codec in local.codecs for codec in stream.codecs))


def _session(stream: _Media, local: Local) -> Session:
    direction = _MIRRORED[stream.direction]
    if local.direction in ("recvonly", "inactive") or ip_address(stream.address).is_unspecified:  # the latter: RFC 2543's hold
        direction = _WITHOUT_SENDING[direction]
    if local.direction in ("sendonly", "inactive"):
        direction = _WITHOUT_LISTENING[direction]
    codec = next(codec for codec in stream.codecs if codec in local.codecs)
    return Session(remote=(stream.address, stream.port), codec=codec, dtmf_pt=stream.dtmf_pt, direction=direction)


# Writing
def _audio(port: int, codecs: tuple[Codec, ...], dtmf_pt: int | None, direction: Direction) -> list[str]:
    numbers = [str(_NUMBERS[codec]) for codec in codecs] + ([str(dtmf_pt)] if dtmf_pt is not None else [])
    lines = [f"m=audio {port} RTP/AVP {' '.join(numbers)}"]
    lines += [f"a=rtpmap:{_NUMBERS[codec]} {codec}/8000" for codec in codecs]
    if dtmf_pt is not None:
        lines += [f"a=rtpmap:{dtmf_pt} telephone-event/8000", f"a=fmtp:{dtmf_pt} {_EVENTS}"]
    return [*lines, "a=ptime:20", f"a={direction}"]


def _written(local: Local, media: list[str], last: bytes) -> bytes:
    family = "IP6" if ":" in local.address else "IP4"

    def of(version: int) -> bytes:
        origin = f"o=- {local.session} {version} IN {family} {local.address}"
        head = ["v=0", origin, "s=-", f"c=IN {family} {local.address}", "t=0 0"]
        return "".join(f"{line}\r\n" for line in [*head, *media]).encode()

    if not last:
        return of(1)
    before = int(last.split(b"o=- ", 1)[1].split(b" ", 2)[1])
    return last if of(before) == last else of(before + 1)


# Reading
def _read(text: bytes) -> list[_Media]:
    if len(text) > MAX_BYTES:
        raise SdpError("a description of more than 16 KiB", 400)
    try:
        lines = [line for line in text.decode().replace("\r\n", "\n").split("\n") if line]
    except UnicodeDecodeError:
        raise SdpError("not UTF-8", 400) from None
    if len(lines) > _MAX_LINES:
        raise SdpError("too many lines", 400)
    if not lines or lines[0].strip() != "v=0":
        raise SdpError("does not begin with v=0", 400)
    streams: list[_Media] = []
    whole = _Media("", 0, "", (), "", "sendrecv", {})
    for line in lines:
        kind, equals, value = line.partition("=")
        if not equals or len(kind) != 1:
            raise SdpError("a line that is not key=value", 400)
        if kind == "m":
            streams.append(_media(value, whole))
        elif kind == "c":
            (streams[-1] if streams else whole).address = _connection(value)
        elif kind == "a":
            _attribute(streams[-1] if streams else whole, value.strip())
    if not streams or len(streams) > _MAX_MEDIA:
        raise SdpError("no stream, or too many", 400 if streams else 488)
    return streams


def _media(value: str, whole: _Media) -> _Media:
    words = value.split()
    if len(words) < 4:
        raise SdpError("m= lacks something", 400)
    kind, port, protocol = words[:3]
    number = port.partition("/")[0]
    if not (number.isascii() and number.isdigit()) or len(number) > 5 or int(number) > 65_535:
        raise SdpError("m= with an impossible port", 400)
    return _Media(kind, int(number), protocol, tuple(words[3:]), whole.address, whole.direction, {})


def _connection(value: str) -> str:
    """The address, empty for what we cannot send to: a name, a group of receivers, a family that is not the Internet's."""
    words = value.split()
    if len(words) != 3:
        raise SdpError("c= lacks something", 400)
    try:
        address: IPv4Address | IPv6Address = ip_address(words[2].partition("/")[0])
    except ValueError:
        return ""
    broadcast = address.version == 4 and int(address) == 0xFFFFFFFF
    return "" if address.is_multicast or broadcast or words[0] != "IN" or getattr(address, "scope_id", None) else str(address)


def _attribute(media: _Media, value: str) -> None:
    name, _, rest = value.partition(":")
    if name in _MIRRORED and not rest:
        media.direction = name
    elif name == "rtpmap":
        number, _, what = rest.strip().partition(" ")
        media.maps.setdefault(number, what.strip())


__all__ = ["MAX_BYTES", "Codec", "Direction", "Local", "SdpError", "Session", "accept", "answer", "offer"]
