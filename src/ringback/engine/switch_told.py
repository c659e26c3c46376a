"""What the process of the embedded switch is told of what it plays and understands by: sent by the server, read by the process.

It goes over the pipe, in `Begin`, as JSON of plain values.
"""

import sys
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from ringback.delivery.addresses import AllowedNetwork
from ringback.delivery.egress import SenderSettings
from ringback.engine.speech import SoundSettings
from ringback.switch.speech.make import SpeechSettings

COMMAND: Final[Sequence[str]] = (sys.executable, "-m", "ringback.engine.switch_process")
_NETWORKS: Final = "allow_networks"


class _Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`SoundSettings` and what a resolver needs, of plain values. `sender` is without its networks: those are texts, with port and
    account."""

    speech: SpeechSettings
    sender: dict[str, Any]
    networks: tuple[tuple[str, int | None, str | None], ...]
    folder: str
    most: int
    nameservers: tuple[str, ...]


def told(settings: SoundSettings, nameservers: Sequence[str]) -> bytes:
    """For `Begin.more`."""
    sender = settings.sender
    return msgspec.json.encode(
        _Told(
            speech=settings.speech,
            sender={field.name: getattr(sender, field.name) for field in fields(sender) if field.name != _NETWORKS},
            networks=tuple((str(one.network), one.port, one.account) for one in sender.allow_networks),
            folder=str(settings.folder),
            most=settings.most,
            nameservers=tuple(nameservers),
        )
    )


def understood(more: bytes) -> tuple[SoundSettings, tuple[str, ...]]:
    """What `told` said: the settings, and the name servers. Raises msgspec.DecodeError."""
    said = msgspec.json.decode(more, type=_Told)
    values = {
        field.name: msgspec.convert(said.sender[field.name], field.type)
        for field in fields(SenderSettings)
        if field.name != _NETWORKS
    }
    networks = tuple(AllowedNetwork(ip_network(network), port, account) for network, port, account in said.networks)
    sender = SenderSettings(**values, allow_networks=networks)
    return SoundSettings(speech=said.speech, sender=sender, folder=Path(said.folder), most=said.most), said.nameservers
