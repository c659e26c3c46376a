"""How each platform writes an event as an HTTP request: one file a dialect, one small contract. Pure.

`load_dialects()` is the registry: the five that are built in, and those of installed packages.
"""

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ringback.errors import BadSettings

if TYPE_CHECKING:
    from ringback.dialects.contract import Dialect

ENTRY_POINT = "ringback.dialects"


@cache
def load_dialects() -> "dict[str, Dialect]":
    """Every dialect by its name; built at the first call, then the same object.

    A package adds one by an entry point of the group `ringback.dialects`: its name is the dialect's, its object satisfies
    `contract.Dialect`. Raises BadSettings if one cannot be loaded, calls itself otherwise, or takes a name that is taken: an
    installation whose endpoints might silently speak another dialect must not start.
    """
    # Loaded here, so that a receiver who imports only the signatures does not pay for the dialects.
    from ringback.dialects import bird, fonedynamics, standard, voc, voxtelesys

    built_in: tuple[Dialect, ...] = (bird.DIALECT, fonedynamics.DIALECT, standard.DIALECT, voc.DIALECT, voxtelesys.DIALECT)
    found = {dialect.name: dialect for dialect in built_in}
    for point in sorted(entry_points(group=ENTRY_POINT), key=lambda point: point.name):
        try:
            dialect: Dialect = point.load()
        except Exception as error:  # a stranger's package may raise anything; whatever it is, its dialect is missing
            raise BadSettings(f"dialect {point.name!r} ({point.value}) could not be loaded: {error!r}") from error
        if getattr(dialect, "name", None) != point.name:
            raise BadSettings(f"dialect {point.name!r} ({point.value}) calls itself {getattr(dialect, 'name', None)!r}")
        if point.name in found:
            raise BadSettings(f"dialect {point.name!r} ({point.value}) takes the name of one that is there already")
        found[point.name] = dialect
    return found
