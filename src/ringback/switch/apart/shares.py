"""One embedded switch's settings for several processes: each has an address of its own, and a part of the ports for sound. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from ringback.errors import BadSettings
from ringback.switch.embedded.settings import EmbeddedSettings, check_embedded


def shares(told: EmbeddedSettings, listen: Sequence[tuple[str, int]]) -> tuple[EmbeddedSettings, ...]:
    """The settings of each process, one for each address and port to listen on (none: one process, as `told` says). All other
    settings are those of each. Raises BadSettings."""
    if not listen:
        return (told,)
    fixed = [(host, port) for host, port in listen if port]
    if len(set(fixed)) != len(fixed):
        raise BadSettings("sip_listen: an address is given twice")
    if len(listen) > 1 and told.public_port is not None:
        raise BadSettings("sip_config: public_port is one port, and there are several sip_listen: leave it out")
    parts = _parts(*told.rtp_ports, len(listen))
    return tuple(
        check_embedded(replace(told, host=host, port=port, rtp_ports=part))
        for (host, port), part in zip(listen, parts, strict=True)
    )


def _parts(first: int, last: int, count: int) -> list[tuple[int, int]]:
    """A range of ports in parts of the same size, each from an even port to an odd one; one part is all of it. Raises
    BadSettings."""
    if count == 1:
        return [(first, last)]
    begin = first + first % 2
    size = (last - begin + 1) // count // 2 * 2
    if size < 2:
        raise BadSettings(f"sip_config: rtp_ports {first} to {last} are too few for {count} sip_listen")
    return [(begin + number * size, begin + (number + 1) * size - 1) for number in range(count)]
