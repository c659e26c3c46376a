"""Whom a call goes to and whom it is for: what the switch says, as sippy's addresses. What nobody can be called by is refused."""

import re
from typing import Any

from msgspec import Struct
from sippy.SipAddress import SipAddress
from sippy.SipConf import SipConf
from sippy.SipURL import SipURL

from ringback.errors import InvalidInput
from ringback.switch.embedded.signalling import Peer
from ringback.switch.embedded.sip.network import Address, Transport
from ringback.switch.embedded.sip.registrar import Registrar
from ringback.switch.embedded.sip.settings import SipSettings
from ringback.switch.embedded.sip.wire import text_of

_USER = re.compile(r"[\x21-\x7e]{1,128}")


class CannotCall(InvalidInput):
    """Nobody can be called by that. `sip_status`: 404 a number without a trunk, 480 a phone that is not there, 484 no address."""

    def __init__(self, message: str, sip_status: int = 484) -> None:
        super().__init__(message)
        self.sip_status = sip_status


class Target(Struct, frozen=True):
    """The URI that is called (sippy's), the address that it goes by, and how."""

    uri: Any
    next_hop: Address
    transport: Transport


def target_of(to: str, peer: Peer | None, settings: SipSettings, registrar: Registrar, now: float) -> Target:
    """Where a call goes. Raises CannotCall."""
    phone = settings.phone(to if peer is None else peer.name)
    if phone is not None:
        contacts = registrar.contacts(phone.user, now)
        if not contacts:
            raise CannotCall(f"phone {phone.user} is not registered", 480)
        return Target(_uri(contacts[0].uri, 480), contacts[0].source, contacts[0].transport)
    if to.lower().startswith(("sip:", "sips:")):
        uri = _uri(to)
    elif peer is None:
        raise CannotCall("a number needs a trunk", 404)
    else:
        uri = SipURL(username=_user(to), host=peer.host, port=peer.port)
    if peer is not None:
        uri.transport = "tcp" if peer.transport == "tcp" else None
        return Target(uri, (peer.host, peer.port), peer.transport)
    address, transport = uri.getTAddr()
    if str(transport).lower() not in ("udp", "tcp"):
        raise CannotCall("only UDP and TCP are spoken")
    return Target(uri, address, "tcp" if str(transport).lower() == "tcp" else "udp")


def caller_of(from_: str, peer: Peer | None) -> Any:
    """Whom a call is for, as a From address. What cannot be one is left out: no call fails for that."""
    if from_.lower().startswith("sip:"):
        try:
            return SipAddress(url=_uri(from_), hadbrace=True)
        except CannotCall:
            from_ = ""
    user = "".join(character for character in from_ if "!" <= character <= "~")[:128]
    if user in ("", "anonymous"):
        return SipAddress(name="Anonymous", url=SipURL(username="anonymous", host="anonymous.invalid"), hadbrace=True)
    url = SipURL(username=user, host=SipConf.my_address)
    if peer is not None and peer.user is not None:  # a trunk that asks for a password wants its own domain
        url.host = peer.host
    return SipAddress(url=url, hadbrace=True)


def _user(number: str) -> str:
    if not _USER.fullmatch(number):
        raise CannotCall("not a number that could be called")
    return number


def _uri(text: str, status: int = 484) -> Any:
    try:
        uri = SipURL(text_of(text.encode()))
        (host, port), _ = uri.getTAddr()
    except Exception:  # sippy has no one type for what it cannot read
        raise CannotCall("not a SIP URI", status) from None
    plain = text.isprintable() and " " not in text and "<" not in text and ">" not in text
    if not plain or not str(host) or not 0 < int(port) < 65_536 or uri.headers or uri.scheme != "sip":
        raise CannotCall("not a SIP URI that could be called", status)
    return uri
