"""What the demo plays and what must come of it: `calls.json`, `freeswitch.json`, `captures/`, `expected.json`.

`expected.json` is made by `tools/derive_expected.py` from what the SIP phones logged; that module says what its values mean.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

FOLDER = Path(__file__).parent


class DemoCall(Struct, frozen=True):
    """One recording. `story` is what happened, in words."""

    capture: str
    story: str


class DemoNumber(Struct, frozen=True):
    """A number that the demo's account registers."""

    number: str
    name: str
    channel_id: str
    trunk_id: str


class Script(Struct, frozen=True):
    """What is played, in order, and what the account registers."""

    calls: list[DemoCall]
    property: str
    numbers: list[DemoNumber]


class Wanted(Struct, frozen=True):
    """One webhook that must come. `at`: when it happened, as a phone saw it. `follows`: right after the one before, though both
    have the same time. `fields`: path → value or rule, by the platform's own names; `/` goes one level down."""

    event: str
    at: datetime
    fields: dict[str, Any]
    follows: bool = False


class WantedCall(Struct, frozen=True):
    """All webhooks of one call, by dialect, in order. Nothing else happened between `began` and `ended`."""

    capture: str
    began: datetime
    ended: datetime
    webhooks: dict[str, list[Wanted]]


class Expectation(Struct, frozen=True):
    """All calls; `tolerance_ms` is how far a time may be off."""

    tolerance_ms: int
    calls: list[WantedCall]

    @property
    def count(self) -> int:
        """How many webhooks there are in all."""
        return sum(len(rows) for call in self.calls for rows in call.webhooks.values())


def read_script(folder: Path = FOLDER) -> Script:
    """`calls.json`. Raises OSError, msgspec.ValidationError."""
    return msgspec.json.decode((folder / "calls.json").read_bytes(), type=Script)


def read_expectation(folder: Path = FOLDER) -> Expectation:
    """`expected.json`. Raises OSError, msgspec.ValidationError."""
    return msgspec.json.decode((folder / "expected.json").read_bytes(), type=Expectation)
