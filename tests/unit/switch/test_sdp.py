"""Offer and answer: what is agreed, what is refused, what is written."""

import pytest

from ringback.switch.embedded import sdp
from ringback.switch.embedded.sdp import Local, SdpError, Session

HERE = Local(address="192.0.2.1", port=40_000, session=7)


def description(*media: str, address: str = "198.51.100.7") -> bytes:
    head = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    return "".join(f"{line}\r\n" for line in [*head, *media]).encode()


AUDIO = ("m=audio 5004 RTP/AVP 8 0 96", "a=rtpmap:96 telephone-event/8000", "a=sendrecv")


def test_the_offerer_decides_the_codec_and_the_payload_type_of_keys() -> None:
    ours, session = sdp.answer(description(*AUDIO), HERE)
    assert session == Session(remote=("198.51.100.7", 5004), codec="PCMA", dtmf_pt=96, direction="sendrecv")
    assert session.payload == 8
    assert ours.decode().split("\r\n") == [
        "v=0",
        "o=- 7 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 40000 RTP/AVP 8 96",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:96 telephone-event/8000",
        "a=fmtp:96 0-16",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


def test_both_sides_agree() -> None:
    there = Local(address="198.51.100.7", port=5004, session=1)
    answer, at_callee = sdp.answer(sdp.offer(HERE), there)
    at_caller = sdp.accept(answer, HERE)
    assert (at_callee.remote, at_caller.remote) == (("192.0.2.1", 40_000), ("198.51.100.7", 5004))
    assert (at_callee.codec, at_callee.dtmf_pt) == (at_caller.codec, at_caller.dtmf_pt) == ("PCMU", 101)


@pytest.mark.parametrize(
    ("theirs", "ours", "agreed"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "sendonly", "sendonly"),
        ("sendrecv", "recvonly", "recvonly"),
        ("sendonly", "sendonly", "inactive"),
        ("recvonly", "recvonly", "inactive"),
        ("sendrecv", "inactive", "inactive"),
    ],
)
def test_directions_are_mirrored_and_narrowed(theirs: str, ours: sdp.Direction, agreed: str) -> None:
    local = Local(address="192.0.2.1", port=40_000, session=7, direction=ours)
    offered = description(AUDIO[0], f"a={theirs}")
    written, session = sdp.answer(offered, local)
    assert session.direction == agreed
    assert f"a={agreed}\r\n".encode() in written
    assert sdp.accept(offered, local).direction == agreed
    assert session.sends == (agreed in ("sendrecv", "sendonly"))
    assert session.receives == (agreed in ("sendrecv", "recvonly"))


def test_a_direction_of_the_whole_session_holds_for_its_streams() -> None:
    assert sdp.answer(description("a=sendonly", AUDIO[0]), HERE)[1].direction == "recvonly"
    assert sdp.answer(description("a=sendonly", AUDIO[0], "a=sendrecv"), HERE)[1].direction == "sendrecv"


def test_the_oldest_hold_stops_our_sending() -> None:
    session = sdp.answer(description(*AUDIO, address="0.0.0.0"), HERE)[1]
    assert (session.remote, session.direction, session.sends) == (("0.0.0.0", 5004), "recvonly", False)


def test_a_stream_may_have_an_address_of_its_own() -> None:
    assert sdp.answer(description(AUDIO[0], "c=IN IP4 203.0.113.9"), HERE)[1].remote == ("203.0.113.9", 5004)
    six = sdp.answer(description(AUDIO[0], "c=IN IP6 2001:db8::9"), Local(address="2001:db8::1", port=4_000, session=1))
    assert six[1].remote == ("2001:db8::9", 5004)
    assert b"c=IN IP6 2001:db8::1\r\n" in six[0]


def test_other_streams_are_refused_each_in_its_place() -> None:
    offered = description(
        "m=video 6000 RTP/AVP 31", "m=audio 5000 RTP/SAVP 0", "m=audio 0 RTP/AVP 0", *AUDIO, "m=audio 5008 RTP/AVP 0"
    )
    ours, session = sdp.answer(offered, HERE)
    lines = [line for line in ours.decode().split("\r\n") if line.startswith("m=")]
    assert lines == [
        "m=video 0 RTP/AVP 31",
        "m=audio 0 RTP/SAVP 0",
        "m=audio 0 RTP/AVP 0",
        "m=audio 40000 RTP/AVP 8 96",
        "m=audio 0 RTP/AVP 0",
    ]
    assert session.remote[1] == 5004


def test_versions_grow_with_changes_alone() -> None:
    first, _ = sdp.answer(description(*AUDIO), HERE)
    same, _ = sdp.answer(description(*AUDIO), HERE, first)
    assert same == first
    held, _ = sdp.answer(description(AUDIO[0], "a=sendonly"), HERE, same)
    assert b"o=- 7 2 IN" in held
    back = sdp.offer(HERE, held)
    assert b"o=- 7 3 IN" in back
    assert sdp.offer(HERE, back) == back


def test_without_events_there_are_no_keys() -> None:
    ours, session = sdp.answer(description("m=audio 5004 RTP/AVP 0", "a=rtpmap:0 PCMU/8000"), HERE)
    assert session.dtmf_pt is None
    assert b"telephone-event" not in ours


@pytest.mark.parametrize(
    "rtpmap",
    [
        "a=rtpmap:96 telephone-event/48000",
        "a=rtpmap:13 telephone-event/8000",
        "a=rtpmap:200 telephone-event/8000",
        "a=rtpmap:٣ telephone-event/8000",
    ],
)
def test_events_that_we_could_not_send(rtpmap: str) -> None:
    number = rtpmap.split(":")[1].split(maxsplit=1)[0]
    assert sdp.answer(description(f"m=audio 5004 RTP/AVP 0 {number}", rtpmap), HERE)[1].dtmf_pt is None


@pytest.mark.parametrize(
    ("why", "text", "status"),
    [
        ("no common codec", description("m=audio 5004 RTP/AVP 9 18"), 488),
        ("0 is mapped to something else", description("m=audio 5004 RTP/AVP 0", "a=rtpmap:0 opus/48000"), 488),
        ("encrypted alone", description("m=audio 5004 RTP/SAVP 0"), 488),
        ("refused", description("m=audio 0 RTP/AVP 0"), 488),
        ("a name", description("m=audio 5004 RTP/AVP 0", "c=IN IP4 media.example"), 488),
        ("a group", description("m=audio 5004 RTP/AVP 0", address="224.0.0.1/127"), 488),
        ("everybody", description("m=audio 5004 RTP/AVP 0", address="255.255.255.255"), 488),
        ("another net", description("m=audio 5004 RTP/AVP 0", "c=ATM NSAP 47"), 488),
        ("an address of one interface", description("m=audio 5004 RTP/AVP 0", "c=IN IP6 fe80::1%eth0"), 488),
        ("no stream", description(), 488),
        ("a port that is none", description("m=audio 70000 RTP/AVP 0"), 400),
        ("letters for a port", description("m=audio x RTP/AVP 0"), 400),
        ("digits of elsewhere", description("m=audio ٥٠٠٤ RTP/AVP 0"), 400),
        ("too short", description("m=audio 5004"), 400),
        ("nothing", b"", 400),
        ("no SDP", b"hello", 400),
        ("no line", b"v=0\r\nhello\r\n", 400),
        ("no text", b"v=0\r\ns=\xff\xfe\r\n", 400),
        ("too long", description("a=" + "x" * 20_000), 400),
        ("too many lines", description(*["a=x"] * 500), 400),
        ("too many streams", description(*["m=audio 5004 RTP/AVP 0"] * 17), 400),
    ],
)
def test_what_is_not_taken(why: str, text: bytes, status: int) -> None:
    with pytest.raises(SdpError) as refused:
        sdp.answer(text, HERE)
    assert refused.value.status == status, why
    with pytest.raises(SdpError):
        sdp.accept(text, HERE)


def test_a_codec_that_we_do_not_want_is_none() -> None:
    with pytest.raises(SdpError):
        sdp.answer(description("m=audio 5004 RTP/AVP 8"), Local(address="192.0.2.1", port=4_000, session=1, codecs=("PCMU",)))
