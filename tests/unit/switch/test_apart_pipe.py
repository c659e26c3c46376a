"""What goes between a server and the process of a switch: frames wherever the stream is cut, every order and every happening whole,
nonsense refused."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.live import (
    Answer,
    Answered,
    Bridge,
    Collect,
    Detection,
    Dial,
    HangUp,
    Happening,
    Heard,
    HungUp,
    Incoming,
    Key,
    Listen,
    Order,
    Play,
    PlayEnded,
    Privacy,
    Rang,
    Record,
    RecordEnded,
    Reject,
    RingTone,
    Silence,
    Sound,
    Speech,
    StopCollect,
    StopListening,
    StopPlay,
    StopRecord,
    Tones,
)
from ringback.switch.apart.child import Accounts
from ringback.switch.apart.frames import MOST_BYTES, Framing, TooLong, framed
from ringback.switch.apart.messages import (
    Begin,
    End,
    Ended,
    FromProcess,
    Opened,
    Pulse,
    Refused,
    Take,
    Told,
    ToProcess,
    encode,
    from_process,
    to_process,
)
from ringback.switch.embedded.settings import EmbeddedSettings
from ringback.switch.embedded.sip.settings import Phone, Trunk

ITEMS = (Speech("Hello", ssml=True), Sound("https://x.example/a.wav"), Silence(0.5), Tones("1w2"), RingTone("uk"))
ORDERS: tuple[Order, ...] = (
    Answer("a"),
    Reject("a", "busy"),
    Play("a", 1, ITEMS),
    StopPlay("a", 1),
    Collect("a", 2),
    StopCollect("a", 2),
    Listen("a", 3, "de-DE", 4.0, None, True),
    StopListening("a", 3),
    Record("a", 4, 60.0, 3.0, True, 2, "inbound"),
    StopRecord("a", 4),
    Privacy("a", True),
    Dial("b", "a", "+61255500199", "+61255500100", 20.0, Detection(until_message_end=True)),
    Bridge("a", "b"),
    HangUp("a"),
)
HAPPENINGS: tuple[Happening, ...] = (
    Incoming("a", "+1", "+2", "Jo", "t"),
    Rang("a"),
    Answered("a", "human_residence"),
    Key("a", "#"),
    PlayEnded("a", 1, "no"),
    Heard("a", 3, "hello", 0.5),
    RecordEnded("a", 4, "hangup", "file", "", 3, 2),
    HungUp("a", "failed", "us", 41, 503),
)
SIP = EmbeddedSettings(
    port=0,
    trunks=(Trunk(name="t", addresses=("127.0.0.0/8",), host="127.0.0.1", user="u", password="secret"),),
    phones=(Phone(user="desk", password="secret", extension="7000"),),
)
BEGIN = Begin(sip=SIP, recordings="there", log_level=20, more=b"\x00\xff")


@pytest.mark.parametrize("message", [BEGIN, End(), *(Take(order, "account") for order in ORDERS)])
def test_what_a_process_is_told_comes_whole(message: ToProcess) -> None:
    assert to_process.decode(encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [Opened("::1", 5060), Refused("taken", True), Pulse(1, 2, 3, 4.5), Ended(Pulse()), *(Told(told, "x") for told in HAPPENINGS)],
)
def test_what_a_process_tells_comes_whole(message: FromProcess) -> None:
    assert from_process.decode(encode(message)) == message


def test_each_order_and_happening_is_among_them() -> None:
    assert {type(order) for order in ORDERS} == set(Order.__args__)
    assert {type(told) for told in HAPPENINGS} == set(Happening.__args__)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\xc1",
        encode(Opened("h", 1)),
        encode(Take(Answer("a"), "x"))[:-1],
        encode({"type": "Take", "order": 7, "account": ""}),
    ],
)
def test_nonsense_is_refused(nonsense: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        to_process.decode(nonsense)


def test_what_is_begun_with_shows_nothing_of_itself() -> None:
    assert "secret" not in repr(BEGIN)


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(0, 400), max_size=20))
def test_messages_come_whole_wherever_the_stream_is_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(framed, sent))
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    framing = Framing()
    assert [message for a, b in pairwise(places) for message in framing.feed(stream[a:b])] == sent


def test_a_message_has_an_end() -> None:
    with pytest.raises(TooLong):
        framed(bytes(MOST_BYTES + 1))
    with pytest.raises(TooLong):
        Framing().feed((MOST_BYTES + 1).to_bytes(4))


def test_whose_a_leg_is_is_known_from_its_first_order_to_its_end() -> None:
    accounts = Accounts()
    accounts.told(Incoming("a", "+1", "+2"))
    assert accounts.get("a") == ""
    accounts.ordered(Take(Answer("a"), "us"))
    accounts.ordered(Take(Dial("b", "a", "+3", "+1"), "us"))
    accounts.ordered(Take(HangUp("a"), ""))
    assert (accounts.get("a"), accounts.get("b")) == ("us", "us")
    accounts.told(HungUp("a"))
    accounts.ordered(Take(HangUp("a"), "us"))
    accounts.ordered(Take(HangUp("c"), "us"))
    assert (accounts.get("a"), accounts.get("c")) == ("", "")
