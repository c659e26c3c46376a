"""The reference pages say what the program knows: every setting, command, route, field and event."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ringback.calls.updates import TYPES
from ringback.dialects import load_dialects
from ringback.settings import HELP, Settings
from ringback.webhooks.deliveries import TRANSITIONS

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (PAGES / name).read_text("utf-8")


def test_the_pages_are_not_older_than_the_program() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "reference.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`RINGBACK_{name.upper()}`" in page("settings.md")
    assert HELP[name]


@pytest.mark.parametrize("route", ["POST /v1/events", "GET /v1/deliveries", "DELETE /v1/endpoints/{endpoint_id}", "GET /healthz"])
def test_routes_are_documented(route: str) -> None:
    assert f"`{route}`" in page("api.md")


def test_every_type_event_and_state_is_named() -> None:
    events, api = page("events.md"), page("api.md")
    assert [name for name in TYPES if f"`{name}`" not in events] == []
    assert [e for d in load_dialects().values() for e in d.events if f"`{e}`" not in events] == []
    assert [state for state in TRANSITIONS if f"`{state}`" not in api] == []
