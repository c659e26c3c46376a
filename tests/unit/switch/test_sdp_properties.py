"""Whatever comes in a description: an answer that can be read, or an SdpError."""

from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.embedded import sdp
from ringback.switch.embedded.sdp import Local, SdpError

CODECS = st.permutations(["PCMU", "PCMA"]).flatmap(lambda order: st.integers(1, 2).map(lambda many: tuple(order[:many])))
DIRECTIONS = st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"])
LOCALS = st.builds(
    Local,
    address=st.sampled_from(["192.0.2.1", "203.0.113.8", "2001:db8::1"]),
    port=st.integers(1, 65_535),
    session=st.integers(0, 2**63),
    codecs=CODECS,
    direction=DIRECTIONS,
)
LINES = st.one_of(
    st.sampled_from(
        ["v=0", "c=IN IP4 192.0.2.9", "a=sendonly", "a=rtpmap:96 telephone-event/8000", "t=0 0", "m=audio 4000 RTP/AVP 0 96"]
    ),
    st.from_regex(r"[a-z]=[ -~]{0,40}", fullmatch=True),
    st.text(max_size=20),
)


@given(LOCALS, LOCALS)
def test_two_of_us_agree_or_have_nothing_in_common(caller: Local, callee: Local) -> None:
    try:
        answer, at_callee = sdp.answer(sdp.offer(caller), callee)
    except SdpError:
        assert not set(caller.codecs) & set(callee.codecs)
        return
    at_caller = sdp.accept(answer, caller)
    assert at_caller.codec == at_callee.codec == next(codec for codec in caller.codecs if codec in callee.codecs)
    assert (at_caller.sends, at_caller.receives) == (at_callee.receives, at_callee.sends)
    assert at_caller.remote == (callee.address, callee.port)
    assert not at_caller.sends or caller.direction in ("sendrecv", "sendonly")
    assert not at_callee.receives or callee.direction in ("sendrecv", "recvonly")


@given(st.lists(LOCALS, min_size=1, max_size=6))
def test_a_version_says_whether_something_changed(turns: list[Local]) -> None:
    last, number = b"", 0
    for turn in turns:
        new = sdp.offer(Local(address=turn.address, port=turn.port, session=1, codecs=turn.codecs, direction=turn.direction), last)
        number += new != last
        assert new.startswith(f"v=0\r\no=- 1 {number} ".encode())
        last = new


@given(st.lists(LINES, max_size=30).map(lambda lines: "\r\n".join(lines).encode()) | st.binary(max_size=400))
def test_whatever_comes(text: bytes) -> None:
    here = Local(address="192.0.2.1", port=4_000, session=1)
    for offered in (text, b"v=0\r\nc=IN IP4 192.0.2.9\r\n" + text):
        try:
            ours, session = sdp.answer(offered, here)
        except SdpError:
            continue
        assert ours.count(b"\nm=") == sum(line.startswith("m=") for line in offered.decode().replace("\r\n", "\n").split("\n"))
        assert 0 < session.remote[1] < 65_536
        assert sdp.accept(ours, here).codec == session.codec
