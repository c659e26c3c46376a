"""The switch that the settings want. What the embedded one needs (sippy, the sound tables) is imported only where it is wanted.

Without `--sip-config` the embedded switch takes calls from this machine alone (127.0.0.0/8), without a password; everybody else is
a stranger and refused, wherever `--sip-listen` has it listen. With it, the file says who may call.
"""

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

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
    from ringback.switch.embedded.switch import EmbeddedSwitch

    sip = sip_settings(settings)
    speech = engine.speech
    speech.speaker.start()
    embedded = EmbeddedSwitch(
        clock,
        sip,
        speaker=speech.speaker,
        library=speech.sounds,
        recogniser=speech.listening,
        recordings=recordings,
        account_of=account_of,
    )
    return Made(embedded, None, embedded.account_of)


def sip_settings(settings: Settings) -> "EmbeddedSettings":
    """What the operator says of the embedded switch. Raises BadSettings."""
    from ringback.switch.embedded.settings import EmbeddedSettings, check_embedded, read_embedded_settings
    from ringback.switch.embedded.sip.settings import Trunk

    if settings.sip_config is not None:
        try:
            told = read_embedded_settings(settings.sip_config.read_bytes())
        except OSError as error:
            raise BadSettings(f"sip_config: {settings.sip_config}: {error.strerror}") from None
    else:
        told = EmbeddedSettings(trunks=(Trunk(name=LOCAL_TRUNK, addresses=("127.0.0.0/8", "::1/128")),))
    if settings.sip_listen is not None:
        host, port = read_listen(settings.sip_listen)
        told = replace(told, host=host, port=port)
    return check_embedded(told)


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
    told = sip_settings(settings)
    return [(told.host, told.port)] if told.port else []
