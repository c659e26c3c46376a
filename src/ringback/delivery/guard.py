"""The guard: to which addresses requests may go. Decides on values; the one question that it asks the machine is given to it."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address

from ringback.delivery.addresses import Address, read_literal, unwrapped, why_not_public
from ringback.delivery.egress import SenderSettings
from ringback.delivery.target import read_origin, split_url
from ringback.errors import Blocked, InvalidInput

_MAX_URL = 8_192


def is_local(address: Address) -> bool:
    """True if the address is one of this machine's own. Asked anew each time, since addresses come and go: only what is local can
    be bound to."""
    if address.is_unspecified or address.is_loopback:
        return True
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address.compressed, 0))
    except OSError:
        return False
    return True


class Guard:
    """What the settings allow. Three rules, in this order: our own listeners are refused; what the operator allowed is allowed;
    what is not public is refused."""

    def __init__(self, settings: SenderSettings, local: Callable[[Address], bool] = is_local) -> None:
        """`local` tells this machine's own addresses."""
        self._allowed = settings.allow_networks
        self._allow_http = settings.allow_http
        self._nat64_deny = settings.nat64_deny
        self._local = local
        listeners = [(unwrapped(ip_address(host or "::")), port) for host, port in settings.refused_listeners]
        self._listeners = frozenset(pair for pair in listeners if not pair[0].is_unspecified)
        self._everywhere = frozenset(port for address, port in listeners if address.is_unspecified)

    def why_refused(self, address: Address, port: int, account: str) -> str | None:
        """One line why this address and port are refused to this account, or None. Names no rule of the operator's."""
        meant = unwrapped(address)
        own = (meant, port) in self._listeners or (port in self._everywhere and self._local(meant))
        # A listener bound to one address is reached through 0.0.0.0 and :: as well.
        own = own or (meant.is_unspecified and any(port == listening for _, listening in self._listeners))
        if own:
            return f"{address} port {port} is not open to webhooks"
        if any(network.covers(address, port, account) for network in self._allowed):
            return None
        why = why_not_public(address, nat64_deny=self._nat64_deny)
        return None if why is None else f"{address} is not a public address: {why}"

    def check_scheme(self, scheme: str) -> None:
        """Raises Blocked for plain http where the operator did not allow it."""
        if scheme != "https" and not (scheme == "http" and self._allow_http):
            raise Blocked("only https is allowed")

    def check_addresses(self, addresses: tuple[str, ...], port: int, account: str) -> None:
        """Raises Blocked if one of the addresses is refused: a name with one bad address is refused as a whole, since its owner, or
        somebody who answers for it, tries to reach what is not theirs."""
        for text in addresses:
            address = read_literal(text)
            why = "an address cannot be read" if address is None else self.why_refused(address, port, account)
            if why is not None:
                raise Blocked(why)


def check_url(url: str, settings: SenderSettings, account: str) -> None:
    """Raises InvalidInput (field `url`) for a URL that no request may ever go to: wrong scheme, a host or port that cannot be,
    control characters, credentials (the caller has moved them away), a forbidden address in any spelling. What a name stands for
    is not asked: that is checked at each connect."""
    if len(url) > _MAX_URL:
        raise InvalidInput(f"the URL is longer than {_MAX_URL} characters", "url")
    if any(char <= " " or char == "\x7f" for char in url):
        raise InvalidInput("the URL has a blank or a control character", "url")
    origin = read_origin(split_url(url)[0])
    guard = Guard(settings)
    try:
        guard.check_scheme(origin.scheme)
        if origin.literal is not None:
            guard.check_addresses((origin.literal,), origin.port, account)
    except Blocked as refused:
        raise InvalidInput(str(refused), "url") from None
