"""The guard's three rules, and which URLs an endpoint may be made with."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.delivery.addresses import read_allowed_network
from ringback.delivery.egress import SenderSettings
from ringback.delivery.guard import Guard, check_url, is_local
from ringback.errors import Blocked, InvalidInput

LOCAL = {"127.0.0.1", "192.168.7.7", "::1", "0.0.0.0", "::"}


def guard(**how: object) -> Guard:
    return Guard(SenderSettings(**how), local=lambda address: str(address) in LOCAL)  # type: ignore[arg-type]


def refused(by: Guard, address: str, port: int = 443, account: str = "a") -> bool:
    return by.why_refused(ip_address(address), port, account) is not None


def test_public_addresses_pass_and_others_do_not() -> None:
    assert not refused(guard(), "93.184.216.34")
    assert refused(guard(), "192.168.1.1")
    assert not refused(guard(), "64:ff9b::808:808")
    assert refused(guard(nat64_deny=True), "64:ff9b::808:808")


def test_networks_lift_it_for_all_for_one_account_or_for_one_port() -> None:
    by = guard(allow_networks=(read_allowed_network("192.168.0.0/16:8080"), read_allowed_network("10.0.0.0/8", "a")))
    assert not refused(by, "192.168.1.1", 8080, "b")
    assert refused(by, "192.168.1.1", 8081, "a")
    assert not refused(by, "10.1.1.1", 1, "a")
    assert refused(by, "10.1.1.1", 1, "b")


EVERYTHING = tuple(read_allowed_network(text) for text in ("0.0.0.0/0", "::/0"))


@pytest.mark.parametrize(
    ("listener", "address", "port", "denied"),
    [
        (("192.168.7.7", 5432), "192.168.7.7", 5432, True),
        (("192.168.7.7", 5432), "192.168.7.7", 5433, False),
        (("192.168.7.7", 5432), "192.168.7.8", 5432, False),
        (("192.168.7.7", 5432), "::ffff:192.168.7.7", 5432, True),
        (("192.168.7.7", 5432), "64:ff9b::192.168.7.7", 5432, True),
        (("127.0.0.1", 8080), "0.0.0.0", 8080, True),
        (("127.0.0.1", 8080), "::", 8080, True),
        (("127.0.0.1", 8080), "127.0.0.2", 8080, False),
        (("0.0.0.0", 8080), "192.168.7.7", 8080, True),
        (("0.0.0.0", 8080), "127.0.0.1", 8080, True),
        (("0.0.0.0", 8080), "::1", 8080, True),
        (("0.0.0.0", 8080), "0.0.0.0", 8080, True),
        (("0.0.0.0", 8080), "192.168.7.8", 8080, False),
        (("0.0.0.0", 8080), "192.168.7.7", 8081, False),
        (("::", 8080), "127.0.0.1", 8080, True),
        (("", 8080), "127.0.0.1", 8080, True),
        (("::ffff:192.168.7.7", 80), "192.168.7.7", 80, True),
    ],
)
def test_our_own_listeners_are_refused_even_where_everything_is_allowed(
    listener: tuple[str, int], address: str, port: int, denied: bool
) -> None:
    assert refused(guard(allow_networks=EVERYTHING, refused_listeners=(listener,)), address, port) is denied


def test_what_is_local_is_asked_of_the_machine() -> None:
    assert is_local(ip_address("127.0.0.1"))
    assert is_local(ip_address("127.9.9.9"))
    assert is_local(ip_address("0.0.0.0"))
    assert not is_local(ip_address("198.51.100.7"))
    assert not is_local(ip_address("2001:db8::7"))


@given(st.lists(st.sampled_from(["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111"])), st.integers(0, 3))
def test_one_bad_address_refuses_the_whole_answer(good: list[str], at: int) -> None:
    guard().check_addresses(tuple(good), 443, "a")
    with pytest.raises(Blocked):
        guard().check_addresses((*good[:at], "10.0.0.1", *good[at:]), 443, "a")


# check_url

HTTPS_ONLY = SenderSettings()
OPEN = SenderSettings(
    allow_http=True, allow_networks=(read_allowed_network("127.0.0.0/8", "a"), read_allowed_network("10.0.0.0/8:8443"))
)

GOOD = (
    "https://example.com",
    "https://example.com/hook?x=1#ct=5",
    "HTTPS://EXAMPLE.com:8443/%00",
    "https://example.com?x=https://user@other/",
    "https://example.com.",
    "https://under_score.example.com/",
    "https://bücher.example/ü?ü=ü",
    "https://xn--bcher-kva.example/",
    "https://localhost/",
    "https://8.8.8.8/",
    "https://134744072/",
    "https://[2606:4700:4700::1111]:443/",
    "https://64.ff9b.example/",
)


@pytest.mark.parametrize("url", GOOD)
def test_good_urls(url: str) -> None:
    check_url(url, HTTPS_ONLY, "a")


BAD = {
    "no scheme": "example.com/hook",
    "another scheme": "file:///etc/passwd",
    "gopher": "gopher://example.com/",
    "http": "http://example.com/",
    "no host": "https:///hook",
    "empty": "",
    "credentials": "https://user:pass@example.com/",
    "credentials that look like a host": "https://example.com@127.0.0.1/",
    "a backslash": "https://example.com\\@127.0.0.1/",
    "a blank": "https://example.com/a b",
    "a line end": "https://example.com/\r\nX: 1",
    "a tab in the host": "https://exa\tmple.com/",
    "NUL": "https://example.com/\0",
    "DEL": "https://example.com/\x7f",
    "half a character": "https://example.com/\ud800",
    "port 0": "https://example.com:0/",
    "port 65536": "https://example.com:65536/",
    "a port in words": "https://example.com:https/",
    "a port with a sign": "https://example.com:+443/",
    "a port in other digits": "https://example.com:４４３/",
    "an empty port": "https://example.com:/",
    "a percent sign": "https://%31%32%37.0.0.1/",
    "a scope": "https://[fe80::1%25eth0]/",
    "an empty label": "https://example..com/",
    "a name that is too long": "https://" + "a." * 130 + "com/",
    "a label that is too long": "https://" + "a" * 64 + ".com/",
    "a character that no name has": "https://exa$mple.com/",
    "too long": "https://example.com/" + "a" * 8_192,
    "loopback": "https://127.0.0.1/",
    "loopback with a last dot": "https://127.0.0.1./",
    "loopback in short": "https://127.1/",
    "loopback as a number": "https://2130706433/",
    "loopback in octal": "https://0177.0.0.1/",
    "loopback in hexadecimal": "https://0x7f.0.0.1:8443/",
    "loopback in one hexadecimal": "https://0x7f000001/",
    "loopback in other digits": "https://１２７.０.０.１/",
    "loopback with other dots": "https://127。0。0。1/",
    "loopback in circles": "https://①②⑦.⓪.⓪.①/",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 loopback, written out": "https://[0:0:0:0:0:0:0:1]/",
    "mapped": "https://[::ffff:127.0.0.1]/",
    "metadata": "https://169.254.169.254/latest/",
    "no address": "https://1.2.3.4.5/",
    "ends in a number": "https://example.1/",
    "IPv6 without brackets": "https://2606:4700:4700::1111/",
    "a bracket that stays open": "https://[2606:4700:4700::1111/",
}


@pytest.mark.parametrize("what", BAD)
def test_bad_urls_name_the_field(what: str) -> None:
    with pytest.raises(InvalidInput) as error:
        check_url(BAD[what], HTTPS_ONLY, "a")
    assert error.value.field == "url"
    assert "pass" not in str(error.value)


def test_what_the_operator_allows_is_allowed() -> None:
    check_url("http://127.0.0.1:9000/", OPEN, "a")
    check_url("http://2130706433/", OPEN, "a")
    check_url("https://10.0.0.1:8443/", OPEN, "b")
    for url, account in (("http://127.0.0.1/", "b"), ("https://10.0.0.1/", "b"), ("ftp://127.0.0.1/", "a")):
        with pytest.raises(InvalidInput):
            check_url(url, OPEN, account)


@given(st.text(alphabet=st.sampled_from("htps:/.@[]%#?\\0127xaé。 \n"), max_size=40).map("https://".__add__))
def test_any_text_passes_or_is_refused_with_its_field(url: str) -> None:
    refused_field = "url"
    try:
        check_url(url, HTTPS_ONLY, "a")
    except InvalidInput as error:
        refused_field = error.field
    assert refused_field == "url"
