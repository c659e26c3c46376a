"""How long an application may take and how often it is asked, as its URL's fragment says: `https://host/voice#ct=2000&rc=2&rp=all`.

Source: Twilio's page on connection overrides (`twilio.com/docs/usage/webhooks/webhooks-connection-overrides`), whose words, ranges
and defaults these are. A fragment never travels, so nothing of it reaches the application. What is not known, or out of range, is
as if it were not there, and is noted. Pure.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args
from urllib.parse import unquote

from msgspec import Struct

Policy = Literal["4xx", "5xx", "ct", "rt"]
"""What is tried again: an answer of that class, no connection, no answer in time."""

_RANGES: Final[Mapping[str, tuple[int, int]]] = {"ct": (100, 10_000), "rt": (100, 15_000), "tt": (100, 15_000), "rc": (0, 5)}
_ALL: Final[frozenset[Policy]] = frozenset(get_args(Policy))


class Overrides(Struct, frozen=True, kw_only=True):
    """`connect_s`: for name, TCP and TLS; None: as for every webhook (5 s unless the operator says otherwise). `read_s`: from the
    request to the first byte of the answer. `total_s`: for everything, tries and their answers' last bytes. `retries`: after the
    first try, for what `policy` names. `notes`: what was ignored, a line each."""

    connect_s: float | None = None
    read_s: float = 15.0
    total_s: float = 15.0
    retries: int = 1
    policy: frozenset[Policy] = frozenset({"ct"})
    notes: tuple[str, ...] = ()


def split_overrides(url: str) -> tuple[str, Overrides]:
    """The URL without its fragment, and what the fragment asks for."""
    base, _, fragment = url.partition("#")
    if not fragment:
        return base, _DEFAULTS
    numbers: dict[str, int] = {}
    policy: frozenset[Policy] | None = None
    notes: list[str] = []
    for pair in fragment.split("&"):
        name, _, value = map(unquote, pair.partition("="))
        if name == "rp":
            policy = _policy(value, notes) or policy
        elif name not in _RANGES:
            notes.append(f"the URL's fragment: {name!r} is not known and was ignored")
        else:
            least, most = _RANGES[name]
            if value.isascii() and value.isdigit() and least <= int(value[:9]) <= most:
                numbers[name] = int(value)
            else:
                notes.append(f"the URL's fragment: {name}={value} is not between {least} and {most} and was ignored")
    return base, Overrides(
        connect_s=numbers["ct"] / 1000 if "ct" in numbers else None,
        read_s=numbers.get("rt", 15_000) / 1000,
        total_s=numbers.get("tt", 15_000) / 1000,
        retries=numbers.get("rc", 1),
        policy=_DEFAULTS.policy if policy is None else policy,
        notes=tuple(notes),
    )


def _policy(value: str, notes: list[str]) -> frozenset[Policy]:
    """What a list of policies names, as far as it is known."""
    wanted: set[Policy] = set()
    for word in value.split(","):
        known = _ALL if word == "all" else {policy for policy in _ALL if policy == word}
        if not known:
            notes.append(f"the URL's fragment: rp={word} is not known and was ignored")
        wanted |= known
    return frozenset(wanted)


_DEFAULTS: Final = Overrides()
