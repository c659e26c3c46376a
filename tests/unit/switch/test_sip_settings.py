"""`--sip-config`: read whole, refused with the field's name."""

import json

import pytest

from ringback.errors import BadSettings
from ringback.switch.embedded.sip.settings import SipSettings, read_sip_settings

TRUNK = {
    "name": "carrier",
    "addresses": ["203.0.113.0/24"],
    "host": "sip.example.com",
    "user": "u",
    "password": "trunk-secret",
    "account": "a",
}
PHONE = {"user": "alice", "password": "phone-secret", "extension": "7000", "account": "b"}


def read(**said: object) -> SipSettings:
    return read_sip_settings(json.dumps(said).encode())


def test_a_whole_file() -> None:
    settings = read(host="0.0.0.0", port=5080, public_address="198.51.100.1", transports=["udp"], trunks=[TRUNK], phones=[PHONE])
    trunk = settings.trunk_at("203.0.113.77")
    assert trunk is not None
    assert trunk.peer is not None
    assert (trunk.peer.host, trunk.peer.port, trunk.peer.user) == ("sip.example.com", 5060, "u")
    assert settings.trunk_at("203.0.114.1") is None
    assert settings.phone("alice") is settings.phone("7000") is not None
    assert settings.phone("7001") is None
    assert (settings.account_of("carrier"), settings.account_of("alice"), settings.account_of("x")) == ("a", "b", None)


def test_nothing_is_needed() -> None:
    assert read() == SipSettings()
    assert not read().phones_at("127.0.0.1")


def test_no_secret_is_shown() -> None:
    shown = repr(read(trunks=[TRUNK], phones=[PHONE]))
    assert "secret" not in shown
    assert "secret" not in repr(read(trunks=[TRUNK]).trunks[0].peer)


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"prot": 1}, "prot"),
        ({"host": "localhost"}, "host"),
        ({"host": "::1"}, "host"),
        ({"public_address": "x"}, "public_address"),
        ({"port": 70_000}, "port"),
        ({"public_port": -1}, "public_port"),
        ({"transports": []}, "transports"),
        ({"transports": ["udp", "udp"]}, "transports"),
        ({"transports": ["tls"]}, "transports"),
        ({"algorithms": []}, "algorithms"),
        ({"max_legs": 0}, "max_legs"),
        ({"realm": 'a"b'}, "realm"),
        ({"realm": ""}, "realm"),
        ({"phones_from": ["here"]}, "phones_from"),
        ({"strangers": "welcome"}, "strangers"),
        ({"trunks": [{"name": "t"}]}, "addresses"),
        ({"trunks": [{"name": "", "addresses": ["10.0.0.0/8"]}]}, "name"),
        ({"trunks": [{**TRUNK, "addresses": ["10.0.0.1/8"]}]}, "addresses"),
        ({"trunks": [{**TRUNK, "port": 0}]}, "port"),
        ({"trunks": [{**TRUNK, "host": "a b"}]}, "host"),
        ({"trunks": [{**TRUNK, "password": None}]}, "user and password"),
        ({"transports": ["udp"], "trunks": [{**TRUNK, "transport": "tcp"}]}, "transport"),
        ({"trunks": [TRUNK, TRUNK]}, "carrier"),
        ({"phones": [{**PHONE, "user": 'a"b'}]}, "user"),
        ({"phones": [{**PHONE, "password": ""}]}, "password"),
        ({"phones": [PHONE, {**PHONE, "user": "bob"}]}, "7000"),
        ({"trunks": [{**TRUNK, "name": "alice"}], "phones": [PHONE]}, "alice"),
    ],
)
def test_what_is_refused(said: dict[str, object], names: str) -> None:
    with pytest.raises(BadSettings, match=f"sip_config: .*{names}") as refused:
        read(**said)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_json(text: bytes) -> None:
    with pytest.raises(BadSettings, match="sip_config"):
        read_sip_settings(text)
