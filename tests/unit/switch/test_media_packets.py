"""RTP packets, however hostile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.embedded.media.rtp import LONGEST_PAYLOAD, build, parse

SOUND = b"\x11" * 160
HEAD = bytes((0x80, 0)) + b"\0\1" + b"\0\0\0\2" + b"\0\0\0\3"


def with_first(first: int, rest: bytes) -> bytes:
    return bytes((first,)) + HEAD[1:] + rest


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (HEAD + SOUND, SOUND),
        (HEAD, b""),
        (with_first(0x82, b"\0" * 8 + SOUND), SOUND),
        (with_first(0x90, b"\xbe\xde\0\1" + b"\0" * 4 + SOUND), SOUND),
        (with_first(0x90, b"\xbe\xde\0\0" + SOUND), SOUND),
        (with_first(0xA0, SOUND + b"\0\0\0\4"), SOUND),
        (with_first(0xA0, b"\1"), b""),
        (with_first(0xB1, b"\0" * 4 + b"\xbe\xde\0\1" + b"\0" * 4 + SOUND + b"\0\2"), SOUND),
    ],
    ids=["sound", "empty", "csrc", "extension", "empty extension", "padding", "padding alone", "all of it"],
)
def test_what_is_rtp(data: bytes, payload: bytes) -> None:
    assert parse(data) == (0, 1, 2, 3, payload)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD[:11],
        with_first(0x40, SOUND),
        with_first(0x00, SOUND),
        with_first(0x8F, b"\0" * 40),
        with_first(0x90, b"\xbe\xde"),
        with_first(0x90, b"\xbe\xde\xff\xff" + SOUND),
        with_first(0xA0, SOUND + b"\0"),
        with_first(0xA0, SOUND + b"\xff"),
        HEAD + b"\0" * (LONGEST_PAYLOAD + 1),
        with_first(0x81, b"\0" * (LONGEST_PAYLOAD + 5)),
        b"INVITE sip:bob@example.com SIP/2.0\r\n\r\n",
    ],
    ids=[
        "nothing",
        "short",
        "version 1",
        "version 0",
        "csrc missing",
        "extension cut",
        "extension beyond",
        "padding 0",
        "padding beyond",
        "long",
        "long after csrc",
        "sip",
    ],
)
def test_what_is_not(data: bytes) -> None:
    assert parse(data) is None


@given(data=st.binary(max_size=200))
def test_anything_can_be_read(data: bytes) -> None:
    packet = parse(data)
    assert packet is None or data.find(packet[4]) >= 0


@given(
    kind=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=320),
)
def test_what_is_written_is_read(kind: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> None:
    data = build(kind, marker, sequence, timestamp, ssrc, payload)
    assert parse(data) == (kind, sequence, timestamp, ssrc, payload)
    assert data[1] >> 7 == marker
