"""Bytes as text, where messages end in a stream, and what may be logged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.errors import SwitchError
from ringback.switch.embedded.sip import framing, wire
from ringback.switch.embedded.sip.framing import Framing

MESSAGE = b"OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP z\r\nContent-Length: 3\r\n\r\nabc"


@given(st.binary(max_size=300))
def test_every_byte_is_a_character_and_comes_back(data: bytes) -> None:
    text = wire.text_of(data)
    assert len(text) == len(data)
    assert wire.bytes_of(text) == data
    assert len(text.splitlines()) == len(data.splitlines()), "no other line ends than sippy is to see"


CALL = (
    b'BYE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP z;branch=1\r\nFrom: "a;tag=0" <sip:a@b;tag=9>;x=y;tag=far.1\r\n'
    b"t:<sip:c@d> ; TAG = near\r\nCALL-ID : id@host \r\n\r\nTo: <sip:c@d>;tag=body\r\n"
)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (CALL, ("id@host", "far.1", "near")),
        (CALL.replace(b"CALL-ID ", b"i"), ("id@host", "far.1", "near")),
        (CALL.replace(b"TAG", b"tug"), None),
        (CALL.replace(b"From", b"Form"), None),
        (CALL.replace(b"CALL-ID", b"X-Call-ID"), None),
        (MESSAGE, None),
        (b"", None),
    ],
)
def test_which_dialogue_a_message_names(data: bytes, named: tuple[str, str, str] | None) -> None:
    assert wire.dialogue_of(data) == named


@given(st.binary(max_size=300))
def test_whatever_comes_can_be_asked_for_its_dialogue(data: bytes) -> None:
    wire.dialogue_of(CALL[:120] + data)


@given(st.text(max_size=60))
def test_names_of_people(name: str) -> None:
    assert wire.words_of(wire.text_of(name.encode("utf-8", "replace"))) == "".join(c for c in name if c.isprintable())[
        :200
    ].replace("\ufffd", "\ufffd")


@pytest.mark.parametrize(
    ("data", "sip"),
    [
        (MESSAGE, True),
        (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP z;branch=1\r\n\r\n", True),
        (b"SIP/2.0 200\r\nVia: SIP/2.0/UDP z;branch=1\r\n\r\n", True),
        (b"SIP/2.0 999 OK\r\nVia: SIP/2.0/UDP z;branch=1\r\n\r\n", False),
        (b"\r\n\r\n", False),
        (b"\x00" * 40, False),
        (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n" + b" " * 20, False),
        (b"INVITE sip:x@y z SIP/2.0\r\nVia: SIP/2.0/UDP z\r\n\r\n", False),
        (MESSAGE + b"x" * wire.MAX_MESSAGE, False),
        (b"OPTIONS sip:x@y SIP/2.0\r\n" + b"A:b\r\n" * 1_000, False),
    ],
)
def test_what_looks_like_sip(data: bytes, sip: bool) -> None:
    assert wire.is_sip(data) == sip


def test_no_secret_and_no_body_is_shown() -> None:
    said = wire.shown(
        'INVITE sip:x SIP/2.0\r\nProxy-Authorization: Digest username="a",\r\n response="SECRET"\r\nAUTHORIZATION : SECRET\r\n'
        "WWW-Authenticate: Digest nonce=SECRET\r\nTo: x\r\n\r\nSignal=SECRET"
    )
    assert "SECRET" not in said
    assert "To: x" in said


@given(st.lists(st.sampled_from([MESSAGE, MESSAGE.replace(b"Content-Length", b"l"), b"\r\n\r\n"]), max_size=5), st.randoms())
def test_a_stream_is_cut_into_its_messages(messages: list[bytes], random: object) -> None:
    stream, framed, out = b"".join(messages), Framing(), []
    while stream:
        size = random.randint(1, 40)  # type: ignore[attr-defined]
        out += framed.feed(stream[:size])
        stream = stream[size:]
    assert [message for message in out if message] == [message for message in messages if message.strip()]


@pytest.mark.parametrize(
    "data",
    [
        b"OPTIONS sip:x SIP/2.0\r\nVia: x\r\n\r\n",
        MESSAGE.replace(b"3", b"-3"),
        MESSAGE.replace(b"3", b"9999999999999"),
        MESSAGE.replace(b"3", str(framing.MAX_BODY + 1).encode()),
        MESSAGE.replace(b"Content-Length: 3", b"Content-Length: 3\r\nl: 4"),
        b"x" * (framing.MAX_HEADER + 1),
    ],
)
def test_what_cannot_be_cut(data: bytes) -> None:
    with pytest.raises(SwitchError):
        Framing().feed(data)


@given(st.binary(max_size=200))
def test_whatever_streams_in(data: bytes) -> None:
    framed = Framing()
    try:
        for turn in (data, MESSAGE, data):
            framed.feed(turn)
    except SwitchError:
        pass
