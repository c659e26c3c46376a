"""Where a dial goes: to a phone that registers, by a SIP URI, or through a trunk. Pure."""

import re
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from ringback.errors import SwitchError
from ringback.switch.embedded.settings import EmbeddedSettings
from ringback.switch.embedded.signalling import Peer

_URI: Final = re.compile(r"sip:(?:[^@\s]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@:;?\s\[\]]+)(?::\d+)?(?:[;?].*)?", re.IGNORECASE)


class NoRoute(SwitchError):
    """There is no way. The message is for the operator's log."""


class Route(Struct, frozen=True):
    """What `Signalling.invite` is told."""

    to: str
    peer: Peer | None

    @property
    def address(self) -> str:
        """The IP address that its signalling goes to, empty if only a name is known, or the phone's registration knows."""
        host = self.peer.host if self.peer is not None else uri_host(self.to)
        try:
            return str(ip_address(host or ""))
        except ValueError:
            return ""


def route(to: str, account: str, settings: EmbeddedSettings) -> Route:
    """The way to whom an account dials. Phones and trunks of one account are not another's; those of nobody are everybody's. A
    trunk of the account's own comes before the others, and of those the first that takes calls. Raises NoRoute."""
    phone = settings.phone(to)
    if phone is not None and phone.account in (None, account):
        return Route(phone.user, None)
    if to.lower().startswith(("sip:", "sips:")):
        host = uri_host(to)
        if host is None or not settings.may_dial_host(host):
            raise NoRoute("a SIP URI of a host that sip_uris does not name")
        return Route(to, None)
    for owner in (account, None):
        for trunk in settings.trunks:
            if trunk.peer is not None and trunk.account == owner:
                return Route(to, trunk.peer)
    raise NoRoute("no trunk takes calls, and no phone has this name")


def uri_host(uri: str) -> str | None:
    """The host of a SIP URI; None: it is none."""
    found = _URI.fullmatch(uri)
    return found["host"].strip("[]") if found is not None else None
