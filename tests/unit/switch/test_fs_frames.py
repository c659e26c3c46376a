"""The Event Socket's protocol: frames wherever the stream is cut, events in both formats, nonsense refused."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.errors import SwitchError
from ringback.switch.freeswitch.frames import Frame, FrameParser, event_of, json_event, plain_event, read_stream

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
SCENARIOS = sorted(file.stem for file in (CAPTURES / "esljson").glob("*.jsonl"))
STREAM = (
    b"Content-Type: auth/request\n\n"
    b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
    b"Content-Type: api/response\nContent-Length: 15\n\n-ERR USER_BUSY\n"
    b"Content-Length: 43\nContent-Type: text/event-plain\n\nEvent-Name: HEARTBEAT\nEvent-Info: a%20b%0Ac\n\n"
    b'Content-Length: 26\nContent-Type: text/event-json\n\n{"Event-Name":"HEARTBEAT"}'
    b"Content-Type: text/disconnect-notice\nContent-Length: 13\n\nDisconnected\n"
)


def test_a_stream_is_cut_into_its_frames() -> None:
    frames = FrameParser().feed(STREAM)
    assert [frame.kind for frame in frames] == [
        "auth/request",
        "command/reply",
        "api/response",
        "text/event-plain",
        "text/event-json",
        "text/disconnect-notice",
    ]
    assert frames[1].reply == "+OK accepted"
    assert frames[2].body == b"-ERR USER_BUSY\n"
    assert event_of(frames[3])["Event-Info"] == "a b\nc"
    assert event_of(frames[4]) == {"Event-Name": "HEARTBEAT"}


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_frames_are_the_same_wherever_the_network_cuts(cuts: list[int]) -> None:
    parser = FrameParser()
    places = [0, *sorted(cuts), len(STREAM)]
    frames = [frame for start, end in pairwise(places) for frame in parser.feed(STREAM[start:end])]
    assert frames == FrameParser().feed(STREAM)
    assert parser.is_empty


def test_a_recording_cut_into_single_bytes_gives_the_same_events() -> None:
    stream = (CAPTURES / "esl" / "originate_busy.txt").read_bytes()
    assert list(read_stream(bytes([byte]) for byte in stream)) == list(read_stream([stream]))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_both_formats_of_a_recording_hold_the_same_events(scenario: str) -> None:
    plain = list(read_stream([(CAPTURES / "esl" / f"{scenario}.txt").read_bytes()]))
    lines = (CAPTURES / "esljson" / f"{scenario}.jsonl").read_bytes().splitlines()
    assert plain == [json_event(line) for line in lines]
    assert plain


def test_a_header_with_several_values_and_a_body_of_its_own_read_the_same_in_both_formats() -> None:
    plain = plain_event(b"Event-Name: X\nlegs: ARRAY%3A%3Aa%7C%3Ab\nContent-Length: 4\n\nbody\n")
    assert plain == json_event(b'{"Event-Name":"X","legs":["a","b"],"Content-Length":"4","_body":"body"}')


def test_a_name_in_latin_1_or_with_a_raw_control_character_does_not_cost_the_event() -> None:
    assert json_event(b'{"Event-Name":"X","n":"Ren\xe9"}')["n"] == "Ren\ufffd"
    assert json_event(b'{"Event-Name":"X","n":"a\x01b"}')["n"] == "a\x01b"


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"[1]", "not an object"), (b"{", "cut"), (b"[" * 100_000, "deep"), (b"", "nothing")],
)
def test_what_is_no_event_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(SwitchError):
        json_event(body)


def test_an_event_without_a_name_and_a_frame_without_an_event_are_refused() -> None:
    with pytest.raises(SwitchError):
        plain_event(b"No-Name: 1\n\n")
    with pytest.raises(SwitchError):
        event_of(Frame({"Content-Type": "api/response"}, b""))


@pytest.mark.parametrize(
    "stream",
    [
        b"X: " + b"a" * 5_000,
        b"X: " + b"a" * 5_000 + b"\n\n",
        b"Content-Length: 1001\n\n",
        b"Content-Length: " + b"9" * 40 + b"\n\n",
        b"Content-Length: -1\n\n",
        "Content-Length: ٣\n\n".encode(),
        b"Content-Length: 1e3\n\n",
    ],
)
def test_a_frame_over_the_cap_or_with_a_length_that_is_no_number_ends_the_connection(stream: bytes) -> None:
    parser = FrameParser(most_header_bytes=4_000, most_body_bytes=1_000)
    with pytest.raises(SwitchError):
        parser.feed(stream)


def test_the_parser_holds_no_more_than_one_unfinished_frame() -> None:
    parser = FrameParser()
    assert len(parser.feed(STREAM * 50 + b"Content-Length: 10\n\nhalf")) == 300
    assert not parser.is_empty
    assert len(parser.feed(b"\nwhole")) == 1


@given(st.binary(max_size=200))
def test_any_bytes_give_frames_or_a_refusal(data: bytes) -> None:
    parser = FrameParser()
    try:
        frames = parser.feed(data)
        for frame in frames:
            if frame.is_event:
                event_of(frame)
    except SwitchError:
        pass
