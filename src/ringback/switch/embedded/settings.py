"""What an operator says of the embedded switch (`--sip-config FILE`): SIP, and the ports and bounds of its media.

The file is JSON with the fields of `sip.settings.SipSettings` and these; a field that is not known is refused.
"""

from ipaddress import ip_address, ip_network

import msgspec

from ringback.errors import BadSettings
from ringback.switch.embedded.sdp import Codec
from ringback.switch.embedded.sip.settings import SipSettings, checked


class EmbeddedSettings(SipSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """See the module.

    `rtp_ports`: first and last UDP port of the media; a leg takes an even one and leaves the odd one above it alone.
    `media_timeout_s`: a leg that sends nothing for so long and is not on hold is dead, and hung up. `media_from_strangers`: media
    may come from hosts that signalling never named (phones behind some NATs). `codecs`: by preference, for offers of ours.
    `sip_uris`: networks (CIDR) and host names that a document may dial SIP URIs of; without any, none.
    """

    rtp_ports: tuple[int, int] = (20_000, 21_999)
    media_timeout_s: float = 30.0
    media_from_strangers: bool = False
    codecs: tuple[Codec, ...] = ("PCMU", "PCMA")
    sip_uris: tuple[str, ...] = ()

    def is_phone(self, peer: str) -> bool:
        """Is this a phone that registers, by `Invited.peer`? Else it is a trunk."""
        return any(phone.user == peer for phone in self.phones)

    def may_dial_host(self, host: str) -> bool:
        """May a SIP URI of this host be dialled?"""
        name = host.strip("[]").lower()
        try:
            address = ip_address(name)
        except ValueError:
            return name in (entry.lower() for entry in self.sip_uris)
        return any(_is_network(entry) and address in ip_network(entry, strict=False) for entry in self.sip_uris)


def read_embedded_settings(text: bytes) -> EmbeddedSettings:
    """The settings of a JSON file. Raises BadSettings that names the field."""
    try:
        settings = msgspec.json.decode(text, type=EmbeddedSettings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSettings(f"sip_config: {error}") from None
    return check_embedded(settings)


def check_embedded(settings: EmbeddedSettings) -> EmbeddedSettings:
    """The same settings. Raises BadSettings that names the field."""
    checked(settings)
    first, last = settings.rtp_ports
    if not 1_024 <= first < last <= 65_535:
        raise BadSettings("sip_config: rtp_ports must be two ports from 1024 to 65535, the first below the last")
    if not 1 <= settings.media_timeout_s <= 3_600:
        raise BadSettings("sip_config: media_timeout_s must be 1 to 3600")
    if not settings.codecs or len(set(settings.codecs)) != len(settings.codecs):
        raise BadSettings("sip_config: codecs must name PCMU, PCMA or both")
    for entry in settings.sip_uris:
        if not entry or ("/" in entry and not _is_network(entry)):
            raise BadSettings(f"sip_config: sip_uris: expected a network or a host name, got {entry!r}")
    return settings


def _is_network(entry: str) -> bool:
    try:
        ip_network(entry, strict=False)
    except ValueError:
        return False
    return True
