"""What a call that is simulated on the server may reach: what the account's webhooks may, and no more."""

from ipaddress import ip_address

from ringback.delivery.addresses import read_allowed_network
from ringback.delivery.egress import SenderSettings
from ringback.engine.simulations import egress_of
from ringback.live.simulation import ACCOUNT

MINE, OTHERS = "account-1", "account-2"
SETTINGS = SenderSettings(
    allow_networks=(
        read_allowed_network("10.0.0.0/8"),
        read_allowed_network("192.168.1.0/24:8443", MINE),
        read_allowed_network("172.16.0.0/12", OTHERS),
    ),
    refused_listeners=(("127.0.0.1", 8080),),
    nat64_deny=True,
)


def reaches(account: str, address: str, port: int = 443) -> bool:
    return any(one.covers(ip_address(address), port, ACCOUNT) for one in egress_of(SETTINGS, account).allow_networks)


def test_networks_of_everybody_and_of_the_account_are_allowed_and_no_other() -> None:
    assert reaches(MINE, "10.1.2.3")
    assert reaches(MINE, "192.168.1.7", 8443)
    assert not reaches(MINE, "192.168.1.7", 443)
    assert not reaches(MINE, "172.16.0.1")
    assert not reaches(OTHERS, "192.168.1.7", 8443)
    assert reaches(OTHERS, "172.16.0.1")
    assert not reaches("account-3", "172.16.0.1")
    assert not reaches(MINE, "127.0.0.1")


def test_all_other_bounds_stay() -> None:
    found = egress_of(SETTINGS, MINE)
    assert (found.allow_http, found.refused_listeners, found.nat64_deny) == (False, SETTINGS.refused_listeners, True)
