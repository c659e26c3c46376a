"""The switch that the settings want. The embedded one is in processes of its own (`switch.apart`), one for each address that it
listens on; what they need (sippy, the sound tables) is imported there alone.

Without `--sip-config` the embedded switch takes calls from this machine alone (127.0.0.0/8), without a password; everybody else is
a stranger and refused, wherever `--sip-listen` has it listen. With it, the file says who may call.
"""

import logging
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ringback.errors import BadSettings, InvalidInput
from ringback.settings import EMBEDDED, SIMULATED, Settings
from ringback.switch.port import Clock, Switch
from ringback.switch.simulated.script import parse_script
from ringback.switch.simulated.switch import SimulatedSwitch

if TYPE_CHECKING:
    from ringback.engine.server import Engine
    from ringback.switch.embedded.settings import EmbeddedSettings

LOCAL_TRUNK: Final = "local"
"""What calls of this machine come in by where no file says who may call."""


class Made(Struct, frozen=True):
    """`switch` None: there is none. `simulated`: the same, if scripts are for it. `account_of`: whose the calls of a trunk or a
    registered phone are, by the leg that came in."""

    switch: Switch | None = None
    simulated: SimulatedSwitch | None = None
    account_of: Callable[[str], str | None] = lambda _: None


def make_switch(engine: "Engine", clock: Clock, recordings: Path, account_of: Callable[[str], str]) -> Made:
    """The switch. `recordings`: a folder of its own for files. `account_of`: whose a leg is. Raises BadSettings."""
    settings = engine.settings
    if settings.switch == SIMULATED:
        try:
            script = parse_script(settings.simulate or "")
        except InvalidInput as error:
            raise BadSettings(f"simulate: {error}") from None
        simulated = SimulatedSwitch(clock, default_script=script, recordings=recordings)
        return Made(simulated, simulated)
    if settings.switch != EMBEDDED:
        return Made()
    from ringback.engine.speech import sound_settings
    from ringback.engine.switch_told import COMMAND, told
    from ringback.switch.apart.messages import Begin
    from ringback.switch.apart.switch import ApartSwitch

    processes = sip_processes(settings)
    begins = [
        Begin(
            sip=sip,
            recordings=str(recordings),
            log_level=logging.getLogger().getEffectiveLevel(),
            uvloop=type(engine.loop).__module__.startswith("uvloop"),
            more=told(sound_settings(settings, engine.sender_settings, number, len(processes)), settings.nameservers),
        )
        for number, sip in enumerate(processes)
    ]
    embedded = ApartSwitch(clock, begins, COMMAND, account_of=account_of, note=partial(engine.note, "gap"))
    return Made(embedded, None, embedded.account_of)


def sip_settings(settings: Settings) -> "EmbeddedSettings":
    """What the operator says of the embedded switch. Raises BadSettings."""
    from ringback.switch.embedded.settings import EmbeddedSettings, check_embedded, read_embedded_settings
    from ringback.switch.embedded.sip.settings import Trunk

    if settings.sip_config is not None:
        try:
            return read_embedded_settings(settings.sip_config.read_bytes())
        except OSError as error:
            raise BadSettings(f"sip_config: {settings.sip_config}: {error.strerror}") from None
    return check_embedded(EmbeddedSettings(trunks=(Trunk(name=LOCAL_TRUNK, addresses=("127.0.0.0/8", "::1/128")),)))


def sip_processes(settings: Settings) -> "tuple[EmbeddedSettings, ...]":
    """The same for each of its processes, where it listens and which ports its sound has. Raises BadSettings."""
    from ringback.switch.apart.shares import shares

    return shares(sip_settings(settings), [read_listen(text) for text in settings.sip_listen])


def read_listen(text: str) -> tuple[str, int]:
    """`HOST:PORT`, HOST an address of this machine. Raises BadSettings."""
    host, colon, port = text.rpartition(":")
    try:
        address = str(ip_address(host.strip("[]")))
    except ValueError:
        address = ""
    if not colon or not address or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise BadSettings(f"sip_listen: expected ADDRESS:PORT, got {text!r}")
    return address, int(port)


def sip_listeners(settings: Settings) -> list[tuple[str, int]]:
    """Where SIP is listened for: no webhook may go there. Raises BadSettings."""
    if settings.switch != EMBEDDED:
        return []
    return [(process.host, process.port) for process in sip_processes(settings) if process.port]
