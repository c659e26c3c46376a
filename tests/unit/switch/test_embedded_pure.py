"""The pure parts of the embedded switch: where a dial goes, how legs end, what its settings may say, the row of what is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ringback.calls.disposition import final_status
from ringback.calls.live import Happening, Rang, RingTone, Silence, Sound, Speech, Tones
from ringback.errors import BadSettings
from ringback.switch.clock import VirtualClock
from ringback.switch.embedded.endings import CAUSES, ending_of
from ringback.switch.embedded.media.g711 import PCMU
from ringback.switch.embedded.repertoire import Repertoire
from ringback.switch.embedded.routes import NoRoute, Route, route, uri_host
from ringback.switch.embedded.row import Row
from ringback.switch.embedded.settings import EmbeddedSettings, read_embedded_settings
from ringback.switch.embedded.signalling import Ended
from ringback.switch.embedded.sip.settings import Phone, Trunk
from ringback.switch.embedded.world import facing
from ringback.switch.port import Handle
from ringback.switch.simulated.endings import ENDINGS, Ending
from ringback.switch.speech.port import Clip

SETTINGS = EmbeddedSettings(
    trunks=(
        Trunk(name="in", addresses=("192.0.2.0/24",)),
        Trunk(name="all", host="192.0.2.7"),
        Trunk(name="theirs", host="carrier.example", account="them"),
    ),
    phones=(Phone(user="ann", password="x", extension="7000"), Phone(user="bob", password="x", account="them")),
    sip_uris=("203.0.113.0/24", "pbx.example.com"),
)


def test_a_phone_is_inside_and_a_trunk_is_not() -> None:
    assert [SETTINGS.is_phone(peer) for peer in ("ann", "bob", "all", "7000", "")] == [True, True, False, False, False]


# Where a dial goes
@pytest.mark.parametrize(
    ("to", "account", "peer"),
    [
        ("+13005550199", "us", "all"),
        ("+13005550199", "them", "theirs"),
        ("7000", "us", None),
        ("ann", "us", None),
        ("bob", "them", None),
        ("bob", "us", "all"),  # whose phone that is, is nobody else's business
        ("sip:x@203.0.113.9:5080;transport=tcp", "us", None),
        ("sip:PBX.example.com", "us", None),
    ],
)
def test_a_dial_has_one_way(to: str, account: str, peer: str | None) -> None:
    found = route(to, account, SETTINGS)
    assert (found.peer.name if found.peer else None) == peer


@pytest.mark.parametrize("to", ["sip:x@198.51.100.1", "sip:x@evil.example", "sips:x@203.0.113.9", "sip:", "sip:x@203.0.113.9 y"])
def test_a_uri_that_nobody_allowed_leads_nowhere(to: str) -> None:
    with pytest.raises(NoRoute):
        route(to, "us", SETTINGS)


def test_without_a_trunk_numbers_lead_nowhere() -> None:
    with pytest.raises(NoRoute):
        route("+13005550199", "us", EmbeddedSettings())
    with pytest.raises(NoRoute):
        route("+13005550199", "us", EmbeddedSettings(trunks=(Trunk(name="theirs", host="h", account="them"),)))


def test_the_far_address_is_known_where_it_is_written() -> None:
    addresses = [route(to, "us", SETTINGS).address for to in ("+1", "7000", "sip:x@203.0.113.9", "sip:x@pbx.example.com")]
    assert addresses == ["192.0.2.7", "", "203.0.113.9", ""]
    assert Route("sip:x@[2001:db8::1]:5060", None).address == "2001:db8::1"
    assert [uri_host(uri) for uri in ("sip:a:b@h.example:1", "tel:+1", "sip:a@b@c")] == ["h.example", None, None]


def test_on_all_addresses_the_one_that_a_far_end_sees_is_named() -> None:
    assert facing("127.0.0.1") == "127.0.0.1"
    assert facing("::1") in ("::1", "127.0.0.1")


# How legs end
@pytest.mark.parametrize(
    ("ended", "incoming", "up", "told"),
    [
        (Ended("l", "far", None, 16, True), True, True, ENDINGS["caller left"]),
        (Ended("l", "far", None, 31, True), False, True, Ending("completed", "callee", 31, 200)),
        (Ended("l", "far", 487, None), True, False, ENDINGS["caller gave up"]),
        (Ended("l", "far", 486), False, False, ENDINGS["busy"]),
        (Ended("l", "far", 600), False, False, Ending("busy", "callee", 17, 600)),
        (Ended("l", "far", 603), False, False, ENDINGS["reject"]),
        (Ended("l", "far", 404), False, False, ENDINGS["fail"]),
        (Ended("l", "far", 408), False, False, Ending("no-answer", "callee", 102, 408)),
        (Ended("l", "far", 503, 17), False, False, Ending("busy", "callee", 17, 503)),
        (Ended("l", "us", 480), False, False, Ending("no-answer", "us", 18, 480)),
        (Ended("l", "far", 302), False, False, Ending("failed", "callee", 127, 302)),
        (Ended("l", "far", None), False, False, Ending("failed", "callee", 41, 500)),
    ],
)
def test_an_end_is_told_in_our_words(ended: Ended, incoming: bool, up: bool, told: Ending) -> None:
    assert ending_of(ended, incoming=incoming, up=up) == told


@pytest.mark.parametrize("status", [*CAUSES, 300, 301, 499, 699])
def test_what_is_told_agrees_with_the_table_of_dispositions(status: int) -> None:
    told = ending_of(Ended("l", "far", status), incoming=False, up=False)
    said = final_status(
        answered=False, caller_gave_up=False, sip_status=told.sip_status, q850_cause=told.cause, hangup_cause_name=None
    )
    assert said == told.status


# Settings
def test_settings_are_those_of_sip_and_more() -> None:
    read = read_embedded_settings(json.dumps({"port": 5080, "rtp_ports": [30_000, 30_999], "codecs": ["PCMA"]}).encode())
    assert (read.port, read.rtp_ports, read.codecs, read.media_timeout_s) == (5080, (30_000, 30_999), ("PCMA",), 30.0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rtp_ports": [30_000, 30_000]}, "rtp_ports"),
        ({"rtp_ports": [80, 30_000]}, "rtp_ports"),
        ({"media_timeout_s": 0}, "media_timeout_s"),
        ({"codecs": []}, "codecs"),
        ({"codecs": ["G729"]}, "codecs"),
        ({"sip_uris": ["10.0.0.0/99"]}, "sip_uris"),
        ({"sip_uris": [""]}, "sip_uris"),
        ({"host": "pbx.example"}, "host"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_settings_that_do_not_hold_are_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        read_embedded_settings(json.dumps(wrong).encode())


def test_a_file_that_is_no_json() -> None:
    with pytest.raises(BadSettings, match="sip_config"):
        read_embedded_settings(b"{")


# The row
def test_what_is_told_keeps_its_order_and_never_comes_from_within_an_order() -> None:
    clock, told = VirtualClock(), list[str]()
    row = Row(clock)

    def listener(happening: Happening) -> None:
        told.append(happening.leg)
        if happening.leg == "a":
            with row.held():
                row.tell(Rang("c"))
            told.append("a is over")

    row.listen(listener)
    with row.held():
        row.tell(Rang("a"))
        row.tell(Rang("b"))
        assert told == []
    assert told == []
    clock.advance()
    assert told == ["a", "a is over", "b", "c"]
    row.tell(Rang("d"))
    assert told[-1] == "d"


def test_a_listener_that_fails_hears_the_rest_later() -> None:
    clock, told = VirtualClock(), list[str]()
    row = Row(clock)

    def listener(happening: Happening) -> None:
        told.append(happening.leg)
        if happening.leg == "a":
            raise ZeroDivisionError

    row.listen(listener)
    with row.held():
        row.tell(Rang("a"))
        row.tell(Rang("b"))
    with pytest.raises(ZeroDivisionError):
        clock.advance()
    clock.advance()
    assert told == ["a", "b"]


# What is played
class Slow:
    """Speaks and fetches when it is told to."""

    def __init__(self) -> None:
        self.wanted: list[Callable[[Clip], None]] = []
        self.clock = VirtualClock()

    def say(self, speech: Speech, done: Callable[[Clip], None]) -> Handle:
        self.wanted.append(done)
        return self.clock.call_later(1, lambda: None)

    def get(self, account: str, url: str, done: Callable[[Clip], None]) -> Handle:
        self.wanted.append(done)
        return self.clock.call_later(1, lambda: None)


def test_what_is_not_there_yet_is_silence_until_it_comes() -> None:
    slow = Slow()
    items = (Speech("Hello"), Sound("https://x/y.wav"), Silence(0.04), Tones("1"), RingTone("uk"))
    sources, handles = Repertoire(slow, slow).sources(items, "us")
    assert (len(sources), len(handles), len(slow.wanted)) == (5, 2, 2)
    cursor = sources[0].begin()
    assert [cursor.take(PCMU) for _ in range(3)] == [PCMU.silence] * 3
    sound = b"\x00\x10" * 320
    slow.wanted[0](Clip(sound, "half of it"))
    assert [cursor.take(PCMU) for _ in range(3)] == [PCMU.encode(sound[:320]), PCMU.encode(sound[320:]), None]
    assert sources[0].error == "half of it"
    slow.wanted[1](Clip(b"", "404"))
    assert sources[1].begin().take(PCMU) is None
    assert sources[1].error == "404"
