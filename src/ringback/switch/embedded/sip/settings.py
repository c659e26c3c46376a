"""What an operator says of SIP (`--sip-config FILE`): where to listen, who may call, where calls go.

The file is JSON; a field that is not known is refused. TLS and SRTP are not spoken: keep the way to a trunk private, or put a proxy
in front.
"""

from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal

import msgspec
from msgspec import Struct

from ringback.errors import BadSettings
from ringback.switch.embedded.signalling import Peer

Transport = Literal["udp", "tcp"]


class Trunk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A carrier, a PBX, another SIP server.

    `addresses`: networks (CIDR) that it calls from; whoever calls from there is let in without a password. Where two
    trunks' overlap, the narrower network wins. `host`, `port`, `transport`: where it takes calls; without `host` it only calls in.
    `user`, `password`: our answer to its challenge. `account`: whose its calls are.
    """

    name: str
    addresses: tuple[str, ...] = ()
    host: str | None = None
    port: int = 5060
    transport: Transport = "udp"
    user: str | None = None
    password: str | None = None
    account: str | None = None

    @property
    def peer(self) -> Peer | None:
        """Where calls to numbers go, None if it only calls in."""
        if self.host is None:
            return None
        return Peer(
            name=self.name, host=self.host, port=self.port, transport=self.transport, user=self.user, password=self.password
        )

    def __repr__(self) -> str:
        return f"Trunk({self.name!r})"


class Phone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A phone that registers. `extension`: the number that reaches it, its `user` if there is none. `account`: whose it is."""

    user: str
    password: str
    extension: str | None = None
    account: str | None = None

    def __repr__(self) -> str:
        return f"Phone({self.user!r})"


class SipSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One engine.

    `host`, `port`: where to listen, an IPv4 address; port 0 picks a free one. `transports`: UDP, TCP or both, on the same port.
    `public_address`: our address as the outside knows it, for Contact and SDP, where a NAT stands between; `public_port` if that
    differs too. `realm`: what phones are asked a password for. `algorithms`: how they may digest it; a phone takes the first that
    it knows, and some that know MD5 alone look at nothing but the first. `phones_from`: networks that phones may be in; elsewhere
    is a stranger. `strangers`: `refuse` answers 403, `silence` nothing. `max_legs`: with so many legs, whoever began them, further
    calls are refused with 503.
    """

    host: str = "127.0.0.1"
    port: int = 5060
    transports: tuple[Transport, ...] = ("udp", "tcp")
    public_address: str | None = None
    public_port: int | None = None
    realm: str = "ringback"
    algorithms: tuple[Literal["MD5", "SHA-256"], ...] = ("MD5", "SHA-256")
    trunks: tuple[Trunk, ...] = ()
    phones: tuple[Phone, ...] = ()
    phones_from: tuple[str, ...] = ("0.0.0.0/0", "::/0")
    strangers: Literal["refuse", "silence"] = "refuse"
    max_legs: int = 200

    @cached_property
    def networks(self) -> tuple[tuple[IPv4Network | IPv6Network, Trunk], ...]:
        """What trunks call from, the narrowest first."""
        known = [(ip_network(address), trunk) for trunk in self.trunks for address in trunk.addresses]
        return tuple(sorted(known, key=lambda row: -row[0].prefixlen))

    @cached_property
    def phone_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where phones may be."""
        return tuple(ip_network(address) for address in self.phones_from)

    def trunk_at(self, address: str) -> Trunk | None:
        """The trunk that calls from this address."""
        there = ip_address(address)
        return next((trunk for network, trunk in self.networks if there in network), None)

    def phones_at(self, address: str) -> bool:
        """True if a phone may be at this address."""
        return bool(self.phones) and any(ip_address(address) in network for network in self.phone_networks)

    def phone(self, name: str) -> Phone | None:
        """The phone with this user or extension."""
        return next((phone for phone in self.phones if name in (phone.user, phone.extension)), None)

    def account_of(self, peer: str) -> str | None:
        """Whose the calls of a trunk or a phone are, by `Invited.peer`."""
        for trunk in self.trunks:
            if trunk.name == peer:
                return trunk.account
        return next((phone.account for phone in self.phones if phone.user == peer), None)


def read_sip_settings(text: bytes) -> SipSettings:
    """The settings of a JSON file. Raises BadSettings that names the field."""
    try:
        settings = msgspec.json.decode(text, type=SipSettings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSettings(f"sip_config: {error}") from None
    return checked(settings)


def checked(settings: SipSettings) -> SipSettings:
    """The same settings. Raises BadSettings that names the field."""
    for field, address in (("host", settings.host), ("public_address", settings.public_address)):
        if address is not None and not _is_address(address):
            raise BadSettings(f"sip_config: {field} must be an IPv4 address, not {address!r}")
    for field, port in (("port", settings.port), ("public_port", settings.public_port or 1)):
        if not 0 <= port <= 65_535:
            raise BadSettings(f"sip_config: {field} must be 0 to 65535")
    if not settings.transports or len(set(settings.transports)) != len(settings.transports):
        raise BadSettings("sip_config: transports must name udp, tcp or both")
    if not settings.algorithms:
        raise BadSettings("sip_config: algorithms must name MD5, SHA-256 or both")
    if settings.max_legs < 1:
        raise BadSettings("sip_config: max_legs must be 1 at least")
    if '"' in settings.realm or not settings.realm.isprintable() or not settings.realm:
        raise BadSettings("sip_config: realm must be plain text")
    _check_networks("phones_from", settings.phones_from)
    for trunk in settings.trunks:
        _check_trunk(trunk, settings)
    _check_phones(settings)
    return settings


def _check_trunk(trunk: Trunk, settings: SipSettings) -> None:
    where = f"trunks[{trunk.name!r}]"
    _check_networks(f"{where}.addresses", trunk.addresses)
    if not trunk.addresses and trunk.host is None:
        raise BadSettings(f"sip_config: {where} needs addresses to call in from, or a host to take calls")
    if not 1 <= trunk.port <= 65_535:
        raise BadSettings(f"sip_config: {where}.port must be 1 to 65535")
    if trunk.host is not None and (not trunk.host or not all(c.isalnum() or c in "-._[]:" for c in trunk.host)):
        raise BadSettings(f"sip_config: {where}.host must be a name or an address")
    if (trunk.user is None) != (trunk.password is None):
        raise BadSettings(f"sip_config: {where} needs both user and password, or neither")
    if trunk.host is not None and trunk.transport not in settings.transports:
        raise BadSettings(f"sip_config: {where}.transport is {trunk.transport}, which transports does not name")


def _check_phones(settings: SipSettings) -> None:
    names = [trunk.name for trunk in settings.trunks]
    for phone in settings.phones:
        where = f"phones[{phone.user!r}]"
        if not phone.user or not all(c.isascii() and (c.isalnum() or c in "-._+*#") for c in phone.user):
            raise BadSettings(f"sip_config: {where}.user must be of letters, digits and -._+*#")
        if not phone.password:
            raise BadSettings(f"sip_config: {where}.password must not be empty")
        names += {phone.user, phone.extension or phone.user}
    if "" in names:
        raise BadSettings("sip_config: trunks need a name")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadSettings(f"sip_config: names of trunks and phones, and extensions, must differ: {sorted(twice)[0]!r}")


def _check_networks(field: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise BadSettings(f"sip_config: {field}: {error}") from None


def _is_address(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv4Address)
    except ValueError:
        return False
