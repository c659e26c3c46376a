"""Which addresses are public, and what an operator allowed beyond them. Pure.

The table is our own. Python's `is_global` calls 47 of the addresses global that a guard must refuse: multicast, the relays of 6to4,
IPv4 wrapped in IPv6. Sources: the IANA special-purpose registries (RFC 6890 and its updates) and the RFC that each row names. The
rule for NAT64 is that 64:ff9b::/96 means what the IPv4 address inside it means, since behind DNS64 every IPv4-only receiver has
such an address; everything else in ::/8 is refused, IPv4-mapped addresses of public hosts included, because nobody publishes them
in good faith.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from msgspec import Struct

from ringback.errors import BadSettings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this host (RFC 1122)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("100.64.0.0/10", "shared by carriers (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("168.63.129.16/32", "a cloud's own services"),
        ("169.254.0.0/16", "link-local, cloud metadata (RFC 3927)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("192.88.99.0/24", "6to4 relay (RFC 7526)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("198.18.0.0/15", "benchmarking (RFC 2544)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved, broadcast (RFC 1112)"),
    )
)
_REFUSED_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), why)
    for network, why in (
        ("::/8", "loopback, unspecified, wrapped IPv4 or unallocated (RFC 4291)"),
        ("100::/64", "discarded (RFC 6666)"),
        ("2001::/23", "protocol assignments, Teredo (RFC 2928)"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("2002::/16", "6to4 (RFC 7526)"),
        ("3fff::/20", "documentation (RFC 9637)"),
        ("5f00::/16", "segment routing (RFC 9602)"),
        ("fc00::/7", "unique local (RFC 4193)"),
        ("fe80::/10", "link-local (RFC 4291)"),
        ("fec0::/10", "site-local (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
    )
)
# The globally reachable assignments inside 2001::/23.
_REACHABLE_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:1::3/128",
        "2001:3::/32",
        "2001:4:112::/48",
        "2001:20::/28",
        "2001:30::/28",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_V4_MASK = 0xFFFF_FFFF


class AllowedNetwork(Struct, frozen=True):
    """A network that the operator allows although it is not public: for every account, or for one; on every port, or on one."""

    network: Network
    port: int | None = None
    account: str | None = None

    def covers(self, address: Address, port: int, account: str) -> bool:
        """True if this lifts the guard for that address, port and account. An IPv4 network never covers a wrapped IPv6 address."""
        return (
            (self.account is None or self.account == account)
            and (self.port is None or self.port == port)
            and self.network.version == address.version
            and address in self.network
        )


def read_allowed_network(text: str, account: str | None = None) -> AllowedNetwork:
    """`127.0.0.0/8`, `10.1.2.3:8443`, `fd00::/8`, `[fd00::/8]:443` → an allowed network. Raises BadSettings, which names the
    text."""
    network, port = text.strip(), None
    if network.startswith("["):
        network, closed, rest = network[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise BadSettings(f"allow-network {text!r}: an IPv6 network with a port is written [CIDR]:port")
        port = _read_port(text, rest[1:]) if rest else None
    elif network.count(":") == 1:
        network, _, digits = network.partition(":")
        port = _read_port(text, digits)
    try:
        return AllowedNetwork(ip_network(network), port, account)
    except ValueError as error:
        raise BadSettings(f"allow-network {text!r}: {error}") from None


def _read_port(text: str, digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65_535):
        raise BadSettings(f"allow-network {text!r}: a port is a number from 1 to 65535")
    return int(digits)


def why_not_public(address: Address, *, nat64_deny: bool = False) -> str | None:
    """One phrase why no webhook may go to this address, or None if it is public. `nat64_deny` refuses 64:ff9b::/96 as a whole."""
    if isinstance(address, IPv4Address):
        return next((why for network, why in _REFUSED_V4 if address in network), None)
    if address in _NAT64:
        return "NAT64 (RFC 6052)" if nat64_deny else why_not_public(IPv4Address(int(address) & _V4_MASK))
    if any(address in network for network in _REACHABLE_V6):
        return None
    return next((why for network, why in _REFUSED_V6 if address in network), None)


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped or NAT64 address, else the address itself: the host that is meant in the end."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & _V4_MASK)
    return address


def read_literal(host: str) -> Address | None:
    """The address that a host is written as, in any spelling that some resolver would accept, or None if it is a name.

    IPv6 with or without brackets; a scope (`%eth0`) is dropped. IPv4 as inet_aton reads it: one to four parts, decimal, octal
    (0177) or hexadecimal (0x7f), with or without a last dot. Raises ValueError for a host that is neither: it ends in a number,
    so it can be no name, and is no address (the host parser of the WHATWG URL standard draws the same line).
    """
    if host.startswith("["):
        if not host.endswith("]"):
            raise ValueError("a bracket is not closed")
        return IPv6Address(host[1:-1].partition("%")[0])
    if ":" in host:
        return IPv6Address(host.partition("%")[0])
    parts = host.removesuffix(".").split(".")
    if not _is_number(parts[-1]):
        return None
    if len(parts) > 4:
        raise ValueError("an IPv4 address has four parts at most")
    numbers = [_read_number(part) for part in parts]
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        raise ValueError("a part of the IPv4 address is too large")
    value = numbers[-1]
    for place, number in enumerate(numbers[:-1]):
        value += number << 8 * (3 - place)
    return IPv4Address(value)


def _is_number(part: str) -> bool:
    return part.isascii() and (part.isdigit() or part[:2].lower() == "0x")


def _read_number(part: str) -> int:
    if not part.isascii() or not part.isalnum():
        raise ValueError("a part of the IPv4 address is not a number")
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    return int(part, 8 if len(part) > 1 and part[0] == "0" else 10)
