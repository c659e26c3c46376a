"""Who may call in, how much strangers may ask, and where phones are."""

import logging

import pytest

from ringback.switch.embedded.sip import digest
from ringback.switch.embedded.sip.gate import Asked, Gate, Known, Refused, Verdict
from ringback.switch.embedded.sip.limits import Bucket, Interval
from ringback.switch.embedded.sip.registrar import Contact, Registrar, granted_s
from ringback.switch.embedded.sip.settings import Phone, SipSettings, Trunk

ALICE = Phone(user="alice", password="wonderland", extension="7000")
WIDE, NARROW = Trunk(name="wide", addresses=("203.0.113.0/24",)), Trunk(name="narrow", addresses=("203.0.113.8/32",))
SETTINGS = SipSettings(trunks=(WIDE, NARROW), phones=(ALICE,), phones_from=("192.0.2.0/24",))
NEAR, FAR = "192.0.2.5", "198.51.100.1"


def tries(gate: Gate, user: str, password: str, address: str = NEAR, now: float = 100.0, method: str = "INVITE") -> Verdict:
    asked = gate.phone(method, address, None, now)
    if isinstance(asked, Refused):
        return asked
    assert isinstance(asked, Asked)
    challenge = digest.best(asked.challenges)
    assert challenge is not None
    return gate.phone(method, address, digest.answer(challenge, user, password, method, "sip:x", "c"), now)


def test_trunks_are_known_by_their_address_and_the_narrowest_wins() -> None:
    gate = Gate(SETTINGS)
    assert gate.caller("203.0.113.8", None, 0) == Known(NARROW)
    assert gate.caller("203.0.113.9", None, 0) == Known(WIDE)
    assert gate.caller(FAR, None, 0) == Refused(403)


def test_a_phone_is_known_by_its_password() -> None:
    gate = Gate(SETTINGS)
    assert tries(gate, "alice", "wonderland") == Known(ALICE)
    assert isinstance(tries(gate, "alice", "wrong"), Asked)
    assert tries(gate, "alice", "wonderland", address=FAR) == Refused(403)


@pytest.mark.parametrize("user", ["alice", "nobody"])
def test_guessing_ends_and_tells_nothing(user: str) -> None:
    gate = Gate(SETTINGS)
    verdicts = [tries(gate, user, f"guess-{turn}") for turn in range(5)]
    assert [type(verdict) for verdict in verdicts] == [Asked, Asked, Refused, Refused, Refused]
    assert isinstance(tries(gate, "alice", "wonderland"), Refused if user == "alice" else Known)
    assert tries(gate, "alice", "wonderland", now=200.0) == Known(ALICE)


def test_an_address_that_guesses_at_many_users_is_refused() -> None:
    gate = Gate(SETTINGS)
    for turn in range(20):
        tries(gate, f"user-{turn}", "guess")
    assert tries(gate, "alice", "wonderland") == Refused(403)
    assert tries(gate, "alice", "wonderland", address="192.0.2.6") == Known(ALICE)


def test_an_algorithm_that_we_did_not_ask_for_is_none() -> None:
    gate = Gate(SipSettings(phones=(ALICE,), algorithms=("SHA-256",)))
    asked = gate.phone("INVITE", NEAR, None, 0)
    assert isinstance(asked, Asked)
    weaker = asked.challenges[0].replace("SHA-256", "MD5")
    challenge = digest.read_challenge(weaker)
    assert challenge is not None
    assert isinstance(gate.phone("INVITE", NEAR, digest.answer(challenge, "alice", "wonderland", "INVITE", "s", "c"), 0), Asked)


def test_strangers_are_noted_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(SETTINGS)
    with caplog.at_level(logging.WARNING, "ringback.sip"):
        for second in range(130):
            gate.stranger(FAR, 1_000.0 + second)
    assert [record.getMessage() for record in caplog.records] == [
        f"sip.stranger address={FAR} times={times}" for times in (1, 60, 60)
    ]


def test_room() -> None:
    gate = Gate(SipSettings(trunks=(WIDE,), strangers="silence"))
    assert all(gate.room("203.0.113.1", 0, request=True) for _ in range(10_000))
    assert not gate.room(FAR, 0, request=True)
    assert sum(gate.room(FAR, 0, request=False) for _ in range(1_000)) == 200
    assert gate.room(FAR, 1, request=False)


def test_who_is_in_a_call_with_us_is_no_stranger() -> None:
    gate = Gate(SipSettings(trunks=(WIDE,), strangers="silence"))
    assert all(gate.room(FAR, 0, request=True, in_call=lambda: True) for _ in range(1_000))
    assert not gate.room(FAR, 0, request=True, in_call=lambda: False)


def test_strangers_of_many_addresses_do_not_take_the_room_of_phones() -> None:
    gate = Gate(SETTINGS)
    assert tries(gate, "alice", "wonderland", now=0) == Known(ALICE)
    taken = sum(gate.room(f"198.51.{number // 250}.{number % 250}", 0, request=True) for number in range(5_000))
    assert taken == 1_000
    assert not gate.room("192.0.2.77", 0, request=True)
    assert gate.room(NEAR, 0, request=True)
    assert gate.room("203.0.113.9", 0, request=True)


def test_a_bucket_fills_again_and_forgets() -> None:
    bucket = Bucket(at_once=2, per_s=1)
    assert [bucket.take("a", 0) for _ in range(3)] == [True, True, False]
    assert bucket.empty("a", 0.5)
    assert not bucket.empty("a", 1)
    assert not bucket.empty("b", 0)
    assert bucket.take("a", 1)
    for number in range(10_001):
        bucket.take(f"x-{number}", 2)
    assert not bucket.empty("a", 2), "forgotten, whoever was silent for longest"


def test_an_interval_counts() -> None:
    interval = Interval(10)
    assert [interval.due("a", now) for now in (0, 1, 2, 10, 11, 30)] == [1, 0, 0, 3, 0, 2]


def contact(uri: str, until: float = 100.0) -> Contact:
    return Contact(uri=uri, source=("192.0.2.5", 5060), transport="udp", until=until)


def test_where_phones_are() -> None:
    registrar = Registrar()
    for number in range(6):
        registrar.add("alice", contact(f"sip:{number}"))
    assert [known.uri for known in registrar.contacts("alice", 0)] == [f"sip:{number}" for number in (5, 4, 3, 2, 1)]
    registrar.add("alice", contact("sip:2", until=200))
    assert registrar.contacts("alice", 0)[0].uri == "sip:2"
    registrar.remove("alice", "sip:5")
    registrar.remove("alice", "sip:unknown")
    registrar.remove("bob", "sip:unknown")
    assert [known.uri for known in registrar.contacts("alice", 150)] == ["sip:2"]
    registrar.remove("alice")
    assert registrar.contacts("alice", 0) == []


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, 3_600),
        ("60", 60),
        ("59", None),
        ("1", None),
        ("0", 0),
        ("99999999999999", 3_600),
        ("x", 3_600),
        ("-1", 3_600),
        ("٦٠", 3_600),
    ],
)
def test_how_long_a_registration_is_good(asked: str | None, granted: int | None) -> None:
    assert granted_s(asked) == granted
