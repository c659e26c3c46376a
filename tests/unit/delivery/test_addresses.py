"""Which addresses are public: the vectors of three egress guards, and their properties."""

import json
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.delivery.addresses import AllowedNetwork, read_allowed_network, read_literal, unwrapped, why_not_public
from ringback.errors import BadSettings

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "vectors" / "ssrf_addresses.json").read_text())
ROWS: list[dict[str, Any]] = VECTORS["vectors"]
NAT64 = ip_network("64:ff9b::/96")

v4 = st.ip_addresses(v=4)


def v6_in(network: str) -> st.SearchStrategy[IPv6Address]:
    return st.ip_addresses(v=6, network=network).map(lambda address: IPv6Address(int(address)))


def nat64(address: IPv4Address) -> IPv6Address:
    return IPv6Address(int(NAT64.network_address) + int(address))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['ip']} ({row['why']})")
def test_vectors(row: dict[str, Any]) -> None:
    expected = row["verdicts"].get("hook0") if row["expect"] == "POLICY" else row["expect"]
    if expected is None:
        # hook0 has no row for it: its rule is that NAT64 inherits the verdict of the IPv4 address inside.
        expected = "allow" if why_not_public(unwrapped(ip_address(row["ip"]))) is None else "deny"
    refused = why_not_public(ip_address(row["ip"]))
    assert ("allow" if refused is None else "deny") == expected


@pytest.mark.parametrize("row", [row for row in ROWS if ip_address(row["ip"]) in NAT64], ids=lambda row: row["ip"])
def test_the_setting_denies_nat64_as_a_whole(row: dict[str, Any]) -> None:
    assert why_not_public(ip_address(row["ip"]), nat64_deny=True) is not None


def test_the_standard_library_would_not_do() -> None:
    wrong = {
        row["ip"] for row in ROWS if row["expect"] != "POLICY" and ip_address(row["ip"]).is_global != (row["expect"] == "allow")
    }
    # Later versions of Python know a little more; what they get wrong was wrong before.
    assert wrong <= set(VECTORS["is_global_is_wrong_for"])
    assert len(wrong) > 20


@given(v4)
def test_nat64_inherits_the_verdict_of_the_address_inside(address: IPv4Address) -> None:
    assert (why_not_public(nat64(address)) is None) == (why_not_public(address) is None)


@given(v6_in("::/8"))
def test_all_else_in_the_first_eighth_is_denied(address: IPv6Address) -> None:
    assert address in NAT64 or why_not_public(address) is not None


@given(v6_in("64:ff9b::/32"))
def test_the_rest_of_the_nat64_block_is_denied(address: IPv6Address) -> None:
    assert address in NAT64 or why_not_public(address) is not None


@given(st.one_of(v6_in("2002::/16"), v6_in("2001::/32"), v6_in("ff00::/8"), v6_in("fe80::/10"), v6_in("fc00::/7")))
def test_tunnels_multicast_and_local_are_denied(address: IPv6Address) -> None:
    assert why_not_public(address) is not None


@given(v4)
def test_mapped_addresses_are_denied_whatever_is_inside(address: IPv4Address) -> None:
    assert why_not_public(IPv6Address(f"::ffff:{address}")) is not None


@given(v4)
def test_every_spelling_is_read_as_the_same_address(address: IPv4Address) -> None:
    number, parts = int(address), address.packed
    spellings = (
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"{parts[0]}.{parts[1]}.{number & 0xFFFF}.",
        f"0X{number:X}",
    )
    assert {read_literal(spelling) for spelling in spellings} == {address}


@given(st.ip_addresses(v=6))
def test_brackets_and_scope_are_unwrapped(address: IPv6Address) -> None:
    bare = IPv6Address(int(address))
    assert {read_literal(text) for text in (str(bare), f"[{bare}]", f"[{bare.exploded}]", f"{bare}%eth0", f"[{bare}%25eth0]")} == {
        bare
    }


@pytest.mark.parametrize(
    "name", ["example.com", "example.com.", "localhost", "1.example", "0x1.example", "a1", "x-1", "", "1.2.3.4.com"]
)
def test_names_are_no_literals(name: str) -> None:
    assert read_literal(name) is None


@pytest.mark.parametrize(
    "text",
    [
        "256.1.1.1",
        "1.1.1.256",
        "1.2.3.4.5",
        "08.1.1.1",
        "1..1",
        ".1",
        "0xg",
        "1.0x1g",
        "4294967296",
        "1.2.65536",
        "[::1",
        "[]",
        "[1.2.3.4]",
        "1:2",
        "example.0x7f",
    ],
)
def test_what_ends_in_a_number_and_is_no_address_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        read_literal(text)


@given(st.text(max_size=40))
def test_any_text_is_a_name_an_address_or_an_error(text: str) -> None:
    with suppress(ValueError):
        read_literal(text)


@pytest.mark.parametrize(
    ("text", "network", "port"),
    [
        ("127.0.0.0/8", "127.0.0.0/8", None),
        (" 10.1.2.3 ", "10.1.2.3/32", None),
        ("10.0.0.0/8:8443", "10.0.0.0/8", 8443),
        ("10.1.2.3:80", "10.1.2.3/32", 80),
        ("fd00::/8", "fd00::/8", None),
        ("::1", "::1/128", None),
        ("[fd00::/8]", "fd00::/8", None),
        ("[fd00::/8]:443", "fd00::/8", 443),
        ("[::1]:8080", "::1/128", 8080),
    ],
)
def test_allowed_networks_are_read(text: str, network: str, port: int | None) -> None:
    assert read_allowed_network(text, "a") == AllowedNetwork(ip_network(network), port, "a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "everything",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/8:",
        "10.0.0.0/8:0",
        "10.0.0.0/8:65536",
        "10.0.0.0/8:http",
        "[fd00::/8",
        "[fd00::/8]443",
    ],
)
def test_a_network_that_cannot_be_read_names_the_setting(text: str) -> None:
    with pytest.raises(BadSettings, match="allow-network"):
        read_allowed_network(text)


@pytest.mark.parametrize(
    ("network", "address", "port", "account", "covered"),
    [
        (AllowedNetwork(ip_network("10.0.0.0/8")), "10.9.9.9", 1, "x", True),
        (AllowedNetwork(ip_network("10.0.0.0/8")), "11.0.0.0", 1, "x", False),
        (AllowedNetwork(ip_network("10.0.0.0/8"), 443), "10.9.9.9", 443, "x", True),
        (AllowedNetwork(ip_network("10.0.0.0/8"), 443), "10.9.9.9", 80, "x", False),
        (AllowedNetwork(ip_network("10.0.0.0/8"), None, "a"), "10.9.9.9", 80, "a", True),
        (AllowedNetwork(ip_network("10.0.0.0/8"), None, "a"), "10.9.9.9", 80, "b", False),
        (AllowedNetwork(ip_network("10.0.0.0/8")), "::ffff:10.0.0.1", 80, "x", False),
        (AllowedNetwork(ip_network("10.0.0.0/8")), "64:ff9b::10.0.0.1", 80, "x", False),
        (AllowedNetwork(ip_network("fd00::/8")), "fd00::1", 80, "x", True),
    ],
)
def test_what_an_allowed_network_covers(network: AllowedNetwork, address: str, port: int, account: str, covered: bool) -> None:
    assert network.covers(ip_address(address), port, account) is covered
